"""The record of an experiment as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from transfer.report.numbers import difference_text, interval_text, p_text, relative_text
from transfer.report.tables import (
    COLUMNS,
    INTEREST_HEAD,
    Figure,
    Gain,
    Record,
    columns_of,
    gains_of,
    interest_gains,
    overview_of,
    reference_rows,
    rows_of,
    seed_values,
    seeds_text,
    skipped_text,
    tested_text,
    title_of,
)


def markdown(record: Record) -> str:
    """Everything that a results page of a repository needs."""
    made = record["made"]
    parts = [f"# {record['name']}", record["description"]]
    parts.append(
        f"Made on {made['date']} with `{made['command']}` on {made['machine']}; torch {made['torch']}."
        + (" **A quick trial on a sample of users: no figure here means anything.**" if made["quick"] else "")
    )
    parts += [f"**Not finished: {one['key']}.** {one['reason']}." for one in record["unfinished"]]
    if len(record["cells"]) > 1:
        parts += ["## At a glance", *(overview(record, column) for column in GLANCE), interests(record)]
    for cell in record["cells"]:
        parts += _cell(cell)
    if record["reference"]:
        parts += _reference(record)
    if record["cost"]:
        parts += ["## Cost", cost(record)]
    return "\n\n".join(part for part in parts if part) + "\n"


GLANCE = tuple(column for column in COLUMNS if column[1] == "ndcg@10")
"""What is shown of all cells at once: NDCG@10 in both protocols."""


def overview(record: Record, column: tuple[str, str, str] = COLUMNS[0]) -> str:
    """Every variant in every cell: one metric on the test targets."""
    seen = overview_of(record["cells"], column)
    rows = [[f"`{name}`", *(_figure(figure) for figure in figures)] for name, figures in seen.rows]
    return table([column[2], *seen.columns], rows)


def interests(record: Record) -> str:
    """What diffused interests gain over base, controls and raw interests, a row each; nothing where there are none."""
    rows = [[one.place, f"`{one.rival}`", *one.texts()] for one in interest_gains(record["cells"])]
    return table(INTEREST_HEAD, rows) if rows else ""


def _cell(cell: Record) -> list[str]:
    metrics = cell["metrics"]
    protocol = metrics["protocol"]
    parts = [
        f"## {title_of(cell)}",
        f"{' + '.join(cell['sources'])} → {metrics['domain']} ({metrics['users']:,} users, {metrics['items']:,} items, "
        f"{metrics['interactions']:,} interactions{tested_text(metrics)}). Loss {cell['loss']}; {protocol['split']}; "
        f"selection by {protocol['selection']}; repeats {protocol['repeats']}; prompts see {protocol['prompts_see']}. "
        f"Full ranking: {protocol['full']}. Sampled: {protocol['sampled']}. Seeds {_seeds(metrics['seeds'])}.",
        _results(cell),
    ]
    if cell["published"]:
        differs = "; ".join(cell["published"]["differs"])
        parts.append(f"(p …): published by {cell['published']['source']}. What differs: {differs}.")
    parts.append(seeds_text(metrics))
    parts += [_gains(gains_of(cell, metric), metric) for metric in ("full/ndcg@10", "sampled/ndcg@10")]
    parts += [_thresholds(cell), _values(cell)]
    if metrics["skipped"]:
        parts.append(f"Skipped: {skipped_text(metrics)}.")
    return parts


def _results(cell: Record) -> str:
    head = ["variant", "seeds", *(heading for _, _, heading in columns_of(cell)), "coverage", "popularity rank"]
    rows = [
        [
            f"`{row.variant}`",
            str(row.seeds or ""),
            *(_figure(figure) for figure in row.figures),
            _share(row.coverage),
            _share(row.popularity),
        ]
        for row in rows_of(cell)
    ]
    return table(head, rows)


def _figure(figure: Figure | None) -> str:
    if figure is None:
        return ""
    text = f"{figure.mean:.4f}" + ("" if figure.spread is None else f" ± {figure.spread:.4f}")
    text = f"**{text}**" if figure.best else text
    return text if figure.published is None else f"{text} (p {figure.published:.4f})"


def _gains(gains: Sequence[Gain], metric: str) -> str:
    if not gains:
        return ""
    head = [f"gain on {metric}", "difference", "relative", "95 % interval", "p, users", "p, seeds", "published"]
    rows = [
        [
            f"`{gain.variant}` over `{gain.rival}`",
            difference_text(gain.difference),
            relative_text(gain.relative),
            interval_text(gain.low, gain.high),
            p_text(gain.p_users),
            p_text(gain.p_seeds),
            relative_text(gain.published),
        ]
        for gain in gains
    ]
    return table(head, rows)


def _thresholds(cell: Record) -> str:
    rows = cell["thresholds"]
    if not rows:
        return ""
    names = list(cell["metrics"]["variants"])
    body = [
        [f"at most {row['at_most']}", f"{row['users']:,}", *(_mean(row, "sampled/ndcg@10", name) for name in names)]
        for row in rows
    ]
    return "Sampled NDCG@10 of the users who know few anchors:\n\n" + table(
        ["known anchors", "users", *(f"`{name}`" for name in names)], body
    )


def _mean(row: Record, metric: str, name: str) -> str:
    value = row["values"][metric].get(name)
    return "" if value is None else f"{value:.4f}"


def _values(cell: Record) -> str:
    rows = [
        [f"`{name}`", metric, ", ".join(f"{value:.4f}" for value in values)]
        for name, metric, values in seed_values(cell)
    ]
    return table(["every seed", "metric", "values"], rows) if rows else ""


def _reference(record: Record) -> list[str]:
    metrics, rows = reference_rows(record)
    return [
        "## Published, on other data",
        f"{record['reference'][0]['source']}; 999 sampled negatives, epoch chosen on the test metric.",
        table(["data", "variant", *metrics], ([place, f"`{name}`", *figures] for place, name, figures in rows)),
    ]


def cost(record: Record) -> str:
    """Parameters, memory and time as the catalogue grows, then what was published; nothing where none was measured."""
    measured = record["cost"]
    if not measured:
        return ""
    head = ["model", "items", "width", "parameters (M)", "memory (MB)", "train an epoch (s)", "evaluate (s)"]
    rows = [
        [
            row["model"],
            f"{row['items']:,}",
            f"{row['width']:,}",
            f"{row['parameters_m']:.2f}",
            f"{row['memory_mb']:.0f}",
            f"{row['train_s']:.2f}",
            f"{row['evaluate_s']:.2f}",
        ]
        for row in measured["rows"]
    ]
    printed = [
        [
            f"{row['model']} on {row['data']} (published)",
            f"{row['items']:,}",
            f"{row['items'] if row['model'] == 'TI-DiffRec' else row['sememes']:,}",
            f"{row['parameters_m']:.2f}",
            f"{row['gpu_mb']:,}",
            f"{row['train_s']:.2f}",
            f"{row['evaluate_s']:.2f}",
        ]
        for row in measured["published"]["rows"]
    ]
    said = (
        f"{measured['settings']['users']:,} made-up users. Memory: the peak on a GPU; weights, gradients and optimiser "
        f"state on a CPU. Published rows: {measured['published']['title']}."
    )
    return f"{said}\n\n{table(head, rows + printed)}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _seeds(seeds: Iterable[int]) -> str:
    return ", ".join(map(str, seeds))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column left, the rest right."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    lines = ["| " + " | ".join(row) + " |" for row in escaped]
    rule = "|" + "|".join(["---", *["---:"] * (len(head) - 1)]) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
