"""Errors that a user's input can cause. Everything in the project raises them, and the commands print them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ValidationError

LONGEST = 1200
"""Characters of a problem, a location or a hint."""


class InputError(ValueError):
    """A mistake in a file, a recipe, an artifact or an option, which only its author can correct.

    Args:
        problem: what is wrong, as one sentence without a full stop.
        location: the file, row, key or option.
        hint: what the author can do about it.
        code: a stable name of this problem in kebab case, for programs; by default that of the class.
    """

    default_code: ClassVar[str] = "input"

    def __init__(
        self, problem: str, *, location: object | None = None, hint: str | None = None, code: str | None = None
    ) -> None:
        self.problem = self._clip(problem)
        self.location = None if location is None else self._clip(str(location))
        self.hint = None if hint is None else self._clip(hint)
        self.code = code or self.default_code
        head = self.problem if self.location is None else f"{self.location}: {self.problem}"
        super().__init__(head if self.hint is None else f"{head}. {self.hint}")

    def _clip(self, text: str) -> str:
        """Return a text without its middle if what it quotes is too long to be read."""
        return text if len(text) <= LONGEST else f"{text[: LONGEST - 200]} ... {text[-195:]}"

    def at(self, location: object) -> Self:
        """Return the same error at another location."""
        return type(self)(self.problem, location=location, hint=self.hint, code=self.code)


class DataError(InputError):
    """The data are wrong: a file, a row, a domain."""

    default_code = "data"


class SettingsError(InputError):
    """A recipe, an option or an argument is wrong."""

    default_code = "settings"


class RunError(InputError):
    """An artifact or a run's folder is wrong, or cannot be written."""

    default_code = "run"


@contextmanager
def within(location: object) -> Iterator[None]:
    """Prefix the location of an error in this block."""
    try:
        yield
    except InputError as error:
        inner = "" if error.location is None else f": {error.location}"
        raise error.at(f"{location}{inner}") from None


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``"Did you mean 'x'? "`` for the nearest known name, or ``""``. Another sentence can follow.

    A name that holds the same words and more, such as `min_item_interactions` for `min_items`, is the nearest.
    """
    by_lower = {candidate.lower(): candidate for candidate in sorted(known)}
    words = name.lower().split("_")
    told = len(words) > 1 and min(map(len, words)) > 2
    holding = [one for one in by_lower if told and all(_begins(one.split("_"), word) for word in words)]
    near = difflib.get_close_matches(name.lower(), holding or list(by_lower), n=1, cutoff=0 if holding else 0.6)
    return f"Did you mean {by_lower[near[0]]!r}? " if near else ""


def _begins(words: Iterable[str], word: str) -> bool:
    """Whether one of the words begins with this one, or is its singular."""
    return any(one.startswith(word) or one == word.removesuffix("s") for one in words)


MOST_SHOWN = 20


class CombinedError(InputError):
    """Several things are wrong; the message lists each with its location and hint.

    Args:
        errors: at least two.
    """

    def __init__(self, errors: tuple[InputError, ...]) -> None:
        self.errors = errors
        lines = [f"  {number}. {error}" for number, error in enumerate(errors[:MOST_SHOWN], 1)]
        more = [f"  and {len(errors) - MOST_SHOWN:,} more"] if len(errors) > MOST_SHOWN else []
        super().__init__("\n".join([f"{len(errors)} problems", *lines, *more]), code="several")

    def _clip(self, text: str) -> str:
        return text  # each error is clipped by itself

    def at(self, location: object) -> Self:
        """Return the same errors; the location is put before that of each."""
        return type(self)(tuple(error.at(f"{location}: {error.location or ''}".rstrip(": ")) for error in self.errors))


class Problems:
    """Collects errors while files are checked, and raises them together.

    Usage::

        problems = Problems()
        with problems.catch():
            check_one_thing()
        with problems.catch():
            check_another()
        problems.check()
    """

    def __init__(self) -> None:
        self.errors: list[InputError] = []

    def add(self, error: InputError) -> None:
        """Add an error; combined errors are split, and equal ones are added once."""
        for one in error.errors if isinstance(error, CombinedError) else (error,):
            if str(one) not in {str(known) for known in self.errors}:
                self.errors.append(one)

    @contextmanager
    def catch(self) -> Iterator[None]:
        """Add the InputError that ends this block, and continue after the block."""
        try:
            yield
        except InputError as error:
            self.add(error)

    def check(self) -> None:
        """Raise the errors, if there are any.

        Raises:
            InputError: the only error, or a `CombinedError` with all of them.
        """
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise CombinedError(tuple(self.errors))


def explain(error: ValidationError, model: type[BaseModel], before: str) -> InputError:
    """Turn the first error of pydantic into an InputError with key, problem and the nearest known key.

    Args:
        error: what `model` raised.
        model: the settings that were validated.
        before: text before the key, such as ``options.`` or ``mine.yaml: ``.
    """
    first = error.errors()[0]
    keys = [_short(str(part)) for part in first["loc"]]
    where = (before + ".".join(keys)).rstrip(".: ")
    cause = (first.get("ctx") or {}).get("error")
    if isinstance(cause, InputError):
        inner = cause.location or ""
        if inner.startswith(where):
            return cause
        problem = cause.problem
        if _KEYS.fullmatch(inner):
            where = where if where.endswith(inner) else f"{where}.{inner}" if keys else before + inner
        elif inner:
            problem = f"{inner}: {problem}"
        return type(cause)(problem, location=where, hint=cause.hint, code=cause.code)
    if first["type"] == "extra_forbidden":
        settings = settings_at(model, keys[:-1])
        known = set() if settings is None else set(settings.model_fields)
        hint = f"{suggest(keys[-1], known)}Known keys: {', '.join(sorted(known))}"
        return SettingsError(f"unknown key {keys[-1]!r}", location=where, hint=hint, code="unknown-key")
    if first["type"] == "missing":
        return SettingsError("this key must be given", location=where, hint="Add it", code="missing-key")
    if first["type"] == "path_type":
        return SettingsError("this must be the path of a file", location=where, hint="Name one", code="invalid-value")
    if first["type"] == "too_short":
        return SettingsError(
            f"at least {first['ctx']['min_length']} must be given here", location=where, hint="Add it", code="too-few"
        )
    if first["type"] == "too_long":
        return SettingsError(
            f"at most {first['ctx']['max_length']} may be given here",
            location=where,
            hint="Give fewer",
            code="too-many",
        )
    if first["type"] == "value_error" and isinstance(
        first["input"], Mapping
    ):  # showing the whole settings would not help
        return SettingsError(str(cause), location=where, hint="Correct this value", code="invalid-value")
    shown = _short(repr(first.get("input")))
    problem = _SHAPES.get(first["type"], first["msg"].removeprefix("Value error, "))
    return SettingsError(f"{problem} (given: {shown})", location=where, hint="Correct this value", code="invalid-value")


_MAPPING = "a mapping of keys to values belongs here"
_SHAPES = {"tuple_type": "a list belongs here", "dict_type": _MAPPING, "model_type": _MAPPING}
"""Problems with the shape of a value, in the words of a recipe."""
_KEYS = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
"""A path of keys within the settings where an error was found."""


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
    """Return the settings class of an annotation, which may be optional."""
    candidates = [annotation, *get_args(annotation)]
    return next((kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
