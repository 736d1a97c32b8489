"""A finished run as a Python object: its metrics, its recommendations, and both as data frames."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from domains.data_frames import read_new_items
from domains.errors import SettingsError
from domains.newer import Reading
from transfer.report.run_record import RunRecord
from transfer.runs.target_run import TargetRun
from transfer.serving.batch import Written, recommend_all
from transfer.serving.interests import interests_in
from transfer.serving.new_items import run_with
from transfer.serving.opened import with_variant
from transfer.serving.recommend import Filters, History, NewRecommendation, Recommendation, Recommender

if TYPE_CHECKING:
    import polars as pl

FrameKind = Literal["polars", "pandas"]


def as_kind(frame: pl.DataFrame, kind: FrameKind) -> Any:
    """Return the same frame of polars or of pandas.

    Raises:
        InputError: there is no such kind, or pandas is not installed.
    """
    if kind == "polars":
        return frame
    if kind != "pandas":
        raise SettingsError(
            f"{kind!r} is no kind of frame", location="as_", hint='Use "polars" or "pandas"', code="frame"
        )
    try:
        import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise SettingsError(
            "pandas is not installed", location="as_", hint="pip install pandas, or use polars", code="no-extra"
        ) from None
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
        "place": pl.Int64,
        "item_id": pl.String,
        "title": pl.String,
        "score": pl.Float64,
        "share": pl.Float64,
        "reason": pl.String,
        "anchors": pl.List(pl.String),
    }
    return as_kind(pl.DataFrame([row | {"anchors": list(row["anchors"])} for row in rows], schema=schema), as_)


class Run:
    """A finished run: its model, metrics and recommendations.

    Args:
        target: the artifact that `adapt-target` writes.
        folder: of the artifact.
        new_items: number of its last items that `with_items` added.
    """

    def __init__(self, target: TargetRun, folder: Path, new_items: int = 0) -> None:
        self.target, self.folder, self.new_items = target, folder, new_items

    def __repr__(self) -> str:
        """Show variant, domain and folder."""
        return f"<Run {self.variant} on {self.target.domain.name}, in {self.folder}>"

    @property
    def variant(self) -> str:
        """The variant that recommends: the best one on validation."""
        return self.target.variant.label

    @property
    def record(self) -> RunRecord:
        """Metrics, comparisons and choices of the run, typed."""
        return self.target.metrics

    @property
    def metrics(self) -> dict[str, Any]:
        """Contents of `metrics.json` as plain data; see `record` for typed contents."""
        return self.target.metrics.as_dict()

    def results(self, as_: FrameKind = "polars") -> Any:
        """Every figure of every variant: variant, stage, protocol, metric, mean, std.

        Args:
            as_: ``polars`` or ``pandas``.
        """
        import polars as pl

        rows = [
            (name, stage, protocol, metric, value.mean, value.std)
            for name, variant in self.record.variants.items()
            for stage, protocols in (("validation", variant.validation), ("test", variant.test))
            for protocol, values in protocols.items()
            for metric, value in values.items()
        ]
        columns = ["variant", "stage", "protocol", "metric", "mean", "std"]
        return as_kind(pl.DataFrame(rows, schema=columns, orient="row"), as_)

    def recommend(
        self,
        *,
        user: str | int | None = None,
        history: str | Iterable[str] | None = None,
        interests: str | Iterable[str] | None = None,
        count: int = 10,
        filters: Filters | None = None,
    ) -> list[Recommendation]:
        """Recommend items for a user of the target, for a history, or for words of interest.

        Args:
            user: id of a known user; all of their interactions count.
            history: titles or ids of the target's items, oldest first: a list, a tuple, an array, a column of a frame.
            interests: words instead of a history; in one text, with commas between them.
            count: number of items.
            filters: restricts the items; see `transfer.serving.recommend.Filters.of_ids`.

        Raises:
            InputError: not exactly one of the three is given, or it is unknown.
        """
        count, past = _whole(count), self._asked(user, history, interests)
        if isinstance(past, History):
            return self._recommender.recommend(past, count, filters or Filters())
        return self._recommender.recommend_for(past, count, filters or Filters())

    def recommend_new(
        self,
        *,
        user: str | int | None = None,
        history: str | Iterable[str] | None = None,
        interests: str | Iterable[str] | None = None,
        count: int = 10,
        filters: Filters | None = None,
    ) -> list[NewRecommendation]:
        """Recommend items added by `with_items`, each with the rank that it would have among the known items.

        Arguments as for `recommend`.
        """
        count, past = _whole(count), self._asked(user, history, interests)
        if isinstance(past, History):
            return self._recommender.recommend_new(past, count, filters or Filters())
        return self._recommender.recommend_new_for(past, count, filters or Filters())

    def recommend_all(self, out: str | Path, **options: Any) -> Written:
        """Write recommendations for all users, or those of a file, to Parquet.

        Args:
            out: the file.
            **options: options of `transfer.serving.batch.recommend_all`: users, history_file, count, filters, shard,
                reasons.
        """
        if "count" in options:
            options["count"] = _whole(options["count"])
        return recommend_all(self._recommender, Path(checked_path(out, "out")), **options)

    def _asked(
        self,
        user: str | int | None,
        history: str | Iterable[str] | None,
        interests: str | Iterable[str] | None,
    ) -> History | list[str]:
        """Return the user's history, or words of interest."""
        if sum(given is not None for given in (user, history, interests)) != 1:
            raise SettingsError("give one of user, history and interests", location="recommend", code="one-question")
        if user is not None:
            return History.of_user(self.target.domain, str(user))
        if history is not None:
            return History.of_titles(self.target.domain, _listed(history), self._recommender.titles)
        words = interests_in(interests) if isinstance(interests, str) else _listed(interests)
        for word in words:
            if not isinstance(word, str):
                raise _no_text(word)
        return words

    def with_items(self, items: Any) -> Run:
        """Return the run with new items, which are known by their text. Trains nothing.

        Args:
            items: a polars, pandas or Arrow table, or the path of one, with ids and titles, and the categories
                and text fields that the target has. Columns are those of the target's own items, or usual names.

        Raises:
            InputError: an id is not new or occurs twice, a title is missing, or a sentence encoder is needed and not
                there.
        """
        new = read_new_items(items, Reading.of(self.target.recipe.target))
        return Run(run_with(self.target, new), self.folder, self.new_items + len(new.ids))

    def with_variant(self, label: str) -> Run:
        """Return the run with another of its finished variants as the one that recommends.

        Raises:
            InputError: the variant is not finished in the run's folder, or cannot serve.
        """
        return Run(with_variant(self.target, label), self.folder, self.new_items)

    @cached_property
    def _recommender(self) -> Recommender:
        return Recommender(self.target, self.new_items)


