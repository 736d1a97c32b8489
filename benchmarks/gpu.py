"""CPU and GPU give the same, and how fast the GPU is: ``python -m benchmarks.gpu``, a few minutes on one GPU."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from scipy import sparse

from benchmarks.models import sasrec
from benchmarks.synthetic import Size, synthetic_domain
from domains.domain import Domain
from domains.split import leave_one_out
from transfer.diffusion.reverse import HiddenReverse, reverse_literal
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.s2idm_training import SourceInterests, train_s2idm
from transfer.diffusion.settings import S2IDMSettings
from transfer.evaluation.protocol import targets_of
from transfer.evaluation.ranking import rank
from transfer.evaluation.settings import EvaluationSettings
from transfer.interests.views import NoViews, TrainView
from transfer.model.scorer import model_scores
from transfer.runtime import Runtime
from transfer.training.loop import Trainer
from transfer.training.settings import TrainingSettings
from transfer.training.task import Task

LENGTH = 50
TOLERANCE = 1e-3
"""Largest difference over the largest value: what float32 and products without TF32 leave after some layers."""
SAME_RANKS = 0.999
"""Share of users whose target has the same rank; sums of another order swap items whose scores are nearly equal."""


@dataclass
class Findings:
    """What was checked and measured."""

    device: str
    equal: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def check(self, name: str, value: float, good: bool) -> None:
        """Keep a comparison."""
        self.equal[name] = value
        if not good:
            self.failed.append(name)
        sys.stdout.write(f"{'equal' if good else 'DIFFERENT'}: {name} ({value:.2e})\n")

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Time a block until the device is done."""
        _wait(self.device)
        began = time.perf_counter()
        yield
        _wait(self.device)
        self.seconds[name] = time.perf_counter() - began
        sys.stdout.write(f"{self.seconds[name]:10.4f} s  {name}\n")


