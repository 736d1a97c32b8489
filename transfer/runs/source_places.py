"""Folders of source artifacts: the bundled one, and those of runs and experiments."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

BUNDLED = "bundled"
"""Name of the artifact in the package, which was trained on the bundled domains."""
DEFAULT_ROOT = Path("runs")
"""Default folder of results."""
PATTERNS = ("source", "sources/*", "*/source", "*/sources/*")
"""Paths of artifacts in the folder of a run, an experiment, or several of these."""


def bundled_folder() -> Path:
    """Return the folder of the artifact in the package."""
    return Path(str(resources.files("transfer"))) / "bundled" / "source"


def find_sources(root: Path = DEFAULT_ROOT) -> list[Path]:
    """Return the folders of the artifacts in a folder, sorted; the folder itself if it is one."""
    folders = {root, *(folder for pattern in PATTERNS for folder in root.glob(pattern))}
    return sorted(folder for folder in folders if (folder / "config.json").is_file())
