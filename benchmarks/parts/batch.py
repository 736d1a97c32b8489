"""Recommendations for every user of a run with every late term: rates, the time of all, and memory."""

from __future__ import annotations

from benchmarks.batch_job import SAMPLE
from benchmarks.options import Options
from benchmarks.parts.scale import in_fresh_processes
from benchmarks.pipeline import RECOMMENDED
from benchmarks.synthetic import Size
from benchmarks.tables import Section

DEFAULT, SMALL = Size(20_000, 20_000), Size(2_000, 1_000)


def run(options: Options) -> list[Section]:
    """One row a size: 20,000 users and items, and what `--users` and `--items` say."""
    sizes = [SMALL] if options.quick else [DEFAULT, *([options.size] if options.size else [])]
    rows = []
    for size in sizes:
        folder = options.cache / f"batch-{size.users}-{size.items}"
        found = in_fresh_processes(folder, ("benchmarks.batch_job", str(size.users), str(size.items)))
        rows.append(
            [
                f"{size.users:,} x {size.items:,}",
                found["opening"],
                found["model"],
                found["terms"],
                found["reasons"],
                found["everybody"],
                found["peak_mb"] / 1024,
                (found["peak_mb"] - found["held_mb"]) / 1024,
            ]
        )
    columns = [
        "users x items",
        "opening, s",
        "model alone, users/s",
        "with late terms, users/s",
        "and reasons, users/s",
        "everybody, s",
        "peak GiB",
        "of which for the batch",
    ]
    notes = [
        f"`transfer recommend --users all` of {RECOMMENDED} items each, to a Parquet file: encoding, all scores, every "
        "late term, without the items of the history. Rates: the first users, at most "
        f"{SAMPLE:,}, in turns. Everybody: with late terms and reasons. Opening: with what all users share.",
    ]
    return [Section("Recommendations for everybody", columns, rows, notes)]
