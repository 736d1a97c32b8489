"""Items that fit words of interest, by text, categories, anchors and co-occurrence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import torch
from scipy.sparse import csr_matrix, diags
from torch import Tensor

from domains.errors import InputError, suggest
from transfer.items.sentence_vectors import Semantics
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime
from transfer.sparse import unit_rows

Floats = npt.NDArray[np.float32]

CATEGORY, ANCHORS, COMPANIONS, KIND, POPULARITY = 0.5, 0.3, 0.3, 0.2, 0.1
"""Weights beside the fit of the text, whose best item has 1 (chosen by eye on films; see docs/interests.md).

Companions and kind count as far as the words fit, so that they order items that fit but bring in none that do not.
"""
SEEDS = 15
"""Number of best items of a word. Items that users chose together with them, or of the same kind, get a bonus."""
SURE = 4
"""Exponent of the score by which best items are weighted, so that the few best ones dominate."""
SHARPNESS = 0.1
"""Temperature of the soft maximum over words: the best word decides, and items that fit two words gain a little."""
WEAK = 0.35
"""Minimum cosine of sentence vectors of a good fit (pizza among films: 0.33)."""
LONGEST = 200
"""Maximum number of characters of an interest."""
MOST_WORDS = 50


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """Scores of items for words of interest.

    Attributes:
        words: the words that count: those that items fit well, or all if there are none.
        scores: (I,) float32, scores for all words.
        unknown_scores: (I,) float32, the same without companions and popularity, which new items lack.
        by_word: (w, I) float32, scores of each word, with a maximum of 1.
        anchors: anchors of each word.
        weak: words that no item fits well; they are left out beside others.
    """

    words: tuple[str, ...]
    scores: Floats
    unknown_scores: Floats
    by_word: Floats
    anchors: tuple[tuple[str, ...], ...]
    weak: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each weak word."""
        what = "its items are only the nearest" if self.words == self.weak else "it is left out"
        return tuple(f"Nothing fits {word!r} well: {what}." for word in self.weak)

    def word_of(self, item: int) -> str:
        """Return the word that an item fits best."""
        return self.words[int(self.by_word[:, item].argmax())]


