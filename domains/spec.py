"""The description of a domain in a recipe: its loader, options and preparation."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from domains.errors import InputError, SettingsError, suggest
from domains.loaders.loader import BUNDLED, Loader, check_options, find_loader, loader_names
from domains.printable import printable
from domains.settings import PrepareSettings, Settings


class DomainSpec(Settings):
    """Source of a domain and settings of its preparation.

    Short forms in recipes: the name of bundled data (``books``, ``films``), ``loader:argument``
    (``movielens:data/ml-1m``), the path of a saved domain, or a mapping with the options of the loader
    beside ``loader``, ``name`` and ``prepare`` (``{interactions: a.csv, items: b.csv}``).
    """

    name: str | None = Field(default=None, description="Name of the domain; default: the loader's suggestion.")
    loader: str = Field(default="table", description="Name of the loader that reads the files.")
    prepare: PrepareSettings = Field(default_factory=PrepareSettings, description="How the domain is prepared.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options of the loader, checked by its own settings."
    )

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: Any) -> Any:
        """Expand short forms."""
        if isinstance(value, Path):
            value = str(value)
        if isinstance(value, str):
            return _from_text(value)
        if isinstance(value, dict):
            return _from_mapping(value)
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Extend the JSON Schema for editors by the short forms."""
        reference = handler(schema)
        long = handler.resolve_ref_schema(reference)
        forms = [_form(name, long, handler) for name in loader_names()]
        short = {"type": "string", "description": "Bundled data, loader:argument, or the folder of a saved domain."}
        written = {"title": long["title"], "description": long["description"], "anyOf": [short, *forms]}
        long.clear()
        long.update(written)
        return reference

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str | None) -> str | None:
        """Check that the name can be printed: a recipe may come from a stranger."""
        if value is not None and value != printable(value):
            raise ValueError("a name must not contain control characters")
        return value

    @model_validator(mode="after")
    def _check_options(self) -> DomainSpec:
        try:
            check_options(find_loader(self.loader), self.options)
        except InputError as error:
            raise error.at(str(error.location).removeprefix("options.")) from None  # they may stand beside `loader`
        return self


def _form(name: str, long: JsonSchemaValue, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    """Return the JSON Schema of a mapping for one loader: its options beside the common keys."""
    loader = find_loader(name)
    options = handler.resolve_ref_schema(handler(loader.options.__pydantic_core_schema__))
    default = DomainSpec.model_fields["loader"].default
    return {
        "type": "object",
        "description": loader.summary,
        "properties": {**options["properties"], **long["properties"], "loader": {"const": name}},
        "required": [] if name == default else ["loader"],
        "additionalProperties": False,
    }


def _from_text(text: str) -> dict[str, Any]:
    """Return the long form of ``books``, ``loader:argument`` or a folder."""
    if text in BUNDLED:
        return {"loader": "bundled", "options": {"dataset": text}}
    name, colon, argument = text.partition(":")
    if colon and "://" not in text and len(name) > 1:
        loader = find_loader(name)
        if loader.needed:
            problem = f"{text!r} gives one option, but {name} needs {len(loader.needed)}"
            raise SettingsError(problem, hint=_how_to_write(loader), code="domain-spec")
        return {"loader": name, "options": {loader.argument: argument}}
    # os.path.isdir takes any text for a name; Path.is_dir raises where one is too long to be a file's.
    if "/" in text or "\\" in text or text.startswith(".") or os.path.isdir(text):  # noqa: PTH112
        return {"loader": "saved", "options": {"folder": text}}
    if text in loader_names():
        problem = f"{text!r} is a loader, and nothing says what it reads"
        raise SettingsError(problem, location="domain", hint=_how_to_write(find_loader(text)), code="domain-spec")
    known = (*BUNDLED, *(f"{loader}:..." for loader in loader_names()))
    raise SettingsError(
        f"no domain is called {text!r}",
        hint=f"{suggest(text, (*BUNDLED, *loader_names()))}Known: {', '.join(known)}, or the path of a saved domain",
        code="domain-spec",
    )


def _how_to_write(loader: Loader) -> str:
    """Return a hint with the options of a loader that must be given."""
    if not loader.needed:
        return f"Write {loader.name}:{loader.argument.upper()} with its {loader.argument}"
    return f"Write {{loader: {loader.name}, {', '.join(f'{key}: ...' for key in loader.needed)}}}"


def _from_mapping(given: dict[str, Any]) -> dict[str, Any]:
    """Move the loader's keys into ``options``; raise if a key is unknown."""
    own = set(DomainSpec.model_fields)
    loader = find_loader(str(given.get("loader", "table")))
    theirs = set(loader.options.model_fields)
    for key in given:
        if key not in own | theirs:
            hint = f"{suggest(str(key), own | theirs)}Known keys: {', '.join(sorted(own | theirs))}"
            if key in PrepareSettings.model_fields:
                hint = f"It stands under 'prepare': write prepare: {{{key}: ...}}"
            problem = f"unknown key {key!r} for the loader {loader.name!r}"
            raise SettingsError(problem, location=str(key), hint=hint, code="unknown-key")
    options = dict(given.get("options") or {})
    options.update({key: value for key, value in given.items() if key in theirs and key not in own})
    return {**{key: value for key, value in given.items() if key in own}, "options": options}
