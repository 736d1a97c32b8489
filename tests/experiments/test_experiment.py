"""Experiments: what a recipe of them means, that they resume, and that what they gather is right."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from experiment_cases import write_experiment, write_recipe
from hypothesis import given
from hypothesis import strategies as st
from refusals import refusal
from transfer_cases import PROPERTY, random_histories, small_domain

from domains.derived import sample_users, train_part
from domains.errors import InputError
from domains.split import leave_one_out
from recipes.experiment_schema import load_experiment, published
from recipes.load import bundled_experiments, bundled_recipes, load_recipe
from transfer.evaluation.metrics import BeyondAccuracy
from transfer.evaluation.ranking import Ranking
from transfer.experiments.execute import run_experiment
from transfer.experiments.gather import learning_curves
from transfer.experiments.job_pool import run_all
from transfer.experiments.jobs import cells_of, jobs_of
from transfer.experiments.users import base_gains, grouped, thresholds
from transfer.interests.original import known_anchor_counts
from transfer.progress import Silent
from transfer.registry import find_system
from transfer.report.experiment_record import Curve, ExperimentRecord
from transfer.runtime import Runtime
from transfer.variants import parse_variant


@pytest.mark.parametrize("name", bundled_experiments())
def test_every_bundled_experiment_is_possible(name):
    loaded = load_experiment(name)
    cells = cells_of(loaded)
    assert len({cell.key for cell in cells}) == len(cells)
    assert cells or loaded.experiment.cost
    for cell in cells:
        assert cell.main.recipe.target is not None
        assert jobs_of(cell)
        if cell.published:
            assert published(cell.published).figures["sasrec"]["ndcg@10"] > 0
    quick = cells_of(loaded, quick=True)
    assert all(cell.main.recipe.sample_users and len(cell.main.recipe.seeds) == 1 for cell in quick)


def test_tables_of_data_without_times_hold_the_next_ids():
    """An order may be that of ids, so that each table says what ids alone reveal."""
    recipes = [load_recipe(name).recipe for name, path in bundled_recipes().items() if path.parent.name == "recipes"]
    named = {recipe.name: recipe.variants for recipe in recipes if _without_times(recipe)}
    for name in bundled_experiments():
        for cell in cells_of(load_experiment(name)):
            if _without_times(cell.main.recipe):
                named[f"{name}: {cell.key}"] = cell.main.recipe.variants
    assert len(named) > 10
    assert [name for name, variants in named.items() if "next-ids" not in variants] == []


def _without_times(recipe):
    return recipe.target is not None and recipe.target.prepare.time_kind == "order"


def test_published_figures_are_those_of_the_paper():
    table4 = published("table4/book_to_movie").figures
    assert table4["sasrec+ipe+s2idm"] == {"ndcg@5": 0.2130, "ndcg@10": 0.2355, "hit@5": 0.2759, "hit@10": 0.3457}
    assert published("table2/home").figures["cl4srec+ipe+s2idm"] == {"ndcg@10": 0.1063, "hit@10": 0.1427, "auc": 0.6456}
    gains = {"game_to_toy": 0.126, "toy_to_game": 0.030, "movie_to_book": 0.071, "book_to_movie": 0.040}
    for column, gain in gains.items():
        figures = published(f"table4/{column}").figures
        assert figures["sasrec+ipe+s2idm"]["ndcg@10"] / figures["sasrec"]["ndcg@10"] - 1 == pytest.approx(
            gain, abs=6e-4
        )
    with refusal("published", about="table9"):
        published("table9/home")


@pytest.mark.parametrize(
    ("settings", "code", "about"),
    [
        ({"experimnt": []}, "unknown-key", "experimnt"),
        ({"experiment": []}, "invalid-value", "experiment"),
        ({"experiment": 5}, "invalid-value", "experiment: a list belongs here (given: 5)"),
        ({"experiment": True}, "invalid-value", "experiment: a list belongs here"),
        ({"seeds": 1}, "invalid-value", "seeds: a list belongs here"),
        ({"name": "../../elsewhere"}, "invalid-value", "name: a name must not contain /"),
        ({"name": "/tmp/elsewhere"}, "invalid-value", "name: a name must not contain /"),
        ({"name": "a\x1b[2J"}, "invalid-value", "name: a name must not contain control characters"),
        ({"experiment": ["tiny.yaml", "tiny.yaml"]}, "invalid-value", "labels"),
        ({"seeds": [1, 2], "extra_variants": ["ease"], "extra_seeds": [0]}, "invalid-value", "extra_seeds"),
        ({"shots": [2.0]}, "invalid-value", "2.0"),
        ({"shots": [0.5, 1, 0.5]}, "invalid-value", "shots repeat: 0.5"),
        ({"cost": {"item": [3]}}, "unknown-key", "item"),
        (
            {"experiment": [{"recipe": "tiny.yaml", "published": "table4/game_to_toys"}]},
            "published",
            "experiment.0.published",
        ),
        ({"reference": ["table5/home", "tabel5/home"]}, "published", "'tabel5/home'"),
    ],
)
def test_wrong_experiments_are_explained(tmp_path, settings, code, about):
    path = write_experiment(tmp_path, **settings)
    with refusal(code, path, about=about):
        load_experiment(path)


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"settings": {"encodr": {}}}, "{trial} (wide): encodr"),
        ({"protocols": {"paper": {"encoder": {"dmi": 4}}}}, "{trial} (wide · paper): encoder.dmi"),
        ({"seeds": [0, 0]}, "{trial} (wide)"),
        ({"extra_variants": ["gru4rec", "gru4rec"]}, "{trial} (wide)"),
    ],
)
def test_errors_of_an_experiments_settings_are_laid_to_it(tmp_path, settings, place):
    path = write_experiment(tmp_path, experiment=[{"recipe": "tiny.yaml", "label": "wide"}], **settings)
    with pytest.raises(InputError) as caught:
        cells_of(load_experiment(path))
    assert caught.value.location == place.format(trial=path)


def test_errors_of_a_recipe_are_left_with_it(tmp_path):
    loaded = load_experiment(write_experiment(tmp_path, settings={"encoder": {"dim": 4}}))
    with refusal("override", "--set", about="'x'"):
        cells_of(loaded, overrides=["x"])
    recipe = write_recipe(tmp_path, encodr={})
    with pytest.raises(InputError) as caught:
        cells_of(loaded)
    assert caught.value.location == f"{recipe}: encodr"


def test_an_unknown_name_lists_what_there_is():
    with refusal("no-recipe", about="'table4'"):
        load_experiment("tabel4")


def test_an_experiment_without_a_name_has_that_of_its_file(tmp_path):
    assert load_experiment(write_experiment(tmp_path, name="")).experiment.name == "trial"


@pytest.mark.parametrize("entry", ["tiny.yaml", {"recipe": "tiny.yaml"}])
def test_one_entry_needs_no_list(tmp_path, entry):
    loaded = load_experiment(write_experiment(tmp_path, experiment=entry))
    assert [one.recipe for one in loaded.experiment.experiment] == ["tiny.yaml"]


def test_a_recipe_is_an_experiment_of_its_own(tmp_path):
    (cell,) = cells_of(load_experiment(write_recipe(tmp_path)))
    assert cell.key == "tiny"
    assert cell.main.recipe.variants == ("sasrec",)


def labelled(folder, *labels, **settings):
    """Cells of entries that differ in their labels alone."""
    entries = [{"recipe": "tiny.yaml", "label": label} for label in labels]
    return cells_of(load_experiment(write_experiment(folder, experiment=entries, **settings)))


def test_labels_of_any_script_name_folders_of_their_own(tmp_path):
    cells = labelled(tmp_path, "книги", "Фильмы и игры", "小说", "cafe\u0301_1")
    assert [cell.key for cell in cells] == ["книги", "фильмы-и-игры", "小说", "café-1"]


@pytest.mark.parametrize(
    ("labels", "settings", "about"),
    [
        (["dropout 0.1", "dropout-0 1"], {}, "'dropout-0-1'"),
        (["caf\u00e9", "cafe\u0301"], {}, "'caf\u00e9'"),
        (["a"], {"protocols": {"<": {}, ">": {}}}, "'a · <' and 'a · >'"),
        (["?!"], {}, "'?!'"),
    ],
)
def test_labels_that_share_a_folder_are_refused(tmp_path, labels, settings, about):
    with refusal("label", tmp_path / "trial.yaml", about=about):
        labelled(tmp_path, *labels, **settings)


@pytest.mark.parametrize("given", ["shots=0.05,1", "shots=[0.05, 1]"])
@pytest.mark.parametrize("own", [None, [0, 0.5]])
def test_shares_of_the_command_line_replace_the_experiments(tmp_path, given, own):
    loaded = load_experiment(write_experiment(tmp_path, shots=own))
    cells = cells_of(loaded, overrides=["encoder.dim=8", given])
    assert [(cell.key, cell.main.recipe.shots) for cell in cells] == [("tiny.shots-0.05", 0.05), ("tiny.shots-1", 1)]


def test_one_share_of_the_command_line_makes_one_cell(tmp_path):
    loaded = load_experiment(write_experiment(tmp_path, shots=[0, 0.5]))
    (cell,) = cells_of(loaded, overrides=["shots=0.1"])
    assert (cell.key, cell.main.recipe.shots) == ("tiny.shots-0.1", 0.1)


def test_a_wrong_share_of_the_command_line_is_refused(tmp_path):
    with refusal("invalid-value", "--set", about="between 0 and 1"):
        cells_of(load_experiment(write_experiment(tmp_path)), overrides=["shots=[0.1, 2]"])


def test_settings_win_in_order(tmp_path):
    path = write_experiment(
        tmp_path,
        experiment=[{"recipe": "tiny.yaml", "label": "a b", "settings": {"encoder": {"dim": 4, "heads": 2}}}],
        settings={"encoder": {"dim": 16, "blocks": 3, "heads": 4}, "score": {"temperature": 5}},
        protocols={
            "paper": {"preset": "paper"},
            "strong": {"training": {"loss": "softmax"}, "encoder": {"heads": 1}, "vocabulary": {"fields": ["title"]}},
        },
        shots=[0.5, 1],
        seeds=[3, 4],
    )
    cells = cells_of(load_experiment(path), overrides=["score.temperature=7"])
    assert [cell.key for cell in cells] == [
        "a-b.paper.shots-0.5",
        "a-b.paper.shots-1",
        "a-b.strong.shots-0.5",
        "a-b.strong.shots-1",
    ]
    paper, strong = cells[0].main.recipe, cells[2].main.recipe
    assert (paper.encoder.dim, paper.encoder.blocks, paper.encoder.heads) == (4, 3, 2)
    assert (strong.encoder.heads, strong.training.loss) == (1, "softmax")
    assert (paper.training.loss, paper.shots, paper.seeds, paper.score.temperature) == ("bce", 0.5, (3, 4), 7)
    assert paper.evaluation.negatives == 5, "what nobody overrides stays as the recipe says"
    assert len({cell.source_key for cell in cells}) == 1, "the loss decides nothing about the source"


def test_a_costly_entry_may_have_fewer_seeds_and_variants(tmp_path):
    entries = ["tiny.yaml", {"recipe": "tiny.yaml", "label": "dear", "settings": {"seeds": [1], "variants": ["ease"]}}]
    path = write_experiment(tmp_path, experiment=entries, seeds=[0, 1], variants=["sasrec", "popular"])
    usual, dear = (cell.main.recipe for cell in cells_of(load_experiment(path)))
    assert (usual.seeds, usual.variants) == ((0, 1), ("sasrec", "popular"))
    assert (dear.seeds, dear.variants) == ((1,), ("ease",))


def test_a_job_is_a_seed_and_baselines_run_once(tmp_path):
    path = write_experiment(
        tmp_path,
        variants=["sasrec", "popular", "sasrec+ipe+s2idm", "sasrec+anchors"],
        seeds=[0, 1],
        extra_variants=["gru4rec+ipe+raw", "ease"],
    )
    (cell,) = cells_of(load_experiment(path))
    assert cell.extra is not None
    assert cell.extra.recipe.seeds == (0,)
    assert set(cell.extra.recipe.variants) >= {"sasrec", "gru4rec+ipe+raw", "ease", "popular"}
    assert cell.main.recipe.variants[-1] == "ease"
    jobs = [(job.seed, set(job.variants)) for job in jobs_of(cell)]
    assert jobs == [
        (0, {"popular", "ease", "sasrec", "sasrec+ipe+s2idm", "sasrec+anchors", "gru4rec+ipe+raw"}),
        (1, {"sasrec", "sasrec+ipe+s2idm", "sasrec+anchors"}),
    ]


def extras_of(folder, variants, extras, overrides=()):
    """Variants with every seed, and those with fewer seeds and their rivals."""
    path = write_experiment(folder, variants=variants, extra_variants=extras)
    (cell,) = cells_of(load_experiment(path), overrides=overrides)
    return list(cell.main.recipe.variants), cell.extra and list(cell.extra.recipe.variants)


def test_extras_stand_beside_what_they_are_compared_with(tmp_path):
    fused = ["sasrec", "sasrec+anchors", "sasrec+s2idm"]
    assert extras_of(tmp_path, fused, ["sasrec+s2idm+matching"]) == (
        fused,
        ["sasrec", "sasrec+s2idm", "sasrec+s2idm+matching"],
    )
    prompts = ["sasrec", "gru4rec+ipe+s2idm"]
    assert extras_of(tmp_path, prompts, ["gru4rec"]) == (prompts, [*prompts, "gru4rec"])


def test_extras_may_be_baselines_alone(tmp_path):
    assert extras_of(tmp_path, ["gru4rec"], ["popular"]) == (["gru4rec", "popular"], None)


@pytest.mark.parametrize("option", ["variants=sasrec,ease", "variants=[sasrec,ease]", " variants = [sasrec, ease]"])
def test_variants_of_the_command_line_leave_no_extras(tmp_path, option):
    assert extras_of(tmp_path, ["gru4rec"], ["popular", "ease", "cl4srec"], [option]) == (["sasrec", "ease"], None)


def test_what_only_an_extra_is_the_base_of_is_compared_with_it(tmp_path):
    path = write_experiment(tmp_path, variants=["sasrec", "gru4rec+ipe+s2idm"], extra_variants=["gru4rec"])
    record = run_experiment(load_experiment(path), tmp_path / "out", Runtime(), device="cpu", workers=1)
    compared = [(c.variant, c.baseline, c.metric) for c in record.cells[0].metrics.comparisons]
    for metric in ("full/ndcg@10", "sampled/ndcg@10"):
        assert sorted(pair for *pair, of in compared if of == metric) == [
            ["gru4rec", "sasrec"],
            ["gru4rec+ipe+s2idm", "gru4rec"],
            ["gru4rec+ipe+s2idm", "sasrec"],
        ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small experiment, run once in this process."""
    folder = tmp_path_factory.mktemp("experiment")
    path = write_experiment(
        folder,
        variants=["popular", "sasrec", "sasrec+ipe+constant", "sasrec+ipe+s2idm"],
        seeds=[0, 1],
        extra_variants=["gru4rec", "sasrec+s2idm", "ease"],
        known_anchors=[2, 4, 100],
    )
    record = run_experiment(load_experiment(path), folder / "out", Runtime(), device="cpu", workers=1)
    return path, folder / "out", record


