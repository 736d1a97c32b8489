"""`ExperimentRecord`: the typed contents of an experiment's `metrics.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domains.split import share_text
from transfer.report.document import Document
from transfer.report.run_record import RunRecord


class Made(Document):
    """When, where and by which command the results were made."""

    date: str
    """Day, in UTC."""
    machine: str
    """Processor, GPU, number of cores."""
    torch: str
    """Version of PyTorch."""
    release: str
    """Version of this package."""
    quick: bool
    """Whether it was a trial run on a sample of users, whose figures mean nothing."""
    command: str
    """The command that reproduces the results."""


class PublishedFigures(Document):
    """Figures printed in a paper; none is ours."""

    place: str
    """TABLE/COLUMN."""
    source: str
    """The paper."""
    table: str
    """Title of the table."""
    differs: tuple[str, ...]
    """How the paper's experiment differs from ours."""
    figures: dict[str, dict[str, float]]
    """Sampled metrics by variant."""


class GroupGain(Document):
    """A variant's gain over its base in a group of users."""

    mean: float
    """Mean over the users."""
    error: float
    """Standard error over the users."""


class Group(Document):
    """Users with about the same history length or number of known anchors."""

    low: int
    """Smallest number in the group."""
    high: int
    """Largest number in the group."""
    users: int
    """Users in the group."""
    mean: dict[str, float]
    """NDCG@10 over all items, by variant."""
    gain: dict[str, GroupGain]
    """Gain over the base, by variant."""


class Breakdowns(Document):
    """Gains by groups of users."""

    history: tuple[Group, ...]
    """By number of interactions before the test item."""
    known_anchors: tuple[Group, ...]
    """By number of distinct anchors before the test item."""


class Threshold(Document):
    """Users who know few anchors."""

    at_most: int
    """Maximum number of distinct anchors in their history."""
    users: int
    """Number of users."""
    values: dict[str, dict[str, float]]
    """Means by protocol/metric, then by variant; empty without users."""


class Curve(Document):
    """Validation of one training phase."""

    epoch: tuple[float, ...]
    """Epochs."""
    validation: tuple[float, ...]
    """The selection metric after each epoch."""
    seconds: tuple[float, ...]
    """Training time of each epoch."""


class OverlapRecord(Document):
    """Anchors of a source and the target."""

    source: str
    """Name of the source."""
    target: str
    """Name of the target."""
    shared: int
    """Anchors that both use."""
    first_only: int
    """Anchors that only the source uses."""
    second_only: int
    """Anchors that only the target uses."""
    divergence: float
    """Jensen-Shannon divergence of the use of anchors, in bits: 0 is the same use, 1 is disjoint."""


class AnchorPoint(Document):
    """An anchor on the map of anchors."""

    word: str
    """The anchor."""
    x: float
    """Horizontal place."""
    y: float
    """Vertical place."""
    source: float
    """Its share of the anchors of the sources' items."""
    target: float
    """Its share of the anchors of the target's items."""


class Case(Document):
    """A user's interests before and after diffusion."""

    user: str
    """Id."""
    history: tuple[str, ...]
    """The last titles, newest first."""
    interactions: int
    """Number of interactions before the test item."""
    known: int
    """Number of distinct anchors before the test item."""
    words: tuple[str, ...]
    """Anchors with most weight before or after diffusion."""
    before: tuple[float, ...]
    """Weight of each word before diffusion, as a share of the user's largest."""
    after: tuple[float, ...]
    """Weight of each word after diffusion, as a share of the user's largest; negative weights count as 0."""


