"""Where things are kept that can be made again."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_root() -> Path:
    """$TRANSFER_CACHE, else this project's folder where this platform keeps caches."""
    chosen = os.environ.get("TRANSFER_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("sememe-transfer", appauthor=False)
