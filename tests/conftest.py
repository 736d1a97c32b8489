"""Fixtures that several test files share."""

from __future__ import annotations

import os

# Before torch is imported: workers of pytest -n, each with a thread a core, would wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_cases import write_pair, write_recipe

from recipes.load import load_recipe
from transfer.runs.pipeline import source_from, target_from
from transfer.runtime import Runtime


@dataclass(frozen=True)
class TinyRun:
    """A finished run of a tiny recipe. Tests that change something work on a copy."""

    recipe: Path
    source: Path
    target: Path


@pytest.fixture(scope="session", autouse=True)
def _own_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither read nor fill the caches of whoever runs them."""
    folder = tmp_path_factory.mktemp("caches")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRANSFER_CACHE", str(folder))
        yield


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """Books to films with 200 users each, trained for two epochs."""
    folder = tmp_path_factory.mktemp("tiny")
    write_pair(folder)
    recipe = write_recipe(folder / "tiny.yaml")
    loaded = load_recipe(recipe)
    source = source_from(loaded, folder / "run" / "source", Runtime())
    target_from(source, loaded, folder / "run" / "target", Runtime())
    return TinyRun(recipe, folder / "run" / "source", folder / "run" / "target")
