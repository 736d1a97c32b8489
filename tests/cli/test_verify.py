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


def test_verify_refuses_what_is_no_artifact(capsys, tmp_path):
    assert run_command(capsys, "verify", tmp_path).code == 2
