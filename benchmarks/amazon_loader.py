"""Time and peak memory of turning Amazon-2018 files into a domain, on files made up for the purpose.

``python benchmarks/amazon_loader.py --reviews 1000000`` writes gzipped reviews and metadata of that size (once, reused
afterwards), then opens them in two fresh processes: the first prepares and fills the cache, the second finds it there.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

WORDS = ("red", "train", "puzzle", "castle", "wooden", "game", "dragon", "set", "robot", "doll", "magic", "racing")
CHUNK = 50_000
MIB_PER_KIB = 1 / 1024


def write_reviews(path: Path, reviews: int, users: int, items: int, seed: int) -> None:
    """Write reviews whose users and items follow power laws, with texts of about 300 characters."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, size=50)) for _ in range(500)]
    with gzip.open(path, "wt", compresslevel=4, encoding="utf-8") as file:
        for start in range(0, reviews, CHUNK):
            count = min(CHUNK, reviews - start)
            who = (users * rng.random(count) ** 1.5).astype(int)
            what = (items * rng.random(count) ** 3).astype(int)
            when = rng.integers(1_300_000_000, 1_530_000_000, count) // 86_400 * 86_400
            for user, item, moment, text in zip(who, what, when, rng.integers(0, len(texts), count), strict=True):
                record = {
                    "overall": 5.0,
                    "verified": True,
                    "reviewTime": "09 1, 2016",
                    "reviewerID": f"A{user:013d}",
                    "asin": f"B{item:09d}",
                    "style": {"Color:": " Blue"},
                    "reviewerName": "Somebody",
                    "reviewText": texts[text],
                    "summary": "Five Stars",
                    "unixReviewTime": int(moment),
                }
                file.write(json.dumps(record) + "\n")


def write_metadata(path: Path, items: int, seed: int) -> None:
    """Write one line an item: a title, categories, and the bulk that real metadata carry."""
    rng = np.random.default_rng(seed)
    bulk = [" ".join(rng.choice(WORDS, size=150)) for _ in range(100)]
    with gzip.open(path, "wt", compresslevel=4, encoding="utf-8") as file:
        for item in range(items):
            record = {
                "category": ["Toys & Games", "Puzzles"],
                "description": [bulk[item % 100]],
                "title": " ".join(rng.choice(WORDS, size=6)),
                "also_buy": [f"B{other:09d}" for other in rng.integers(0, items, 20)],
                "brand": "Brand",
                "price": "$3.50",
                "asin": f"B{item:09d}",
            }
            file.write(json.dumps(record) + "\n")


def measure(folder: Path, cache: Path) -> None:
    """Open the domain in this process and print what it took; the child of `main`."""
    start = time.perf_counter()
    from domains.open_domain import open_domain, parse_spec

    prepared = open_domain(parse_spec({"loader": "amazon2018", "folder": str(folder)}), cache=cache)
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MIB_PER_KIB
    print(prepared.report)
    print(f"{took:.2f} s, peak memory {peak:,.0f} MiB, imports counted")


def main() -> None:
    """Write the files where they are not there yet, then measure twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reviews", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=150_000)
    parser.add_argument("--items", type=int, default=80_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "amazon-loader-benchmark")
    parser.add_argument("--measure", nargs=2, type=Path, metavar=("FILES", "CACHE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(*options.measure)
        return
    files = options.folder / f"{options.reviews}-{options.users}-{options.items}-{options.seed}"
    files.mkdir(parents=True, exist_ok=True)
    reviews, metadata = files / "Synthetic.json.gz", files / "meta_Synthetic.json.gz"
    if not metadata.exists():
        write_reviews(reviews, options.reviews, options.users, options.items, options.seed)
        write_metadata(metadata, options.items, options.seed)
    for file in (reviews, metadata):
        print(f"{file.name}: {file.stat().st_size / 2**20:,.0f} MiB compressed")
    with tempfile.TemporaryDirectory() as cache:
        for run in ("prepared", "from the cache"):
            print(f"\n{run}")
            subprocess.run([sys.executable, __file__, "--measure", str(files), cache], check=True)


if __name__ == "__main__":
    main()
