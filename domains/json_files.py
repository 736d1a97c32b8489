"""Read JSON that may come from a stranger."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

LARGEST = 1 << 28
"""Bytes of a file."""
DEEPEST = 64
"""Lists and objects inside each other."""
LONGEST_INTEGER = 20
"""Digits; nothing that is counted here needs more than 64 bits."""


class RefusedJsonError(ValueError):
    """The text is not JSON, or no program of ours would write it."""


def read_json_file(path: Path) -> Any:
    """Read a JSON file, with or without a byte order mark.

    Raises:
        RefusedJsonError: it is not JSON in UTF-8, too large or too deep, an object has a key twice, a number is too
            long or not finite, or a text holds half of a surrogate pair.
        OSError: it cannot be read.
    """
    if path.stat().st_size > LARGEST:
        raise RefusedJsonError(f"larger than {LARGEST >> 20} MiB")
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = json.loads(
            text, parse_int=_integer, parse_float=_number, parse_constant=_number, object_pairs_hook=_object
        )
        _check_depth(data)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(data, ensure_ascii=False).encode()
    except RecursionError:
        raise RefusedJsonError("nested too deep") from None
    except UnicodeEncodeError:
        raise RefusedJsonError("a text holds half of a surrogate pair") from None
    except ValueError as error:
        raise RefusedJsonError(str(error)) from None
    return data


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise RefusedJsonError(f"an integer of {len(digits)} digits")
    return int(digits)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise RefusedJsonError(f"{text[:20]} is not a finite number")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise RefusedJsonError(f"{Counter(key for key, _ in pairs).most_common(1)[0][0]!r:.60} occurs twice")
    return content


def _check_depth(data: Any) -> None:
    level = [data]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise RefusedJsonError("nested too deep")
