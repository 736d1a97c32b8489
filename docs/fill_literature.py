"""Write docs/literature.md: `python docs/fill_literature.py FOLDER`.

Ours come from the folder of a finished `transfer experiment serve_best`, the others from
recipes/published/amazon_toys.yaml.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from importlib import resources
from pathlib import Path

import numpy as np
import yaml
from safetensors import safe_open

from transfer.experiments.gather import log_entries
from transfer.report.experiment_record import CellRecord, ExperimentRecord

PAGE = Path(__file__).resolve().parent / "literature.md"
HEAD = """# Amazon Toys and Games beside the literature

The standard 5-core (19,412 users, 11,924 items), leave-one-out, ranking over all items. Read these caveats first:

- Published figures are rarely clear about items that the user had before. Ours stand in both ways: *excluded* (they
  are not ranked) and *ranked* (nothing is excluded).
- These sequences have no times. Interactions of one day stand in the order of item ids, and test items have a higher id
  than the item before far more often than chance. Any model of what follows what profits from that, ours as well.
  `next-ids` recommends the ids after the last item's and knows nothing else: it says how much there is to gain.
- The settings of ours were chosen on this data set among others. While the late terms were designed, its test figures
  were looked at, so that ours are optimistic: data that nobody has looked at must confirm them.
"""


def main() -> None:
    """Write the page."""
    folder = Path(sys.argv[1])
    record = ExperimentRecord.read(folder / "metrics.json")
    cells = [cell for cell in record.cells if cell.label == "toys" and cell.metrics.protocol.shots == 1]
    if not cells:
        raise SystemExit("this experiment has no table of toys with all users")
    published = yaml.safe_load((resources.files("recipes") / "published" / "amazon_toys.yaml").read_text())
    lines = ["| model | NDCG@10 | Hit@10 | items had before | source |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['model']} | {row['ndcg']:.4f} | {row['hit']:.4f} | {row['seen']} | {row['from']} |"
        for row in sorted(published["rows"], key=lambda row: row["ndcg"])
    ]
    lines += _ours(cells[0])
    seeds = len(cells[0].metrics.seeds)
    trained = cells[0].metrics.trained
    note = "Nothing of ours is trained here, and nothing in it is random."
    if trained:
        note = f"Ours: {seeds} seed{'s' if seeds > 1 else ''} for what is trained; what is not trained has none. "
        note += _cost(folder / "cells" / cells[0].key, record.made.machine)
    PAGE.write_text(f"{HEAD}\n" + "\n".join(lines) + f"\n\n{note}\n", encoding="utf-8")


def _cost(cell: Path, machine: str) -> str:
    """Describe size and training time of SASRec, which is also what `sasrec+terms` trains."""
    with safe_open(cell / "pieces" / "sasrec" / "seed-0.done.safetensors", "numpy") as file:
        names = [name for name in file.keys() if name.startswith("model.")]  # noqa: SIM118
        sizes = {name: math.prod(file.get_slice(name).get_shape()) for name in names}
    terms = sum(size for name, size in sizes.items() if name.startswith("model.terms."))
    spent: dict[str, float] = defaultdict(float)
    for row in log_entries(cell / "training.jsonl"):
        if row["stage"].startswith("sasrec (base)"):
            spent[row["stage"]] += row.get("train_seconds", 0.0)
    minutes = np.mean(list(spent.values())) / 60
    return (
        f"`sasrec` has {sum(sizes.values()) - terms:,} parameters, and `sasrec+terms` {terms} more, the weights of "
        f"late terms. A seed trained for {minutes:.1f} minutes on average, validation not counted, on one thread while "
        f"another seed had the other core ({machine})."
    )


def _ours(cell: CellRecord) -> list[str]:
    rows = []
    for name, variant in cell.metrics.variants.items():
        for protocol, said in (("full", "excluded"), ("full_all", "ranked")):
            if protocol in variant.test:
                ndcg, hit = (variant.test[protocol][metric].mean for metric in ("ndcg@10", "hit@10"))
                rows.append(
                    f"| **ours: {name}** | {ndcg:.4f} | {hit:.4f} | {said} | `transfer experiment serve_best` |"
                )
    return rows


if __name__ == "__main__":
    main()
