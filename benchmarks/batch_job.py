"""``python -m benchmarks.batch_job USERS ITEMS FOLDER``: recommend to all users of a made-up run in a fresh process."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from benchmarks.models import CPU, EVERY_TERM, made_up_titles
from benchmarks.peers.job import peak_memory_mb
from benchmarks.pipeline import RECOMMENDED
from benchmarks.synthetic import Size, synthetic_domain
from benchmarks.timing import seconds, side_by_side
from domains.split import leave_one_out
from recipes.schema import Recipe
from transfer.assembly import assemble
from transfer.interests.settings import InterestSettings
from transfer.items.features import ItemFeatures
from transfer.items.sentence_vectors import TitleSpace
from transfer.memory import reuse_memory
from transfer.report.run_record import RunRecord
from transfer.runs.target_run import TargetRun
from transfer.serving.batch import EVERYBODY, recommend_all
from transfer.serving.recommend import Recommender
from transfer.terms.counts import popularity
from transfer.terms.item_pairs import count_transitions, find_companions
from transfer.terms.linear_items import find_taste
from transfer.terms.recent_items import RecentItems
from transfer.terms.weights import TermWeights
from transfer.variants import parse_variant
from vocab.item_texts import item_texts
from vocab.settings import VocabularySettings
from vocab.vocabulary import SememeVocabulary

SAMPLE = 10_000
"""Most users whose rates are compared."""
TURNS = 3


def made_run(size: Size) -> TargetRun:
    """Return a run with every late term; its model is not trained, which changes no time."""
    domain = synthetic_domain(size)
    texts = item_texts(domain.fields, ("title",))
    vocabulary = SememeVocabulary.build({domain.name: texts}, VocabularySettings())
    anchors = vocabulary.encode(texts).matrix
    titles = made_up_titles(domain.n_items)
    features = ItemFeatures(
        count=domain.n_items, anchors=anchors, title_vectors=titles, title_space=TitleSpace.of(titles, narrow=True)
    )
    tables = {"interactions": "none.parquet", "items": "none.parquet"}
    recipe = Recipe.model_validate({"sources": [], "target": {"name": domain.name, **tables}})
    variant, split = parse_variant("sasrec+terms", recipe.items.channels), leave_one_out(domain)
    recent = RecentItems.of(split)
    model = assemble(variant, recipe, features, len(vocabulary), seed=0)
    return TargetRun(
        domain=domain,
        vocabulary=vocabulary,
        item_anchors=anchors,
        features=features,
        s2idm=None,
        interests=InterestSettings(),
        variant=variant,
        weights=model.state_dict() | EVERY_TERM.tensors(),
        recipe=recipe,
        metrics=RunRecord.model_construct(),  # nothing here reads the record
        counts=popularity(split),
        follows=count_transitions(split),
        companions=find_companions(split),
        taste=find_taste(split, CPU),
        recent=None if recent is None else recent.now,
    )


def measure(size: Size, folder: Path) -> dict[str, float]:
    """Return seconds to open a run, users a second of three kinds of batch, and seconds and memory of everybody.

    Args:
        size: of the made-up domain.
        folder: recommendations are written to it.
    """
    run = made_run(size)
    held = _forget_peak()
    began = time.perf_counter()
    recommender = Recommender(run)
    first, some = (_users(run, count, folder) for count in (1, SAMPLE))
    recommend_all(recommender, folder / "first.parquet", users=first, count=RECOMMENDED)
    opening = time.perf_counter() - began
    everybody, peak = seconds(partial(_write, recommender, folder, EVERYBODY, reasons=True)), peak_memory_mb()
    alone = Recommender(replace(run, weights=run.weights | TermWeights().tensors()))
    kinds = {
        "model": partial(_write, alone, folder, some, reasons=False),
        "terms": partial(_write, recommender, folder, some, reasons=False),
        "reasons": partial(_write, recommender, folder, some, reasons=True),
    }
    took = side_by_side(kinds, TURNS)
    rates = {name: min(SAMPLE, size.users) / spent for name, spent in took.items()}
    return rates | {"opening": opening, "everybody": everybody, "held_mb": held, "peak_mb": peak}


def _users(run: TargetRun, count: int, folder: Path) -> Path:
    """Write a file with the ids of the first users."""
    file = folder / f"{count}.csv"
    pl.DataFrame({"user_id": run.domain.user_ids.slice(0, count).to_pylist()}).write_csv(file)
    return file


def _write(recommender: Recommender, folder: Path, users: str | Path, reasons: bool) -> None:
    out = folder / "recommendations.parquet"
    out.unlink(missing_ok=True)  # a finished file would be kept as it is
    recommend_all(recommender, out, users=users, count=RECOMMENDED, reasons=reasons)


def _forget_peak() -> float:
    """Start to measure the peak of the memory anew, and return what is held now, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_memory_mb()


if __name__ == "__main__":
    reuse_memory()
    place = Path(sys.argv[3])
    place.mkdir(parents=True, exist_ok=True)
    found = measure(Size(int(sys.argv[1]), int(sys.argv[2])), place)
    (place / "measured.json").write_text(json.dumps(found))
