"""What every artifact folder shares: a format version, a kind, and the hub's save and load conventions."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Self, TypeVar

from huggingface_hub import ModelHubMixin, snapshot_download
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from domains.errors import InputError
from domains.nearest import suggest
from domains.validation import explain
from recipes.settings import InterestSettings, S2IDMSettings
from transfer.files import read_json
from vocab.vocabulary import SememeVocabulary

FORMAT_VERSION = 3
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
"""The map of unseen words in a target run's folder; may be edited and named by the recipe's `unseen_map`."""
PIECES = "pieces"

_OURS = {CONFIG, WEIGHTS, VOCABULARY, README, LOG, DOMAIN, METRICS, RECIPE, ITEMS, UNSEEN, PIECES}
_TRACES = {CONFIG, LOG, PIECES}
"""What a run leaves first or last: with none of them, a folder was not made here."""


def claim(folder: Path, kind: str) -> None:
    """Stop before anything is computed where the results would go over somebody else's files.

    Args:
        folder: for an artifact; may be missing, empty, or an earlier run of the same kind.
        kind: of the artifact.

    Raises:
        InputError: it holds an artifact of another kind, or files that no run made.
    """
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.is_dir() else set()
    made_here = bool(names & _TRACES)
    foreign = sorted(n for n in names if not (made_here and (n in _OURS or n.startswith("scratch-"))))
    if foreign:
        raise InputError(
            f"this folder holds other files ({', '.join(foreign[:3])})", location=folder, hint="Choose another --out"
        )
    if CONFIG in names:
        found = read_json(folder / CONFIG)
        if isinstance(found, dict) and found.get("kind", kind) != kind:
            raise InputError(
                f"this folder holds a {found['kind']} artifact, which would be lost", location=folder,
                hint="Choose another --out",
            )  # fmt: skip


class ArtifactConfig(BaseModel):
    """What every `config.json` says; each kind of artifact adds its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    format_version: int = FORMAT_VERSION
    vocabulary_fingerprint: str
    s2idm: S2IDMSettings
    interests: InterestSettings


Config = TypeVar("Config", bound=ArtifactConfig)


def read_config(folder: Path, kind: str, model: type[Config]) -> Config:
    """The config of an artifact.

    Args:
        folder: of the artifact.
        kind: what it must be.
        model: what its config holds.

    Raises:
        InputError: there is no artifact, it is of another kind or format version, or its config is damaged.
    """
    if not (folder / CONFIG).is_file():
        raise InputError(
            "no artifact here (config.json is missing)",
            location=folder,
            hint="Name a folder that fit-source or adapt-target wrote",
        )
    config = read_json(folder / CONFIG)
    if not isinstance(config, dict) or "kind" not in config:
        raise InputError("this config.json is not of an artifact of this toolkit", location=folder / CONFIG)
    if config["kind"] != kind:
        raise InputError(f"this is a {config['kind']} artifact, and a {kind} artifact is needed", location=folder)
    if config.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"format version {config.get('format_version')!r}, and this release reads version {FORMAT_VERSION}",
            location=folder / CONFIG,
            hint="Make the artifact again with this release, or install the release that wrote it",
        )
    try:
        return model.model_validate(config)
    except ValidationError as error:
        raise explain(error, model, f"{folder / CONFIG}: ") from None


def read_vocabulary(folder: Path, config: ArtifactConfig) -> SememeVocabulary:
    """The vocabulary of an artifact.

    Raises:
        InputError: it is damaged, or another one than the weights were trained with.
    """
    vocabulary = SememeVocabulary.load(folder / VOCABULARY)
    if vocabulary.fingerprint != config.vocabulary_fingerprint:
        raise InputError(
            "the vocabulary is not the one that the weights were trained with", location=folder / VOCABULARY,
            hint="Restore the file, or make the artifact again",
        )  # fmt: skip
    return vocabulary


class Artifact(ModelHubMixin):
    """A folder with ``save_pretrained``, ``from_pretrained`` and ``push_to_hub``; subclasses say what is in it."""

    _hub_mixin_config: dict[str, Any] | None = None
    folder: Path | None = None
    """Where it was read from, also where that is the hub's cache; None for one that was just made."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Bypass the mixin's capture of constructor arguments: an artifact writes its own config."""
        return object.__new__(cls)

    def _save_pretrained(self, save_directory: Path) -> None:
        """Write the artifact, and copy what its run left beside it: without its map, new titles would be read anew."""
        self.write(save_directory)
        if self.folder is None or self.folder.resolve() == save_directory.resolve():
            return
        for name in (UNSEEN, LOG):
            if (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, save_directory / name)

    @classmethod
    def _from_pretrained(
        cls, *, model_id: str, revision: str | None, cache_dir: str | Path | None, force_download: bool,
        local_files_only: bool, token: str | bool | None, **_: Any,
    ) -> Self:  # fmt: skip
        folder = Path(model_id)
        if not folder.is_dir():
            folder = Path(snapshot_download(
                model_id, revision=revision, cache_dir=cache_dir, force_download=force_download,
                local_files_only=local_files_only, token=token,
                allow_patterns=["*.json", "*.jsonl", "*.safetensors", "*.md", "*.yaml", "*.npy", "*.arrow", "*/*"],
            ))  # fmt: skip
        return cls.read(folder)

    def write(self, folder: Path) -> None:
        """Write every file of the artifact into an existing folder."""
        raise NotImplementedError

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read an artifact back.

        Raises:
            InputError: it is missing, damaged, or of another version.
        """
        artifact = cls._read(folder)
        artifact.folder = folder
        return artifact

    @classmethod
    def _read(cls, folder: Path) -> Self:
        """Read every file of the artifact."""
        raise NotImplementedError

    @classmethod
    def load(cls, place: str | Path) -> Self:
        """Read a local folder, or a hub id where neither such a folder is nor one that could hold it.

        Raises:
            InputError: neither is there.
        """
        folder = Path(place)
        if folder.is_dir():
            return cls.read(folder)
        hub_id = str(place).count("/") == 1 and not folder.is_absolute() and not str(place).startswith(".")
        if not hub_id or folder.parent.is_dir():
            near = suggest(folder.name, [one.name for one in folder.parent.glob("*") if one.is_dir()])
            raise InputError(
                "no such folder", location=place, hint=f"{near}Name an artifact's folder, or a hub id like owner/name"
            )
        try:
            return cls.from_pretrained(str(place))
        except (OSError, ValueError) as error:
            raise InputError(
                f"neither a folder here nor an artifact on the hub ({type(error).__name__})", location=place,
                hint="Check the path, or the network and the id",
            ) from error  # fmt: skip


def load_part(module: Any, tensors: dict[str, Tensor], prefix: str, folder: Path) -> None:
    """Load the tensors under a prefix into a module.

    Raises:
        InputError: they do not fit.
    """
    state = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        problem = str(error).split("\n")[-1].strip()
        raise InputError(
            f"the weights do not fit the config: {problem}",
            location=folder / WEIGHTS,
            hint="Make the artifact again",
        ) from None
