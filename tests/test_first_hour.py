"""The first hour with a shop of one's own: nobody vanishes, from the files to the recommendations; and the notebook."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import polars as pl
import pytest
from refusals import refusal

import transfer
from transfer.api import Run
from transfer.cli.main import main

EXAMPLES = Path(__file__).parents[1] / "examples"
sys.path.insert(0, str(EXAMPLES))

from garden_shop import make_shop  # noqa: E402

SMALL = ("variants=[popular,matching,sasrec]", "training.epochs=1", "training.base_epochs=1", "encoder.dim=16")


def command(*arguments: str) -> None:
    """Run `transfer` with these arguments, which must succeed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["transfer", *arguments])
        main()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, pl.DataFrame, pl.DataFrame]:
    """A run that two commands made of two dirty files, and the files."""
    folder = tmp_path_factory.mktemp("shop")
    orders, products = make_shop(customers=60, products=40, orders=400, seed=1)
    orders.write_csv(folder / "orders.csv")
    products.write_csv(folder / "products.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with pytest.raises(SystemExit, match="0"):
            command("init", "shop", "--interactions", "orders.csv", "--items", "products.csv")
        with pytest.raises(SystemExit, match="0"):
            command("run", "shop.yaml", "--quiet", *(part for one in SMALL for part in ("--set", one)))
    os.environ.pop("TRANSFER_LOG_LEVEL", None)
    return transfer.load_run(folder / "runs" / "shop" / "target"), orders, products


def test_every_customer_of_the_files_gets_an_answer(shop):
    run, orders, products = shop
    listed = orders.join(products.select("product").unique(), on="product", how="semi")
    customers = listed.filter(pl.col("customer") != "")["customer"].unique().to_list()
    assert len(customers) == 60
    assert {customer for customer in customers if len(run.recommend(user=customer, count=3)) == 3} == set(customers)


def test_every_product_with_a_title_can_be_recommended_and_asked_for(shop):
    run, _, products = shop
    titled = products.filter(pl.col("name") != "")["product"].unique().to_list()
    one = run.recommend(interests=["seeds"], count=len(products))
    assert {item.item_id for item in one} >= set(titled)
    assert {product for product in titled if run.recommend(history=[product], count=1)} == set(titled)


def test_frames_come_out_of_polars_and_of_pandas(shop):
    run, *_ = shop
    found = run.recommend(interests=["seeds"], count=4)
    frame = transfer.recommendations_frame(found)
    assert frame.columns == ["place", "item_id", "title", "score", "share", "reason", "anchors"]
    assert frame["place"].to_list() == [1, 2, 3, 4]
    assert frame["item_id"].to_list() == [item.item_id for item in found]
    assert transfer.recommendations_frame([]).columns == frame.columns
    pytest.importorskip("pandas")
    assert transfer.recommendations_frame(found, "pandas")["title"].tolist() == [item.title for item in found]
    assert run.results("pandas").shape == run.results().shape
    with refusal("frame", "as_", about="'arrow'"):
        run.results("arrow")  # type: ignore[arg-type]


def test_the_notebook_goes_from_two_frames_to_a_plot(tmp_path, monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((EXAMPLES / "first_hour.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    told: dict[str, object] = {}
    for cell in cells:
        exec(compile(cell, "first_hour.ipynb", "exec"), told)
    labels = [label.get_text() for label in told["axes"].get_yticklabels()]
    assert sorted(labels) == ["matching", "popular", "sasrec", "sasrec+matching"]
    assert told["shop"].n_users == 300
    assert all(not cell.get("outputs") for cell in notebook["cells"]), "outputs are not kept"
