"""Settings of the data side: how a domain is prepared, which columns it is read from, and where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domains.errors import InputError
from domains.nearest import suggest

TimeUnit = Literal["auto", "s", "ms", "us", "ns"]
TimeKindSetting = Literal["auto", "timestamp", "order"]


class Settings(BaseModel):
    """Base of all settings: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PrepareSettings(Settings):
    """How raw interactions become a `Domain`. The steps run in the order of `domains.prepare.prepare`."""

    repeats: Literal["first", "last", "keep"] = Field(
        default="first",
        description="Which of a user's interactions with the same item stays. 'first' is what most published "
        "benchmarks do and makes every leave-one-out target an item that the user had not met; 'last' keeps the "
        "newest; 'keep' keeps all, and full ranking then excludes no item that was seen.",
    )
    min_user_interactions: int = Field(
        default=5,
        ge=0,
        description="k of the k-core for users: users with fewer interactions leave, repeatedly, until nothing "
        "changes. 3 or more makes leave-one-out safe; 0 switches it off.",
    )
    min_item_interactions: int = Field(default=5, ge=0, description="k of the k-core for items; 0 switches it off.")
    max_history: int | None = Field(
        default=None,
        ge=1,
        description="Only the last n interactions of a user stay; applied before the k-core.",
    )
    missing_titles: Literal["error", "keep", "drop"] = Field(
        default="error",
        description="Items without a title: stop, keep them with an empty title (they get no anchors), or drop "
        "them with their interactions.",
    )
    unknown_items: Literal["error", "drop", "keep"] = Field(
        default="error",
        description="Interactions with an item that is in no item table: stop, drop them, or keep the item "
        "without a title (then `missing_titles` decides).",
    )
    duplicate_items: Literal["error", "first", "longest"] = Field(
        default="error",
        description="An item with several rows whose titles differ: stop, take the first title, or the longest. "
        "Rows that agree are merged in any case.",
    )
    time_kind: TimeKindSetting = Field(
        default="auto",
        description="What the times are. 'auto': dates and numbers that are plausible unix times (1973 to 2099) "
        "are timestamps, other numbers only an order.",
    )
    time_unit: TimeUnit = Field(
        default="auto",
        description="Unit of numeric timestamps; 'auto' takes the one in which they fall in 1973 to 2099.",
    )


class ColumnMapping(Settings):
    """Names of the columns in a user's own files. A name left out is looked up among well-known ones."""

    user: str | None = Field(default=None, description="Column with the user id; default: user_id and its kin.")
    item: str | None = Field(
        default=None, description="Column with the item id, in both files; default: item_id and its kin."
    )
    item_key: str | None = Field(
        default=None, description="Column with the item id in the item file, where it has another name there."
    )
    time: str | None = Field(default=None, description="Column with the time; default: timestamp and its kin.")
    title: str | None = Field(default=None, description="Column with the title; default: title, name and their kin.")
    categories: str | None = Field(
        default=None, description="Column with categories; default: categories, genres and their kin."
    )


class DomainSpec(Settings):
    """Where a domain comes from and how it is prepared.

    A recipe may write it shorter: the name of bundled data (``books``, ``films``), ``loader:argument``
    (``movielens:data/ml-1m``), the path of a saved domain, or a mapping in which the options of the loader stand
    beside ``loader``, ``name`` and ``prepare`` (``{interactions: a.csv, items: b.csv}``).
    """

    name: str | None = Field(default=None, description="What people call it; default: the loader's suggestion.")
    loader: str = Field(default="table", description="Name of the loader that reads the files.")
    prepare: PrepareSettings = Field(default_factory=PrepareSettings, description="How the domain is prepared.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options of the loader, checked by its own settings."
    )

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        """Bring the short forms to the long one."""
        if isinstance(value, Path):
            value = str(value)
        if isinstance(value, str):
            return _from_text(value)
        if isinstance(value, dict):
            return _from_mapping(value)
        return value

    @model_validator(mode="after")
    def _check_options(self) -> DomainSpec:
        from domains.loaders.registry import check_options, find_loader

        check_options(find_loader(self.loader), self.options)
        return self


def _from_text(text: str) -> dict[str, Any]:
    """The long form of ``books``, ``loader:argument`` or a folder."""
    from domains.loaders.registry import BUNDLED, find_loader, loader_names

    if text in BUNDLED:
        return {"loader": "bundled", "options": {"dataset": text}}
    name, colon, argument = text.partition(":")
    if colon and "://" not in text and len(name) > 1:
        loader = find_loader(name)
        return {"loader": name, "options": {loader.argument: argument}}
    if "/" in text or "\\" in text or text.startswith(".") or Path(text).is_dir():
        return {"loader": "saved", "options": {"folder": text}}
    known = (*BUNDLED, *(f"{loader}:..." for loader in loader_names()))
    raise InputError(
        f"no domain is called {text!r}",
        place="domain",
        mend=f"{suggest(text, (*BUNDLED, *loader_names()))}Known: {', '.join(known)}, or the path of a saved domain",
    )


def _from_mapping(given: dict[str, Any]) -> dict[str, Any]:
    """Move the keys that belong to the loader into ``options``; refuse those that belong to nobody."""
    from domains.loaders.registry import find_loader

    own = set(DomainSpec.model_fields)
    loader = find_loader(str(given.get("loader", "table")))
    theirs = set(loader.options.model_fields)
    for key in given:
        if key not in own | theirs:
            raise InputError(
                f"unknown key {key!r} for the loader {loader.name!r}",
                place=f"domain.{key}",
                mend=f"{suggest(str(key), own | theirs)}Known keys: {', '.join(sorted(own | theirs))}",
            )
    options = dict(given.get("options") or {})
    options.update({key: value for key, value in given.items() if key in theirs and key not in own})
    return {**{key: value for key, value in given.items() if key in own}, "options": options}
