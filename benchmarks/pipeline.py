"""All stages of a run at one size, in one process whose peak memory is then that size's: a script of `parts.scale`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
from transfer.evaluation.protocol import Targets, targets_of
from transfer.evaluation.ranking import rank
from transfer.interests.original import original_interests
from transfer.interests.settings import InterestSettings
from transfer.interests.views import NoViews, TrainView
from transfer.model.scorer import model_scores
from transfer.runtime import Runtime
from transfer.training.loop import Trainer
from transfer.training.settings import TrainingSettings
from vocab.item_texts import item_texts
from vocab.settings import VocabularySettings
from vocab.vocabulary import SememeVocabulary

EVALUATED_USERS = 10_000
S2IDM_STEPS = 100
LENGTH = 50


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


def measure(folder: Path) -> None:
    """Run every stage and write ``measured.json``."""
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
    recommender, work = sasrec(domain, LENGTH), task(domain, LENGTH, TrainingSettings(loss="bce"))
    few = work.split.training_users[:: max(1, domain.n_users // EVALUATED_USERS)]
    # Not `fit`: it would also rank every user before and after the epoch.
    trainer = Trainer(recommender, work, NoViews(), "benchmark", 0, lambda _: None)
    with clock.stage("epoch"):
        trainer.train(TrainView(None), 1)
    with clock.stage("evaluate"):
        targets: Targets = targets_of(leave_one_out(domain), "test", few)
        scores = model_scores(recommender, domain, targets, None, LENGTH, CPU)
        rank(domain, targets, scores, work.evaluation, CPU)
    found = {
        "seconds": clock.seconds,
        "peak_mb": peak_memory_mb(),
        "anchors": len(vocabulary),
        "interactions": domain.n_interactions,
        "threads": torch.get_num_threads(),
    }
    (folder / "measured.json").write_text(json.dumps(found))


if __name__ == "__main__":
    action, users, items, place = sys.argv[1:]
    if action == "write":
        write_tables(Size(int(users), int(items)), Path(place))
    else:
        measure(Path(place))
