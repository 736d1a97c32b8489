"""Settings of the data side: the preparation of a domain and its columns."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from domains.column_names import field_name, plain_name
from domains.domain import RESERVED
from domains.errors import SettingsError
from domains.keep import FORMS, LOCATION, parse_keep

TimeUnit = Literal["auto", "s", "ms", "us", "ns", "ticks", "filetime", "webkit", "excel"]
TimeKindSetting = Literal["auto", "timestamp", "order"]
Ties = Literal["file", "random", "item"]


class Settings(BaseModel):
    """Base of all settings: unknown keys are errors, values are frozen.

    Attributes:
        fixed: keys of earlier releases whose value is now a constant. Another value is an error.
        ignored: keys of earlier releases that belong to the machine, and their default. Another value is ignored with
            a warning.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    fixed: ClassVar[Mapping[str, object]] = {}
    ignored: ClassVar[Mapping[str, object]] = {}

    @model_validator(mode="before")
    @classmethod
    def _drop_former_keys(cls, data: Any) -> Any:
        """Accept recipes and artifacts of earlier releases."""
        former = {**cls.fixed, **cls.ignored}
        if not isinstance(data, Mapping) or former.keys().isdisjoint(data):
            return data
        changed = [key for key, value in former.items() if key in data and data[key] != value]
        for key in changed:
            if key in cls.fixed:
                raise SettingsError(
                    f"{key} is no longer a setting: it is always {former[key]!r}", hint="Remove it", code="former-key"
                )
            warnings.warn(f"{key} is no longer a setting of a recipe and is ignored", stacklevel=2)
        return {key: value for key, value in data.items() if key not in former}

    @field_validator("*", mode="before")
    @classmethod
    def _check_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse true and false where a number belongs; they would count as 1 and 0."""
        listed = value if isinstance(value, list | tuple) else (value,)
        if any(isinstance(one, bool) for one in listed):
            kinds = list(_kinds(cls.model_fields[info.field_name or ""].annotation))
            if (int in kinds or float in kinds) and bool not in kinds and Any not in kinds:
                raise ValueError("a number belongs here")
        return value


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield a type and all types within it."""
    yield annotation
    for inner in get_args(annotation):
        yield from _kinds(inner)


def repeated(values: Sequence[object]) -> str:
    """List the values that occur more than once; empty if there are none."""
    return ", ".join(str(value) for value in dict.fromkeys(values) if values.count(value) > 1)


