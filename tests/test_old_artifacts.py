"""Artifacts of every earlier format version are opened, or refused with the way on."""

from __future__ import annotations

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


def test_every_earlier_version_is_frozen():
    frozen = {int(path.name.removeprefix("format-")) for path in FIXTURES.glob("format-*")}
    # 1 and 2 were never released.
    assert frozen == set(range(3, FORMAT_VERSION))


@pytest.mark.parametrize("version", REFUSED)
@pytest.mark.parametrize(("kind", "artifact"), [("source", SourceArtifact), ("target", TargetRun)])
def test_a_version_that_is_not_opened_is_refused_with_the_way_on(version, kind, artifact):
    folder = FIXTURES / f"format-{version}" / kind
    with pytest.raises(InputError) as caught:
        artifact.read(folder)
    error = caught.value
    assert error.code == "run-version"
    assert error.location == str(folder / "config.json")
    assert f"version {version}" in error.problem
    assert f"version {FORMAT_VERSION}" in error.problem
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
        assert f"format version {version}" in done.err
    assert not (folder / "source" / "manifest.json").exists()
