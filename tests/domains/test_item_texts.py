"""Text fields of items: they are part of the value, of its fingerprint, and of what is saved and joined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from domains.domain import TEXT_TYPE, Domain, TimeKind
from domains.errors import InputError
from domains.storage import load_domain, save_domain
from domains.union import side_by_side


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
        "brand": [["Gardena"], []], "description": [["Long", "green"], ["Sharp"]]
    }  # fmt: skip
    assert loaded.fingerprint == domain.fingerprint
    assert list(loaded.fields) == ["title", "brand", "description"]


def test_texts_are_part_of_what_the_items_are():
    plain, branded = shop(), shop(brand=[["Gardena"], []])
    prints = [
        plain, branded, shop(brand=[[], ["Gardena"]]), shop(maker=[["Gardena"], []]), shop(brand=[["Gar", "dena"], []])
    ]  # fmt: skip
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
    with pytest.raises(InputError, match="text field"):
        shop(**texts)
