"""Fill the README's blocks with what the commands print: `python docs/fill_readme.py [RUNS_FOLDER [OPTION ...]]`.

Runs the first example and the experiment `when` into the folder (finished runs in it are reused). The options go to
`transfer experiment`, for example `--set seeds=[0]`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from transfer.report.experiment_record import CellRecord, ExperimentRecord

README = Path(__file__).resolve().parent.parent / "README.md"
HISTORY = "Gravity; Iron Man 3"
COLUMNS = ("popular", "sasrec", "terms", "sasrec+terms")
SHARES = {0.0: "none", 0.05: "5 %", 1.0: "all"}


def output_of(*arguments: str) -> str:
    """Standard output of `transfer`, 80 columns wide."""
    command = [sys.executable, "-m", "transfer.cli.main", *arguments]
    environment = {**os.environ, "COLUMNS": "80"}
    shown = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603
    return "\n".join(line.rstrip() for line in shown.stdout.strip("\n").splitlines())


def filled(text: str, marker: str, content: str) -> str:
    """The text with the block between `<!-- marker -->` and `<!-- /marker -->` replaced."""
    pattern = re.compile(f"<!-- {marker} -->.*?<!-- /{marker} -->", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"the page has no block <!-- {marker} --> ... <!-- /{marker} -->")
    return pattern.sub(lambda _: f"<!-- {marker} -->\n{content}\n<!-- /{marker} -->", text, count=1)


def when_table(cells: Sequence[CellRecord], seeds: int) -> str:
    """NDCG@10 over all items by share of training users, as Markdown; the best of each row is bold."""
    head = ["users that train", *(f"`{name}`" for name in COLUMNS)]
    lines = [" | ".join(head), " | ".join(["---"] * len(head))]
    for cell in cells:
        values = {
            name: variant.test["full"]["ndcg@10"].mean
            for name, variant in cell.metrics.variants.items()
            if variant.test["full"]
        }
        best = max(values.values())
        figures = [_figure(values.get(name), best) for name in COLUMNS]
        share = SHARES[float(cell.metrics.protocol.shots)]
        lines.append(" | ".join([share, *figures]))
    table = "\n".join(f"| {line} |" for line in lines)
    return (
        f"{table}\n\nNDCG@10 over all items of the bundled films, seen items excluded, mean of {seeds} seeds where "
        "anything is random (`transfer experiment when`). `terms` are the late terms alone; `sasrec` is a sequential "
        "model over item IDs."
    )


def _figure(value: float | None, best: float) -> str:
    if value is None:
        return ""
    return f"**{value:.4f}**" if value == best else f"{value:.4f}"


def main() -> None:
    """Run, ask, write."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs")
    run = folder / "few_films"
    began = time.perf_counter()
    table = output_of("run", "few_films", "--out", str(run)).replace(str(folder), "runs")
    seconds = round(time.perf_counter() - began)
    answer = output_of("recommend", str(run), "--history", HISTORY, "-k", "5")
    note = f"({datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPU cores, {seconds} s.)"
    output_of("experiment", "when", "--out", str(folder / "when"), *sys.argv[2:])
    record = ExperimentRecord.read(folder / "when" / "metrics.json")
    text = README.read_text(encoding="utf-8")
    text = filled(text, "run", f"```\n{table}\n```\n\n{note}")
    command = f'transfer recommend runs/few_films --history "{HISTORY}" -k 5'
    text = filled(text, "recommend", f"```\n$ {command}\n{answer}\n```")
    text = filled(text, "when", when_table(record.cells, max(len(cell.metrics.seeds) for cell in record.cells)))
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
