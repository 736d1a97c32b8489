"""The table of broken inputs: each gets its own message, with the location and a hint."""

from __future__ import annotations

import errno
import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from refusals import refusal

from domains import storage
from domains.errors import InputError
from domains.open_domain import open_domain, parse_spec
from domains.storage import save_domain

ITEMS = "item_id,title\na,Alpha\nb,Beta\n"
ACTS = "user_id,item_id,timestamp\nu,a,1400000000\nu,b,1400000001\n"
ALL = {"min_user_interactions": 0, "min_item_interactions": 0}


@dataclass(frozen=True)
class Broken:
    """One row: files to write, what to open (default: the two of them), and what the message must say."""

    what: str
    files: dict[str, bytes | str | Callable[[Path], None]]
    place: str
    problem: str
    hint: str
    options: dict[str, Any] = field(default_factory=dict)
    prepare: dict[str, Any] = field(default_factory=lambda: dict(ALL))


def parquet(**columns: Any) -> Callable[[Path], None]:
    return lambda path: pl.DataFrame(columns, strict=False).write_parquet(path)


def cut_parquet(path: Path) -> None:
    pl.DataFrame({"user_id": ["u"] * 50, "item_id": ["a"] * 50}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-40])


def acts(*rows: str) -> str:
    return "user_id,item_id,timestamp\n" + "".join(f"{row}\n" for row in rows)


LONG_JSON = "".join(json.dumps({"user_id": f"u{n * 7919}", "item_id": "a", "timestamp": n}) + "\n" for n in range(3000))
LONG_CSV = acts(*(f"u{n * 7919},a,{n}" for n in range(3000)))
CUT_JSON, CUT_CSV = (gzip.compress(text.encode())[:4000] for text in (LONG_JSON, LONG_CSV))
USE_JSON = {"interactions": "acts.jsonl"}
USE_PARQUET = {"interactions": "acts.parquet"}

