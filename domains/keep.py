"""Parse the conditions of `keep`: ``event_type in [purchase, cart]``, ``rating >= 4``. Nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domains.errors import SettingsError

LOCATION = "prepare.keep"
FORMS = (
    "Write it like 'event_type in [purchase, cart]', 'rating >= 4', 'status != returned' or 'kind not in [view]'; "
    "join several with 'and', or give a list; quote names and values that hold blanks or signs"
)
TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<sign>==|!=|<>|>=|<=|=|>|<|\[|\]|,|\(|\))|(?P<word>[^\s\[\](),=<>!"']+))"""
)
COMPARISONS = {"=": "==", "==": "==", "!=": "!=", "<>": "!=", ">=": ">=", "<=": "<=", ">": ">", "<": "<"}


@dataclass(frozen=True)
class Clause:
    """One condition.

    Attributes:
        column: name of the column.
        operator: ``in``, ``not in``, ``<``, ``<=``, ``>`` or ``>=``; equality is ``in`` with one value.
        values: as written.
    """

    column: str
    operator: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        if self.operator in ("in", "not in"):
            return f"{self.column} {self.operator} [{', '.join(self.values)}]"
        return f"{self.column} {self.operator} {self.values[0]}"


def parse_keep(conditions: Sequence[str]) -> tuple[Clause, ...]:
    """Parse conditions; a row must meet all of them.

    Raises:
        InputError: a condition cannot be parsed.
    """
    return tuple(clause for text in conditions for clause in _Parser(text).clauses())


class _Parser:
    """Recursive descent over the tokens of one text: clause ("and" clause)*."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        position, text = 0, text.rstrip()
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                raise self._error(f"{text[position:].strip()[:20]!r} is not understood")
            kind = str(match.lastgroup)
            token = match[kind]
            self.tokens.append((kind, token[1:-1] if kind == "quoted" else token))
            position = match.end()

    def clauses(self) -> list[Clause]:
        found = [self._clause()]
        while self.tokens:
            kind, token = self.tokens.pop(0)
            if kind == "word" and token.lower() == "or":
                raise self._error("'or' is not known here; 'in [..]' takes several values of a column")
            if kind != "word" or token.lower() != "and":
                raise self._error(f"{token!r} is not understood")
            found.append(self._clause())
        return found

    def _clause(self) -> Clause:
        column = self._words("a column")
        kind, token = self._next("a comparison")
        if kind == "sign" and token in COMPARISONS:
            operator, value = COMPARISONS[token], self._words("a value")
            if operator in ("==", "!="):
                return Clause(column, "in" if operator == "==" else "not in", (value,))
            return Clause(column, operator, (value,))
        if kind == "word" and token.lower() == "not":
            kind, token = self._next("'in'")
            if kind == "word" and token.lower() == "in":
                return Clause(column, "not in", self._list())
        elif kind == "word" and token.lower() == "in":
            return Clause(column, "in", self._list())
        raise self._error(f"{token!r} is no comparison")

    def _list(self) -> tuple[str, ...]:
        kind, opening = self._next("'['")
        if kind != "sign" or opening not in "[(":
            raise self._error("'in' needs a list in brackets")
        closing, values = {"[": "]", "(": ")"}[opening], [self._words("a value")]
        while True:
            kind, token = self._next(f"{closing!r}")
            if kind == "sign" and token == closing:
                return tuple(values)
            if (kind, token) != ("sign", ","):
                raise self._error(f"{token!r} stands in place of a comma or {closing!r}")
            values.append(self._words("a value"))

    def _words(self, what: str) -> str:
        """Read a quoted text, or words up to a sign or a keyword, such as ``Event Type``."""
        kind, token = self._next(what)
        if kind == "sign" or (kind == "word" and token.lower() in ("and", "or", "in")):
            raise self._error(f"{token!r} stands in place of {what}")
        if kind == "word":
            while self.tokens and self.tokens[0][0] == "word":
                if self.tokens[0][1].lower() in ("and", "or", "in", "not"):
                    break
                token += f" {self.tokens.pop(0)[1]}"
        return token

    def _next(self, what: str) -> tuple[str, str]:
        if not self.tokens:
            raise self._error(f"{what} is missing at the end")
        return self.tokens.pop(0)

    def _error(self, problem: str) -> SettingsError:
        return SettingsError(f"{self.text.strip()!r}: {problem}", location=LOCATION, hint=FORMS, code="keep-syntax")
