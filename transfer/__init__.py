"""Carry what was learned in some domains into a recommender for another one, with no shared users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transfer.api import Run, adapt, domain_from_frames, fit, load_run, load_source, open_domain

__all__ = ["Run", "adapt", "domain_from_frames", "fit", "load_run", "load_source", "open_domain"]


def __getattr__(name: str) -> Any:
    """The functions of `transfer.api`, imported when first used: the commands must start without torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from transfer import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
