"""Training S2IDM: it learns which sememes go together, repeats, and gives many domains their share."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refusal
from scipy.sparse import csr_matrix
from transfer_cases import random_histories, small_domain

from recipes.load import check_recipe
from transfer.diffusion import s2idm_training
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.s2idm_training import SourceInterests, train_s2idm
from transfer.diffusion.settings import S2IDMSettings
from transfer.items.sentence_vectors import Semantics
from transfer.runs.fit_source import fit_source
from transfer.runs.plan import plan_of
from transfer.runtime import Runtime
from transfer.sparse import SparseRows

Q = 12


def pairs(users=300, seed=0):
    """Sememes come in pairs (0, 1), (2, 3), ...: who has one has the other."""
    chosen = np.random.default_rng(seed).integers(0, Q // 2, users)
    dense = np.zeros((users, Q), dtype=np.float32)
    dense[np.arange(users), 2 * chosen] = 0.5
    dense[np.arange(users), 2 * chosen + 1] = 0.5
    return csr_matrix(dense)


def settings(**changes):
    return S2IDMSettings(
        **{"hidden": 32, "learning_rate": 0.01, "weight_decay": 0.0, "batch_size": 50, "epochs": 12, **changes}
    )


def source(matrix, name="books"):
    return SourceInterests(name=name, inputs=matrix, targets=matrix)


def trained(sources, chosen, seed=0, **options):
    log = []
    model = train_s2idm(sources, chosen, seed, Runtime(), log.append, **options)
    return model, log


def test_diffusion_gives_the_sememe_that_goes_with_the_one_known():
    model, log = trained([source(pairs())], settings(epochs=100, hidden=64, patience=100))
    assert log[-1]["held_out"]["books"] < 0.1 * log[0]["held_out"]["books"]
    half = np.zeros((Q // 2, Q), dtype=np.float32)
    half[np.arange(Q // 2), 2 * np.arange(Q // 2)] = 0.5
    found = model.diffuse(csr_matrix(half)).rows(torch.arange(Q // 2))
    for pair in range(Q // 2):
        others = np.delete(np.arange(Q), [2 * pair, 2 * pair + 1])
        assert found[pair, 2 * pair + 1] > 2 * found[pair, others].max()


def test_it_predicts_what_comes_next_where_it_is_told_to():
    matrix = pairs()
    shifted = csr_matrix(np.roll(matrix.toarray(), 2, axis=1))
    model, log = trained(
        [SourceInterests(name="books", inputs=matrix, targets=shifted)], settings(epochs=100, hidden=64, patience=100)
    )
    assert log[-1]["held_out"]["books"] < 0.1 * log[0]["held_out"]["books"]
    with torch.no_grad():
        predicted = model.denoiser(torch.from_numpy(matrix.toarray()), torch.arange(300) % 10)
    assert (predicted.argmax(1).numpy() // 2 == shifted.toarray().argmax(1) // 2).mean() > 0.95


def test_a_user_after_whom_nothing_comes_does_not_teach_that_nothing_comes_next(monkeypatch):
    monkeypatch.setattr(Semantics, "find", classmethod(lambda cls, settings, runtime: None))
    histories = random_histories(np.random.default_rng(0), users=30, items=6, low=3, high=6)
    titles = ["dragon castle", "dragon robot", "castle robot", "dragon planet", "planet castle", "robot planet"]
    recipe = check_recipe(
        {
            "sources": "books",
            "vocabulary": {"min_items": 1, "max_share": 1.0},
            "s2idm": {"hidden": 8, "epochs": 2, "steps": 3, "batch_size": 8, "objective": "next"},
        },
        "test",
    )
    several, more = (
        fit_source(plan_of(recipe, [small_domain(users, titles=titles)]), Runtime()).artifact.s2idm.state_dict()
        for users in (histories, [*histories, *([item] for item in range(6))])
    )
    for name, weight in several.items():
        assert torch.equal(weight, more[name]), name


def test_one_seed_gives_one_model_to_the_bit():
    first, again, other = (trained([source(pairs())], settings(epochs=3), seed)[0].state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_the_held_out_loss_has_the_same_noise_every_epoch_and_spreads_the_steps():
    model, matrix = S2IDM(Q, settings(steps=3, dropout=0.5)), SparseRows.from_csr(pairs(2200))
    targets, rows = SparseRows.from_csr(pairs(2200, seed=1)), torch.arange(5, 2150)
    found = [s2idm_training._held_out_loss(model.train(), matrix, targets, rows, 7, Runtime()) for _ in range(2)]
    assert found[0] == found[1]
    draws, total = Runtime().generator(7, 0), 0.0
    for batch in rows.split(2048):  # users that are read at once
        noise = torch.randn(len(batch), Q, generator=draws)
        losses = model.loss(matrix.take(batch).dense(), targets.take(batch).dense(), (batch - 5) % 3, noise)
        total += losses.sum().item()
    assert found[0] == pytest.approx(total / len(rows), rel=1e-5)


def test_the_best_epoch_is_kept_and_training_stops(monkeypatch):
    scripted, snapshots = iter([3.0, 1.0, 2.0, 1.0, 5.0]), []

    def watched(model, *_):
        snapshots.append({name: value.clone() for name, value in model.state_dict().items()})
        return next(scripted)

    monkeypatch.setattr(s2idm_training, "_held_out_loss", watched)
    model, log = trained([source(pairs())], settings(epochs=50, patience=2))
    assert len(log) == 4
    assert all(torch.equal(value, snapshots[1][name]) for name, value in model.state_dict().items())
    assert not model.training


def test_it_can_go_on_from_another_model():
    chosen = settings(epochs=2)
    start, _ = trained([source(pairs())], chosen)
    before = {name: value.clone() for name, value in start.state_dict().items()}
    _, fresh = trained([source(pairs(seed=1))], chosen)
    model, log = trained([source(pairs(seed=1))], chosen, start=start)
    assert log[0]["held_out"]["books"] < fresh[0]["held_out"]["books"]
    assert any(not torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_users_without_an_anchor_neither_train_nor_select():
    empty = csr_matrix(np.vstack([np.zeros((40, Q)), pairs(60).toarray()]).astype(np.float32))
    ((train, held),) = s2idm_training._held_out({"books": empty}, 0.1, 0)
    assert len(held) == 6
    assert sorted(train.tolist() + held.tolist()) == list(range(40, 100))


def test_every_domain_holds_out_users_of_its_own():
    (first, _), (second, held) = s2idm_training._held_out({"books": pairs(50), "films": pairs(30)}, 0.2, 0)
    assert set(first.tolist()) < set(range(50))
    assert sorted(second.tolist() + held.tolist()) == list(range(50, 80))
    assert len(held) == 6


def test_an_epoch_has_each_row_of_each_domain_once_and_mixes_the_domains():
    order = s2idm_training._epoch_order([torch.arange(90), torch.arange(90, 100)], 0, 1)
    assert sorted(order.tolist()) == list(range(100))
    assert set(order[-10:].tolist()) != set(range(90, 100))


def test_every_epoch_has_an_order_of_its_own():
    rows = [torch.arange(30)]
    assert sorted(s2idm_training._epoch_order(rows, 0, 1).tolist()) == list(range(30))
    assert not torch.equal(s2idm_training._epoch_order(rows, 0, 1), s2idm_training._epoch_order(rows, 0, 2))
    assert torch.equal(s2idm_training._epoch_order(rows, 0, 1), s2idm_training._epoch_order(rows, 0, 1))


class Watching(Runtime):
    """Keeps the last bias's gradient of every step."""

    def sum_gradients(self, parameters):
        self.__dict__.setdefault("gradients", []).append(list(parameters)[-1].grad.clone())


