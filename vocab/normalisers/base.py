"""The `Normaliser` seam: what turns titles into sememes, ours or a third party's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import entry_points
from typing import Protocol

import pyarrow as pa

from domains.errors import InputError
from vocab.settings import NormaliserSettings

ENTRY_POINTS = "transfer.normalisers"


class Normaliser(Protocol):
    """Cuts titles into surface forms and finds the lemma of each.

    A normaliser whose lemmas are stems (``gart``) has an attribute ``stems = True``: the most frequent word with a
    stem then stands for it (``garten``).

    Filtering by length, numbers and stop words is the caller's (`vocab.normalisers.tokens`), so that every normaliser
    filters alike.
    """

    @property
    def name(self) -> str:
        """What a recipe calls it."""

    @property
    def stop_words(self) -> frozenset[str]:
        """Lower-case function words of its language."""

    def tokens(self, titles: pa.Array) -> pa.Array:
        """(I,) large_list<large_string>, the surface forms of (I,) large_string titles, in their order."""

    def lemmas(self, surfaces: Sequence[str]) -> list[str]:
        """Find the lemma of each surface form; one that is unknown stays as it is."""


NormaliserFactory = Callable[[NormaliserSettings], Normaliser]


def make_normaliser(settings: NormaliserSettings, language: str = "english") -> Normaliser:
    """Make the normaliser that `settings` name.

    Args:
        settings: what a recipe says.
        language: of the titles, as `vocab.normalisers.language` names it; plug-ins have one of their own.

    Raises:
        InputError: nothing of that name is installed.
    """
    return _factory(settings.name, language)(settings)


def available_normalisers() -> tuple[str, ...]:
    """Names that a recipe may use, sorted: the two of the project and those of installed plug-ins."""
    return tuple(sorted({"nltk", "spacy", *(point.name for point in entry_points(group=ENTRY_POINTS))}))


def _factory(name: str, language: str) -> NormaliserFactory:
    if name == "nltk" and language != "english":
        from vocab.normalisers.snowball import SnowballNormaliser

        return partial(SnowballNormaliser, language=language)
    if name == "nltk":
        from vocab.normalisers.nltk import NltkNormaliser

        return NltkNormaliser
    if name == "spacy":
        from vocab.normalisers.spacy import SpacyNormaliser

        return partial(SpacyNormaliser, language=language)
    for point in entry_points(group=ENTRY_POINTS, name=name):
        factory: NormaliserFactory = point.load()
        return factory
    raise InputError(
        f"there is no normaliser {name!r}",
        location="vocabulary.normaliser.name",
        hint=f"Use one of {', '.join(available_normalisers())}, or install the package that brings it",
    )
