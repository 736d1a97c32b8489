"""What a record says, in sentences. Names stand between backticks."""

from __future__ import annotations

from transfer.report.experiment_record import CellRecord, ExperimentRecord
from transfer.report.gains import Gain, gains_of
from transfer.report.numbers import figure_text, p_text, relative_text
from transfer.report.record import RunRecord

METRIC = "full/ndcg@10"


def verdict(record: ExperimentRecord) -> str:
    """Return the result of an experiment in one or two sentences."""
    if record.made.quick:
        return "This was a quick trial: it shows that everything works, and no figure means anything."
    if not record.cells:
        return "Only costs were measured." if record.cost is not None else ""
    if len(record.cells) == 1:
        return cell_verdict(record.cells[0].metrics)
    over = [(cell, gain) for cell in record.cells if (gain := _over_base(cell.metrics)) is not None]
    if not over:
        return f"{len(record.cells)} tables, each with its own verdict below."
    better = sum(gain.difference > 0 for _, gain in over)
    tested = [gain for _, gain in over if gain.p is not None]
    if tested:
        sure = sum(gain.certain and gain.difference > 0 for gain in tested)
        test = f", significantly in {sure} of the {len(tested)} with enough seeds for a test"
    else:
        test = "; none has the five seeds that a test needs"
    return (
        f"The variant that validation chose has a higher NDCG@10 over all items than its rival without interests and "
        f"late terms in {better} of {len(over)} tables{test}."
    )


def cell_verdict(record: RunRecord) -> str:
    """Return the result of a run in one or two sentences: the product, and what it gains."""
    name = record.product.variant
    chosen = f"Validation prefers `{name}`"
    if not record.protocol.training_users:
        chosen = f"No user trains, so nothing was validated; `{name}` is chosen for what it is made of"
    figure = record.variants[name].figure("test", METRIC)
    if figure is None:
        return f"{chosen}. Nobody was tested."
    said = f"{chosen}: NDCG@10 over all items is {figure_text(figure.mean)} on test"
    rivals = [gain for gain in (_over_base(record), _over_baselines(record)) if gain is not None]
    said += "".join(f", {_gain_text(gain)}" for gain in rivals) + "."
    if any(gain.p is None for gain in rivals):
        few = "one seed" if rivals[0].seeds == 1 else f"{rivals[0].seeds} seeds"
        said += f" With {few} there is no test: another seed may give another order."
    return said


def _gain_text(gain: Gain) -> str:
    relative = relative_text(gain.relative) or "better"
    sure = "" if gain.p is None else f" ({'' if gain.certain else 'not '}significant, p {p_text(gain.p)})"
    return f"{relative} against `{gain.rival}`{sure}"


def _over_base(record: RunRecord) -> Gain | None:
    """The product over its base; over the first trained variant if it is a base itself."""
    product = record.product.variant
    rival = record.variants[product].base or next(iter(record.trained), None)
    return _gain(record, product, rival)


def _over_baselines(record: RunRecord) -> Gain | None:
    """The product over the baseline with the highest figure."""
    product, figures = record.product.variant, {}
    for name in record.baselines:
        figure = record.variants[name].figure("test", METRIC)
        if figure is not None and name != product:
            figures[name] = figure.mean
    best = max(figures, key=figures.__getitem__, default=None)
    return _gain(record, product, best)


def _gain(record: RunRecord, product: str, rival: str | None) -> Gain | None:
    """The product over a rival, turned around if the record compares the rival with the product."""
    for one in gains_of(record, METRIC):
        if (one.variant, one.rival) == (product, rival):
            return one
        if (one.variant, one.rival) == (rival, product):
            return one.turned()
    return None


def cell_facts(cell: CellRecord) -> list[str]:
    """Return data, protocol and settings of a cell, and what is special about its variants."""
    record = cell.metrics
    protocol = record.protocol
    facts = [
        f"{' + '.join(cell.sources)} → {record.domain}: {record.users:,} users, {record.items:,} items, "
        f"{record.interactions:,} interactions, {protocol.test_users:,} of the users tested; "
        f"{record.coverage.share:.0%} of the items have an anchor.",
        f"Loss {cell.loss}; {protocol.split}; selection by {protocol.selection}; prompts see {protocol.prompts_see}; "
        f"repeats {protocol.repeats}; full ranking over {protocol.full}; sampled: {protocol.sampled}; "
        f"seeds {', '.join(map(str, record.seeds))}"
        + (f"; {record.threads} CPU thread{'s' if record.threads > 1 else ''}." if record.threads else "."),
    ]
    if any(len(seeds) < len(record.seeds) for seeds in record.few_seeds.values()):
        facts.append("Variants with fewer seeds are compared with others over the seeds that both have.")
    if record.few_seeds:
        facts.append("The product is chosen among the variants with all seeds.")
    if record.skipped:
        facts.append("Skipped: " + "; ".join(f"`{name}` ({reason})" for name, reason in record.skipped.items()) + ".")
    return facts


def published_note(cell: CellRecord) -> str:
    """Say whose figures stand beside ours, and what differs; nothing if there are none."""
    if cell.published is None:
        return ""
    return f"Published figures: {cell.published.source}. What differs: {'; '.join(cell.published.differs)}."
