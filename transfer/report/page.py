"""The report: one HTML file with its style and charts inside, without script and without network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources

from transfer.report.charts import (
    breakdown_charts,
    case_charts,
    cost_charts,
    curve_charts,
    gain_chart,
    overlap_charts,
    overview_charts,
    shots_charts,
    threshold_charts,
)
from transfer.report.numbers import difference_text, interval_text, p_text, relative_text
from transfer.report.svg import minus
from transfer.report.tables import (
    INTEREST_HEAD,
    Figure,
    Gain,
    Record,
    Row,
    columns_of,
    gains_of,
    interest_gains,
    reference_rows,
    rows_of,
    seed_values,
    seeds_text,
    skipped_text,
    tested_text,
    title_of,
)


def page(record: Record) -> str:
    """The whole report of an experiment.

    Args:
        record: what `metrics.json` holds.
    """
    style = resources.files("transfer.report").joinpath("page.css").read_text(encoding="utf-8")
    cells = record["cells"]
    sections = "".join(_cell(cell) for cell in cells)
    cost = _cost(record["cost"]) if record["cost"] else ""
    reference = _reference(record) if record["reference"] else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(record['name'])}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f"{_head(record)}{sections}{reference}{cost}{_foot(record)}</main>\n</body>\n</html>\n"
    )


def _head(record: Record) -> str:
    made, cells = record["made"], record["cells"]
    warning = (
        '<p class="warn">A quick trial on a sample of users: it shows that everything works. No figure here means '
        "anything.</p>"
        if made["quick"]
        else ""
    )
    warning += "".join(
        f'<p class="warn">Not finished: {escape(one["key"])}. {escape(one["reason"])}.</p>'
        for one in record["unfinished"]
    )
    links = "".join(f'<li><a href="#{escape(cell["key"])}">{escape(title_of(cell))}</a></li>' for cell in cells)
    nav = f"<nav><ul>{links}</ul></nav>" if len(cells) > 1 else ""
    charts = [*(overview_charts(cells) if len(cells) > 1 else []), *shots_charts(cells)]
    return (
        f'<h1>{escape(record["name"])}</h1><p class="lead">{escape(record["description"])}</p>'
        f'<p class="made">Made on {made["date"]} on {escape(made["machine"])}, torch {escape(made["torch"])}. '
        f"Everything again: <code>{escape(made['command'])}</code></p>{warning}{nav}{_charts(charts)}"
        f"{_interests(cells)}"
    )


def _interests(cells: Sequence[Record]) -> str:
    """What diffused interests add, where there are several cells to compare."""
    gains = interest_gains(cells)
    if len(cells) < 2 or not gains:
        return ""
    body = []
    for one in gains:
        kind = "" if one.sampled.certain or one.full.certain else ' class="unsure"'
        greys = ["" if gain.certain else ' class="unsure"' for gain in one.gains()]
        texts = "".join(f"<td{grey}>{escape(minus(text))}</td>" for grey, text in zip(greys, one.texts(), strict=True))
        body.append(
            f"<tr{kind}><th scope='row'>{escape(one.place)}<span class='spread'>over {_name(one.rival)}</span></th>"
            f"{texts}</tr>"
        )
    return f"<h2>What diffused interests add</h2>{_table((INTEREST_HEAD[0], *INTEREST_HEAD[2:]), body)}"


def _cell(cell: Record) -> str:
    metrics, parts = cell["metrics"], []
    parts.append(f'<section id="{escape(cell["key"])}"><h2>{escape(title_of(cell))}</h2>{_about(cell)}')
    parts.append(_results(cell))
    if cell["published"]:
        differs = "; ".join(cell["published"]["differs"])
        source = escape(cell["published"]["source"])
        parts.append(f'<p class="note"><i>Published</i>: {source}. What differs: {escape(differs)}.</p>')
    if seeds_text(metrics):
        parts.append(f'<p class="note">{seeds_text(metrics)}</p>')
    if metrics["skipped"]:
        parts.append(f'<p class="note">Skipped: {escape(skipped_text(metrics))}.</p>')
    parts.append(_gain_tables(cell))
    parts.append("<h3>Gains and learning curves</h3>" + _charts([gain_chart(cell), *curve_charts(cell)]))
    charts = [*breakdown_charts(cell), *threshold_charts(cell)]
    parts.append("<h3>Who gains</h3>" + _charts(charts) if charts else "")
    parts.append("<h3>Anchors</h3>" + _charts(overlap_charts(cell)))
    if cell["cases"]:
        parts.append(
            "<h3>Interests before and after diffusion</h3>"
            '<p class="note"><span class="swatch before"></span>before <span class="swatch after"></span>after; each '
            "as a share of the user's largest. The users stand at the 10th, 50th and 90th percentile of known "
            "anchors. First the anchors they met, then those that diffusion adds.</p>" + _charts(case_charts(cell))
        )
    parts.append(_seed_table(cell))
    return "".join(parts) + "</section>"


def _about(cell: Record) -> str:
    metrics, protocol = cell["metrics"], cell["metrics"]["protocol"]
    sources = " + ".join(cell["sources"])
    seeds = ", ".join(map(str, metrics["seeds"]))
    about = f"<p>{escape(cell['description'])}</p>" if cell["description"] else ""
    return (
        f"{about}<p>{escape(sources)} → {escape(metrics['domain'])}: {metrics['users']:,} users, "
        f"{metrics['items']:,} items, {metrics['interactions']:,} interactions{tested_text(metrics)}; "
        f"{metrics['coverage']['share']:.0%} of the items have an anchor.</p>"
        f'<p class="note">Loss {escape(cell["loss"])}; {escape(protocol["split"])}; selection by '
        f"{escape(protocol['selection'])}; prompts see {escape(protocol['prompts_see'])}; repeats "
        f"{escape(protocol['repeats'])}; full ranking over {escape(protocol['full'])}; sampled: "
        f"{escape(protocol['sampled'])}; seeds {seeds}; {_choice(metrics)}.</p>"
    )


def _choice(metrics: Record) -> str:
    """Which variant the run holds, and what chose it."""
    product = f"<code>{escape(metrics['product']['variant'])}</code>"
    if not metrics["protocol"]["training_users"]:
        return f"nobody trains, so nothing was validated: {product} is chosen for what it is made of"
    return f"validation prefers {product}" + (", extra variants aside" if metrics["few_seeds"] else "")


def _results(cell: Record) -> str:
    head = ["variant", *(name for _, _, name in columns_of(cell)), "coverage", "popularity rank"]
    rows = rows_of(cell)
    some = next((row.seeds for row in rows if row.seeds > 1), 1)
    body = [_result_row(row, some) for row in rows]
    return _table(head, body)


def _result_row(row: Row, usual: int) -> str:
    few = f'<span class="spread">{row.seeds} of {usual} seeds</span>' if 0 < row.seeds < usual else ""
    cells = [f"<th scope='row'>{_name(row.variant)}{few}</th>"]
    cells += [f"<td>{_figure(figure)}</td>" for figure in row.figures]
    cells += [f"<td>{'' if value is None else f'{value:.3f}'}</td>" for value in (row.coverage, row.popularity)]
    return "<tr>" + "".join(cells) + "</tr>"


def _figure(figure: Figure | None) -> str:
    if figure is None:
        return ""
    text = f"{figure.mean:.4f}"
    if figure.best:
        text = f'<span class="best">{text}</span>'
    if figure.spread is not None:
        text += f'<span class="spread">± {figure.spread:.4f}</span>'
    if figure.published is not None:
        text += f'<span class="published">published {figure.published:.4f}</span>'
    return text


def _gain_tables(cell: Record) -> str:
    parts: list[str] = []
    for metric, name in (("full/ndcg@10", "all items"), ("sampled/ndcg@10", "sampled negatives")):
        gains = gains_of(cell, metric)
        if not gains:
            continue
        head = ["variant over rival", "difference", "relative", "95 % interval", "p, users", "p, seeds"]
        shows = any(gain.published is not None for gain in gains)
        body = [_gain_row(gain, shows) for gain in gains]
        table = _table([*head, "published"] if shows else head, body)
        summary = f"NDCG@10, {name}: {len(gains)} paired comparisons"
        parts.append(f"<details{' open' if not parts else ''}><summary>{summary}</summary>{table}</details>")
    return "".join(parts)


def _gain_row(gain: Gain, shows_published: bool) -> str:
    texts = [
        difference_text(gain.difference),
        relative_text(gain.relative),
        interval_text(gain.low, gain.high),
        p_text(gain.p_users),
        p_text(gain.p_seeds),
    ]
    cells = "".join(f"<td>{escape(minus(text))}</td>" for text in texts)
    if shows_published:
        printed = "" if gain.published is None else f'<span class="published">{relative_text(gain.published)}</span>'
        cells += f"<td>{printed}</td>"
    kind = "" if gain.certain else ' class="unsure"'
    names = f"{_name(gain.variant)} over {_name(gain.rival)}"
    return f'<tr{kind}><td class="wide">{names}</td>{cells}</tr>'


def _seed_table(cell: Record) -> str:
    found = seed_values(cell)
    if not found:
        return ""
    body = [
        f"<tr><th scope='row'>{_name(name)}</th><td>{escape(metric)}</td>"
        f"<td>{'  '.join(f'{value:.4f}' for value in values)}</td></tr>"
        for name, metric, values in found
    ]
    table = _table(["variant", "metric", "one value a seed"], body)
    return f"<details><summary>Every seed's value</summary>{table}</details>"


def _reference(record: Record) -> str:
    metrics, rows = reference_rows(record)
    body = [
        f"<tr><th scope='row'>{escape(place)}</th><td><code>{escape(name)}</code></td>"
        + "".join(f'<td><span class="published">{figure}</span></td>' for figure in figures)
        + "</tr>"
        for place, name, figures in rows
    ]
    source = escape(record["reference"][0]["source"])
    return (
        '<section id="published"><h2>Published, on other data</h2>'
        f'<p class="note">{source}; 999 sampled negatives, epoch chosen on the test metric. None of these figures is '
        f"ours.</p>{_table(['data', 'variant', *metrics], body)}</section>"
    )


def _cost(cost: Record) -> str:
    head = ["model", "items", "width", "parameters (M)", "memory (MB)", "train an epoch (s)", "evaluate (s)"]
    body = [
        f"<tr><th scope='row'>{escape(row['model'])}</th><td>{row['items']:,}</td><td>{row['width']:,}</td>"
        f"<td>{row['parameters_m']:.2f}</td><td>{row['memory_mb']:,.0f}</td><td>{row['train_s']:.2f}</td>"
        f"<td>{row['evaluate_s']:.2f}</td></tr>"
        for row in cost["rows"]
    ]
    body += [
        f"<tr><th scope='row'>{escape(row['model'])} on {escape(row['data'])}"
        f'<span class="published">published</span></th><td>{row["items"]:,}</td>'
        f"<td>{row['items'] if row['model'] == 'TI-DiffRec' else row['sememes']:,}</td>"
        f"<td>{row['parameters_m']:.2f}</td><td>{row['gpu_mb']:,}</td><td>{row['train_s']:.2f}</td>"
        f"<td>{row['evaluate_s']:.2f}</td></tr>"
        for row in cost["published"]["rows"]
    ]
    return (
        f'<section id="cost"><h2>Cost</h2><p>{cost["settings"]["users"]:,} made-up users. Memory: the peak on a GPU; '
        f"weights, gradients and optimiser state on a CPU.</p>{_table(head, body)}"
        f'<p class="note"><i>Published</i>: {escape(cost["published"]["title"])}.</p>'
        f"{_charts(cost_charts(cost))}</section>"
    )


def _foot(record: Record) -> str:
    return (
        "<footer><p>Ties count against the target. Intervals: 95 %, bootstrap over users; for groups of users, 1.96 "
        "standard errors. p: paired t-test over users (their means over seeds) and over seeds. Grey: the interval over "
        "users holds zero; what is not grey may still be luck of a seed, as p over seeds tells. Coverage: share of the "
        "catalogue in anybody's top 10. Popularity rank: mean over the recommended, 0 is the most popular item, 0.5 is "
        f"no preference.</p><p>{escape(record['name'])}, release {escape(record['made']['release'])}.</p></footer>"
    )


def _name(variant: str) -> str:
    """A variant, which may break after each of its parts."""
    return f"<code>{escape(variant).replace('+', '+<wbr>')}</code>"


def _charts(charts: Iterable[str]) -> str:
    shown = [chart for chart in charts if chart]
    return f'<div class="charts">{"".join(shown)}</div>' if shown else ""


def _table(head: Sequence[str], rows: Iterable[str]) -> str:
    heading = "".join(f"<th scope='col'>{escape(name)}</th>" for name in head)
    return f'<div class="scroll"><table><thead><tr>{heading}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
