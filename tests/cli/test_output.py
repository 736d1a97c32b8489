"""What the commands print of a comparison."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from report_cases import EVIL, five_seeds, run_record
from rich.cells import cell_len
from rich.console import Console

from transfer.cli import output as show
from transfer.cli.print_results import print_target
from transfer.report.result_tables import comparisons, results
from transfer.report.run_record import RunRecord
from transfer.report.table_format import for_terminal


@pytest.fixture
def printed(monkeypatch):
    output = io.StringIO()
    monkeypatch.setattr(show, "OUT", Console(file=output, width=100))
    return output


def test_nothing_is_printed_if_nothing_is_compared(printed):
    show.print_table(comparisons(run_record(comparisons=())))
    assert printed.getvalue() == ""


def test_a_comparison_says_by_how_much_and_how_sure(printed):
    show.print_table(comparisons(five_seeds()))
    lines = [" ".join(line.split()) for line in printed.getvalue().splitlines()]
    assert "sasrec+ipe+s2idm sasrec +0.0200 +50.0% +0.0010 … +0.0900 0.030" in lines


LONG = "sasrec+title-semantic+no-id+source+ipe+constant+matching"


def long_names(record):
    """The record with a longer name for one variant."""
    renamed = {"sasrec+ipe+s2idm": LONG}
    variants = {renamed.get(name, name): one for name, one in record.variants.items()}
    variants[LONG] = variants[LONG].model_copy(update={"label": LONG})
    product = record.product.model_copy(update={"variant": LONG})
    found = [one.model_copy(update={"variant": renamed.get(one.variant, one.variant)}) for one in record.comparisons]
    return RunRecord(**{**dict(record), "variants": variants, "product": product, "comparisons": found})


@pytest.mark.parametrize("width", [60, 80, 100, 140])
@pytest.mark.parametrize("record", [run_record(), five_seeds()], ids=["two seeds", "five seeds"])
def test_nothing_is_cut_at_any_width(width, record):
    record = long_names(record)
    for table in (results(record), comparisons(record)):
        output = io.StringIO()
        Console(file=output, width=width, emoji=False).print(for_terminal(table, width))
        lines = output.getvalue().splitlines()
        assert max(map(cell_len, lines)) <= width
        assert not [line for line in lines if re.search(r"\w…", line)]
        names = [re.match(r"(?:▶ |  )?([\w+-]+?)†?(?= |$)", line) for line in lines]
        broken = [name[1] for name in names if name]
        assert "".join(broken).count(LONG) >= 1
        assert not [part for part in broken if part in {"sasre", "title", "semantic+"}]
        shown = " ".join(lines)
        for row in table.rows:
            for column, one in zip(table.columns, row.entries, strict=True):
                assert column.priority or column.kind != "number" or one.text in shown


def test_sampled_columns_give_way_first_and_are_named():
    def headings(width):
        output = io.StringIO()
        Console(file=output, width=width, emoji=False).print(for_terminal(results(five_seeds()), width))
        return " ".join(output.getvalue().split())

    assert "sampled" in headings(120)
    narrow = headings(42)
    assert "A wider terminal also shows: NDCG@10 sampled, Hit@10 sampled, AUC sampled" in narrow
    assert narrow.count("0.0600") == 3, "validation, NDCG@10 and Hit@10 over all items stay"


def test_nothing_steers_the_terminal(monkeypatch):
    output = io.StringIO()
    monkeypatch.setattr(show, "OUT", Console(file=output, width=80))
    record = run_record(domain=f"films{EVIL}", example_user=EVIL, skipped={"x": EVIL})
    print_target(record, Path("runs") / "x", as_json=False)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", output.getvalue())
    assert "\\x1b[31m" in output.getvalue()


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


def test_variants_lists_every_system_and_every_part_of_a_label(capsys):
    import json

    from cli_cases import run_command

    from transfer.cli.recipe import PARTS
    from transfer.registry import BUILT_IN
    from transfer.variants import parse_variant

    listed = json.loads(run_command(capsys, "variants", "--json").out)
    assert set(BUILT_IN) <= set(listed["systems"])
    for part in PARTS:
        rest = {"constant": "ipe+constant", "no-id": "anchors+no-id"}.get(part, part)
        assert parse_variant(f"sasrec+{rest}")
    assert all(len(line) <= 80 for line in run_command(capsys, "variants").out.splitlines()[:-1])
