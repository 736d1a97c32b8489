"""The gardening shop is as it says: sizes, dirt, and the same for the same seed."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))

from garden_shop import make_shop


def test_a_shop_has_its_sizes_and_its_dirt():
    orders, products = make_shop(customers=400, products=200, orders=2_500, seed=3)
    again, _ = make_shop(customers=400, products=200, orders=2_500, seed=3)
    assert orders.equals(again)
    assert orders.height == 2_500
    assert products["product"].n_unique() == 200
    assert products.height > 200, "some rows stand twice"
    counts = orders.filter(pl.col("customer") != "").group_by("customer").len()
    assert counts.height == 400
    assert 60 < (counts["len"] == 1).sum() < 180
    bought = set(orders["product"])
    assert 10 < len(set(products["product"]) - bought) < 80, "some products are never bought"
    assert any(product.startswith("OLD-") for product in bought), "some are no longer listed"
    assert "NULL" in bought or (orders["customer"] == "").any()
    assert products["name"].str.contains("<b>", literal=True).any()
    assert products["name"].str.contains("&amp;", literal=True).any()
    assert 0.3 < (products["description"] == "").mean() < 0.7
    assert orders["ordered_at"].is_sorted()
