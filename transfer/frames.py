"""Results as data frames, of polars or of pandas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from domains.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from transfer.serving.recommend import NewRecommendation, Recommendation

FrameKind = Literal["polars", "pandas"]


def as_kind(frame: pl.DataFrame, kind: FrameKind) -> Any:
    """Return the same frame of polars or of pandas.

    Raises:
        InputError: there is no such kind, or pandas is not installed.
    """
    if kind == "polars":
        return frame
    if kind != "pandas":
        raise InputError(f"{kind!r} is no kind of frame", location="as_", hint='Use "polars" or "pandas"')
    try:
        import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise InputError("pandas is not installed", location="as_", hint="pip install pandas, or use polars") from None
    return pd.DataFrame(frame.to_dict(as_series=False))


def recommendations_frame(
    recommendations: Sequence[Recommendation | NewRecommendation], as_: FrameKind = "polars"
) -> Any:
    """Return recommendations as a frame: place, item_id, title, score, share, reason, anchors.

    The place of a new item is the one among all known items.

    Raises:
        InputError: there is no such kind of frame, or pandas is not installed.
    """
    import polars as pl

    rows = [
        {"place": getattr(one, "place", place), **asdict(getattr(one, "item", one))}
        for place, one in enumerate(recommendations, 1)
    ]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "place": pl.Int64, "item_id": pl.String, "title": pl.String, "score": pl.Float64, "share": pl.Float64,
        "reason": pl.String, "anchors": pl.List(pl.String),
    }  # fmt: skip
    return as_kind(pl.DataFrame([row | {"anchors": list(row["anchors"])} for row in rows], schema=schema), as_)
