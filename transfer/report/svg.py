"""Small charts as SVG text: 360 units wide, so that their letters stay readable on a phone; colours come from CSS."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from rich.cells import cell_len, set_cell_size

WIDTH = 360
COLOURS = 8
"""Classes c0 to c7 that the style sheet paints."""
LETTER = 7.2
"""Generous mean width of a letter in the style sheet's largest font: nobody knows which font a reader has."""
LEAST_SPAN = 5e-4
"""No axis shows less: five digits tell its ticks apart, and none of them rounds to a negative zero."""


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes:
        name: for the legend.
        x: ascending, whole numbers.
        y: of the same length.
        error: half the height of an interval at each point; empty for none.
        colour: class number.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    error: tuple[float, ...] = ()
    colour: int = 0


@dataclass(frozen=True)
class Interval:
    """One row of a forest plot.

    Attributes:
        label: what is compared.
        middle: the estimate.
        low: of its interval.
        high: of its interval.
        note: at the right end.
    """

    label: str
    middle: float
    low: float
    high: float
    note: str


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers between two values, both ends included where they are round.

    Args:
        low: lower end.
        high: upper end, above it.
        count: about how many.
    """
    rough = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * unit for unit in (1, 2, 2.5, 5, 10) if power * unit >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def line_chart(series: Sequence[Series], x_name: str, y_name: str, x_labels: Sequence[str] = ()) -> str:
    """Lines with points and intervals over a common x; a zero line where the values go below zero.

    Args:
        series: at least one, each with at least one point.
        x_name: under the axis.
        y_name: above the axis.
        x_labels: names of x = 0, 1, ... in place of numbers.
    """
    left, right, top, bottom, height = 60, 10, 24, 40, 220
    lows = [y - e for s in series for y, e in zip(s.y, _errors(s), strict=True)]
    highs = [y + e for s in series for y, e in zip(s.y, _errors(s), strict=True)]
    y_low, y_high = _padded(min(lows), max(highs))
    xs = [x for s in series for x in s.x]
    x_low, x_high = min(xs), max(xs)
    if x_labels:
        x_low, x_high = -0.4, len(x_labels) - 0.6
    elif x_low == x_high:
        x_high = x_low + 1

    def across(x: float) -> float:
        return left + (x - x_low) / (x_high - x_low) * (WIDTH - left - right)

    def down(y: float) -> float:
        return top + (y_high - y) / (y_high - y_low) * (height - top - bottom)

    parts = []
    for tick in ticks(y_low, y_high):
        kind = "zero" if tick == 0 and y_low < 0 else "grid"
        level = f'y1="{down(tick):.1f}" y2="{down(tick):.1f}"'
        parts.append(f'<line class="{kind}" x1="{left}" x2="{WIDTH - right}" {level}/>')
        parts.append(_text(left - 6, down(tick) + 3.5, _number(tick, y_high - y_low), "end"))
    whole = [(tick, f"{tick:g}") for tick in ticks(x_low, x_high, 5) if tick.is_integer()]
    named = list(enumerate(x_labels)) if x_labels else whole
    parts += [_centred(across(x), height - bottom + 16, label) for x, label in named]
    parts.append(_text((left + WIDTH - right) / 2, height - 6, x_name, "middle", "name"))
    parts.append(_text(4, 12, y_name, "start", "name"))
    for place, one in enumerate(series):
        shift = (place - (len(series) - 1) / 2) * 7 if one.error else 0.0
        points = [(across(x) + shift, down(y)) for x, y in zip(one.x, one.y, strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        colour = f"c{one.colour % COLOURS}"
        parts.append(f'<g class="{colour}"><title>{escape(one.name)}</title><polyline points="{path}"/>')
        for (x, _), y, error in zip(points, one.y, _errors(one), strict=True):
            if error:
                parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{down(y - error):.1f}" y2="{down(y + error):.1f}"/>')
        if len(points) <= 12:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>' for x, y in points]
        parts.append("</g>")
    return _svg(height, parts, f"{y_name} over {x_name}")


def forest(rows: Sequence[Interval], name: str) -> str:
    """Estimates with intervals, one under the other, their labels above them, around a line at zero."""
    line_height, top, bottom, left, right = 13, 6, 34, 8, 58
    labels = [_wrapped(row.label, WIDTH - 2 * left) for row in rows]
    height = top + bottom + sum(line_height * len(lines) + 21 for lines in labels)
    low, high = _padded(min(0.0, *(r.low for r in rows)), max(0.0, *(r.high for r in rows)))

    def across(x: float) -> float:
        return left + (x - low) / (high - low) * (WIDTH - left - right)

    floor = height - bottom
    parts = []
    for tick in ticks(low, high, 3):
        kind = "zero" if tick == 0 else "grid"
        parts.append(f'<line class="{kind}" x1="{across(tick):.1f}" x2="{across(tick):.1f}" y1="{top}" y2="{floor}"/>')
        parts.append(_centred(across(tick), floor + 14, _number(tick, high - low, sign=True)))
    y = top
    for row, lines in zip(rows, labels, strict=True):
        kind = "up" if row.low > 0 else "down" if row.high < 0 else "unsure"
        spans = []
        for line in lines:
            y += line_height
            spans.append(f'<tspan x="{left}" y="{y}">{escape(line)}</tspan>')
        parts.append(f'<text class="label">{"".join(spans)}</text>')
        parts.append(f'<g class="{kind}"><line x1="{across(row.low):.1f}" x2="{across(row.high):.1f}"')
        parts.append(f' y1="{y + 10}" y2="{y + 10}"/><circle cx="{across(row.middle):.1f}" cy="{y + 10}" r="3.6"/></g>')
        parts.append(_text(WIDTH - 4, y + 13.5, row.note, "end", kind))
        y += 21
    parts.append(_text((left + WIDTH - right) / 2, height - 4, name, "middle", "name"))
    return _svg(height, parts, name)


def bar_pairs(words: Sequence[str], before: Sequence[float], after: Sequence[float]) -> str:
    """Two thin bars a word: before and after diffusion, both as shares of their largest."""
    row_height, left, top, room = 22, 130, 4, 112
    height = top * 2 + row_height * len(words)
    parts = []
    for place, word in enumerate(words):
        y = top + place * row_height
        parts.append(_text(left - 8, y + 14, _shortened(word.replace("_", " "), room), "end", "label"))
        for kind, offset, value in (("before", 3, before[place]), ("after", 11, after[place])):
            width = max(1.0, value * (WIDTH - left - 6))
            parts.append(f'<rect class="{kind}" x="{left}" y="{y + offset}" width="{width:.1f}" height="7" rx="1.5"/>')
    return _svg(height, parts, "interests before and after diffusion")


def stacked(parts_of: Sequence[tuple[str, float, int]]) -> str:
    """One bar cut into parts, each with its name and number below in two columns.

    Args:
        parts_of: name, amount and colour of each.
    """
    total = sum(amount for _, amount, _ in parts_of) or 1.0
    height = 30 + 18 * len(parts_of)
    parts, x = [], 4.0
    for _, amount, colour in parts_of:
        width = amount / total * (WIDTH - 8)
        parts.append(f'<rect class="c{colour}" x="{x:.1f}" y="4" width="{max(0.0, width - 1):.1f}" height="16"/>')
        x += width
    for place, (name, amount, colour) in enumerate(parts_of):
        y = 38 + 18 * place
        parts.append(f'<rect class="c{colour}" x="4" y="{y - 9}" width="10" height="10" rx="2"/>')
        number = f"{amount:,.0f} ({amount / total:.0%})"
        parts.append(_text(20, y, _shortened(name, WIDTH - 24 - len(number) * LETTER), "start", "label"))
        parts.append(_text(WIDTH - 4, y, number, "end"))
    return _svg(height, parts, "anchors by who uses them")


def minus(text: str) -> str:
    """Numbers with a typographic minus, which is as wide as a plus."""
    return text.replace("-", "\N{MINUS SIGN}")


def _errors(series: Series) -> tuple[float, ...]:
    return series.error or (0.0,) * len(series.y)


def _padded(low: float, high: float) -> tuple[float, float]:
    span = high - low
    margin = max(span * 0.08 or abs(high) * 0.1, (LEAST_SPAN - span) / 2)
    return low - margin, high + margin


def _number(value: float, span: float, sign: bool = False) -> str:
    """As many digits as tell neighbouring ticks apart."""
    digits = max(0, min(5, 1 - math.floor(math.log10(span))))
    text = f"{value:+.{digits}f}" if sign and value else f"{value:.{digits}f}"
    return minus(text)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _centred(x: float, y: float, text: str) -> str:
    """A number of an axis around x, moved where it would leave the chart."""
    half = len(text) * LETTER / 2
    return _text(min(max(x, half), WIDTH - half), y, text, "middle")


def _shortened(text: str, width: float) -> str:
    """As much of a text as fits a width; signs of some scripts are as wide as two letters."""
    most = int(width / LETTER)
    return text if cell_len(text) <= most else set_cell_size(text, most - 1).rstrip() + "…"


def _wrapped(text: str, width: float) -> list[str]:
    """Lines that fit a width: a pair is broken at ' over ' first, all else at spaces and pluses, or where need be."""
    most = int(width / LETTER)
    if len(text) <= most:
        return [text]
    lines = []
    for part in re.split(r" (?=over )", text):
        lines.append("")
        for piece in re.findall(rf"\+?[^ +]{{0,{most - 1}}} ?", part):
            if len(lines[-1] + piece.rstrip()) > most:
                lines.append("")
            lines[-1] += piece
    return [line.rstrip() for line in lines]


def _svg(height: float, parts: Sequence[str], label: str) -> str:
    body = "".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}">{body}</svg>'
