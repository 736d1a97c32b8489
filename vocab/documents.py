"""Read and write versioned JSON documents that people may edit. Writing is atomic; reading validates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from domains.disk import replacing
from domains.errors import InputError, RunError
from domains.json_files import RefusedJsonError, read_json_file

Document = TypeVar("Document", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Layout(Generic[Document]):
    """One kind of JSON document. Its first fields are `format` and `version`.

    Attributes:
        model: pydantic model of the fields.
        format: identifies this kind of document.
        version: the version that this program reads.
        name: used in error messages.
        hint: tells the user how to fix an invalid file.
    """

    model: type[Document]
    format: str
    version: int
    name: str
    hint: str

    def write(self, text: str, path: Path) -> None:
        """Write the text atomically.

        Raises:
            InputError: the file cannot be written.
        """
        try:
            with replacing(path) as unfinished:
                unfinished.write_text(text, encoding="utf-8")
        except OSError as error:
            raise RunError(
                f"the {self.name} cannot be written ({error})", location=path, code="not-writable"
            ) from error

    def read(self, path: Path) -> Document:
        """Read and validate a document.

        Raises:
            InputError: the file is missing, is not JSON, is another kind of document or another version, repeats a
                key, or has wrong fields.
        """
        try:
            content = read_json_file(path)
        except FileNotFoundError as error:
            raise RunError(
                f"there is no such {self.name}", location=path, hint="Check the path", code="no-file"
            ) from error
        except (OSError, RefusedJsonError) as error:
            raise self.damaged(path, f"it is no JSON ({error})") from error
        if not isinstance(content, dict) or content.get("format") != self.format:
            raise RunError(f"this is no {self.name}", location=path, hint=self.hint, code="file-kind")
        if content.get("version") != self.version:
            raise RunError(
                f"it has format version {content.get('version')}, this program reads version {self.version}",
                location=path,
                hint="Make it again with this version, or install the version that made it",
                code="version",
            )
        try:
            return self.model.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise self.damaged(path, f"{key}: {first['msg']}") from error

    def damaged(self, path: Path, problem: str) -> InputError:
        """Return the error for an unusable file."""
        return RunError(f"the {self.name} is damaged: {problem}", location=path, hint=self.hint, code="damaged")
