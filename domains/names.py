"""Names of columns in one form, so that ``Artikel-Nr.``, ``artikel nr`` and ``ARTIKEL_NR:token`` are the same."""

from __future__ import annotations

import re
import unicodedata

STROKES = str.maketrans("łøđ", "lod")
"""Letters whose strokes no normal form takes off."""


def plain_name(name: str) -> str:
    """A column's name without type suffix (``:token``), case, accents and signs; words are joined by ``_``."""
    folded = unicodedata.normalize("NFKD", name.split(":")[0].casefold()).translate(STROKES)
    plain = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return re.sub(r"[\W_]+", "_", plain).strip("_")
