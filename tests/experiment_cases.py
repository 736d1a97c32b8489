"""A tiny pair of domains on disk and an experiment over it, for the tests of experiments and systems."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

WORDS = ("dragon", "castle", "robot", "planet", "cooking", "garden", "horse", "pirate", "winter", "music")

SMALL = {
    "unseen": None,
    "vocabulary": {"max_share": 1.0},
    "s2idm": {"hidden": 8, "epochs": 2, "batch_size": 16, "steps": 3},
    "encoder": {"dim": 8, "blocks": 1, "max_length": 10},
    "training": {"base_epochs": 1, "epochs": 1, "batch_size": 32},
    "evaluation": {"negatives": 5},
}
"""Settings under which a run takes a second."""


def write_domain(folder: Path, name: str, seed: int, users: int = 40, items: int = 20) -> dict[str, object]:
    """Write two CSV files, return the recipe's description of the domain. Users like items that share a word."""
    generator = np.random.default_rng(seed)
    words = generator.permutation(items) % len(WORDS)
    lines = ["user_id,item_id,timestamp"]
    for user in range(users):
        liked = generator.permutation(items)[: generator.integers(6, 12)]
        lines += [f"u{user},{name}{item},{1_500_000_000 + 1000 * place}" for place, item in enumerate(liked)]
    titles = [f"{name}{item},{WORDS[words[item]]} {WORDS[(words[item] + 3) % 10]}" for item in range(items)]
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    (folder / f"{name}-items.csv").write_text("\n".join(["item_id,title", *titles]) + "\n")
    prepare = {
        "min_user_interactions": 3,
        "min_item_interactions": 0,
        "unknown_items": "keep",
        "missing_titles": "keep",
    }
    return {"name": name, "interactions": f"{name}.csv", "items": f"{name}-items.csv", "prepare": prepare}


def write_recipe(folder: Path, **settings: object) -> Path:
    """Write a recipe from `tapes` to `plays`, both made up."""
    recipe = {"sources": [write_domain(folder, "tapes", 1)], "target": write_domain(folder, "plays", 2), **SMALL}
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(recipe | {"variants": ["sasrec"], "seeds": [0]} | settings, sort_keys=False))
    return path


def write_experiment(folder: Path, **settings: object) -> Path:
    """Write an experiment over the tiny recipe."""
    write_recipe(folder)
    path = folder / "trial.yaml"
    path.write_text(yaml.safe_dump({"experiment": ["tiny.yaml"], **settings}, sort_keys=False))
    return path
