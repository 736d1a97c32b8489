"""The script that fills the results page from experiments."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_cases import cell_record, experiment_record, five_seeds, run_record

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    return pytest.importorskip("fill_results")


def shares(*found):
    """An experiment of five seeds with these shares of users that train."""
    cells = []
    for share in found:
        record = five_seeds()
        protocol = record.protocol.model_copy(update={"shots": share})
        cells.append(cell_record(record.model_copy(update={"protocol": protocol}), label="a to b", key=f"c{share}"))
    return experiment_record(cells=tuple(cells))


def test_the_choice_is_compared_with_its_rivals(script):
    table = script.choices(shares(1.0, 0.05, 0))
    assert [column.heading for column in table.columns[1:]] == [
        "a to b · strong, 5% of the users",
        "a to b · strong, 100% of the users",
    ]
    assert [[entry.text for entry in row.entries] for row in table.rows] == [
        ["validation prefers", "`sasrec+ipe+s2idm`", "`sasrec+ipe+s2idm`"],
        ["over `sasrec`", "+50.0% (p 0.030)", "+50.0% (p 0.030)"],
        ["over `sasrec+ipe+constant`", "+20.0% (p 0.040)", "+20.0% (p 0.040)"],
        ["over `popular`", "+200.0% (p 0.040)", "+200.0% (p 0.040)"],
    ]


def test_gains_of_few_seeds_have_no_test(script):
    table = script.choices(experiment_record(cells=(cell_record(run_record()),)))
    assert [entry.text for entry in table.rows[1].entries] == ["over `sasrec`", "+50.0%"]
    assert "no p-value" in table.notes[0]


def test_a_folder_fills_its_block_and_its_page(script, monkeypatch, tmp_path):
    (tmp_path / "results.md").write_text("before\n<!-- trial -->\nold\n<!-- /trial -->\nafter\n")
    monkeypatch.setattr(script, "DOCS", tmp_path)
    monkeypatch.setattr(script, "PAGE", tmp_path / "results.md")
    run = tmp_path / "run"
    run.mkdir()
    (run / "metrics.json").write_text(shares(1.0, 0.05).model_dump_json())
    script.main([str(run)])
    page = (tmp_path / "results.md").read_text()
    assert page.startswith("before\n<!-- trial -->\n![")
    assert "**a to b · strong: NDCG@10, all items**" in page
    assert "| variant | 5% of the users | 100% of the users |" in page
    assert page.endswith("<!-- /trial -->\nafter\n")
    assert (tmp_path / "results" / "trial.md").read_text().startswith("# trial\n")
    drawn = (tmp_path / "results" / "trial.svg").read_text()
    script.main([str(run)])
    assert (tmp_path / "results" / "trial.svg").read_text() == drawn
