"""The script that fills the results page from experiments."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.stats import ttest_1samp

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)
    return pytest.importorskip("fill_results")


def variant(*values):
    return {"test": {"full": {"ndcg@10": {"mean": sum(values) / len(values), "values": list(values)}}}}


VARIANTS = {
    "popular": variant(0.1), "never": variant(0.0), "sasrec": variant(0.2, 0.25, 0.33), "sasrec+s2idm": variant(0.3),
    "sasrec+matching": variant(0.3, 0.35, 0.36), "sasrec+anchors": variant(0.3, 0.35, 0.36),
}  # fmt: skip


def test_gains_over_seeds_have_a_test_where_there_is_something_to_test(script):
    def gain(rival):
        return script.seed_gain(VARIANTS, "sasrec+matching", rival)

    p_value = ttest_1samp([0.1, 0.1, 0.03], 0).pvalue
    assert gain("sasrec") == f"+29.5% (p {p_value:.3f})"
    assert gain("popular") == f"+236.7% (p {ttest_1samp([0.2, 0.25, 0.26], 0).pvalue:.3f})"
    assert gain("sasrec+anchors") == "+0.0%"
    assert gain("never").startswith("(p ")
    assert gain("sasrec+matching") == gain("unknown") == ""


def test_the_choice_is_held_against_what_has_as_many_seeds(script):
    metrics = {
        "variants": VARIANTS, "baselines": ["popular"], "few_seeds": {"sasrec+s2idm": [0]}, "seeds": [0, 1, 2],
        "protocol": {"shots": 0.05}, "product": {"variant": "sasrec+matching"},
    }  # fmt: skip
    record = {"cells": [{"label": "a to b", "protocol_name": "", "metrics": metrics}]}
    rivals = [line.split("`")[1] for line in script.choices(record).splitlines() if line.startswith("| over")]
    assert rivals == ["popular", "never", "sasrec", "sasrec+anchors"]
