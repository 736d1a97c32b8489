"""Preparation against a literal one in plain Python, storage, cache, summary, suspicions."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refusal

from domains.domain import Domain, TimeKind
from domains.errors import DataError
from domains.loaders import loader
from domains.open_domain import default_cache, open_domain, parse_spec
from domains.overview import find_suspicions, histogram, summarise
from domains.preparation import prepare
from domains.preparation_report import PreparationReport
from domains.raw_tables import RawTables
from domains.settings import PrepareSettings
from domains.storage import load_domain, save_domain

SHARED = Path(__file__).parents[3] / "shared" / "data"
NOTHING = {"min_user_interactions": 0, "min_item_interactions": 0}


def raw(rows, items=None):
    users, things, times = zip(*rows, strict=True) if rows else ((), (), ())
    acts = {"user_id": list(users), "item_id": list(things), "timestamp": list(times)}
    items = items if items is not None else {item: f"title of {item}" for item in things}
    return RawTables(
        interactions=pl.LazyFrame(acts, schema={"user_id": pl.String, "item_id": pl.String, "timestamp": pl.Int64}),
        items=pl.LazyFrame(
            {"item_id": list(items), "title": list(items.values())}, schema={"item_id": pl.String, "title": pl.String}
        ),
        name="tiny",
    )


def histories(domain):
    ids = domain.item_ids.to_pylist()
    return {
        user: [ids[item] for item in domain.history(number)] for number, user in enumerate(domain.user_ids.to_pylist())
    }


def literal(rows, repeats, k_user, k_item, last):
    """The same steps, one row at a time."""
    per_user = {}
    if repeats == "keep":
        rows = list(dict.fromkeys(rows))  # a row that stands twice is no second purchase
    for user, item, _ in sorted(rows, key=lambda row: row[2]):
        per_user.setdefault(user, []).append(item)
    for user, history in per_user.items():
        if repeats == "first":
            history = list(dict.fromkeys(history))
        elif repeats == "last":
            history = list(dict.fromkeys(history[::-1]))[::-1]
        per_user[user] = history if last is None else history[-last:]
    while True:
        popularity = Counter(item for history in per_user.values() for item in history)
        smaller = {
            user: [item for item in history if popularity[item] >= k_item]
            for user, history in per_user.items()
            if len(history) >= k_user
        }
        smaller = {user: history for user, history in smaller.items() if history}
        if smaller == per_user:
            return smaller
        per_user = smaller


ROWS = st.lists(
    st.tuples(st.sampled_from("stuvwx"), st.sampled_from("abcde"), st.integers(0, 9)), min_size=1, max_size=40
)


@settings(deadline=None)
@given(
    ROWS,
    st.sampled_from(["first", "last", "keep"]),
    st.integers(0, 4),
    st.integers(0, 4),
    st.none() | st.integers(1, 5),
)
def test_equals_the_literal_preparation(rows, repeats, k_user, k_item, last):
    chosen = PrepareSettings(
        repeats=repeats, min_user_interactions=k_user, min_item_interactions=k_item, max_history=last
    )
    wanted = literal(rows, repeats, k_user, k_item, last)
    if not wanted:
        with refusal("empty", "tiny"):
            prepare(raw(rows), chosen)
        return
    prepared = prepare(raw(rows), chosen)
    domain = prepared.domain
    assert histories(domain) == wanted
    assert domain.user_ids.to_pylist() == sorted(wanted)
    assert domain.item_ids.to_pylist() == sorted({item for history in wanted.values() for item in history})
    assert domain.titles.to_pylist() == [f"title of {item}" for item in domain.item_ids.to_pylist()]
    assert domain.repeats == (repeats == "keep")
    final = prepared.report.steps[-1]
    assert (final.users, final.items, final.interactions) == (domain.n_users, domain.n_items, domain.n_interactions)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the development data are not beside the project")
def test_published_core_of_movietweetings():
    spec = {"interactions": "interactions.parquet", "items": "items.parquet"}
    domain = open_domain(parse_spec(spec), base=SHARED / "movietweetings").domain
    assert (domain.n_users, domain.n_items, domain.n_interactions) == (5_973, 3_119, 102_461)
    assert domain.time_kind == TimeKind.TIMESTAMP


@pytest.mark.skipif(not SHARED.is_dir(), reason="the development data are not beside the project")
@pytest.mark.parametrize(
    ("name", "kind"), [("amazon_games", "timestamp"), ("amazon_toys", "order"), ("goodbooks", "order")]
)
def test_times_of_real_data_are_told_from_orders(name, kind):
    spec = {"interactions": "interactions.parquet", "items": "items.parquet", "prepare": {"missing_titles": "keep"}}
    assert open_domain(parse_spec(spec), base=SHARED / name).domain.time_kind == kind


def test_report_says_what_each_step_left():
    rows = [("u", "a", 1), ("u", "a", 2), ("u", "b", 3), ("v", "a", 1), ("v", "b", 2), ("w", "z", 1), ("w", "c", 2)]
    items = {"a": "A", "b": "B", "c": "", "never": "N"}
    chosen = PrepareSettings(
        min_user_interactions=2, min_item_interactions=2, unknown_items="drop", missing_titles="drop"
    )
    report = prepare(raw(rows, items), chosen).report
    assert [(step.name, step.users, step.items, step.interactions) for step in report.steps] == [
        ("read", 3, 4, 7),
        ("items in no item table dropped", 3, 3, 6),
        ("items without a title dropped", 2, 2, 5),
        ("repeats: first kept", 2, 2, 4),
        ("core (2 a user, 2 an item)", 2, 2, 4),
    ]
    assert report.notes == ("1 item of items occur in no interaction (catalogue: used).",)
    assert "repeats: first kept" in str(report)
    assert PreparationReport.from_dict(json.loads(json.dumps(report.as_dict()))) == report


def test_the_whole_catalogue_may_stay():
    rows = [("u", "b", 1), ("u", "d", 2), ("v", "d", 1), ("v", "z", 2)]
    items = {"a": "A", "b": "B", "c": "", "d": "D", "e": "E"}
    chosen = PrepareSettings(
        catalogue="all", min_user_interactions=1, min_item_interactions=2, unknown_items="drop", missing_titles="keep"
    )
    prepared = prepare(raw(rows, items), chosen)
    domain = prepared.domain
    assert domain.item_ids.to_pylist() == ["a", "b", "d", "e"], "c has no title and no interaction"
    assert domain.titles.to_pylist() == ["A", "B", "D", "E"]
    assert [domain.titles_of(domain.history(user)) for user in range(2)] == [["D"], ["D"]]
    assert (prepared.report.steps[-1].items, prepared.report.steps[-1].interactions) == (4, 2)
    used = prepare(raw(rows, items), chosen.model_copy(update={"catalogue": "used"})).domain
    assert used.item_ids.to_pylist() == ["d"]


def test_unknown_items_may_stay_without_a_title():
    kept = PrepareSettings(**NOTHING, unknown_items="keep", missing_titles="keep")
    domain = prepare(raw([("u", "a", 1), ("u", "z", 2)], {"a": "A"}), kept).domain
    assert domain.titles.to_pylist() == ["A", ""]
    with refusal("title-missing", "items", about="'z'"):
        prepare(raw([("u", "z", 2)], {"a": "A"}), PrepareSettings(**NOTHING, unknown_items="keep"))


@pytest.mark.parametrize(("how", "title"), [("first", "Short"), ("longest", "Much longer")])
def test_duplicate_items(how, title):
    tables = raw([("u", "a", 1)])
    items = pl.LazyFrame({"item_id": ["a", "a", "a"], "title": ["", "Short", "Much longer"]})
    tables = RawTables(interactions=tables.interactions, items=items, name="tiny")
    assert prepare(tables, PrepareSettings(**NOTHING, duplicate_items=how)).domain.titles.to_pylist() == [title]


def test_an_item_has_the_categories_of_all_its_rows():
    tables = raw([("u", "a", 1), ("u", "b", 2)])
    rows = [
        ("a", "Alpha", ["one"]),
        ("b", "Beta", None),
        ("a", "", ["two", "one"]),
        ("a", "Alpha", None),
        ("c", "", ["x"]),
    ]
    items = pl.LazyFrame(rows, schema=["item_id", "title", "categories"], orient="row")
    domain = prepare(
        RawTables(interactions=tables.interactions, items=items, name="tiny"), PrepareSettings(**NOTHING)
    ).domain
    assert domain.titles.to_pylist() == ["Alpha", "Beta"]
    assert domain.categories.to_pylist() == [["one", "two"], []]


def test_what_names_nothing_is_no_category():
    tables = raw([("u", "a", 1), ("u", "b", 2)])
    items = pl.LazyFrame({"item_id": ["a", "b"], "title": ["A", "B"], "categories": [["one", None, " "], [None]]})
    domain = prepare(
        RawTables(interactions=tables.interactions, items=items, name="tiny"), PrepareSettings(**NOTHING)
    ).domain
    assert domain.categories.to_pylist() == [["one"], []]


def test_equal_files_give_equal_domains_and_ties_keep_the_file_order():
    rows = [("u", item, 5) for item in "dbcae"]
    one, two = (prepare(raw(rows), PrepareSettings(**NOTHING)).domain for _ in range(2))
    assert one.fingerprint == two.fingerprint
    assert histories(one) == {"u": list("dbcae")}


@pytest.mark.parametrize("name", ["books", "films"])
@pytest.mark.parametrize("mmap", [True, False])
def test_a_saved_domain_comes_back_equal(tmp_path, name, mmap):
    domain = open_domain(name).domain
    save_domain(domain, tmp_path / "saved")
    again = load_domain(tmp_path / "saved", mmap=mmap)
    assert again.fingerprint == domain.fingerprint
    assert (again.name, again.time_kind, again.repeats) == (domain.name, domain.time_kind, domain.repeats)
    assert isinstance(again.items, np.memmap) == mmap
    assert again.titles.to_pylist() == domain.titles.to_pylist()
    save_domain(again, tmp_path / "saved")
    assert load_domain(tmp_path / "saved").fingerprint == domain.fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]


def damage_version(folder):
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "version": 99}))


def damage_pickle(folder):
    np.save(folder / "times.npy", np.array([{}], dtype=object), allow_pickle=True)


DAMAGES = {
    "version": (damage_version, "version"),
    "no JSON": (lambda folder: (folder / "meta.json").write_text("{"), "damaged"),
    "no meta": (lambda folder: (folder / "meta.json").unlink(), "no-domain"),
    "empty meta": (lambda folder: (folder / "meta.json").write_text("{}"), "no-domain"),
    "no items": (lambda folder: (folder / "items.npy").unlink(), "damaged"),
    "short times": (lambda folder: os.truncate(folder / "times.npy", 200), "damaged"),
    "pickle": (damage_pickle, "damaged"),
    "short items": (lambda folder: os.truncate(folder / "items.arrow", 100), "damaged"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_folder_is_refused(tmp_path, name):
    save_domain(open_domain("books").domain, tmp_path / "saved")
    damage, code = DAMAGES[name]
    damage(tmp_path / "saved")
    with refusal(code, tmp_path / "saved") as caught:
        load_domain(tmp_path / "saved")
    assert caught.value.hint


def test_other_folders_are_not_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(DataError) as caught:
        save_domain(open_domain("books").domain, tmp_path)
    assert (caught.value.code, caught.value.location) == ("not-empty", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_saved_domain_is_not_prepared_again(tmp_path):
    save_domain(open_domain("books").domain, tmp_path / "saved")
    assert open_domain(str(tmp_path / "saved")).report.steps[0].name == "ready"
    with refusal("prepared-already", "domain 'books', prepare"):
        open_domain(parse_spec({"loader": "saved", "folder": str(tmp_path / "saved"), "prepare": {"repeats": "last"}}))


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "acts.csv").write_text("user_id,item_id,timestamp\nu,a,1\nu,b,2\n")
    (tmp_path / "items.csv").write_text("item_id,title\na,Alpha\nb,Beta\n")
    return tmp_path


def test_the_cache_answers_until_something_changes(shop, monkeypatch):
    def ask(**prepare_settings):
        spec = {"interactions": "acts.csv", "items": "items.csv", "prepare": {**NOTHING, **prepare_settings}}
        return open_domain(parse_spec(spec), base=shop, cache=shop / "cache")

    first = ask()
    with monkeypatch.context() as patched:
        patched.setattr("domains.open_domain.prepare", lambda *_: pytest.fail("prepared again"))
        again = ask()
    assert again.domain.fingerprint == first.domain.fingerprint
    assert again.report == first.report
    assert ask(max_history=1).domain.n_interactions == 1
    (shop / "items.csv").write_text("item_id,title\na,Alpha\nb,Gamma\n")
    os.utime(shop / "items.csv", ns=(1, 1))
    assert ask().domain.titles.to_pylist() == ["Alpha", "Gamma"]
    for meta in (shop / "cache").glob("*/meta.json"):
        meta.write_text("{")
    assert ask().domain.titles.to_pylist() == ["Alpha", "Gamma"]


def test_a_slash_between_categories_is_no_folder_whose_files_count(shop):
    (shop / "items.csv").write_text("item_id,title,categories\na,Alpha,Games/Board games\nb,Beta,Games\n")
    spec = {"interactions": "acts.csv", "items": "items.csv", "category_separator": "/", "prepare": NOTHING}
    domain = open_domain(parse_spec(spec), base=shop, cache=shop / "cache").domain
    assert domain.categories.to_pylist() == [["Games", "Board games"], ["Games"]]
    assert len(list((shop / "cache").glob("*/meta.json"))) == 1


def test_a_cache_that_cannot_be_written_only_warns(shop):
    (shop / "cache").write_text("a file")
    spec = parse_spec({"interactions": "acts.csv", "items": "items.csv", "prepare": NOTHING})
    with pytest.warns(UserWarning, match="not cached"):
        assert open_domain(spec, base=shop, cache=shop / "cache").domain.n_items == 2


def test_default_cache_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("TRANSFER_CACHE", str(tmp_path))
    assert default_cache() == tmp_path / "domains"


def make(titles, items, times, lengths, kind=TimeKind.TIMESTAMP):
    return Domain(
        name="odd",
        item_ids=pa.array([str(n) for n in range(len(titles))], pa.large_string()),
        titles=pa.array(titles, pa.large_string()),
        categories=None,
        user_ids=pa.array([f"u{n}" for n in range(len(lengths))], pa.large_string()),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=np.asarray(items, np.int32),
        times=np.asarray(times, np.int64),
        time_kind=kind,
    )


@pytest.mark.parametrize(
    ("broken", "about"),
    [
        ({"titles": pa.array(["A"], pa.large_string())}, "1 titles"),
        ({"offsets": np.array([0, 2, 3])}, "offsets"),
        ({"offsets": np.array([0, 5, 4])}, "offsets"),
        ({"items": np.array([0, 1, 2, 0], np.int32)}, "item table"),
        ({"times": np.array([1, 2, 3])}, "3 times"),
        ({"times": np.array([1, 2, 1, 0])}, "times"),
        ({"categories": pa.array([[]], pa.large_list(pa.large_string()))}, "1 category lists"),
    ],
)
def test_a_domain_refuses_arrays_that_contradict_each_other(broken, about):
    sound = make(["A", "B"], [0, 1, 0, 1], [3, 4, 1, 2], [2, 2])
    assert repr(sound) == "<Domain 'odd': 2 users, 2 items, 4 interactions, times are timestamp>"
    with refusal("domain", "odd", about=about):
        dataclasses.replace(sound, **broken)


def test_users_without_interactions_are_no_contradiction():
    assert make(["A"], [0, 0], [5, 1], [0, 1, 0, 1, 0]).lengths.tolist() == [0, 1, 0, 1, 0]


def test_arrays_do_not_change():
    with pytest.raises(ValueError, match="read-only"):
        make(["A"], [0], [1], [1]).items[0] = 3


def test_summary():
    domain = make(["A", "", "C"], [0, 1, 0, 2], [0, 60, 86400, 86400], [3, 1])
    summary = summarise(domain)
    assert (summary.users, summary.items, summary.interactions) == (2, 3, 4)
    assert summary.density == pytest.approx(4 / 6)
    assert (summary.first_time, summary.last_time) == ("1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z")
    assert summary.titles_missing == 1
    assert summary.repeated_pairs == 1
    assert summary.length_quantiles["50%"] == 2
    assert summary.popularity_quantiles["100%"] == 2
    assert json.loads(json.dumps(summary.as_dict()))["length_histogram"] == [
        {"low": 1, "high": 1, "count": 1},
        {"low": 2, "high": 3, "count": 1},
    ]
    assert "1970-01-01T00:00:00Z to 1970-01-02T00:00:00Z" in str(summary)
    assert "an order only" in str(summarise(make(["A"], [0], [3], [1], TimeKind.ORDER)))


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=50))
def test_histogram_holds_each_value_once(values):
    bins = histogram(np.array(values))
    assert [b.count for b in bins] == [sum(b.low <= value <= b.high for value in values) for b in bins]
    assert sum(b.count for b in bins) == len(values)


def test_suspicions_are_found():
    titles = [
        "Caf\ufffd",
        "CafÃ© Noir",
        "A <b>bold</b> one",
        "Tom &amp; Jerry",
        "Same",
        "Same",
        "x" * 1001,
        "bell\x07",
        "Ãrea 51 <3",
        "NaN",
        "None of them",
    ]
    items = [0, 1, 2, 3, 4, 5, 6, 7, 8]
    domain = make(titles, items, [10, 10, 10, 10, 10, 1, 2, 3, 4_000_000_000], [5, 4])
    found = {suspicion.kind: suspicion for suspicion in find_suspicions(domain, now=2_000_000_000)}
    counts = {kind: suspicion.count for kind, suspicion in found.items()}
    assert counts == {
        "title with replacement characters (encoding lost)": 1,
        "title with doubly encoded characters": 1,
        "title with markup": 2,
        "title with control characters": 1,
        "title longer than 1,000 characters": 1,
        "title of several items": 2,
        "title that marks a missing one": 1,
        "interaction in the future": 1,
        "user with one time for all of 5 or more interactions": 1,
    }
    assert found["title with markup"].example == "item 2: 'A <b>bold</b> one'"
    assert found["interaction in the future"].example == "user u1: 4000000000"


def test_bots_are_found():
    domain = make(["A"], [0] * 300, np.arange(300) * 60, [1, 250, 49])
    (suspicion,) = find_suspicions(domain, now=10**10)
    assert suspicion.kind == "user with more than 200 interactions in a day"
    assert suspicion.example == "user u1: 250 in a day"


def test_clean_data_rouse_no_suspicion():
    assert find_suspicions(open_domain("films").domain, now=2_000_000_000) == []


def test_third_parties_join_by_entry_point(monkeypatch):
    from importlib.metadata import EntryPoint

    from pydantic import BaseModel

    class Options(BaseModel):
        rows: int

    def load(options):
        return raw([(f"u{n}", "a", n) for n in range(options.rows)])

    theirs = loader.Loader("theirs", "made of nothing", Options, load, "rows")

    class Point(EntryPoint):
        def load(self):
            return theirs if self.name == "theirs" else "no loader"

    points = [Point(name, "their_package:LOADER", loader.ENTRY_POINT_GROUP) for name in ("theirs", "broken")]
    monkeypatch.setattr(loader, "entry_points", lambda group: points if group == loader.ENTRY_POINT_GROUP else [])
    assert "theirs" in loader.loader_names()
    spec = parse_spec({"loader": "theirs", "rows": 3, "prepare": NOTHING})
    assert open_domain(spec).domain.n_users == 3
    with refusal("invalid-value", "domain"):
        parse_spec({"loader": "theirs", "rows": "many"})
    with refusal("loader", "loader 'broken'", about="domains.loaders"):
        loader.find_loader("broken")
