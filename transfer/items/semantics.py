"""Sentence vectors of titles and anchors, where there is an encoder; a word about it, once, where there is none."""

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
from vocab.encoder.vectors import NoSentenceEncoder, SemanticSettings, SentenceEncoder, Track
from vocab.fields import fill_template

CHARACTERS_PER_TOKEN = 16
"""Text far behind the encoder's last token is cut off before it is tokenised."""


@dataclass(frozen=True, eq=False)
class Semantics:
    """A sentence encoder and where it reports progress.

    Attributes:
        encoder: found on this machine.
        runtime: for progress.
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
        """(I, s) unit rows of the items' texts, made by `SemanticSettings.template`; zero for an item without any."""
        settings = self.encoder.settings
        texts = fill_template(settings.template, domain.fields, CHARACTERS_PER_TOKEN * settings.max_length)
        return torch.from_numpy(self._encode(texts.to_pylist(), f"items of {domain.name}"))

    def words(self, words: Sequence[str]) -> Tensor:
        """(n, s) unit rows, rounded as an artifact keeps them."""
        return torch.from_numpy(self._encode([word.replace("_", " ") for word in words], "anchors")).half().float()

    def _encode(self, texts: Sequence[str], what: str) -> npt.NDArray[np.float32]:
        return self.encoder.encode(texts, self.track(what))

    def track(self, what: str) -> Track:
        """Shows how far the reading of some texts is."""

        def shown(items: Iterable[T], _: str, total: int) -> Iterator[T]:
            return track(self.runtime.progress, items, f"Sentence vectors: {what}", total)

        return shown


def same_encoder(fingerprint: str | None, semantics: Semantics, whose: str) -> None:
    """Stop before vectors of two sentence encoders, which have nothing to do with each other, are mixed.

    Args:
        fingerprint: of the encoder that made the vectors which are there; None where none did.
        semantics: the encoder that is here.
        whose: vectors.

    Raises:
        InputError: the encoders differ.
    """
    if fingerprint is not None and fingerprint != semantics.encoder.fingerprint:
        raise InputError(
            f"{whose} were read by another sentence encoder than {semantics.encoder.folder.name}",
            location="semantic.encoder", hint="Name the encoder that the source was fitted with, or fit it again",
        )  # fmt: skip


def anchor_means(item_anchors: csr_matrix, idf: npt.NDArray[np.float32], anchor_vectors: Tensor) -> Tensor:
    """(I, s) IDF-weighted mean of the anchors' sentence vectors, unit rows; zero for an item without anchors.

    Args:
        item_anchors: (I, q).
        idf: (q,).
        anchor_vectors: (q, s).
    """
    weighted = torch.from_numpy(np.asarray((item_anchors @ diags(idf)) @ anchor_vectors.float().numpy()))
    return torch.nn.functional.normalize(weighted.float(), dim=-1)
