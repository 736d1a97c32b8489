"""The page on metrics.json is written from the records."""

from __future__ import annotations

from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    return pytest.importorskip("fill_metrics")


def test_the_page_is_up_to_date(script):
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    assert script.page(text) == text, "run docs/fill_metrics.py"
    assert "| `variants.*.test.*.*.mean` | Mean of `values`. |" in text
    assert "| `cells.breakdowns.history.gain.*.error` | Standard error over the users. |" in text
