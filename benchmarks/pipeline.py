"""All stages of a run at one size, in a process of its own: a script of `parts.scale` and `parts.whole`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import torch

from benchmarks.models import CPU, sasrec, task
from benchmarks.peers.job import peak_memory_mb
from benchmarks.synthetic import Size, write_tables
from domains.domain import Domain
from domains.open_domain import open_domain
from domains.split import leave_one_out
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.s2idm_training import SourceInterests, train_s2idm
from transfer.diffusion.settings import S2IDMSettings
from transfer.evaluation.protocol import Targets, excluded_pairs, targets_of
from transfer.evaluation.ranking import rank
from transfer.evaluation.tiles import largest
from transfer.interests.original import original_interests
from transfer.interests.settings import InterestSettings
from transfer.interests.views import NoViews, TrainView
from transfer.memory import reuse_memory
from transfer.model.recommender import SequentialRecommender
from transfer.model.scorer import model_scores
from transfer.runtime import Runtime
from transfer.training.loop import Trainer
from transfer.training.settings import TrainingSettings
from vocab.item_texts import item_texts
from vocab.settings import VocabularySettings
from vocab.vocabulary import SememeVocabulary

EVALUATED_USERS = 10_000
USERS_A_BLOCK = 512
S2IDM_STEPS = 100
LENGTH = 50
EPOCHS = 3
"""Epochs of `whole`, each with validation on at most `training.validation_users` users."""
RECOMMENDED = 20


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block, and say so on standard error, for the large sizes take minutes."""
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began
        sys.stderr.write(f"{name}: {self.seconds[name]:.1f} s, peak {peak_memory_mb():,.0f} MB\n")


def prepared(folder: Path) -> Domain:
    """The domain of written tables, every user and item that occurs kept."""
    keep_all = {"min_user_interactions": 3, "min_item_interactions": 0}
    tables = {name: str(folder / f"{name}.parquet") for name in ("interactions", "items")}
    return open_domain({"loader": "table", "name": "synthetic", "prepare": keep_all, **tables}).domain


def measure(folder: Path, whole: bool) -> None:
    """Run every stage and write ``measured.json``.

    Args:
        folder: holds the tables; recommendations are written to it.
        whole: train `EPOCHS` epochs with validation and recommend to every user; otherwise train one epoch and rank
            `EVALUATED_USERS`.
    """
    clock, runtime = Clock(), Runtime()
    with clock.stage("prepare"):
        domain = prepared(folder)
    with clock.stage("vocabulary"):
        texts = item_texts(domain.fields, ("title",))
        vocabulary = SememeVocabulary.build({domain.name: texts}, VocabularySettings())
        anchors = vocabulary.encode(texts).matrix
    with clock.stage("interests"):
        interests = original_interests(domain, anchors, domain.offsets[:-1], domain.offsets[1:], InterestSettings())
    settings = S2IDMSettings()
    some = interests[: min(domain.n_users, S2IDM_STEPS * settings.batch_size)]
    with clock.stage("S2IDM"):
        once = settings.model_copy(update={"epochs": -(-S2IDM_STEPS * settings.batch_size // some.shape[0])})
        model: S2IDM = train_s2idm([SourceInterests(name=domain.name, inputs=some, targets=some)], once, 0, runtime)
    with clock.stage("infer"):
        diffused = model.diffuse(interests)
    del diffused, interests, model
    (_train_and_recommend if whole else _train_and_evaluate)(domain, folder, clock)
    found = {
        "seconds": clock.seconds,
        "peak_mb": peak_memory_mb(),
        "anchors": len(vocabulary),
        "interactions": domain.n_interactions,
        "threads": torch.get_num_threads(),
    }
    (folder / "measured.json").write_text(json.dumps(found))


def _train_and_evaluate(domain: Domain, folder: Path, clock: Clock) -> None:
    recommender, work = sasrec(domain, LENGTH), task(domain, LENGTH, TrainingSettings(loss="bce"))
    few = work.split.training_users[:: max(1, domain.n_users // EVALUATED_USERS)]
    # Not `fit`: it would also rank every user before and after the epoch.
    trainer = Trainer(recommender, work, NoViews(), title="benchmark", seed=0, log=lambda _: None)
    with clock.stage("epoch"):
        trainer.train(TrainView(None), 1)
    with clock.stage("evaluate"):
        targets: Targets = targets_of(leave_one_out(domain), "test", few)
        scores = model_scores(recommender, domain, targets, None, LENGTH, CPU)
        rank(domain, targets, scores, work.evaluation, CPU)


def _train_and_recommend(domain: Domain, folder: Path, clock: Clock) -> None:
    recommender, work = sasrec(domain, LENGTH), task(domain, LENGTH)
    trainer = Trainer(recommender, work, NoViews(), title="benchmark", seed=0, log=lambda _: None)
    with clock.stage(f"{EPOCHS} epochs"):
        for number in range(1, EPOCHS + 1):
            trainer.epoch(number)
    with clock.stage("recommend"):
        recommend_all(recommender, domain).write_parquet(folder / "recommendations.parquet")


@torch.no_grad()
def recommend_all(recommender: SequentialRecommender, domain: Domain) -> pl.DataFrame:
    """Return user, rank and item of the best items of every user, without those of the history."""
    stops = domain.offsets[1:].copy()
    everybody = np.arange(domain.n_users, dtype=np.int64)
    targets = Targets(
        users=everybody,
        stops=stops,
        items=np.zeros_like(stops),
        seen_starts=domain.offsets[:-1].copy(),
        excludes_seen=True,
    )
    scores = model_scores(recommender, domain, targets, None, LENGTH, CPU)
    items, starts, ends = (torch.from_numpy(part) for part in (domain.items.copy(), targets.seen_starts, stops))
    best = []
    for rows in torch.arange(domain.n_users).split(USERS_A_BLOCK):
        block = scores(rows)
        block[excluded_pairs(items, starts[rows], ends[rows])] = -torch.inf
        best.append(largest(block, RECOMMENDED)[1])
    top = torch.cat(best).numpy()
    ranks = np.tile(np.arange(1, top.shape[1] + 1, dtype=np.int32), len(top))
    columns = {"user": np.repeat(everybody, top.shape[1]), "rank": ranks, "item": top.ravel()}
    return pl.DataFrame(columns)


if __name__ == "__main__":
    action, users, items, place = sys.argv[1:]
    if action == "write":
        write_tables(Size(int(users), int(items)), Path(place))
    else:
        reuse_memory()
        measure(Path(place), whole=action == "whole")