def best_epoch(curve):
    """The first epoch with the best validation; None for a phase that was not trained."""
    return None if curve is None else curve.epoch[int(np.argmax(curve.validation))]


def test_the_record_holds_every_part(finished):
    _, out, record = finished
    (cell,) = record.cells
    metrics = cell.metrics
    assert list(metrics.variants) == [
        "popular",
        "sasrec",
        "sasrec+ipe+constant",
        "sasrec+ipe+s2idm",
        "ease",
        "gru4rec",
        "sasrec+s2idm",
    ]
    assert metrics.few_seeds == {"gru4rec": (0,), "sasrec+s2idm": (0,)}
    assert len(metrics.variants["sasrec"].figure("test", "full/ndcg@10").values) == 2
    assert len(metrics.variants["gru4rec"].figure("test", "full/ndcg@10").values) == 1
    assert cell.bases == dict.fromkeys(["sasrec+ipe+constant", "sasrec+ipe+s2idm", "sasrec+s2idm"], "sasrec")
    assert {(c.variant, c.baseline, c.metric) for c in metrics.comparisons} >= {
        ("sasrec+ipe+s2idm", "sasrec", "full/ndcg@10"),
        ("sasrec+ipe+s2idm", "sasrec", "sampled/ndcg@10"),
        ("sasrec+ipe+s2idm", "ease", "full/ndcg@10"),
        ("gru4rec", "sasrec", "sampled/ndcg@10"),
    }
    whole = {(c.variant, c.baseline): c.difference for c in metrics.comparisons if c.metric[0] == "f"}
    for groups in (cell.breakdowns.history, cell.breakdowns.known_anchors):
        assert sum(group.users for group in groups) == 40
        for pair in cell.bases.items():
            of_all = sum(group.users * group.gain[pair[0]].mean for group in groups) / 40
            assert of_all == pytest.approx(whole[pair], abs=1e-12), pair
    users = [row.users for row in cell.thresholds]
    assert users == sorted(users)
    assert users[-1] == 40
    everyone = cell.thresholds[-1].values["full/ndcg@10"]["sasrec"]
    assert everyone == pytest.approx(metrics.variants["sasrec"].figure("test", "full/ndcg@10").mean)
    assert "sasrec (base) · seed 1" in cell.curves
    for name, base, seeds in (("sasrec+ipe+s2idm", "sasrec", (0, 1)), ("gru4rec", "gru4rec", (0,))):
        phases = [(f"{base} (base) · seed {seed}", f"{name} · seed {seed}") for seed in seeds]
        expected = [tuple(best_epoch(cell.curves.get(phase)) for phase in pair) for pair in phases]
        assert [(one.base, one.variant) for one in metrics.variants[name].kept_epochs] == expected
    assert metrics.variants["ease"].kept_epochs is None
    assert len(cell.cases) == 3
    assert all(max(case.before) == 1 for case in cell.cases)
    assert {one.source for one in cell.overlap} == {"tapes"}
    assert ExperimentRecord.read(out / "metrics.json") == record
    assert "sasrec+ipe+s2idm" in (out / "table.md").read_text()
    assert "data:image/svg+xml" in (out / "report.html").read_text()


