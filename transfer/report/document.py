"""The base of every record on disk: a typed value that is checked when it is made and when it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from domains.errors import RunError
from domains.printable import printable


class Document(BaseModel):
    """A frozen record. Numbers must be finite, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check a JSON file.

        Raises:
            RunError: there is no such file, it is not JSON, or its contents are malformed or contradict each other.
        """
        try:
            return cls.model_validate_json(path.read_bytes(), strict=True)
        except FileNotFoundError:
            raise RunError("no such file", location=path, hint="Is this the folder of a finished run?") from None
        except OSError as error:
            raise RunError(f"cannot read: {error.strerror or error}", location=path) from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            keys = ".".join(str(part) for part in first["loc"])
            problem = printable(first["msg"].removeprefix("Value error, "))
            raise RunError(
                problem[0].lower() + problem[1:],
                location=f"{path}: {printable(keys)}" if keys else path,
                hint="The file was changed, or made by another version: run the same command into another folder",
            ) from None


def described(model: type[Document], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield every key of a record with its description, nested ones as ``outer.inner``; ``*`` stands for any name."""
    for key, field in model.model_fields.items():
        yield prefix + key, " ".join((field.description or "").split())
        inner, path = _inner(field.annotation), prefix + key
        if inner is not None:
            inner_model, kind = inner
            yield from described(inner_model, f"{path}.*." if kind is dict else f"{path}.")


def _inner(annotation: Any) -> tuple[type[Document], type | None] | None:
    """The record that a field holds, alone or in a container, and the container."""
    if isinstance(annotation, type) and issubclass(annotation, Document):
        return annotation, None
    origin = get_origin(annotation)
    for argument in get_args(annotation):
        found = _inner(argument)
        if found is not None:
            return found[0], found[1] if origin in (Union, UnionType) else origin
    return None
