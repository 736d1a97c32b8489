"""Whether an artifact's files are as they were written, and taking over those that were changed on purpose."""

from __future__ import annotations

from pathlib import Path

from domains.errors import RunError
from transfer.files import alone_in
from transfer.runs.artifact import FILES, Artifact, kind_of
from transfer.runs.manifest import Difference, differences, write_manifest
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.target_run import TargetRun


def open_any(folder: Path) -> Artifact:
    """The artifact in a folder, of either kind, with everything in it checked.

    Raises:
        InputError: there is none, or it is damaged or changed.
    """
    kind = kind_of(folder)
    kinds: dict[str, type[Artifact]] = {"source": SourceArtifact, "target": TargetRun}
    if kind not in kinds:
        raise RunError(f"this is a {kind} artifact, which this release does not know", location=folder, code="run-kind")
    return kinds[kind].read(folder)


def verify(folder: Path) -> list[Difference]:
    """What differs from the manifest; if nothing does, the contents are checked as well.

    Raises:
        InputError: there is no artifact or manifest, or the contents of unchanged files are wrong.
    """
    kind_of(folder)
    found = differences(folder, FILES)
    if all(difference.harmless for difference in found):
        open_any(folder)
    return found


def accept(folder: Path) -> Artifact:
    """List the files as they are now, so that the artifact is read again.

    Raises:
        InputError: there is no artifact, a run is writing to it, or its contents cannot be used.
    """
    kind_of(folder)
    with alone_in(folder):
        write_manifest(folder, FILES)
    return open_any(folder)
