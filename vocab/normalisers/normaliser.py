"""The `Normaliser` interface and its registry, which includes plug-ins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import entry_points
from typing import Protocol

import pyarrow as pa

from domains.errors import SettingsError
from vocab.settings import NormaliserSettings

ENTRY_POINTS = "transfer.normalisers"


class Normaliser(Protocol):
    """Splits titles into surface forms and finds the lemma of each.

    If the lemmas are stems (``gart``), set the attribute ``stems = True``: a stem is then replaced by the most
    frequent word with it (``garten``).

    The caller filters by length, numbers and stop words (`vocab.sememes`).
    """

    @property
    def name(self) -> str:
        """Name in recipes."""

    @property
    def stop_words(self) -> frozenset[str]:
        """Lower-case stop words of its language."""

    def tokens(self, titles: pa.Array) -> pa.Array:
        """Return the surface forms of (I,) large_string titles, in order: (I,) large_list<large_string>."""

    def lemmas(self, surfaces: Sequence[str]) -> list[str]:
        """Return the lemma of each surface form; unknown ones are returned unchanged."""


NormaliserFactory = Callable[[NormaliserSettings], Normaliser]


def make_normaliser(settings: NormaliserSettings, language: str = "english") -> Normaliser:
    """Make the normaliser that `settings` name.

    Args:
        settings: settings of the normaliser.
        language: language of the titles, see `vocab.normalisers.language`; plug-ins may ignore it.

    Raises:
        InputError: no normaliser of that name is installed.
    """
    return _factory(settings.name, language)(settings)


def available_normalisers() -> tuple[str, ...]:
    """Names of all normalisers, built in and plug-ins, sorted."""
    return tuple(sorted({"nltk", "spacy", *(point.name for point in entry_points(group=ENTRY_POINTS))}))


def _factory(name: str, language: str) -> NormaliserFactory:
    if name == "nltk" and language != "english":
        from vocab.normalisers.nltk import SnowballNormaliser

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
    raise SettingsError(
        f"there is no normaliser {name!r}",
        location="vocabulary.normaliser.name",
        hint=f"Use one of {', '.join(available_normalisers())}, or install the package that provides it",
        code="normaliser",
    )
