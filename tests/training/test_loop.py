"""The training loop: it learns, it repeats, it keeps the best epoch, and trains on what the views allow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from refusals import refusal
from scipy.sparse import random as random_sparse
from transfer_cases import make_encoder, random_histories, sequences, small_domain, successor_histories

from domains.split import fewer_users, hide_items, leave_one_out
from transfer.encoders.settings import EncoderSettings
from transfer.evaluation.protocol import targets_of
from transfer.evaluation.ranking import rank
from transfer.evaluation.settings import EvaluationSettings
from transfer.interests.forms import NoInterests, RawInterests
from transfer.interests.views import FixedViews, NoViews, TrainView
from transfer.items.features import ItemFeatures
from transfer.items.settings import ItemSettings
from transfer.items.tower import ItemTower
from transfer.model.conditioner import PromptGenerators, Unconditioned
from transfer.model.recommender import SequentialRecommender
from transfer.model.scorer import final_states, model_scores
from transfer.model.settings import ScoreSettings
from transfer.runtime import Runtime
from transfer.sequences import Spans, gather
from transfer.training import loop, losses
from transfer.training.loop import Trainer, fit, validate
from transfer.training.row_adam import RowAdam
from transfer.training.settings import TrainingSettings
from transfer.training.task import Task

CPU = torch.device("cpu")
ITEMS, DIM = 24, 16
LOSSES = ["bce", "gbce", "sampled_softmax", "softmax"]


def task_of(split, *, max_length=8, **settings):
    loop = TrainingSettings(
        **{"loss": "bce", "learning_rate": 0.02, "batch_size": 32, "metric": "full/mrr", **settings}
    )
    return Task(
        split=split,
        max_length=max_length,
        training=loop,
        evaluation=EvaluationSettings(negatives=50),
        runtime=Runtime(),
    )


def model_of(
    seed=0, dropout=0.1, encoder="sasrec", prompts=0, anchors=4, channels=("id",), features=None, temperature=10.0
):
    torch.manual_seed(seed)
    items = ItemTower(features or ItemFeatures(count=ITEMS), ItemSettings(channels=channels), DIM)
    settings = EncoderSettings(dim=DIM, max_length=8, blocks=1, dropout=dropout)
    conditioner = PromptGenerators(anchors, DIM, prompts) if prompts else Unconditioned()
    return SequentialRecommender(
        items, make_encoder(settings, prompts, encoder), conditioner, ScoreSettings(temperature=temperature), DIM
    )


def circle(users=120, length=7):
    return leave_one_out(small_domain(successor_histories(users, ITEMS, length), n_items=ITEMS))


def trained(model, task, views=None, epochs=1, seed=0):
    log = []
    fitted = fit(model, task, views or NoViews(), title="model", epochs=epochs, seed=seed, log=log.append)
    return fitted, log


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_learns_what_comes_next(loss):
    negatives = {"gbce": 8, "sampled_softmax": 20}.get(loss, 2)
    task = task_of(circle(), loss=loss, negatives=negatives, patience=30)
    model = model_of()
    assert validate(model, task, NoViews()) < 0.4
    fitted, _ = trained(model, task, epochs=30)
    assert fitted.best > 0.95
    targets = targets_of(task.split, "test")
    scores = model_scores(model, task.split.domain, targets, None, 8, CPU)
    found = rank(task.split.domain, targets, scores, task.evaluation, CPU)
    assert (found.full == 0).mean() > 0.85


def test_gru4rec_and_prompts_learn_it_too():
    for model, views in (
        (model_of(encoder="gru4rec"), NoViews()),
        (model_of(prompts=3), FixedViews(NoInterests(4))),
        (model_of(channels=("id", "anchors"), features=ItemFeatures(count=ITEMS, anchors=anchors())), NoViews()),
    ):
        fitted, _ = trained(model, task_of(circle(), loss="softmax", patience=30), views, epochs=30)
        assert fitted.best > 0.95


def anchors():
    matrix = random_sparse(ITEMS, 30, 0.1, format="csr", random_state=0, dtype=np.float32)
    matrix.data[:] = 1
    return matrix


@pytest.mark.parametrize("loss", LOSSES)
def test_one_seed_gives_one_model_to_the_bit(loss):
    states = []
    for number, seed in enumerate((3, 3, 4)):
        model = model_of()
        torch.rand(number)  # what was drawn before does not matter
        trained(model, task_of(circle(), loss=loss), epochs=2, seed=seed)
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not torch.equal(states[0][name], states[2][name]) for name in states[0])


def test_the_best_validated_epoch_is_kept(monkeypatch):
    scripted = iter([0.1, 0.3, 0.5, 0.4, 0.5, 0.2, 0.9])
    snapshots = []

    def watched(model, task, views):
        snapshots.append({name: value.clone() for name, value in model.state_dict().items()})
        return next(scripted)

    monkeypatch.setattr(loop, "validate", watched)
    model = model_of()
    fitted, log = trained(model, task_of(circle(), patience=3), epochs=20)
    assert (fitted.best, fitted.best_epoch, fitted.epochs) == (0.5, 2, 5)
    assert all(torch.equal(value, snapshots[2][name]) for name, value in model.state_dict().items())
    assert [entry["epoch"] for entry in log] == [0, 1, 2, 3, 4, 5]
    assert [entry["validation"] for entry in log] == [0.1, 0.3, 0.5, 0.4, 0.5, 0.2]
    assert not model.training


def test_a_model_that_only_gets_worse_is_left_as_it_was(monkeypatch):
    scripted = iter([0.9, 0.1, 0.1])
    monkeypatch.setattr(loop, "validate", lambda *_: next(scripted))
    model = model_of()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fitted, _ = trained(model, task_of(circle(), patience=2), epochs=5)
    assert (fitted.best_epoch, fitted.epochs) == (0, 2)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


class Seen:
    """Reads the items of every loss that is computed off their vectors; the model must not learn meanwhile."""

    def __init__(self, monkeypatch, model):
        self.model, self.positives, self.negatives = model, [], []

        def watched(states, positives, negatives):
            self.positives.append(self._items(positives))
            self.negatives.append(self._items(negatives))
            return whole(states, positives, negatives)

        whole = losses.bce
        monkeypatch.setattr(losses, "bce", watched)

    def _items(self, vectors):
        cosine = vectors.detach() @ self.model.item_table().t()
        assert (cosine.amax(-1) > 0.9999).all()
        return cosine.argmax(-1)

    def targets(self):
        return sorted(torch.cat(self.positives).tolist())


STILL = {"learning_rate": 1e-12}


def test_every_position_of_the_last_items_is_a_target(monkeypatch):
    model = model_of()
    seen = Seen(monkeypatch, model)
    split = leave_one_out(small_domain([[0, 1, 2], [3, 4, 5, 6], list(range(20))], n_items=ITEMS))
    trained(model, task_of(split, negatives=3, **STILL), epochs=1)
    # One train item gives no target, two give one, and of eighteen the last eight have something before them.
    assert seen.targets() == [4, *range(10, 18)]
    assert {found.shape[1] for found in seen.negatives} == {3}


def test_only_training_users_train(monkeypatch):
    model = model_of()
    seen = Seen(monkeypatch, model)
    split = fewer_users(circle(40, 7), 0.25, 0)
    trained(model, task_of(split, **STILL), epochs=1)
    mine = [item for user in split.training_users for item in split.domain.history(user)[1:5].tolist()]
    assert seen.targets() == sorted(mine)
    assert len(targets_of(split, "validation", split.training_users)) == 10


def test_nobody_trains_and_nothing_changes():
    model = model_of()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fitted, _ = trained(model, task_of(fewer_users(circle(10), 0, 0)), epochs=2)
    assert fitted.best == 0.0
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_every_epoch_has_its_own_order_and_negatives(monkeypatch):
    model, task = model_of(), task_of(circle(40), batch_size=16, **STILL)
    seen = Seen(monkeypatch, model)
    trained(model, task, epochs=2)
    half = len(seen.positives) // 2
    assert any(not torch.equal(*both) for both in zip(seen.positives[:half], seen.positives[half:], strict=True))
    monkeypatch.setattr(loop, "shuffled_by_length", lambda lengths, *_: [torch.arange(len(lengths))])
    seen.positives.clear(), seen.negatives.clear()
    trained(model, task, epochs=2)
    assert torch.equal(*seen.positives)
    assert not torch.equal(*seen.negatives)


@pytest.mark.parametrize(("users", "steps", "size"), [(100, 4, 25), (100, 50, 16), (200, 2, 32), (5, 1, 16)])
def test_batches_shrink_if_users_are_few(users, steps, size):
    task = task_of(circle(users), batch_size=32, steps=steps)
    assert Trainer(model_of(), task, NoViews(), title="model", seed=0, log=lambda _: None).batch_size == size


class CutViews:
    """Targets only from given positions on."""

    def __init__(self, cuts):
        self.cuts, self.epochs = torch.as_tensor(cuts), []

    def for_training(self, epoch):
        self.epochs.append(epoch)
        return TrainView(None, self.cuts)

    def for_stage(self, stage):
        return None


def test_targets_lie_only_behind_the_cut(monkeypatch):
    model = model_of()
    seen = Seen(monkeypatch, model)
    histories = random_histories(np.random.default_rng(0), 20, ITEMS, 4, 14)
    split = leave_one_out(small_domain(histories, n_items=ITEMS))
    cuts = split.starts + np.random.default_rng(1).integers(0, 14, 20)
    views = CutViews(cuts)
    trained(model, task_of(split, max_length=5, **STILL), views, epochs=1)
    expected = []
    for user, history in enumerate(histories):
        last = len(history) - 2
        expected += history[max(1, last - 5, int(cuts[user] - split.starts[user])) : last]
    assert seen.targets() == sorted(expected)
    trained(model, task_of(split, **STILL), views, epochs=3)
    assert views.epochs == [1, 1, 2, 3], "views may change by the epoch"


def test_negatives_of_training_are_never_positives(monkeypatch):
    model = model_of()
    seen = Seen(monkeypatch, model)
    histories = [list(range(first, first + 6)) for first in range(0, ITEMS, 6)]
    trained(model, task_of(leave_one_out(small_domain(histories, n_items=ITEMS)), negatives=40, **STILL), epochs=3)
    assert len(seen.positives) == 3
    for positives, negatives in zip(seen.positives, seen.negatives, strict=True):
        for positive, drawn in zip(positives.tolist(), negatives.tolist(), strict=True):
            assert 0 < positive % 6 < 4
            assert not {item for item in drawn if item // 6 == positive // 6 and item % 6 < 4}
    assert not torch.equal(seen.negatives[0], seen.negatives[1])


def test_learning_rate_decays_by_the_epoch(monkeypatch):
    rates = []

    class Adam(RowAdam):
        def step(self, closure=None):
            rates.append((self.param_groups[0]["lr"], self.param_groups[0]["betas"]))
            return super().step(closure)

    monkeypatch.setattr("transfer.training.loop.RowAdam", Adam)
    task = task_of(circle(40), learning_rate=0.01, batch_size=20, steps=1)
    trained(model_of(), task, epochs=3)
    wanted = [0.01, 0.01, 0.0099, 0.0099, 0.009801, 0.009801]
    assert [rate for rate, _ in rates] == pytest.approx(wanted)
    assert {betas for _, betas in rates} == {(0.9, 0.98)}


def test_the_loss_is_the_mean_over_positions():
    """Whatever the batches, an epoch without learning reports the same loss."""
    split = leave_one_out(small_domain(random_histories(np.random.default_rng(0), 30, ITEMS, 4, 9), n_items=ITEMS))
    found = []
    for size in (4, 7, 100):
        _, log = trained(model_of(dropout=0), task_of(split, loss="softmax", batch_size=size, **STILL))
        found.append(log[1]["loss"])
    assert found == pytest.approx([found[0]] * 3, rel=1e-5)


def test_a_step_follows_the_gradient_of_the_mean_over_positions(monkeypatch):
    split = leave_one_out(small_domain(random_histories(np.random.default_rng(0), 30, ITEMS, 4, 9), n_items=ITEMS))
    model, gradients = model_of(dropout=0), []
    monkeypatch.setattr(RowAdam, "step", lambda self: gradients.append(model.items.channels["id"].table.weight.grad))
    _, log = trained(model, task_of(split, loss="softmax", steps=1))
    whole = gather(Spans.of(split.domain, np.arange(30), split.train_stop, CPU, 9), torch.arange(30))
    inputs = whole.inputs()
    states = model.states(model.items.all()[inputs.items], inputs, None)[inputs.mask]
    logits = model.prepared_states(states) @ model.prepared_items(model.items.all()).t()
    loss = torch.nn.functional.cross_entropy(logits, whole.targets()[inputs.mask])
    expected = torch.autograd.grad(loss, model.items.channels["id"].table.weight)[0]
    assert log[1]["loss"] == pytest.approx(loss.item(), rel=1e-5)
    torch.testing.assert_close(gradients[0], expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("split", [circle(60), hide_items(circle(60), np.arange(ITEMS) % 5 == 0)])
def test_all_known_items_as_negatives_are_the_softmax(split):
    found = [
        trained(model_of(dropout=0), task_of(split, loss=loss, negatives=negatives, **STILL))[1][1]["loss"]
        for loss, negatives in (("softmax", None), ("sampled_softmax", None), ("sampled_softmax", 4))
    ]
    assert found[1] == pytest.approx(found[0], rel=1e-5)
    assert found[2] < 0.8 * found[0], "four rivals are easier to beat"


@pytest.mark.parametrize("loss", ["bce", "softmax"])
def test_passes_over_parts_of_a_batch_change_nothing_that_is_learned(loss):
    histories = random_histories(np.random.default_rng(0), 30, ITEMS, 3, 14)
    split = leave_one_out(small_domain(histories, n_items=ITEMS))
    cuts = CutViews(split.starts + np.random.default_rng(1).integers(0, 5, 30))
    found = []
    for positions in (1, 20, 10**6):
        model, task = model_of(dropout=0), task_of(split, loss=loss, learning_rate=0.002)
        trainer = Trainer(model, task, cuts, title="model", seed=0, log=lambda _: None, positions_a_pass=positions)
        after = [trainer.epoch(number).entry["loss"] for number in (1, 2)]
        found.append((after[-1], model.items.all().detach()))
    for loss_value, table in found[1:]:
        assert loss_value == pytest.approx(found[0][0], rel=1e-5)
        torch.testing.assert_close(table, found[0][1], rtol=1e-3, atol=1e-4)


def test_divergence_is_explained():
    model = model_of()
    with torch.no_grad():
        model.items.channels["id"].table.weight.fill_(float("nan"))
    with refusal("diverged", about="learning_rate"):
        trained(model, task_of(circle(20)), epochs=2)


def test_states_are_those_of_the_history_before_each_target():
    histories = random_histories(np.random.default_rng(0), 15, ITEMS, 3, 14)
    split = leave_one_out(small_domain(histories, n_items=ITEMS))
    model = model_of(prompts=2).train()
    interests = RawInterests(random_sparse(15, 4, 0.5, format="csr", random_state=0))
    targets = targets_of(split, "test")
    ours = final_states(model, split.domain, targets, interests, 8, CPU)
    assert model.training
    model.eval()
    for row, history in enumerate(histories):
        seen = torch.tensor(history[:-1][-8:])[None]
        batch = sequences(seen, torch.ones_like(seen, dtype=torch.bool), torch.tensor([row]))
        state = model.states(model.items(seen[0])[None], batch, interests)[0, -1]
        torch.testing.assert_close(ours[row], model.prepared_states(state), rtol=1e-4, atol=1e-5)
    scores = model_scores(model, split.domain, targets, interests, 8, CPU)
    cosine = 10 * torch.nn.functional.cosine_similarity(ours[:3, None], model.items.all()[None], dim=-1)
    torch.testing.assert_close(scores(torch.arange(3)), cosine, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("most", "step"), [(100, 1), (30, 1), (7, 5), (1, 30)])
def test_validation_takes_evenly_spaced_users(monkeypatch, most, step):
    asked = []

    def watched(model, domain, targets, *others):
        asked.extend(targets.users.tolist())
        return model_scores(model, domain, targets, *others)

    monkeypatch.setattr(loop, "model_scores", watched)
    validate(model_of(), task_of(circle(30), validation_users=most), NoViews())
    assert asked == list(range(0, 30, step))


@pytest.mark.parametrize("metric", ["full/ndcg@10", "sampled/hit@5", "full/auc"])
def test_validation_reads_the_metric_it_is_asked_for(metric):
    split = fewer_users(circle(30), 0.5, 0)
    task, model = task_of(split, metric=metric), model_of()
    targets = targets_of(split, "validation", split.training_users)
    scores = model_scores(model, split.domain, targets, None, 8, CPU)
    found = rank(split.domain, targets, scores, task.evaluation, CPU).metrics((5, 10))
    protocol, name = metric.split("/")
    assert validate(model, task, NoViews()) == found[protocol][name]