class CellRecord(Document):
    """One recipe, protocol and share of training users: one table."""

    key: str
    """Name of its folder."""
    label: str
    """Sources and target."""
    protocol_name: str
    """Name of the protocol; empty if there is only one."""
    recipe: str
    """Name of the recipe."""
    description: str
    """Description of the recipe."""
    sources: tuple[str, ...]
    """Names of the sources."""
    loss: str
    """Training loss."""
    metrics: RunRecord
    """Figures, as in the `metrics.json` of a target run; comparisons of sampled NDCG@10 too."""
    published: PublishedFigures | None
    """Figures that a paper printed for the same sources and target."""
    breakdowns: Breakdowns
    """Gains by groups of users."""
    thresholds: tuple[Threshold, ...]
    """Figures of users who know few anchors."""
    curves: dict[str, Curve]
    """Validation by epoch, by training phase."""
    overlap: tuple[OverlapRecord, ...]
    """Anchors that each source shares with the target."""
    anchor_map: tuple[AnchorPoint, ...] = ()
    """The most used anchors, close together if S2IDM links them; empty without S2IDM."""
    cases: tuple[Case, ...]
    """Users' interests before and after diffusion."""

    @property
    def bases(self) -> dict[str, str]:
        """The base of each variant that has one."""
        return {name: one.base for name, one in self.metrics.variants.items() if one.base is not None}

    @property
    def title(self) -> str:
        """Sources and target, the protocol, and the share of users that train if it is below 1."""
        return self._titled(self.label, self.protocol_name)

    def _titled(self, *parts: str) -> str:
        shots = self.metrics.protocol.shots
        share = "" if shots == 1 else f", {share_text(shots)} of the users train"
        return " · ".join(part for part in parts if part) + share


def short_titles(cells: Sequence[CellRecord]) -> list[str]:
    """Return the titles of cells that stand side by side: without sources and target where all have the same."""
    if len({cell.label for cell in cells}) == 1 and all(cell.protocol_name for cell in cells):
        return [cell._titled(cell.protocol_name) for cell in cells]
    return [cell.title for cell in cells]


class UnfinishedRecord(Document):
    """A cell without a table."""

    key: str
    """Name of its folder."""
    reason: str
    """What went wrong."""


class CostRow(Document):
    """What one diffusion model costs over one catalogue."""

    model: str
    """TI-DiffRec (over items) or S2IDM (over sememes)."""
    items: int
    """Items in the catalogue."""
    width: int
    """Entries of a user's vector: items or sememes."""
    parameters_m: float
    """Millions of parameters."""
    memory_mb: float
    """On a GPU the allocated peak; on a CPU weights, gradients and optimiser state."""
    train_s: float
    """Seconds of one training epoch."""
    evaluate_s: float
    """Seconds of the reverse process for every user."""


class PublishedCostRow(Document):
    """A row of the published cost table."""

    data: str
    """Data set."""
    model: str
    """TI-DiffRec or S2IDM."""
    items: int
    """Items in the catalogue."""
    sememes: int
    """Sememes."""
    parameters_m: float
    """Millions of parameters."""
    gpu_mb: float
    """GPU memory."""
    train_s: float
    """Seconds of one training epoch."""
    evaluate_s: float
    """Seconds of evaluation."""


class PublishedCost(Document):
    """The published cost table."""

    title: str
    """Its title."""
    rows: tuple[PublishedCostRow, ...]
    """Its rows."""


class Cost(Document):
    """How the cost of diffusion grows with the catalogue."""

    settings: dict[str, Any]
    """Settings of the measurement; `users` is the number of synthetic users."""
    rows: tuple[CostRow, ...]
    """Our figures."""
    published: PublishedCost
    """The paper's."""


class ExperimentRecord(Document):
    """The contents of an experiment's `metrics.json`."""

    name: str
    """Name of the experiment."""
    description: str
    """Purpose of the experiment."""
    made: Made
    """When, where and by which command the results were made."""
    cells: tuple[CellRecord, ...]
    """The cells; each is one table."""
    unfinished: tuple[UnfinishedRecord, ...]
    """Cells without a table, and why."""
    reference: tuple[PublishedFigures, ...]
    """Published figures on other data."""
    cost: Cost | None
    """What diffusion costs, if the experiment measures it."""

    def __repr__(self) -> str:
        """Show the name and the number of cells."""
        missing = f", {len(self.unfinished)} unfinished" if self.unfinished else ""
        return f"<ExperimentRecord {self.name}: {len(self.cells)} cells{missing}>"
