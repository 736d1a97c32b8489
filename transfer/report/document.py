"""`Document`: the base class of records on disk, which are checked when they are made and when they are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from domains.errors import RunError
from domains.printable import printable


class Document(BaseModel):
    """A frozen record. Numbers must be finite, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    def __str__(self) -> str:
        """Return the same as `repr`, which large records shorten to one line."""
        return repr(self)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check a JSON file.

        Raises:
            RunError: the file is missing, is not JSON, or its contents are malformed or inconsistent.
        """
        try:
            return cls.model_validate_json(path.read_bytes(), strict=True)
        except FileNotFoundError:
            raise RunError(
                "no such file", location=path, hint="Is this the folder of a finished run?", code="no-file"
            ) from None
        except OSError as error:
            raise RunError(f"cannot read: {error.strerror or error}", location=path, code="unreadable") from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            keys = ".".join(str(part) for part in first["loc"])
            problem = printable(first["msg"].removeprefix("Value error, "))
            raise RunError(
                problem[0].lower() + problem[1:],
                location=f"{path}: {printable(keys)}" if keys else path,
                hint="The file was changed, or written by another version. Run the command again with another --out",
                code="run-damaged",
            ) from None


def described(
    model: type[Document], prefix: str = "", stop: tuple[type[Document], ...] = ()
) -> Iterator[tuple[str, str]]:
    """Yield every key of a record and its description.

    Nested keys are ``outer.inner``; ``*`` means any name, and all entries of a list share their keys.

    Args:
        model: the record.
        prefix: prefix of every key.
        stop: nested records to skip, because they are described elsewhere.
    """
    for key, field in model.model_fields.items():
        yield prefix + key, " ".join((field.description or "").split())
        inner, path = _inner(field.annotation)
        if inner is not None and inner not in stop:
            yield from described(inner, f"{prefix}{key}{path}.", stop)


def _inner(annotation: Any) -> tuple[type[Document] | None, str]:
    """Return the record type that a field holds, directly or in containers, and the keys in between."""
    if isinstance(annotation, type) and issubclass(annotation, Document):
        return annotation, ""
    for argument in get_args(annotation):
        inner, path = _inner(argument)
        if inner is not None:
            return inner, (".*" if get_origin(annotation) is dict else "") + path
    return None, ""
