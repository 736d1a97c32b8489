"""The commands on a reduced bundled pair, from two folders of Parquet to recommendations."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from cli_cases import VARIANTS, run_command
from refusals import refusal

from domains.storage import load_domain
from transfer.cli.print_results import print_target
from transfer.report.run_record import RunRecord
from transfer.runs.artifact import FILES
from transfer.runs.artifact_files import write_manifest
from transfer.runs.target_run import TargetRun
from transfer.serving.title_index import MOST_COMPARED, TitleIndex

ROOT = Path(__file__).parents[2]
METRICS = {"ndcg@5", "ndcg@10", "hit@5", "hit@10", "mrr", "auc"}
SOURCE_FILES = {"model.safetensors", "config.json", "vocabulary.json", "README.md", "training.jsonl"}
SERVED = [name for name in VARIANTS if "constant" not in name]
TARGET_FILES = SOURCE_FILES | {"recipe.yaml", "metrics.json"}


def metrics_in(folder):
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def by_commands(tiny, tmp_path_factory):
    """The same recipe by one command, in a process of its own: `run --json`."""
    out = tmp_path_factory.mktemp("by-commands") / "out"
    ran = subprocess.run(
        [sys.executable, "-m", "transfer.cli.main", "run", str(tiny.recipe), "--out", str(out), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return out, json.loads(ran.stdout)


def test_run_prints_the_metrics_that_it_writes_and_repeats_to_the_bit(tiny, by_commands):
    out, printed = by_commands
    assert printed == metrics_in(out / "target")
    assert printed == metrics_in(tiny.target)


def test_the_metrics_have_their_documented_shape(by_commands):
    _, metrics = by_commands
    assert {"domain", "users", "items", "seeds", "protocol", "variants", "comparisons"} <= set(metrics)
    assert metrics["domain"] == "films"
    assert list(metrics["variants"]) == VARIANTS
    for variant in metrics["variants"].values():
        for stage in ("validation", "test"):
            assert set(variant[stage]) == {"sampled", "full", "full_all"}
            for values in variant[stage].values():
                assert set(values) == METRICS
                for value in values.values():
                    assert value["mean"] == pytest.approx(np.mean(value["values"]))
                    assert value["std"] == 0.0
                    assert 0 <= value["mean"] <= 1
    assert {("sasrec+ipe+s2idm", "sasrec"), ("sasrec+ipe+s2idm", "sasrec+ipe+constant")} <= {
        (c["variant"], c["baseline"]) for c in metrics["comparisons"]
    }


def test_the_folders_hold_what_they_should_and_no_pickle(by_commands):
    out, _ = by_commands
    assert {path.name for path in (out / "source").iterdir()} >= SOURCE_FILES
    assert {path.name for path in (out / "target").iterdir()} >= TARGET_FILES
    everything = [path for path in out.rglob("*") if path.is_file() and path.name != "report.html"]
    assert {path.suffix for path in everything} <= {".json", ".jsonl", ".safetensors", ".md", ".yaml", ".npy", ".arrow"}
    assert not [path for path in everything if path.read_bytes()[:2] in (b"\x80\x04", b"\x80\x05", b"PK")]
    assert not [path for path in everything if path.name.endswith((".part", ".tmp"))]
    for line in (out / "target" / "training.jsonl").read_text(encoding="utf-8").splitlines():
        assert "stage" in json.loads(line)


def test_the_product_is_the_variant_that_validation_prefers(by_commands):
    _, metrics = by_commands
    scores = {name: metrics["variants"][name]["validation"]["full"]["ndcg@10"]["mean"] for name in SERVED}
    best, product = max(SERVED, key=lambda name: scores[name]), metrics["product"]["variant"]
    # A simpler one is served if the lead of the best may be chance; `VARIANTS` stand from the simplest on.
    assert product in SERVED[: SERVED.index(best) + 1]
    better = {name for name in SERVED if scores[name] > scores[product]}
    assert set(metrics["product"]["beaten_by"]) == better


def test_the_note_of_a_better_baseline_is_true_of_all_of_them(by_commands, capsys):
    out, _ = by_commands
    record = RunRecord.read(out / "target" / "metrics.json")
    for better, said in (
        (("popular",), "Note: popular scores higher on validation"),
        (("popular", "t-diffrec"), "Note: popular and t-diffrec score higher on validation"),
    ):
        product = record.product.model_copy(update={"beaten_by": better})
        print_target(record.model_copy(update={"product": product}), out / "target", False)
        assert said in capsys.readouterr().out


def test_a_run_leaves_a_page_with_its_verdict_and_figures(by_commands):
    out, metrics = by_commands
    shown = (out / "report.html").read_text(encoding="utf-8")
    assert 'class="verdict">Validation prefers <code>' in shown
    assert shown.index("verdict") < shown.index("Figures on test") < shown.index("data:image")
    for variant in metrics["variants"]:
        assert variant.replace("+", "+<wbr>") in shown
    assert "<script" not in shown


def test_the_page_names_the_domain_and_a_command_that_can_be_pasted(tmp_path, capsys):
    out = tmp_path / "results"
    options = ("--variants", "popular", "--set", "description=two words", "--out", out)
    done = run_command(capsys, "run", "few_films", *options)
    assert done.code == 0, done.err
    shown = unescape((out / "report.html").read_text(encoding="utf-8"))
    assert "films, 5% of the users train" in shown
    assert "--set 'description=two words'" in shown


def test_inspect_and_evaluate_find_the_run_in_the_folder_of_run(by_commands, capsys):
    out, metrics = by_commands
    product = metrics["product"]["variant"]
    found = run_command(capsys, "inspect", out, "--json")
    assert json.loads(found.out)["variant"] == product
    again = run_command(capsys, "evaluate", out)
    assert again.code == 0, again.err
    assert product in again.out


def test_a_second_run_makes_nothing_again(by_commands, tiny, capsys):
    out, metrics = by_commands
    made = {path: path.stat().st_mtime_ns for path in (out / "target" / "pieces").rglob("*.safetensors")}
    log = (out / "target" / "training.jsonl").read_text(encoding="utf-8")
    assert len(made) >= len(VARIANTS)
    again = run_command(capsys, "run", tiny.recipe, "--out", out)
    assert again.code == 0, again.err
    assert "Reusing the source artifact" in again.err
    assert {path: path.stat().st_mtime_ns for path in (out / "target" / "pieces").rglob("*.safetensors")} == made
    assert (out / "target" / "training.jsonl").read_text(encoding="utf-8") == log
    assert metrics_in(out / "target") == metrics
    assert "Validation prefers" in again.out
    assert "transfer recommend" in again.out


def test_the_two_halves_give_what_run_gives(tiny, tmp_path, capsys):
    fitted = run_command(capsys, "fit-source", tiny.recipe, "--out", tmp_path / "source", "--json")
    assert fitted.code == 0, fitted.err
    assert json.loads(fitted.out)["domains"][0]["name"] == "books"
    chosen = ("--variants", "sasrec,sasrec+ipe+s2idm")
    adapted = run_command(
        capsys, "adapt-target", tmp_path / "source", tiny.recipe, "--out", tmp_path / "t", "--json", *chosen
    )
    assert adapted.code == 0, adapted.err
    halves, whole = json.loads(adapted.out), metrics_in(tiny.target)
    assert list(halves["variants"]) == ["sasrec", "sasrec+ipe+s2idm"]
    for name, values in halves["variants"].items():
        assert values == whole["variants"][name]


def test_another_seed_gives_other_figures_and_needs_another_folder(tiny, tmp_path, capsys):
    refused = run_command(capsys, "fit-source", tiny.recipe, "--out", tiny.source, "--seed", "1")
    assert refused.code == 2
    assert "--out" in refused.err
    done = run_command(
        capsys,
        "adapt-target",
        tiny.source,
        tiny.recipe,
        "--out",
        tmp_path,
        "--seed",
        "1",
        "--variants",
        "sasrec",
        "--json",
    )
    assert done.code == 0, done.err
    metrics = json.loads(done.out)
    assert metrics["seeds"] == [1]
    assert metrics["variants"]["sasrec"]["test"] != metrics_in(tiny.target)["variants"]["sasrec"]["test"]


def test_evaluate_gives_the_figures_of_the_run(tiny, capsys):
    metrics = metrics_in(tiny.target)
    product = metrics["variants"][metrics["product"]["variant"]]
    done = run_command(capsys, "evaluate", tiny.target, "--json")
    assert done.code == 0, done.err
    again = json.loads(done.out)
    for stage in ("validation", "test"):
        for protocol in ("sampled", "full"):
            expected = {metric: value["values"][0] for metric, value in product[stage][protocol].items()}
            assert {metric: again[stage][protocol][metric] for metric in expected} == expected
    said = run_command(capsys, "evaluate", tiny.target).out
    assert metrics["product"]["variant"] in said
    assert "agree with metrics.json" in said


def test_evaluate_tells_figures_that_are_not_the_models(tiny, capsys, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(tiny.target, copy)
    metrics = metrics_in(copy)
    product = metrics["product"]
    hit = metrics["variants"][product["variant"]]["test"]["full"]["hit@10"]
    hit["values"][metrics["seeds"].index(product["seed"])] += 0.25
    (copy / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    write_manifest(copy, FILES)
    done = run_command(capsys, "evaluate", copy)
    assert done.code != 0
    assert f"metrics.json: variants.{product['variant']}.test.full.hit@10" in done.err, "mean and values disagree"
    hit["mean"] += 0.25
    (copy / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    write_manifest(copy, FILES)
    done = run_command(capsys, "evaluate", copy)
    assert done.code == 1
    assert "by up to 0.25" in done.out
    assert run_command(capsys, "evaluate", copy, "--json").code == 1


@pytest.mark.parametrize("edit", ["selection", "missing", "users"])
def test_evaluate_tells_other_edits(tiny, capsys, tmp_path, edit):
    copy = tmp_path / "copy"
    shutil.copytree(tiny.target, copy)
    metrics = metrics_in(copy)
    product = metrics["product"]
    variant = metrics["variants"][product["variant"]]
    if edit == "selection":
        variant["selection"] = {"mean": 0.9, "std": 0.0, "values": [0.9]}
        lead = 0.9 - metrics["variants"][product["runner_up"]]["selection"]["mean"]
        product |= {"validation": 0.9, "margin": lead, "beaten_by": []}
    elif edit == "missing":
        del variant["test"]["sampled"]
    else:
        metrics["users"] += 1
    (copy / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    write_manifest(copy, FILES)
    done = run_command(capsys, "evaluate", copy)
    assert "Traceback" not in done.err
    if edit == "users":
        assert (done.code, "users is" in done.err) == (2, True)
    else:
        assert (done.code, "differ from metrics.json" in done.out) == (1, True)


def test_a_copy_without_users_is_not_evaluated(tiny, capsys, tmp_path):
    assert run_command(capsys, "share", tiny.target, tmp_path / "copy").code == 0
    done = run_command(capsys, "evaluate", tmp_path / "copy")
    assert (done.code, "holds no users" in done.err) == (2, True)


def test_recommendations_for_a_user_are_new_to_them_and_share_anchors(tiny, capsys):
    domain = load_domain(tiny.target / "domain")
    user = domain.user_ids[7].as_py()
    done = run_command(capsys, "recommend", tiny.target, "--user", user, "-k", "5", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert len(found) == 5
    assert [item["score"] for item in found] == sorted((item["score"] for item in found), reverse=True)
    seen = set(domain.item_ids.take(pa.array(domain.history(7).astype(np.int64))).to_pylist())
    assert not seen & {item["item_id"] for item in found}
    run = TargetRun.read(tiny.target)
    words = np.array(run.vocabulary.words)
    known = set(words[run.item_anchors[domain.history(7)].indices])
    for item in found:
        place = domain.item_ids.index(item["item_id"]).as_py()
        assert domain.titles[place].as_py() == item["title"]
        assert set(item["anchors"]) <= known & set(words[run.item_anchors[place].indices])
    assert any(item["anchors"] for item in found)


def test_an_id_that_is_no_text_is_an_unknown_user(tiny, capsys):
    done = run_command(capsys, "recommend", tiny.target, "--user", "\udcff")
    assert (done.code, "no user has the id '\\udcff'" in done.err) == (2, True)


def test_recommendations_for_titles(tiny, capsys):
    domain = load_domain(tiny.target / "domain")
    titles = domain.titles_of(domain.history(3)[:3])
    given = "; ".join(titles).upper()
    done = run_command(capsys, "recommend", tiny.target, "--history", given, "-k", "4")
    assert done.code == 0, done.err
    assert titles[0] in done.out
    as_json = json.loads(run_command(capsys, "recommend", tiny.target, "--history", given, "-k", "4", "--json").out)
    assert len(as_json) == 4
    assert not set(titles) & {item["title"] for item in as_json}
    assert as_json[0]["title"].split()[0] in done.out


def test_where_no_item_is_left_it_is_said(tiny, capsys, tmp_path):
    everything = tmp_path / "all.txt"
    listed = json.loads(run_command(capsys, "titles", tiny.target, "-k", "99999", "--json").out)
    everything.write_text("\n".join(item["item_id"] for item in listed))
    done = run_command(capsys, "recommend", tiny.target, "--history", "Gravity", "--without-items", everything)
    assert done.code == 0
    assert "no item is left to recommend" in done.err
    assert done.out == ""


def test_a_title_that_never_ends_is_cut_for_people_only(tiny, capsys):
    title = f"Space {'war ' * 58}end"
    asked = ("recommend", tiny.target, "--history", "Gravity", "--new-items", title)
    done = run_command(capsys, *asked)
    assert done.code == 0, done.err
    assert done.out.count("war") < 50
    assert title in run_command(capsys, *asked, "--json").out


def test_titles_with_brackets_are_shown_as_they_are(tiny, capsys):
    options = ("--history", "[/b] Space War", "--new-items", "[/b] Space War; [rec] :dog: Space", "-k", "9999")
    done = run_command(capsys, "recommend", tiny.target, *options)
    assert done.code == 0, done.err
    assert "After [/b] Space War\n" in done.out
    assert " [rec] :dog: Space " in done.out
    assert run_command(capsys, "anchors", "explain", tiny.target, "[/]").out == "[/]: no word in it\n"


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("Steins;Gate", ["Steins;Gate"]),
        ("gate ;STEINS;GATE; Up", ["gate", "STEINS;GATE", "Up"]),
        ("Steins;Gate;0", ["Steins;Gate;0"]),
        ("Steins;Gate; 0", ["Steins;Gate", "0"]),
        ("Steins; Gate", ["Steins", "Gate"]),
        (" ;Up;; ", ["Up"]),
    ],
)
def test_a_title_with_semicolons_is_found_whole_the_longest_first(text, titles):
    assert TitleIndex(["Steins;Gate", "Steins;Gate;0", "Steins", "Gate", "Up"]).split(text) == titles


@pytest.mark.parametrize("known", ["Pok\u00e9mon  the; Movie", "Poke\u0301mon the; Movie"])
def test_a_title_is_found_however_its_accents_and_blanks_are_coded(known):
    index = TitleIndex(["Alien", known])
    for title in ("POK\u00c9MON the; Movie", "Poke\u0301mon the;  Movie"):
        assert index.split(f"Alien; {title}") == ["Alien", title]
        assert index.find(title) == 1


def test_a_misspelt_title_of_a_large_catalogue_is_guessed_by_its_words():
    index = TitleIndex([*(f"Nothing {number}" for number in range(MOST_COMPARED)), "The Blue Planet", ""])
    with refusal("unknown-title", about="'The Blue Planet'"):
        index.find("Blue Plannet")
    with refusal("unknown-title", about="''"):
        index.find(" ")


def test_recommendations_for_a_title_with_a_semicolon(tiny, capsys, tmp_path):
    table = tmp_path / "new.csv"
    table.write_text("item_id,title\nn1,Steins;Gate\nn2,Gates of War\n", encoding="utf-8")
    asked = ("recommend", tiny.target, "--new-items", table, "--history")
    assert "After Steins;Gate\n" in run_command(capsys, *asked, "steins;gate").out
    unknown = run_command(capsys, *asked, "Steins;Gates of Warr")
    assert unknown.code == 2
    assert "no title is 'Gates of Warr', and none is 'Steins;Gates of Warr'" in unknown.err
    assert "Did you mean 'Gates of War'?" in unknown.err


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_been(tiny, by_commands, tmp_path):
    out, metrics = by_commands
    command = [sys.executable, "-m", "transfer.cli.main", "run", str(tiny.recipe), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    half_way = tmp_path / "out" / "target" / "pieces" / "sasrec" / "seed-0.base.safetensors"
    deadline = time.monotonic() + 120
    while not half_way.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert half_way.exists()
    kept = half_way.stat().st_mtime_ns
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert half_way.stat().st_mtime_ns == kept
    assert metrics_in(tmp_path / "out" / "target") == metrics
    weights = "model.safetensors"
    assert (tmp_path / "out" / "target" / weights).read_bytes() == (out / "target" / weights).read_bytes()