def test_the_page_tells_how_to_compute_the_figures_again(finished, tmp_path, monkeypatch):
    _, out, record = finished
    page = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"<!-- run -->\n```python\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "demo").symlink_to(out)
    monkeypatch.chdir(tmp_path)
    found = {}

    def collect(cell, variant, protocol, ours, theirs):
        assert ours == pytest.approx(theirs, abs=1e-12)
        found[variant, protocol] = len(ours)

    exec(compile(block, "experiments.md", "exec"), {"print": collect})
    variants = record.cells[0].metrics.variants
    assert set(found) == {(name, protocol) for name in variants for protocol in ("full", "full_all", "sampled")}
    assert found["sasrec", "full"] == 2


def test_popular_covers_little_and_is_popular(finished):
    _, _, record = finished
    variants = record.cells[0].metrics.variants
    popular, ease = variants["popular"].beyond, variants["ease"].beyond
    assert popular.popularity_rank < ease.popularity_rank
    assert 0 < popular.coverage <= 1


def test_a_stopped_experiment_goes_on_where_it_was(finished):
    path, out, record = finished
    pieces = sorted((out / "cells").rglob("*.done.safetensors"))
    before = {piece: piece.stat().st_mtime_ns for piece in pieces}
    lost = next(piece for piece in pieces if piece.parent.name == "sasrec+ipe+s2idm" and "seed-1" in piece.name)
    lost.unlink()
    (out / "metrics.json").unlink()
    time.sleep(0.01)
    again = run_experiment(load_experiment(path), out, Runtime(), device="cpu", workers=1)
    after = {piece: piece.stat().st_mtime_ns for piece in pieces}
    assert [piece for piece in pieces if after[piece] != before[piece]] == [lost]
    assert again.cells[0].metrics == record.cells[0].metrics


