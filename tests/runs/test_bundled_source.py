"""The source artifact in the package: of the data and settings that its recipe names, and learned."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import transfer
from recipes.load import load_recipe
from transfer.diffusion.masked import make_s2idm
from transfer.interests.original import original_interests
from transfer.runs.pipeline import difference
from transfer.runs.plan import Plan, make_plan
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.source_places import bundled_folder
from vocab.vocabulary import SememeVocabulary

NOTED = bundled_folder().parent / "README.md"


@pytest.fixture(scope="module")
def bundled() -> Iterator[SourceArtifact]:
    yield transfer.load_source("bundled")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(load_recipe("books_and_films"), adapts=False)


def test_it_is_what_its_recipe_makes(bundled: SourceArtifact, plan: Plan) -> None:
    """Data, settings and seed; no vectors, so that a shop may use any sentence encoder."""
    assert difference(bundled, plan, vectors=False) is None
    assert bundled.sentence_encoder is bundled.anchor_vectors is None
    again = SememeVocabulary.build(plan.texts, plan.recipe.vocabulary)
    assert again.fingerprint == bundled.vocabulary.fingerprint


def test_it_restores_interests_from_noise_better_than_chance(bundled: SourceArtifact, plan: Plan) -> None:
    assert bundled.s2idm is not None
    torch.manual_seed(0)
    untrained = make_s2idm(len(bundled.vocabulary), bundled.s2idm.settings).eval()
    for domain in plan.source_domains:
        matrix = bundled.vocabulary.encode(plan.texts[domain.name]).matrix
        starts, ends = domain.offsets[:-1], domain.offsets[1:]
        wanted = original_interests(domain, matrix, starts, ends, bundled.interests, bundled.vocabulary.idf)[:100]
        dense, rows = wanted.toarray(), torch.arange(100)

        def likeness(model: torch.nn.Module, wanted=wanted, dense=dense, rows=rows) -> float:
            made = model.diffuse(wanted).rows(rows).float().numpy()
            lengths = np.linalg.norm(made, axis=1) * np.linalg.norm(dense, axis=1)
            return float(np.mean((made * dense).sum(1) / lengths))

        assert likeness(bundled.s2idm) > 0.5 > 0.3 > likeness(untrained)


def test_it_is_small_and_says_what_it_is_made_of(bundled: SourceArtifact) -> None:
    folder = bundled_folder()
    assert sum(path.stat().st_size for path in folder.parent.rglob("*")) < 5e6
    assert bundled.licence == "cc-by-sa-4.0"
    assert 'license: "cc-by-sa-4.0"' in (folder / "README.md").read_text(encoding="utf-8")
    assert [note.name for note in bundled.domains] == ["books", "films"]
    epochs = [json.loads(line) for line in (folder / "training.jsonl").read_text(encoding="utf-8").splitlines()]
    best = min(epochs, key=lambda one: sum(one["held_out"].values()))["epoch"]
    said = re.search(r"stopped after epoch (\d+); epoch (\d+) was kept", NOTED.read_text(encoding="utf-8"))
    assert said is not None
    assert (int(said[1]), int(said[2])) == (epochs[-1]["epoch"], best)


def test_a_folder_of_the_same_name_needs_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bundled").mkdir()
    monkeypatch.chdir(tmp_path)
    assert transfer.load_source("bundled").folder == bundled_folder()
    with pytest.raises(transfer.InputError) as caught:
        transfer.load_source("./bundled")
    assert caught.value.code == "run-missing"
