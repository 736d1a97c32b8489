"""pydantic's complaints in our own words: the key, what is wrong, and the nearest known key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from domains.errors import InputError
from domains.nearest import suggest


def explain(error: ValidationError, model: type[BaseModel], place: str) -> InputError:
    """Turn the first complaint into an InputError.

    Args:
        error: what `model` raised.
        model: the settings that were validated.
        place: what stands before the key, such as ``options``.
    """
    first = error.errors()[0]
    cause = (first.get("ctx") or {}).get("error")
    if isinstance(cause, InputError):
        return cause
    keys = [str(part) for part in first["loc"]]
    where = ".".join([place, *keys])
    known = _fields_at(model, keys[:-1])
    if first["type"] == "extra_forbidden":
        mend = f"{suggest(keys[-1], known)}Known keys: {', '.join(sorted(known))}"
        return InputError(f"unknown key {keys[-1]!r}", place=where, mend=mend)
    if first["type"] == "missing":
        return InputError("is missing", place=where, mend="Give it")
    given = repr(first.get("input"))
    return InputError(f"{first['msg']}, not {given[:80]}", place=where, mend="Correct this key")


def _fields_at(model: type[BaseModel], keys: Sequence[str]) -> set[str]:
    """Names of the settings that a path of keys leads to; empty where it leads to no settings."""
    for key in keys:
        field = model.model_fields.get(key)
        inner = None if field is None else _settings_in(field.annotation)
        if inner is None:
            return set()
        model = inner
    return set(model.model_fields)


def _settings_in(annotation: Any) -> type[BaseModel] | None:
    """The settings class of an annotation, also of an optional one."""
    candidates = [annotation, *get_args(annotation)]
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