def test_other_settings_do_not_mix(finished):
    path, out, _ = finished
    with refusal("run-differs"):
        run_experiment(
            load_experiment(path), out, Runtime(), device="cpu", workers=1, overrides=["encoder.dropout=0.4"]
        )


def test_processes_give_what_one_process_gives(finished, tmp_path):
    path, _, record = finished
    overrides = ["variants=[sasrec]"]
    loaded = load_experiment(path)
    loaded = replace(loaded, experiment=loaded.experiment.model_copy(update={"extra_variants": ()}))
    parallel = run_experiment(loaded, tmp_path, Runtime(), device="cpu", workers=2, overrides=overrides)
    ours, theirs = (one.cells[0].metrics.variants["sasrec"].test for one in (parallel, record))
    for protocol in ("full", "sampled"):
        for metric, values in ours[protocol].items():
            assert values.values == pytest.approx(theirs[protocol][metric].values), metric


def test_an_error_crosses_processes_whole():
    """A process hands over an error as `copy` does: by its class, arguments and attributes."""
    again = copy.copy(InputError("too short", location="file.csv, row 3", hint="Add a column"))
    assert (again.problem, again.location, again.hint) == ("too short", "file.csv, row 3", "Add a column")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_run_says_of_which_entry_it_is(tmp_path, workers):
    entry = {"recipe": "tiny.yaml", "label": "Much too fast", "settings": {"training": {"learning_rate": 1e30}}}
    loaded = load_experiment(write_experiment(tmp_path, experiment=[entry], seeds=[0, 1]))
    with refusal("diverged") as caught:
        run_experiment(loaded, tmp_path / "out", Runtime(), device="cpu", workers=workers)
    assert re.fullmatch(r"much-too-fast · seed [01]", caught.value.location)
    assert caught.value.hint == "Lower training.learning_rate"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "wrong", [{"training": {"learning_rate": 1e30}}, {"s2idm": {"learning_rate": 1e30}}], ids=["target", "source"]
)
def test_one_entry_that_fails_takes_no_other_with_it(tmp_path, wrong, workers):
    entries = [{"recipe": "tiny.yaml", "label": "bad <b>", "settings": wrong}, {"recipe": "tiny.yaml", "label": "good"}]
    loaded = load_experiment(write_experiment(tmp_path, experiment=entries))
    out = tmp_path / "out"
    with refusal("diverged") as caught:
        run_experiment(loaded, out, Runtime(), device="cpu", workers=workers)
    assert caught.value.hint.endswith(f". 1 of 2 entries are finished: their tables are in {out}")
    record = ExperimentRecord.read(out / "metrics.json")
    assert [cell.key for cell in record.cells] == ["good"]
    (one,) = record.unfinished
    assert one.key == "bad-b"
    assert "diverged in epoch 1" in one.reason
    for name in ("table.md", "report.html"):
        assert "Not finished: bad-b." in (out / name).read_text()


