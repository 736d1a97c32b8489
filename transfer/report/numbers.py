"""How tables, charts and the terminal write numbers."""

from __future__ import annotations


def difference_text(difference: float) -> str:
    """A difference of two metrics. A zero has no minus: it would be taken for a loss."""
    return f"{difference:+z.4f}"


def relative_text(share: float | None) -> str:
    """A gain as a share of what it is held against."""
    return "" if share is None else f"{share:+z.1%}"


def p_text(p: float | None) -> str:
    """A p-value as people write it."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def share_text(share: float) -> str:
    """A share of users as a percentage; small ones keep their digits."""
    return f"{100 * share:.3g}%"
