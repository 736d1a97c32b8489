"""Makes the pieces of a target run: one variant and one seed each; what is on disk is taken from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from domains.domain import Ints
from domains.split import Split
from recipes.schema import Recipe
from transfer.assembly import assemble, start_from
from transfer.evaluation.protocol import Stage, Targets, targets_of
from transfer.evaluation.ranking import Ranking, ScoreRows, rank
from transfer.evaluation.summary import STAGES
from transfer.interests.views import NoViews, Views
from transfer.items.features import ItemFeatures
from transfer.model.recommender import SequentialRecommender
from transfer.model.scorer import Scorer
from transfer.registry import Baseline, Items, SourceKnowledge, Target, find_system, system_settings, trained_system
from transfer.report.run_record import KeptEpochs
from transfer.runs.checkpoints import KEPT, Piece, Pieces
from transfer.runs.interest_factory import InterestFactory
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.source_encoder import start_from_source
from transfer.terms.joined import joined
from transfer.terms.known import known_items
from transfer.terms.registry import weights_of
from transfer.terms.search import halves, search_weights
from transfer.terms.weights import LEAVE_OUT, UNTRIED, TermWeights
from transfer.training.auxiliary import Auxiliary
from transfer.training.epochs import Checkpoint, Fitted, Log
from transfer.training.failures import warn_of_a_phase_without_effect
from transfer.training.loop import fit
from transfer.training.task import Task
from transfer.variants import Variant

RECOMMENDED = 10
"""Items kept of every user's full ranking, for coverage and popularity bias."""
BASE, VARIANT = "base", "variant"
"""The two phases of training a variant."""
BESIDE_NOISE = 64.0
"""Strength of late terms beside a model that was never trained."""
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
        self.known = known_items(
            task.split,
            factory.item_anchors,
            factory.idf,
            features.title_vectors,
            features.known,
            task.runtime.device,
            features.title_basis,
        )
        self._alone: dict[tuple[str, ...], TermWeights] = {}
        self._objectives: dict[str, Auxiliary | None] = {}

    def piece(self, variant: Variant, seed: int) -> Piece:
        """A finished variant of one seed, from disk or made now. Baselines have no seed."""
        system = find_system(variant.architecture)
        if isinstance(system, Baseline):
            return self._baseline(variant, system)
        return self.variant(variant, seed)

    def _baseline(self, variant: Variant, system: Baseline) -> Piece:
        found = self.pieces.get(variant.label, 0)
        if found is not None:
            return found
        split, runtime = self.task.split, self.task.runtime
        target = Target(
            split=split,
            items=Items(self.factory.item_anchors, self.factory.idf),
            source=None if self.factory.s2idm is None else SourceKnowledge(self.factory.s2idm, self.factory.settings),
            runtime=runtime,
        )
        ranker = system.fit(target, system_settings(system, self.recipe.systems))
        terms = self._terms_alone(variant.terms) if variant.terms else TermWeights()
        rankings = {}
        for stage in STAGES:
            targets = targets_of(split, stage)
            rankings[stage] = self._rank(
                stage, joined(ranker(split.domain, targets), self.known, split.domain, targets, terms)
            )
        piece = Piece(terms.tensors() if variant.terms else {}, rankings)
        self.pieces.keep(variant.label, 0, piece)
        return piece

    def variant(self, variant: Variant, seed: int) -> Piece:
        """Train and evaluate a variant from its base."""
        found = self.pieces.get(variant.label, seed)
        if found is not None:
            self.pieces.forget(variant.label, seed, VARIANT)  # a kill may have come between the two
            return found
        views = self.factory.views(variant, self.task.split, self.recipe.prompts, seed)
        model, kept = self._with_terms(variant, views, seed) if variant.terms else self._trained(variant, views, seed)
        piece = Piece(dict(model.state_dict()), {stage: self._evaluate(model, views, stage) for stage in STAGES}, kept)
        self.pieces.keep(variant.label, seed, piece)
        self.pieces.forget(variant.label, seed, VARIANT)
        return piece

    def _trained(self, variant: Variant, views: Views, seed: int) -> tuple[SequentialRecommender, KeptEpochs]:
        """Train a variant from its base."""
        model, training = self._fresh(variant, seed), self.recipe.training
        base_epoch = None
        if training.base_epochs or variant.from_source:
            weights, base_epoch = self._base(variant.base, seed)
            start_from(model, weights)
        if training.keeps_base:
            if variant.entry == "none":
                return model, KeptEpochs(base=base_epoch)
            model.items.requires_grad_(False)
            model.encoder.requires_grad_(False)
        epochs = training.epochs if len(self.task.split.training_users) else 0
        checkpoint = self.pieces.checkpoint(variant.label, seed, VARIANT)
        title = f"{variant.label} · seed {seed}"
        fitted = self._fit(variant, model, views, title, epochs, seed + SECOND_PHASE, checkpoint)
        if variant.entry != "none":
            warn_of_a_phase_without_effect(fitted, title)
        return model, KeptEpochs(base=base_epoch, variant=fitted.best_epoch if epochs else None)

    def _with_terms(self, variant: Variant, views: Views, seed: int) -> tuple[SequentialRecommender, KeptEpochs | None]:
        """Join the finished model without late terms with them: what they add is then no difference of training."""
        model = self._fresh(variant, seed)
        piece = self.variant(variant.without_terms, seed)
        model.load_state_dict(piece.weights)
        self._weigh_terms(variant, model, views)
        return model, piece.kept

    def _base(self, variant: Variant, seed: int) -> tuple[Mapping[str, Tensor], int | None]:
        """The base trained to convergence, which every variant starts from, and the epoch that was kept."""
        found = self.pieces.weights_with_facts(variant.label, seed, BASE)
        if found is None:
            weights, epoch = self._trained_base(variant, seed)
            facts = {} if epoch is None else {KEPT: str(epoch)}
            self.pieces.keep_weights(variant.label, seed, BASE, weights, facts)
        else:
            weights, facts = found
        self.pieces.forget(variant.label, seed, BASE)
        return weights, int(facts[KEPT]) if KEPT in facts else None

    def _trained_base(self, variant: Variant, seed: int) -> tuple[Mapping[str, Tensor], int | None]:
        model = self._fresh(variant, seed)
        title, checkpoint = f"{variant.label} (base) · seed {seed}", self.pieces.checkpoint(variant.label, seed, BASE)
        fitted = self._fit(variant, model, NoViews(), title, self._base_epochs, seed, checkpoint)
        return model.state_dict(), fitted.best_epoch if self._base_epochs else None

    @property
    def _base_epochs(self) -> int:
        return self.recipe.training.base_epochs if len(self.task.split.training_users) else 0

    def _fit(
        self,
        variant: Variant,
        model: SequentialRecommender,
        views: Views,
        title: str,
        epochs: int,
        seed: int,
        checkpoint: Checkpoint,
    ) -> Fitted:
        return fit(
            model,
            self.task,
            views,
            title=title,
            epochs=epochs,
            seed=seed,
            log=self.log,
            auxiliary=self._objective(variant.architecture),
            checkpoint=checkpoint,
        )

    def _objective(self, architecture: str) -> Auxiliary | None:
        """The system's own objective, made once for all variants and seeds that share it."""
        if architecture not in self._objectives:
            system = trained_system(architecture)
            settings = system_settings(system, self.recipe.systems)
            self._objectives[architecture] = system.objective(self.task, settings) if system.objective else None
        return self._objectives[architecture]

    def _fresh(self, variant: Variant, seed: int) -> SequentialRecommender:
        """Newly initialised, or what the source artifact holds where the variant starts from it."""
        width, device = self.factory.width, self.task.runtime.device
        model = assemble(variant, self.recipe, self.features, width, seed).to(device)
        if variant.from_source:
            start_from_source(model, self.source.transferable.weights, self.source.encoder_settings)
        return model

    def _evaluate(self, model: SequentialRecommender, views: Views, stage: Stage) -> Ranking:
        targets = targets_of(self.task.split, stage)
        scores = self._scorer(model).scores(self.task.split.domain, targets, views.for_stage(stage))
        return self._rank(stage, scores)

    def _scorer(self, model: SequentialRecommender) -> Scorer:
        return Scorer.of_model(model, self.known, self.task.max_length, self.task.runtime.device)

    def _weigh_terms(self, variant: Variant, model: SequentialRecommender, views: Views) -> None:
        """Find how late terms join the score; without training users the source knows."""
        targets = self._fitting_targets
        if len(targets):
            own = self._scorer(model).own(self.task.split.domain, targets, views.for_stage("validation"))
            domain, progress = self.task.split.domain, self.task.runtime.progress
            model.terms.set(search_weights(own, self.known, domain, targets, variant.terms, progress))
        elif variant.from_source:
            model.terms.set(self._untried(TermWeights.of(self.source.transferable.weights), variant.terms))
        else:
            # Nothing of this model was ever trained: what it says is noise beside the terms.
            model.terms.set(self._terms_alone(variant.terms).times(BESIDE_NOISE))

    def _terms_alone(self, terms: tuple[str, ...]) -> TermWeights:
        """Return the weights of late terms if nothing else scores; variants that share them share the search."""
        if terms not in self._alone:
            targets, domain = self._fitting_targets, self.task.split.domain
            self._alone[terms] = (
                search_weights(None, self.known, domain, targets, terms, self.task.runtime.progress)
                if len(targets)
                else self._untried(self.source.transferable.terms or UNTRIED, terms)
            )
        return self._alone[terms]

    def _untried(self, weights: TermWeights, terms: tuple[str, ...]) -> TermWeights:
        """Return weights from elsewhere for these terms; what a user had is left out if nobody has an item twice."""
        repeats = 0.0 if self.task.split.domain.repeats else LEAVE_OUT
        return replace(weights, repeats=repeats).only(weights_of(terms))

    @property
    def _fitting_targets(self) -> Targets:
        """Validation targets that find weights: of half of the users, since the other half chooses the product."""
        split = self.task.split
        fitting, _ = halves(_validated(split), self.recipe.evaluation.seed)
        return targets_of(split, "validation", fitting)

    def _rank(self, stage: Stage, scores: ScoreRows) -> Ranking:
        targets = targets_of(self.task.split, stage)
        top = RECOMMENDED if stage == "test" else 0
        task, runtime = self.task, self.task.runtime
        with runtime.progress.task(f"Ranking for {stage}", len(targets)) as shown:
            return rank(task.split.domain, targets, scores, task.evaluation, runtime.device, top, ranked=shown.advance)


def choosing_users(split: Split, seed: int) -> Ints:
    """The half of the validated training users that chooses the product; the other half finds weights of terms."""
    return halves(_validated(split), seed)[1]


def _validated(split: Split) -> Ints:
    return split.training_users[split.validation[split.training_users] >= 0]
