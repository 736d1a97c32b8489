"""A product as a graph that other programs run."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from cli_cases import run_command
from serving_cases import made_run

from transfer.serving.export import Graph, export, padded
from transfer.serving.history import History
from transfer.serving.opened import open_run
from transfer.serving.recommend import Filters, Recommender
from transfer.terms.weights import TermWeights

pytest.importorskip("onnxscript")
VARIANTS = ("sasrec", "sasrec+matching", "gru4rec", "sasrec+ipe+constant", "sasrec+ipe+s2idm")
EXAMPLE = Path(__file__).parents[2] / "examples" / "serve_onnx.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made_run(
        tmp_path_factory.mktemp("export"),
        "sasrec",
        "sasrec+matching",
        "gru4rec",
        "sasrec+ipe+s2idm",
    )


SIMILAR = TermWeights(anchors=2.0, recency=0.6, popularity=1.0)
EVERYTHING = replace(SIMILAR, transitions=1.5, backward=0.5, onward=0.3)


@pytest.mark.parametrize(
    ("variant", "weights"), [("sasrec+matching", SIMILAR), ("sasrec+matching", EVERYTHING), ("sasrec", None)]
)
def test_onnxruntime_gives_the_same_top_twenty(folder, tmp_path, variant, weights):
    run = open_run(folder, variant)
    if weights is not None:
        run.weights.update(weights.tensors())
    written = export(run, tmp_path)
    assert written.agreement == 1.0
    assert written.left_out == ()
    facts = json.loads((tmp_path / "export.json").read_text())
    assert facts["agreement"] == 1.0
    vectors = pq.read_table(tmp_path / "item_vectors.parquet")
    assert vectors["item_id"].to_pylist() == run.domain.item_ids.to_pylist()


def test_a_term_that_a_graph_lacks_is_left_out_of_the_comparison_too(folder, tmp_path):
    run = open_run(folder, "sasrec+matching")
    run.weights.update(replace(SIMILAR, repeats=2.0).tensors())
    written = export(replace(run, domain=replace(run.domain, repeats=True)), tmp_path)
    assert written.left_out == ("repeats",)
    assert written.agreement == 1.0


def test_the_example_serves_without_the_toolkit(folder, tmp_path, capsys):
    done = run_command(capsys, "export", folder, "--out", tmp_path, "--variant", "sasrec+matching")
    assert done.code == 0, done.err
    assert "transfer" not in EXAMPLE.read_text().split('"""')[2].replace("transfer export", "")
    run = open_run(folder, "sasrec+matching")
    ids = run.domain.item_ids.to_pylist()

    def example(history):
        command = [sys.executable, str(EXAMPLE), str(tmp_path), history]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    done = example(f"{ids[3]}; {ids[5]}")
    assert done.returncode == 0, done.stderr
    expected = Recommender(run).recommend(History.of_items(run.domain, np.array([3, 5])), 10)
    assert [line.split()[1] for line in done.stdout.splitlines()] == [item.item_id for item in expected]
    refused = example(f"{ids[3]}; Nonsense")
    assert refused.returncode == 1
    assert refused.stderr.startswith("No such title or id: Nonsense. ")


def test_a_torch_program_scores_as_the_product(folder, tmp_path):
    run = open_run(folder, "sasrec")
    export(run, tmp_path, "torch")
    program = torch.export.load(str(tmp_path / "model.pt2")).module()
    history = History.of_users(run.domain, np.arange(8))
    items, lengths = padded(history, run.recipe.encoder.max_length)
    scores = program(torch.from_numpy(items), torch.from_numpy(lengths))
    top = Recommender(run).top(history, 1, Filters(allow_seen=True))
    np.testing.assert_allclose(scores.max(1).values.detach().numpy(), top.scores[:, 0], rtol=1e-4)


def test_repeats_count_once_at_their_last_place(folder, tmp_path):
    run = open_run(folder, "sasrec+matching")
    run.weights.update(TermWeights(anchors=3.0, recency=0.5).tensors())
    items = np.tile(run.domain.items[:4], 10)
    domain = replace(
        History.of_many(run.domain, [items[:6], items[:9]]).domain, repeats=True, user_ids=run.domain.user_ids[:2]
    )
    assert export(replace(run, domain=domain), tmp_path).agreement == 1.0


def graph_scores(recommender, history):
    items, lengths = padded(history, recommender.run.recipe.encoder.max_length)
    with torch.no_grad():
        return Graph(recommender).eval()(torch.from_numpy(items), torch.from_numpy(lengths))


def test_an_old_item_counts_for_taste_although_its_recency_is_zero(folder):
    """1e-6 ** 9 is no number that float32 can hold; taste counts all items of the history alike."""
    run = open_run(folder, "sasrec+matching")
    run.weights.update(TermWeights(taste=2.0, recency=1e-6).tensors())
    recommender = Recommender(run)
    history = History.of_many(run.domain, [np.arange(run.recipe.encoder.max_length, dtype=np.int64)])
    expected = recommender.scorer.scores(history.domain, history.targets, None)(torch.arange(1))
    torch.testing.assert_close(graph_scores(recommender, history), expected, rtol=1e-4, atol=1e-4)


def test_a_graph_adds_what_follows_the_last_three_items(folder):
    run = open_run(folder, "sasrec+matching")
    run.weights.update(TermWeights(transitions=1.5, backward=0.5, onward=0.3).tensors())
    recommender = Recommender(run)
    histories = [run.domain.items[:count] for count in (1, 2, 5)]
    history = History.of_many(run.domain, histories)
    expected = recommender.scorer.scores(history.domain, history.targets, None)(torch.arange(3))
    without = replace(recommender.scorer, weights=TermWeights()).scores(history.domain, history.targets, None)
    assert not torch.allclose(expected, without(torch.arange(3)), atol=1e-3)
    torch.testing.assert_close(graph_scores(recommender, history), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("variant", ["sasrec+ipe+s2idm", "gru4rec"])
def test_what_no_graph_can_hold_is_refused(folder, tmp_path, capsys, variant):
    done = run_command(capsys, "export", folder, "--out", tmp_path / "x", "--variant", variant)
    assert done.code == 2
    assert "--variant" in done.err
