"""Steam (Kang, McAuley): `steam_reviews.json.gz` and `steam_games.json.gz`, one Python literal a line."""

from __future__ import annotations

from typing import Any

import polars as pl
from pydantic import Field

from domains.domain import TimeKind
from domains.io.literals import scan_literals
from domains.io.paths import InputPath, find_file
from domains.io.scan import PolarsType
from domains.loaders.loader import Loader
from domains.raw_tables import TEXT, RawTables
from domains.settings import Settings


class SteamOptions(Settings):
    """Folder of the data set."""

    folder: InputPath = Field(description="Folder with steam_reviews.json(.gz) and steam_games.json(.gz).")


def load(options: SteamOptions) -> RawTables:
    """Scan both files; reviews carry a day, users are known by name."""
    reviews = find_file(options.folder, ("steam_reviews.json", "steam_new.json"), "reviews")
    games = find_file(options.folder, ("steam_games.json",), "games")
    acts: dict[str, PolarsType] = {"user_id": pl.String, "item_id": pl.String, "timestamp": pl.String}
    things: dict[str, PolarsType] = {
        "item_id": pl.String,
        "title": pl.String,
        "categories": pl.List(pl.String),
        f"{TEXT}developer": pl.String,
        f"{TEXT}publisher": pl.String,
        f"{TEXT}tags": pl.List(pl.String),
    }
    interactions = scan_literals(reviews, acts, _review)
    # A few games have no id, so no review can refer to them.
    items = scan_literals(games, things, _game).filter(pl.col("item_id").is_not_null())
    return RawTables(
        interactions=interactions,
        items=items,
        name="steam",
        time_kind=TimeKind.TIMESTAMP,
        interactions_location=reviews,
        items_location=games,
    )


def _review(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "user_id": record.get("username"),
        "item_id": record.get("product_id"),
        "timestamp": record.get("date"),
    }


def _game(record: dict[str, Any]) -> dict[str, Any]:
    title = record.get("title") or record.get("app_name")
    categories = record.get("genres") or record.get("tags") or []
    return {
        "item_id": record.get("id"),
        "title": title,
        "categories": categories,
        f"{TEXT}developer": record.get("developer"),
        f"{TEXT}publisher": record.get("publisher"),
        f"{TEXT}tags": record.get("tags") or [],
    }


LOADER = Loader("steam", "Steam reviews and games, Python literals", SteamOptions, load, "folder")
