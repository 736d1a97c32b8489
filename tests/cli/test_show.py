"""What the commands print of a comparison."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from transfer.cli import show
from transfer.cli.target_report import print_target
from transfer.report.record import RunRecord


@pytest.fixture
def printed(monkeypatch):
    output = io.StringIO()
    monkeypatch.setattr(show, "OUT", Console(file=output, width=100))
    return output


def test_nothing_is_said_where_nobody_is_compared(printed):
    show.print_comparisons([])
    assert printed.getvalue() == ""


def test_a_comparison_says_by_how_much_and_how_sure(printed):
    one = {
        "variant": "sasrec+ipe+s2idm", "baseline": "sasrec", "difference": 0.0123, "relative": 0.25, "low": 0.01,
        "high": 0.02, "p_users": 0.0004,
    }  # fmt: skip
    show.print_comparisons([one, {**one, "relative": None, "p_users": None}])
    lines = [" ".join(line.split()) for line in printed.getvalue().splitlines()]
    assert "sasrec+ipe+s2idm against sasrec +0.0123 +25.0% +0.0100 +0.0200 <0.001" in lines
    assert "sasrec+ipe+s2idm against sasrec +0.0123 +0.0100 +0.0200" in lines


def test_brackets_in_names_are_shown(tiny, capsys):
    record = RunRecord.read(tiny.target / "metrics.json")
    told = record.model_copy(update={"domain": "[films]", "example_user": "[/u]", "skipped": {"[x]": "no [y] :dog:"}})
    print_target(told, Path("runs") / "[out]", as_json=False)
    shown = capsys.readouterr().out
    assert shown.startswith("[films] · test · ")
    assert "Note: [x] was skipped: no [y] :dog:.\n" in shown
    folder = Path("runs") / "[out]"
    assert f"Everything is in {folder}. Next: transfer recommend {folder} --user [/u]\n" in shown


def test_brackets_in_progress_are_shown(monkeypatch):
    output = io.StringIO()
    monkeypatch.setattr(show, "ERR", Console(file=output, width=100, force_terminal=True))
    with show.Terminal().task("[/b] films", 1) as task:
        task.advance(note="[/i] 1 of 1")
    bar, line = output.getvalue().rsplit("✓", 1)
    assert "[/b] films" in bar
    assert "[/b] films: [/i] 1 of 1" in line
