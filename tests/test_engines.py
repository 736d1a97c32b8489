"""Spark and Ray, where installed, prepare and score in local mode to the same bytes as one machine does."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from serving_cases import made_run

from domains.streaming import to_folder
from transfer.serving.batch import Shard, recommend_all
from transfer.serving.opened import open_run
from transfer.serving.recommend import Recommender

ROOT = Path(__file__).parents[1]
ENGINES = [
    pytest.param(name, marks=pytest.mark.skipif(find_spec(module) is None, reason=f"{module} is not installed"))
    for name, module in (("spark", "pyspark"), ("ray", "ray"))
]


def run_example(name: str, *arguments: object) -> None:
    """Run an example as its own process, on one core."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1", "RAY_USAGE_STATS_ENABLED": "0"}
    environment |= {"PYSPARK_PYTHON": sys.executable, "PYSPARK_SUBMIT_ARGS": "--master local[1] pyspark-shell"}
    command = [sys.executable, str(ROOT / "examples" / name), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".crc"))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def write_log(folder: Path) -> None:
    """Two files of interactions with repeats and ties in time, of which a core is left; and their items."""
    rng = np.random.default_rng(1)
    (folder / "acts").mkdir()
    for number, rows in enumerate((900, 1_100)):
        pl.DataFrame(
            {
                "user_id": [f"ü{one}" if one % 9 == 0 else f"u{one}" for one in rng.integers(200, size=rows)],
                "item_id": [f"i{one}" for one in np.minimum(rng.zipf(1.3, rows), 60)],
                "timestamp": 1_400_000_000 + rng.integers(40, size=rows),
            }
        ).write_parquet(folder / "acts" / f"{number}.parquet")
    names = [f"i{one}" for one in range(1, 61)]
    pl.DataFrame({"item_id": names, "title": [f"title of {name}" for name in names]}).write_parquet(
        folder / "items.parquet"
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_write_the_same_bytes(tmp_path, engine):
    write_log(tmp_path)
    spec = {
        "name": "log",
        "interactions": str(tmp_path / "acts" / "*.parquet"),
        "items": str(tmp_path / "items.parquet"),
    }
    made, reason = to_folder(spec, tmp_path / "expected", 7)
    assert reason is None
    assert 50 < made.n_users < 200
    run_example(
        f"prepare_{engine}.py",
        tmp_path / "acts",
        tmp_path / "items.parquet",
        tmp_path / "out",
        "--partitions",
        7,
        "--name",
        "log",
    )
    assert hashes(tmp_path / "out") == hashes(tmp_path / "expected")


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_recommend_what_shards_do(tmp_path, engine):
    run = made_run(tmp_path, "sasrec+matching")
    for index in (1, 2):
        recommend_all(Recommender(open_run(run)), tmp_path / "expected", count=3, shard=Shard(index, 2))
    run_example(f"recommend_{engine}.py", run, tmp_path / "out", "--count", 3, "--shards", 2)
    assert len(hashes(tmp_path / "out")) == 2
    assert hashes(tmp_path / "out") == hashes(tmp_path / "expected")
