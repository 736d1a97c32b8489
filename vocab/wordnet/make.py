"""Build ``corpora/wordnet.zip`` from WordNet 3.0's database files: ``python make.py [/usr/share/wordnet]``.

The same files give the same bytes: names are sorted, times and permissions are fixed.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
# Files that NLTK reads for lemmas, synsets, relations and counts. index.sense is only needed for sense keys and for
# mapping other WordNets.
FILES = (
    "adj.exc",
    "adv.exc",
    "cntlist.rev",
    "data.adj",
    "data.adv",
    "data.noun",
    "data.verb",
    "index.adj",
    "index.adv",
    "index.noun",
    "index.verb",
    "noun.exc",
    "verb.exc",
)
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def build(source: Path, target: Path) -> None:
    """Write the archive that NLTK reads as its corpus ``wordnet``.

    Args:
        source: folder with the database files.
        target: the archive; replaced only when it is complete.
    """
    contents = {name: (source / name).read_bytes() for name in FILES}
    contents["lexnames"] = (HERE / "lexnames").read_bytes()
    contents["LICENSE"] = (HERE / "LICENSE.txt").read_bytes()
    unfinished = target.with_suffix(".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(f"wordnet/{name}", _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, contents[name], compresslevel=9)
    unfinished.replace(target)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/wordnet")
    build(folder, HERE / "corpora" / "wordnet.zip")
