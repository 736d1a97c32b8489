"""Text fields of items: they are part of the value, of its fingerprint, and of what is saved and joined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from refusals import refusal

from domains.data_frames import from_frames
from domains.derived import side_by_side
from domains.domain import TEXT_TYPE, Domain, TimeKind
from domains.settings import ColumnMapping, PrepareSettings
from domains.storage import load_domain, save_domain


def shop(name: str = "shop", **texts: list[list[str]]) -> Domain:
    return Domain(
        name=name,
        item_ids=pa.array(["a", "b"], pa.large_string()),
        titles=pa.array(["Hose", "Spade"], pa.large_string()),
        categories=None,
        user_ids=pa.array(["u"], pa.large_string()),
        offsets=np.array([0, 2]),
        items=np.array([0, 1], np.int32),
        times=np.array([1, 2]),
        time_kind=TimeKind.ORDER,
        texts={field: pa.array(values, TEXT_TYPE) for field, values in texts.items()},
    )


def test_texts_survive_saving(tmp_path):
    domain = shop(brand=[["Gardena"], []], description=[["Long", "green"], ["Sharp"]])
    save_domain(domain, tmp_path / "saved")
    loaded = load_domain(tmp_path / "saved")
    assert {name: values.to_pylist() for name, values in loaded.texts.items()} == {
        "brand": [["Gardena"], []],
        "description": [["Long", "green"], ["Sharp"]],
    }
    assert loaded.fingerprint == domain.fingerprint
    assert list(loaded.fields) == ["title", "brand", "description"]


def test_texts_are_part_of_what_the_items_are():
    plain, branded = shop(), shop(brand=[["Gardena"], []])
    prints = [
        plain,
        branded,
        shop(brand=[[], ["Gardena"]]),
        shop(maker=[["Gardena"], []]),
        shop(brand=[["Gar", "dena"], []]),
    ]
    assert len({one.items_fingerprint for one in prints}) == len({one.fingerprint for one in prints}) == len(prints)
    again = shop(brand=[["x"], ["Gardena"], []][1:])
    assert again.fingerprint == branded.fingerprint
    sliced = replace(branded, texts={"brand": pa.array([["x"], ["Gardena"], []], TEXT_TYPE)[1:]})
    assert sliced.fingerprint == branded.fingerprint


def test_a_union_has_every_field_and_nothing_where_a_domain_lacks_it():
    first = shop("first", brand=[["Gardena"], []])
    second = replace(shop("second", notes=[[], ["n"]]), categories=pa.array([["Tools"], []], TEXT_TYPE))
    union = side_by_side([first, second])
    assert union.texts["brand"].to_pylist() == [["Gardena"], [], [], []]
    assert union.texts["notes"].to_pylist() == [[], [], [], ["n"]]
    assert union.categories.to_pylist() == [[], [], ["Tools"], []]
    assert side_by_side([first, shop("third")]).categories is None


@pytest.mark.parametrize("texts", [{"brand": [["x"]]}, {"title": [["x"], ["y"]]}])
def test_a_text_field_that_does_not_fit_is_refused(texts):
    with refusal("domain", "shop", about="text field"):
        shop(**texts)


EVERYTHING = PrepareSettings(min_user_interactions=1, min_item_interactions=1)


def read(**columns):
    """Two items "a" and "b" with these columns, as lists by field; and the notes."""
    items = pl.DataFrame({"item_id": ["a", "b"], "title": ["Hose", "Spade"], "category": ["Watering", None], **columns})
    acts = pl.DataFrame({"user_id": ["u", "u"], "item_id": ["a", "b"], "timestamp": [1.5e9, 1.6e9]})
    prepared = from_frames(acts, items, settings=EVERYTHING)
    return {name: values.to_pylist() for name, values in prepared.domain.texts.items()}, prepared.report.notes


def test_names_are_taken_apart_and_sentences_are_not():
    texts, notes = read(
        Authors=["J.K. Rowling, Mary GrandPr\u00e9", "Rowling, J.K.|Anonymous"],
        description=["Long, green; soft", "n/a"],
        tags=["long, green;soft, long", None],
        Colour=["['red', 'dark blue']", "[]"],
        Publisher=["Black & Decker, Inc.", " "],
    )
    assert texts == {
        "authors": [["J.K. Rowling", "Mary GrandPr\u00e9"], ["Rowling, J.K.", "Anonymous"]],
        "description": [["Long, green; soft"], []],
        "tags": [["long", "green", "soft"], []],
        "color": [["red", "dark blue"], []],
        "publisher": [["Black & Decker, Inc."], []],
    }
    assert notes == ()


def test_markup_lists_and_records_are_read_as_plain_text():
    texts, notes = read(
        description=["<p>Long &amp;amp; <b>green</b></p><script>var a = '<p>';</script>", "A\n  hose\t"],
        features=[["one", None, "12", "one"], []],
        authors=[[{"name": "Jane Austen", "id": 1}], []],
        genres=pl.Series([["Drama"], None]),
        brand=pl.Series([{"name": "Gardena", "rank": 1}, {"name": None, "rank": 2}]),
    )
    assert texts == {
        "description": [["Long & green"], ["A hose"]],
        "features": [["one"], []],
        "authors": [["Jane Austen"], []],
        "genres": [["Drama"], []],
        "brand": [["Gardena"], []],
    }
    assert notes == ()


def test_what_says_nothing_is_not_used_and_is_told():
    texts, notes = read(brand=[1.5, 2.5], features=[[0.1], [0.2]], authors=[{"id": 1}, {"id": 2}], abstract=["-", ""])
    assert texts == {}
    assert len(notes) == 4
    for name in ("brand", "features", "authors", "abstract"):
        assert any(f"text field {name} " in note and "is not used" in note for note in notes)


def test_a_text_without_end_is_cut_and_is_told():
    texts, (note,) = read(description=["word " * 20_000, "short"])
    assert texts["description"] == [["word " * 199 + "word"], ["short"]]
    assert "1 values of the text field description" in note


def test_a_list_without_end_is_cut():
    texts, _ = read(tags=[[f"tag {number}" for number in range(1_000)], []])
    assert texts["tags"][0] == [f"tag {number}" for number in range(50)]


def test_rows_of_one_item_give_all_their_texts():
    items = pl.DataFrame(
        {"item_id": ["a", "a", "a", "b"], "title": ["Hose"] * 3 + ["Spade"], "author": ["Ann", "Bob", "Ann", None]}
    )
    acts = pl.DataFrame({"user_id": ["u", "u"], "item_id": ["a", "b"], "timestamp": [1.5e9, 1.6e9]})
    domain = from_frames(acts, items, settings=EVERYTHING).domain
    assert domain.texts["authors"].to_pylist() == [["Ann", "Bob"], []]


def test_columns_of_text_are_what_the_user_says():
    items = pl.DataFrame({"item_id": ["a"], "title": ["Hose"], "brand": ["Gardena"], "Notiz": ["gut"]})
    acts = pl.DataFrame({"user_id": ["u"], "item_id": ["a"], "timestamp": [1.5e9]})

    def texts(columns):
        mapping = ColumnMapping.model_validate({"text": columns})
        domain = from_frames(acts, items, columns=mapping, settings=EVERYTHING).domain
        return {name: values.to_pylist() for name, values in domain.texts.items()}

    assert texts(["Notiz"]) == {"notiz": [["gut"]]}
    assert texts({"maker": "brand", "description": "Notiz"}) == {"maker": [["Gardena"]], "description": [["gut"]]}
    assert texts([]) == {}
    assert texts(None) == texts("brand") == {"brand": [["Gardena"]]}
    with refusal("column", "items", about="'brnd'") as error:
        texts(["brnd"])
    assert "'brand'" in error.value.hint


def test_two_columns_of_one_kind_are_two_fields():
    assert ColumnMapping.model_validate({"text": ["Marke", "Hersteller"]}).text == {
        "brand": "Marke",
        "hersteller": "Hersteller",
    }
    with pytest.raises(ValueError, match="cannot be the name"):
        ColumnMapping.model_validate({"text": {"title": "Marke"}})