TABLE = [
    Broken("no file", {"items.csv": ITEMS}, "acts.csv", "no such file", "Check the path"),
    Broken("no item file", {"acts.csv": ACTS}, "items.csv", "no such file", "Check the path"),
    Broken("an empty file", {"acts.csv": "", "items.csv": ITEMS}, "acts.csv", "is empty", "complete"),
    Broken("a header alone", {"acts.csv": acts(), "items.csv": ITEMS}, "acts.csv", "no interactions", "only a header"),
    Broken("an empty item file", {"acts.csv": ACTS, "items.csv": b""}, "items.csv", "is empty", "complete"),
    Broken(
        "an item file of a header alone",
        {"acts.csv": ACTS, "items.csv": "item_id,title\n"},
        "items.csv",
        "no items",
        "empty or holds only a header",
    ),
    Broken(
        "the wrong delimiter",
        {"acts.csv": ACTS, "items.csv": ITEMS},
        "acts.csv",
        "no column looks like the user",
        "each line was read as one column",
        {"separator": ";"},
    ),
    Broken(
        "no user column",
        {"acts.csv": ACTS.replace("user_id", "who"), "items.csv": ITEMS},
        "acts.csv",
        "no column looks like the user",
        "Set columns.user to one of: 'who', 'item_id', 'timestamp', or rename that column to user_id",
    ),
    Broken(
        "no item column",
        {"acts.csv": ACTS.replace("item_id", "what"), "items.csv": ITEMS},
        "acts.csv",
        "no column looks like the item",
        "Set columns.item",
    ),
    Broken(
        "no title column",
        {"acts.csv": ACTS, "items.csv": ITEMS.replace("title", "text")},
        "items.csv",
        "no column looks like the title",
        "Set columns.title",
    ),
    Broken(
        "titles that are lists of records",
        {"acts.csv": ACTS, "items.jsonl": '{"item_id": "a", "title": [{"is": "A"}]}\n'},
        "items.jsonl",
        "column 'title' of type List(Struct({'is': String})) cannot be the title",
        "map another column",
        {"items": "items.jsonl"},
    ),
    Broken(
        "titles that are records",
        {"acts.csv": ACTS, "items.parquet": parquet(item_id=["a"], name=[{"is": "A"}])},
        "items.parquet",
        "column 'name' of type Struct",
        "map another column",
        {"items": "items.parquet"},
    ),
    Broken(
        "a named column that is not there",
        {"acts.csv": ACTS, "items.csv": ITEMS},
        "acts.csv",
        "no column 'timestmp'",
        "Did you mean 'timestamp'?",
        {"columns": {"time": "timestmp"}},
    ),
    Broken(
        "no time column",
        {"acts.csv": "user_id,item_id\nu,a\n", "items.csv": ITEMS},
        "acts.csv",
        "no time column",
        "time_kind to 'order'",
    ),
    Broken(
        "a Latin-1 byte within UTF-8",
        {"acts.csv": ACTS, "items.csv": (ITEMS + "c,Caf").encode() + b"\xe9\n"},
        "items.csv, line 4",
        "is not UTF-8 (byte 0xe9 at column 6)",
        "set encoding",
    ),
    Broken("UTF-16", {"acts.csv": ACTS, "items.csv": ITEMS.encode("utf-16")}, "items.csv", "UTF-16", "UTF-8"),
    Broken(
        "a NUL byte in a title",
        {"acts.csv": ACTS, "items.csv": ITEMS + "c,Gam\0ma\n"},
        "items.csv, row 3",
        "the title of item 'c' holds a NUL byte",
        "Remove it",
    ),
    Broken(
        "a NUL byte in an id",
        {"acts.csv": acts("u\0,a,1"), "items.csv": ITEMS},
        "acts.csv, row 1",
        "user id 'u\\x00' holds a NUL byte",
        "Remove it",
    ),
    Broken(
        "a truncated gzip of CSV",
        {"acts.csv.gz": CUT_CSV, "items.csv": ITEMS},
        "acts.csv.gz, after line",
        "the compressed file breaks off",
        "Fetch it again",
        {"interactions": "acts.csv.gz"},
    ),
    Broken(
        "a truncated gzip of JSON lines",
        {"acts.jsonl.gz": CUT_JSON, "items.csv": ITEMS},
        "acts.jsonl.gz, after line",
        "the compressed file breaks off",
        "Fetch it again",
        {"interactions": "acts.jsonl.gz"},
    ),
    Broken(
        "a truncated Parquet file",
        {"acts.parquet": cut_parquet, "items.csv": ITEMS},
        "acts.parquet",
        "cannot be read",
        "complete",
        USE_PARQUET,
    ),
    Broken(
        "a line that is not JSON",
        {"acts.jsonl": LONG_JSON + '{"user_id": "u",\n', "items.csv": ITEMS},
        "acts.jsonl, line 3001",
        "is not JSON",
        "one JSON object",
        USE_JSON,
    ),
    Broken(
        "a JSON line that is no object",
        {"acts.jsonl": LONG_JSON + "[1, 2]\n", "items.csv": ITEMS},
        "acts.jsonl, line 3001",
        "is not a JSON object",
        "one JSON object",
        USE_JSON,
    ),
    Broken(
        "text in a timestamp of JSON lines, late",
        {"acts.jsonl": LONG_JSON + '{"user_id": "u", "item_id": "a", "timestamp": "soon"}\n', "items.csv": ITEMS},
        "acts.jsonl, row 3001",
        "'soon'",
        "Correct the row",
        USE_JSON,
    ),
    Broken(
        "a row with too many fields",
        {"acts.csv": ACTS, "items.csv": ITEMS + "c,Gamma, the third\n"},
        "items.csv, line 4",
        "3 fields, the header has 2",
        "Quote fields",
    ),
    Broken(
        "a quote that is not closed",
        {"acts.csv": ACTS, "items.csv": 'item_id,title\na,"Alpha\nb,Beta, the second\n'},
        "items.csv, line 2",
        "quotes do not match",
        "Close the quote",
    ),
    Broken(
        "a quote mark in a title",
        {"acts.csv": ACTS, "items.csv": 'item_id,title\na,"Al\npha"\nb,Monitor 12"\nc,Cup\n'},
        "items.csv, line 4",
        "an odd number of quote marks",
        "double it",
    ),
    Broken(
        "a bare NaN in JSON lines",
        {"acts.csv": ACTS, "items.jsonl": '{"item_id": "a", "title": "A"}\n{"item_id": "b", "title": NaN}\n'},
        "items.jsonl, line 2",
        "holds NaN, which is not JSON",
        "Write null",
        {"items": "items.jsonl"},
    ),
    Broken(
        "text in the timestamp",
        {"acts.csv": acts("u,a,1400000000", "u,b,yesterday"), "items.csv": ITEMS},
        "acts.csv, row 2",
        "'yesterday'",
        "Correct the row",
    ),
    Broken(
        "text in all timestamps",
        {"acts.csv": acts("u,a,soon", "u,b,later"), "items.csv": ITEMS},
        "acts.csv, row 1",
        "'soon' is neither a number nor a date",
        "unix seconds or dates",
    ),
    Broken(
        "a date that does not exist",
        {"acts.csv": acts("u,a,2020-02-28", "u,b,2020-02-30"), "items.csv": ITEMS},
        "acts.csv, row 2",
        "not a date written like '2020-02-28': '2020-02-30'",
        "Correct the row",
    ),
    Broken(
        "a missing time",
        {"acts.csv": acts("u,a,1400000000", "u,b,"), "items.csv": ITEMS},
        "acts.csv, row 2",
        "no time",
        "Fill it in",
    ),
    Broken(
        "a time that is NaN",
        {"acts.parquet": parquet(user_id=["u"] * 2, item_id=["a"] * 2, timestamp=[1.4e9, np.nan]), "items.csv": ITEMS},
        "acts.parquet, row 2",
        "no time",
        "Fill it in",
        USE_PARQUET,
    ),
    Broken(
        "a negative time",
        {"acts.csv": acts("u,a,1400000000", "u,b,-5"), "items.csv": ITEMS},
        "acts.csv, row 2",
        "negative time: -5",
        "shift a column of ranks",
    ),
    Broken(
        "milliseconds said to be seconds",
        {"acts.csv": acts("u,a,1400000000000"), "items.csv": ITEMS},
        "acts.csv, row 1",
        "not a time in s",
        "time_unit",
        prepare={**ALL, "time_unit": "s"},
    ),
    Broken(
        "ranks said to be timestamps",
        {"acts.csv": acts("u,a,1", "u,b,2"), "items.csv": ITEMS},
        "acts.csv",
        "not unix times in any unit",
        "time_kind to 'order'",
        prepare={**ALL, "time_kind": "timestamp"},
    ),
    Broken(
        "times of day without a day",
        {"acts.parquet": parquet(user_id=["u"], item_id=["a"], timestamp=[time(12, 30)]), "items.csv": ITEMS},
        "acts.parquet",
        "times of type Time",
        "Give numbers or dates",
        USE_PARQUET,
    ),
    Broken(
        "an unknown encoding",
        {"acts.csv": ACTS, "items.csv": ITEMS},
        "options.encoding",
        "unknown encoding: latein",
        "latin-1",
        {"encoding": "latein"},
    ),
    Broken(
        "an empty user id",
        {"acts.csv": acts("u,a,1", " ,b,2"), "items.csv": ITEMS},
        "acts.csv, row 2",
        "no user id (1 such row)",
        "Fill it in",
    ),
    Broken(
        "an empty item id",
        {"acts.csv": acts("u,a,1", "u,,2"), "items.csv": ITEMS},
        "acts.csv, row 2",
        "no item id",
        "Fill it in",
    ),
    Broken(
        "an item row without id",
        {"acts.csv": ACTS, "items.csv": ITEMS + ",Gamma\n"},
        "items.csv, row 3",
        "no item id",
        "Fill it in",
    ),
    Broken(
        "ids with a fraction",
        {"acts.parquet": parquet(user_id=[1.5], item_id=["a"], timestamp=[1]), "items.csv": ITEMS},
        "acts.parquet, row 1",
        "user id 1.5 is a number with a fraction",
        "Map the column",
        USE_PARQUET,
    ),
    Broken(
        "ids that were rounded",
        {
            "acts.parquet": parquet(user_id=[7.0, 76561198000000002.0], item_id=["a", "a"], timestamp=[1, 2]),
            "items.csv": ITEMS,
        },
        "acts.parquet, row 2",
        "was rounded on its way through a floating-point number",
        "as text",
        USE_PARQUET,
    ),
    Broken(
        "ids that were rounded before they became text",
        {"acts.csv": acts("7.656119800000002e+16,a,1"), "items.csv": ITEMS},
        "acts.csv, row 1",
        "user id '7.656119800000002e+16' was rounded",
        "as text",
    ),
    Broken(
        "ids of which some have other zeros",
        {"acts.csv": acts("u,01,1", "u,02,2", "u,3,3"), "items.csv": "item_id,title\n1,One\n2,Two\n3,Three\n"},
        "items.csv",
        "2 of them have one under an id that is written otherwise",
        "leading zeros",
    ),
    Broken(
        "ids that are lists",
        {"acts.parquet": parquet(user_id=[["u"]], item_id=["a"], timestamp=[1]), "items.csv": ITEMS},
        "acts.parquet",
        "cannot be the user id",
        "Map another column",
        USE_PARQUET,
    ),
    Broken(
        "ids that are numbers here and decimal text there",
        {"acts.csv": acts("u,1,1"), "items.csv": "item_id,title\n1.0,One\nx,Two\n"},
        "items.csv",
        "none of the 1 item ids of",
        "Write the ids alike",
    ),
    Broken(
        "ids that lost their leading zeros",
        {"acts.csv": acts("u,7,1"), "items.csv": "item_id,title\n007,Bond\n"},
        "items.csv",
        "such as '7', is among its 1 ids, such as '007'",
        "leading zeros",
    ),
    Broken(
        "two titles for an item",
        {"acts.csv": ACTS, "items.csv": ITEMS + "a,Another\n"},
        "items.csv",
        "item 'a' has several titles: 'Alpha' and 'Another' (1 such items)",
        "duplicate_items",
    ),
    Broken(
        "an empty title",
        {"acts.csv": ACTS, "items.csv": "item_id,title\na,Alpha\nb,\n"},
        "items.csv",
        "item 'b' has no title (1 of 2 items)",
        "missing_titles to 'keep'",
    ),
    Broken(
        "a blank title",
        {"acts.csv": ACTS, "items.csv": 'item_id,title\na,Alpha\nb,"  "\n'},
        "items.csv",
        "item 'b' has no title",
        "missing_titles",
    ),
    Broken(
        "a title of 1 MB",
        {"acts.csv": ACTS, "items.csv": ITEMS + f"c,{'x' * 1_000_000}\n"},
        "items.csv, row 3",
        "the title of item 'c' has 1,000,000 characters",
        "map another column",
    ),
    Broken(
        "an item in no metadata",
        {"acts.csv": acts("u,a,1", "u,z,2"), "items.csv": ITEMS},
        "items.csv",
        "1 of 2 items of",
        "unknown_items to 'drop'",
    ),
    Broken(
        "all users filtered away",
        {"acts.csv": ACTS, "items.csv": ITEMS},
        "acts",
        "no interactions are left after the step 'core (5 a user, 5 an item)' (2 interactions before it)",
        "Lower min_user_interactions (5)",
        prepare={},
    ),
    Broken(
        "a spreadsheet",
        {"acts.xlsx": b"PK", "items.csv": ITEMS},
        "acts.xlsx",
        "files that end in .xlsx are unknown",
        "as CSV",
        {"interactions": "acts.xlsx"},
    ),
    Broken(
        "a folder of several kinds",
        {"acts/a.csv": ACTS, "acts/b.parquet": parquet(a=[1]), "items.csv": ITEMS},
        "acts",
        "several kinds: .csv, .parquet",
        "one kind",
        {"interactions": "acts"},
    ),
    Broken(
        "a pattern that matches nothing",
        {"items.csv": ITEMS},
        "acts-*.csv",
        "no data files",
        "pattern",
        {"interactions": "acts-*.csv"},
    ),
    Broken(
        "an unknown option",
        {"acts.csv": ACTS, "items.csv": ITEMS},
        "domain.seperator",
        "unknown key 'seperator'",
        "Did you mean 'separator'?",
        {"seperator": ";"},
    ),
    Broken(
        "a setting of the preparation beside the files",
        {"acts.csv": ACTS, "items.csv": ITEMS},
        "domain.time_format",
        "unknown key 'time_format'",
        "write prepare: {time_format: ...}",
        {"time_format": "%d.%m.%Y"},
    ),
    Broken(
        "a format of times that is none",
        {"acts.csv": ACTS, "items.csv": ITEMS},
        "prepare.time_format",
        "no directive",
        "%d.%m.%Y",
        prepare={"time_format": "day"},
    ),
    Broken(
        "an unknown setting",
        {"acts.csv": ACTS, "items.csv": ITEMS},
        "domain.prepare.min_users",
        "unknown key 'min_users'",
        "Did you mean",
        prepare={"min_users": 3},
    ),
    Broken(
        "an address of an unknown kind",
        {"items.csv": ITEMS},
        "nowhere://bucket/acts.csv",
        "are not opened",
        "Download",
        {"interactions": "nowhere://bucket/acts.csv"},
    ),
]


