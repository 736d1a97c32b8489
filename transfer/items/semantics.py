"""Optional sentence vectors of titles and anchors. Warns once if no encoder is installed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, diags
from torch import Tensor

from domains.domain import Domain
from domains.errors import InputError
from transfer.progress import T, track
from transfer.runtime import Runtime
from vocab.encoder.sentence_encoder import NoSentenceEncoder, SemanticSettings, SentenceEncoder, Track
from vocab.item_texts import fill_template

CHARACTERS_PER_TOKEN = 16
"""Maximum number of characters; longer texts are cut before tokenising."""


@dataclass(frozen=True, eq=False)
class Semantics:
    """A sentence encoder that shows its progress.

    Attributes:
        encoder: computes the vectors.
        runtime: shows progress.
    """

    encoder: SentenceEncoder
    runtime: Runtime

    @classmethod
    def find(cls, settings: SemanticSettings, runtime: Runtime) -> Semantics | None:
        """The encoder that the settings name; None, with a word about it, where it is not to be had."""
        try:
            return cls(SentenceEncoder.find(settings, str(runtime.device)), runtime)
        except NoSentenceEncoder as missing:
            runtime.warn(f"Without sentence vectors: {missing}")
            return None

    def titles(self, domain: Domain) -> Tensor:
        """Encode the items' texts (`SemanticSettings.template`) as (I, s) unit rows; zeros for items without text."""
        settings = self.encoder.settings
        texts = fill_template(settings.template, domain.fields, CHARACTERS_PER_TOKEN * settings.max_length)
        return torch.from_numpy(self._encode(texts.to_pylist(), f"items of {domain.name}"))

    def words(self, words: Sequence[str]) -> Tensor:
        """Encode words as (n, s) unit rows, rounded like the vectors in an artifact."""
        return torch.from_numpy(self._encode([word.replace("_", " ") for word in words], "anchors")).half().float()

    def _encode(self, texts: Sequence[str], what: str) -> npt.NDArray[np.float32]:
        return self.encoder.encode(texts, self.track(what))

    def track(self, what: str) -> Track:
        """Return a function that shows progress."""

        def shown(items: Iterable[T], _: str, total: int) -> Iterator[T]:
            return track(self.runtime.progress, items, f"Sentence vectors: {what}", total)

        return shown


def same_encoder(fingerprint: str | None, semantics: Semantics, whose: str) -> None:
    """Raise if vectors of two different sentence encoders would be mixed.

    Args:
        fingerprint: fingerprint of the encoder of the existing vectors, or None.
        semantics: the current encoder.
        whose: name of the existing vectors, for the message.

    Raises:
        InputError: the encoders differ.
    """
    if fingerprint is not None and fingerprint != semantics.encoder.fingerprint:
        raise InputError(
            f"{whose} were computed by another sentence encoder than {semantics.encoder.folder.name}",
            location="semantic.encoder",
            hint="Use the encoder that the source was fitted with, or fit the source again",
        )


def anchor_means(item_anchors: csr_matrix, idf: npt.NDArray[np.float32], anchor_vectors: Tensor) -> Tensor:
    """Average the anchors' sentence vectors by IDF: (I, s) unit rows; zeros for items without anchors.

    Args:
        item_anchors: (I, q).
        idf: (q,).
        anchor_vectors: (q, s).
    """
    weighted = torch.from_numpy(np.asarray((item_anchors @ diags(idf)) @ anchor_vectors.float().numpy()))
    return torch.nn.functional.normalize(weighted.float(), dim=-1)
