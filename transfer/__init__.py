"""Recommend in a shop that has little data, with the help of other catalogues and without shared users."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from domains.errors import InputError
    from transfer.api import Run, adapt, domain_from_frames, fit, load_run, load_source, open_domain, train
    from transfer.finished_run import recommendations_frame
    from transfer.registry import Baseline, Target, Trained
    from transfer.variants import Variant, parse_variant

_HOMES = {
    "transfer.api": ("Run", "adapt", "domain_from_frames", "fit", "load_run", "load_source", "open_domain", "train"),
    "transfer.finished_run": ("recommendations_frame",),
    "transfer.registry": ("Baseline", "Target", "Trained"),
    "transfer.variants": ("Variant", "parse_variant"),
    "domains.errors": ("InputError",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Baseline",
    "InputError",
    "Run",
    "Target",
    "Trained",
    "Variant",
    "adapt",
    "domain_from_frames",
    "fit",
    "load_run",
    "load_source",
    "open_domain",
    "parse_variant",
    "recommendations_frame",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that commands start without torch."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