@pytest.mark.parametrize("broken", TABLE, ids=lambda broken: broken.what)
def test_each_broken_input_gets_its_own_message(broken: Broken, tmp_path: Path) -> None:
    for name, content in broken.files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    before = sorted(tmp_path.rglob("*"))
    given = {"interactions": "acts.csv", "items": "items.csv", **broken.options, "prepare": broken.prepare}
    with pytest.raises(InputError) as caught:
        open_domain(parse_spec(given), base=tmp_path, cache=tmp_path / "cache")
    error = getattr(caught.value, "errors", (caught.value,))[0]
    assert broken.problem in error.problem
    assert error.location is not None
    assert re.search(rf"{re.escape(broken.place)}(\b|$)", error.location)
    assert error.hint is not None
    assert broken.hint in error.hint
    assert sorted(tmp_path.rglob("*")) == before


def test_the_messages_differ() -> None:
    assert len(TABLE) >= 30
    assert len({broken.what for broken in TABLE}) == len(TABLE)


def full(*_args: Any, **_kwargs: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domain = open_domain("books").domain
    monkeypatch.setattr(storage, "save_array", full)
    with refusal("disk-full"):
        save_domain(domain, tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_the_earlier_domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    domain = open_domain("books").domain
    save_domain(domain, tmp_path / "saved")
    monkeypatch.setattr(storage, "save_array", full)
    with pytest.raises(InputError):
        save_domain(domain, tmp_path / "saved")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
    assert open_domain(str(tmp_path / "saved")).domain.fingerprint == domain.fingerprint


@pytest.mark.parametrize("title", ["Война и мир", "紅楼夢", "الف ليلة وليلة", "🎲 Würfel", "e\u0301tude"])
def test_titles_of_any_script_stay_as_they_are(title: str, tmp_path: Path) -> None:
    (tmp_path / "acts.csv").write_text(acts("u,a,1"), encoding="utf-8")
    (tmp_path / "items.csv").write_text(f"item_id,title\na,{title}\n", encoding="utf-8")
    spec = parse_spec({"interactions": "acts.csv", "items": "items.csv", "prepare": ALL})
    assert open_domain(spec, base=tmp_path).domain.titles.to_pylist() == [title]


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("bokos", "no domain is called 'bokos'", "Did you mean 'books'?"),
        ("movielens", "'movielens' is a loader", "Write movielens:FOLDER"),
        ("table", "'table' is a loader", "Write {loader: table, interactions: ..., items: ...}"),
        ("movielnes:x", "no loader is called 'movielnes'", "Did you mean 'movielens'?"),
        ("/nowhere/at/all", "no saved domain", "Check the path"),
        (str(Path(__file__).parent), "no saved domain (no meta.json)", f"movielens:{Path(__file__).parent} (all"),
        (__file__, "is a file, not a saved domain", "two tables"),
    ],
)
def test_wrong_short_forms(text: str, problem: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        open_domain(text)
    assert problem in caught.value.problem
    assert hint in str(caught.value.hint)
