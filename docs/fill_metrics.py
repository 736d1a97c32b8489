"""Write the tables of docs/metrics.md from the records themselves: `python docs/fill_metrics.py`."""

from __future__ import annotations

from pathlib import Path

from fill_readme import filled

from transfer.report.document import described
from transfer.report.experiment_record import ExperimentRecord
from transfer.report.run_record import RunRecord

PAGE = Path(__file__).resolve().parent / "metrics.md"


def page(text: str) -> str:
    """Return the page with a table of every key of both records."""
    for marker, model, stop in (("run", RunRecord, ()), ("experiment", ExperimentRecord, (RunRecord,))):
        rows = [f"| `{key}` | {what} |" for key, what in described(model, stop=stop)]
        text = filled(text, marker, "\n".join(["| key | what |", "|---|---|", *rows]))
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
