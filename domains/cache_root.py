"""The folder of all caches."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_root() -> Path:
    """Return $TRANSFER_CACHE, else this project's folder among the caches of the platform."""
    chosen = os.environ.get("TRANSFER_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("sememe-transfer", appauthor=False)
