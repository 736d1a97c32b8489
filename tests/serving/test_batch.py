"""Recommendations for many people to files."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from cli_cases import run_command
from refusals import refusal
from serving_cases import made_run

from domains.errors import InputError
from domains.newer import Reading
from transfer.api import load_run
from transfer.serving.batch import Shard, recommend_all
from transfer.serving.input_files import histories_in
from transfer.serving.recommend import Filters, History, Recommender


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("batch"), "sasrec+matching")


@pytest.fixture(scope="module")
def recommender(folder):
    return Recommender(load_run(folder).target)


def test_every_user_gets_what_a_single_question_gives(folder, recommender, tmp_path, capsys):
    out = tmp_path / "recs.parquet"
    done = run_command(capsys, "recommend", folder, "--users", "all", "-k", "4", "--out", out)
    assert done.code == 0, done.err
    table = pl.read_parquet(out)
    domain = recommender.run.domain
    assert table.columns == ["user_id", "rank", "item_id", "score", "reason"]
    assert table["user_id"].unique(maintain_order=True).to_list() == domain.user_ids.to_pylist()
    for user in domain.user_ids.to_pylist()[:5]:
        single = recommender.recommend(History.of_user(domain, user), 4)
        mine = table.filter(pl.col("user_id") == user)
        assert mine["item_id"].to_list() == [item.item_id for item in single]
        assert mine["rank"].to_list() == [1, 2, 3, 4]
        np.testing.assert_allclose(mine["score"], [item.score for item in single], rtol=1e-5)
        assert all(one.reason.startswith(reason) for one, reason in zip(single, mine["reason"], strict=True))


def test_reasons_without_a_past_item_name_none_in_a_batch_either(recommender, tmp_path):
    domain = recommender.run.domain
    levels = np.linspace(0, 9, domain.n_items).astype(np.float32)
    weights = {**recommender.run.weights, "terms.recent": torch.tensor(0.3)}
    lately = Recommender(replace(recommender.run, weights=weights, recent=levels))
    recommend_all(lately, tmp_path / "all.parquet", count=9, filters=Filters(allow_seen=True))
    found = pl.read_parquet(tmp_path / "all.parquet")["reason"]
    whole = found.filter(found.is_in(["popular now", "had before"]))
    assert {"popular now", "had before"} == set(whole)
    assert not (found.filter(~found.is_in(whole.to_list())).str.contains("^(popular|had)")).any()


def test_filters_hold_in_a_batch(folder, recommender, tmp_path, capsys):
    ids = recommender.run.domain.item_ids.to_pylist()
    (tmp_path / "only.txt").write_text("\n".join(ids[:6]))
    (tmp_path / "without.csv").write_text(f"item_id\n{ids[0]}\n")
    options = ("--only-items", tmp_path / "only.txt", "--without-items", tmp_path / "without.csv", "--allow-seen")
    out = tmp_path / "recs.parquet"
    done = run_command(capsys, "recommend", folder, "--users", "all", "--out", out, *options)
    assert done.code == 0, done.err
    table = pl.read_parquet(out)
    assert set(table["item_id"]) == set(ids[1:6])
    assert table.group_by("user_id").len()["len"].unique().to_list() == [5]


def test_a_file_in_which_nobody_can_be_answered_is_an_error(folder, tmp_path, capsys):
    (tmp_path / "products.csv").write_text("sku,price\n1,2\n3,4\n")
    out = tmp_path / "z.csv"
    done = run_command(capsys, "recommend", folder, "--users", tmp_path / "products.csv", "--out", out)
    assert done.code == 2
    assert "none of the 2 users could be answered" in done.err
    assert str(tmp_path / "z.unanswered.csv") in done.err


def test_shards_need_a_folder(folder, tmp_path, capsys):
    done = run_command(capsys, "recommend", folder, "--users", "all", "--shard", "1/2", "--out", tmp_path / "a.csv")
    assert done.code == 2
    assert f"Give --out {tmp_path / 'a'}" in done.err
    assert not (tmp_path / "a.csv").exists()


def test_shards_are_the_whole_and_a_killed_one_gives_the_same_bytes(recommender, tmp_path):
    recommend_all(recommender, tmp_path / "whole.parquet", count=3)
    for index in (1, 2, 3):
        recommend_all(recommender, tmp_path / "parts", count=3, shard=Shard(index, 3))
    parts = sorted((tmp_path / "parts").iterdir())
    assert [part.name for part in parts] == [f"part-{i:05}-of-00003.parquet" for i in (1, 2, 3)]
    together = pl.concat([pl.read_parquet(part) for part in parts])
    assert together.drop("score").equals(pl.read_parquet(tmp_path / "whole.parquet").drop("score"))
    before, kept = parts[1].read_bytes(), parts[0].stat().st_mtime_ns
    parts[1].unlink()
    for index in (1, 2, 3):
        recommend_all(recommender, tmp_path / "parts", count=3, shard=Shard(index, 3))
    assert parts[1].read_bytes() == before
    assert parts[0].stat().st_mtime_ns == kept, "a finished part is not made again"


def test_a_file_of_another_release_is_made_again(recommender, tmp_path, monkeypatch):
    out = tmp_path / "all.parquet"
    assert recommend_all(recommender, out, count=3).kept == 0
    assert recommend_all(recommender, out, count=3).kept == 1
    monkeypatch.setattr("transfer.serving.batch.release", lambda: "another")
    assert recommend_all(recommender, out, count=3).kept == 0


def test_a_file_is_made_again_if_anything_has_changed(folder, recommender, tmp_path, capsys):
    out, orders = tmp_path / "tonight.parquet", tmp_path / "orders.csv"
    items = recommender.run.domain.item_ids.to_pylist()
    asked = ("recommend", folder, "--users", "all", "--history-file", orders, "--out", out)
    orders.write_text(f"user_id,item_id\nx,{items[3]}\nz,gone\n")
    first = run_command(capsys, *asked)
    assert f"Recommendations for 1 user are in {out}" in first.err.replace("\n", "")
    assert f"1 could not be answered: see {tmp_path / 'tonight.unanswered.parquet'}" in first.err
    assert pl.read_parquet(tmp_path / "tonight.unanswered.parquet")["user_id"].to_list() == ["z"]
    assert f"Kept {out}: nothing has changed since" in run_command(capsys, *asked).err.replace("\n", "")
    orders.write_text(f"user_id,item_id\nx,{items[4]}\n")
    run_command(capsys, *asked)
    expected = recommender.recommend(History.of_items(recommender.run.domain, np.array([4])), 10)
    assert pl.read_parquet(out)["item_id"].to_list() == [item.item_id for item in expected]
    assert not (tmp_path / "tonight.unanswered.parquet").exists(), "everybody is answered now"
    run_command(capsys, *asked, "-k", "2")
    assert len(pl.read_parquet(out)) == 2
    run_command(capsys, *asked, "-k", "2", "--no-reasons")
    assert pl.read_parquet(out)["reason"].is_null().all()


def test_a_spreadsheet_is_written_as_csv(recommender, tmp_path):
    users = tmp_path / "users.txt"
    users.write_text(f"{recommender.run.domain.user_ids[0].as_py()}\nnobody\n")
    for name in ("recs.parquet", "recs.csv", "recs.csv"):
        written = recommend_all(recommender, tmp_path / name, users=users, count=3)
    assert (written.people, written.kept) == (1, 0), "a CSV file holds no identity, so it is always made again"
    typed = pl.read_parquet(tmp_path / "recs.parquet")
    table = pl.read_csv(tmp_path / "recs.csv", schema_overrides=typed.schema)
    assert table.columns == ["user_id", "rank", "item_id", "title", "score", "reason"]
    assert table.drop("score", "title").equals(typed.drop("score"))
    domain = recommender.run.domain
    titles = dict(zip(domain.item_ids.to_pylist(), domain.titles.to_pylist(), strict=True))
    assert table["title"].to_list() == [titles[item] for item in table["item_id"]]
    np.testing.assert_allclose(table["score"], typed["score"], rtol=1e-6)
    assert pl.read_csv(tmp_path / "recs.unanswered.csv")["user_id"].to_list() == ["nobody"]


def test_where_nobody_is_answered_a_second_call_says_so_too(folder, tmp_path, capsys):
    users = tmp_path / "users.txt"
    users.write_text("nobody\n")
    asked = ("recommend", folder, "--users", users, "--out", tmp_path / "recs.parquet")
    assert [run_command(capsys, *asked).code for _ in range(2)] == [2, 2]


def test_a_batch_for_machines_prints_json_and_nothing_else(folder, recommender, tmp_path, capsys):
    users, out = tmp_path / "users.txt", tmp_path / "recs.parquet"
    users.write_text("nobody\n" + recommender.run.domain.user_ids[0].as_py())
    asked = ("recommend", folder, "--users", users, "--out", out, "--json")
    first, second = (run_command(capsys, *asked) for _ in range(2))
    assert json.loads(first.out) == {"files": [str(out)], "kept": 0, "people": 1, "unanswered": 1, "notes": []}
    assert json.loads(second.out)["kept"] == 1
    assert not first.err and not second.err


def test_nothing_is_hashed_for_a_file_that_holds_no_identity(recommender, tmp_path, monkeypatch):
    def hashed(*_):
        raise AssertionError("a CSV file needs none")

    monkeypatch.setattr("transfer.serving.batch._identity", hashed)
    assert recommend_all(recommender, tmp_path / "recs.csv", count=3).kept == 0


def test_a_user_who_is_named_twice_is_answered_once(folder, recommender, tmp_path, capsys):
    first, second = recommender.run.domain.user_ids.to_pylist()[:2]
    (tmp_path / "users.txt").write_text("\n".join([second, first, second, "nobody", "nobody"]))
    options = ("--users", tmp_path / "users.txt", "-k", "1", "--out", tmp_path / "recs.csv")
    done = run_command(capsys, "recommend", folder, *options)
    assert "2 ids of the list had been named before" in done.err
    assert pl.read_csv(tmp_path / "recs.csv")["user_id"].cast(str).to_list() == [second, first]
    assert len(pl.read_csv(tmp_path / "recs.unanswered.csv")) == 1


def test_another_format_is_refused(recommender, tmp_path):
    with refusal("out-format", tmp_path / "recs.xlsx", about=".csv"):
        recommend_all(recommender, tmp_path / "recs.xlsx")


@pytest.mark.skipif(os.name != "posix", reason="needs a named pipe")
def test_a_pipe_is_refused_before_anything_is_read(recommender, tmp_path):
    os.mkfifo(tmp_path / "recs.parquet")
    with refusal("not-writable", tmp_path / "recs.parquet"):
        recommend_all(recommender, tmp_path / "recs.parquet")


def test_a_link_stays_a_link(recommender, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "recs.csv").symlink_to("../recs.csv")
    recommend_all(recommender, tmp_path / "out" / "recs.csv", count=1)
    assert (tmp_path / "out" / "recs.csv").is_symlink()
    assert (tmp_path / "recs.csv").read_text().startswith('"user_id"')


def test_a_write_that_fails_leaves_no_file(recommender, tmp_path, monkeypatch):
    monkeypatch.setattr("transfer.serving.batch.answers", lambda *_: iter([None]))
    with pytest.raises((TypeError, AttributeError)):
        recommend_all(recommender, tmp_path / "recs.parquet")
    assert not list(tmp_path.iterdir())


def test_a_folder_of_parts_gives_a_folder_of_parts(recommender, tmp_path):
    users = recommender.run.domain.user_ids.to_pylist()
    items = recommender.run.domain.item_ids.to_pylist()
    (tmp_path / "in").mkdir()
    pl.DataFrame({"user_id": [users[0], "nobody"]}).write_parquet(tmp_path / "in" / "a.parquet")
    orders = {"user_id": ["x", "x", "y", "z"], "item_id": [items[3], items[4], items[5], "gone"]}
    pl.DataFrame(orders).write_parquet(tmp_path / "in" / "b.parquet")
    written = recommend_all(recommender, tmp_path / "out", users=tmp_path / "in", count=2)
    assert (written.people, written.unanswered) == (3, 2)
    assert pl.read_parquet(tmp_path / "out" / "a.parquet")["user_id"].unique().to_list() == [users[0]]
    assert pl.read_parquet(tmp_path / "out" / "b.parquet")["user_id"].unique(maintain_order=True).to_list() == [
        "x",
        "y",
    ]
    assert pl.read_parquet(tmp_path / "out" / "a.unanswered.parquet")["user_id"].to_list() == ["nobody"]
    assert pl.read_parquet(tmp_path / "out" / "b.unanswered.parquet")["user_id"].to_list() == ["z"]
    expected = recommender.recommend(History.of_items(recommender.run.domain, np.array([3, 4])), 2)
    found = pl.read_parquet(tmp_path / "out" / "b.parquet").filter(pl.col("user_id") == "x")
    assert found["item_id"].to_list() == [item.item_id for item in expected]


def test_a_shard_without_a_part_is_empty(folder, recommender, tmp_path, capsys):
    parts = tmp_path / "parts"
    parts.mkdir()
    pl.DataFrame({"user_id": recommender.run.domain.user_ids.to_pylist()[:2]}).write_parquet(parts / "a.parquet")
    done = run_command(capsys, "recommend", folder, "--users", parts, "--shard", "1/3", "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert not (tmp_path / "out").exists()


def test_fresh_histories_are_ordered_by_time_and_know_each_item_once(recommender, tmp_path):
    domain = recommender.run.domain
    ids = domain.item_ids.to_pylist()
    file = tmp_path / "orders.csv"
    rows = [
        ("u", ids[2], 1_600_000_300),
        ("u", ids[1], 1_600_000_100),
        ("u", ids[1], 1_600_000_900),
        ("v", ids[0], 1_600_000_000),
    ]
    file.write_text("user_id,item_id,timestamp\n" + "\n".join(",".join(map(str, row)) for row in rows))
    history = histories_in(domain, file, Reading.of()).history
    assert history.domain.user_ids.to_pylist() == ["u", "v"]
    assert history.domain.history(0).tolist() == [2, 1]


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_what_is_no_shard_is_refused(text):
    with refusal("shard", "--shard"):
        Shard.parse(text)


def test_unknown_items_in_a_filter_are_named(recommender):
    with pytest.raises(InputError) as raised:
        Filters.of_ids(recommender.run.domain, only=["gone"])
    assert raised.value.code == "unknown-item"
    assert "'gone'" in raised.value.problem
