"""Where source artifacts are: the one in the package, and those that runs and experiments made."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

BUNDLED = "bundled"
"""Name of the artifact in the package, made of the bundled domains."""
DEFAULT_ROOT = Path("runs")
"""Commands write their results below this folder by default."""
PATTERNS = ("source", "sources/*", "*/source", "*/sources/*")
"""Where artifacts are in the folder of a run or an experiment, or in one that holds several."""


def bundled_folder() -> Path:
    """Folder of the artifact in the package."""
    return Path(str(resources.files("transfer"))) / "bundled" / "source"


def find_sources(root: Path = DEFAULT_ROOT) -> list[Path]:
    """Return the folders of the artifacts in a folder, sorted; itself if it is one, none if it does not exist."""
    folders = {root, *(folder for pattern in PATTERNS for folder in root.glob(pattern))}
    return sorted(folder for folder in folders if (folder / "config.json").is_file())
