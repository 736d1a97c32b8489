"""fit-source: vocabulary and S2IDM from the source domains of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from domains.domain import Domain
from domains.errors import InputError
from domains.union import refuse_same_names
from recipes.schema import Recipe, resolved
from transfer.diffusion.training import Log, SourceInterests, train_s2idm
from transfer.interests.original import original_interests
from transfer.items.semantics import Semantics
from transfer.runtime import Runtime
from transfer.source.artifact import DomainNote, SourceArtifact
from transfer.source.encoder import train_source_encoder
from transfer.source.growing import grown_s2idm
from vocab.coverage import Coverage
from vocab.text import item_texts
from vocab.vocabulary import SememeVocabulary


@dataclass(frozen=True, eq=False)
class FittedSource:
    """A source artifact and how well its vocabulary covers each domain.

    Attributes:
        artifact: ready to be saved.
        coverage: by domain name.
    """

    artifact: SourceArtifact
    coverage: dict[str, Coverage]


def fit_source(
    recipe: Recipe,
    sources: Sequence[Domain],
    target: Domain | None,
    runtime: Runtime,
    log: Log = lambda _: None,
    extends: SourceArtifact | None = None,
) -> FittedSource:
    """Build the vocabulary, weigh the users' interests, train S2IDM, then the encoder without item IDs.

    Args:
        recipe: settings; its domains are handed in opened.
        sources: at least one domain.
        target: its titles join the vocabulary where the recipe says so; its interactions are never read.
        runtime: device, processes, progress.
        log: one call an epoch.
        extends: an artifact to go on from: its anchors keep their ids, its weights are trained on.

    Raises:
        InputError: two domains of one name, or no title gave an anchor.
    """
    counted = target is not None and recipe.target_titles and not _counted_already(target, extends)
    named = [*sources, *([target] if target is not None and counted else [])]
    refuse_same_names(named)
    texts = {d.name: item_texts(d.titles, d.categories, recipe.vocabulary.source) for d in named}
    runtime.progress.say("Building the vocabulary")
    if extends is None:
        vocabulary = SememeVocabulary.build(texts, recipe.vocabulary)
    else:
        new = {name: text for name, text in texts.items() if name not in _targets_before(sources, extends)}
        vocabulary = extends.vocabulary.extended(new) if new else extends.vocabulary
    if len(vocabulary) == 0:
        raise InputError("no word of any title became an anchor", place="vocabulary", mend="Lower vocabulary.min_items")
    if extends is not None:
        for word in _what_stays(recipe, extends):
            runtime.progress.say(word)
    seed = recipe.seeds[0]
    interests, coverage, matrices = [], {}, []
    for domain in sources:
        encoded = vocabulary.encode(texts[domain.name])
        coverage[domain.name] = encoded.coverage
        matrices.append(encoded.matrix)
        everything = original_interests(
            domain, encoded.matrix, domain.offsets[:-1], domain.offsets[1:], recipe.interests, vocabulary.idf
        )
        refuse_without_anchors(domain, everything)
        interests.append(_objective(domain, encoded.matrix, everything, recipe, vocabulary, seed))
    start = None if extends is None else grown_s2idm(extends.s2idm, len(vocabulary), recipe.s2idm, seed)
    s2idm = train_s2idm(interests, recipe.s2idm, seed, runtime, log, start)
    notes = (() if extends is None else extends.domains) + tuple(DomainNote.of(domain) for domain in sources)
    semantics = Semantics.find(recipe.semantic, runtime)
    vectors = None if semantics is None else semantics.words(vocabulary.words)
    fingerprint = None if semantics is None else semantics.encoder.fingerprint
    transferable = train_source_encoder(
        recipe,
        sources,
        matrices,
        vocabulary.idf,
        s2idm,
        vectors,
        semantics,
        runtime,
        log,
        None if extends is None else extends.transferable.weights,
    )
    artifact = SourceArtifact(
        vocabulary, s2idm.cpu(), recipe.interests, notes, seed, resolved(recipe), vectors, fingerprint, transferable,
        None if target is None or not recipe.target_titles else target.items_fingerprint,
    )  # fmt: skip
    return FittedSource(artifact, coverage)


def _counted_already(target: Domain, extends: SourceArtifact | None) -> bool:
    """Whether an artifact that is extended has this target's titles in its vocabulary.

    Raises:
        InputError: it has others under the target's name.
    """
    if extends is None or target.name not in extends.vocabulary.domains:
        return False
    if extends.target_items != target.items_fingerprint:
        raise InputError(
            "the artifact that is extended holds titles of this name already, and other ones", place=target.name,
            mend="Set target_titles: false, or give the target a name of its own",
        )  # fmt: skip
    return True


def _targets_before(sources: Sequence[Domain], extends: SourceArtifact) -> set[str]:
    """Names of the sources whose titles an artifact that is extended counts already, for one of them was its target."""
    return {
        source.name
        for source in sources
        if source.name in extends.vocabulary.domains and source.items_fingerprint == extends.target_items
    }


def refuse_without_anchors(source: Domain, anchors: csr_matrix) -> None:
    """Stop where S2IDM would have nothing to learn from.

    Args:
        source: the domain.
        anchors: of its items or its users.

    Raises:
        InputError: there are none.
    """
    if anchors.nnz == 0:
        raise InputError("no item of this source has an anchor", place=source.name, mend="Look at its titles")


def _what_stays(recipe: Recipe, extends: SourceArtifact) -> list[str]:
    """Settings of a recipe that an artifact which goes on to learn does not follow, and what it loses."""
    words = []
    for key in ("kind", "hidden", "time_embedding"):
        kept, asked = getattr(extends.s2idm.settings, key), getattr(recipe.s2idm, key)
        if kept != asked:
            words.append(f"s2idm.{key} stays {kept}, as in the artifact that is extended (the recipe says {asked})")
    if extends.transferable.weights and not recipe.source_encoder.channels:
        words.append("The source encoder of that artifact is left out; source_encoder.channels would go on from it")
    return words


def _objective(
    domain: Domain,
    anchors: csr_matrix,
    everything: csr_matrix,
    recipe: Recipe,
    vocabulary: SememeVocabulary,
    seed: int,
) -> SourceInterests:
    """What S2IDM learns from one domain: to reconstruct interests, or to predict what follows a random cut."""
    if recipe.s2idm.objective == "reconstruct":
        return SourceInterests(domain.name, everything, everything)
    starts, ends = domain.offsets[:-1], domain.offsets[1:]
    draws = np.random.default_rng(seed).random(domain.n_users)
    cuts = starts + 1 + (draws * np.maximum(domain.lengths - 1, 1)).astype(np.int64)
    cuts = np.minimum(cuts, ends)
    past = original_interests(domain, anchors, starts, cuts, recipe.interests, vocabulary.idf)
    future = original_interests(domain, anchors, cuts, ends, recipe.interests, vocabulary.idf)
    return SourceInterests(domain.name, past, future)
