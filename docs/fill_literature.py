"""Write docs/literature.md: `python docs/fill_literature.py SERVE_BEST/metrics.json`.

Ours come from a finished `transfer experiment serve_best`, the others from recipes/published/amazon_toys.yaml.
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

import yaml

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
    record = ExperimentRecord.read(Path(sys.argv[1]))
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
        note = f"Ours: {seeds} seed{'s' if seeds > 1 else ''} for what is trained; what is not trained has none."
    PAGE.write_text(f"{HEAD}\n" + "\n".join(lines) + f"\n\n{note}\n", encoding="utf-8")


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