def test_a_defect_in_one_work_is_kept_for_the_end(said):
    one, two, three = run_all(float, ["1", "two", "3"], 1, Silent(), "Reading", str)
    assert (one, three) == (1.0, 3.0)
    assert isinstance(two.error, ValueError)
    failed, last = said[-2:]
    assert failed == "two failed: could not convert string to float: 'two'"
    assert last.startswith("Step 3 of 3, ") and last.endswith(": Reading: 3")


def test_a_killed_process_is_explained():
    with refusal("killed") as caught:
        run_all(die, ["one", "two"], 2, Silent(), "Dying", str)
    assert "fewer --workers" in caught.value.hint


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_variants_are_read_before_anything_is_fitted(tmp_path):
    loaded = load_experiment(write_experiment(tmp_path, variants=["sasrec"], extra_variants=["sasrec+ipf"]))
    with refusal("variant", "tiny: variants", about="'ipf'"):
        run_experiment(loaded, tmp_path / "out", Runtime(), device="cpu", workers=1)
    assert not (tmp_path / "out" / "sources").exists()


def test_results_keep_the_order_of_the_works():
    names = list(bundled_recipes())
    loaded = run_all(load_recipe, names, 1, Silent(), "Reading", str)
    assert [one.recipe.name for one in loaded] == names


