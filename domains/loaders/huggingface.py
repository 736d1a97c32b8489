"""Any data set of the Hugging Face hub, by id, split and column mapping."""

from __future__ import annotations

from typing import Any

import polars as pl
from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from domains.io.columns import map_interactions, map_items
from domains.io.remote import load_table
from domains.loaders.loader import Loader
from domains.raw_tables import RawTables
from domains.settings import ColumnMapping, Settings


class HubTable(Settings):
    """One table on the hub; the id alone is enough."""

    dataset: str = Field(
        description="Id such as owner/name, a local folder, or a format (csv, json, parquet) with data_files."
    )
    config: str | None = Field(default=None, description="Configuration of the data set.")
    split: str = Field(default="train", description="Split, slicing allowed: train[:10%].")
    revision: str | None = Field(
        default=None, description="Branch, tag or commit; name one to make a recipe repeatable."
    )
    data_files: tuple[str, ...] | None = Field(default=None, description="Files or globs within the data set.")

    @model_validator(mode="before")
    @classmethod
    def _by_id(cls, value: Any) -> Any:
        return {"dataset": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        reference = handler(schema)
        long = handler.resolve_ref_schema(reference)
        either = {"anyOf": [{"type": "string"}, dict(long)]}
        long.clear()
        long.update(either)
        return reference


class HuggingFaceOptions(Settings):
    """Two tables on the hub; they may be configurations of one data set, or the same table."""

    interactions: HubTable = Field(description="The interactions.")
    items: HubTable | None = Field(default=None, description="Titles; default: columns of the interactions' table.")
    columns: ColumnMapping = Field(default_factory=ColumnMapping, description="Names of the columns in these tables.")
    category_separator: str = Field(default="|", description="Separator of categories in one text.")


def load(options: HuggingFaceOptions) -> RawTables:
    """Fetch both tables and map their columns."""
    acts = options.interactions
    things = options.items or acts
    location, items_location = _place(acts), _place(things)
    interactions = map_interactions(_table(acts), options.columns, location)
    items = map_items(_table(things), options.columns, options.category_separator, items_location)
    return RawTables(
        interactions=interactions,
        items=items,
        name=acts.dataset.split("/")[-1],
        time_kind=None,
        interactions_location=location,
        items_location=items_location,
    )


def _table(table: HubTable) -> pl.LazyFrame:
    return load_table(
        table.dataset,
        config=table.config,
        split=table.split,
        revision=table.revision,
        data_files=table.data_files,
    )


def _place(table: HubTable) -> str:
    return f"data set {table.dataset}" + (f" ({table.config})" if table.config else "")


LOADER = Loader("huggingface", "any data set of the Hugging Face hub", HuggingFaceOptions, load, "interactions")
