"""From ranks to what `metrics.json` holds."""

from __future__ import annotations

import numpy as np
import pytest
from transfer_cases import small_domain

from domains.split import leave_one_out, temporal
from recipes.schema import Recipe
from transfer.evaluation.ranking import Ranking
from transfer.evaluation.summary import compare_all, protocol_record, seed_values, variant_metrics


def ranking(full, sampled=None, items=20):
    full = np.array(full)
    sampled = full if sampled is None else np.array(sampled)
    return Ranking(
        users=np.arange(len(full)),
        sampled=sampled,
        full=full,
        sampled_candidates=np.full(len(full), 8),
        full_candidates=np.full(len(full), items),
    )


def by_stage(*rankings):
    return {"validation": list(rankings), "test": list(rankings)}


def test_metrics_have_the_documented_shape():
    found = variant_metrics(by_stage(ranking([0, 9]), ranking([0, 0])), (5, 10))
    assert set(found) == {"validation", "test"}
    for stage in found.values():
        assert set(stage) == {"sampled", "full"}
        for protocol in stage.values():
            assert set(protocol) == {"ndcg@5", "ndcg@10", "hit@5", "hit@10", "mrr", "auc"}
    hits = found["test"]["full"]["hit@5"].as_dict()
    assert hits == {"mean": 0.75, "std": pytest.approx(np.sqrt(0.125)), "values": [0.5, 1.0]}


def test_protocols_are_not_mixed_up():
    found = variant_metrics(by_stage(ranking([0, 19], [7, 7])), (5,))["test"]
    assert found["full"]["hit@5"].mean == 0.5
    assert found["sampled"]["hit@5"].mean == 0.0
    assert found["full"]["auc"].mean == pytest.approx(0.5)
    assert found["sampled"]["auc"].mean == pytest.approx(0.0)
    assert found["full"]["auc"].std == 0.0


def test_values_of_every_seed_and_user():
    rankings = [ranking([0, 9], [3, 3]), ranking([1, 30], [0, 0])]
    np.testing.assert_allclose(seed_values(rankings, "full/hit@10", (10,)), [[1, 1], [1, 0]])
    np.testing.assert_allclose(seed_values(rankings, "sampled/mrr", (10,)), [[0.25, 0.25], [1, 1]])


def test_a_baseline_is_compared_with_every_seed():
    rankings = {"sasrec": by_stage(ranking([0, 2, 4]), ranking([1, 0, 3])), "popular": by_stage(ranking([5, 6, 1]))}
    (found,) = compare_all([("sasrec", "popular")], rankings, "full/mrr", (10,))
    ours = np.array([[1, 1 / 3, 1 / 5], [1 / 2, 1, 1 / 4]])
    theirs = np.array([1 / 6, 1 / 7, 1 / 2])
    assert found.seeds == 2
    assert found.difference == pytest.approx(float((ours - theirs).mean()))
    assert (found.variant, found.baseline, found.stage, found.metric) == ("sasrec", "popular", "test", "full/mrr")


def test_a_target_without_tests_is_not_compared():
    nobody = by_stage(ranking(np.empty(0, np.int64)))
    assert compare_all([("a", "b")], {"a": nobody, "b": nobody}, "full/mrr", (10,)) == []


def recipe(**settings):
    return Recipe.model_validate({"sources": ["books"], "target": "films", **settings})


def test_the_note_counts_ties_of_held_out_items():
    domain = small_domain([[2, 0, 1, 3], [3, 1, 0]], times=[[1, 5, 5, 9], [7, 7, 7]])
    order = protocol_record(recipe(), leave_one_out(domain)).order
    assert order is not None
    # Held out: 1 (tied, after 0), 3 (after 1); 1 (tied, after 3), 0 (tied, after 1).
    assert (order.held_out, order.held_out_tied, order.held_out_ascending) == (4, 3, 2)
    assert (order.neighbours, order.neighbours_tied, order.neighbours_ascending) == (5, 3, 2)
    assert order.ties == "file"
    random = protocol_record(
        recipe(target={"loader": "bundled", "dataset": "films", "prepare": {"ties": "random"}}), leave_one_out(domain)
    )
    saved = protocol_record(recipe(target={"loader": "saved", "folder": "there"}), leave_one_out(domain))
    assert (random.order.ties, saved.order.ties) == ("random", None)


def test_the_note_says_what_was_ranked_against_what():
    once = protocol_record(recipe(), leave_one_out(small_domain([[0, 1, 2]])))
    kept = protocol_record(recipe(), leave_one_out(small_domain([[0, 1, 0]], repeats=True)))
    assert (once.full, once.repeats) == ("all items but those the user had before", "removed")
    assert (kept.full, kept.repeats) == ("all items but those the user had at the same time", "kept")
    assert once.selection == "validation full/ndcg@10, on the users that train"
    assert once.sampled == "all 2 other items, each once"
    many = protocol_record(recipe(), leave_one_out(small_domain([[0, 1, 2]], n_items=2000)))
    assert many.sampled == "999 uniform negatives (any item but the target)"
    assert once.prompts_see == "train-minus-last"
    assert once.ties == "count against the target"
    assert (once.split, once.shots, once.training_users) == ("leave-one-out", 1.0, 1)
    late = protocol_record(recipe(), temporal(small_domain([[0, 1, 2], [2, 1]], [[1, 2, 9], [1, 2]]), (2, 3)))
    assert (late.training_users, late.validation_users, late.test_users) == (2, 2, 1)
