"""`transfer verify`: says what differs, and takes over what was changed on purpose."""

from __future__ import annotations

import json
import shutil

from cli_cases import run_command


def test_verify_names_what_was_changed_and_accepts_it(tiny, capsys, tmp_path):
    run = shutil.copytree(tiny.target, tmp_path / "run")
    assert run_command(capsys, "verify", run).code == 0
    with (run / "metrics.json").open("a") as file:
        file.write("\n")
    done = run_command(capsys, "verify", run, "--json")
    assert (done.code, json.loads(done.out)) == (1, [{"file": "metrics.json", "what": "changed"}])
    refused = run_command(capsys, "recommend", run, "--history", "Gravity")
    assert refused.code == 2
    assert "transfer verify" in refused.err
    assert run_command(capsys, "verify", run, "--accept").code == 0
    assert run_command(capsys, "verify", run).code == 0


def test_the_folder_of_a_run_stands_for_its_target(tiny, capsys, tmp_path):
    run = tiny.target.parent
    for command in (["verify", run], ["share", run, tmp_path / "copy"], ["anchors", "explain", run, "war"]):
        done = run_command(capsys, *command)
        assert done.code == 0, done.err
    assert run_command(capsys, "verify", tmp_path / "copy").code == 0
    refused = run_command(capsys, "adapt-target", run, "films")
    assert refused.code == 2
    assert f"Name one within it: {run / 'source'}" in refused.err


def test_a_run_without_a_map_of_unseen_words_says_so(tiny, capsys, tmp_path):
    run = shutil.copytree(tiny.target, tmp_path / "run")
    (run / "unseen.json").unlink()
    refused = run_command(capsys, "anchors", "explain", run, "war")
    assert refused.code == 2
    assert "this run maps no unseen words" in refused.err


def test_verify_refuses_what_is_no_artifact(capsys, tmp_path):
    assert run_command(capsys, "verify", tmp_path).code == 2
