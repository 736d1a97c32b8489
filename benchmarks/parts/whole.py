"""From raw files to recommendations for every user at one size: seconds of each stage and peak memory."""

from __future__ import annotations

from benchmarks.options import Options
from benchmarks.parts.scale import measured
from benchmarks.pipeline import EPOCHS, RECOMMENDED, S2IDM_STEPS
from benchmarks.synthetic import Size
from benchmarks.tables import Section

DEFAULT, SMALL = Size(50_000, 10_000), Size(2_000, 1_000)
"""A twentieth of the goal, 1,000,000 users and 200,000 items in 30 minutes and 10 GiB on two cores."""


def run(options: Options) -> list[Section]:
    """One row a stage. `--users 1000000 --items 200000` measures the goal itself."""
    size = SMALL if options.quick else options.size or DEFAULT
    found = measured(size.users, size.items, options.cache, "whole")
    total = sum(found["seconds"].values())
    rows = [[stage, took, f"{took / total:.0%}"] for stage, took in found["seconds"].items()]
    rows.append(["all", total, f"peak {found['peak_mb'] / 1024:.1f} GiB"])
    notes = [
        f"`--users {size.users} --items {size.items}`; {found['threads']} threads, {found['interactions']:,} "
        f"interactions, {found['anchors']:,} anchors. Stages run one after the other in one fresh process.",
        f"S2IDM: {S2IDM_STEPS} training steps. {EPOCHS} epochs: SASRec with its default loss, each with validation on "
        f"a sample. Recommend: {RECOMMENDED} items for every user, without those of the history, to a Parquet file.",
    ]
    title = f"A whole run: {size.users:,} users, {size.items:,} items"
    return [Section(title, ["stage", "seconds", "share"], rows, notes)]
