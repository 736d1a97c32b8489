"""Optional sentence vectors of titles and anchors, and their whitening."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, diags
from torch import Tensor

from domains.domain import Domain
from domains.errors import SettingsError
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
        """Return the encoder of the settings. Warns and returns None if it is not available."""
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
        raise SettingsError(
            f"{whose} were computed by another sentence encoder than {semantics.encoder.folder.name}",
            location="semantic.encoder",
            hint="Use the encoder that the source was fitted with, or fit the source again",
            code="encoder-differs",
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


SHRINKAGE = 1e-4
"""Added to every variance, as a share of the largest, so that noise in small directions is not amplified."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """Centres vectors, then divides each principal direction by its standard deviation to the power `power`.

    Sentence vectors lie in a narrow cone. Whitening makes titles easier to distinguish, which matters most without
    training on the target (Su et al., 2021; Zhang et al., 2024). It is learned from the artifact's anchors, so it is
    the same for every domain.

    Attributes:
        mean: (s,) float32.
        matrix: (s, s) float32.
    """

    mean: Tensor
    matrix: Tensor

    @classmethod
    def learn(cls, vectors: Tensor, power: float) -> Self:
        """Learn the whitening of (n, s) vectors; power 0 only centres, 1 whitens fully. Of none, nothing is changed."""
        if not len(vectors):
            return cls(vectors.new_zeros(vectors.shape[1]), torch.eye(vectors.shape[1]))
        wide = vectors.double()
        mean = wide.mean(0)
        centred = wide - mean
        variances, directions = torch.linalg.eigh(centred.t() @ centred / max(1, len(wide)))
        variances = variances.clamp_min(0) + SHRINKAGE * variances.max().clamp_min(1e-12)
        matrix = directions * variances.pow(-power / 2) @ directions.t()
        return cls(mean.float(), matrix.float())

    def __call__(self, vectors: Tensor) -> Tensor:
        """Whiten (n, s) vectors to unit rows; zero rows (no text) stay zero."""
        known = vectors.ne(0).any(dim=1, keepdim=True)
        return torch.nn.functional.normalize((vectors - self.mean) @ self.matrix, dim=-1) * known

    def undo(self, whitened: Tensor) -> Tensor:
        """Return the (n, s) unit rows that were whitened; zero rows stay zero.

        A whitened row x is (t - mean) @ matrix up to a factor. With y = x @ matrix^-1, the unit row is t = mean + f y
        for the one f > 0 that gives it length 1.
        """
        known = whitened.ne(0).any(dim=1, keepdim=True)
        mean = self.mean.double()
        straight = torch.linalg.solve(self.matrix.double(), whitened.double(), left=False)
        along, square = straight @ mean, straight.square().sum(1).clamp_min(1e-12)
        factor = ((along.square() + square * (1 - mean.square().sum())).clamp_min(0).sqrt() - along) / square
        return torch.nn.functional.normalize(mean + factor[:, None] * straight, dim=-1).float() * known


TITLE_WIDTH = 96
"""Number of directions of title vectors that late terms compare if there are training users. The sum of all terms ranks
as well with a quarter of the directions, in less than half the time. Titles alone need all of them."""
MOST_DECOMPOSED = 20_000
"""Maximum number of titles from which the directions are computed."""


@dataclass(frozen=True, eq=False)
class TitleSpace:
    """Transformation of title vectors before late terms compare them: subtract the mean, project on main directions.

    All titles of a domain are similar; their mean says nothing about a user.

    Attributes:
        mean: (s,) float32.
        basis: (s, t) orthogonal directions; None keeps all.
    """

    mean: Tensor
    basis: Tensor | None

    @classmethod
    def of(cls, vectors: Tensor, *, narrow: bool, width: int = TITLE_WIDTH) -> Self:
        """Compute the transformation from (n, s) vectors; zero rows (no text) do not count.

        Args:
            vectors: vectors of the domain's titles.
            narrow: whether to keep only the `width` directions of largest variance.
            width: t.
        """
        known = vectors[vectors.ne(0).any(dim=1)]
        if not len(known):
            return cls(vectors.new_zeros(vectors.shape[1]), None)
        mean = known.double().mean(0)
        if not narrow or vectors.shape[1] <= width:
            return cls(mean.float(), None)
        some = known[torch.linspace(0, len(known) - 1, min(len(known), MOST_DECOMPOSED)).long()].double() - mean
        _, directions = torch.linalg.eigh(some.t() @ some)
        return cls(mean.float(), directions[:, -width:].float().contiguous())

    def __call__(self, vectors: Tensor) -> Tensor:
        """Map (n, s) vectors to (n, t) unit rows; zero rows stay zero."""
        known = vectors.ne(0).any(dim=1, keepdim=True)
        centred = vectors.float() - self.mean
        return torch.nn.functional.normalize(centred if self.basis is None else centred @ self.basis, dim=-1) * known
