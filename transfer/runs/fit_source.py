"""fit-source: build the vocabulary and train S2IDM on the source domains of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from torch import Tensor

from domains.domain import Domain
from domains.errors import DataError, SettingsError
from recipes.schema import Recipe, resolved
from transfer.diffusion.extend import extended_s2idm
from transfer.diffusion.masked import make_s2idm
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.s2idm_training import SourceInterests, train_s2idm
from transfer.encoders.settings import EncoderSettings
from transfer.interests.original import original_interests
from transfer.items.sentence_vectors import Semantics, same_encoder
from transfer.items.settings import SEMANTIC_CHANNELS
from transfer.progress import S2IDM as S2IDM_STEP
from transfer.progress import SOURCE_ENCODER, VOCABULARY
from transfer.registry import trained_system
from transfer.runs.checkpoints import Checkpoints
from transfer.runs.checks import check_has_anchors
from transfer.runs.plan import Plan
from transfer.runs.source_artifact import DomainNote, SourceArtifact
from transfer.runs.source_encoder import train_source_encoder
from transfer.runtime import Runtime
from transfer.training.epochs import Log
from vocab.coverage import Coverage
from vocab.vocabulary import SememeVocabulary

_OF_THE_WEIGHTS = ("kind", "hidden", "time_embedding")
"""Settings of S2IDM that cannot change after training."""


@dataclass(frozen=True, eq=False)
class FittedSource:
    """A source artifact and its coverage of each domain.

    Attributes:
        artifact: ready to be saved.
        coverage: coverage by domain name.
    """

    artifact: SourceArtifact
    coverage: dict[str, Coverage]


def fit_source(
    plan: Plan,
    runtime: Runtime,
    log: Log = lambda _: None,
    extends: SourceArtifact | None = None,
    folder: Path | None = None,
    with_s2idm: bool = True,
) -> FittedSource:
    """Build the vocabulary, compute users' interests, train S2IDM, then the source encoder.

    Args:
        plan: settings and source domains. The target's titles join the vocabulary if the recipe says so; its
            interactions are never read.
        runtime: device, processes, progress.
        log: called after each epoch.
        extends: an artifact to extend: its anchors keep their ids, and its weights are trained further.
        folder: folder for checkpoints until the artifact is written; None for no checkpoints.
        with_s2idm: whether to train S2IDM; without sources it is never trained.

    Raises:
        InputError: two domains share a name, there is no anchor, no user can select the source encoder's epoch, or
            the extended artifact used another sentence encoder.
    """
    recipe, sources, seed = plan.recipe, plan.source_domains, plan.recipe.seeds[0]
    target = None if plan.target is None else plan.target.domain
    runtime.begin(VOCABULARY)
    vocabulary = _vocabulary(plan, extends)
    semantics = Semantics.find(recipe.semantic, runtime)
    if extends is not None:
        for word in _overruled_settings(recipe, extends):
            runtime.warn(word)
        if semantics is not None and _continues_with_vectors(recipe, extends):
            same_encoder(extends.sentence_encoder, semantics, "the titles that the source encoder learned from")
    encoded = [vocabulary.encode(plan.texts[domain.name]) for domain in sources]
    matrices = [one.matrix for one in encoded]
    interests = [
        _training_data(domain, matrix, recipe, vocabulary) for domain, matrix in zip(sources, matrices, strict=True)
    ]
    checkpoints = None
    if folder is not None:
        made_of = _made_of(recipe, sources, vocabulary, semantics, extends)
        checkpoints = Checkpoints(folder, made_of, runtime, replaces=True)
    runtime.begin(S2IDM_STEP)
    before = None if extends is None else extends.s2idm
    start = None if before is None else extended_s2idm(before, len(vocabulary), recipe.s2idm, seed)
    s2idm = _s2idm(interests, recipe, start, runtime, log, checkpoints) if sources and with_s2idm else None
    vectors = None if semantics is None else semantics.words(vocabulary.words)
    runtime.begin(SOURCE_ENCODER)
    transferable = train_source_encoder(
        recipe=recipe,
        sources=sources,
        item_anchors=matrices,
        idf=vocabulary.idf,
        anchor_vectors=vectors,
        semantics=semantics,
        runtime=runtime,
        log=log,
        start=_learned_before(recipe, extends),
        checkpoint=None if checkpoints is None else checkpoints.checkpoint("source-encoder", seed, "base"),
    )
    artifact = SourceArtifact(
        vocabulary=vocabulary,
        s2idm=None if s2idm is None else s2idm.cpu(),
        interests=recipe.interests,
        domains=(() if extends is None else extends.domains) + tuple(DomainNote.of(domain) for domain in sources),
        seed=seed,
        recipe=resolved(recipe),
        anchor_vectors=vectors,
        sentence_encoder=None if semantics is None else semantics.encoder.fingerprint,
        transferable=transferable,
        target_items=target.items_fingerprint if target is not None and recipe.target_titles else None,
    )
    return FittedSource(artifact, {domain.name: one.coverage for domain, one in zip(sources, encoded, strict=True)})


def _vocabulary(plan: Plan, extends: SourceArtifact | None) -> SememeVocabulary:
    """Build the vocabulary of the sources, and of the target's titles if the recipe says so or there is no source.

    Raises:
        InputError: no word of the sources becomes an anchor. A target alone does without.
    """
    sources, target = plan.source_domains, None if plan.target is None else plan.target.domain
    named = list(sources)
    if target is not None:
        counted = plan.recipe.target_titles and not _counted_already(target, extends)
        named += [target] if counted or not sources else []
    texts = {domain.name: plan.texts[domain.name] for domain in named}
    if extends is None:
        vocabulary = SememeVocabulary.build(texts, plan.recipe.vocabulary, needed=bool(sources))
    else:
        new = {name: text for name, text in texts.items() if name not in _targets_before(sources, extends)}
        vocabulary = extends.vocabulary.extended(new) if new else extends.vocabulary
    if sources and len(vocabulary) == 0:
        raise DataError(
            "no word of any title became an anchor",
            location="vocabulary",
            hint="Lower vocabulary.min_items",
            code="no-anchors",
        )
    return vocabulary


def _s2idm(
    interests: list[SourceInterests],
    recipe: Recipe,
    start: S2IDM | None,
    runtime: Runtime,
    log: Log,
    checkpoints: Checkpoints | None,
) -> S2IDM:
    """Train S2IDM, resuming from a checkpoint if there is one."""
    seed, part = recipe.seeds[0], ("s2idm", recipe.seeds[0], "base")
    if checkpoints is None:
        return train_s2idm(interests, recipe.s2idm, seed, runtime, log, start=start)
    found = checkpoints.weights(*part)
    if found is None:
        checkpoint = checkpoints.checkpoint(*part)
        model = train_s2idm(interests, recipe.s2idm, seed, runtime, log, start=start, checkpoint=checkpoint)
        checkpoints.keep_weights(*part, model.state_dict())
    else:
        model = start or make_s2idm(interests[0].inputs.shape[1], recipe.s2idm)
        model.load_state_dict(found)
        model = model.to(runtime.device).eval()
    checkpoints.forget(*part)
    return model


def _made_of(
    recipe: Recipe,
    sources: Sequence[Domain],
    vocabulary: SememeVocabulary,
    semantics: Semantics | None,
    extends: SourceArtifact | None,
) -> dict[str, Any]:
    """Return the settings and data that determine the weights of a source artifact."""
    settings = resolved(recipe)
    for key in ("variants", "seeds", "name", "description", "sources", "target", "unseen_map"):
        settings.pop(key)
    return {
        "settings": settings,
        "seed": recipe.seeds[0],
        "sources": [source.fingerprint for source in sources],
        "vocabulary": vocabulary.fingerprint,
        "sentence_encoder": None if semantics is None else semantics.encoder.fingerprint,
        "extends": None if extends is None else extends.fingerprint,
    }


def _counted_already(target: Domain, extends: SourceArtifact | None) -> bool:
    """Whether the extended artifact's vocabulary already holds this target's titles.

    Raises:
        InputError: the vocabulary holds other titles under the target's name.
    """
    if extends is None or target.name not in extends.vocabulary.domains:
        return False
    if extends.target_items != target.items_fingerprint:
        raise SettingsError(
            "the extended artifact holds other titles under this name",
            location=target.name,
            hint="Set target_titles: false, or rename the target",
            code="titles-differ",
        )
    return True


def _targets_before(sources: Sequence[Domain], extends: SourceArtifact) -> set[str]:
    """Return the names of sources whose titles the extended artifact already counts, because they were its target."""
    return {
        source.name
        for source in sources
        if source.name in extends.vocabulary.domains and source.items_fingerprint == extends.target_items
    }


def _continues_with_vectors(recipe: Recipe, extends: SourceArtifact) -> bool:
    """Return whether trained maps of sentence vectors are trained further."""
    learned = extends.learned_encoder
    return learned is not None and bool(SEMANTIC_CHANNELS & set(learned.channels) & set(recipe.source_encoder.channels))


def _kind(system: str, encoder: EncoderSettings) -> str:
    """Describe the kind of an encoder. Encoders of one kind can share weights."""
    return f"a {trained_system(system).family} of width {encoder.dim}"


def _learned_before(recipe: Recipe, extends: SourceArtifact | None) -> dict[str, Tensor]:
    """Return the weights to continue from; none if the source encoder is of another kind."""
    learned = None if extends is None else extends.learned_encoder
    if (
        extends is None
        or learned is None
        or _kind(learned.system, learned.settings) != _kind(recipe.source_encoder.system, recipe.encoder)
    ):
        return {}
    # Scales are stored in the order of the channels, so other channels cannot use them.
    same = learned.channels == recipe.source_encoder.channels
    return {name: tensor for name, tensor in extends.transferable.weights.items() if same or name != "items.log_scales"}


def _overruled_settings(recipe: Recipe, extends: SourceArtifact) -> list[str]:
    """Return warnings: settings of the recipe that the extended artifact overrules, and a dropped source encoder."""
    model = recipe.s2idm if extends.s2idm is None else extends.s2idm.settings
    vocabulary = extends.vocabulary.settings
    settled = [(f"s2idm.{key}", getattr(model, key), getattr(recipe.s2idm, key)) for key in _OF_THE_WEIGHTS]
    settled += [
        (f"vocabulary.{key}", getattr(vocabulary, key), getattr(recipe.vocabulary, key))
        for key in type(vocabulary).model_fields
        if key != "source"  # new titles are read as the recipe says
    ]
    words = [
        f"{key} stays {kept}, as in the extended artifact (the recipe has {asked})"
        for key, kept, asked in settled
        if kept != asked
    ]
    learned = extends.learned_encoder
    if learned is None:
        return words
    if not recipe.source_encoder.channels:
        words.append("The source encoder of that artifact is dropped; set source_encoder.channels to train it further")
        return words
    if _kind(learned.system, learned.settings) != _kind(recipe.source_encoder.system, recipe.encoder):
        words.append(
            f"The source encoder of that artifact is {_kind(learned.system, learned.settings)}, but the recipe asks "
            f"for {_kind(recipe.source_encoder.system, recipe.encoder)}: it is trained from scratch"
        )
    return words


def _training_data(
    domain: Domain, anchors: csr_matrix, recipe: Recipe, vocabulary: SememeVocabulary
) -> SourceInterests:
    """Return the training data of one domain: the same interests, or those after a random cut.

    Raises:
        InputError: no user has an anchor.
    """
    starts, ends = domain.offsets[:-1], domain.offsets[1:]
    everything = original_interests(domain, anchors, starts, ends, recipe.interests, vocabulary.idf)
    check_has_anchors(domain, everything)
    if recipe.s2idm.objective == "reconstruct":
        return SourceInterests(name=domain.name, inputs=everything, targets=everything)
    draws = np.random.default_rng(recipe.seeds[0]).random(domain.n_users)
    cuts = starts + 1 + (draws * np.maximum(domain.lengths - 1, 1)).astype(np.int64)
    # Users with a single interaction have no past and are skipped.
    cuts = np.where(domain.lengths > 1, cuts, starts)
    past = original_interests(domain, anchors, starts, cuts, recipe.interests, vocabulary.idf)
    future = original_interests(domain, anchors, cuts, ends, recipe.interests, vocabulary.idf)
    return SourceInterests(name=domain.name, inputs=past, targets=future)
