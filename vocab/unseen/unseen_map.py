"""`UnseenMap`: map words that are no anchors to weighted anchors. It can be saved and edited by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field
from scipy.sparse import csr_matrix

from domains.errors import RunError
from domains.raw_cells import counted
from vocab.documents import Layout
from vocab.encoder.sentence_encoder import SentenceEncoder, Track, untracked
from vocab.normalisers.normaliser import make_normaliser
from vocab.sememes import Ints, ItemSememes, tabulate
from vocab.settings import UnseenSettings
from vocab.text import Titles, as_strings, cleaned
from vocab.unseen.mapping_steps import ORDER, Link, Links, UnseenReport, report_on, steps
from vocab.vocabulary import SememeVocabulary


@dataclass(frozen=True, eq=False)
class UnseenMap:
    """Anchors for the words of a target that the vocabulary lacks. Make one with `build`.

    Attributes:
        vocabulary: the q anchors, and the lemmas of the titles that the map was built for.
        links: word -> weighted anchors; empty if none is similar.
        settings: settings it was built with.
        encoder: name of the sentence encoder used, or None.
    """

    vocabulary: SememeVocabulary
    links: Links
    settings: UnseenSettings
    encoder: str | None = None

    @classmethod
    def build(
        cls,
        vocabulary: SememeVocabulary,
        titles: Titles,
        settings: UnseenSettings | None = None,
        encoder: SentenceEncoder | None = None,
        track: Track = untracked,
    ) -> UnseenMap:
        """Find anchors for words of (I,) titles that are none. Words that are too common get none.

        Args:
            vocabulary: the anchors.
            titles: titles of the target.
            settings: steps and their limits.
            encoder: for the step "vectors"; None skips that step.
            track: shows the encoder's progress.
        """
        settings = settings or UnseenSettings()
        sememes = read_all(vocabulary, titles)
        unseen = sorted(lemma for lemma in sememes.lemmas if vocabulary.index(lemma) is None)
        links: dict[str, tuple[Link, ...]] = dict.fromkeys(unseen, ())
        # A word that occurs in nearly every title says nothing about an item, just as for anchors.
        too_common = vocabulary.settings.too_common
        counts = dict(zip(sememes.lemmas, sememes.item_counts.tolist(), strict=True))
        left = [word for word in unseen if not too_common(counts[word], sememes.n_items)]
        for _, step in steps(vocabulary.words, settings, encoder, track, english=vocabulary.language == "english"):
            found = step(left) if left else {}
            links.update(found)
            left = [word for word in left if word not in found]
        remembering = vocabulary.remembering(sememes.lemma_of)
        return cls(remembering, MappingProxyType(links), settings, encoder.name if encoder else None)

    def apply(self, titles: Titles) -> csr_matrix:
        """Map titles to (I, q) float32 CSR: 1.0 for an anchor in the title, the link's weight for a mapped word.

        If several words of a title map to one anchor, their weights are added, up to 1.0.
        """
        sememes = read_all(self.vocabulary, titles)
        items, ids = sememes.pairs
        ones = np.ones(len(items), np.float32)
        present = csr_matrix((ones, (items, ids)), shape=(sememes.n_items, len(sememes.lemmas)))
        anchors: csr_matrix = (present @ self._anchors_of(sememes.lemmas)).tocsr()
        np.minimum(anchors.data, 1.0, out=anchors.data)
        anchors.sort_indices()
        return anchors

    def report(self, titles: Titles) -> UnseenReport:
        """Count the words and items that each step maps in (I,) titles."""
        sememes = read_all(self.vocabulary, titles)
        step_of = [
            "anchor" if self.vocabulary.index(lemma) is not None else _step(self.links.get(lemma, ()))
            for lemma in sememes.lemmas
        ]
        return report_on(sememes, step_of)

    def explain(self, word: str) -> str:
        """Describe the anchors of a word, written as in a title."""
        lemmas = read_all(self.vocabulary, [word]).lemmas
        return "\n".join(self._explain_lemma(lemma) for lemma in lemmas) or f"{word}: no word in it"

    def save(self, path: str | Path) -> None:
        """Write JSON with one word per line, to be edited by hand."""
        _write_file(Path(path), self.links, self.settings, self.encoder)

    @classmethod
    def load(cls, path: str | Path, vocabulary: SememeVocabulary) -> UnseenMap:
        """Read a map that `save` wrote, including manual edits.

        Raises:
            InputError: the file is missing or damaged, or names an anchor that the vocabulary lacks.
        """
        return cls(vocabulary, *_read_file(Path(path), vocabulary))

    def _anchors_of(self, lemmas: tuple[str, ...]) -> csr_matrix:
        """(len(lemmas), q) float32, weights of the anchors that each sememe adds to an item."""
        entries = [(row, index, weight) for row, lemma in enumerate(lemmas) for index, weight in self._weights(lemma)]
        rows, columns, weights = zip(*entries, strict=True) if entries else ((), (), ())
        shape = (len(lemmas), len(self.vocabulary))
        return csr_matrix((np.array(weights, np.float32), (rows, columns)), shape=shape)

    def _weights(self, lemma: str) -> list[tuple[int, float]]:
        own = self.vocabulary.index(lemma)
        if own is not None:
            return [(own, 1.0)]
        indices = ((self.vocabulary.index(link.anchor), link.weight) for link in self.links.get(lemma, ()))
        return [(index, weight) for index, weight in indices if index is not None]

    def _explain_lemma(self, lemma: str) -> str:
        own = self.vocabulary.index(lemma)
        if own is not None:
            return f"{lemma}: is an anchor; in {counted(int(self.vocabulary.item_counts[own]), 'title')}"
        if lemma not in self.links:
            return f"{lemma}: unknown word, no anchor"
        found = ", ".join(f"{link.anchor} {link.weight:.2f} ({link.step})" for link in self.links[lemma])
        return f"{lemma}: {found or 'no similar anchor'}"


def read_all(vocabulary: SememeVocabulary, titles: Titles) -> ItemSememes:
    """Turn (I,) titles into sememes. Titles of stop words and numbers only ("Up", "300") keep them."""
    texts = as_strings(titles)
    sememes = vocabulary.read(texts)
    silent = np.setdiff1d(np.arange(len(texts)), sememes.rows)
    if not len(silent):
        return sememes
    lenient = vocabulary.settings.normaliser.model_copy(
        update={
            "min_length": 1,
            "drop_numbers": False,
            "drop_sizes": False,
            "stop_words": "none",
            "extra_stop_words": (),
        }
    )
    table = tabulate(texts.take(pa.array(silent)), make_normaliser(lenient, vocabulary.language), lenient)
    # These words are not lemmatised: a lemmatiser does not know numbers and reads "us" as a plural.
    raw = ItemSememes(
        lemmas=tuple(table.surfaces.to_pylist()), rows=table.rows, ids=table.ids, n_items=table.n_titles, lemma_of={}
    )
    return _merged(sememes, raw, silent)


def _merged(first: ItemSememes, second: ItemSememes, rows: Ints) -> ItemSememes:
    """Merge the sememes of the titles at `rows` into those of all titles."""
    lemmas = tuple(dict.fromkeys((*first.lemmas, *second.lemmas)))
    position = {lemma: index for index, lemma in enumerate(lemmas)}
    ids = np.array([position[lemma] for lemma in second.lemmas], dtype=np.int64)[second.ids]
    all_rows = np.concatenate((first.rows, rows[second.rows]))
    order = np.argsort(all_rows, kind="stable")
    return replace(first, lemmas=lemmas, rows=all_rows[order], ids=np.concatenate((first.ids, ids))[order])


def _step(links: tuple[Link, ...]) -> str | None:
    return links[0].step if links else None


class _MapFile(BaseModel):
    """Fields of the JSON document."""

    model_config = ConfigDict(extra="forbid")

    format: str = Field(description="Always 'unseen-words'.")
    version: int = Field(description="Format version.")
    help: str = Field(default="", description="A note for the person who edits the file.")
    encoder: str | None = Field(description="Sentence encoder that was used.")
    settings: UnseenSettings = Field(description="Settings it was built with.")
    words: dict[str, list[tuple[str, float, str]]] = Field(description="Word -> [anchor, weight, step].")


LAYOUT = Layout(
    model=_MapFile,
    format="unseen-words",
    version=1,
    name="file of unseen words",
    hint="Write [anchor, weight, step] lists for every word, or create the file again",
)


def _write_file(path: Path, links: Links, settings: UnseenSettings, encoder: str | None) -> None:
    """Write the map atomically."""
    head = {
        "format": LAYOUT.format,
        "version": LAYOUT.version,
        "help": "word: [[anchor, weight up to 1, step], ...]; set the step of entries you change to 'hand'",
        "encoder": encoder,
        "settings": settings.model_dump(mode="json"),
    }
    words = ",\n".join(
        f"  {_json(word)}: {_json([[link.anchor, link.weight, link.step] for link in found])}"
        for word, found in sorted(links.items())
    )
    lines = "".join(f" {_json(key)}: {_json(value)},\n" for key, value in head.items())
    LAYOUT.write(f'{{\n{lines} "words": {{\n{words}\n }}\n}}\n', path)


def _read_file(path: Path, vocabulary: SememeVocabulary) -> tuple[Links, UnseenSettings, str | None]:
    """Read and validate links, settings and the name of the sentence encoder; see `UnseenMap.load`."""
    document = LAYOUT.read(path)
    links = {
        word: tuple(_link(path, word, entry, vocabulary) for entry in entries)
        for word, entries in document.words.items()
    }
    # People may write words with capitals; the normalisers use lower case.
    lower = cleaned(pa.array(list(links), pa.large_string())).to_pylist()
    links = {**dict(zip(lower, links.values(), strict=True)), **links}
    return MappingProxyType(links), document.settings, document.encoder


def _link(path: Path, word: str, entry: tuple[str, float, str], vocabulary: SememeVocabulary) -> Link:
    anchor, weight, step = entry
    location = f"{path}, word {word!r}"
    if vocabulary.index(anchor) is None:
        raise RunError(
            f"{anchor!r} is no anchor", location=location, hint="Use a word of the vocabulary", code="unseen-map"
        )
    if not 0 < weight <= 1:
        raise RunError(f"the weight {weight} is not in (0, 1]", location=location, code="unseen-map")
    if step not in ORDER[1:]:
        raise RunError(
            f"there is no step {step!r}",
            location=location,
            hint="Set the step of entries you change to 'hand'",
            code="unseen-map",
        )
    return Link(anchor, weight, step)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
