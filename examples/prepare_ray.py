"""Prepare a domain with Ray Data: ``python examples/prepare_ray.py INTERACTIONS ITEMS OUT [--partitions N]``.

Reads and writes what ``prepare_spark.py`` does, to the same bytes; docs/scale.md has the contract. Ray moves the
interactions, the driver holds ids and counts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import ray

from domains.partitioned import begin, finish, partition_of, write_part

LEAST = 5
TEXT = pa.large_string()


def prepare(interactions: str, items: str, out: Path, partitions: int, name: str) -> None:
    """Write the folder."""
    begin(out, partitions)
    ray.data.DataContext.get_current().execution_options.preserve_order = True
    log = ray.data.read_parquet(interactions, columns=["user_id", "item_id", "timestamp"])
    log = log.zip(ray.data.range(log.count()).rename_columns({"id": "row"}))  # the place in the files
    log = log.map_batches(with_partition, fn_args=(partitions,), batch_format="pyarrow")
    log = core(log.groupby("part").map_groups(first_of_each, batch_format="pandas").materialize())

    user_ids, item_ids = (pa.array(sorted(log.unique(key), key=str.encode), TEXT) for key in ("user_id", "item_id"))
    known = (ray.put(user_ids), ray.put(item_ids))
    written = log.groupby("part").map_groups(write, fn_args=(str(out), *known), batch_format="pandas").to_pandas()
    for part in set(range(partitions)) - set(written["part"]):
        write_part(out, part, *([[]] * 3))
    table = pq.read_table(items, columns=["item_id", "title"])
    rows = pc.index_in(item_ids, table["item_id"].combine_chunks().cast(TEXT))
    titles = pc.fill_null(table["title"].combine_chunks().cast(TEXT).take(rows), "")
    strings = {"name": name, "categories": None, "user_ids": user_ids, "item_ids": item_ids, "titles": titles}
    finish(out, partitions, strings)


def with_partition(batch: pa.Table, partitions: int) -> pa.Table:
    """Add the partition of each row; ids become text."""
    ids = {key: batch[key].cast(TEXT) for key in ("user_id", "item_id")}
    encoded = ids["user_id"].combine_chunks().dictionary_encode()
    part = partition_of(encoded.dictionary, partitions)[encoded.indices.to_numpy()]
    return pa.table({**ids, "time": batch["timestamp"], "row": batch["row"], "part": part})


def first_of_each(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the first interaction of each user and item; a user is in one partition."""
    return rows.sort_values(["time", "row"]).drop_duplicates(["user_id", "item_id"])


def core(log: ray.data.Dataset) -> ray.data.Dataset:
    """Remove users and items with too few interactions until none is left with too few."""
    before, now = -1, log.count()
    while now != before:
        for key in ("user_id", "item_id"):
            counts = log.groupby(key).count().to_pandas()
            enough = ray.put(pa.array(counts.loc[counts["count()"] >= LEAST, key], TEXT))
            log = log.map_batches(only, fn_args=(key, enough), batch_format="pyarrow").materialize()
        before, now = now, log.count()
    return log


def only(batch: pa.Table, key: str, ids: ray.ObjectRef) -> pa.Table:
    """Keep the rows with one of these ids."""
    return batch.filter(pc.is_in(batch[key].cast(TEXT), ray.get(ids)))


def write(rows: pd.DataFrame, out: str, user_ids: ray.ObjectRef, item_ids: ray.ObjectRef) -> pd.DataFrame:
    """Write one partition with indices in place of ids."""
    user, item = (
        np.asarray(pc.index_in(pa.array(rows[key], TEXT), ray.get(ids)))
        for key, ids in (("user_id", user_ids), ("item_id", item_ids))
    )
    order = np.lexsort((rows["row"], rows["time"], user))
    write_part(Path(out), int(rows["part"].iloc[0]), user[order], item[order], rows["time"].to_numpy()[order])
    return rows[["part"]].head(1)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("interactions")
    parser.add_argument("items")
    parser.add_argument("out", type=Path)
    parser.add_argument("--partitions", type=int, default=16)
    parser.add_argument("--name", default="prepared")
    given = parser.parse_args()
    prepare(given.interactions, given.items, given.out.resolve(), given.partitions, given.name)


if __name__ == "__main__":
    main()
