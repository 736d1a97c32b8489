"""Newer interactions are read as those of the run were."""

from __future__ import annotations

import json

import polars as pl
import pytest
from refusals import refusal
from transfer_cases import small_domain

from domains.data_frames import read_new_items
from domains.newer import Reading
from domains.spec import DomainSpec
from transfer.serving.input_files import asked_in, filters_of, histories_in, read_ids

DOMAIN = small_domain([[0, 1, 2], [2, 1, 3]], n_items=5)
ITEMS = DOMAIN.item_ids.to_pylist()
ROWS = [
    ("Jörg", 2, "03.02.2021", 5),
    ("Jörg", 1, "02.02.2021", 4),
    ("Zoé", 3, "01.02.2021", 5),
    ("Zoé", 0, "09.02.2021", 1),
]


def test_ids_that_the_run_does_not_know_are_ignored_with_a_note():
    filters, notes = filters_of(DOMAIN, None, [ITEMS[1], "gone"], False)
    assert filters.without.tolist() == [1]
    assert notes == ("--without-items: 1 of 2 ids is unknown and ignored: 'gone'",)
    filters, notes = filters_of(DOMAIN, [ITEMS[2], "a", "b"], None, True)
    assert (filters.only.tolist(), filters.allow_seen) == ([2], True)
    assert notes == ("--only-items: 2 of 3 ids are unknown and ignored: 'a', 'b'",)
    assert filters_of(DOMAIN, ITEMS, [], False)[1] == ()
    with refusal("unknown-item", "--only-items", about="none of its 1 id is"):
        filters_of(DOMAIN, ["gone"], None, False)


def reading(columns=None, prepare=None, **options):
    files = {"interactions": "orders.csv", "items": "products.csv"}
    return Reading.of(
        DomainSpec.model_validate({**files, **options, "columns": columns or {}, "prepare": prepare or {}})
    )


def histories(asked):
    domain = asked.history.domain
    return {user: domain.history(place).tolist() for place, user in enumerate(domain.user_ids.to_pylist())}


@pytest.fixture
def german(tmp_path):
    file = tmp_path / "heute.csv"
    lines = [f"{user};{ITEMS[item]};{day};{stars}" for user, item, day, stars in ROWS]
    file.write_text("\n".join(["Wer;Was;Wann;Sterne", *lines]) + "\n", encoding="cp1252")
    return file


COLUMNS = {"user": "Wer", "item": "Was", "time": "Wann"}


def test_delimiter_encoding_columns_and_dates_are_those_of_the_run(german):
    asked = histories_in(DOMAIN, german, reading(COLUMNS, encoding="cp1252"))
    assert histories(asked) == {"Jörg": [1, 2], "Zoé": [3, 0]}
    assert asked.history.domain.time_kind == "timestamp"


def test_rows_that_did_not_count_do_not_count_now(german, tmp_path):
    strict = reading(COLUMNS, {"keep": ["Sterne >= 4"]}, encoding="cp1252")
    assert histories(histories_in(DOMAIN, german, strict)) == {"Jörg": [1, 2], "Zoé": [3]}
    unrated = tmp_path / "unrated.csv"
    unrated.write_text(f"Wer,Was\na,{ITEMS[4]}\n")
    assert histories(histories_in(DOMAIN, unrated, strict)) == {"a": [4]}, (
        "a table without the column has only rows that count"
    )


def test_other_names_of_columns_are_found_by_their_usual_names(tmp_path):
    file = tmp_path / "orders.json"
    file.write_text(json.dumps([{"user_id": "a", "item_id": ITEMS[1]}, {"user_id": "a", "item_id": ITEMS[0]}]))
    assert histories(histories_in(DOMAIN, file, reading(COLUMNS))) == {"a": [1, 0]}
    file.write_text(
        json.dumps([{"user_id": "a", "item_id": [ITEMS[1], "gone", ITEMS[3]]}, {"user_id": "b", "item_id": ["gone"]}])
    )
    asked = histories_in(DOMAIN, file, reading())
    assert histories(asked) == {"a": [1, 3]}
    assert asked.unanswered == (("b", "the run knows none of the items"),)
    file.write_text(json.dumps([{"who": "a", "item_id": "x"}]))
    with refusal("column", file, about="who"):
        histories_in(DOMAIN, file, reading())


