"""What the commands print of a comparison."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from transfer.cli import show


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
