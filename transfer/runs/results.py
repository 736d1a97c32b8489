"""Summary of a run's results as the record for `metrics.json`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recipes.schema import Recipe
from transfer.evaluation.summary import beyond_accuracy, compare_all, protocol_record, variant_metrics
from transfer.evaluation.target_groups import target_groups
from transfer.report.run_record import (
    CoverageRecord,
    ProductRecord,
    RunRecord,
    Spread,
    VariantRecord,
    common_threads,
    parts_of,
)
from transfer.runs.adapt import Adapted
from transfer.runs.checks import compared_labels, is_baseline
from transfer.runs.plan import Plan
from transfer.terms.counts import popularity
from transfer.variants import Variant

COMPARED_ON = "full/ndcg@10"


def summarise(plan: Plan, adapted: Adapted) -> RunRecord:
    """Return the contents of `metrics.json`."""
    recipe, domain = plan.recipe, plan.domain
    values = {one.label: one for one in plan.variants if one.label in adapted.rankings}
    variants = _variants(recipe, adapted, values)
    names = list(variants)
    tested = np.flatnonzero(adapted.split.test >= 0)
    return RunRecord(
        domain=domain.name,
        users=domain.n_users,
        items=domain.n_items,
        interactions=domain.n_interactions,
        seeds=recipe.seeds,
        protocol=protocol_record(recipe, adapted.split),
        coverage=CoverageRecord(**adapted.items.coverage.as_dict()),
        variants=variants,
        baselines=tuple(name for name in names if is_baseline(values[name])),
        skipped=adapted.skipped,
        product=_product(recipe, adapted, variants, values),
        comparisons=tuple(
            compare_all(
                compared_labels(list(values.values())), adapted.rankings, COMPARED_ON, recipe.evaluation.cutoffs
            )
        ),
        target_groups=target_groups(adapted.rankings, adapted.split, recipe.evaluation.cutoffs),
        example_user=str(domain.user_ids[int(tested[0]) if len(tested) else 0].as_py()),
        threads=common_threads(variants.values()),
    )


def _variants(recipe: Recipe, adapted: Adapted, values: Mapping[str, Variant]) -> dict[str, VariantRecord]:
    counts, found = popularity(adapted.split), {}
    for name, rankings in adapted.rankings.items():
        stages = variant_metrics(rankings, recipe.evaluation.cutoffs)
        base = values[name].base.label
        found[name] = VariantRecord(
            label=name,
            parts=parts_of(values[name]),
            base=base if base != name and base in adapted.rankings else None,
            validation=stages["validation"],
            test=stages["test"],
            beyond=beyond_accuracy(rankings, counts),
            selection=Spread.of(adapted.validation[name]),
            kept_epochs=adapted.kept_epochs.get(name),
            threads=adapted.threads.get(name),
        )
    return found


def _product(
    recipe: Recipe, adapted: Adapted, variants: Mapping[str, VariantRecord], values: Mapping[str, Variant]
) -> ProductRecord:
    product = adapted.product.label
    validation = {name: one.selection.mean for name, one in variants.items() if values[name].is_serving}
    return ProductRecord.of(product, adapted.best_seed[product], recipe.training.metric, validation)
