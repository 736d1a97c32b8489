"""A training that was cut off goes on from its checkpoint, and gives to the bit what an uninterrupted one gives."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from transfer_cases import small_domain, successor_histories

from domains.errors import InputError
from domains.split import leave_one_out
from transfer.diffusion.s2idm_training import SourceInterests, train_s2idm
from transfer.diffusion.settings import S2IDMSettings
from transfer.encoders.settings import EncoderSettings
from transfer.evaluation.settings import EvaluationSettings
from transfer.files import JsonLines, read_sealed, write_sealed
from transfer.interests.views import NoViews
from transfer.items.features import ItemFeatures
from transfer.items.settings import ItemSettings
from transfer.items.tower import ItemTower
from transfer.model.conditioner import Unconditioned
from transfer.model.recommender import SequentialRecommender
from transfer.model.settings import ScoreSettings
from transfer.registry import trained_system
from transfer.runtime import Runtime
from transfer.training.epochs import Checkpoint, steps_in_memory
from transfer.training.loop import fit
from transfer.training.settings import TrainingSettings
from transfer.training.task import Task

ITEMS, DIM, EPOCHS = 24, 16, 7
EVERY_EPOCH = Runtime(checkpoint_seconds=0.0)


class KilledError(Exception):
    """Stands for a kill."""


def killing(log, epoch):
    """A log that dies after an epoch was logged, before anything else is kept."""

    def write(entry):
        log.append(entry)
        if entry["epoch"] == epoch:
            raise KilledError

    return write


def recommender(system="sasrec"):
    torch.manual_seed(0)
    settings = EncoderSettings(dim=DIM, max_length=8, blocks=1, dropout=0.2)
    items = ItemTower(ItemFeatures(count=ITEMS), ItemSettings(), DIM)
    encoder = trained_system(system).encoder(settings, 0)
    return SequentialRecommender(items, encoder, Unconditioned(), ScoreSettings(), DIM)


def task(runtime=EVERY_EPOCH, **changes):
    split = leave_one_out(small_domain(successor_histories(60, ITEMS, 7), n_items=ITEMS))
    settings = TrainingSettings(**{"loss": "bce", "batch_size": 16, "patience": 3, **changes})
    return Task(
        split=split, max_length=8, training=settings, evaluation=EvaluationSettings(negatives=20), runtime=runtime
    )


def fitted(work, log, checkpoint=None, system="sasrec"):
    model = recommender(system)
    auxiliary = None
    if system == "cl4srec":
        from transfer.systems.cl4srec import ContrastiveSettings

        auxiliary = trained_system(system).objective(work, ContrastiveSettings())
    found = fit(
        model, work, NoViews(), title="t", epochs=EPOCHS, seed=3, log=log, auxiliary=auxiliary, checkpoint=checkpoint
    )
    return model.state_dict(), (found.best, found.best_epoch, found.epochs)


def untimed(log):
    return [{key: value for key, value in entry.items() if "seconds" not in key} for entry in log]


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.parametrize("killed_after", [1, 3, EPOCHS])
@pytest.mark.parametrize(
    ("system", "changes"),
    [("sasrec", {}), ("gru4rec", {"loss": "sampled_softmax", "negatives": 8}), ("cl4srec", {"loss": "softmax"})],
)
def test_a_recommender_goes_on_to_the_bit(tmp_path, system, changes, killed_after):
    whole = []
    state, found = fitted(task(**changes), whole.append, system=system)
    killed_after = min(killed_after, found[2])
    checkpoint = Checkpoint(tmp_path / "c.safetensors", "mine")
    first, rest = [], []
    with pytest.raises(KilledError):
        fitted(task(**changes), killing(first, killed_after), checkpoint, system)
    torch.manual_seed(99)
    torch.rand(7)
    again, found_again = fitted(task(**changes), rest.append, checkpoint, system)
    assert same(state, again)
    assert found == found_again
    kept = [entry for entry in untimed(first) if entry["epoch"] < killed_after]
    assert kept + [entry for entry in untimed(rest) if entry["epoch"] > 0 or not kept] == untimed(whole)


def test_the_best_epoch_before_a_kill_is_kept(tmp_path, monkeypatch):
    """The epochs after it were no better, neither before the kill nor since."""
    from transfer.training import loop

    scores = (0.1, 0.5, 0.3, 0.4, 0.2, 0.9)
    checkpoint, states = Checkpoint(tmp_path / "c.safetensors", "mine"), []
    for killed_after, number in ((None, 0), (3, 0), (None, 3)):
        scripted = iter(scores[number:])
        monkeypatch.setattr(loop, "validate", lambda *_, scripted=scripted: next(scripted))
        if killed_after is None:
            state, found = fitted(task(), [].append, checkpoint if number else None)
            states.append(state)
            assert found == (0.5, 1, 4)
        else:
            with pytest.raises(KilledError):
                fitted(task(), killing([], killed_after), checkpoint)
    assert same(*states)


def test_s2idm_goes_on_to_the_bit(tmp_path):
    generator = np.random.default_rng(0)
    matrix = csr_matrix((generator.random((80, 12)) < 0.3).astype(np.float32))
    source = SourceInterests(name="books", inputs=matrix, targets=matrix)
    settings = S2IDMSettings(hidden=16, steps=4, batch_size=10, epochs=9, learning_rate=0.01)
    whole = train_s2idm([source], settings, 1, EVERY_EPOCH, history=2).state_dict()
    for killed_after in (1, 4, 9):
        checkpoint = Checkpoint(tmp_path / f"{killed_after}.safetensors", "mine")
        with pytest.raises(KilledError):
            train_s2idm([source], settings, 1, EVERY_EPOCH, killing([], killed_after), checkpoint=checkpoint, history=2)
        torch.manual_seed(99)
        again = train_s2idm([source], settings, 1, EVERY_EPOCH, checkpoint=checkpoint, history=2)
        assert same(whole, again.state_dict())
        assert not again.training


def test_a_finished_training_is_not_trained_again(tmp_path):
    checkpoint = Checkpoint(tmp_path / "c.safetensors", "mine")
    state, found = fitted(task(), [].append, checkpoint)
    log = []
    again, found_again = fitted(task(), log.append, checkpoint)
    assert same(state, again)
    assert (found, log) == (found_again, [])


def test_checkpoints_are_only_written_when_it_is_time(tmp_path):
    checkpoint = Checkpoint(tmp_path / "c.safetensors", "mine")
    fitted(task(Runtime()), [].append, checkpoint)
    assert not checkpoint.path.exists()


def test_the_checkpoint_of_another_training_is_not_taken_and_a_damaged_one_is_refused(tmp_path):
    path = tmp_path / "c.safetensors"
    fitted(task(), [].append, Checkpoint(path, "mine"))
    assert Checkpoint(path, "another").load() is None
    assert Checkpoint(path, "mine").load() is not None
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        Checkpoint(path, "mine").load()
    assert caught.value.code == "file-changed"


def test_an_epoch_stands_in_the_log_once(tmp_path):
    path = tmp_path / "training.jsonl"
    log = JsonLines(path)
    for stage, epochs in (("a", 3), ("b", 4)):
        for epoch in range(epochs):
            log({"stage": stage, "epoch": epoch, "run": 1})
    with path.open("a") as file:
        file.write('{"stage": "b", "ep')
    again = JsonLines(path, fresh=False)
    again({"stage": "b", "epoch": 2, "run": 2})
    lines = path.read_text().splitlines()
    assert [(line[11], line[24], line[-2]) for line in lines] == [
        *(("a", str(n), "1") for n in range(3)),
        *(("b", str(n), "1") for n in range(2)),
        ("b", "2", "2"),
    ]


def test_processes_keep_each_others_lines(tmp_path):
    """The jobs of an experiment write to one log; a job that resumes removes its own epochs and nothing else."""
    path = tmp_path / "training.jsonl"
    JsonLines(path)({"stage": "a", "epoch": 0, "run": 1})
    resumed, other = JsonLines(path, fresh=False), JsonLines(path, fresh=False)
    other({"stage": "b", "epoch": 0, "run": 1})
    resumed({"stage": "a", "epoch": 0, "run": 2})
    other({"stage": "b", "epoch": 1, "run": 1})
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["stage"], line["epoch"], line["run"]) for line in found] == [("b", 0, 1), ("a", 0, 2), ("b", 1, 1)]
    assert list(tmp_path.iterdir()) == [path]


def test_a_batch_that_does_not_fit_is_halved_and_so_are_those_after_it():
    told, sizes = [], []

    def step(rows):
        if len(rows) > 3:
            raise torch.OutOfMemoryError
        sizes.append(len(rows))
        return rows.tolist()

    found = steps_in_memory(torch.arange(20).split(8), step, Runtime(), told.append)
    assert [row for rows in found for row in rows] == list(range(20))
    assert told == [4, 2]
    assert max(sizes) == 2


def test_out_of_memory_in_a_training_is_said_and_survived(monkeypatch, caplog, tmp_path):
    work = task()
    from transfer.training import loop

    whole = loop.Trainer._step

    def small(self, rows, view, draws):
        if len(rows) > 8:
            raise torch.OutOfMemoryError
        return whole(self, rows, view, draws)

    monkeypatch.setattr(loop.Trainer, "_step", small)
    with caplog.at_level(logging.WARNING, "transfer.training"):
        whole_state, _ = fitted(work, [].append)
    assert len([r for r in caplog.records if "out of memory" in r.getMessage()]) == 1
    assert "training.batch_size=8" in caplog.text
    caplog.clear()
    checkpoint = Checkpoint(tmp_path / "c.safetensors", "mine")
    with pytest.raises(KilledError):
        fitted(work, killing([], 2), checkpoint)
    caplog.clear()
    resumed, _ = fitted(work, [].append, checkpoint)
    assert "out of memory" not in caplog.text, "a resumed training does not try large batches again"
    assert same(whole_state, resumed)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    facts = {name: name * 3 for name in ("kept", "identity", "state", "more")}
    files = [tmp_path / str(number) for number in range(8)]
    for path in files:
        write_sealed(path, {"a": torch.arange(3), "b": torch.ones(2)}, facts)
    assert len({path.read_bytes() for path in files}) == 1
    assert read_sealed(files[0])[1] == facts
