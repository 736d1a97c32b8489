"""`RunRecord`: the typed contents of a target run's `metrics.json`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from transfer.report.document import Document
from transfer.report.protocol_record import ProtocolRecord

TOLERANCE = 1e-9
"""Tolerance of recomputed figures: sums of floats in another order differ by less."""
SEEDS_FOR_A_TEST = 5
"""Minimum number of seeds for a test; with fewer, the spread over seeds is hardly known."""


class Spread(Document):
    """One metric over seeds."""

    mean: float
    """Mean of `values`."""
    std: float = Field(ge=0)
    """Standard deviation of `values` (n - 1); 0 for one value."""
    values: tuple[float, ...] = Field(min_length=1)
    """One value per seed, in the order of `seeds`."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise values."""
        return cls(mean=float(np.mean(values)), std=_deviation(values), values=tuple(values))

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _equal("the mean", self.mean, float(np.mean(self.values)))
        _equal("the standard deviation", self.std, _deviation(self.values))
        return self


class Beyond(Document):
    """Coverage and popularity bias of the top ten recommendations; means over seeds."""

    coverage: float
    """Share of the catalogue that is recommended to at least one user."""
    popularity_rank: float
    """Mean popularity rank of recommended items as a share of the catalogue: 0 most popular, 0.5 no preference."""


class VariantParts(Document):
    """The parts of a variant."""

    architecture: str
    """Name of the system, such as sasrec or popular."""
    channels: tuple[str, ...] = ()
    """Channels of an item: id, anchors, title-semantic, ..."""
    from_source: bool = False
    """Whether it starts from the weights of the source artifact."""
    entry: str = "none"
    """How interests enter: prompts, positions, ..., or none."""
    interests: str | None = None
    """Kind of interests: s2idm (diffused), raw, constant, shuffled (another user's); null for none."""
    terms: tuple[str, ...] = ()
    """Late terms that are added to the score."""

    def without_interests(self) -> VariantParts:
        """Return the parts without interests; variants that differ only in interests give equal values."""
        return self.model_copy(update={"entry": "none", "interests": None})


class KeptEpochs(Document):
    """The epoch of each training phase whose weights were kept; 0 is the state before the phase."""

    base: int | None = Field(None, ge=0)
    """Epoch of the first phase, which trains the base; null if there was none."""
    variant: int | None = Field(None, ge=0)
    """Epoch of the second phase, which trains the variant from its base; null if there was none."""


StageRecord = dict[str, dict[str, Spread]]
"""Protocol (``full``, ``sampled``) to metric to figure."""


class VariantRecord(Document):
    """One variant's figures."""

    label: str
    """Name of the variant, as in the recipe."""
    parts: VariantParts
    """The parts of the variant."""
    base: str | None = None
    """The same variant without interests and late terms, if it was run too."""
    validation: StageRecord
    """Metrics on the validation items, by protocol and metric."""
    test: StageRecord
    """Metrics on the test items, by protocol and metric."""
    beyond: Beyond | None = None
    """Coverage and popularity bias; null if no recommendations were kept."""
    selection: Spread
    """The selection metric on validation items of training users; it chooses epochs, seeds and the product."""
    kept_epochs: tuple[KeptEpochs, ...] | None = None
    """The kept epoch of each phase, one entry per seed; null for systems without epochs."""
    threads: tuple[int, ...] | None = None
    """CPU threads of the process that finished it, one entry per seed."""

    def figure(self, stage: str, metric: str) -> Spread | None:
        """Return a figure by ``protocol/metric``, or None if it was not measured."""
        stages: dict[str, StageRecord] = {"validation": self.validation, "test": self.test}
        protocol, name = metric.split("/", 1)
        return stages[stage].get(protocol, {}).get(name)

    @property
    def unmoved(self) -> int:
        """Number of seeds that kept epoch 0 of the second phase, so that interests enter by untrained weights."""
        return sum(kept.variant == 0 for kept in self.kept_epochs or ()) if self.parts.entry != "none" else 0


class TwoWay(Document):
    """A test of a difference with users and seeds as two sources of variation, by a mixed model."""

    low: float
    """Lower end of the 95 % interval of the difference."""
    high: float
    """Upper end."""
    p: float = Field(ge=0, le=1)
    """Two-sided p-value, not corrected for the number of comparisons."""


