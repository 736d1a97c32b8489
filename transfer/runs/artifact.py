"""`Artifact`: the base class of artifacts, with format version, saving, loading, and the hub."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from domains.disk import cannot_write
from domains.errors import InputError, RunError, explain, suggest
from transfer.diffusion.settings import S2IDMSettings
from transfer.files import SCRATCH, json_text, private_folder, read_json, write_text
from transfer.interests.settings import InterestSettings
from transfer.runs.artifact_files import MANIFEST, FileEntry, check_unchanged, write_manifest
from vocab.vocabulary import SememeVocabulary

FORMAT_VERSION = 6
"""3: without a manifest. 4: settings held what is now constant or belongs to the machine; `Settings` drops it. 5:
`taste` counted the companions of the whole history."""
READS = (4, 5, 6)
"""Versions that this release opens."""
WEIGHTS = "model.safetensors"
CONFIG = "config.json"
VOCABULARY = "vocabulary.json"
README = "README.md"
LOG = "training.jsonl"
DOMAIN = "domain"
METRICS = "metrics.json"
RECIPE = "recipe.yaml"
ITEMS = "items.safetensors"
UNSEEN = "unseen.json"
"""File with the map of unseen words in a target run. Users may edit it and name it as a recipe's `unseen_map`."""
CHECKPOINTS = "pieces"
MOST_LISTED = 6
"""Maximum number of artifacts in the hint for a wrong name."""

FILES = frozenset({CONFIG, WEIGHTS, VOCABULARY, README, LOG, DOMAIN, METRICS, RECIPE, ITEMS, UNSEEN})
"""Files and folders of a finished artifact."""
_OURS = FILES | {MANIFEST, CHECKPOINTS}
_TRACES = {CONFIG, LOG, CHECKPOINTS}
"""Files of a run; a folder with none of these holds something else."""


def claim(folder: Path, kind: str) -> None:
    """Raise if an artifact would overwrite other files. Called before anything is computed.

    Args:
        folder: folder for an artifact; may be missing, empty, or hold an earlier run of the same kind.
        kind: kind of the artifact.

    Raises:
        InputError: the folder holds an artifact of another kind, or other files.
    """
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.is_dir() else set()
    made_here = bool(names & _TRACES)
    foreign = sorted(n for n in names if not (made_here and (n in _OURS or n.startswith(f"{SCRATCH}-"))))
    if foreign:
        raise RunError(
            f"this folder holds other files ({', '.join(foreign[:3])})",
            location=folder,
            hint="Choose another --out",
            code="folder-in-use",
        )
    if CONFIG in names:
        found = read_json(folder / CONFIG)
        if isinstance(found, dict) and found.get("kind", kind) != kind:
            raise RunError(
                f"this folder holds a {found['kind']} artifact, which would be overwritten",
                location=folder,
                hint="Choose another --out",
                code="folder-in-use",
            )


class ArtifactConfig(BaseModel):
    """The common keys of every `config.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    format_version: int = FORMAT_VERSION
    vocabulary_fingerprint: str
    s2idm: S2IDMSettings | None
    interests: InterestSettings


def kind_of(folder: Path) -> str:
    """Return the kind of the artifact in a folder.

    Raises:
        InputError: there is no artifact, or this release cannot read its format version.
    """
    if not (folder / CONFIG).is_file():
        inside = [str(folder / name) for name in ("source", "target") if (folder / name / CONFIG).is_file()]
        raise RunError(
            "no artifact here (config.json is missing)",
            location=folder,
            hint=f"Name one within it: {', '.join(inside)}"
            if inside
            else "Name a folder that transfer run, fit-source or adapt-target wrote",
            code="run-missing",
        )
    config = read_json(folder / CONFIG)
    if not isinstance(config, dict) or not isinstance(config.get("kind"), str):
        raise RunError(
            "this is not the config.json of an artifact of this toolkit",
            location=folder / CONFIG,
            hint="Name a folder that transfer run, fit-source or adapt-target wrote",
            code="run-damaged",
        )
    if config.get("format_version") not in READS:
        known = ", ".join(f"version {version}" for version in READS)
        raise RunError(
            f"the format version is {config.get('format_version')!r}, but this release reads {known}",
            location=folder / CONFIG,
            hint="Make the artifact again with this release, or install the release that wrote it",
            code="run-version",
        )
    return str(config["kind"])


Config = TypeVar("Config", bound=ArtifactConfig)


def read_config(folder: Path, model: type[Config]) -> Config:
    """Read the config of an artifact.

    Args:
        folder: folder of the artifact.
        model: type of the config; its default `kind` is the required kind.

    Raises:
        InputError: there is no artifact, it is of another kind or format version, or its config is damaged.
    """
    kind, wanted = kind_of(folder), model.model_fields["kind"].default
    if kind != wanted:
        raise RunError(
            f"this is a {kind} artifact, but a {wanted} artifact is needed",
            location=folder,
            hint="transfer run writes both, into the folders source and target",
            code="run-kind",
        )
    try:
        return model.model_validate(read_json(folder / CONFIG))
    except ValidationError as error:
        found = explain(error, model, f"{folder / CONFIG}: ")
        raise RunError(found.problem, location=found.location, hint=found.hint, code="run-damaged") from None


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Raise an OSError of the block as an InputError."""
    try:
        yield
    except OSError as error:
        raise cannot_write(error, folder) from error


