"""`Loader`, and how loaders are found by name: built-in ones and those of other packages by entry point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from domains.errors import SettingsError, explain, suggest

if TYPE_CHECKING:  # settings are checked at every start and do not need polars
    from domains.domain import Domain
    from domains.raw_tables import RawTables

ENTRY_POINT_GROUP = "transfer.loaders"
BUNDLED = ("books", "films")
PREPARED = ("saved", "prepared")
"""Loaders of domains that were prepared before."""

BUILT_IN: Mapping[str, str] = {
    "amazon2014": "domains.loaders.amazon:AMAZON_2014",
    "amazon2018": "domains.loaders.amazon:AMAZON_2018",
    "amazon2023": "domains.loaders.amazon:AMAZON_2023",
    "bookcrossing": "domains.loaders.bookcrossing:LOADER",
    "bundled": "domains.loaders.bundled:LOADER",
    "goodbooks": "domains.loaders.goodbooks:LOADER",
    "goodreads": "domains.loaders.goodreads:LOADER",
    "huggingface": "domains.loaders.huggingface:LOADER",
    "mind": "domains.loaders.mind:LOADER",
    "movielens": "domains.loaders.movielens:LOADER",
    "movietweetings": "domains.loaders.movietweetings:LOADER",
    "pixelrec": "domains.loaders.pixelrec:LOADER",
    "prepared": "domains.loaders.saved:PREPARED",
    "recbole": "domains.loaders.recbole:LOADER",
    "saved": "domains.loaders.saved:SAVED",
    "steam": "domains.loaders.steam:LOADER",
    "table": "domains.loaders.table_files:LOADER",
    "yelp": "domains.loaders.yelp:LOADER",
}
"""Module and variable of each built-in loader."""


@dataclass(frozen=True)
class Loader:
    """One format.

    Attributes:
        name: name in recipes.
        summary: one line for listings.
        options: pydantic model of its options.
        load: reads the files; returns raw tables for `prepare`, or a prepared domain.
        argument: the option that the short form ``name:argument`` sets.
    """

    name: str
    summary: str
    options: type[BaseModel]
    load: Callable[[Any], RawTables | Domain]
    argument: str

    @property
    def needed(self) -> tuple[str, ...]:
        """Required options, if the short form with one option is not enough; else empty."""
        required = [key for key, field in self.options.model_fields.items() if field.is_required()]
        return tuple(required) if set(required) - {self.argument} else ()


def loader_names() -> tuple[str, ...]:
    """All names, sorted."""
    return tuple(sorted({*BUILT_IN, *(point.name for point in entry_points(group=ENTRY_POINT_GROUP))}))


def find_loader(name: str) -> Loader:
    """Import the loader of this name; built-in loaders have priority.

    Raises:
        InputError: no package provides it, or its package cannot be imported.
    """
    if name in BUILT_IN:
        module, _, variable = BUILT_IN[name].partition(":")
        loader = getattr(import_module(module), variable)
    else:
        points = [point for point in entry_points(group=ENTRY_POINT_GROUP) if point.name == name]
        if not points:
            raise SettingsError(
                f"no loader is called {name!r}",
                location="loader",
                hint=f"{suggest(name, loader_names())}Known: {', '.join(loader_names())}",
                code="loader",
            )
        try:
            loader = points[0].load()
        except (ImportError, AttributeError) as error:
            raise SettingsError(
                f"cannot be imported: {error}",
                location=f"loader {name!r} ({points[0].value})",
                hint="Correct or remove that package",
                code="loader",
            ) from error
    if not isinstance(loader, Loader):
        raise SettingsError(
            "is not a domains.loaders.loader.Loader",
            location=f"loader {name!r}",
            hint="Correct or remove that package",
            code="loader",
        )
    return loader


def check_options(loader: Loader, options: Mapping[str, Any], context: dict[str, Any] | None = None) -> BaseModel:
    """Validate a loader's options.

    Args:
        loader: the loader.
        options: options from the recipe.
        context: for validators; ``base`` is the folder of relative paths.

    Raises:
        InputError: an option is wrong; the first one is named.
    """
    try:
        return loader.options.model_validate(dict(options), context=context)
    except ValidationError as error:
        raise explain(error, loader.options, "options.") from error
