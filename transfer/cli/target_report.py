"""What a finished target run prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape

from transfer.cli.show import OUT, metrics_table, print_comparisons, print_json, say
from transfer.report.numbers import difference_text
from transfer.report.record import RunRecord

FEW = 50
"""Users below which a mean over them is hardly worth a decision."""


def print_target(record: RunRecord, folder: Path, as_json: bool) -> None:
    """The comparison, the product and why, and the next command."""
    metrics = record.as_dict()
    if as_json:
        print_json(metrics)
        return
    OUT.print(metrics_table(metrics))
    product = metrics["product"]
    print_comparisons([c for c in metrics["comparisons"] if _worth_showing(c, metrics)])
    margin = (
        ""
        if product["runner_up"] is None
        else f", {difference_text(product['margin'])} over {escape(product['runner_up'])}"
    )
    protocol, metric = product["metric"].split("/", 1)
    score = f"{protocol} {metric.upper()} {product['validation']:.4f}{margin}"
    for doing, users in (("validate", "validation_users"), ("are tested", "test_users")):
        count = metrics["protocol"][users]
        if count < FEW and metrics["protocol"]["training_users"]:
            say(f"[yellow]Note:[/yellow] no more than {count} users {doing}: figures of so few may be chance.")
    chosen = f"[bold]{escape(product['variant'])}[/bold]"
    if metrics["protocol"]["training_users"]:
        say(f"Validation prefers {chosen} ({score}).")
    else:
        say(f"Nobody trains, so nothing was validated; {chosen} is chosen for what it is made of.")
    for name in product["beaten_by"]:
        say(f"[yellow]Note:[/yellow] {escape(name)}, a baseline, scores higher on validation.")
    for name, reason in metrics["skipped"].items():
        say(f"[yellow]Note:[/yellow] {escape(name)} was skipped: {escape(reason)}.")
    place, user = escape(str(folder)), escape(metrics["example_user"])
    say(f"Everything is in [bold]{place}[/bold]. Next: transfer recommend {place} --user {user}")


def _worth_showing(comparison: Mapping[str, Any], metrics: Mapping[str, Any]) -> bool:
    """Trained variants against each other, and the product against everything; the rest is in metrics.json."""
    return comparison["baseline"] not in metrics["baselines"] or comparison["variant"] == metrics["product"]["variant"]