def test_importance_sampling_weights_losses_by_the_inverse_probability(monkeypatch):
    """A batch's gradient is that of sum(loss / (T p)) / B; the sampler is told the losses as they are."""
    sampled, told = [], []
    sample, update = s2idm_training.StepSampler.sample, s2idm_training.StepSampler.update

    def watched_sample(self, rows, generator):
        sampled.append(sample(self, rows, generator))
        return sampled[-1]

    def watched_update(self, steps, losses):
        told.append((steps.clone(), losses.clone()))
        update(self, steps, losses)

    def loss(model, inputs, targets, steps, noise):
        return (steps + 1).float() * (1 + model.denoiser.outer.bias[0] - model.denoiser.outer.bias[0].detach())

    monkeypatch.setattr(s2idm_training.StepSampler, "sample", watched_sample)
    monkeypatch.setattr(s2idm_training.StepSampler, "update", watched_update)
    monkeypatch.setattr(S2IDM, "loss", loss)
    runtime, log = Watching(), []
    train_s2idm([source(pairs())], settings(epochs=1, steps=4), 0, runtime, log.append, history=1)
    assert any(len(scaled.unique()) > 1 for _, scaled in sampled)
    for (steps, scaled), (same, losses), gradient in zip(sampled, told, runtime.gradients, strict=True):
        assert torch.equal(steps, same)
        assert torch.equal(losses, (steps + 1).float())
        expected = ((steps + 1) / scaled).sum() / len(steps)
        assert float(gradient[0]) == pytest.approx(float(expected), rel=1e-5)
    together = torch.cat([losses for _, losses in told])
    assert log[0]["loss"] == pytest.approx(float(together.mean()))


def test_the_papers_training_settings():
    paper = S2IDMSettings()
    assert (paper.hidden, paper.time_embedding, paper.dropout, paper.steps) == (1000, 10, 0.5, 10)
    assert (paper.noise_min, paper.noise_max) == (0.0005, 0.005)
    assert (paper.learning_rate, paper.weight_decay, paper.batch_size) == (5e-5, 0.1, 400)
    assert paper.objective == "reconstruct"


def test_tiny_sources():
    """One user with anchors cannot both train and select; two can."""
    trained([source(pairs(2))], settings(epochs=2))
    with refusal("no-anchors", "books"):
        trained([source(pairs(1))], settings(epochs=2))


def test_hidden_states_too_large_for_memory_live_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file has no name where the system allows that, so that what an epoch made is gone when the epoch is."""
    torch.manual_seed(0)
    model, made = S2IDM(6, S2IDMSettings(hidden=8, steps=3)).eval(), []
    monkeypatch.setattr("transfer.diffusion.s2idm.reserve", lambda file, size: made.append(size))
    interests = csr_matrix(np.random.default_rng(0).random((5, 6)).astype(np.float32))
    users = torch.arange(5)
    spilled = model.diffuse(interests, dense_budget=0, scratch=tmp_path / "scratch")
    assert made == [5 * 8 * 4]
    assert os.name != "posix" or list((tmp_path / "scratch").iterdir()) == []
    torch.testing.assert_close(spilled.rows(users), model.diffuse(interests).rows(users))


def test_a_model_of_what_follows_takes_one_step() -> None:
    torch.manual_seed(0)
    model = S2IDM(6, S2IDMSettings(hidden=8, steps=5, objective="next")).eval()
    interests = torch.rand(4, 6)
    predicted = model.denoiser(interests, torch.zeros(4, dtype=torch.int64))
    torch.testing.assert_close(model.diffuse(csr_matrix(interests.numpy())).rows(torch.arange(4)), predicted)