def main(
    device: Annotated[str, typer.Option(help="cuda, or cpu to see that it runs.")] = "cuda",
    quick: Annotated[bool, typer.Option(help="Small sizes.")] = False,
    out: Annotated[Path | None, typer.Option(help="JSON file for the findings.")] = None,
) -> None:
    """Check, measure, and end with an error if something differs."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    runtime = Runtime.current(device)
    found = Findings(str(runtime.device))
    small = synthetic_domain(Size(400, 300, words=500))
    large = synthetic_domain(Size(1_000, 1_000, words=500) if quick else Size(100_000, 100_000))
    _compare_reverse(found, runtime.device)
    _compare_training(found, small, runtime)
    _measure_reverse(found, runtime.device, quick)
    _measure_s2idm(found, runtime, quick)
    _measure_recommender(found, large, runtime)
    if runtime.device.type == "cuda":
        name, peak = torch.cuda.get_device_name(), torch.cuda.max_memory_allocated() / 2**30
        sys.stdout.write(f"{name}, peak memory {peak:.1f} GiB\n")
    if out is not None:
        out.write_text(json.dumps(asdict(found), indent=2) + "\n")
    if found.failed:
        raise typer.Exit(1)


def _compare_reverse(found: Findings, device: torch.device) -> None:
    """The literal process on the CPU against the hidden one on the device."""
    torch.manual_seed(0)
    model, (dense, columns, values, offsets) = S2IDM(500, S2IDMSettings(hidden=128)).eval(), _interests(64, 500)
    expected = reverse_literal(model.denoiser, model.schedule, dense)
    moved = model.to(device)
    flat = (part.to(device) for part in (columns, values, offsets))
    formed = moved.denoiser.outer(HiddenReverse(moved.denoiser, moved.schedule).from_sparse(*flat))
    _close(found, "x_0 of the reverse process", expected, formed.detach().cpu())


def _compare_training(found: Findings, domain: Domain, runtime: Runtime) -> None:
    """States and ranks of one model on both devices, and a gradient of one batch."""
    model, task = sasrec(domain, LENGTH).eval(), _task(domain, runtime)
    targets = targets_of(task.split, "test")
    places = (torch.device("cpu"), runtime.device)
    rankings = []
    for place in places:
        scores = model_scores(model.to(place), domain, targets, None, LENGTH, place)
        rankings.append(rank(domain, targets, scores, task.evaluation, place))
    same = float(np.mean(rankings[0].full == rankings[1].full))
    found.check("ranks of the full ranking, share that is the same", same, same >= SAME_RANKS)

    items = torch.randint(1, domain.n_items, (32, LENGTH), generator=torch.Generator().manual_seed(0))
    gradients = []
    for place in places:
        model.to(place).zero_grad()
        inputs = model.items(items.to(place))
        states = model.encoder(inputs, torch.ones_like(items, dtype=torch.bool, device=place))
        states.square().mean().backward()
        flat = [p.grad.flatten().cpu() for p in model.encoder.parameters() if p.grad is not None]
        gradients.append(torch.cat(flat))
    _close(found, "gradient of the encoder", *gradients)


def _measure_reverse(found: Findings, device: torch.device, quick: bool) -> None:
    width = 1_000 if quick else 20_000
    model = S2IDM(width, S2IDMSettings()).eval().to(device)
    dense, *flat = (part.to(device) for part in _interests(1024, width))
    reverse = HiddenReverse(model.denoiser, model.schedule)
    with torch.no_grad():
        works: dict[str, Callable[[], Any]] = {
            "literal": lambda: reverse_literal(model.denoiser, model.schedule, dense),
            "hidden": lambda: reverse.from_sparse(*flat),
        }
        for name, work in works.items():
            work()
            with found.timed(f"reverse process, {name}, 1,024 users, {width:,} anchors"):
                work()


def _measure_s2idm(found: Findings, runtime: Runtime, quick: bool) -> None:
    users, width = (500, 500) if quick else (50_000, 8_000)
    interests = sparse.random(users, width, density=30 / width, format="csr", random_state=0, dtype=np.float32)
    settings = S2IDMSettings(epochs=1)
    with found.timed(f"S2IDM, an epoch, {users:,} users, {width:,} anchors"):
        train_s2idm([SourceInterests(name="synthetic", inputs=interests, targets=interests)], settings, 0, runtime)


def _measure_recommender(found: Findings, domain: Domain, runtime: Runtime) -> None:
    size = f"{domain.n_users:,} users, {domain.n_items:,} items"
    for loss in ("bce", "sampled_softmax"):
        model = sasrec(domain, LENGTH).to(runtime.device)
        task = _task(domain, runtime, loss)
        trainer = Trainer(model, task, NoViews(), title="benchmark", seed=0, log=lambda _: None)
        trainer.train(TrainView(None), 1)
        with found.timed(f"SASRec, an epoch, {loss}, {size}"):
            trainer.train(TrainView(None), 2)
    targets = targets_of(task.split, "test", task.split.training_users[:: max(1, domain.n_users // 20_000)])
    scores = model_scores(model.eval(), domain, targets, None, LENGTH, runtime.device)
    with found.timed(f"both rankings, {len(targets.users):,} users of {size}"):
        rank(domain, targets, scores, task.evaluation, runtime.device)


def _task(domain: Domain, runtime: Runtime, loss: str = "bce") -> Task:
    training = TrainingSettings.model_validate({"loss": loss})
    return Task(
        split=leave_one_out(domain),
        max_length=LENGTH,
        training=training,
        evaluation=EvaluationSettings(negatives=99),
        runtime=runtime,
    )


def _interests(users: int, width: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Dense (B, q), and the same as columns, values and offsets; 30 anchors a user."""
    generator = torch.Generator().manual_seed(0)
    columns = torch.randint(0, width, (users * 30,), generator=generator)
    values = torch.rand(len(columns), generator=generator) * 0.5
    rows = torch.arange(users).repeat_interleave(30)
    dense = torch.zeros(users, width).index_put_((rows, columns), values, accumulate=True)
    return dense, columns, values, torch.arange(users) * 30


def _close(found: Findings, name: str, expected: torch.Tensor, got: torch.Tensor) -> None:
    error = float((expected - got).abs().max() / expected.abs().max())
    found.check(name, error, error <= TOLERANCE)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


if __name__ == "__main__":
    typer.run(main)
