"""Make text from files safe to print."""

from __future__ import annotations

import re

_SPACE = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Return the text on one line, without characters that control a terminal or reorder text.

    Line breaks and tabs become spaces. Control characters (and with them escape sequences), bidirectional embeddings,
    overrides and isolates, and halves of surrogate pairs become a visible escape such as ``\x1b`` or ``\u202e``.
    Everything else is kept, also right-to-left letters and joined emoji.
    """
    return _UNSAFE.sub(_escape, _SPACE.sub(" ", text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
