"""Recommendations for all users with Ray Data: ``python examples/recommend_ray.py RUN OUT [--shards 8]``.

Each task does one shard with the function behind ``transfer recommend --shard``. Files are written under temporary
names and renamed, so that a task that Ray runs again does no harm, and shards that are there are skipped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import ray

from transfer.serving.batch import EVERYBODY, Shard, recommend_all
from transfer.serving.opened import open_run
from transfer.serving.recommend import Recommender


class Scorer:
    """One worker, which opens the run once."""

    def __init__(self, run: str, out: str, users: str, count: int, shards: int) -> None:
        self.recommender = Recommender(open_run(run))
        self.out, self.users, self.count, self.shards = Path(out), users, count, shards

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Write the shards of a batch, and say how many people each has."""
        done = [
            recommend_all(
                self.recommender, self.out, users=self.users, count=self.count, shard=Shard(index, self.shards)
            )
            for index in (batch["id"] + 1).tolist()
        ]
        return {"people": np.array([written.people for written in done])}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("out", type=Path)
    parser.add_argument("--users", default=EVERYBODY)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    arguments = (str(Path(given.run).resolve()), str(given.out.resolve()), given.users, given.count, given.shards)
    shards = ray.data.range(given.shards, override_num_blocks=given.shards)
    done = shards.map_batches(Scorer, fn_constructor_args=arguments, batch_size=1, concurrency=given.workers)
    print(f"{done.sum('people'):,} people -> {given.out}")


if __name__ == "__main__":
    main()
