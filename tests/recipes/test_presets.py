"""The preset of the paper holds what the paper and its authors' release say, whatever the defaults become."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import pytest

from recipes.load import check_recipe
from recipes.presets import PRESETS, with_preset
from recipes.schema import Recipe, default_variants, resolved
from transfer.diffusion.settings import S2IDMSettings
from transfer.items.settings import ItemSettings
from transfer.training.settings import ADAM_BETAS, LEARNING_RATE_DECAY

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"

SAID = {
    # S2IDM
    "interests.w_min": 0.1,
    "interests.w_max": 0.5,
    "interests.transform": "none",
    "s2idm.kind": "gaussian",
    "s2idm.objective": "reconstruct",
    "s2idm.dropout": 0.5,
    "s2idm.time_embedding": 10,
    "s2idm.hidden": 1000,
    "s2idm.steps": 10,
    "s2idm.noise_scale": 0.1,  # on Electronic
    "s2idm.noise_min": 0.0005,
    "s2idm.noise_max": 0.005,
    "s2idm.learning_rate": 5e-5,
    "s2idm.weight_decay": 0.1,
    "s2idm.batch_size": 400,
    # IPE
    "prompts.count": 3,
    "prompts.start": "paper",
    "prompts.sees": "train",
    # SASRec and training
    "encoder.dim": 64,
    "encoder.blocks": 2,
    "encoder.heads": 1,
    "encoder.dropout": 0.2,
    "encoder.max_length": 200,
    "items.channels": ("id",),
    "score.similarity": "cosine",
    "score.temperature": 10.0,
    "training.loss": "bce",
    "training.drawn": 1,
    "training.learning_rate": 0.005,  # on Home
    "training.weight_decay": 0.0,
    "training.batch_size": 512,
    "training.steps": 1,  # batches are never made smaller
    "training.base": "trained",
    "training.keeps_base": False,
    "training.precision": "float32",
    # words and evaluation
    "vocabulary.fields": ("title",),
    "vocabulary.collocations": 0,
    "unseen": None,
    "evaluation.split": "leave-one-out",
    "evaluation.negatives": 999,
    "evaluation.new_items": 0.0,
    "shots": 1.0,
}


def paper(**settings):
    return check_recipe({"sources": ["books"], "target": "films", "preset": "paper", **settings}, "here")


@pytest.mark.parametrize("key", SAID)
def test_each_value_is_that_of_the_paper(key):
    assert reduce(getattr, key.split("."), paper()) == SAID[key]


def test_what_is_no_setting_is_that_of_the_paper():
    assert ADAM_BETAS == (0.9, 0.98)
    assert LEARNING_RATE_DECAY == 0.99
    fixed = {
        "step_sampling": "importance",
        "sampling_history": 10,
        "sampling_uniform": 0.001,
        "source_temperature": 1.0,
    }
    assert dict(S2IDMSettings.fixed) == fixed
    assert dict(ItemSettings.fixed) == {"id_dropout": 0.0}


def test_no_variant_of_the_paper_has_a_late_term():
    assert not any("terms" in name or "matching" in name for name in paper().variants)
    assert "sasrec+ipe+s2idm" in paper().variants


def test_all_users_validate():
    assert paper().training.validation_users >= 10**9


def test_what_differs_from_the_paper_is_on_the_page():
    """Every key of the preset is explained there, and so is every default that nobody took back."""
    text = PAGE.read_text(encoding="utf-8").partition("## The paper's preset")[2].partition("\n## ")[0]
    named = [f"{group}.{key}" for group, inner in PRESETS["paper"].items() if isinstance(inner, dict) for key in inner]
    named += [key for key, value in PRESETS["paper"].items() if not isinstance(value, dict)]
    assert [key for key in named if f"`{key}`" not in text] == []


def test_back_to_the_default_preset_leaves_nothing_of_the_paper():
    back = check_recipe(with_preset(resolved(paper()), "strong"), "here")
    assert back == Recipe.model_validate({"sources": ["books"], "target": "films"})
    assert back.variants == default_variants(["books"])
    assert back.unseen is not None
    assert paper(unseen={"nearest": 2}).unseen.nearest == 2
