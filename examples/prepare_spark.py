"""Prepare a domain with Spark: ``spark-submit examples/prepare_spark.py INTERACTIONS ITEMS OUT [--partitions N]``.

INTERACTIONS is Parquet with ``user_id``, ``item_id`` (text) and ``timestamp`` (unix seconds), ITEMS Parquet with
``item_id`` and ``title``. The result is what ``transfer prepare`` makes of them with its default settings, to the same
bytes: the first interaction with an item counts, and everybody and everything keeps at least five. OUT is a folder that
every worker reaches. docs/scale.md has the contract.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from domains.partitioned import begin, finish, write_part

LEAST = 5


def prepare(spark: SparkSession, interactions: str, items: str, out: Path, partitions: int, name: str) -> None:
    """Write the folder; Spark moves the interactions, the driver holds the ids."""
    begin(out, partitions)
    log = spark.read.parquet(interactions).select(
        F.col("user_id").cast("string"),
        F.col("item_id").cast("string"),
        F.col("timestamp").alias("time"),
        F.col("_metadata.file_path").alias("file"),
        F.col("_metadata.row_index").alias("row"),
    )
    pair = Window.partitionBy("user_id", "item_id").orderBy("time", "file", "row")
    log = log.withColumn("n", F.row_number().over(pair)).where("n = 1").drop("n")
    log = core(log).cache()

    users = indexed(log, "user_id")
    things = indexed(log, "item_id")
    titles = spark.read.parquet(items).select(F.col("item_id").cast("string"), "title").dropDuplicates(["item_id"])
    titled = things.join(titles, "item_id", "left").orderBy("index").toPandas()
    user_ids = users.orderBy("index").toPandas()["user_id"]

    place = F.conv(F.substring(F.sha2("user_id", 256), 1, 8), 16, 10).cast("long") % partitions
    coded = (
        log.join(users.withColumnRenamed("index", "user"), "user_id")
        .join(things.withColumnRenamed("index", "item"), "item_id")
        .select(place.alias("part"), "user", "item", "time", "file", "row")
    )

    def write(mine: pd.DataFrame) -> pd.DataFrame:
        part = int(mine["part"].iloc[0])
        mine = mine.sort_values(["user", "time", "file", "row"])
        write_part(out, part, *(mine[key].to_numpy() for key in ("user", "item", "time")))
        return pd.DataFrame({"part": [part]})

    written = coded.groupBy("part").applyInPandas(write, "part long").toPandas()
    for part in set(range(partitions)) - set(written["part"]):
        write_part(out, part, *([[]] * 3))
    text = pa.large_string()
    strings = {
        "name": name,
        "categories": None,
        "user_ids": pa.array(user_ids, text),
        "item_ids": pa.array(titled["item_id"], text),
        "titles": pa.array(titled["title"].fillna(""), text),
    }
    finish(out, partitions, strings)


def core(log: DataFrame) -> DataFrame:
    """Remove users and items with too few interactions until none is left with too few."""
    before, now = -1, log.count()
    while now != before:
        for key in ("user_id", "item_id"):
            log = log.join(log.groupBy(key).count().where(F.col("count") >= LEAST).select(key), key, "left_semi")
        log = log.localCheckpoint()
        before, now = now, log.count()
    return log


def indexed(log: DataFrame, key: str) -> DataFrame:
    """Distinct ids with their index in the order of UTF-8 bytes."""
    ordered = log.select(key).distinct().orderBy(key)
    numbered = ordered.rdd.zipWithIndex().map(lambda found: (found[0][0], found[1]))
    return numbered.toDF([key, "index"]).cache()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("interactions")
    parser.add_argument("items")
    parser.add_argument("out", type=Path)
    parser.add_argument("--partitions", type=int, default=16)
    parser.add_argument("--name", default="prepared")
    given = parser.parse_args()
    spark = SparkSession.builder.appName("prepare").getOrCreate()
    prepare(spark, given.interactions, given.items, given.out, given.partitions, given.name)
    spark.stop()


if __name__ == "__main__":
    main()
