"""A prepared folder opens as the same domain, whether it was streamed or held in memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from refusals import refusal
from transfer_cases import small_domain

from domains.domain import descend_within
from domains.errors import InputError
from domains.open_domain import open_domain
from domains.partitioned import MANIFEST, begin, finish, part_path, partition_of, write_domain, write_part
from domains.streaming import to_folder


def bytes_of(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def write_log(folder: Path, *, times: str = "seconds", seed: int = 0) -> dict[str, object]:
    """Two tables with ids that need cleaning, repeats, ties in time and items without a row or a title."""
    rng = np.random.default_rng(seed)
    rows, users, items = 4_000, 300, 80
    user = pl.Series([f" u{number}é" if number % 7 == 0 else f"u{number}" for number in rng.integers(users, size=rows)])
    item = pl.Series(np.minimum(rng.zipf(1.3, rows), items).astype(np.int64))
    second = pl.Series(1_400_000_000 + rng.integers(50, size=rows))
    moment = second
    if times != "seconds":
        moment = pl.from_epoch(second * 1000 + pl.Series(rng.integers(1000, size=rows)), "ms")
    pl.DataFrame({"user_id": user, "item_id": item, "timestamp": moment}).write_parquet(
        folder / "acts.parquet", row_group_size=500
    )
    titles = [f"title {number}" if number != 5 else "" for number in range(1, items)]
    pl.DataFrame({"item_id": list(range(1, items)), "title": titles, "brand": ["B"] * (items - 1)}).write_parquet(
        folder / "things.parquet"
    )
    return {"interactions": str(folder / "acts.parquet"), "items": str(folder / "things.parquet"), "name": "log"}


SETTINGS = [
    {"missing_titles": "drop", "unknown_items": "drop"},
    {"missing_titles": "keep", "unknown_items": "keep", "repeats": "keep", "min_user_interactions": 12},
    {
        "missing_titles": "keep",
        "unknown_items": "drop",
        "repeats": "last",
        "max_history": 6,
        "catalogue": "all",
        "min_user_interactions": 3,
        "min_item_interactions": 20,
    },
    {"missing_titles": "keep", "unknown_items": "keep", "ties": "random"},
    {"missing_titles": "keep", "unknown_items": "keep", "ties": "item", "repeats": "keep", "min_user_interactions": 12},
]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("times", ["seconds", "datetimes"])
def test_a_streamed_folder_is_the_domain_that_is_opened_directly(tmp_path, settings, times):
    spec = {**write_log(tmp_path, times=times), "prepare": settings}
    direct = open_domain(spec).domain
    made, reason = to_folder(spec, tmp_path / "streamed", 5)
    assert reason is None
    assert made.fingerprint == direct.fingerprint
    assert 0 < direct.n_users < 300
    write_domain(direct, tmp_path / "written", 5)
    assert bytes_of(tmp_path / "streamed") == bytes_of(tmp_path / "written")
    opened = open_domain(f"prepared:{tmp_path / 'streamed'}").domain
    assert opened.fingerprint == direct.fingerprint
    assert isinstance(opened.items, np.memmap)
    assert isinstance(opened.times, np.memmap)
    assert isinstance(opened.offsets, np.memmap)


@pytest.mark.parametrize("settings", [SETTINGS[1], SETTINGS[3]])
def test_a_streamed_log_that_descends_is_the_domain_that_is_opened_directly(tmp_path, settings):
    spec = {**write_log(tmp_path), "prepare": settings}
    acts = pl.read_parquet(tmp_path / "acts.parquet")
    acts.sort("timestamp", descending=True, maintain_order=True).write_parquet(tmp_path / "acts.parquet")
    direct = open_domain(spec).domain
    made, reason = to_folder(spec, tmp_path / "streamed", 5)
    assert (made.fingerprint, reason) == (direct.fingerprint, None)


def test_partitions_follow_the_written_hash(tmp_path):
    domain = open_domain({**write_log(tmp_path), "prepare": SETTINGS[0]}).domain
    write_domain(domain, tmp_path / "out", 3)
    seen = []
    for index in range(3):
        part = pl.read_parquet(part_path(tmp_path / "out", index))
        for user in part["user"].unique():
            head = hashlib.sha256(domain.user_ids[user].as_py().encode()).hexdigest()[:8]
            assert int(head, 16) % 3 == index
        ordered = part.with_row_index().sort("user", "time", "index").drop("index")
        assert part.equals(ordered)
        seen += part["user"].unique().to_list()
    assert sorted(seen) == list(range(domain.n_users))
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert sum(manifest["rows"]) == domain.n_interactions
    assert manifest["partitions"] == 3


def test_the_hash_is_known():
    found = partition_of(pa.array(["", "u1", "é"]), 1000)
    expected = [int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 1000 for text in ("", "u1", "é")]
    assert found.tolist() == expected
    assert found[0] == 0xE3B0C442 % 1000


def test_what_cannot_be_streamed_is_held_in_memory_and_said(tmp_path):
    spec = {**write_log(tmp_path), "prepare": {**SETTINGS[0], "keep": "user_id != 'u1'"}}
    made, reason = to_folder(spec, tmp_path / "out", 2)
    assert "keep" in reason
    assert made.fingerprint == open_domain(spec).domain.fingerprint


def test_unix_seconds_in_a_csv_are_text_which_is_said(tmp_path):
    spec = write_log(tmp_path)
    file = Path(spec["interactions"])
    pl.read_parquet(file).write_csv(file.with_suffix(".csv"))
    text = {**spec, "interactions": str(file.with_suffix(".csv")), "prepare": SETTINGS[0]}
    made, reason = to_folder(text, tmp_path / "out", 2)
    assert "times are text" in reason and "Parquet" in reason
    assert made.n_interactions == open_domain(text).domain.n_interactions


def test_errors_name_the_place(tmp_path):
    spec = {**write_log(tmp_path), "prepare": {"unknown_items": "drop"}}
    with refusal("title-missing", "things.parquet"):
        to_folder(spec, tmp_path / "out", 2)
    spec["prepare"] = SETTINGS[0]
    to_folder(spec, tmp_path / "good", 2)
    with refusal("not-empty", "good"):
        to_folder(spec, tmp_path / "good", 2)
    with refusal("partitions", "--partitions"):
        to_folder(spec, tmp_path / "none", 0)
    (tmp_path / "good" / MANIFEST).unlink()
    with refusal("no-domain", "good", about="manifest.json"):
        open_domain(f"prepared:{tmp_path / 'good'}")


@pytest.mark.parametrize(("column", "wrong"), [("user_id", None), ("user_id", " "), ("item_id", None)])
def test_a_streamed_row_has_the_number_that_it_has_in_the_file(tmp_path, column, wrong):
    spec = {**write_log(tmp_path), "prepare": SETTINGS[0]}
    file = Path(spec["interactions"])
    acts, row = pl.read_parquet(file), pl.int_range(pl.len())
    acts.with_columns(
        pl.when(row.is_in([2_000, 3_000])).then(pl.lit(wrong)).otherwise(column).alias(column)
    ).write_parquet(file)
    with refusal("missing", "acts.parquet, row 2001", about="(2 such rows)") as streamed:
        to_folder(spec, tmp_path / "out", 2)
    with refusal("missing", "acts.parquet, row 2001") as opened:
        open_domain(spec)
    assert str(streamed.value) == str(opened.value)


WRONG_TIMES = ([1, 0, 3, 0, 1, 2], [1, 2, 0, 0, 1, 2], [1, 2, 3, 0, 2, 1])


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_times_are_checked_across_blocks(at_once):
    offsets = np.array([0, 3, 4, 6])
    assert not descend_within(np.array([1, 2, 3, 0, 0, 0]), offsets, at_once)
    assert all(descend_within(np.array(wrong), offsets, at_once) for wrong in WRONG_TIMES)


def test_a_domain_whose_times_descend_is_refused():
    domain = small_domain([[0, 1, 2], [1], [2, 0]], [[1, 2, 3], [0], [1, 2]])
    for wrong in WRONG_TIMES:
        with refusal("domain", "small", about="times"):
            replace(domain, times=np.array(wrong, dtype=np.int64))


def test_a_missing_part_is_named(tmp_path):
    domain = small_domain([[0, 1], [1, 2]])
    begin(tmp_path / "out", 2)
    write_part(tmp_path / "out", 0, np.zeros(2, np.int64), np.array([0, 1]), np.array([0, 1]))
    strings = {
        "name": "a",
        "item_ids": domain.item_ids,
        "titles": domain.titles,
        "categories": None,
        "user_ids": domain.user_ids,
    }
    with pytest.raises(InputError) as caught:
        finish(tmp_path / "out", 2, strings)
    assert "part-00001.parquet" in str(caught.value.location)