def read_vocabulary(folder: Path, config: ArtifactConfig) -> SememeVocabulary:
    """Read the vocabulary of an artifact.

    Raises:
        InputError: the vocabulary is damaged, or the weights were trained with another one.
    """
    vocabulary = SememeVocabulary.load(folder / VOCABULARY)
    if vocabulary.fingerprint != config.vocabulary_fingerprint:
        raise RunError(
            "the weights were trained with another vocabulary",
            location=folder / VOCABULARY,
            hint="Restore the file, or make the artifact again",
            code="run-mixed",
        )
    return vocabulary


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Artifact:
    """An artifact that can be saved, loaded and shared on the hub. Subclasses define its contents.

    Attributes:
        folder: folder that it was read from, perhaps in the hub's cache; None for a new artifact.
    """

    config_type: ClassVar[type[ArtifactConfig]]
    folder: Path | None = None

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the artifact to a folder, with copies of its map of unseen words and its training log."""
        folder = Path(folder)
        private_folder(folder)
        if self.folder is not None and self.folder.resolve() != folder.resolve():
            for name in (UNSEEN, LOG):
                if (self.folder / name).is_file():
                    shutil.copyfile(self.folder / name, folder / name)
        self.write(folder)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        token: str | None = None,
        revision: str | None = None,
        commit_message: str = "Upload artifact",
    ) -> str:
        """Upload the artifact to a hub repository, which is created if missing; return the URL of the commit."""
        from huggingface_hub import HfApi

        api = HfApi(token=token)
        repo_id = api.create_repo(repo_id=repo_id, private=private, exist_ok=True).repo_id
        with tempfile.TemporaryDirectory() as copy:
            self.save_pretrained(copy)
            commit = api.upload_folder(
                repo_id=repo_id, folder_path=copy, commit_message=commit_message, revision=revision
            )
        return str(commit)

    @classmethod
    def from_pretrained(
        cls,
        place: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        token: str | bool | None = None,
    ) -> Self:
        """Read an artifact from a folder, or download it from the hub."""
        folder = Path(place)
        if not folder.is_dir():
            from huggingface_hub import snapshot_download

            download = snapshot_download(
                str(place),
                revision=revision,
                cache_dir=cache_dir,
                force_download=force_download,
                local_files_only=local_files_only,
                token=token,
                allow_patterns=["*.json", "*.jsonl", "*.safetensors", "*.md", "*.yaml", "*.npy", "*.arrow", "*/*"],
            )
            folder = Path(download)
        return cls.read(folder)

    def write(self, folder: Path) -> None:
        """Write the artifact into an existing folder.

        `config.json` is removed first and written last, so a folder without it is unfinished.
        """
        with _writing(folder):
            (folder / CONFIG).unlink(missing_ok=True)
            config = json_text(self._write(folder).model_dump(mode="json"))
            write_manifest(folder, FILES, {CONFIG: FileEntry.of_text(config)})
            write_text(folder / CONFIG, config)

    def _write(self, folder: Path) -> ArtifactConfig:
        """Write all files but the config, and return the config."""
        raise NotImplementedError

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read an artifact.

        Raises:
            InputError: the artifact is missing, damaged, changed, or of another kind or version.
        """
        config = read_config(folder, cls.config_type)
        check_unchanged(folder, FILES)
        return replace(cls._read(folder, config), folder=folder)

    @classmethod
    def _read(cls, folder: Path, config: Any) -> Self:
        """Read all files but the config."""
        raise NotImplementedError

    @classmethod
    def known(cls) -> list[str]:
        """Return names and folders of existing artifacts, for hints."""
        return []

    @classmethod
    def load(cls, place: str | Path) -> Self:
        """Read an artifact from a local folder, or from the hub if no such folder exists.

        Raises:
            InputError: neither exists.
        """
        folder = Path(place)
        if folder.is_dir():
            return cls.read(folder)
        known = cls.known()
        listed = f". Here are: {', '.join(known[:MOST_LISTED])}" if known else ""
        hub_id = str(place).count("/") == 1 and not folder.is_absolute() and not str(place).startswith(".")
        if not hub_id or folder.parent.is_dir():
            near = suggest(str(place), known) or suggest(
                folder.name, [one.name for one in folder.parent.glob("*") if one.is_dir()]
            )
            raise RunError(
                "no such folder",
                location=place,
                hint=f"{near}Name an artifact's folder, or a hub id like owner/name{listed}",
                code="run-missing",
            )
        try:
            return cls.from_pretrained(str(place))
        except InputError:
            raise
        except (OSError, ValueError) as error:
            raise RunError(
                f"neither a folder here nor an artifact on the hub ({type(error).__name__})",
                location=place,
                hint=f"Check the path, or the network and the id{listed}",
                code="run-missing",
            ) from error
