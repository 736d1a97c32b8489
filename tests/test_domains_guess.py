"""Guessing columns."""

from __future__ import annotations

import pytest

from domains.errors import InputError
from domains.guess import guess_columns


def two_files(folder, acts, items):
    (folder / "acts.csv").write_text(acts, encoding="utf-8")
    (folder / "items.csv").write_text(items, encoding="utf-8")
    return guess_columns(str(folder / "acts.csv"), str(folder / "items.csv"))


def test_by_name(tmp_path):
    guess = two_files(
        tmp_path, "UserId,MovieId,rating,Timestamp\n1,7,5,1400000000\n", "MovieId,Name,Genres\n7,Heat,Action\n"
    )
    found = guess.columns.model_dump(exclude_none=True)
    assert found == {"user": "UserId", "item": "MovieId", "time": "Timestamp", "title": "Name", "categories": "Genres"}
    assert guess.by_name == {"user", "item", "item_key", "time", "title", "categories"}
    assert guess.missing == ()


def test_by_value(tmp_path):
    guess = two_files(
        tmp_path,
        "stars;wann;ding;kunde\n5;2020-01-01;x7;anna\n5;2020-01-02;x8;otto\n",
        "preis;nr;sorte;bezeichnung\n3.50;x7;b;Kleiner roter Ball\n4.50;x8;b;Großes blaues Auto\n",
    )
    assert guess.columns.model_dump() == {
        "user": "kunde", "item": "ding", "item_key": "nr", "time": "wann", "title": "bezeichnung", "categories": None
    }  # fmt: skip
    assert guess.by_name == frozenset()


def test_what_does_not_fit_is_missing(tmp_path):
    guess = two_files(tmp_path, "user_id,what\n1,2\n", "code\n9\n")
    assert guess.missing == ("item", "title")
    assert guess.items == ("code",)
    with pytest.raises(InputError, match="no such file"):
        guess_columns(str(tmp_path / "gone.csv"), str(tmp_path / "items.csv"))