class Comparison(Document):
    """A paired comparison of two variants on one metric."""

    variant: str
    """The first variant."""
    baseline: str
    """The variant that it is compared with."""
    stage: str
    """validation or test."""
    metric: str
    """protocol/metric."""
    difference: float
    """Mean of the variant minus mean of the baseline."""
    relative: float | None
    """The difference as a share of the baseline's mean; null if that is 0."""
    low: float
    """Lower end of the 95 % bootstrap interval over users; it ignores the variation over seeds."""
    high: float
    """Upper end."""
    p_users: float | None = Field(ge=0, le=1)
    """p-value of a paired t-test over users. Tables do not show it, because another seed may reverse it."""
    p_seeds: float | None = Field(ge=0, le=1)
    """p-value of a paired t-test over seeds; null with fewer than two seeds, or if all give the same result."""
    seeds: int = Field(ge=1)
    """Number of compared seeds."""
    two_way: TwoWay | None = None
    """Test over users and seeds together; null for fewer than five seeds."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.low > self.high + TOLERANCE or (self.two_way and self.two_way.low > self.two_way.high + TOLERANCE):
            raise ValueError("the interval of the difference ends before it begins")
        if not self.low - TOLERANCE <= self.difference <= self.high + TOLERANCE:
            raise ValueError("the difference is outside its interval")
        return self


class CoverageRecord(Document):
    """How well anchors cover the target's items."""

    n_items: int = Field(ge=0)
    """Items."""
    n_covered: int = Field(ge=0)
    """Items with at least one anchor."""
    anchors_per_item: float
    """Mean number of anchors of an item."""
    quantiles: tuple[float, ...]
    """Anchors per item: minimum, quartiles, maximum."""
    unmapped: tuple[tuple[str, int], ...]
    """Words without an anchor, and the number of items with each."""
    share: float = Field(ge=0, le=1)
    """Share of the items with at least one anchor."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        _equal("the share of covered items", self.share, self.n_covered / self.n_items if self.n_items else 0.0)
        return self


class ProductRecord(Document):
    """The product: the variant that recommends."""

    variant: str
    """The best variant on validation, or a simpler one if the lead is not significant. Controls with another user's
    interests are never chosen."""
    seed: int
    """The seed whose weights are kept."""
    metric: str
    """The selection metric, as protocol/metric."""
    validation: float
    """Its mean over seeds."""
    runner_up: str | None
    """The best other variant."""
    margin: float | None
    """Lead of the product over the runner-up; below 0 if the product was chosen for fewer parts."""
    beaten_by: tuple[str, ...]
    """Variants with a higher validation metric whose lead is not significant."""

    @classmethod
    def of(cls, variant: str, seed: int, metric: str, validation: Mapping[str, float]) -> ProductRecord:
        """Compare a product with the other variants that may recommend.

        Args:
            variant: label of the product.
            seed: seed of the kept weights.
            metric: the selection metric.
            validation: mean of the metric over seeds by label, with the product.
        """
        ranked = sorted(validation, key=validation.__getitem__, reverse=True)
        others = [name for name in ranked if name != variant]
        ours = validation[variant]
        return cls(
            variant=variant,
            seed=seed,
            metric=metric,
            validation=ours,
            runner_up=others[0] if others else None,
            margin=ours - validation[others[0]] if others else None,
            beaten_by=tuple(name for name in others if validation[name] > ours),
        )


GroupName = Literal["untied", "tied", "title-alike", "title-new"]
DIVISIONS: tuple[tuple[GroupName, GroupName], ...] = (("untied", "tied"), ("title-alike", "title-new"))
"""Pairs of groups that together hold every target."""


class TargetGroup(Document):
    """A group of the test targets. Divisions with an empty group are left out."""

    name: GroupName
    """tied and untied: whether the target has the same time as the previous item; title-alike and title-new: whether
    its title shares at least half of its words with a title of the history (Jaccard index)."""
    users: int = Field(ge=1)
    """Number of users in the group."""
    values: dict[str, dict[str, float]]
    """Means over users and seeds by protocol/metric, then by variant."""


class RunRecord(Document):
    """The contents of a target run's `metrics.json`."""

    domain: str
    """Name of the target."""
    users: int = Field(ge=0)
    """Number of users of the target."""
    items: int = Field(ge=0)
    """Number of items of the target."""
    interactions: int = Field(ge=0)
    """Number of interactions of the target."""
    seeds: tuple[int, ...] = Field(min_length=1)
    """Seeds of every trained variant."""
    protocol: ProtocolRecord
    """How targets were held out and ranked."""
    coverage: CoverageRecord
    """How well anchors cover the target's items."""
    variants: dict[str, VariantRecord]
    """Metrics by variant."""
    baselines: tuple[str, ...]
    """Variants without an encoder; they have one value instead of one per seed."""
    skipped: dict[str, str]
    """Variants that could not run, with the reason."""
    product: ProductRecord
    """The variant that the run recommends with."""
    comparisons: tuple[Comparison, ...]
    """Paired comparisons on the test items."""
    target_groups: tuple[TargetGroup, ...] = ()
    """Metrics by group of test targets."""
    example_user: str
    """Id of a user, as an example for `transfer recommend`."""
    few_seeds: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Variants that an experiment ran with fewer seeds, with these seeds."""
    threads: int | None = Field(None, ge=1)
    """Number of CPU threads of all variants. Another number may change the last digits of figures, and so an epoch.
    Null if variants differ; see `variants.*.threads`."""

    def __repr__(self) -> str:
        """Show the domain, its size, and the variant that recommends."""
        size = f"{self.users:,} users, {self.items:,} items"
        return f"<RunRecord {self.product.variant} of {len(self.variants)} variants on {self.domain}: {size}>"

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        names = {"product": (self.product.variant,), "baselines": self.baselines, "few_seeds": tuple(self.few_seeds)}
        names["runner_up"] = () if self.product.runner_up is None else (self.product.runner_up,)
        names["beaten_by"] = self.product.beaten_by
        names["base"] = tuple(one.base for one in self.variants.values() if one.base is not None)
        names["comparisons"] = tuple(name for one in self.comparisons for name in (one.variant, one.baseline))
        named = (one.values.values() for one in self.target_groups)
        names["target_groups"] = tuple(name for values in named for by_variant in values for name in by_variant)
        for key, used in names.items():
            for name in used:
                if name not in self.variants:
                    raise ValueError(f"{key} names {name!r}, which is not among the variants")
        for name, variant in self.variants.items():
            self._check_variant(name, variant)
        for comparison in self.comparisons:
            self._check_comparison(comparison)
        if self.product.seed not in (self.seeds_of(self.product.variant) or self.seeds):
            raise ValueError(f"the product has seed {self.product.seed}, which was not run")
        chosen = self.variants[self.product.variant].selection.mean
        _equal("the product's validation metric", self.product.validation, chosen)
        self._check_lead(chosen)
        return self

    def seeds_of(self, variant: str) -> tuple[int, ...]:
        """Return the seeds of a variant; empty for a baseline."""
        return () if variant in self.baselines else self.few_seeds.get(variant, self.seeds)

    @property
    def trained(self) -> list[str]:
        """Labels of the variants that are not baselines."""
        return [name for name in self.variants if name not in self.baselines]

    def _check_lead(self, chosen: float) -> None:
        """Raise if the product's lead is not that of the other figures."""
        other = self.product.runner_up
        lead = None if other is None else chosen - self.variants[other].selection.mean
        if (self.product.margin is None) != (lead is None):
            raise ValueError("the product has a margin without a runner-up, or none with one")
        if lead is not None:
            _equal("the product's margin", self.product.margin or 0.0, lead)
        if any(self.variants[name].selection.mean <= chosen for name in self.product.beaten_by):
            raise ValueError("beaten_by names a variant that is not better on validation")

    def _check_variant(self, name: str, variant: VariantRecord) -> None:
        if variant.label != name:
            raise ValueError(f"variant {name!r} is labelled {variant.label!r}")
        expected = max(1, len(self.seeds_of(name)))
        stages = (variant.validation, variant.test)
        figures = [spread for stage in stages for metrics in stage.values() for spread in metrics.values()]
        if any(len(figure.values) != expected for figure in (*figures, variant.selection)):
            raise ValueError(f"variant {name!r} has figures that are not of {expected} seeds")
        if variant.kept_epochs is not None and len(variant.kept_epochs) != expected:
            raise ValueError(f"variant {name!r} has kept epochs that are not of {expected} seeds")
        if variant.threads is not None and len(variant.threads) != expected:
            raise ValueError(f"variant {name!r} has threads that are not of {expected} seeds")

    def _check_comparison(self, one: Comparison) -> None:
        if {one.variant, one.baseline} & set(self.few_seeds):
            return  # the comparison uses only the seeds that both have
        ours, theirs = (self.variants[name].figure(one.stage, one.metric) for name in (one.variant, one.baseline))
        if ours is None or theirs is None:
            raise ValueError(f"{one.variant!r} and {one.baseline!r} are compared on {one.metric}, which has no figures")
        names = f"{one.variant!r} over {one.baseline!r}"
        _equal(names, one.difference, ours.mean - theirs.mean)
        if (one.relative is None) != (theirs.mean == 0):
            raise ValueError(f"{names} has a relative difference from 0, or none from another figure")
        if one.relative is not None:
            _equal(f"{names}, relative", one.relative, one.difference / theirs.mean)


def common_threads(variants: Iterable[VariantRecord]) -> int | None:
    """Return the number of threads that computed all variants and seeds, or None if they differ or are unknown."""
    found = {number for variant in variants for number in variant.threads or (None,)}
    return found.pop() if len(found) == 1 else None


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _equal(what: str, stored: float, expected: float) -> None:
    if not math.isclose(stored, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        raise ValueError(f"{what} is given as {stored:g}, but the other figures make it {expected:g}")


def parts_of(variant: Any) -> VariantParts:
    """Return the parts of a `transfer.variants.Variant`."""
    return VariantParts(
        architecture=variant.architecture,
        channels=variant.channels,
        from_source=variant.from_source,
        entry=variant.entry,
        interests=variant.interests,
        terms=variant.terms,
    )