def checked_path(given: object, argument: str) -> str | Path:
    """Return a path or the id of a hub.

    Raises:
        InputError: it is neither, or empty.
    """
    if not isinstance(given, str | Path) or not str(given).strip():
        raise SettingsError(f"{given!r} is no path", location=argument, hint="Name a folder", code="no-path")
    return given


def _whole(count: Any) -> int:
    """Return a count of items as an int; numbers of numpy and 2.0 are counts as well.

    Raises:
        InputError: it is no whole number, or below 1.
    """
    number = isinstance(count, numbers.Real) and not isinstance(count, bool)
    if not number or not count >= 1 or count % 1 != 0:
        raise SettingsError(
            f"count must be a whole number of at least 1, not {count!r}",
            location="recommend",
            hint="Write for example count=10",
            code="count",
        )
    return int(count)


def _listed(given: object) -> list[Any]:
    """Return one text, or the values of a list, an array or a column, as a list.

    Raises:
        InputError: it is neither, or has no order.
    """
    if isinstance(given, str):
        return [given]
    if isinstance(given, bytes | Set | Mapping) or not isinstance(given, Iterable):
        raise _no_text(given)
    return list(given)


def _no_text(given: object) -> SettingsError:
    return SettingsError(
        f"a {type(given).__name__} is not a text or a list of texts",
        location="recommend",
        hint='Give texts in their order, such as ["one", "two"]',
        code="not-text",
    )