def interests_in(text: str) -> list[str]:
    """Return the interests in a text, which stand between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


@dataclass(frozen=True, eq=False)
class InterestIndex:
    """Scores a run's items for words of interest.

    Attributes:
        run: the target run.
        semantics: the sentence encoder of its titles, or None.
    """

    run: TargetRun
    semantics: Semantics | None

    @classmethod
    def of(cls, run: TargetRun) -> InterestIndex:
        """Return the index, with the installed sentence encoder if the run was made with it."""
        semantics = Semantics.find(run.recipe.semantic, Runtime())
        fits = semantics is not None and run.sentence_encoder in (None, semantics.encoder.fingerprint)
        return cls(run, semantics if fits else None)

    def fit(self, words: Sequence[str]) -> Fit:
        """Score every item for some words.

        Args:
            words: words as typed.

        Raises:
            InputError: there is no word, or a word is unknown to this run and no sentence encoder is installed.
        """
        given = tuple(word.strip() for word in words if word.strip())
        if not given:
            raise InputError(
                "no interest was given",
                location="--interests",
                hint='Write --interests "word, word"',
                code="no-interest",
            )
        if len(given) > MOST_WORDS or max(map(len, given)) > LONGEST:
            raise InputError(
                f"more than {MOST_WORDS} interests, or one longer than {LONGEST} letters",
                location="--interests",
                hint="Give fewer and shorter ones",
                code="long-interest",
            )
        for word in given:
            if any("\ud800" <= letter <= "\udfff" for letter in word):
                raise InputError(
                    f"{word!r} holds half of a letter",
                    location="--interests",
                    hint="Write it in UTF-8",
                    code="unknown-interest",
                )
        anchors = self._anchors_of(given)
        matched = np.asarray((self._items @ unit_rows(anchors).T).toarray().T, dtype=np.float32)
        named, text = self._by_category(given), self._by_text(given)
        unknown = ANCHORS * matched + CATEGORY * named
        unknown = unknown + (text if text is not None else matched)
        self._check_words(given, unknown)
        unknown += KIND * self._kind(unknown) * _of_best(unknown)
        known = unknown + POPULARITY * self._popularity
        known += COMPANIONS * self._companions(unknown) * _of_best(unknown)
        found, weak = self.run.vocabulary.words, self._weak(given, matched, named)
        rows = np.flatnonzero(~weak) if not weak.all() else np.arange(len(given))  # weak words only among themselves
        by_word = _of_best(known)[rows]
        return Fit(
            words=tuple(given[row] for row in rows),
            scores=_mixed(by_word),
            unknown_scores=_mixed(_of_best(unknown)[rows]),
            by_word=by_word,
            anchors=tuple(tuple(found[anchor] for anchor in anchors[row].indices) for row in rows.tolist()),
            weak=tuple(given[row] for row in np.flatnonzero(weak)),
        )

    def plain(self, word: str, count: int) -> list[str]:
        """Return the titles with the largest cosines of sentence vectors, as a baseline for `fit`.

        Raises:
            ValueError: there is no sentence encoder.
        """
        if self.semantics is None:
            raise ValueError("words have no vectors without a sentence encoder")
        cosines = self.semantics.titles(self.run.domain) @ self.semantics.words([word])[0]
        best = cosines.topk(min(count, len(cosines))).indices.tolist()
        return self.run.domain.titles_of(np.array(best))

    @cached_property
    def _items(self) -> csr_matrix:
        return unit_rows((self.run.item_anchors @ diags(self.run.vocabulary.idf)).tocsr())

    @cached_property
    def _titles(self) -> Tensor | None:
        """(I, s) unit rows without whitening, which would separate titles better but match single words worse."""
        if self.semantics is None:
            return None
        kept, whitening = self.run.features.title_vectors, self.run.features.whitening
        if kept is None:
            return self.semantics.titles(self.run.domain)
        return kept if whitening is None else whitening.undo(kept)

    @cached_property
    def _categories(self) -> tuple[tuple[str, ...], csr_matrix] | None:
        """Names of the categories, and (I, c) which item has which."""
        lists = self.run.domain.categories
        if lists is None or not len(lists.flatten()):
            return None
        flat = lists.flatten().dictionary_encode()
        rows = np.repeat(np.arange(len(lists)), np.diff(lists.offsets.to_numpy()))
        columns = flat.indices.to_numpy(zero_copy_only=False)
        names = tuple(flat.dictionary.to_pylist())
        matrix = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(lists), len(names)))
        return names, matrix

    @cached_property
    def _popularity(self) -> Floats:
        """(I,) log(1 + count), scaled to a maximum of 1. New items get the average."""
        logs = np.log1p(self.run.counts)
        logs = np.where(np.isnan(logs), np.nanmean(logs) if np.isfinite(logs).any() else 0, logs)
        popularity: Floats = (logs / max(float(logs.max(initial=0)), 1e-12)).astype(np.float32)
        return popularity

    @cached_property
    def _users(self) -> csr_matrix:
        """(I, U) unit rows: the users of each item."""
        domain = self.run.domain
        ones = np.ones(domain.n_interactions, np.float32)
        met = csr_matrix((ones, (domain.items, domain.owners)), shape=(domain.n_items, domain.n_users))
        met.data[:] = 1
        return unit_rows(met).astype(np.float32)

    def _vectors(self, words: Sequence[str]) -> Tensor:
        if self.semantics is None:
            raise ValueError("words have no vectors without a sentence encoder")
        return self.semantics.words(words)

    def _by_text(self, words: Sequence[str]) -> Floats | None:
        """Return (w, I) cosines of sentence vectors, divided by each row's maximum; None without an encoder."""
        if self._titles is None:
            return None
        named = pc.not_equal(self.run.domain.titles, "").to_numpy(zero_copy_only=False)
        return _of_best((self._vectors(words) @ self._titles.T).clamp_min(0).numpy() * named)  # no name, no answer

    def _by_category(self, words: Sequence[str]) -> Floats:
        """Return (w, I) similarities of each word and the nearest category of each item; 1 for the same word."""
        if self._categories is None:
            return np.zeros((len(words), self.run.domain.n_items), np.float32)
        names, matrix = self._categories
        near = np.array([[float(_same(word, name)) for name in names] for word in words], np.float32)
        if self._titles is not None:
            cosines = (self._vectors(words) @ self._vectors([name.lower() for name in names]).T).clamp_min(0).numpy()
            near = np.maximum(near, cosines)
        order = np.argsort(near, axis=1)
        best = np.zeros((len(words), matrix.shape[0]), np.float32)
        for word, columns in enumerate(order):
            for column in columns:  # the nearest category comes last and overwrites the others
                best[word, matrix[:, column].indices] = near[word, column]
        return best

    def _anchors_of(self, words: Sequence[str]) -> csr_matrix:
        """Return (w, q) IDF-weighted anchors of the words."""
        unseen, vocabulary = self.run.unseen(), self.run.vocabulary
        matrix = vocabulary.encode(list(words)).matrix if unseen is None else unseen.apply(list(words))
        return (matrix @ diags(vocabulary.idf)).tocsr()

    def _kind(self, fits: Floats) -> Floats:
        """(w, I) whether an item has the categories that those that fit best have more than others.

        As shares of the largest. A title that only holds the word by chance, such as Office Space, falls behind.
        """
        out = np.zeros_like(fits)
        if self._categories is None:
            return out
        rows = unit_rows(self._categories[1])
        usual = np.asarray(rows.mean(axis=0), dtype=np.float32).ravel()
        for word, fit in enumerate(fits):
            seeds, weights = _seeds(fit)
            mine = rows[seeds].toarray()
            total = weights @ mine
            like = rows @ (total / weights.sum() - usual)
            # A best item is compared with the other best items.
            rest = (total - weights[:, None] * mine) / np.maximum(weights.sum() - weights, 1e-12)[:, None]
            like[seeds] = ((rest - usual) * mine).sum(axis=1)
            out[word] = like / max(float(like.max(initial=0)), 1e-12)
        return np.clip(out, 0, 1)

    def _companions(self, fits: Floats) -> Floats:
        """Return (w, I) how often users chose an item together with the best items, divided by each row's maximum."""
        out = np.zeros_like(fits)
        for word, fit in enumerate(fits):
            seeds, weights = _seeds(fit)
            users = csr_matrix(weights[None]) @ self._users[seeds]
            together = np.asarray((self._users @ users.T).toarray()).ravel()
            own = np.asarray(self._users[seeds].multiply(self._users[seeds]).sum(axis=1)).ravel()
            together[seeds] -= weights * own  # every item is with itself
            out[word] = together / max(float(together.max(initial=0)), 1e-12)
        return np.clip(out, 0, 1)

    def _weak(self, words: Sequence[str], matched: Floats, named: Floats) -> npt.NDArray[np.bool_]:
        """Return (w,) bool: words that match no anchor or category of any item, and no text well."""
        alone = (matched.max(axis=1, initial=0) <= 0) & (named.max(axis=1, initial=0) < 1)
        if self._titles is None:
            return alone
        cosines = (self._vectors(words) @ self._titles.T).max(dim=1).values.numpy()
        return np.asarray(alone & (cosines < WEAK))

    def _check_words(self, words: Sequence[str], fits: Floats) -> None:
        for word, fit in zip(words, fits, strict=True):
            if fit.max(initial=0) <= 0:
                near = suggest(word.lower(), self.run.vocabulary.words)
                raise InputError(
                    f"no item fits {word!r}: it is neither a category nor an anchor of this run",
                    location="--interests",
                    hint=f'{near}Or install the extra "sememe-transfer[semantic]", which understands any word',
                    code="unknown-interest",
                )


