"""Masked S2IDM: anchors vanish as the schedule says, the loss is the bound's, and the same interface serves both."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from transfer.diffusion.masked import MaskedS2IDM, make_s2idm
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.s2idm_training import SourceInterests, train_s2idm
from transfer.diffusion.settings import S2IDMSettings
from transfer.runs.source_artifact import SourceArtifact
from transfer.runtime import Runtime
from vocab.settings import VocabularySettings
from vocab.vocabulary import SememeVocabulary


def settings(**changes):
    return S2IDMSettings(**{"kind": "masked", "hidden": 16, "steps": 4, "dropout": 0.0, "batch_size": 32} | changes)


def model_of(anchors=6, **changes):
    torch.manual_seed(0)
    return make_s2idm(anchors, settings(**changes)).eval()


class Watching(torch.nn.Module):
    """A denoiser that notes what it was shown, and answers with fixed logits."""

    def __init__(self, logit):
        super().__init__()
        self.logit, self.shown = logit, []
        self.outer = torch.nn.Linear(1, 1)

    def forward(self, noisy, steps):
        self.shown.append((noisy.clone(), steps.clone()))
        return torch.full_like(noisy, self.logit)


def test_the_setting_chooses():
    assert type(model_of()) is MaskedS2IDM
    assert type(make_s2idm(3, S2IDMSettings(hidden=4))) is S2IDM


def test_a_share_of_t_by_T_has_vanished_at_step_t():
    model = model_of(500)
    model.denoiser = Watching(0.0)
    inputs = torch.zeros(400, 500)
    inputs[:, ::2] = 0.7
    for step in range(4):
        steps = torch.full((400,), step)
        noise = torch.randn(400, 500, generator=torch.Generator().manual_seed(step))
        model.loss(inputs, inputs, steps, noise)
        shown = model.denoiser.shown[-1][0]
        assert ((shown == 0) | (shown == inputs)).all()
        assert (shown[:, 1::2] == 0).all(), "nothing appears that was not there"
        assert float((shown[:, ::2] > 0).float().mean()) == pytest.approx(1 - (step + 1) / 4, abs=0.01)


def test_the_loss_counts_what_is_not_visible_and_weighs_it_by_one_over_t():
    model = model_of(4)
    model.denoiser = Watching(0.3)
    inputs = torch.tensor([[0.5, 0.0, 0.2, 0.0]]).repeat(2, 1)
    targets = torch.tensor([[0.5, 0.9, 0.2, 0.0]]).repeat(2, 1)
    # At step 1 of 4 half stays: noise below 0 keeps.
    noise = torch.tensor([[-1.0, -1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]])
    found = model.loss(inputs, targets, torch.tensor([1, 1]), noise)
    miss, present = np.log1p(np.exp(0.3)), np.log1p(np.exp(-0.3))
    assert found[0].item() == pytest.approx((present + present + miss) / 4 / 2, rel=1e-5)
    assert found[1].item() == pytest.approx((present + present + present + miss) / 4 / 2, rel=1e-5)


def test_the_reverse_process_by_hand():
    model = model_of(3)
    model.denoiser = Watching(0.0)
    interests = csr_matrix(np.array([[0.4, 0.0, 0.2], [0.0, 0.0, 0.0]], np.float32))
    found = model.diffuse(interests).rows(torch.arange(2)).numpy()
    chance = 1.0
    for step in (4, 3, 2, 1):
        chance *= 1 - 0.5 / step
    np.testing.assert_allclose(found[0], [0.4, (1 - chance) * 0.3, 0.2], rtol=1e-5)
    assert (found[1] == 0).all(), "no weight to lend where nothing was met"
    assert [int(steps[0]) for _, steps in model.denoiser.shown] == [3, 2, 1, 0]


def test_a_model_of_what_follows_takes_one_step():
    model = model_of(3, objective="next")
    model.denoiser = Watching(0.0)
    found = model.diffuse(csr_matrix(np.array([[0.4, 0.0, 0.2]], np.float32))).rows(torch.arange(1)).numpy()
    np.testing.assert_allclose(found[0], [0.4, 0.5 * 0.3, 0.2], rtol=1e-5)
    assert [int(steps[0]) for _, steps in model.denoiser.shown] == [0]


def test_kept_and_formed_interests_agree():
    model = model_of(6)
    interests = csr_matrix(np.random.default_rng(0).random((9, 6), np.float32) * (np.arange(54).reshape(9, 6) % 3 == 0))
    kept = model.diffuse(interests, batch_size=4)
    formed = model.diffuse(interests, dense_budget=0)
    users = torch.tensor([8, 0, 3])
    tolerance = 1e-6
    assert torch.allclose(kept.rows(users), formed.rows(users), atol=tolerance)
    weight = torch.randn(5, 6)
    assert torch.allclose(formed.project(users, weight), formed.rows(users) @ weight.t(), atol=1e-6)
    assert formed.width == 6


def test_training_learns_which_anchors_go_together():
    generator = np.random.default_rng(0)
    rows = np.zeros((200, 8), np.float32)
    for user in range(200):
        rows[user, generator.permutation(4)[:3] + 4 * (user % 2)] = 0.5
    matrix = csr_matrix(rows)
    training = settings(epochs=40, learning_rate=0.01, patience=40)
    model = train_s2idm([SourceInterests(name="pairs", inputs=matrix, targets=matrix)], training, 0, Runtime())
    found = model.diffuse(matrix).rows(torch.arange(200)).numpy()
    own = np.stack([found[user, 4 * (user % 2) : 4 * (user % 2) + 4] for user in range(200)])
    other = np.stack([found[user, 4 - 4 * (user % 2) : 8 - 4 * (user % 2)] for user in range(200)])
    assert own.min(axis=1).mean() > 2 * other.max(axis=1).mean()


def test_an_artifact_remembers_its_kind(tmp_path):
    vocabulary = SememeVocabulary.build({"d": ["red car", "red bus", "blue car"]}, VocabularySettings(max_share=1.0))
    model = model_of(len(vocabulary))
    from recipes.load import check_recipe
    from recipes.schema import resolved
    from transfer.interests.settings import InterestSettings

    recipe = resolved(check_recipe({"sources": ["books"]}, "test"))
    artifact = SourceArtifact(
        vocabulary=vocabulary, s2idm=model, interests=InterestSettings(), domains=(), seed=0, recipe=recipe
    )
    artifact.write(tmp_path)
    again = SourceArtifact.read(tmp_path).s2idm
    assert type(again) is MaskedS2IDM
    interests = csr_matrix(np.eye(len(vocabulary), dtype=np.float32))
    users = torch.arange(len(vocabulary))
    assert torch.equal(again.diffuse(interests).rows(users), model.diffuse(interests).rows(users))