ENDLESS = """
import pathlib, time
from transfer.experiments.job_pool import run_all
from transfer.report.experiment_record import Curve, ExperimentRecord
from transfer.progress import Silent

def beat(path):
    while True:
        with pathlib.Path(path).open("a") as file:
            file.write(".")
        time.sleep(0.02)

if __name__ == "__main__":
    run_all(beat, ["one", "two"], 2, Silent(), "Beating", str)
"""


def test_no_process_outlives_a_killed_run(tmp_path):
    (tmp_path / "endless.py").write_text(ENDLESS)
    hearts = [tmp_path / "one", tmp_path / "two"]
    with subprocess.Popen([sys.executable, "endless.py"], cwd=tmp_path) as run:
        wait_until(lambda: all(heart.exists() for heart in hearts))
        run.kill()

    def silent():
        before = [heart.stat().st_size for heart in hearts]
        time.sleep(0.5)
        return before == [heart.stat().st_size for heart in hearts]

    wait_until(silent)


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@PROPERTY
@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.integers(1, 6))
def test_groups_hold_everybody_once(keys, groups):
    key = np.array(keys)
    values = {"a": np.linspace(0, 1, len(key)) ** 2, "b": np.linspace(0, 1, len(key))}
    rows = grouped(values, {"a": values["a"] - values["b"]}, key, groups)
    assert sum(row.users for row in rows) == len(key)
    assert len(rows) <= groups
    for lower, upper in pairwise(rows):
        assert lower.high < upper.low
    for row in rows:
        mine = (key >= row.low) & (key <= row.high)
        assert row.users == mine.sum()
        assert row.mean["a"] == pytest.approx(values["a"][mine].mean())
        assert row.gain["a"].mean == pytest.approx((values["a"] - values["b"])[mine].mean())


def ranking_of(*ranks):
    found = np.array(ranks)
    return Ranking(
        users=np.arange(len(found)),
        sampled=found,
        full=found,
        sampled_candidates=np.full(len(found), 100),
        full_candidates=np.full(len(found), 100),
    )