def _seeds(fit: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return the items (s,) with the highest scores, and their weights (s,), with a maximum of 1."""
    seeds = np.argsort(-fit, kind="stable")[:SEEDS]
    weights: Floats = (fit[seeds] / fit[seeds[0]]) ** SURE
    return seeds, weights


def _same(word: str, name: str) -> bool:
    """Return whether a word is the name of a category, ignoring case and hyphens."""
    plain = [" ".join(text.lower().replace("-", " ").replace("_", " ").split()) for text in (word, name)]
    return plain[0] == plain[1]


def _of_best(fits: Floats) -> Floats:
    """Divide rows by their maximum."""
    best = fits.max(axis=1, keepdims=True, initial=0)
    shares: Floats = (fits / np.where(best > 0, best, 1)).astype(np.float32)
    return shares


def _mixed(fits: Floats) -> Floats:
    """Return (I,) the soft maximum over words, after their scores are made comparable.

    Otherwise a word with many good items would dominate one with few. So the r-th best item of every word gets the same
    value, the mean over words. Items of all words then alternate, and items that fit two words rank higher.
    """
    ordered = np.sort(fits, axis=1).mean(axis=0)
    ranks = np.argsort(np.argsort(fits, axis=1, kind="stable"), axis=1)
    alike = torch.from_numpy(ordered[ranks]).float()
    return (SHARPNESS * torch.logsumexp(alike / SHARPNESS, dim=0)).numpy()
