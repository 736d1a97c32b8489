"""Fixtures that several test files share."""

from __future__ import annotations

import logging
import os
import warnings

# Before torch is imported: workers of pytest -n, each with a thread a core, would wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_cases import write_pair, write_recipe

from recipes.load import load_recipe
from transfer.progress import LOGGER, TransferWarning
from transfer.runs.pipeline import source_from, target_from
from transfer.runs.plan import make_plan
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
    source = source_from(make_plan(loaded), folder / "run" / "source", Runtime())
    target_from(make_plan(loaded, source), source, folder / "run" / "target", Runtime())
    return TinyRun(recipe, folder / "run" / "source", folder / "run" / "target")


@pytest.fixture
def said():
    """Lines that the toolkit logs and warnings that it gives, as they come."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    level = LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    with warnings.catch_warnings():
        warnings.simplefilter("always", TransferWarning)
        warnings.showwarning = lambda message, *_, **__: lines.append(str(message))
        yield lines
    LOGGER.removeHandler(handler)
    LOGGER.setLevel(level)