def test_gains_over_a_base_are_those_of_the_same_seeds():
    first, second = ranking_of(0, 20), ranking_of(20, 0)
    rankings = {
        "sasrec": {"test": [first, second]},
        "sasrec+s2idm": {"test": [second]},
        "sasrec+anchors": {"test": [first]},
        "gru4rec": {"test": [first]},
        "gru4rec+anchors": {"test": [second, first]},
    }
    seeds = {"sasrec": [0, 3], "sasrec+s2idm": [3], "sasrec+anchors": [3], "gru4rec": [3], "gru4rec+anchors": [0, 3]}
    bases = {"sasrec+s2idm": "sasrec", "sasrec+anchors": "sasrec", "gru4rec+anchors": "gru4rec"}
    gains = base_gains(rankings, seeds, bases, (10,))
    assert [gains[name].tolist() for name in bases] == [[0, 0], [1, -1], [0, 0]]


def test_thresholds_by_hand():
    ranking = ranking_of(0, 1, 20, 20)
    rankings = {"sasrec": {"validation": [ranking], "test": [ranking]}}
    none, two, four = thresholds(rankings, np.array([1, 3, 3, 9]), [0, 3, 9], (5, 10))
    assert (none.at_most, none.users, set(map(len, none.values.values()))) == (0, 0, {0})
    assert two.users == 3
    assert two.values["full/hit@10"]["sasrec"] == pytest.approx(2 / 3)
    assert four.values["sampled/ndcg@10"]["sasrec"] == pytest.approx((1 + 1 / np.log2(3)) / 4)


def test_known_anchors_are_counted_once():
    from scipy.sparse import csr_matrix

    domain = small_domain([[0, 1, 2], [2, 2, 1]], repeats=True, n_items=3)
    anchors = csr_matrix(np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]], np.float32))
    starts = domain.offsets[:-1]
    assert known_anchor_counts(domain, anchors, starts, starts + 1).tolist() == [2, 0]
    assert known_anchor_counts(domain, anchors, starts, starts + 3).tolist() == [3, 2]


def test_learning_curves_take_the_last_word(tmp_path):
    log = tmp_path / "training.jsonl"
    stage = "sasrec · seed 0"
    lines = [
        {"stage": stage, "epoch": 0, "validation": 0.1},
        {"stage": stage, "epoch": 1, "validation": 0.2, "loss": 1.0, "train_seconds": 3.0},
        {"stage": stage, "epoch": 2, "validation": 0.9},
        {"stage": "s2idm", "epoch": 1, "loss": 2.0},
        {"stage": stage, "epoch": 0, "validation": 0.3},
        {"stage": stage, "epoch": 1, "validation": 0.4},
    ]
    log.write_text("\n".join(json.dumps(line) for line in lines) + '\n{"stage": "sasrec')
    assert learning_curves(log) == {stage: Curve(epoch=(0.0, 1.0), validation=(0.3, 0.4), seconds=(0.0, 0.0))}
    assert learning_curves(tmp_path / "none") == {}


def test_beyond_accuracy_by_hand():
    popularity = np.array([10.0, 5.0, 5.0, 0.0], np.float32)
    everyone_the_same = BeyondAccuracy.of(np.array([[0, 1], [0, 1]]), popularity)
    assert everyone_the_same.coverage == 0.5
    # Ranks as shares: item 0 is (1 - 0.5) / 4; items 1 and 2 share rank 2.5, so 0.5.
    assert everyone_the_same.popularity_rank == pytest.approx((0.125 + 0.5) / 2)
    assert BeyondAccuracy.of(np.array([[0, 1, 2, 3]]), popularity).popularity_rank == pytest.approx(0.5)
    assert BeyondAccuracy.of(np.array([[0, -1], [-1, -1]]), popularity) == BeyondAccuracy(0.25, 0.125)
    assert BeyondAccuracy.of(np.array([[-1, -1]]), popularity) == BeyondAccuracy(0.0, 0.0)


def test_samples_are_nested_and_keep_histories():
    domain = small_domain(random_histories(np.random.default_rng(0), 30, 12, 3, 8), n_items=12)
    small, smaller = sample_users(domain, 10), sample_users(domain, 4)
    assert small.n_users == 10
    assert set(smaller.user_ids.to_pylist()) < set(small.user_ids.to_pylist())
    assert sample_users(domain, 30) is domain
    by_id = {user: place for place, user in enumerate(domain.user_ids.to_pylist())}
    for place, user in enumerate(small.user_ids.to_pylist()):
        assert small.history(place).tolist() == domain.history(by_id[user]).tolist()
    assert small.n_items == 12


