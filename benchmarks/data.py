"""Which data a part runs on: a folder with real data where there is one, the bundled films otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.synthetic import Size, synthetic_domain
from domains.domain import Domain
from domains.errors import InputError
from domains.open_domain import open_domain


def benchmark_domain(folder: Path, quick: bool) -> Domain:
    """The domain that recommenders are compared on.

    Args:
        folder: with `interactions.parquet` and `items.parquet`; may be missing.
        quick: take a small synthetic domain.
    """
    if quick:
        return synthetic_domain(Size(users=1_000, items=2_000, words=1_000))
    tables = real_tables(folder)
    if tables is not None:
        return open_domain({"loader": "table", **tables}).domain
    try:
        return open_domain("films").domain
    except InputError:
        return synthetic_domain(Size(users=20_000, items=12_000, mean_length=9.0))


def real_tables(folder: Path) -> dict[str, Any] | None:
    """Return what a recipe says of a domain whose tables are in a folder; None if they are not there."""
    if not (folder / "interactions.parquet").is_file():
        return None
    return {
        "name": folder.name,
        "interactions": str((folder / "interactions.parquet").resolve()),
        "items": str((folder / "items.parquet").resolve()),
        "prepare": {"missing_titles": "keep"},
    }


def size_of(domain: Domain) -> str:
    """Users, items and interactions, for titles."""
    return f"{domain.n_users:,} users, {domain.n_items:,} items, {domain.n_interactions:,} interactions"


def write_sequences(domain: Domain, path: Path) -> None:
    """What peers read: offsets, items, and the number of items."""
    np.savez(path, offsets=domain.offsets, items=domain.items, n_items=domain.n_items)
