"""Bring experiments into the results page: `python docs/fill_results.py FOLDER...`.

Each folder is what `transfer experiment` wrote. Its whole table becomes docs/results/NAME.md, its overview a block of
docs/results.md, and, where users were few, its curves docs/results/NAME.svg. Of a folder without a report yet, which is
named like its experiment, the finished pieces are read; tests are then paired over users. Needs the extra [docs].
"""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from fill_readme import filled
from matplotlib import pyplot as plt
from scipy.stats import ttest_rel

from domains.split import share_text
from recipes.experiment import load_experiment
from transfer.evaluation.significance import compare
from transfer.evaluation.summary import STAGES, seed_values, variant_metrics
from transfer.report.markdown import GLANCE, cost, interests, markdown, overview
from transfer.report.numbers import difference_text, p_text, relative_text
from transfer.runs.checkpoints import read_piece
from transfer.runs.checks import is_baseline
from transfer.variants import parse_variant

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "results"

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "results.md"


def groups(record: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Cells by what they transfer under which protocol, the share of users that train ascending."""
    found: dict[str, list[dict[str, Any]]] = {}
    for cell in sorted(record["cells"], key=lambda cell: float(cell["metrics"]["protocol"]["shots"])):
        name = " · ".join(part for part in (cell["label"], cell["protocol_name"]) if part)
        found.setdefault(name, []).append(cell)
    return found


def shown(cell: dict[str, Any]) -> str:
    """The share of users that train."""
    return f"{share_text(cell['metrics']['protocol']['shots'])} of the users"


def selecting(record: dict[str, Any]) -> tuple[str, str, str]:
    """The column of NDCG@10 in the protocol by which the experiment selects."""
    sampled = any("sampled/" in cell["metrics"]["protocol"]["selection"] for cell in record["cells"])
    return next(column for column in GLANCE if (column[0] == "sampled") == sampled)


def blocks(record: dict[str, Any]) -> str:
    """One table a transfer: variants by share of users, or all cells in one table where there is only one share."""
    made, parts = record["made"], [cost(record)]
    by_label, own = groups(record), selecting(record)
    if len({cell["metrics"]["protocol"]["shots"] for cell in record["cells"]}) == 1:
        several = len({cell["protocol_name"] for cell in record["cells"]}) > 1 or own[0] == "sampled"
        parts += [overview(record, column) for column in (GLANCE if several else (own,))]
        parts.append(interests(record))
    else:
        for label, cells in by_label.items():
            shares = [shown(cell) for cell in cells]
            table = overview({**record, "cells": cells}, own).splitlines()
            table[0] = "| " + " | ".join([f"{label}: {own[2]}", *shares]) + " |"
            parts.append("\n".join(table))
        parts.append(choices(record))
    seeds = sorted({seed for cell in record["cells"] for seed in cell["metrics"]["seeds"]})
    drawn = f"; seeds {', '.join(map(str, seeds))}" if seeds else ""
    parts.append(
        f"Made on {made['date']} by `{made['command']}` on {made['machine']}, torch {made['torch']}{drawn}. Everything "
        f"else, both protocols, intervals and tests: [{record['name']}](results/{record['name']}.md)."
    )
    return "\n\n".join(part for part in parts if part)


def choices(record: dict[str, Any]) -> str:
    """What validation prefers wherever users train, over everything without matching: gains, and tests over seeds."""
    found = [
        (f"{label}, {shown(cell)}", with_every_seed(cell["metrics"]), preferred(cell["metrics"]))
        for label, cells in groups(record).items()
        for cell in cells
        if cell["metrics"]["protocol"]["shots"] > 0 and len(cell["metrics"]["seeds"]) > 1
    ]
    if not found:
        return ""
    rivals = [name for name in found[0][1] if "matching" not in name.split("+")[1:]]
    rows = [
        ["NDCG@10, all items, p over seeds", *(title for title, _, _ in found)],
        ["---", *["---:"] * len(found)],
        ["validation prefers", *(f"`{best}`" for _, _, best in found)],
        *([f"over `{rival}`", *(seed_gain(variants, best, rival) for _, variants, best in found)] for rival in rivals),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def with_every_seed(metrics: dict[str, Any]) -> dict[str, Any]:
    """All variants but those with fewer seeds, which a test over seeds cannot pair."""
    return {name: of for name, of in metrics["variants"].items() if name not in metrics["few_seeds"]}


def preferred(metrics: dict[str, Any]) -> str:
    """The trained variant with the best mean over seeds on the validation items of the users that train."""
    if "product" in metrics:
        return str(metrics["product"]["variant"])
    trained = [name for name in metrics["variants"] if name not in metrics["baselines"]]  # unfinished: all users train
    return max(trained, key=lambda name: metrics["variants"][name]["validation"]["full"]["ndcg@10"]["mean"])


def seed_gain(variants: dict[str, Any], name: str, rival: str) -> str:
    """Relative gain on the test users and a paired test over seeds; what has no seed stands beside every seed."""
    if name == rival or rival not in variants:
        return ""
    metric = "ndcg@10"
    ours, theirs = (np.asarray(variants[one]["test"]["full"][metric]["values"])[:, None] for one in (name, rival))
    found = compare(name, rival, "test", f"full/{metric}", ours, np.broadcast_to(theirs, ours.shape))
    test = "" if found.p_seeds is None else f" (p {p_text(found.p_seeds)})"
    return (relative_text(found.relative) + test).strip()


def curves(record: dict[str, Any], path: Path) -> None:
    """A panel a transfer: NDCG@10 over the share of users that train, one line a variant."""
    by_label, (protocol, metric, title) = groups(record), selecting(record)
    figure, panels = plt.subplots(1, len(by_label), figsize=(4.2 * len(by_label), 4.4), squeeze=False)
    for panel, (label, cells) in zip(panels[0], by_label.items(), strict=True):
        shares = [share_text(cell["metrics"]["protocol"]["shots"]) for cell in cells]
        for place, name in enumerate(cells[0]["metrics"]["variants"]):
            figures = [cell["metrics"]["variants"][name]["test"][protocol][metric] for cell in cells]
            style = "--" if name in cells[0]["metrics"]["baselines"] else "-"
            spread = [one.get("std") or 0.0 for one in figures]
            means = [one["mean"] for one in figures]
            panel.errorbar(
                shares,
                means,
                yerr=spread,
                fmt=style,
                marker="o",
                ms=3,
                color=plt.get_cmap("tab20")(place % 20),
                label=name,
            )
        panel.set_title(label)
        panel.set_xlabel("share of the target's users that train")
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_ylim(bottom=0)
    panels[0][0].set_ylabel(f"test {title}")
    handles, names = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


def unfinished(folder: Path) -> tuple[dict[str, Any], str]:
    """What the finished pieces of a folder say, as far as overview and curves need it, and a table of tests."""
    experiment = load_experiment(folder.name).experiment
    variants = list(experiment.variants or ())
    cells, tests = [], ["| NDCG@10, all items | gain | relative | p, users |", "|---|---:|---:|---:|"]
    for cell in sorted((folder / "cells").iterdir()):
        label, _, share = cell.name.partition(".shots-")
        paths = {name: sorted((cell / "pieces" / name).glob("seed-*.done.safetensors")) for name in variants}
        pieces = {name: [read_piece(path) for path in found] for name, found in paths.items()}
        rankings = {
            name: {stage: [piece.rankings[stage] for piece in found] for stage in STAGES}
            for name, found in pieces.items()
        }
        metrics = {name: variant_metrics(found, (10,)) for name, found in rankings.items()}
        named = [name for name in variants if is_baseline(parse_variant(name))]
        protocol = {"shots": float(share or 1), "selection": experiment.settings["training"].get("metric", "")}
        seeds = sorted({int(path.name.split("-")[1].split(".")[0]) for path in cell.glob("pieces/sasrec/*.done.*")})
        record = {"variants": metrics, "baselines": named, "protocol": protocol, "seeds": seeds, "few_seeds": {}}
        cells.append({"label": label.replace("-", " "), "protocol_name": "", "published": None, "metrics": record})
        if protocol["shots"] == 1:
            best = preferred(record)
            for rival in [name for name in variants if name != best and "matching" not in name.split("+")[1:]]:
                ours, theirs = (
                    seed_values(rankings[name]["test"], "full/ndcg@10", (10,)).mean(0) for name in (best, rival)
                )
                difference = float((ours - theirs).mean())
                p_value = float(ttest_rel(ours, theirs).pvalue)
                tests.append(
                    f"| {label.replace('-', ' ')}: `{best}` over `{rival}` | {difference_text(difference)} "
                    f"| {relative_text(difference / float(theirs.mean()))} | {p_value:.1g} |"
                )
    made = {"date": f"{date.today():%Y-%m-%d}", "command": f"transfer experiment {folder.name}"}
    machine = {"machine": f"{os.cpu_count()} CPU cores", "torch": torch.__version__}
    record = {"name": folder.name, "description": experiment.description, "cells": cells, "made": made | machine}
    return record, "\n".join(tests)


def main(folders: list[str]) -> None:
    """Every folder in turn."""
    (DOCS / "results").mkdir(exist_ok=True)
    text = PAGE.read_text(encoding="utf-8")
    for folder in folders:
        if not (Path(folder) / "metrics.json").is_file():
            record, tests = unfinished(Path(folder))
            curves(record, DOCS / "results" / f"{record['name']}.svg")
            picture = f"![{record['description']}](results/{record['name']}.svg)"
            seen = blocks(record).partition(" Everything else")[0]
            text = filled(text, record["name"], f"{picture}\n\n{seen}\n\n{tests}")
            continue
        record = json.loads((Path(folder) / "metrics.json").read_text(encoding="utf-8"))
        name = record["name"]
        (DOCS / "results" / f"{name}.md").write_text(markdown(record), encoding="utf-8")
        content = blocks(record)
        if len({cell["metrics"]["protocol"]["shots"] for cell in record["cells"]}) > 1:
            curves(record, DOCS / "results" / f"{name}.svg")
            content = f"![{record['description']}](results/{name}.svg)\n\n{content}"
        text = filled(text, name, content)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
