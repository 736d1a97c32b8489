"""Two processes give what one gives, up to the order of sums."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.sparse import random as random_sparse
from transfer_cases import make_encoder, random_histories, small_domain

from domains.split import leave_one_out
from transfer import files
from transfer.diffusion.s2idm_training import SourceInterests, train_s2idm
from transfer.diffusion.settings import S2IDMSettings
from transfer.encoders.settings import EncoderSettings
from transfer.evaluation.settings import EvaluationSettings
from transfer.interests.forms import RawInterests
from transfer.interests.views import InterestViews, NoViews
from transfer.items.features import ItemFeatures
from transfer.items.settings import ItemSettings
from transfer.items.tower import ItemTower
from transfer.model.conditioner import PromptGenerators
from transfer.model.recommender import SequentialRecommender
from transfer.model.settings import ScoreSettings
from transfer.runs.checkpoints import Checkpoints
from transfer.runtime import Runtime
from transfer.training.loop import Trainer, fit
from transfer.training.settings import TrainingSettings
from transfer.training.task import Task

LOSSES = ("bce", "gbce", "sampled_softmax", "softmax")
# Loss and batch size; of a batch of one row, one of two processes has nothing.
CASES = {**{loss: (loss, 5) for loss in LOSSES}, "one row": ("bce", 1)}
ITEMS, USERS, ANCHORS = 20, 23, 9


def interests(seed=0):
    return random_sparse(USERS, ANCHORS, 0.4, format="csr", random_state=seed, dtype=np.float32)


def source_model(runtime):
    settings = S2IDMSettings(hidden=8, dropout=0.0, steps=4, batch_size=7, epochs=6, learning_rate=0.01)
    log = []
    sources = [
        SourceInterests(name=name, inputs=interests(seed), targets=interests(seed)) for seed, name in enumerate("ab")
    ]
    model = train_s2idm(sources, settings, 0, runtime, log.append, history=2)
    return {
        "weights": model.state_dict(),
        "losses": torch.tensor([entry["loss"] for entry in log]),
        "held out": torch.tensor([list(entry["held_out"].values()) for entry in log]),
    }


def target_model(runtime, loss, size):
    histories = random_histories(np.random.default_rng(0), USERS, ITEMS, 3, 9)
    split = leave_one_out(small_domain(histories, n_items=ITEMS))
    training = TrainingSettings(loss=loss, batch_size=size, negatives=3, learning_rate=0.003, metric="full/mrr")
    task = Task(
        split=split, max_length=6, training=training, evaluation=EvaluationSettings(negatives=9), runtime=runtime
    )
    torch.manual_seed(0)
    settings = EncoderSettings(dim=8, blocks=1, dropout=0.0, max_length=6)
    model = SequentialRecommender(
        ItemTower(ItemFeatures(count=ITEMS), ItemSettings(), 8),
        make_encoder(settings, 2),
        PromptGenerators(ANCHORS, 8, 2),
        ScoreSettings(),
        8,
    )
    raw = RawInterests(interests())
    views = InterestViews(split=split, sees="prefix", make=lambda _: raw, seed=0, device=runtime.device)
    log = []
    fitted = fit(model, task, views, title="model", epochs=2, seed=0, log=log.append)
    return {
        "weights": model.state_dict(),
        "losses": torch.tensor([entry["loss"] for entry in log[1:]]),
        "validation": torch.tensor([entry["validation"] for entry in log]),
        "best": torch.tensor(fitted.best),
    }


def kept(runtime, folder):
    """Whether a process that writes slowly, as to a network disk, keeps no other process from finding the weights."""
    checkpoints = Checkpoints(Path(folder), {"seed": runtime.processes}, runtime, replaces=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "save_file", lambda *given: (time.sleep(0.5), save_file(*given)))
        checkpoints.keep_weights("sasrec", 0, "base", {"weight": torch.ones(2)})
    return checkpoints.weights("sasrec", 0, "base") is not None


def everything(runtime, folder):
    return {
        "kept": kept(runtime, folder),
        "s2idm": source_model(runtime),
        **{name: target_model(runtime, *case) for name, case in CASES.items()},
    }


def one_of_two(rank, folder):
    torch.set_num_threads(1)
    ranks = dict.fromkeys(("RANK", "LOCAL_RANK"), str(rank)) | dict.fromkeys(("WORLD_SIZE", "LOCAL_WORLD_SIZE"), "2")
    os.environ |= ranks | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}  # as a launcher sets them
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    try:
        runtime = Runtime.current("cpu")
        assert (runtime.rank, runtime.processes) == (rank, 2)
        torch.save(everything(runtime, folder), Path(folder) / f"{rank}.pt")
    finally:
        torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this build of torch has no gloo")
    folder = tmp_path_factory.mktemp("processes")
    torch.multiprocessing.spawn(one_of_two, args=(str(folder),), nprocs=2)
    return [
        everything(Runtime(), folder / "alone"),
        *(torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)),
    ]


def felt(name, value):
    """Weights without the bias of attention's keys: it changes no score, so its gradient is rounding and nothing else,
    which Adam blows up to full steps.
    """
    return value[len(value) // 2 :] if name.endswith("key_value.bias") else value


def test_every_process_finds_what_the_first_one_kept(results):
    assert [one["kept"] for one in results] == [True] * 3


@pytest.mark.parametrize("part", ["s2idm", *CASES])
def test_two_processes_equal_one(results, part):
    alone, first, second = (result[part] for result in results)
    for name in alone:
        if name == "weights":
            for key, value in alone["weights"].items():
                torch.testing.assert_close(felt(key, first["weights"][key]), felt(key, value), rtol=1e-3, atol=1e-4)
                assert torch.equal(first["weights"][key], second["weights"][key])
        else:
            torch.testing.assert_close(first[name], alone[name], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(second[name], first[name], rtol=0, atol=0)


def test_every_user_is_owned_by_one_process_which_reads_no_other():
    histories = random_histories(np.random.default_rng(0), USERS, ITEMS, 4, 9)  # of 3, one would train
    split = leave_one_out(small_domain(histories, n_items=ITEMS))
    read = []
    for rank in range(3):
        task = Task(
            split=split,
            max_length=6,
            training=TrainingSettings(),
            evaluation=EvaluationSettings(negatives=9),
            runtime=Runtime(rank=rank, processes=3),
        )
        trainer = Trainer(torch.nn.Linear(1, 1), task, NoViews(), title="model", seed=0, log=lambda _: None)
        assert trainer.spans.items.tolist() == [item for past in histories[rank::3] for item in past[:-2][-7:]]
        read.append(Runtime(rank=rank, processes=3).owns(torch.arange(USERS)))
    assert torch.stack(read).sum(0).tolist() == [1] * USERS


def test_shares_cover_a_batch_once():
    rows = torch.arange(7)
    shares = [Runtime(rank=rank, processes=3).share(rows) for rank in range(3)]
    assert sorted(torch.cat(shares).tolist()) == rows.tolist()
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert Runtime().share(rows).tolist() == rows.tolist()


def test_one_process_sums_nothing():
    parameter = torch.nn.Parameter(torch.ones(2))
    Runtime().sum_gradients([parameter])
    assert parameter.grad is None
    assert Runtime().sum_(torch.ones(2)).tolist() == [1, 1]
    assert Runtime().is_main
    assert not Runtime(rank=1, processes=2).is_main


def test_generators_depend_on_every_number():
    streams = {tuple(torch.rand(3, generator=Runtime().generator(*seeds)).tolist()) for seeds in [(0, 1), (1, 0), (0,)]}
    assert len(streams) == 3
    again = [torch.rand(3, generator=Runtime().generator(5, 6)) for _ in range(2)]
    assert torch.equal(*again)
