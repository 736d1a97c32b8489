"""How close another domain is: the share of a domain's words that are anchors of the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domains.errors import InputError
from vocab.item_texts import item_texts
from vocab.settings import VocabularySettings
from vocab.text import Titles
from vocab.vocabulary import SememeVocabulary

CLOSE = 0.4
"""Share of words from which on a source is called close."""
SOME = 0.2


@dataclass(frozen=True)
class Closeness:
    """What a target has in common with a source.

    Attributes:
        source: its name.
        shared: words of the target that are anchors of the source.
        words: of the target.
    """

    source: str
    shared: int
    words: int

    @property
    def share(self) -> float:
        """In [0, 1]; 0 if the target has no words."""
        return self.shared / self.words if self.words else 0.0

    @property
    def is_close(self) -> bool:
        """Whether the source is worth its training."""
        return self.share >= CLOSE

    def __str__(self) -> str:
        what = "close" if self.is_close else "expect some transfer" if self.share >= SOME else "expect little transfer"
        verb = "is" if self.shared == 1 else "are"
        return f"{self.shared:,} of {self.words:,} words {verb} shared with {self.source}: {what}."


def closeness(
    source: str, source_fields: Mapping[str, Titles], target_fields: Mapping[str, Titles], settings: VocabularySettings
) -> Closeness:
    """Compare two catalogues by their words alone.

    Args:
        source: its name.
        source_fields: `domains.domain.Domain.fields` of the source.
        target_fields: the same of the target.
        settings: which words are anchors.
    """
    known, words = (_words(fields, settings) for fields in (source_fields, target_fields))
    return Closeness(source, len(known & words), len(words))


def _words(fields: Mapping[str, Titles], settings: VocabularySettings) -> set[str]:
    """The anchors of a domain by itself; none if no word passes."""
    try:
        return set(SememeVocabulary.build({"domain": item_texts(fields, settings.fields)}, settings).words)
    except InputError:
        return set()
