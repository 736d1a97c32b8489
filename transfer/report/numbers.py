"""How tables, charts and the terminal write numbers."""

from __future__ import annotations


def difference_text(difference: float) -> str:
    """A difference of two metrics. A zero has no minus: it would be taken for a loss."""
    return f"{difference:+z.4f}"


def interval_text(low: float, high: float) -> str:
    """Both ends of an interval of a difference."""
    return f"{difference_text(low)} … {difference_text(high)}"


def relative_text(share: float | None) -> str:
    """A gain as a share of what it is held against."""
    return "" if share is None else f"{share:+z.1%}"


def p_text(p: float | None) -> str:
    """A p-value as people write it."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
