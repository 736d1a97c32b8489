"""What the tables of a report say, before they become Markdown or HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domains.split import share_text
from transfer.report.numbers import p_text, relative_text
from transfer.variants import Entry, parse_variant

COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("full", "ndcg@10", "NDCG@10, all items"),
    ("full", "hit@10", "Hit@10, all items"),
    ("sampled", "ndcg@5", "NDCG@5, sampled"),
    ("sampled", "ndcg@10", "NDCG@10, sampled"),
    ("sampled", "hit@5", "Hit@5, sampled"),
    ("sampled", "hit@10", "Hit@10, sampled"),
    ("sampled", "auc", "AUC, sampled"),
)
"""Protocol, metric and heading; the first one decides."""

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """One cell of a table.

    Attributes:
        mean: over seeds.
        spread: standard deviation over seeds; None for a single one.
        best: whether no variant has a larger mean.
        published: what the paper printed, if anything.
    """

    mean: float
    spread: float | None
    best: bool
    published: float | None


@dataclass(frozen=True)
class Row:
    """One variant.

    Attributes:
        variant: name.
        seeds: how many; 0 for what has none.
        figures: in the order of the columns; None where there is no such metric.
        coverage: share of the catalogue in anybody's top 10.
        popularity: mean popularity rank of the recommended, 0 is most popular.
    """

    variant: str
    seeds: int
    figures: tuple[Figure | None, ...]
    coverage: float | None
    popularity: float | None


@dataclass(frozen=True)
class Gain:
    """One comparison.

    Attributes:
        variant: name.
        rival: what it is compared with.
        metric: protocol/metric.
        difference: of the means.
        relative: share of the rival's mean.
        low: of the 95 % interval over users.
        high: of the same.
        p_users: paired over users.
        p_seeds: paired over seeds.
        published: relative gain of the paper on the same metric, if it printed both.
    """

    variant: str
    rival: str
    metric: str
    difference: float
    relative: float | None
    low: float
    high: float
    p_users: float | None
    p_seeds: float | None
    published: float | None

    @property
    def certain(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def title_of(cell: Record) -> str:
    """A cell in a few words."""
    shots = cell["metrics"]["protocol"]["shots"]
    share = "" if shots == 1 else f", {share_text(shots)} of the users train"
    protocol = f" · {cell['protocol_name']}" if cell["protocol_name"] else ""
    return f"{cell['label']}{protocol}{share}"


def tested_text(metrics: Record) -> str:
    """How many users the figures are means over; nothing in a record of an earlier version, which did not say."""
    users = metrics["protocol"].get("test_users")
    return "" if users is None else f", {users:,} of the users tested"


def seeds_text(metrics: Record) -> str:
    """What comparisons of variants with fewer seeds are made of; nothing where all have as many."""
    fewer = any(len(seeds) < len(metrics["seeds"]) for seeds in metrics["few_seeds"].values())
    return "Variants with fewer seeds are held against others over the seeds that both have." if fewer else ""


def skipped_text(metrics: Record) -> str:
    """Every variant that was not made, with the reason."""
    return "; ".join(f"{name} ({reason})" for name, reason in metrics["skipped"].items())


def columns_of(cell: Record) -> list[tuple[str, str, str]]:
    """The columns for which there are figures."""
    variants = cell["metrics"]["variants"].values()
    return [column for column in COLUMNS if any(_value(variant, column) is not None for variant in variants)]


@dataclass(frozen=True)
class Overview:
    """One metric of every variant in every cell.

    Attributes:
        columns: titles of the cells.
        rows: variant and its figures, one a column; None where it was not run.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Figure | None, ...]], ...]


def overview_of(cells: Sequence[Record], column: tuple[str, str, str] = COLUMNS[0]) -> Overview:
    """One metric of everything at a glance; each column's best is marked."""
    names = dict.fromkeys(name for cell in cells for name in cell["metrics"]["variants"])
    by_cell = [_column_of(cell, column) for cell in cells]
    rows = tuple((name, tuple(figures.get(name) for figures in by_cell)) for name in names)
    return Overview(tuple(title_of(cell) for cell in cells), rows)


def _column_of(cell: Record, column: tuple[str, str, str]) -> dict[str, Figure | None]:
    """One metric of a cell by variant; empty where it was not measured."""
    columns = columns_of(cell)
    if column not in columns:
        return {}
    return {row.variant: row.figures[columns.index(column)] for row in rows_of(cell)}


def rows_of(cell: Record) -> list[Row]:
    """The comparison table of a cell, in the order of its variants."""
    metrics, columns = cell["metrics"], columns_of(cell)
    variants = metrics["variants"]
    best = [
        max((v["mean"] for one in variants.values() if (v := _value(one, c)) is not None), default=0.0) for c in columns
    ]
    rows = []
    for name, values in variants.items():
        figures = tuple(
            _figure(_value(values, column), top, _published(cell, name, column))
            for column, top in zip(columns, best, strict=True)
        )
        beyond = values.get("beyond") or {}
        rows.append(Row(name, _seeds(metrics, name), figures, beyond.get("coverage"), beyond.get("popularity_rank")))
    return rows


