"""adapt-target: anchors, interests, and every variant with the same budget; all evaluated under both protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from torch import Tensor

from domains.domain import Domain
from domains.errors import InputError
from domains.split import Split, fewer_users, leave_one_out, temporal
from recipes.schema import Recipe, resolved
from transfer.assembly import assemble, start_from
from transfer.baselines.base import Evidence, find_baseline
from transfer.evaluation.protocol import targets_of
from transfer.evaluation.ranking import Ranking, ScoreRows, rank
from transfer.evaluation.scoring import model_scores
from transfer.features import available, item_features
from transfer.files import JsonLines
from transfer.interest_factory import InterestFactory
from transfer.items import ItemFeatures
from transfer.pieces import Piece, Pieces
from transfer.recommender import Recommender
from transfer.results import STAGES, SeedRankings
from transfer.runtime import Runtime
from transfer.semantics import Semantics
from transfer.source import SourceArtifact
from transfer.training import Log, Task, fit
from transfer.variants import BASELINES, Variant, base_name, parse_variant
from transfer.views import NoViews, Views
from vocab.coverage import Coverage
from vocab.text import item_texts

RECOMMENDED = 10
"""Items kept of every user's full ranking, for coverage and popularity bias."""


@dataclass(frozen=True, eq=False)
class Adapted:
    """Everything that adapting to a target found out.

    Attributes:
        split: of the target.
        coverage: of its items by anchors.
        item_anchors: (I, q).
        features: of its items.
        rankings: by variant.
        weights: by variant, the seed that validation prefers.
        best_seed: by variant.
        product: the trained variant that validation prefers.
        skipped: variants that need a sentence encoder where there is none.
    """

    split: Split
    coverage: Coverage
    item_anchors: csr_matrix
    features: ItemFeatures
    rankings: dict[str, SeedRankings]
    weights: dict[str, dict[str, Tensor]]
    best_seed: dict[str, int]
    product: Variant
    skipped: tuple[str, ...]


def make_split(domain: Domain, recipe: Recipe) -> Split:
    """Hold out targets as the recipe says, then let only its share of users train."""
    settings = recipe.evaluation
    if settings.validation_from is not None and settings.test_from is not None and settings.split == "temporal":
        split = temporal(domain, validation_from=settings.validation_from, test_from=settings.test_from)
    else:
        split = leave_one_out(domain, short_users=settings.short_users)
    return split if recipe.shots == 1 else fewer_users(split, recipe.shots, recipe.evaluation.seed)


def adapt_target(source: SourceArtifact, recipe: Recipe, domain: Domain, out: Path, runtime: Runtime) -> Adapted:
    """Train and evaluate every variant and seed of a recipe on a target domain.

    Args:
        source: vocabulary and frozen S2IDM.
        recipe: settings.
        domain: the target.
        out: folder of the run; finished pieces in it are not made again.
        runtime: device, processes, progress.

    Raises:
        InputError: the target shares no anchor with the source, or a variant cannot be made.
    """
    texts = item_texts(domain.titles, domain.categories, recipe.vocabulary.source)
    encoded = source.vocabulary.encode(texts)
    if encoded.matrix.nnz == 0:
        raise InputError(
            f"none of its {domain.n_items:,} items has an anchor of the source artifact", place=domain.name,
            mend="Use sources whose titles are in the same language, or fit them with this target in the recipe",
        )  # fmt: skip
    variants = [parse_variant(name, recipe.items.channels) for name in recipe.variants if name not in BASELINES]
    if not variants:
        raise InputError("only baselines are named, and nothing is trained", place="variants", mend="Add sasrec")
    split = make_split(domain, recipe)
    semantics = (
        Semantics.find(recipe.semantic, runtime) if any("title-semantic" in v.channels for v in variants) else None
    )
    skipped = tuple(v.name for v in variants if not available(v.channels, source.anchor_vectors, semantics))
    variants = [v for v in variants if v.name not in skipped]
    if not variants:
        raise InputError(
            "every trained variant needs a sentence encoder, and there is none", place="variants",
            mend='Install the extra: pip install "sememe-transfer[semantic]"',
        )  # fmt: skip
    channels = [channel for v in variants for channel in v.channels]
    features = item_features(domain, encoded.matrix, source.vocabulary.idf, channels, source.anchor_vectors, semantics)
    factory = InterestFactory(
        domain, encoded.matrix, source.vocabulary.idf, source.s2idm, source.interests, runtime.device
    )
    task = Task(split, recipe.encoder.max_length, recipe.training, recipe.evaluation, runtime)
    pieces = Pieces(out, _plan(source, recipe, domain), runtime.is_main)
    worker = _Worker(recipe, task, features, factory, pieces, _log(out, runtime))
    rankings: dict[str, SeedRankings] = {}
    weights: dict[str, dict[str, Tensor]] = {}
    best_seed: dict[str, int] = {}
    for name in recipe.variants:
        if name in skipped:
            runtime.progress.say(f"Skipped {name}: it needs sentence vectors")
            continue
        if name in BASELINES:
            piece = worker.baseline(name)
            rankings[name] = {stage: [piece.rankings[stage]] for stage in STAGES}
            continue
        variant = parse_variant(name, recipe.items.channels)
        made = [worker.variant(variant, seed) for seed in recipe.seeds]
        rankings[name] = {stage: [piece.rankings[stage] for piece in made] for stage in STAGES}
        scores = [validation_score(piece.rankings["validation"], task) for piece in made]
        best = int(np.argmax(scores))
        weights[name], best_seed[name] = made[best].weights, recipe.seeds[best]
    trained = {v.name: v for v in variants}
    means = {
        name: float(np.mean([validation_score(r, task) for r in rankings[name]["validation"]])) for name in trained
    }
    product = trained[max(means, key=lambda name: means[name])]
    return Adapted(split, encoded.coverage, encoded.matrix, features, rankings, weights, best_seed, product, skipped)


