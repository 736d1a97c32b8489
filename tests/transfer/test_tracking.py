"""Trackers: off by default, found by name, told everything that a run keeps."""

from __future__ import annotations

import json

import pytest
from cli_cases import run_command, write_pair, write_recipe

from domains.errors import InputError
from transfer.tracking import Untracked, open_tracker


def test_nothing_is_tracked_by_default(tmp_path):
    assert isinstance(open_tracker(None, tmp_path), Untracked)


def test_an_unknown_tracker_is_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        open_tracker("tensorbord", tmp_path)
    assert "tensorboard" in str(caught.value.hint)


def test_tensorboard_has_the_epochs_and_the_results(tmp_path, capsys):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write_pair(tmp_path, users=60)
    prepare = {"min_user_interactions": 3, "min_item_interactions": 0}
    table = {"name": "films", "interactions": "films.parquet", "items": "films-items.parquet", "prepare": prepare}
    recipe = write_recipe(tmp_path / "tiny.yaml", variants=["popular", "sasrec"], target=table)
    done = run_command(capsys, "run", recipe, "--out", tmp_path / "out", "--track", "tensorboard")
    assert done.code == 0, done.err
    events = EventAccumulator(str(tmp_path / "out" / "tensorboard")).Reload()
    tags = events.Tags()["scalars"]
    metrics = json.loads((tmp_path / "out" / "target" / "metrics.json").read_text())
    expected = metrics["variants"]["sasrec"]["test"]["full"]["ndcg@10"]["mean"]
    assert events.Scalars("test/full/ndcg@10/sasrec")[0].value == pytest.approx(expected, rel=1e-5)
    lines = [json.loads(line) for line in (tmp_path / "out" / "target" / "training.jsonl").read_text().splitlines()]
    line = next(line for line in lines if line.get("epoch") == 1)
    point = next(point for point in events.Scalars(f"{line['stage']}/validation") if point.step == 1)
    assert point.value == pytest.approx(line["validation"], rel=1e-5)
    assert any("recipe" in tag for tag in events.Tags()["tensors"]), tags
