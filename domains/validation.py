"""Turn pydantic's errors into `InputError`: the key, the problem, and the nearest known key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from domains.errors import InputError, SettingsError
from domains.nearest import suggest


def explain(error: ValidationError, model: type[BaseModel], before: str) -> InputError:
    """Turn the first error into an InputError.

    Args:
        error: what `model` raised.
        model: the settings that were validated.
        before: what stands before the key, such as ``options.`` or ``mine.yaml: ``.
    """
    first = error.errors()[0]
    keys = [_short(str(part)) for part in first["loc"]]
    where = (before + ".".join(keys)).rstrip(".: ")
    cause = (first.get("ctx") or {}).get("error")
    if isinstance(cause, InputError):
        if cause.location is not None and str(cause.location).startswith(where):
            return cause
        problem = cause.problem if cause.location is None else f"{cause.location}: {cause.problem}"
        return type(cause)(problem, location=where, hint=cause.hint, code=cause.code)
    if first["type"] == "extra_forbidden":
        settings = settings_at(model, keys[:-1])
        known = set() if settings is None else set(settings.model_fields)
        hint = f"{suggest(keys[-1], known)}Known keys: {', '.join(sorted(known))}"
        return SettingsError(f"unknown key {keys[-1]!r}", location=where, hint=hint)
    if first["type"] == "missing":
        return SettingsError("this key must be given", location=where, hint="Add it")
    if first["type"] == "too_short":
        return SettingsError(f"at least {first['ctx']['min_length']} must be given here", location=where, hint="Add it")
    if first["type"] == "too_long":
        return SettingsError(
            f"at most {first['ctx']['max_length']} may be given here", location=where, hint="Give fewer"
        )
    if first["type"] == "value_error" and isinstance(first["input"], Mapping):  # the whole settings say nothing more
        return SettingsError(str(cause), location=where, hint="Correct this value")
    shown = _short(repr(first.get("input")))
    problem = first["msg"].removeprefix("Value error, ")
    return SettingsError(f"{problem} (given: {shown})", location=where, hint="Correct this value")


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def settings_at(model: type[BaseModel], keys: Sequence[str]) -> type[BaseModel] | None:
    """Return the settings class at a path of keys; None if there is none."""
    for key in keys:
        field = model.model_fields.get(key)
        inner = None if field is None else _settings_in(field.annotation)
        if inner is None:
            return None
        model = inner
    return model


def _settings_in(annotation: Any) -> type[BaseModel] | None:
    """The settings class of an annotation, also of an optional one."""
    candidates = [annotation, *get_args(annotation)]
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
