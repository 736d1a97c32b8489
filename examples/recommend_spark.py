"""Recommendations for all users with Spark: ``spark-submit examples/recommend_spark.py RUN OUT [--shards 8]``.

Each task does one shard with the function behind ``transfer recommend --shard``. Files are written under temporary
names and renamed, so that a task that Spark runs again does no harm, and shards that are there are skipped.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession

from transfer.serving.batch import EVERYBODY, Shard, recommend_all
from transfer.serving.opened import open_run
from transfer.serving.recommend import Recommender


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("out", type=Path)
    parser.add_argument("--users", default=EVERYBODY)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--shards", type=int, default=8)
    given = parser.parse_args()
    run, out = str(Path(given.run).resolve()), given.out.resolve()

    def score(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        recommender = Recommender(open_run(run))  # once a task
        for batch in batches:
            for index in batch["id"]:
                shard = Shard(int(index) + 1, given.shards)
                written = recommend_all(recommender, out, users=given.users, count=given.count, shard=shard)
                yield pd.DataFrame({"people": [written.people]})

    spark = SparkSession.builder.appName("recommend").getOrCreate()
    shards = spark.range(given.shards, numPartitions=given.shards)
    people = shards.mapInPandas(score, "people long").groupBy().sum().first()[0]
    print(f"{people:,} people -> {given.out}")
    spark.stop()


if __name__ == "__main__":
    main()
