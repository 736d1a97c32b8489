"""Titles and ids cannot steer a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]8;;evil\x07link", "\\x1b]8;;evil\\x07link"),
        ("\x9b2J", "\\x9b2J"),
        ("two\r\nlines\tand\u2028more", "two  lines and more"),
        ("abc\u202egpj.exe", "abc\\u202egpj.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("half \ud83d", "half \\ud83d"),
        ("שלום, Ünï 👩‍👩‍👧 [b]", "שלום, Ünï 👩‍👩‍👧 [b]"),
    ],
)
def test_what_steers_becomes_visible(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(categories=None)))
def test_nothing_that_steers_is_left(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(sign) for sign in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(sign) for sign in shown} & {
        "LRE",
        "RLE",
        "LRO",
        "RLO",
        "PDF",
        "LRI",
        "RLI",
        "FSI",
        "PDI",
    }
    assert printable(shown) == shown
    shown.encode("utf-8")
