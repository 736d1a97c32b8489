"""Makes the pieces of a target run: one variant and one seed each; what is on disk is taken from there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from torch import Tensor

from recipes.schema import Recipe
from recipes.settings import SEMANTIC_CHANNELS
from transfer.systems.registry import Evidence, find_baseline
from transfer.evaluation.protocol import Stage, Targets, targets_of
from transfer.evaluation.ranking import Ranking, ScoreRows, rank
from transfer.evaluation.summary import STAGES
from transfer.interests.views import NoViews, Views
from transfer.items.tower import ItemFeatures
from transfer.terms.matcher import UNTRIED, Matcher, MatchingWeights, counts_of
from transfer.terms.search import STRENGTHS, search_weights
from transfer.model.assembly import assemble, start_from
from transfer.model.interests import InterestFactory
from transfer.model.recommender import SequentialRecommender
from transfer.model.scoring import model_scores
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.source_encoder import start_from_source
from transfer.runs.checkpoints import Piece, Pieces
from transfer.training.loop import Fitted, Log, Task, fit, validation_metric
from transfer.training.objectives import Objectives
from transfer.variants import Variant

RECOMMENDED = 10
"""Items kept of every user's full ranking, for coverage and popularity bias."""
SECOND_PHASE = 7919
"""Added to the seed after the base, so that both phases draw differently."""


