"""Named sets of values that a recipe starts from; whatever it says itself wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Preset = Literal["strong", "paper"]
"""What won on validation over several data sets, or what the paper and its authors' release do."""

PRESETS: Mapping[Preset, Mapping[str, Any]] = {
    "strong": {},
    "paper": {
        # At this learning rate a variant first loses what its base had and is back after some thirty epochs.
        "training": {
            "loss": "bce",
            "learning_rate": 0.005,
            "steps": 1,
            "metric": "sampled/ndcg@10",
            "patience": 20,
        },
        "prompts": {"sees": "train"},
    },
}
"""Values that differ from the settings' own defaults."""


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings merge key by key, except domains, which replace each other whole; anything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = overlaid(merged[key], value) if both and key != "target" else value
    return merged
