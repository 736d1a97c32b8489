"""`SentenceEncoder`: compute unit vectors of texts by mean pooling, with a cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from domains.disk import cache_root, expand_user
from domains.errors import SettingsError
from vocab.encoder.locate import (
    MULTILINGUAL,
    MULTILINGUAL_DIM,
    MULTILINGUAL_NAME,
    MultilingualModel,
    NoSentenceEncoder,
    folder_fingerprint,
    locate,
)
from vocab.encoder.settings import SemanticSettings
from vocab.encoder.vector_cache import Floats, VectorCache, text_keys

__all__ = ["NoSentenceEncoder", "SemanticSettings", "SentenceEncoder", "Track", "untracked"]

if TYPE_CHECKING:
    from vocab.encoder.network import SentenceModel

T = TypeVar("T")
_CPU_BATCH_TOKENS, _GPU_BATCH_TOKENS = 1024, 65_536
# Increase this when rounding changes, so that cached vectors are computed again.
_ARITHMETIC = 2
# Number of texts between two writes to the cache; an interrupted run loses at most this many.
_CHUNK = 16_384


class Track(Protocol):
    """Wraps an iterable and shows its progress."""

    def __call__(self, items: Iterable[T], title: str, total: int, /) -> Iterable[T]:
        """Yield `items`, of which there are `total`."""
        ...


def untracked(items: Iterable[T], title: str, total: int) -> Iterable[T]:
    """Return the items without showing progress."""
    return items


class SentenceEncoder:
    """Turns texts into vectors whose cosine measures similarity of meaning (Reimers and Gurevych, 2019).

    The network is loaded only if a text is missing in the cache.

    Attributes:
        name: name in the recipe, or the folder's name.
        dim: length of a vector.
        fingerprint: SHA-256 of its files and settings. Equal fingerprints mean equal vectors, up to rounding.
    """

    def __init__(
        self,
        folder: Path,
        settings: SemanticSettings,
        device: str = "cpu",
        *,
        cache: Path | None = None,
        batch_tokens: int | None = None,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.device = device
        self.cache_folder = cache or cache_root()
        self.batch_tokens = batch_tokens or (_CPU_BATCH_TOKENS if device == "cpu" else _GPU_BATCH_TOKENS)
        self.name = _name(folder, settings)
        self.dim = MULTILINGUAL_DIM if settings.encoder == MULTILINGUAL else _dim(folder)

    @classmethod
    def find(
        cls,
        settings: SemanticSettings,
        device: str = "cpu",
        *,
        cache: Path | None = None,
        batch_tokens: int | None = None,
    ) -> SentenceEncoder:
        """Find the encoder that the settings name.

        Args:
            settings: name and options of the encoder.
            device: a torch device.
            cache: folder of cached vectors; default: $TRANSFER_CACHE, else the user's cache folder.
            batch_tokens: tokens in a batch; default: 1,024 on a CPU, whose caches it fits, and 65,536 on a GPU.

        Raises:
            NoSentenceEncoder: it is not installed and cannot be downloaded.
            InputError: it is installed but unusable.
        """
        return cls(locate(settings), settings, device, cache=cache, batch_tokens=batch_tokens)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the encoder's files, its pooling and the maximum length of texts."""
        use = f"{folder_fingerprint(self.folder)} mean {self.settings.max_length}"
        return hashlib.sha256(use.encode()).hexdigest()

    def encode(self, texts: Sequence[str], track: Track = untracked) -> Floats:
        """Encode texts as (n, dim) float32 unit rows; a blank text gives zeros.

        Args:
            texts: in any order; duplicates are computed once.
            track: shows the progress over batches.
        """
        distinct = sorted({text for text in texts if text.strip()}, key=lambda text: (len(text), text))
        keys = text_keys(distinct)
        rows, found = self._cache.get(keys)
        missing = np.flatnonzero(~found)
        if len(missing):
            texts_missing = [distinct[index] for index in missing]
            rows[missing] = self._compute(texts_missing, keys.take(pa.array(missing)), track)
        position = {text: index for index, text in enumerate(distinct)}
        rows = np.concatenate((rows, np.zeros((1, self.dim), np.float32)))
        return rows[np.array([position.get(text, -1) for text in texts], dtype=np.int64)]

    @cached_property
    def _cache(self) -> VectorCache:
        folder = f"{self.fingerprint[:32]}-{self._precision}-{_ARITHMETIC}"
        return VectorCache(self.cache_folder / "vectors" / folder, self.dim)

    @cached_property
    def _precision(self) -> str:
        if self.settings.encoder == MULTILINGUAL:
            return "float32"
        if self.settings.precision != "auto":
            return self.settings.precision
        from vocab.encoder.network import has_bfloat16

        return "bfloat16" if has_bfloat16(self.device) else "float32"

    @cached_property
    def _model(self) -> SentenceModel:
        from vocab.encoder.network import SentenceModel

        return SentenceModel(self.folder, self.device, self._precision, self.settings.max_length)

    @cached_property
    def _multilingual(self) -> MultilingualModel:
        return MultilingualModel()

    def _compute(self, texts: Sequence[str], keys: pa.Array, track: Track) -> Floats:
        """Compute (n, dim) float32 of distinct texts and write them to the cache in chunks."""
        chunks = [slice(start, start + _CHUNK) for start in range(0, len(texts), _CHUNK)]
        rows = np.empty((len(texts), self.dim), np.float32)
        for chunk in chunks:
            rows[chunk] = self._compute_chunk(texts[chunk], track)
            self._cache.put(keys[chunk], rows[chunk])
        return rows

    def _compute_chunk(self, texts: Sequence[str], track: Track) -> Floats:
        if self.settings.encoder == MULTILINGUAL:
            model = self._multilingual
            total = model.n_batches(len(texts))
            return np.concatenate(list(track(model.embed_all(texts), f"Reading titles with {self.name}", total)))
        from vocab.encoder.network import batches

        tokens = self._model.tokenise(texts)
        total = sum(1 for _ in batches(tokens.lengths, self.batch_tokens))
        rows = np.empty((len(texts), self.dim), np.float32)
        embedded = self._model.embed_all(tokens, self.batch_tokens)
        for places, vectors in track(embedded, f"Reading titles with {self.name}", total):
            rows[places] = vectors
        return rows


def _name(folder: Path, settings: SemanticSettings) -> str:
    packaged = {"auto": "all-MiniLM-L6-v2", MULTILINGUAL: MULTILINGUAL_NAME}
    if settings.encoder in packaged:
        return packaged[settings.encoder]
    return folder.name if expand_user(settings.encoder).is_dir() else settings.encoder


def _dim(folder: Path) -> int:
    """Read the length of a vector from the folder's configuration.

    Raises:
        InputError: the configuration does not name it.
    """
    path = folder / "config.json"
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["hidden_size"])
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            "the encoder's configuration names no hidden_size",
            location=path,
            hint="Use a BERT-like text encoder",
            code="encoder",
        ) from error
