"""MovieLens: 100K (`u.data`), 1M and 10M (`::` files), 20M and later and latest (CSV)."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from pydantic import Field

from domains.domain import TimeKind
from domains.io.columns import article_first, split_list
from domains.io.compressed import BREAKS_OFF, broken_off, open_text
from domains.io.paths import InputPath, find_file
from domains.io.scan import scan, scan_fields
from domains.loaders.loader import Loader
from domains.raw_tables import RawTables
from domains.settings import Settings
from domains.word_lists import words

GENRES_100K = words(
    """
    unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy
    Film-Noir Horror Musical Mystery Romance Sci-Fi Thriller War Western
    """
)
"""Flags at the end of each line of `u.item`, in this order (`u.genre`)."""
NO_GENRES = "(no genres listed)"


class MovieLensOptions(Settings):
    """Folder of the data set."""

    folder: InputPath = Field(description="Unpacked folder, such as ml-1m; the edition is detected from its files.")


def load(options: MovieLensOptions) -> RawTables:
    """Read the edition in the folder."""
    editions = {
        "u.data": ("u.item", _read_100k),
        "ratings.dat": ("movies.dat", _read_dat),
        "ratings.csv": ("movies.csv", _read_csv),
    }
    ratings = find_file(options.folder, tuple(editions), "ratings of MovieLens")
    folder = Path(ratings).parent
    films, read = next(edition for name, edition in editions.items() if Path(ratings).name.startswith(name))
    return read(ratings, find_file(str(folder), (films,), "films of MovieLens"), folder.name)


def _read_100k(ratings: str, films: str, _: str) -> RawTables:
    interactions = scan_fields(ratings, "\t", ("user_id", "item_id", "rating", "timestamp"))
    flags = [f"flag{number}" for number in range(len(GENRES_100K))]
    names = ("item_id", "title", "released", "video", "address", *flags)
    genres = [pl.when(pl.col(flag) == "1").then(pl.lit(genre)) for flag, genre in zip(flags, GENRES_100K, strict=True)]
    # u.item is Latin-1; its titles hold accents.
    items = scan_fields(films, "|", names, encoding="latin-1").select(
        "item_id",
        article_first(pl.col("title")),
        pl.concat_list(genres).list.drop_nulls().alias("categories"),
    )
    return _tables(interactions, items, "ml-100k", ratings, films)


def _read_dat(ratings: str, films: str, name: str) -> RawTables:
    interactions = scan_fields(ratings, "::", ("user_id", "item_id", "rating", "timestamp"))
    encoding = "utf-8" if _is_utf8(films) else "latin-1"
    films_table = scan_fields(films, "::", ("item_id", "title", "categories"), encoding=encoding)
    return _tables(interactions, _cleaned(films_table), name, ratings, films)


def _read_csv(ratings: str, films: str, name: str) -> RawTables:
    names = {"userId": "user_id", "movieId": "item_id"}
    interactions = scan(ratings).rename(names)
    items = scan(films).select(pl.col("movieId").alias("item_id"), "title", pl.col("genres").alias("categories"))
    return _tables(interactions, _cleaned(items), name, ratings, films)


def _cleaned(items: pl.LazyFrame) -> pl.LazyFrame:
    genres = pl.col("categories").replace(NO_GENRES, "").alias("categories")
    return items.with_columns(article_first(pl.col("title")), genres).with_columns(split_list("categories", "|"))


def _is_utf8(path: str) -> bool:
    """1M is Latin-1 and 10M is UTF-8 under the same names; both film lists are below 1 MB."""
    try:
        with open_text(path) as file:
            file.read().decode("utf-8")
    except UnicodeDecodeError:
        return False
    except BREAKS_OFF as error:
        raise broken_off(path, 0, error) from error
    return True


def _tables(
    interactions: pl.LazyFrame, items: pl.LazyFrame, name: str, location: str, items_location: str
) -> RawTables:
    return RawTables(
        interactions=interactions,
        items=items,
        name=name,
        time_kind=TimeKind.TIMESTAMP,
        interactions_location=location,
        items_location=items_location,
    )


LOADER = Loader("movielens", "MovieLens 100K, 1M, 10M, 20M, 25M, 32M and latest", MovieLensOptions, load, "folder")
