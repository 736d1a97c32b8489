"""Presets: named sets of settings. A recipe overrides its preset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Preset = Literal["strong", "paper"]
"""'strong' was selected on validation over several data sets; 'paper' follows the paper and the authors' release."""

PRESETS: Mapping[Preset, Mapping[str, Any]] = {
    "strong": {},
    "paper": {
        # SASRec, its ablations, and SeeDRec (Table 4); no late terms.
        "variants": ["sasrec", "sasrec+s2idm", "sasrec+ipe+raw", "sasrec+ipe+s2idm"],
        # Long phases and patience: a variant first gets worse than its base, and needs about thirty epochs to recover.
        # On Home it reaches the published figure after 116; on games validation rises until about 200.
        "training": {
            "base_epochs": 60,
            "epochs": 240,
            "loss": "bce",
            "learning_rate": 0.005,
            "batch_size": 512,
            "steps": 1,
            "metric": "sampled/ndcg@10",
            "patience": 40,
            "base": "trained",
            "validation_users": 1_000_000_000,
        },
        "encoder": {"dropout": 0.2},
        "prompts": {"sees": "train", "start": "paper"},
        "vocabulary": {"fields": ["title"]},
        "unseen": None,
    },
}
"""Settings that differ from the defaults."""


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings key by key. A target and all other values are replaced as a whole."""
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = overlaid(merged[key], value) if both and key != "target" else value
    return merged


def with_preset(resolved: Mapping[str, Any], preset: object) -> dict[str, Any]:
    """Move settings with all values from their preset to another; None returns them unchanged.

    Values that equal the old preset are removed first, because all values would override the new preset.
    """
    if preset is None or preset == resolved.get("preset"):
        return dict(resolved)
    left = _without(resolved, PRESETS.get(resolved.get("preset", "strong"), {}))
    return overlaid(left, {**PRESETS.get(preset, {}), "preset": preset})  # type: ignore[call-overload]


def _without(data: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Remove leaves that have these values from nested data."""
    left = {}
    for key, value in data.items():
        if isinstance(value, Mapping) and isinstance(values.get(key), Mapping):
            left[key] = _without(value, values[key])
        elif key not in values or values[key] != value:
            left[key] = value
    return left
