"""Published figures, to be shown separately from measured ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from domains.errors import InputError
from recipes.load import read_mapping


@dataclass(frozen=True)
class Published:
    """Figures that a paper published for one data set.

    Attributes:
        place: TABLE/COLUMN.
        source: the paper.
        table: title of the table.
        differs: how the experiment differs from ours.
        figures: metric (sampled protocol) by variant.
    """

    location: str
    source: str
    table: str
    differs: tuple[str, ...]
    figures: dict[str, dict[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "place": self.location,
            "source": self.source,
            "table": self.table,
            "differs": list(self.differs),
            "figures": self.figures,
        }


def published(location: str) -> Published:
    """Return the figures of a TABLE/COLUMN, such as ``table4/game_to_toy``.

    Raises:
        InputError: there is no such table or column.
    """
    data = _all()
    known = [f"{table}/{column}" for table, body in data["tables"].items() for column in body["columns"]]
    if location not in known:
        raise InputError(f"no figures were published as {location!r}", hint=f"Known: {', '.join(known)}")
    table, _, column = location.partition("/")
    body = data["tables"][table]
    return Published(location, data["source"], body["title"], tuple(data["differs"]), body["columns"][column])


def published_cost() -> dict[str, Any]:
    """Return title and rows of the published cost table."""
    return dict(_all()["cost"])


@cache
def _all() -> dict[str, Any]:
    return read_mapping(Path(str(resources.files("recipes"))) / "published" / "seedrec.yaml")