class PrepareSettings(Settings):
    """How raw interactions become a `Domain`. The steps run in the order of `domains.preparation.prepare`."""

    keep: tuple[str, ...] = Field(
        default=(),
        description="Which rows of the interactions count, by the values of columns: 'event_type in [purchase, cart]', "
        "'rating >= 4', 'status != returned and quantity > 0'. One text, or a list of texts that must all hold.",
    )
    missing: Literal["drop", "error"] = Field(
        default="error",
        description="Rows without user, item or time (empty, nan, NULL, n/a, ...), and rows of the item table without "
        "an id: leave them out and count them, or stop.",
    )
    repeats: Literal["first", "last", "keep"] = Field(
        default="first",
        description="Which of a user's interactions with the same item is kept. 'first' is what most published "
        "benchmarks do and makes every leave-one-out target an item that the user had not met; 'last' keeps the "
        "newest; 'keep' keeps all of different times, and full ranking then excludes no item that was seen.",
    )
    ties: Ties = Field(
        default="file",
        description="Order of a user's interactions that share a time: 'file' keeps the order of the rows (from the "
        "end if the newest rows come first), 'random' is one fixed random order by the ids of user and item, 'item' "
        "sorts by item id (as numbers if all ids are whole numbers). If results change with it, they depend on an "
        "order that nobody observed.",
    )
    min_user_interactions: int = Field(
        default=5,
        ge=0,
        description="k of the k-core for users: users with fewer interactions are removed, repeatedly, until nothing "
        "changes. 3 or more makes leave-one-out safe; 0 switches it off.",
    )
    min_item_interactions: int = Field(default=5, ge=0, description="k of the k-core for items; 0 switches it off.")
    max_history: int | None = Field(
        default=None,
        ge=1,
        description="Keep only the last n interactions of each user; applied before the k-core.",
    )
    catalogue: Literal["used", "all"] = Field(
        default="used",
        description="Items of the domain: 'used' are those with an interaction, 'all' adds all others with a title, "
        "which can be recommended by their text.",
    )
    missing_titles: Literal["error", "keep", "drop"] = Field(
        default="error",
        description="Items without a title: stop, keep them with an empty title (they get no anchors), or drop "
        "them with their interactions.",
    )
    unknown_items: Literal["error", "drop", "keep"] = Field(
        default="error",
        description="Interactions with an item that is in no item table: stop, drop them, or keep the item "
        "without a title (then `missing_titles` applies).",
    )
    duplicate_items: Literal["error", "most", "first", "longest"] = Field(
        default="error",
        description="An item with several rows whose titles differ: stop, take the title that most rows have (the "
        "first of several), the first title, or the longest. "
        "Rows that agree are merged in any case, and an item has the categories of all its rows.",
    )
    time_kind: TimeKindSetting = Field(
        default="auto",
        description="Kind of the times. 'auto': dates and numbers that are plausible unix times (1973 to 2099) "
        "are timestamps, other numbers only an order.",
    )
    time_unit: TimeUnit = Field(
        default="auto",
        description="Unit of numeric timestamps; 'auto' takes the one in which they fall in 1973 to 2099. 'ticks' are "
        "those of .NET, 'filetime' those of Windows, 'webkit' those of browsers, 'excel' days of a spreadsheet.",
    )
    time_format: str | None = Field(
        default=None,
        description="The format of times written as text, in the directives of strftime: '%d/%m/%Y %H:%M'. Usual "
        "formats are found without it.",
    )

    @field_validator("keep", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        conditions = (value,) if isinstance(value, str) else value
        if not isinstance(conditions, (list, tuple)) or not all(isinstance(text, str) for text in conditions):
            raise SettingsError(f"{value!r} is no condition", location=LOCATION, hint=FORMS, code="keep-syntax")
        return conditions

    @field_validator("keep")
    @classmethod
    def _check_conditions(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        parse_keep(value)
        return value


class ColumnMapping(Settings):
    """Names of the columns in the user's files. Columns without a name here are found by their usual names."""

    user: str | None = Field(default=None, description="Column with the user id; default: user_id and similar names.")
    item: str | None = Field(
        default=None, description="Column with the item id, in both files; default: item_id and similar names."
    )
    item_key: str | None = Field(
        default=None, description="Column with the item id in the item file, if it has another name there."
    )
    time: str | None = Field(
        default=None,
        description="Column with the time; default: timestamp and similar names. 'date + time' joins two columns.",
    )
    title: str | None = Field(
        default=None, description="Column with the title; default: title, name and similar names."
    )
    categories: str | None = Field(
        default=None, description="Column with categories; default: categories, genres and similar names."
    )
    text: dict[str, str] | None = Field(
        default=None,
        description="Columns with further text of the items, such as [authors, brand, description], or {field: column} "
        "to name the fields; default: those with usual names; []: none.",
    )

    @field_validator("text", mode="before")
    @classmethod
    def _by_field(cls, value: Any) -> Any:
        """Turn a list of columns into a mapping; each field is named after its column."""
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, (list, tuple)):
            return value
        fields: dict[Any, Any] = {}
        for column in listed:
            field = field_name(column) if isinstance(column, str) else column
            # The second of two columns of one kind becomes a field under its own name.
            fields[plain_name(column) if field in fields else field] = column
        return fields

    @field_validator("text")
    @classmethod
    def _check_fields(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        wrong = [name for name in value or () if name in RESERVED or plain_name(name) != name]
        if wrong:
            raise ValueError(f"{wrong[0]!r} cannot be the name of a text field")
        return value
