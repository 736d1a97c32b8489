"""Interests as vectors: an independent formula, any form of interests, generators that move between vocabularies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_sparse
from transfer_cases import small_domain, successor_histories

from domains.errors import InputError
from recipes.load import check_recipe
from recipes.settings import PromptSettings, S2IDMSettings
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.training import SourceInterests, train_s2idm
from transfer.interests.forms import NoInterests, RawInterests
from transfer.interests.space import VectorInterests, reading_vectors
from transfer.items.tower import ItemFeatures
from transfer.model.assembly import assemble
from transfer.runs.source_encoder import start_from_source, train_source_encoder
from transfer.runtime import Runtime
from transfer.variants import parse_variant

QUICK = {"loss": "softmax", "base_epochs": 2, "epochs": 2, "patience": 5}


def recipe(**more):
    data = {
        "sources": "books",
        "prompts": {"reads": "vectors"},
        "source_encoder": {"channels": ["anchors"], "epochs": 2, "prompts": True},
        "encoder": {"dim": 8, "max_length": 10},
        "training": QUICK,
    }
    return check_recipe(data | more, "here")


def test_a_users_vector_is_the_unit_mean_of_its_anchors_vectors():
    matrix = csr_matrix(random_sparse(9, 7, 0.4, random_state=0, dtype=np.float32))
    anchors = torch.randn(7, 5, generator=torch.Generator().manual_seed(0))
    made = VectorInterests(RawInterests(matrix), 9, anchors)
    expected = matrix.toarray() @ anchors.numpy()
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    expected = expected / np.where(lengths == 0, 1, lengths) * np.sqrt(5)
    users = torch.tensor([8, 0, 3])
    np.testing.assert_allclose(made.rows(users).numpy(), expected[[8, 0, 3]], rtol=1e-4, atol=1e-5)
    weight = torch.randn(4, 5)
    torch.testing.assert_close(made.project(users, weight), made.rows(users) @ weight.t())
    assert made.width == 5
    assert not VectorInterests(NoInterests(7), 9, anchors).rows(users).any()


def test_rare_anchors_say_more():
    vectors = torch.eye(3)
    read = reading_vectors(PromptSettings(reads="vectors"), vectors, np.array([1, 2, 4], np.float32), whitening=0)
    torch.testing.assert_close(read, torch.diag(torch.tensor([1.0, 2.0, 4.0])))
    assert reading_vectors(PromptSettings(), vectors, np.ones(3, np.float32), 0) is None
    assert reading_vectors(PromptSettings(reads="vectors"), None, np.ones(3, np.float32), 0) is None


def learned(settings):
    """What a source of 30 users and 12 items, each with an anchor of its own, teaches."""
    domain = small_domain(successor_histories(30, 12, 6))
    torch.manual_seed(0)
    s2idm = S2IDM(12, S2IDMSettings(hidden=6)).eval()
    anchors, vectors = csr_matrix(np.eye(12, dtype=np.float32)), torch.randn(12, 5)
    idf = np.ones(12, np.float32)
    return train_source_encoder(settings, [domain], [anchors], idf, s2idm, vectors, None, Runtime(), lambda _: None)


def test_generators_learned_on_a_source_start_those_of_a_target_with_other_anchors():
    settings = recipe()
    weights = learned(settings).weights
    assert weights["conditioner.inner_weight"].shape == (3 * 8, 5), "as wide as a vector, not as the vocabulary"
    variant = parse_variant("sasrec+no-id+anchors+source+ipe+s2idm")
    other = ItemFeatures(4, csr_matrix(np.eye(4, 12, dtype=np.float32)), None, None, None)
    model = assemble(variant, settings, other, 5, seed=3)
    start_from_source(model, weights, settings.source_encoder)
    for name, value in model.conditioner.state_dict().items():
        torch.testing.assert_close(value, weights[f"conditioner.{name}"])
    wider = assemble(variant, settings, other, 12, seed=3)
    before = wider.conditioner.inner_weight.clone()
    start_from_source(wider, weights, settings.source_encoder)
    torch.testing.assert_close(wider.conditioner.inner_weight, before)


def test_learning_generators_leaves_the_source_encoder_as_it_was():
    without = learned(recipe(source_encoder={"channels": ["anchors"], "epochs": 2})).weights
    having = learned(recipe()).weights
    assert {name for name in having if name not in without} == {
        f"conditioner.{name}" for name in ("inner_weight", "inner_bias", "outer_weight", "outer_bias", "gate")
    }
    for name, value in without.items():
        torch.testing.assert_close(having[name], value)


def test_generators_over_anchors_cannot_move():
    with pytest.raises(InputError, match=r"prompts\.reads: vectors"):
        recipe(prompts={})


def test_half_precision_learns_what_full_precision_learns():
    matrix = csr_matrix(random_sparse(120, 40, 0.2, random_state=0, dtype=np.float32))
    losses = {}
    for precision in ("float32", "bf16"):
        log = []
        settings = S2IDMSettings(hidden=16, epochs=4, learning_rate=0.01, batch_size=20, precision=precision)
        model = train_s2idm([SourceInterests("x", matrix, matrix)], settings, 0, Runtime(), log.append)
        assert model.denoiser.outer.weight.dtype == torch.float32
        losses[precision] = [entry["held_out"]["x"] for entry in log]
    assert losses["float32"][-1] < 0.9 * losses["float32"][0]
    np.testing.assert_allclose(losses["bf16"], losses["float32"], rtol=0.03)
