"""A small finished run for the tests of serving."""

from __future__ import annotations

from pathlib import Path

import pytest
from experiment_cases import write_recipe

from recipes.load import load_recipe
from transfer.items.sentence_vectors import Semantics
from transfer.runs.pipeline import source_from, target_from
from transfer.runs.plan import make_plan
from transfer.runtime import Runtime


def made_run(folder: Path, *variants: str) -> Path:
    """Make a run of these variants without a sentence encoder; return the folder that holds it as ``target/``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Semantics, "find", classmethod(lambda cls, settings, runtime: None))
        loaded = load_recipe(write_recipe(folder, variants=list(variants)), ["training.epochs=2"])
        source = source_from(make_plan(loaded), folder / "source", Runtime())
        target_from(make_plan(loaded, source), source, folder / "target", Runtime())
    return folder
