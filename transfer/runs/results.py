"""From what adapting found out to the record that is written to `metrics.json`."""

from __future__ import annotations

import numpy as np
import torch

from domains.domain import Domain
from recipes.schema import Recipe
from transfer.evaluation.summary import beyond_accuracy, compare_all, protocol_record, variant_metrics
from transfer.report.record import (
    CoverageRecord,
    ProductRecord,
    RunRecord,
    Spread,
    VariantParts,
    VariantRecord,
    parts_of,
)
from transfer.runs.adapt import Adapted, pairs_to_compare
from transfer.terms.counts import popularity
from transfer.variants import BASELINES, parse_variant

COMPARED_ON = "full/ndcg@10"


def summarise(recipe: Recipe, domain: Domain, adapted: Adapted) -> RunRecord:
    """Return the contents of `metrics.json`."""
    variants = _variants(recipe, adapted)
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
        baselines=tuple(name for name in names if name in BASELINES),
        skipped=adapted.skipped,
        product=_product(recipe, adapted, variants),
        comparisons=tuple(
            compare_all(pairs_to_compare(names), adapted.rankings, COMPARED_ON, recipe.evaluation.cutoffs)
        ),
        example_user=str(domain.user_ids[int(tested[0]) if len(tested) else 0].as_py()),
        threads=torch.get_num_threads(),
    )


def _variants(recipe: Recipe, adapted: Adapted) -> dict[str, VariantRecord]:
    counts, found = popularity(adapted.split), {}
    for name, rankings in adapted.rankings.items():
        stages = variant_metrics(rankings, recipe.evaluation.cutoffs)
        parts, base = VariantParts(architecture=name), None
        if name not in BASELINES:
            variant = parse_variant(name, recipe.items.channels)
            parts = parts_of(variant)
            base = variant.base.name if variant.base.name != name and variant.base.name in adapted.rankings else None
        found[name] = VariantRecord(
            label=name,
            parts=parts,
            base=base,
            validation=stages["validation"],
            test=stages["test"],
            beyond=beyond_accuracy(rankings, counts),
            selection=Spread.of(adapted.validation[name]),
            kept_epochs=adapted.kept_epochs.get(name),
        )
    return found


def _product(recipe: Recipe, adapted: Adapted, variants: dict[str, VariantRecord]) -> ProductRecord:
    chosen_by = {name: variant.selection.mean for name, variant in variants.items()}
    product = adapted.product.name
    trained = sorted((name for name in variants if name not in BASELINES), key=chosen_by.__getitem__, reverse=True)
    others = [name for name in trained if name != product and variants[name].parts.interests != "shuffled"]
    return ProductRecord(
        variant=product,
        seed=adapted.best_seed[product],
        metric=recipe.training.metric,
        validation=chosen_by[product],
        runner_up=others[0] if others else None,
        margin=chosen_by[product] - chosen_by[others[0]] if others else None,
        beaten_by=tuple(
            name for name in variants if name in BASELINES and chosen_by[name] > chosen_by[product]
        ),
    )
