"""MovieTweetings: `ratings.dat` and `movies.dat`, fields separated by `::`, UTF-8."""

from __future__ import annotations

from pydantic import Field

from domains.domain import TimeKind
from domains.io.columns import split_list
from domains.io.paths import InputPath, find_file
from domains.io.scan import scan_fields
from domains.loaders.loader import Loader
from domains.raw_tables import RawTables
from domains.settings import Settings


class MovieTweetingsOptions(Settings):
    """Folder of the data set."""

    folder: InputPath = Field(description="Folder with ratings.dat and movies.dat, such as latest/ of the repository.")


def load(options: MovieTweetingsOptions) -> RawTables:
    """Scan both files."""
    ratings = find_file(options.folder, ("ratings.dat",), "ratings")
    films = find_file(options.folder, ("movies.dat",), "films")
    interactions = scan_fields(ratings, "::", ("user_id", "item_id", "rating", "timestamp"))
    items = scan_fields(films, "::", ("item_id", "title", "categories")).with_columns(split_list("categories", "|"))
    return RawTables(
        interactions=interactions,
        items=items,
        name="movietweetings",
        time_kind=TimeKind.TIMESTAMP,
        interactions_location=ratings,
        items_location=films,
    )


LOADER = Loader("movietweetings", "MovieTweetings: ratings.dat and movies.dat", MovieTweetingsOptions, load, "folder")
