"""What source artifacts are here: their domains, anchors, size and licence. Reads no weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from domains.errors import InputError
from transfer.runs.artifact import read_config
from transfer.runs.source_artifact import DomainNote, SourceArtifact, SourceConfig
from transfer.runs.source_places import BUNDLED, DEFAULT_ROOT, bundled_folder, find_sources


@dataclass(frozen=True, kw_only=True)
class SourceSummary:
    """A source artifact in a list.

    Attributes:
        place: what `adapt-target` takes: ``bundled``, a folder, or a hub id.
        domains: that it was trained on.
        anchors: number of them.
        hidden: width of S2IDM; None without one.
        encoder: whether it has a source encoder.
        size: of its files, in bytes.
        licence: None if nobody stated it.
    """

    place: str
    domains: tuple[DomainNote, ...]
    anchors: int
    hidden: int | None
    encoder: bool
    size: int
    licence: str | None

    @classmethod
    def of(cls, place: str, folder: Path) -> SourceSummary:
        """Summarise the artifact in a folder.

        Raises:
            InputError: it is missing, damaged, of another kind or version.
        """
        config = read_config(folder, SourceConfig)
        return cls(
            place=place,
            domains=config.domains,
            anchors=config.anchors,
            hidden=None if config.s2idm is None else config.s2idm.hidden,
            encoder=config.terms is not None,
            size=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
            licence=config.licence,
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def list_sources(places: Sequence[str] = ()) -> tuple[list[SourceSummary], list[InputError]]:
    """List source artifacts.

    Args:
        places: ``bundled``, folders of artifacts, runs or experiments, or hub ids, which are downloaded. By default,
            the bundled artifact and those in ``runs``.

    Returns:
        The artifacts, and an error for each that was found but cannot be read.

    Raises:
        InputError: a given place holds no source artifact.
    """
    listed, errors = [], []
    for place, folder in _folders(places):
        try:
            listed.append(SourceSummary.of(place, folder))
        except InputError as error:
            if place in places:
                raise
            errors.append(error)
    return listed, errors


def _folders(places: Sequence[str]) -> list[tuple[str, Path]]:
    """Return each artifact's name and folder."""
    found = [] if places else [(BUNDLED, bundled_folder()), *((str(one), one) for one in find_sources(DEFAULT_ROOT))]
    for place in places:
        within = [] if place == BUNDLED else find_sources(Path(place))
        if within:
            found += [(str(one), one) for one in within]
        else:
            folder = SourceArtifact.load(place).folder
            assert folder is not None
            found.append((place, folder))
    return list(dict(found).items())
