"""Charts drawn by matplotlib as SVG: lines, forest plots, paired bars, stacked bars. Same data give the same file."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from domains.printable import printable
from transfer.report.table_format import minus, wrapped

COLOURS = ("#1f5fbf", "#c4620a", "#2a7d4f", "#8b3fa8", "#b8303a", "#0d7f8c", "#8a6d1d", "#6b7280")
"""Colours of the series in a chart; each has a contrast of at least 4.5 to white."""
INK, MUTED, LINE = "#1d2126", "#5a626b", "#d8d9d4"
UP, DOWN, UNSURE = COLOURS[2], COLOURS[4], COLOURS[7]
WIDTH = 3.9
"""Width of a chart in inches: that of a telephone, so that its text is readable there too."""
LABEL = 40
"""Number of characters of a label that fit the width."""
_STYLE = {
    "svg.hashsalt": "transfer",
    "svg.fonttype": "none",  # the browser's fonts cover more scripts
    "text.parse_math": False,
    "font.size": 9,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "legend.frameon": False,
    "axes.grid.axis": "y",
    "grid.color": LINE,
    "axes.axisbelow": True,
}


@dataclass(frozen=True)
class Series:
    """A line of a chart.

    Attributes:
        name: name in the legend.
        x: horizontal positions.
        y: values.
        error: half the height of each interval; empty without intervals.
        colour: index into `COLOURS`.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    error: tuple[float, ...] = ()
    colour: int = 0


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A row of a forest plot.

    Attributes:
        label: names of the compared variants.
        middle: the estimate.
        low: lower end of the interval.
        high: upper end of the interval.
        text: text at the right.
        certain: whether the estimate is significant.
    """

    label: str
    middle: float
    low: float
    high: float
    text: str
    certain: bool


@dataclass(frozen=True)
class Point:
    """A named point of a scatter plot.

    Attributes:
        name: label, drawn where it hides no other.
        x: horizontal place.
        y: vertical place.
        weight: positive; the area is proportional to it.
        group: index of its group, which is also its colour.
    """

    name: str
    x: float
    y: float
    weight: float
    group: int


def scatter(points: Sequence[Point], groups: Sequence[str]) -> str:
    """Draw named points, without axes.

    Args:
        points: at least one point.
        groups: names of the groups.
    """
    largest = max(point.weight for point in points)
    with _chart(5.2) as (figure, axes, out):
        for number, name in enumerate(groups):
            mine = [point for point in points if point.group == number]
            areas = [4 + 60 * point.weight / largest for point in mine]
            places = [point.x for point in mine], [point.y for point in mine]
            label = "\n".join(wrapped(printable(name), LABEL))
            axes.scatter(*places, s=areas, color=COLOURS[number], alpha=0.75, linewidths=0)
            axes.plot([], [], "o", ms=5, color=COLOURS[number], label=label)  # in the legend, of one size
        axes.set_axis_off()
        axes.margins(x=0.12, y=0.04)
        figure.legend(loc="outside lower left", alignment="left", fontsize=8.5, borderaxespad=0.2)
        figure.draw_without_rendering()  # places the axes, in which the labels need room
        taken: list[Bbox] = []
        for point in sorted(points, key=lambda point: -point.weight):
            text = axes.annotate(
                _short(point.name),
                (point.x, point.y),
                (0, 3.5),
                textcoords="offset points",
                ha="center",
                fontsize=7,
                color=COLOURS[point.group],
            )
            box = text.get_window_extent()
            if any(box.overlaps(other) for other in taken):
                text.remove()
            else:
                taken.append(box)
    return out[0]


def lines(series: Sequence[Series], across: str, up: str, labels: Sequence[str] = ()) -> str:
    """Draw lines with a legend below.

    Args:
        series: at least one line.
        across: title of the horizontal axis.
        up: title of the vertical axis; it is placed above the chart, where long titles fit.
        labels: labels of the positions 0, 1, ...; without labels the axis is numeric.
    """
    names = [wrapped(printable(one.name), LABEL) for one in series]
    with _chart(2.4 + 0.17 * sum(map(len, names))) as (figure, axes, out):
        for one, name in zip(series, names, strict=True):
            colour = COLOURS[one.colour % len(COLOURS)]
            error = one.error or None
            axes.errorbar(
                one.x, one.y, error, color=colour, marker="o", ms=3, lw=1.5, elinewidth=1, label="\n".join(name)
            )
        axes.grid(visible=True)
        axes.set_xlabel(printable(across))
        axes.set_title(printable(up), loc="left", fontsize=9, color=MUTED)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        if labels:
            axes.set_xticks(range(len(labels)), [printable(label) for label in labels])
            axes.margins(x=0.08)
        else:
            whole = all(float(x).is_integer() for one in series for x in one.x)
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=whole))
        _readable(axes, "y", [y for one in series for y in one.y])
        figure.legend(loc="outside lower left", alignment="left", fontsize=8.5, borderaxespad=0.2)
    return out[0]


def forest(rows: Sequence[Interval], across: str) -> str:
    """Draw estimates with intervals, each below its label. Colours mark gains, losses and insignificant estimates."""
    labels = [wrapped(printable(row.label), LABEL) for row in rows]
    heights = [0.26 + 0.17 * len(label) for label in labels]
    total = sum(heights)
    with _chart(total + 0.55) as (_, axes, out):
        top = total
        axes.set_ylim(0, total)
        axes.axvline(0, color=MUTED, lw=0.8, zorder=1)
        for row, label, height in zip(rows, labels, heights, strict=True):
            place = top - height + 0.13
            colour = UNSURE if not row.certain else UP if row.middle > 0 else DOWN
            axes.plot([row.low, row.high], [place, place], color=colour, lw=1.8, solid_capstyle="butt", zorder=2)
            axes.plot([row.middle], [place], "o", color=colour, ms=5, zorder=3)
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            across_axes = axes.get_yaxis_transform()
            axes.text(
                0, top - 0.03, "\n".join(label), transform=across_axes, va="top", fontsize=8.5, bbox=box, zorder=4
            )
            axes.text(
                1,
                top - 0.03,
                minus(printable(row.text)),
                transform=across_axes,
                va="top",
                ha="right",
                fontsize=8.5,
                color=colour,
                bbox=box,
                zorder=4,
            )
            top -= height
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(printable(across))
        axes.xaxis.set_major_locator(MaxNLocator(4, symmetric=False))
        _readable(axes, "x", [end for row in rows for end in (row.low, row.high)])
    return out[0]


def pairs(words: Sequence[str], before: Sequence[float], after: Sequence[float]) -> str:
    """Draw two bars for each word; values are shares between 0 and 1."""
    places = range(len(words))
    with _chart(0.5 + 0.3 * len(words)) as (figure, axes, out):
        axes.barh([place - 0.18 for place in places], before, 0.32, color=COLOURS[7], label="before diffusion")
        axes.barh([place + 0.18 for place in places], after, 0.32, color=COLOURS[0], label="after")
        axes.set_yticks(places, [_short(word) for word in words], color=INK)
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.5, 1])
        figure.legend(loc="outside lower left", ncols=2, fontsize=8.5, borderaxespad=0.2)
    return out[0]


def stacked(parts: Sequence[tuple[str, int, int]]) -> str:
    """Draw counts (label, count, colour) as parts of one bar."""
    total, start = sum(count for _, count, _ in parts) or 1, 0.0
    names = [wrapped(f"{printable(label)}: {count:,}", LABEL) for label, count, _ in parts]
    with _chart(0.45 + 0.18 * sum(map(len, names))) as (figure, axes, out):
        for (_, count, colour), name in zip(parts, names, strict=True):
            axes.barh([0], [count / total], left=start, color=COLOURS[colour], label="\n".join(name))
            start += count / total
        axes.set_xlim(0, 1)
        axes.set_axis_off()
        figure.legend(loc="outside lower left", alignment="left", fontsize=8.5, borderaxespad=0.2)
    return out[0]


@contextmanager
def _chart(height: float) -> Iterator[tuple[Figure, Axes, list[str]]]:
    """Open a figure with one pair of axes; after the block, the list holds its SVG."""
    out: list[str] = []
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # The browser draws characters that matplotlib's font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        yield figure, figure.add_subplot(), out
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
        out.append(buffer.getvalue())


def _readable(axes: Axes, axis: str, values: Sequence[float]) -> None:
    """Widen an axis if all values are nearly equal; its numbers would differ in meaningless digits."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    if high - low < 4e-4:
        middle = (low + high) / 2
        getattr(axes, f"set_{axis}lim")(middle - 2e-4, middle + 2e-4)
    getattr(axes, f"{axis}axis").get_major_formatter().set_useOffset(False)


def _short(word: str) -> str:
    first, *rest = wrapped(printable(word), 22)
    return f"{first}…" if rest else first