def gains_of(cell: Record, metric: str = "full/ndcg@10") -> list[Gain]:
    """Comparisons of a cell on one metric; with baselines only the product's, and matching's with matching alone."""
    metrics = cell["metrics"]
    return [
        Gain(
            one["variant"], one["baseline"], one["metric"], one["difference"], one["relative"], one["low"],
            one["high"], one["p_users"], one["p_seeds"], _published_gain(cell, one["variant"], one["baseline"], metric),
        )
        for one in metrics["comparisons"]
        if one["metric"] == metric
        and (
            one["baseline"] not in metrics["baselines"]
            or one["variant"] == metrics["product"]["variant"]
            or (one["baseline"] == "matching" and parse_variant(one["variant"]).terms)
        )
    ]  # fmt: skip


@dataclass(frozen=True)
class InterestGain:
    """What diffused interests add, in both protocols.

    Attributes:
        place: title of the cell, and how the interests enter where that is not by prompts.
        variant: with diffused interests.
        rival: its base, a control, or the same with raw interests.
        sampled: NDCG@10 against sampled negatives.
        full: NDCG@10 over all items.
    """

    place: str
    variant: str
    rival: str
    sampled: Gain
    full: Gain

    def gains(self) -> list[Gain]:
        """Of which each of the texts speaks."""
        return [self.sampled] * 4 + [self.full] * 3

    def texts(self) -> list[str]:
        """Under `INTEREST_HEAD`, without place and rival."""
        sampled, full = self.sampled, self.full
        return [
            *(relative_text(sampled.relative), p_text(sampled.p_users), p_text(sampled.p_seeds)),
            relative_text(sampled.published),
            *(relative_text(full.relative), p_text(full.p_users), p_text(full.p_seeds)),
        ]


INTEREST_HEAD = (
    "what diffused interests add", "over", "sampled NDCG@10", "p, users", "p, seeds", "published",
    "NDCG@10, all items", "p, users", "p, seeds",
)  # fmt: skip
_ENTERED: dict[Entry, str] = {"prompts": "", "positions": " · at positions", "fusion": " · fused", "none": ""}


def interest_gains(cells: Sequence[Record]) -> list[InterestGain]:
    """The paper's claim in every cell: diffused interests against the base, and the same with other interests."""
    found = []
    for cell in cells:
        by_pair = {(g.variant, g.rival): g for g in gains_of(cell, "sampled/ndcg@10")}
        for full in gains_of(cell):
            variant, rival = parse_variant(full.variant), parse_variant(full.rival)
            sampled = by_pair.get((full.variant, full.rival))
            same_model = replace(variant.base, terms=variant.terms) == replace(rival.base, terms=rival.terms)
            if sampled and variant.interests == "s2idm" and same_model:
                way = _ENTERED[variant.entry]
                found.append(InterestGain(title_of(cell) + way, full.variant, full.rival, sampled, full))
    return found


def seed_values(cell: Record) -> list[tuple[str, str, list[float]]]:
    """Every seed's value of the two NDCG@10, of variants with several seeds."""
    return [
        (name, f"{protocol} NDCG@10", values["test"][protocol]["ndcg@10"]["values"])
        for name, values in cell["metrics"]["variants"].items()
        for protocol in ("full", "sampled")
        if len(values["test"][protocol].get("ndcg@10", {}).get("values", ())) > 1
    ]


def reference_rows(record: Record) -> tuple[list[str], list[tuple[str, str, list[str]]]]:
    """Published figures on other data: metrics, and (data, variant, figures) a row; no figure of ours among them."""
    columns = record["reference"]
    metrics = list(dict.fromkeys(name for one in columns for of in one["figures"].values() for name in of))
    rows = [
        (one["place"], variant, [f"{of[name]:.4f}" if name in of else "" for name in metrics])
        for one in columns
        for variant, of in one["figures"].items()
    ]
    return metrics, rows


def _value(variant: Record, column: tuple[str, str, str]) -> Record | None:
    protocol, metric, _ = column
    found: Record | None = variant["test"][protocol].get(metric)
    return found


def _figure(value: Record | None, best: float, published: float | None) -> Figure | None:
    if value is None:
        return None
    spread = value["std"] if len(value["values"]) > 1 else None
    return Figure(value["mean"], spread, value["mean"] == best, published)


def _seeds(metrics: Record, name: str) -> int:
    if name in metrics["baselines"]:
        return 0
    return len(metrics["few_seeds"].get(name, metrics["seeds"]))


def _published(cell: Record, name: str, column: tuple[str, str, str]) -> float | None:
    protocol, metric, _ = column
    if cell["published"] is None or protocol != "sampled":
        return None
    found: float | None = cell["published"]["figures"].get(name, {}).get(metric)
    return found


def _published_gain(cell: Record, variant: str, rival: str, metric: str) -> float | None:
    protocol, name = metric.split("/", 1)
    if cell["published"] is None or protocol != "sampled":
        return None
    figures = cell["published"]["figures"]
    ours, theirs = (figures.get(one, {}).get(name) for one in (variant, rival))
    return None if ours is None or theirs is None else ours / theirs - 1
