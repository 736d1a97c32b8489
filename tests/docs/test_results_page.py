"""The script that fills the results page from experiments."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from report_cases import cell_record, experiment_record, five_seeds

from transfer.report.experiment_record import Curve

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


def test_a_folder_fills_its_page_and_keeps_its_notes(script, monkeypatch, tmp_path):
    page, results = tmp_path / "results.md", tmp_path / "results"
    page.write_text("before\n<!-- experiments -->\nold\n<!-- /experiments -->\nafter\n")
    results.mkdir()
    (results / "trial.md").write_text("# trial\n\n<!-- notes -->\nRead this.\n<!-- /notes -->\n\n## old tables\n")
    monkeypatch.setattr(script, "DOCS", tmp_path)
    monkeypatch.setattr(script, "PAGE", page)
    run = tmp_path / "run"
    for folder, row in (
        ("sources/s", {"stage": "s2idm", "epoch": 1, "seconds": 1800}),
        ("cells/c", {"stage": "a (base)", "epoch": 1, "train_seconds": 3600, "validation_seconds": 900}),
    ):
        (run / folder).mkdir(parents=True)
        (run / folder / "training.jsonl").write_text(json.dumps(row) + "\n")
    (run / "metrics.json").write_text(shares(1.0, 0.05).model_dump_json())
    script.main([str(run)])
    made = (results / "trial.md").read_text()
    assert made.startswith("# trial\n")
    assert "old tables" not in made
    head, tables = made.split("\n\n<!-- notes -->\nRead this.\n<!-- /notes -->\n\n")
    assert "## " not in head
    assert re.search(r"^Made on .*\. Training and validation took 1\.8 core-hours\.$", head, re.MULTILINE)
    figure, tables = tables.split("\n\n", 1)
    assert re.fullmatch(r"!\[.*\]\(trial\.svg\)", figure, re.DOTALL)
    assert tables.startswith("## At a glance")
    listed = page.read_text()
    assert listed.startswith("before\n<!-- experiments -->\n| experiment | question | made on | seeds | core-hours |")
    assert listed.endswith("<!-- /experiments -->\nafter\n")
    drawn = (results / "trial.svg").read_text()
    script.main([str(run)])
    assert (results / "trial.svg").read_text() == drawn
    assert (results / "trial.md").read_text() == made


def test_long_second_phases_have_a_table_of_their_lengths(script):
    def curve(*validation):
        return Curve(epoch=tuple(range(len(validation))), validation=validation, seconds=(1.0,) * len(validation))

    rising = [epoch / 100 for epoch in range(121)]
    stopped = [0.5] * 50
    curves = {"a (base) · seed 0": curve(*[9.0] * 300), "a · seed 0": curve(*rising), "a · seed 1": curve(*stopped)}
    cell = cell_record(five_seeds(), label="x", key="c").model_copy(update={"curves": curves})
    table = script.lengths_of_phases(cell).splitlines()
    assert table[0] == "**Best validation until an epoch of the second phase, NDCG@10, all items**"
    assert script.lengths_of_phases(cell, "x").splitlines()[0] == table[0].replace("phase,", "phase, x,")
    assert table[2:] == [
        "| variant | 40 | 80 | 120 |",
        "| --- | ---: | ---: | ---: |",
        "| `a` | 0.4500 | 0.6500 | 0.8500 |",
    ]
    del curves["a · seed 0"]
    assert script.lengths_of_phases(cell.model_copy(update={"curves": curves})) == ""
    assert script.lengths_of_phases(cell.model_copy(update={"curves": {"a · seed 0": curve(*rising)}})) == ""


def test_the_list_tells_question_date_seeds_and_cost(script):
    page = (
        "# a\n\nA verdict.\n\nDoes it help?\n\nMade on 2026-11-28 with `x`.{}\n\n## b\n\nSeeds 0, 1, 2.\n\nseeds 0.\n"
    )
    costly = page.format(" Training and validation took 2.5 core-hours.")
    listed = script.index({"a": page.format(""), "b": costly}).splitlines()[2:]
    assert listed == [
        "| [a](results/a.md) | Does it help? | 2026-11-28 | 3 |  |",
        "| [b](results/b.md) | Does it help? | 2026-11-28 | 3 | 2.5 |",
    ]
