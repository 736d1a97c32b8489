"""The product is what validation prefers, and simpler where the lead may be chance."""

from __future__ import annotations

import numpy as np
import pytest

from transfer.evaluation.ranking import Ranking
from transfer.runs.product_choice import choose_product, choosing_values
from transfer.variants import parse_variant

SASREC, TERMS, BOTH = (parse_variant(label) for label in ("sasrec", "matching", "sasrec+matching"))


def values(**means):
    """Users whose metric is 0 or 1, with these means."""
    users = np.arange(100)
    return {name: (users < 100 * mean).astype(float) for name, mean in means.items()}


def test_a_clear_lead_wins():
    of = values(sasrec=0.3, both=0.6, terms=0.4)
    found = choose_product(
        [SASREC, TERMS, BOTH], {"sasrec": of["sasrec"], "matching": of["terms"], "sasrec+matching": of["both"]}
    )
    assert found == BOTH


def test_what_is_within_one_standard_error_and_simpler_is_preferred():
    generator = np.random.default_rng(0)
    noise = generator.random(400)
    best, close = noise, noise - 0.001 + 0.2 * (generator.random(400) - 0.5)
    found = choose_product([BOTH, TERMS], {"sasrec+matching": best, "matching": close})
    assert found == TERMS
    assert choose_product([BOTH, TERMS], {"sasrec+matching": best, "matching": close - 0.1}) == BOTH


def test_late_terms_alone_are_simpler_than_beside_a_baseline():
    beside, alone = parse_variant("recent+terms"), parse_variant("terms")
    generator = np.random.default_rng(0)
    best = generator.random(400)
    close = best - 0.001 + 0.2 * (generator.random(400) - 0.5)
    assert choose_product([beside, alone], {"recent+terms": best, "terms": close}) == alone


def test_equals_go_to_fewer_parts_and_then_to_the_larger_mean():
    same = np.array([0.0, 1.0, 0.5])
    assert choose_product([BOTH, SASREC], {"sasrec+matching": same, "sasrec": same}) == SASREC
    gru = parse_variant("gru4rec")
    better = same + np.array([0.0, 0.0, 0.01])
    assert choose_product([SASREC, gru], {"sasrec": same, "gru4rec": better}) == gru


def test_values_are_of_the_choosing_users_and_averaged_over_seeds():
    users, full = np.array([3, 5, 9]), np.array([0, 1, 20])
    one = Ranking(
        users=users, sampled=full, full=full, sampled_candidates=np.full(3, 50), full_candidates=np.full(3, 50)
    )
    two = Ranking(
        users=users, sampled=full + 1, full=full + 1, sampled_candidates=np.full(3, 50), full_candidates=np.full(3, 50)
    )
    found = choosing_values([one, two], np.array([5, 9]), "full/ndcg@10", (10,))
    gain = [1 / np.log2(rank + 2) for rank in (1, 2)]
    assert found == pytest.approx([np.mean(gain), 0.0])


def test_late_terms_alone_go_before_a_list_for_everyone():
    same = np.array([0.0, 1.0, 0.5, 0.2])
    popular = parse_variant("popular")
    assert choose_product([popular, TERMS, BOTH], {"popular": same, "matching": same, "sasrec+matching": same}) == TERMS


@pytest.mark.parametrize(("users", "chosen"), [(50, TERMS), (5000, SASREC)])
def test_few_users_need_a_larger_lead_without_late_terms(users, chosen):
    assert choose_product([SASREC, TERMS], {"sasrec": lead_of(users), "matching": np.zeros(users)}) == chosen


def test_with_late_terms_a_standard_error_is_enough():
    assert choose_product([BOTH, TERMS], {"sasrec+matching": lead_of(50), "matching": np.zeros(50)}) == BOTH


def test_a_list_for_everyone_does_not_win_because_it_is_simpler():
    """A model with late terms leads; late terms alone and the most popular items are behind it by different amounts."""
    popular, lead = parse_variant("popular"), lead_of(50)
    noise = np.random.default_rng(2).normal(size=50)
    of = {"sasrec+matching": lead, "matching": np.zeros(50), "popular": lead + noise - noise.mean() - 0.01}
    assert choose_product([popular, TERMS, BOTH], of) == BOTH


def lead_of(users):
    """A metric whose mean is one and a half standard errors."""
    lead = np.random.default_rng(1).normal(size=users)
    return (lead - lead.mean()) / lead.std(ddof=1) + 1.5 / np.sqrt(users)