class Worker:
    """Makes pieces: what is on disk is taken from there."""

    def __init__(
        self,
        source: SourceArtifact,
        recipe: Recipe,
        task: Task,
        features: ItemFeatures,
        factory: InterestFactory,
        pieces: Pieces,
        log: Log,
    ) -> None:
        self.source, self.recipe, self.task, self.features = source, recipe, task, features
        self.factory, self.pieces, self.log = factory, pieces, log
        counts = counts_of(task.split, features.known) if len(task.split.training_users) else None
        self.matcher = Matcher(factory.item_anchors, factory.idf, features.title_vectors, task.runtime.device, counts)
        self.objectives = Objectives(recipe, task)

    def baseline(self, name: str) -> Piece:
        """Evaluate a baseline; it has no seed."""
        found = self.pieces.get(name, 0)
        if found is not None:
            return found
        split, device = self.task.split, self.task.runtime.device
        score = find_baseline(name)
        rankings = {}
        for stage in STAGES:
            targets = targets_of(split, stage)
            evidence = Evidence(
                split, targets, self.factory.item_anchors, self.factory.idf, device,
                self.factory.s2idm, self.factory.settings, self.recipe.diffrec, self.task.runtime, self.matcher,
                lambda: self._matching_alone,
            )  # fmt: skip
            rankings[stage] = self._rank(stage, score(evidence))
        piece = Piece({}, rankings)
        self.pieces.keep(name, 0, piece)
        return piece

    def variant(self, variant: Variant, seed: int) -> Piece:
        """Train and evaluate a variant from its base."""
        found = self.pieces.get(variant.name, seed)
        if found is not None:
            return found
        views = self.factory.views(variant, self.task.split, self.recipe.prompts, seed)
        model = self._matched(variant, views, seed) if variant.matching else self._trained(variant, views, seed)
        piece = Piece(dict(model.state_dict()), {stage: self._evaluate(model, views, stage) for stage in STAGES})
        self.pieces.keep(variant.name, seed, piece)
        return piece

    def _trained(self, variant: Variant, views: Views, seed: int) -> SequentialRecommender:
        """Trained from its base."""
        model = self._fresh(variant, seed)
        if self.recipe.training.base_epochs or variant.from_source:
            start_from(model, self._base(variant.base, seed))
        epochs = self.recipe.training.epochs if len(self.task.split.training_users) else 0
        self._fit(variant, model, views, f"{variant.name} · seed {seed}", epochs, seed + SECOND_PHASE)
        return model

    def _matched(self, variant: Variant, views: Views, seed: int) -> SequentialRecommender:
        """The finished model without matching, joined by it: what matching adds is then no difference of training."""
        model = self._fresh(variant, seed)
        model.load_state_dict(self.variant(variant.unmatched, seed).weights)
        self._weigh_matching(variant, model, views)
        return model

    def _base(self, variant: Variant, seed: int) -> Mapping[str, Tensor]:
        """The base trained to convergence: what the paper starts from, and every variant with it."""
        found = self.pieces.weights(variant.name, seed, "base")
        if found is not None:
            return found
        weights = self._trained_base(variant, seed)
        self.pieces.keep_weights(variant.name, seed, "base", weights)
        return weights

    def _trained_base(self, variant: Variant, seed: int) -> dict[str, Tensor]:
        """The best base by validation, over the lengths that semantic vectors may have."""
        semantic = bool(SEMANTIC_CHANNELS & set(variant.channels))
        scales = self.recipe.items.semantic_scales if semantic and not variant.from_source else (None,)
        best, weights = -1.0, {}
        for scale in scales:
            model = self._fresh(variant, seed, scale)
            label = f"base, scale {scale:g}" if scale is not None and len(scales) > 1 else "base"
            title = f"{variant.name} ({label}) · seed {seed}"
            fitted = self._fit(variant, model, NoViews(), title, self._base_epochs, seed)
            if fitted.best > best:
                best = fitted.best
                weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        return weights

    @property
    def _base_epochs(self) -> int:
        return self.recipe.training.base_epochs if len(self.task.split.training_users) else 0

    def _fit(
        self, variant: Variant, model: SequentialRecommender, views: Views, title: str, epochs: int, seed: int
    ) -> Fitted:
        auxiliary = self.objectives.of(variant.encoder)
        return fit(model, self.task, views, title=title, epochs=epochs, seed=seed, log=self.log, auxiliary=auxiliary)

    def _fresh(self, variant: Variant, seed: int, scale: float | None = None) -> SequentialRecommender:
        """Newly initialised, or what the source artifact holds where the variant starts from it."""
        width, device = self.factory.width, self.task.runtime.device
        model = assemble(variant, self.recipe, self.features, width, seed, scale).to(device)
        if self.recipe.training.compile:
            model.encoder.compile(dynamic=True)
        if variant.from_source:
            start_from_source(model, self.source.transferable.weights, self.source.encoder_settings)
        return model

    def _evaluate(self, model: SequentialRecommender, views: Views, stage: Stage) -> Ranking:
        targets = targets_of(self.task.split, stage)
        own = self._own_scores(model, views, stage, targets)
        weights = MatchingWeights.of(model.matching)
        return self._rank(stage, self.matcher.joined(own, self.task.split.domain, targets, weights))

    def _own_scores(self, model: SequentialRecommender, views: Views, stage: Stage, targets: Targets) -> ScoreRows:
        """The model's scores, without matching."""
        domain, device = self.task.split.domain, self.task.runtime.device
        return model_scores(model, domain, targets, views.for_stage(stage), self.task.max_length, device)

    def _weigh_matching(self, variant: Variant, model: SequentialRecommender, views: Views) -> None:
        """Find how matching joins the score; without training users the source knows."""
        targets = self._validation_targets
        if len(targets):
            own = self._own_scores(model, views, "validation", targets)
            found = search_weights(self.matcher, own, self.task.split.domain, targets, self._validate)
            model.matching.copy_(found.tensor())
        elif variant.from_source:
            model.matching.copy_(self.source.transferable.weights["matching"])
        else:
            # Nothing of this model was ever trained: what it says is noise beside matching.
            model.matching.copy_(self._matching_alone.times(STRENGTHS[-1]).tensor())

    @cached_property
    def _matching_alone(self) -> MatchingWeights:
        """The weights of matching where nothing else scores."""
        targets = self._validation_targets
        if len(targets):
            return search_weights(self.matcher, None, self.task.split.domain, targets, self._validate)
        return self.source.transferable.matching or UNTRIED

    @property
    def _validation_targets(self) -> Targets:
        return targets_of(self.task.split, "validation", self.task.split.training_users)

    def _validate(self, scores: ScoreRows, targets: Targets) -> float:
        return validation_metric(scores, self.task, targets)

    def _rank(self, stage: Stage, scores: ScoreRows) -> Ranking:
        targets = targets_of(self.task.split, stage)
        top = RECOMMENDED if stage == "test" else 0
        return rank(self.task.split.domain, targets, scores, self.task.evaluation, self.task.runtime.device, top)
