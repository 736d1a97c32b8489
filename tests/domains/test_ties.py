"""The order of interactions that share a time, and how much depends on it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from transfer_cases import small_domain

from domains.domain import Domain
from domains.open_domain import open_domain, parse_spec
from domains.preparation import prepare
from domains.raw_tables import RawTables
from domains.settings import PrepareSettings
from domains.ties import count_ties, id_hashes, last_two, tied_with_previous

ITEMS = ["10", "9", "100", "2", "33"]


def prepared(rows: list[tuple[str, str, int]], ties: str) -> Domain:
    users, items, times = zip(*rows, strict=True)
    raw = RawTables(
        interactions=pl.LazyFrame({"user_id": users, "item_id": items, "timestamp": times}),
        items=pl.LazyFrame({"item_id": list(dict.fromkeys(items)), "title": [f"t{i}" for i in dict.fromkeys(items)]}),
        name="tied",
    )
    return prepare(raw, PrepareSettings(min_user_interactions=0, min_item_interactions=0, ties=ties)).domain


def orders(domain: Domain) -> dict[str, list[str]]:
    ids, users = domain.item_ids.to_pylist(), domain.user_ids.to_pylist()
    return {user: [ids[item] for item in domain.history(number)] for number, user in enumerate(users)}


def rows_of(users: int) -> list[tuple[str, str, int]]:
    """All items at one time, but for the last, which comes later and stands first in the file."""
    return [(f"u{user}", item, 1_400_000_000) for user in range(users) for item in ITEMS] + [
        (f"u{user}", "7", 1_300_000_000) for user in range(users)
    ]


def test_by_default_equal_times_keep_the_order_of_the_file():
    assert PrepareSettings().ties == "file"
    assert orders(prepared(rows_of(2), "file")) == {"u0": ["7", *ITEMS], "u1": ["7", *ITEMS]}


def days(*, newest_first: bool) -> list[tuple[str, str, int]]:
    """Two items a day for twelve days, in the order in which they happened or the other way round."""
    rows = [("u0", str(number), 1_400_000_000 + number // 2) for number in range(24)]
    return rows[::-1] if newest_first else rows


def test_equal_times_are_read_from_the_end_of_a_file_that_descends():
    happened = {"u0": [str(number) for number in range(24)]}
    assert orders(prepared(days(newest_first=False), "file")) == happened
    assert orders(prepared(days(newest_first=True), "file")) == happened
    for chance in (days(newest_first=True)[:8], [*days(newest_first=True), ("u1", "0", 1_400_000_005)]):
        there = orders(prepared(chance, "file"))["u0"]
        assert there[-2:] == [chance[0][1], chance[1][1]]


def test_a_file_that_descends_is_told(tmp_path):
    for name, rows in (("new.csv", days(newest_first=True)), ("old.csv", days(newest_first=False))):
        pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row").write_csv(tmp_path / name)
    titles = pl.DataFrame({"item_id": range(24), "title": [f"tea {number}" for number in range(24)]})
    titles.write_csv(tmp_path / "items.csv")
    prepare = {"min_user_interactions": 0, "min_item_interactions": 0}
    for ties, told in (("file", 1), ("random", 0)):
        spec = {"interactions": "new.csv", "items": "items.csv", "prepare": {**prepare, "ties": ties}}
        notes = open_domain(parse_spec(spec), base=tmp_path).report.notes
        assert ["newest rows of new.csv come first" in note for note in notes] == [True] * told
    old = {"interactions": "old.csv", "items": "items.csv", "prepare": prepare}
    assert open_domain(parse_spec(old), base=tmp_path).report.notes == ()


def test_by_item_whole_numbers_are_sorted_as_numbers():
    assert orders(prepared(rows_of(1), "item"))["u0"] == ["7", "2", "9", "10", "33", "100"]
    text = [(user, f"i{item}", time) for user, item, time in rows_of(1)]
    assert orders(prepared(text, "item"))["u0"] == ["i7", "i10", "i100", "i2", "i33", "i9"]


def test_a_random_order_differs_by_user_and_depends_on_nothing_else():
    rows = rows_of(40)
    found = orders(prepared(rows, "random"))
    assert all(history[0] == "7" for history in found.values())  # times come first
    assert all(sorted(history) == sorted(["7", *ITEMS]) for history in found.values())
    assert len({tuple(history) for history in found.values()}) > 20
    assert orders(prepared(rows[::-1], "random")) == found
    fewer = orders(prepared([row for row in rows if row[0] < "u2"], "random"))
    assert fewer == {user: history for user, history in found.items() if user < "u2"}


def test_a_random_order_has_no_direction():
    found = orders(prepared(rows_of(400), "random")).values()
    rises = [int(a) < int(b) for history in found for a, b in pairwise(history[1:])]
    assert np.mean(rises) == pytest.approx(0.5, abs=0.04)
    first = [history[1] for history in found]
    assert all(first.count(item) == pytest.approx(80, abs=35) for item in ITEMS)


def test_hashes_of_ids_are_known():
    hashes = id_hashes(pa.array(["a", "", "ab", "ba", "a", "é"], pa.large_string()))
    assert hashes[0] == hashes[4]
    assert len(set(hashes.tolist())) == 5
    again = id_hashes(pa.array(["zz", "ab"], pa.large_string()).slice(1))
    assert again[0] == hashes[2]
    assert id_hashes(pa.array([], pa.large_string())).tolist() == []
    # A change of these numbers changes every random order that was ever made.
    assert hashes[:2].tolist() == KNOWN


KNOWN = [15818834084057556226, 16294208416658607535]


def test_ties_are_counted_within_users_only():
    domain = small_domain([[0, 1, 2], [2, 0], [], [1]], times=[[1, 1, 5], [5, 5], [], [5]])
    assert tied_with_previous(domain).tolist() == [False, True, False, False, True, False]
    found = count_ties(domain, last_two(domain))
    assert (found.held_out, found.held_out_tied, found.held_out_ascending) == (2, 1, 2)
    assert (found.neighbours, found.neighbours_tied, found.neighbours_ascending) == (3, 2, 2)


def test_a_users_first_item_is_not_counted_and_nothing_is_no_error():
    domain = small_domain([[0, 1, 2]])
    assert count_ties(domain, np.array([0, 2])).held_out == 1
    assert count_ties(small_domain([[], []], n_items=2), np.zeros(0, np.int64)).neighbours == 0


def test_ties_are_mentioned_where_they_matter():
    calm = small_domain([[0, 2, 1, 3, 2], [3, 1, 2, 0, 1]])
    assert count_ties(calm, last_two(calm)).note == ""
    rising = small_domain([[0, 1, 2, 3]])
    assert "100 % of the neighbours ascend" in count_ties(rising, last_two(rising)).note
    assert count_ties(rising, last_two(rising)).note.endswith(": compare the variant next-ids"), "no times are equal"
    tied = small_domain([[3, 2, 1, 0]], times=[[1, 2, 3, 3]])
    assert "50 % of the held-out items share their time" in count_ties(tied, last_two(tied)).note
    assert count_ties(tied, last_two(tied)).note.endswith(": compare prepare.ties and the variant next-ids")