def validation_score(ranking: Ranking, task: Task) -> float:
    """The selecting metric, over the users that train."""
    protocol, metric = task.training.metric.split("/", 1)
    mine = ranking.only(np.flatnonzero(np.isin(ranking.users, task.split.training_users)))
    return mine.metrics(task.evaluation.cutoffs)[protocol].get(metric, 0.0)


class _Worker:
    """Makes pieces: what is on disk is taken from there."""

    def __init__(
        self,
        recipe: Recipe,
        task: Task,
        features: ItemFeatures,
        factory: InterestFactory,
        pieces: Pieces,
        log: Log,
    ) -> None:
        self.recipe, self.task, self.features = recipe, task, features
        self.factory, self.pieces, self.log = factory, pieces, log

    def baseline(self, name: str) -> Piece:
        """Evaluate a baseline; it has no seed."""
        found = self.pieces.get(name, 0)
        if found is not None:
            return found
        split, device = self.task.split, self.task.runtime.device
        rankings = {}
        for stage in STAGES:
            targets = targets_of(split, stage)
            evidence = Evidence(split, targets, self.factory.item_anchors, self.factory.idf, device)
            rankings[stage] = self._rank(stage, find_baseline(name)(evidence))
        piece = Piece({}, rankings)
        self.pieces.keep(name, 0, piece)
        return piece

    def variant(self, variant: Variant, seed: int) -> Piece:
        """Train and evaluate a variant from its base."""
        found = self.pieces.get(variant.name, seed)
        if found is not None:
            return found
        model = self._fresh(variant, seed)
        if self.recipe.training.base_epochs:
            start_from(model, self._base(variant.base, seed))
        views = self.factory.views(variant, self.task.split, self.recipe.prompts, seed)
        title = f"{variant.name} · seed {seed}"
        fit(
            model,
            self.task,
            views,
            title=title,
            epochs=self.recipe.training.epochs,
            seed=seed + 7919,
            log=self.log,
        )
        piece = Piece(dict(model.state_dict()), {stage: self._evaluate(model, views, stage) for stage in STAGES})
        self.pieces.keep(variant.name, seed, piece)
        return piece

    def _base(self, variant: Variant, seed: int) -> Mapping[str, Tensor]:
        """The base trained to convergence: what the paper starts from, and every variant with it."""
        found = self.pieces.weights(variant.name, seed, "base")
        if found is not None:
            return found
        model = self._fresh(variant, seed)
        title = f"{variant.name} (base) · seed {seed}"
        fit(
            model,
            self.task,
            NoViews(),
            title=title,
            epochs=self.recipe.training.base_epochs,
            seed=seed,
            log=self.log,
        )
        weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.pieces.keep_weights(variant.name, seed, "base", weights)
        return weights

    def _fresh(self, variant: Variant, seed: int) -> Recommender:
        return assemble(variant, self.recipe, self.features, self.factory.width, seed).to(self.task.runtime.device)

    def _evaluate(self, model: Recommender, views: Views, stage: Any) -> Ranking:
        targets = targets_of(self.task.split, stage)
        device = self.task.runtime.device
        scores = model_scores(
            model, self.task.split.domain, targets, views.for_stage(stage), self.task.max_length, device
        )
        return self._rank(stage, scores)

    def _rank(self, stage: Any, scores: ScoreRows) -> Ranking:
        targets = targets_of(self.task.split, stage)
        top = RECOMMENDED if stage == "test" else 0
        return rank(self.task.split.domain, targets, scores, self.task.evaluation, self.task.runtime.device, top)


def _plan(source: SourceArtifact, recipe: Recipe, domain: Domain) -> dict[str, Any]:
    """What decides a piece: everything but which variants and seeds are asked for, and how things are called."""
    settings = resolved(recipe)
    for key in ("variants", "seeds", "name", "description", "sources", "target"):
        settings.pop(key)
    return {
        "settings": settings,
        "domain": domain.fingerprint,
        "vocabulary": source.vocabulary.fingerprint,
        "sources": [note.fingerprint for note in source.domains],
        "source_seed": source.seed,
    }


def _log(out: Path, runtime: Runtime) -> Log:
    if not runtime.is_main:
        return lambda _: None
    return JsonLines(out / "training.jsonl", fresh=False)


def pairs_to_compare(names: Sequence[str]) -> list[tuple[str, str]]:
    """Every trained variant against its base, its controls, the first variant, and each baseline that is there."""
    trained = [name for name in names if name not in BASELINES]
    pairs = []
    for name in trained:
        base = base_name(name)
        rivals = [base, f"{base}+ipe+constant", f"{base}+ipe+shuffled", trained[0]]
        rivals += [baseline for baseline in names if baseline in BASELINES]
        seen: list[str] = []
        for rival in rivals:
            if rival in names and rival != name and rival not in seen and (rival, name) not in pairs:
                seen.append(rival)
        pairs += [(name, rival) for rival in seen]
    return pairs
