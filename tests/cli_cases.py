"""Running commands in this process, and a pair of domains small enough to be trained on in a test."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from transfer.cli.main import main

TINY: dict[str, Any] = {
    "s2idm": {"hidden": 16, "steps": 3, "epochs": 2},
    "encoder": {"dim": 16, "max_length": 20},
    "training": {"base_epochs": 2, "epochs": 2},
    "evaluation": {"negatives": 50},
}
VARIANTS = ["popular", "sasrec", "sasrec+ipe+constant", "sasrec+ipe+s2idm"]


@dataclass(frozen=True)
class Result:
    """What a command left: exit code and both streams."""

    code: int
    out: str
    err: str


def run_command(capsys: pytest.CaptureFixture[str], *arguments: object) -> Result:
    """Run `transfer` with these arguments."""
    capsys.readouterr()
    before = sys.argv
    sys.argv = ["transfer", *map(str, arguments)]
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = before
    out, err = capsys.readouterr()
    return Result(code, out, err)


def write_pair(folder: Path, users: int = 200) -> None:
    """The first users of the two bundled domains, as Parquet."""
    for name in ("books", "films"):
        bundled = files("domains") / "bundled" / name
        acts = pl.read_parquet(str(bundled / "interactions.parquet"))
        kept = acts["user_id"].unique(maintain_order=True)[:users]
        acts.filter(pl.col("user_id").is_in(kept.implode())).write_parquet(folder / f"{name}.parquet")
        pl.read_parquet(str(bundled / "items.parquet")).write_parquet(folder / f"{name}-items.parquet")


def table(name: str, **more: Any) -> dict[str, Any]:
    """A domain of `write_pair` as a recipe names it."""
    return {"name": name, "interactions": f"{name}.parquet", "items": f"{name}-items.parquet", **more}


def write_recipe(path: Path, **changes: Any) -> Path:
    """A tiny recipe from books to films, some keys of it changed or, where None, left out."""
    data = {"sources": [table("books")], "target": table("films"), "variants": VARIANTS, **TINY, **changes}
    text = yaml.safe_dump({key: value for key, value in data.items() if value is not None}, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return path
