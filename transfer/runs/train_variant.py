"""`VariantTrainer`: trains and evaluates one variant and seed at a time. Finished ones are read from disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
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
from transfer.registry import (
    Baseline,
    Items,
    Ranker,
    SourceKnowledge,
    Target,
    find_system,
    system_settings,
    trained_system,
)
from transfer.report.run_record import KeptEpochs
from transfer.runs.checkpoints import KEPT, Checkpoints, FinishedVariant
from transfer.runs.interest_factory import InterestFactory
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.source_encoder import start_from_source
from transfer.terms.joined import joined
from transfer.terms.known import known_items
from transfer.terms.late_terms import weights_of
from transfer.terms.search import halves, search_weights
from transfer.terms.weights import LEAVE_OUT, UNTRIED, TermWeights
from transfer.training.auxiliary import Auxiliary
from transfer.training.epochs import Checkpoint, Fitted, Log
from transfer.training.failures import warn_if_base_is_best
from transfer.training.loop import fit
from transfer.training.task import Task
from transfer.variants import Variant

RECOMMENDED = 10
"""Number of top items kept for each user, to measure coverage and popularity bias."""
BASE, VARIANT = "base", "variant"
"""The two phases of training a variant."""
BESIDE_NOISE = 128.0
"""Strength of late terms beside a model that was never trained."""
SECOND_PHASE = 7919
"""Added to the seed in the second phase, so that it draws other numbers than the first."""


class VariantTrainer:
    """Trains and evaluates variants; finished ones are read from disk."""

    def __init__(
        self,
        *,
        source: SourceArtifact,
        recipe: Recipe,
        task: Task,
        features: ItemFeatures,
        factory: InterestFactory,
        checkpoints: Checkpoints,
        log: Log,
    ) -> None:
        self.source, self.recipe, self.task, self.features = source, recipe, task, features
        self.factory, self.checkpoints, self.log = factory, checkpoints, log
        self.known = known_items(
            task.split,
            factory.item_anchors,
            factory.idf,
            features.title_vectors,
            features.known,
            task.runtime.device,
            features.title_space,
        )
        self._alone: dict[tuple[str, ...], TermWeights] = {}
        self._objectives: dict[str, Auxiliary | None] = {}

    def finished(self, variant: Variant, seed: int) -> FinishedVariant:
        """Return a finished variant of one seed, from disk or trained now. Baselines have no seed."""
        system = find_system(variant.architecture)
        if isinstance(system, Baseline):
            return self._baseline(variant, system)
        return self.variant(variant, seed)

    def _baseline(self, variant: Variant, system: Baseline) -> FinishedVariant:
        found = self.checkpoints.get(variant.label, 0)
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
        terms = self._terms_beside(variant, ranker)
        rankings = {}
        for stage in STAGES:
            targets = targets_of(split, stage)
            rankings[stage] = self._rank(
                stage, joined(ranker(split.domain, targets), self.known, split.domain, targets, terms)
            )
        weights = terms.tensors() if variant.terms else {}
        finished = FinishedVariant(weights, rankings, threads=torch.get_num_threads())
        self.checkpoints.keep(variant.label, 0, finished)
        return finished

    def variant(self, variant: Variant, seed: int) -> FinishedVariant:
        """Train and evaluate a variant from its base."""
        found = self.checkpoints.get(variant.label, seed)
        if found is not None:
            self.checkpoints.forget(variant.label, seed, VARIANT)  # left by a killed run
            return found
        views = self.factory.views(variant, self.task.split, self.recipe.prompts, seed)
        model, kept = self._with_terms(variant, views, seed) if variant.terms else self._trained(variant, views, seed)
        scorer = self._scorer(model)
        rankings = {stage: self._evaluate(scorer, views, stage) for stage in STAGES}
        # On the CPU: the GPU's memory is for training, and whoever serves these weights has no GPU.
        weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
        finished = FinishedVariant(weights, rankings, kept, torch.get_num_threads())
        self.checkpoints.keep(variant.label, seed, finished)
        self.checkpoints.forget(variant.label, seed, VARIANT)
        return finished

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
        checkpoint = self.checkpoints.checkpoint(variant.label, seed, VARIANT)
        title = f"{variant.label} · seed {seed}"
        fitted = self._fit(variant, model, views, title, epochs, seed + SECOND_PHASE, checkpoint)
        if variant.entry != "none":
            warn_if_base_is_best(fitted, title)
        return model, KeptEpochs(base=base_epoch, variant=fitted.best_epoch if epochs else None)

    def _with_terms(self, variant: Variant, views: Views, seed: int) -> tuple[SequentialRecommender, KeptEpochs | None]:
        """Add late terms to the finished model without them, so that both share the same weights."""
        model = self._fresh(variant, seed)
        finished = self.variant(variant.without_terms, seed)
        model.load_state_dict(finished.weights)
        self._weigh_terms(variant, model, views)
        return model, finished.kept

    def _base(self, variant: Variant, seed: int) -> tuple[Mapping[str, Tensor], int | None]:
        """Return the weights of the trained base, from which the variant starts, and its kept epoch."""
        found = self.checkpoints.weights_with_facts(variant.label, seed, BASE)
        if found is None:
            weights, epoch = self._trained_base(variant, seed)
            facts = {} if epoch is None else {KEPT: str(epoch)}
            self.checkpoints.keep_weights(variant.label, seed, BASE, weights, facts)
        else:
            weights, facts = found
        self.checkpoints.forget(variant.label, seed, BASE)
        return weights, int(facts[KEPT]) if KEPT in facts else None

    def _trained_base(self, variant: Variant, seed: int) -> tuple[Mapping[str, Tensor], int | None]:
        model = self._fresh(variant, seed)
        title, checkpoint = (
            f"{variant.label} (base) · seed {seed}",
            self.checkpoints.checkpoint(variant.label, seed, BASE),
        )
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
            auxiliary=self._objective(variant.architecture) if epochs else None,
            checkpoint=checkpoint,
        )

    def _objective(self, architecture: str) -> Auxiliary | None:
        """Return the system's own objective. All variants and seeds of a system share one."""
        if architecture not in self._objectives:
            system = trained_system(architecture)
            settings = system_settings(system, self.recipe.systems)
            self._objectives[architecture] = system.objective(self.task, settings) if system.objective else None
        return self._objectives[architecture]

    def _fresh(self, variant: Variant, seed: int) -> SequentialRecommender:
        """Return a newly initialised model; a variant with `+source` starts from the source artifact's weights."""
        width, device = self.factory.width, self.task.runtime.device
        model = assemble(variant, self.recipe, self.features, width, seed).to(device)
        if variant.from_source:
            start_from_source(model, self.source.transferable.weights, self.source.encoder_settings)
        return model

    def _evaluate(self, scorer: Scorer, views: Views, stage: Stage) -> Ranking:
        targets = targets_of(self.task.split, stage)
        scores = scorer.scores(self.task.split.domain, targets, views.for_stage(stage))
        return self._rank(stage, scores)

    def _scorer(self, model: SequentialRecommender) -> Scorer:
        return Scorer.of_model(model, self.known, self.task.max_length, self.task.runtime.device)

    def _weigh_terms(self, variant: Variant, model: SequentialRecommender, views: Views) -> None:
        """Set the weights of late terms: tuned on validation, or those of the source if no user trains."""
        targets = self._fitting_targets
        if len(targets):
            own = self._scorer(model).own(self.task.split.domain, targets, views.for_stage("validation"))
            domain, progress = self.task.split.domain, self.task.runtime.progress
            model.terms.set(search_weights(own, self.known, domain, targets, variant.terms, progress))
        elif variant.from_source:
            model.terms.set(self._untried(TermWeights.of(self.source.transferable.weights), variant.terms))
        else:
            # The model was never trained, so its scores are noise; the terms must dominate.
            model.terms.set(self._terms_alone(variant.terms).times(BESIDE_NOISE))

    def _terms_beside(self, variant: Variant, ranker: Ranker) -> TermWeights:
        """Return the weights of a baseline's late terms, which are tuned beside its scores."""
        targets, domain = self._fitting_targets, self.task.split.domain
        if variant.is_terms_alone or not variant.terms or not len(targets):
            return self._terms_alone(variant.terms) if variant.terms else TermWeights()
        own = ranker(domain, targets)
        return search_weights(own, self.known, domain, targets, variant.terms, self.task.runtime.progress)

    def _terms_alone(self, terms: tuple[str, ...]) -> TermWeights:
        """Return the weights of late terms that score alone. Variants with the same terms share the search."""
        if terms not in self._alone:
            targets, domain = self._fitting_targets, self.task.split.domain
            self._alone[terms] = (
                search_weights(None, self.known, domain, targets, terms, self.task.runtime.progress)
                if len(targets)
                else self._untried(self.source.transferable.terms or UNTRIED, terms)
            )
        return self._alone[terms]

    def _untried(self, weights: TermWeights, terms: tuple[str, ...]) -> TermWeights:
        """Return weights that were not tuned on this target. Without repeats in the data, `repeats` is `LEAVE_OUT`."""
        repeats = 0.0 if self.task.split.domain.repeats else LEAVE_OUT
        return replace(weights, repeats=repeats).only(weights_of(terms))

    @property
    def _fitting_targets(self) -> Targets:
        """Return the validation targets of the half of the users that tunes the weights of late terms."""
        split = self.task.split
        fitting, _ = halves(_validated(split), self.recipe.evaluation.seed)
        return targets_of(split, "validation", fitting)

    def _rank(self, stage: Stage, scores: ScoreRows) -> Ranking:
        targets = targets_of(self.task.split, stage)
        top = RECOMMENDED if stage == "test" else 0
        task, domain, device = self.task, self.task.split.domain, self.task.runtime.device
        with task.runtime.progress.task(f"Ranking for {stage}", len(targets)) as shown:
            return rank(domain, targets, scores, task.evaluation, device, top=top, ranked=shown.advance)


def choosing_users(split: Split, seed: int) -> Ints:
    """Return the half of the validation users that chooses the product. The other half tunes late terms."""
    return halves(_validated(split), seed)[1]


def _validated(split: Split) -> Ints:
    return split.training_users[split.validation[split.training_users] >= 0]
