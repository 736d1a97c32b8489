"""`TargetRun`: the product with everything that it needs to recommend, and the record of all variants."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
import yaml
from scipy.sparse import csr_matrix
from torch import Tensor

from domains.domain import Domain
from domains.errors import InputError, RunError
from domains.storage import load_domain, save_domain
from recipes.load import check_recipe, read_mapping
from recipes.schema import Recipe, resolved
from transfer.assembly import Unfilled, assemble
from transfer.diffusion.s2idm import S2IDM
from transfer.files import MADE_AGAIN, digest_of, write_json, write_tensors, write_text
from transfer.interests.settings import InterestSettings
from transfer.items.features import ItemFeatures
from transfer.items.settings import Channel
from transfer.model.recommender import SequentialRecommender
from transfer.model.scorer import Scorer
from transfer.registry import (
    Baseline,
    Items,
    Ranker,
    SourceKnowledge,
    Target,
    Trained,
    find_system,
    system_settings,
)
from transfer.report.run_record import RunRecord
from transfer.runs.artifact import (
    DOMAIN,
    ITEMS,
    METRICS,
    README,
    RECIPE,
    UNSEEN,
    VOCABULARY,
    WEIGHTS,
    Artifact,
    ArtifactConfig,
    read_vocabulary,
)
from transfer.runs.artifact_files import TensorFile
from transfer.runs.interest_factory import InterestFactory
from transfer.runs.item_tensors import csr_parts, item_tensors, read_items
from transfer.runs.plan import make_split
from transfer.runs.source_artifact import read_s2idm, s2idm_tensors
from transfer.runtime import Runtime
from transfer.terms.known import KnownItems
from transfer.terms.recent_items import RecentItems
from transfer.terms.weights import LateTermsAlone, TermWeights
from transfer.variants import Variant, parse_variant
from vocab.unseen.unseen_map import UnseenMap
from vocab.vocabulary import SememeVocabulary

KIND = "target"
POPULARITY = "popularity"
FOLLOWS = "follows"
COMPANIONS = "companions"
TASTE = "taste"
RECENT = "recent"
LATER_TERMS = ("terms.together", "terms.taste", "terms.recent")
"""Weights that may be missing in files of versions 4 and 5."""


class TargetConfig(ArtifactConfig):
    """The `config.json` of a target run."""

    kind: str = KIND
    variant: str
    channels: tuple[Channel, ...]
    domain: str
    domain_fingerprint: str
    sentence_encoder: str | None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TargetRun(Artifact):
    """The product of a run: the variant that was best on validation, with its data.

    Attributes:
        domain: the target, with its interactions.
        vocabulary: vocabulary of the source artifact.
        item_anchors: (I, q).
        features: features of the items.
        s2idm: the source's frozen S2IDM, or None.
        interests: settings of s'_0.
        variant: the product.
        weights: weights of its model.
        recipe: recipe of the run.
        metrics: metrics of all variants.
        counts: (I,) float32 training interactions of each item; NaN for items hidden from training.
        follows: (I, I) float32 counts of transitions in the training data.
        companions: (I, I) float32, cosines between the training users of items.
        taste: (I, I) float32, weights of a linear item model of the training users' items.
        recent: (I,) float32, levels of `RecentItems` now; None without times or training users.
        sentence_encoder: fingerprint of the titles' sentence encoder, or None.
    """

    config_type: ClassVar[type[ArtifactConfig]] = TargetConfig
    domain: Domain
    vocabulary: SememeVocabulary
    item_anchors: csr_matrix
    features: ItemFeatures
    s2idm: S2IDM | None
    interests: InterestSettings
    variant: Variant
    weights: dict[str, Tensor]
    recipe: Recipe
    metrics: RunRecord
    counts: npt.NDArray[np.float32]
    follows: csr_matrix
    companions: csr_matrix
    taste: csr_matrix
    sentence_encoder: str | None = None
    recent: npt.NDArray[np.float32] | None = None

    def __repr__(self) -> str:
        """Show variant, domain, size and folder."""
        d = self.domain
        size = f"{d.n_users:,} users, {d.n_items:,} items"
        return f"<TargetRun {self.variant.label} on {d.name}: {size}, in {self.folder or 'memory'}>"

    def model(self) -> SequentialRecommender:
        """Return the product's network in evaluation mode. Its scores lack the late terms, which `scorer` adds."""
        model = assemble(self.variant, self.recipe, self.features, len(self.vocabulary), seed=0)
        model.load_state_dict(self.weights)
        return model.eval()

    @property
    def has_model(self) -> bool:
        """Whether the product has a network; late terms alone have none."""
        return isinstance(find_system(self.variant.architecture), Trained)

    def scorer(self, device: torch.device) -> Scorer:
        """Return the scorer of the product, whose scores are those of `metrics.json`."""
        known, length = self.known_items(device), self.recipe.encoder.max_length
        if self.has_model:
            return Scorer.of_model(self.model().to(device), known, length, device)
        weights = TermWeights.of(self.weights) if self.variant.terms else TermWeights()
        # Late terms alone need no users, so they also serve from a copy without them.
        scorer = Scorer(model=None, known=known, weights=weights, max_length=length, device=device)
        system = find_system(self.variant.architecture)
        if self.variant.is_terms_alone or isinstance(system, Trained):
            return scorer
        return replace(scorer, ranker=self._ranker(system, device), personal=system.personal)

    def _ranker(self, system: Baseline, device: torch.device) -> Ranker:
        """Return the product's baseline, fitted again to the training part of the run's interactions."""
        if not self.domain.n_users:
            raise RunError(
                f"{system.name} counts interactions, and this copy holds none",
                location=self.folder,
                hint="Use the run itself, or share one whose product is late terms alone or has an encoder",
                code="run-without-users",
            )
        target = Target(
            split=make_split(self.domain, self.recipe),
            items=Items(self.item_anchors, self.vocabulary.idf),
            source=None if self.s2idm is None else SourceKnowledge(self.s2idm, self.interests),
            runtime=Runtime(device),
        )
        return system.fit(target, system_settings(system, self.recipe.systems))

    def interest_factory(self, domain: Domain, device: torch.device) -> InterestFactory:
        """Return the factory of interests for the users of a domain that has this run's items."""
        return InterestFactory(
            domain=domain,
            item_anchors=self.item_anchors,
            idf=self.vocabulary.idf,
            s2idm=self.s2idm,
            settings=self.interests,
            device=device,
        )

    def known_items(self, device: torch.device) -> KnownItems:
        """Return texts and training counts of the items, for late terms."""
        idf, titles = self.vocabulary.idf, self.features.title_vectors
        space = self.features.title_space
        return KnownItems(
            item_anchors=self.item_anchors,
            idf=idf,
            title_vectors=titles,
            device=device,
            counts=self.counts,
            follows=self.follows,
            title_space=space,
            companions=self.companions,
            taste=self.taste,
            recent=None if self.recent is None else RecentItems.at_end(self.recent),
        )

    def unseen(self) -> UnseenMap | None:
        """Return the map of unseen words from the run's folder, or None if there is none."""
        file = None if self.folder is None else self.folder / UNSEEN
        return UnseenMap.load(file, self.vocabulary) if file is not None and file.is_file() else None

    def _write(self, folder: Path) -> TargetConfig:
        save_domain(self.domain, folder / DOMAIN)
        self.vocabulary.save(folder / VOCABULARY)
        write_tensors(folder / WEIGHTS, self._weight_tensors())
        write_tensors(folder / ITEMS, self._item_tensors())
        write_text(folder / RECIPE, yaml.safe_dump(resolved(self.recipe), sort_keys=False, allow_unicode=True))
        write_json(folder / METRICS, self.metrics.as_dict())
        write_text(folder / README, _readme(self))
        return TargetConfig(
            vocabulary_fingerprint=self.vocabulary.fingerprint,
            s2idm=None if self.s2idm is None else self.s2idm.settings,
            interests=self.interests,
            variant=self.variant.label,
            channels=self.variant.channels,
            domain=self.domain.name,
            domain_fingerprint=self.domain.fingerprint,
            sentence_encoder=self.sentence_encoder,
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hexadecimal digits, of all that the product's scores depend on."""
        facts = {
            "data": f"{self.domain.fingerprint} {self.vocabulary.fingerprint}",
            "product": f"{self.variant.label} {self.interests.model_dump_json()}",
            "s2idm": "" if self.s2idm is None else self.s2idm.settings.model_dump_json(),
            "recipe": json.dumps(resolved(self.recipe), sort_keys=True),
        }
        return digest_of(self._weight_tensors() | self._item_tensors(), facts)

    def _weight_tensors(self) -> dict[str, Tensor]:
        return {f"model.{name}": value for name, value in self.weights.items()} | s2idm_tensors(self.s2idm)

    def _item_tensors(self) -> dict[str, Tensor]:
        tensors = item_tensors(self.item_anchors, self.features) | {POPULARITY: torch.from_numpy(self.counts)}
        for name, matrix in ((FOLLOWS, self.follows), (COMPANIONS, self.companions), (TASTE, self.taste)):
            tensors |= {f"{name}.{part}": value for part, value in csr_parts(matrix).items()}
        return tensors if self.recent is None else tensors | {RECENT: torch.from_numpy(self.recent)}

    @classmethod
    def _read(cls, folder: Path, config: TargetConfig) -> Self:
        vocabulary = read_vocabulary(folder, config)
        domain = load_domain(folder / DOMAIN)
        if domain.fingerprint != config.domain_fingerprint:
            raise RunError(
                "this is not the domain of the run",
                location=folder / DOMAIN,
                hint="Restore the folder, or adapt to the target again",
                code="run-mixed",
            )
        recipe = check_recipe(read_mapping(folder / RECIPE), folder / RECIPE)
        metrics = RunRecord.read(folder / METRICS)
        _check_sizes(metrics, domain, folder / METRICS)
        variant = parse_variant(config.variant, recipe.items.channels)
        items = TensorFile.open(folder / ITEMS)
        anchors, features = read_items(items, domain.n_items, len(vocabulary))
        counts = items.take(POPULARITY, domain.n_items, low=0, nan=True)
        follows = items.csr(FOLLOWS, domain.n_items, domain.n_items)
        companions = items.maybe_csr(COMPANIONS, domain.n_items, domain.n_items)  # none before version 5
        if companions is None:
            companions = csr_matrix(follows.shape, dtype=np.float32)
        taste = items.maybe_csr(TASTE, domain.n_items, domain.n_items, -torch.inf)  # before version 6: the companions
        recent = items.take(RECENT, domain.n_items, low=0, nan=True) if RECENT in items.tensors else None
        items.finish()
        file = TensorFile.open(folder / WEIGHTS)
        s2idm = read_s2idm(file, len(vocabulary), config.s2idm)
        weights = read_weights(file, variant, recipe, features, len(vocabulary))
        file.finish()
        return cls(
            domain=domain,
            vocabulary=vocabulary,
            item_anchors=anchors,
            features=features,
            s2idm=s2idm,
            interests=config.interests,
            variant=variant,
            weights=weights,
            recipe=recipe,
            metrics=metrics,
            counts=counts.numpy(),
            follows=follows,
            companions=companions,
            taste=companions if taste is None else taste,
            recent=None if recent is None else recent.numpy(),
            sentence_encoder=config.sentence_encoder,
        )


def _check_sizes(metrics: RunRecord, domain: Domain, path: Path) -> None:
    """Raise if the record is of another domain. A shared copy has no users, and its record says how many there were."""
    sizes = {"domain": domain.name, "items": domain.n_items}
    if domain.n_users:
        sizes |= {"users": domain.n_users, "interactions": domain.n_interactions}
    for name, size in sizes.items():
        if getattr(metrics, name) != size:
            raise RunError(
                f"{name} is {getattr(metrics, name)!r}, and the domain of this run has {size!r}",
                location=path,
                hint=MADE_AGAIN,
                code="run-damaged",
            )


def read_weights(
    file: TensorFile, variant: Variant, recipe: Recipe, features: ItemFeatures, width: int
) -> dict[str, Tensor]:
    """Return the weights of a variant, whose names begin with ``model.`` in the file.

    Raises:
        InputError: one is missing, superfluous, of another shape or type, or not finite.
    """
    if variant.terms or isinstance(find_system(variant.architecture), Trained):
        file = file.with_defaults({f"model.{name}": torch.tensor(0.0) for name in LATER_TERMS})
    if isinstance(find_system(variant.architecture), Trained):
        return file.state("model.", _meta_model(file, variant, recipe, features, width))
    return file.state("model.", LateTermsAlone()) if variant.terms else {}


def _meta_model(
    file: TensorFile, variant: Variant, recipe: Recipe, features: ItemFeatures, width: int
) -> SequentialRecommender:
    """Return the model whose weights a file must hold, on the meta device."""
    try:
        with torch.device("meta"), Unfilled():
            return assemble(variant, recipe, features, width, seed=0)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise file.error(f"does not fit the variant {variant}: {error}") from None


def _readme(run: TargetRun) -> str:
    d = run.domain
    return f"""---
library_name: sememe-transfer
tags: [recommender-system, cross-domain, sequential-recommendation]
---
# Target run: {d.name}

`{run.variant.label}`, {_why(run.metrics)}.
{d.name} has {d.n_users:,} users, {d.n_items:,} items and {d.n_interactions:,} interactions. Protocol, every figure and
the comparisons are in `metrics.json`; every setting is in `recipe.yaml`; one line an epoch in `training.jsonl`.

{_users_held(run)}
"""


def _users_held(run: TargetRun) -> str:
    """Describe which data of users the folder holds, and how to use the run."""
    history = '`transfer recommend FOLDER --history "title; title"`'
    if not run.domain.n_users:
        return f"""This copy holds no data of single users.

Use it: {history}."""
    return f"""This folder holds data of users; only its owner can read it, unless you change that:

- `domain/`: the ids of {run.domain.n_users:,} users, and item and time of each of their interactions.
- `pieces/`: the rank of each user's held-out item, by the user's number.
- `metrics.json`: one user's id, as an example.

`transfer share FOLDER OUT` writes a copy without users.

Use it: `transfer recommend FOLDER --user ID` or {history}."""


def _why(metrics: RunRecord) -> str:
    """Describe why this variant is the product."""
    if not metrics.protocol.training_users:
        return "chosen by its parts: no user trained, so nothing was validated"
    names = ", ".join(metrics.variants)
    beaten = "".join(
        f"; {name} scores higher there, but the difference is not significant" for name in metrics.product.beaten_by
    )
    return f"which validation prefers among {names}{beaten}"
