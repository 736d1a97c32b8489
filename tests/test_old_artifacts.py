"""Artifacts of every earlier format version are opened, or refused with the way on."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from cli_cases import run_command, write_pair, write_recipe

from domains.errors import InputError
from transfer.runs.artifact import FORMAT_VERSION
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.target_run import TargetRun

FIXTURES = Path(__file__).parent / "fixtures"
REFUSED = {3: "there was no manifest, so nobody can say whether its files are those that were written"}
"""Format versions that are not opened, and why."""
OPENED = (4, 5)


def test_every_earlier_version_is_frozen():
    frozen = {int(path.name.removeprefix("format-")) for path in FIXTURES.glob("format-*")}
    # 1 and 2 were never released.
    assert frozen == set(range(3, FORMAT_VERSION)) == {*REFUSED, *OPENED}


@pytest.mark.parametrize("version", REFUSED)
@pytest.mark.parametrize(("kind", "artifact"), [("source", SourceArtifact), ("target", TargetRun)])
def test_a_version_that_is_not_opened_is_refused_with_the_way_on(version, kind, artifact):
    folder = FIXTURES / f"format-{version}" / kind
    with pytest.raises(InputError) as caught:
        artifact.read(folder)
    error = caught.value
    assert error.code == "run-version"
    assert error.location == str(folder / "config.json")
    assert {str(version), str(FORMAT_VERSION)} <= set(re.findall(r"\d+", error.problem))
    assert "install the release that wrote it" in error.hint


@pytest.mark.parametrize("version", REFUSED)
def test_commands_refuse_it_with_one_message(version, capsys, tmp_path):
    folder = FIXTURES / f"format-{version}"
    write_pair(tmp_path)
    for arguments in (
        ("recommend", folder / "target", "--history", "dragon robot"),
        ("evaluate", folder / "target"),
        ("verify", folder / "source"),
        ("verify", folder / "source", "--accept"),
        ("adapt-target", folder / "source", write_recipe(tmp_path / "r.yaml"), "--out", tmp_path / "out"),
    ):
        done = run_command(capsys, *arguments)
        assert done.code == 2, done.err
        assert "version" in done.err
    assert not (folder / "source" / "manifest.json").exists()


@pytest.mark.parametrize("version", OPENED)
def test_a_version_that_is_opened_recommends_what_it_did(version, capsys):
    folder = FIXTURES / f"format-{version}"
    done = run_command(capsys, "recommend", folder / "target", "--history", "g0; g5; g7", "--json")
    assert done.code == 0, done.err
    found, expected = json.loads(done.out), json.loads((folder / "recommended.json").read_text())
    for now, before in zip(found, expected, strict=True):
        assert now | {"score": None, "share": None} == before | {"score": None, "share": None}
        assert (now["score"], now["share"]) == pytest.approx((before["score"], before["share"]), rel=1e-5)
    assert run_command(capsys, "verify", folder / "source").code == 0
    assert run_command(capsys, "verify", folder / "target").code == 0


@pytest.mark.parametrize("version", OPENED)
def test_a_version_that_is_opened_is_written_again_as_the_new_one(version, tmp_path):
    old = FIXTURES / f"format-{version}"
    SourceArtifact.read(old / "source").save_pretrained(tmp_path / "source")
    TargetRun.read(old / "target").save_pretrained(tmp_path / "target")
    for kind, artifact in (("source", SourceArtifact), ("target", TargetRun)):
        written = json.loads((tmp_path / kind / "config.json").read_text())
        assert written["format_version"] == FORMAT_VERSION
        assert "sampling_history" not in json.dumps(written)
        artifact.read(tmp_path / kind)
    assert SourceArtifact.read(tmp_path / "source").fingerprint == SourceArtifact.read(old / "source").fingerprint


def test_a_run_of_version_4_with_another_value_of_a_former_key_is_refused(tmp_path):
    shutil.copytree(FIXTURES / "format-4" / "target", tmp_path / "target")
    path = tmp_path / "target" / "config.json"
    path.write_text(path.read_text().replace('"sampling_history": 10', '"sampling_history": 20'))
    with pytest.raises(InputError) as caught:
        TargetRun.read(tmp_path / "target")
    assert "sampling_history" in caught.value.problem
    assert caught.value.location == f"{path}: s2idm"