def test_rows_without_a_user_are_counted(tmp_path):
    file = tmp_path / "orders.csv"
    named = "".join(f"{name},{ITEMS[1]}\n" for name in "abcdefghi")
    file.write_text(f"user_id,item_id\n{named},{ITEMS[2]}\n")
    asked = histories_in(DOMAIN, file, reading())
    assert histories(asked) == {name: [1] for name in "abcdefghi"}
    assert asked.notes == ("Rows of orders.csv that are left out: 1 without user (missing: drop).",)


def test_new_items_are_read_as_those_of_the_run(tmp_path):
    given = reading({"item": "Was", "title": "Stück", "text": ["Künstler"]}, items_encoding="cp1252")
    for encoding in ("cp1252", "utf-8"):
        file = tmp_path / "neu.csv"
        file.write_text("Was;Stück;Künstler;Richtung\nn1;Müllers Tanz;Ärzte;Rock\n", encoding=encoding)
        new = read_new_items(file, given)
        assert (new.ids, new.titles) == (["n1"], ["Müllers Tanz"])
        assert {name: values.to_pylist() for name, values in new.fields.items()} == {"authors": [["Ärzte"]]}
    usual = pl.DataFrame({"item_id": ["n2"], "title": ["x"]})
    assert read_new_items(usual, given).ids == ["n2"]


def test_a_part_holds_interactions_or_users_or_nothing(tmp_path):
    part, users = tmp_path / "part.parquet", DOMAIN.user_ids.to_pylist()
    pl.DataFrame({"Wer": ["x", "x"], "Was": [ITEMS[2], ITEMS[3]]}).write_parquet(part)
    assert histories(asked_in(DOMAIN, part, reading(COLUMNS))) == {"x": [2, 3]}
    pl.DataFrame({"user_id": [users[1]]}).write_parquet(part)
    assert histories(asked_in(DOMAIN, part, reading(COLUMNS))) == {users[1]: [2, 1, 3]}
    pl.DataFrame({"Wer": [], "Was": []}, schema={"Wer": pl.String, "Was": pl.String}).write_parquet(part)
    assert histories(asked_in(DOMAIN, part, reading(COLUMNS))) == {}
    part.write_bytes(b"no table")
    with refusal("bad-file", part):
        asked_in(DOMAIN, part, reading())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ids.txt", "{0}\n\n {1} \n"),
        ("ids.csv", "item_id\n{0}\n{1}\n"),
        ("ids.csv", "{0}\n{1}\n"),
        ("ids.csv", "shelf;Was\nx;{0}\ny;{1}\nz;\n"),
        ("ids.tsv", "mine\n{0}\n{1}\n"),
        ("ids.jsonl", '{{"item_id": "{0}"}}\n{{"item_id": "{1}"}}\n'),
    ],
)
def test_ids_are_lines_or_a_column(tmp_path, name, text):
    file = tmp_path / name
    file.write_text(text.format(*ITEMS))
    assert read_ids(file, "item", DOMAIN, reading({"item": "Was"})) == ITEMS[:2]


def test_ids_that_cannot_be_read_are_errors(tmp_path):
    (tmp_path / "ids.txt").write_bytes(b"\xff\xfe")
    with refusal("bad-file", "ids.txt"):
        read_ids(tmp_path / "ids.txt", "item", DOMAIN, reading())
    for name in ("none.txt", "none.csv", "none.parquet"):
        with refusal("no-file", name):
            read_ids(tmp_path / name, "user", DOMAIN, reading())
