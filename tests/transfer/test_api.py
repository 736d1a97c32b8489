"""The Python API: its page runs as written, frames of any kind give one domain, `import transfer` stays light."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from refusals import refusal

import transfer
from domains.data_frames import read_new_items

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "api.md"

ACTS = pl.DataFrame(
    {
        "user_id": [f"u{user}" for user in range(6) for _ in range(6)],
        "item_id": [item for _ in range(6) for item in range(6)],
        "timestamp": [1_600_000_000 + 60 * step for step in range(36)],
    }
)
ITEMS = pl.DataFrame(
    {
        "item_id": range(6),
        "title": [f"story of the {animal}s" for animal in ("cat", "dog", "horse", "cow", "hen", "goat")],
    }
)


def test_the_page_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"<!-- run -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 5
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    out = capsys.readouterr().out
    assert "299 users, 613 items" in out
    assert "Did you mean 'encoder'?" in out
    run = names["run"]
    assert run.variant in ("popular", "sasrec", "sasrec+ipe+s2idm")
    figures = run.results().filter(variant="popular", stage="test", protocol="full", metric="hit@10")
    assert figures["mean"].to_list() == [run.metrics["variants"]["popular"]["test"]["full"]["hit@10"]["mean"]]
    first = run.recommend(history=["Inception", "Gravity"], count=3)
    assert len(first) == 3
    assert not {"Inception (2010)", "Gravity (2013)"} & {item.title for item in first}
    user = run.target.domain.user_ids[0].as_py()
    assert run.recommend(user=int(user), count=2) == run.recommend(user=user, count=2)
    assert run.recommend(history="Inception", count=2) == run.recommend(history=["Inception"], count=2)
    with refusal("count", "recommend"):
        run.recommend(user=user, count=0)
    # The same source from its folder: the finished run is of the same settings and data, and nothing is made again.
    quick = {**names["quick"], "variants": names["variants"]}
    assert transfer.adapt(Path("runs/books"), names["domain"], out="runs/shop", settings=quick).metrics == run.metrics
    with refusal("run-missing", "boks"):
        transfer.adapt("runs/boks", names["domain"], out="runs/shop")
    for ids in ([1, 2], [None]):
        with refusal("unknown-title", "--history", about=str(ids[0])):
            run.recommend(history=ids)
    for given in (
        {"history": 5},
        {"interests": 5},
        {"interests": [None]},
        {"interests": [3]},
        {"history": {"Gravity"}},
    ):
        with refusal("not-text", "recommend", about="in their order"):
            run.recommend(**given)
    for count in (2.5, "2", None, True, float("nan"), float("inf"), 0):
        with refusal("count", "recommend", about="count=10"):
            run.recommend(user=user, count=count)
        with refusal("count", "recommend"):
            run.recommend_all("recs.parquet", count=count)
    with refusal("no-path", "out"):
        run.recommend_all(None)
    for count in (2.0, np.int64(2)):
        assert run.recommend(user=user, count=count) == run.recommend(user=user, count=2)
    names = ["Inception", "Gravity"]
    for listed in (tuple(names), np.array(names), pd.Series(names), pl.Series(names), (name for name in names)):
        assert run.recommend(history=listed, count=3) == first
    assert run.recommend(interests="war, space") == run.recommend(interests=["war", "space"])


def test_names_in_the_first_example_exist() -> None:
    first = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert first is not None
    lines = [line for line in first[1].splitlines() if line]
    assert len(lines) <= 5
    for name in re.findall(r"transfer\.(\w+)\(", first[1]):
        assert callable(getattr(transfer, name))


def test_polars_pandas_and_arrow_give_the_same_domain() -> None:
    domains = [
        transfer.domain_from_frames(acts, items, name="zoo")
        for acts, items in (
            (ACTS, ITEMS),
            (ACTS.to_pandas(), ITEMS.to_pandas()),
            (ACTS.to_arrow(), ITEMS.to_arrow()),
        )
    ]
    assert len({domain.fingerprint for domain in domains}) == 1
    assert (domains[0].n_users, domains[0].n_items, domains[0].n_interactions) == (6, 6, 36)


@pytest.mark.parametrize("column", ["item_id", "title"])
@pytest.mark.parametrize("values", [[*"abcde", 6], [6, *"abcde"]])
def test_a_pandas_column_of_mixed_values_is_named(column: str, values: list[str | int]) -> None:
    mixed = ITEMS.to_pandas().assign(price=[1, 2.5, None, 4, 5, 6]).astype({"price": object})
    mixed[column] = pd.Series(values, dtype=object)
    with refusal("frame", "items", about=f"'{column}'"):
        transfer.domain_from_frames(ACTS, mixed, name="zoo")
    mended = mixed.astype({column: "string"})
    acts = ACTS.with_columns(pl.Series("item_id", mended["item_id"].to_list() * 6))
    assert transfer.domain_from_frames(acts, mended, name="zoo").n_items == 6


def test_of_several_titles_the_first_is_taken_and_records_without_one_are_told() -> None:
    with refusal("name", "name"):
        transfer.domain_from_frames(ACTS, ITEMS, name="a/zoo")
    plain = transfer.domain_from_frames(ACTS, ITEMS, name="zoo")
    several = ITEMS.with_columns(pl.concat_list("title", pl.lit("x")))
    assert transfer.domain_from_frames(ACTS, several, name="zoo").fingerprint == plain.fingerprint
    record = ITEMS.select("item_id", title=pl.struct("title"))
    assert transfer.domain_from_frames(ACTS, record, name="zoo").fingerprint == plain.fingerprint
    with refusal("column", "items", about="title"):
        transfer.domain_from_frames(ACTS, ITEMS.select("item_id", title=pl.struct(x="title")), name="zoo")


def test_columns_of_one_name_are_told() -> None:
    twice = ITEMS.to_arrow().append_column("title", pa.array(["x"] * 6))
    for items in (twice, twice.to_pandas()):
        with refusal("frame", "items", about="'title'"):
            transfer.domain_from_frames(ACTS, items, name="zoo")


@pytest.mark.parametrize("items", [{"title": ["a"]}, ITEMS.to_pandas()["title"], "items.csv"])
def test_what_is_no_frame_is_told(items: object) -> None:
    with refusal("frame", "items"):
        transfer.domain_from_frames(ACTS, items, name="zoo")


def test_prepare_and_columns_are_checked() -> None:
    with refusal("unknown-key", "prepare.min_user_interaction", about="'min_user_interactions'"):
        transfer.domain_from_frames(ACTS, ITEMS, name="zoo", prepare={"min_user_interaction": 3})
    with refusal("column", "interactions", about="'customer'"):
        transfer.domain_from_frames(ACTS, ITEMS, name="zoo", columns={"user": "customer"})


@pytest.mark.parametrize("name", [None, "", " ", "../a/b", "a\\b", "\x1b[31m", 3])
def test_a_name_is_that_of_a_folder(name: object) -> None:
    with refusal("name", "name", about='"shop"'):
        transfer.domain_from_frames(ACTS, ITEMS, name=name)


def test_arguments_of_another_kind_are_told(tmp_path: Path) -> None:
    zoo = transfer.domain_from_frames(ACTS, ITEMS, name="zoo")
    for columns in (["user"], "user", 3):
        with refusal("no-keys", "columns"):
            transfer.domain_from_frames(ACTS, ITEMS, name="zoo", columns=columns)
    with refusal("no-keys", "prepare"):
        transfer.domain_from_frames(ACTS, ITEMS, name="zoo", prepare=[1])
    with refusal("no-keys", "settings"):
        transfer.train(zoo, out=tmp_path / "out", settings=["sasrec"])
    with refusal("frame", "interactions", about="NoneType"):
        transfer.domain_from_frames(None, ITEMS, name="zoo")
    for place in (None, "", " ", 3):
        for call in (transfer.load_run, transfer.load_source, lambda out: transfer.train(zoo, out=out)):
            with refusal("no-path"):
                call(place)
    for spec in (None, 3, ["films"]):
        with refusal("domain-spec", "domain", about="films"):
            transfer.open_domain(spec)
        with refusal("domain-spec", "domain"):
            transfer.train(spec, out=tmp_path / "out")
    for sources in ([], None, ()):
        with refusal("no-sources", "sources"):
            transfer.fit(sources)
    with refusal("domain-spec", "domain"):
        transfer.fit(3)
    with refusal("frame", "items"):
        read_new_items(None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("key", ["sources", "target", "sample_users", "source_part"])
def test_settings_do_not_decide_the_data(key: str) -> None:
    with refusal("unknown-key", "settings", about=f"'{key}'"):
        transfer.fit(["books"], settings={key: "books"})


def test_an_artifact_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with refusal("folder-in-use"):
        transfer.fit(["books"], out=tmp_path)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, transfer; print(sorted({'torch', 'polars', 'numpy', 'pydantic'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert set(transfer.__all__) <= set(dir(transfer))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = transfer.nonsense


def test_train_takes_domains_and_settings_objects(tmp_path):
    from transfer.testing import SMALL, cycle
    from transfer.training.settings import TrainingSettings

    training = TrainingSettings(base_epochs=2, epochs=1, batch_size=16)
    run = transfer.train(
        cycle(), out=tmp_path / "out", settings={**SMALL, "variants": ["sasrec"], "training": training}, device="cpu"
    )
    assert run.target.recipe.training.base_epochs == 2
    assert run.target.s2idm is None
    assert repr(run).startswith("<Run sasrec on cycle, in ")
    assert transfer.load_run(tmp_path / "out" / "target").variant == "sasrec"


def test_fit_reads_the_texts_of_a_target_and_nothing_else_of_it(tmp_path):
    """Users too short for a split are no reason to refuse: the target may be adapted to elsewhere."""
    from transfer.testing import SMALL, cycle

    whole = cycle("plays")
    offsets = np.arange(whole.n_users + 1, dtype=np.int64)
    short = replace(whole, offsets=offsets, items=whole.items[: offsets[-1]], times=whole.times[: offsets[-1]])
    source = transfer.fit([cycle("tapes")], target=short, out=tmp_path / "source", settings=SMALL, device="cpu")
    assert source.vocabulary.domains == ("tapes", "plays")
    with refusal("folder-in-use", "source"):
        transfer.fit([cycle("tapes")], out=tmp_path / "source", settings=SMALL, device="cpu")


def test_what_a_preparation_leaves_out_is_said():
    rare = pl.concat([ACTS, pl.DataFrame({"user_id": ["once"], "item_id": [0], "timestamp": [1_600_000_000]})])
    with pytest.warns(transfer.TransferWarning, match=r"zoo: 1 of 7 users.* left out: core.*min_user_interactions"):
        domain = transfer.domain_from_frames(rare, ITEMS, name="zoo")
    assert domain.n_users == 6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert transfer.domain_from_frames(ACTS, ITEMS, name="zoo").n_users == 6