def test_the_train_part_has_no_held_out_interaction():
    domain = small_domain([[0, 1, 2, 3], [4, 5], [3, 2, 1]])
    part = train_part(leave_one_out(domain, short_users="train"))
    assert [part.history(user).tolist() for user in range(3)] == [[0, 1], [4, 5], [3]]
    assert part.user_ids.equals(domain.user_ids)
    assert part.name != domain.name


def test_within_a_domain_the_source_never_sees_what_is_held_out(tmp_path):
    """Changing every validation and test item leaves the S2IDM of `source_part: train` bit-equal."""
    from transfer.runs.pipeline import source_from
    from transfer.runs.plan import make_plan

    write_recipe(tmp_path, source_part="train", target_titles=False)
    plays = (tmp_path / "plays.csv").read_text()
    overrides = ["sources.0.interactions=plays.csv", "sources.0.items=plays-items.csv", "sources.0.name=plays"]
    loaded = load_recipe(tmp_path / "tiny.yaml", overrides)
    first = source_from(make_plan(loaded), tmp_path / "first", Runtime())
    (tmp_path / "plays.csv").write_text(_with_other_ends(plays))
    second = source_from(make_plan(loaded), tmp_path / "second", Runtime())
    assert first.vocabulary.words == second.vocabulary.words
    for name, weight in first.s2idm.state_dict().items():
        assert torch.equal(weight, second.s2idm.state_dict()[name]), name


def _with_other_ends(text: str) -> str:
    """The last two items of every user swapped for each other."""
    head, *lines = text.strip().split("\n")
    rows = [line.split(",") for line in lines]
    last = {row[0]: place for place, row in enumerate(rows)}
    for place in last.values():
        rows[place][1], rows[place - 1][1] = rows[place - 1][1], rows[place][1]
    return "\n".join([head, *(",".join(row) for row in rows)]) + "\n"


def test_labels_are_read_with_the_channels_of_the_recipe(tmp_path):
    """Beside channels of the recipe, `no-id` is a part, and `sasrec` and `sasrec+id` may be two variants."""
    names = ["popular", "sasrec", "sasrec+no-id"]
    settings = {"items": {"channels": ["id", "anchors"]}, "variants": names}
    path = write_experiment(tmp_path, settings=settings, seeds=[0])
    record = run_experiment(load_experiment(path), tmp_path / "out", Runtime(), workers=1)
    (cell,) = record.cells
    pairs = {
        metric: {(one.variant, one.baseline) for one in cell.metrics.comparisons if one.metric == metric}
        for metric in ("full/ndcg@10", "sampled/ndcg@10")
    }
    assert pairs["full/ndcg@10"] == pairs["sampled/ndcg@10"] != set()


def test_the_experiment_of_the_documentation_is_possible(tmp_path):
    page = Path(__file__).parents[2] / "docs" / "experiments.md"
    (block,) = re.findall(r"```yaml\n(.*?)```", page.read_text(), flags=re.S)
    path = tmp_path / "own.yaml"
    path.write_text(block)
    cells = cells_of(load_experiment(path))
    assert len(cells) == 2 * 2 * 2
    assert {cell.main.recipe.s2idm.hidden for cell in cells} == {200, 2000}


def _first_column(page: str, heading: str) -> list[str]:
    """What stands in backticks in the first column of the first table after a heading."""
    table = page.split(heading)[1].split("|---|---|\n")[1].split("\n\n")[0]
    return re.findall(r"`(.*?)`", "\n".join(row.split("|")[1] for row in table.splitlines()))


def test_the_documentation_lists_every_bundled_experiment_and_no_other():
    root = Path(__file__).parents[2]
    page = (root / "docs" / "experiments.md").read_text(encoding="utf-8")
    assert sorted(_first_column(page, "# Experiments")) == sorted(bundled_experiments())
    for path in re.findall(r"research/recipes/\w+\.yaml", page):
        assert (root / path).exists(), path


def test_every_variant_that_the_documentation_names_exists():
    page = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text(encoding="utf-8")
    names = _first_column(page, "## Systems")
    assert names
    for name in names:
        find_system(parse_variant(f"sasrec{name}" if name.startswith("+") else name).architecture)
