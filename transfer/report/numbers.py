"""How tables, charts and the terminal write numbers."""

from __future__ import annotations


def figure_text(value: float) -> str:
    """Write a metric."""
    return f"{value:.4f}"


def difference_text(difference: float) -> str:
    """Write a difference of two metrics. Zero has no minus, which would look like a loss."""
    return f"{difference:+z.4f}"


def interval_text(low: float, high: float) -> str:
    """Write both ends of an interval of a difference."""
    return f"{difference_text(low)} … {difference_text(high)}"


def relative_text(share: float | None) -> str:
    """Write a gain as a share of what it is compared with."""
    return "" if share is None else f"{share:+z.1%}"


def p_text(p: float | None) -> str:
    """Write a p-value."""
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def metric_text(metric: str) -> str:
    """Write ``full/ndcg@10`` as people do: NDCG@10, all items."""
    protocol, name = metric.split("/", 1)
    kind, at, cutoff = name.partition("@")
    return {"hit": "Hit"}.get(kind, kind.upper()) + at + cutoff + {"full": ", all items"}.get(protocol, f", {protocol}")


def minus(text: str) -> str:
    """Return the text with a typographic minus."""
    return text.replace("-", "\N{MINUS SIGN}")
