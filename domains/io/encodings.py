"""Guess the encoding of delimited text that is no UTF-8."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder

from charset_normalizer import from_bytes

from domains.errors import InputError
from domains.io.compressed import CHUNK, READING_FAILS, open_text, wide_encoding
from domains.io.paths import expand, is_url, kind_of

WESTERN = "cp1252"
"""What spreadsheets in Western Europe and America write, with latin-1 as a part."""
OF_LATIN_SCRIPT = ("cp1250", "cp1254")
"""Further encodings: of Central Europe and of Turkish."""
CLEARLY = 0.05
"""Lead in coherence, the share of letters that fit a language, that another encoding of Latin script needs."""
OF_OTHER_SCRIPTS = ("cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp932", "gb18030", "big5", "cp949")
OTHER_SCRIPT = 0.5
"""Share of letters beyond ASCII; text in Latin script has fewer."""
HEAD_BYTES = 4096
SAMPLE = 1 << 16
"""Bytes in which the encoding is looked for."""
MOST_BYTES = 1 << 28
"""Bytes of a file in which its encoding is looked for."""


def guess_encoding(source: str) -> str | None:
    """Return the encoding of the text in these files if it is another one than UTF-8; None otherwise.

    Tables that are no delimited text, addresses, and files that cannot be read are left to their readers.
    """
    found = (_other_encoding(file) for file in _text_files(source))
    return next((encoding for encoding in found if encoding is not None), None)


def _text_files(source: str) -> list[str]:
    try:
        return [] if is_url(source) else [file for file in expand(source) if kind_of([file], source) in {"csv", "tsv"}]
    except (InputError, OSError):
        return []


def _other_encoding(file: str) -> str | None:
    """Return a wide encoding, or an older one if most characters beyond ASCII in the bytes read are no UTF-8."""
    wrong = right = read = 0
    decoder, sample = getincrementaldecoder("utf-8")("replace"), b""
    try:
        with open_text(file) as stream:
            while (chunk := stream.read(CHUNK)) and read < MOST_BYTES:
                read += len(chunk)
                if b"\0" in chunk:
                    return wide_encoding(chunk[:HEAD_BYTES]) if read == len(chunk) else None
                text = decoder.decode(chunk)
                replaced = text.count("\ufffd")
                wrong += replaced
                right += len(text) - replaced - len(text.encode("ascii", "ignore"))
                if replaced and len(sample) < SAMPLE:
                    sample += b"\n".join(line for line in chunk.splitlines() if not line.isascii())[:SAMPLE]
    except READING_FAILS:
        return None
    return encoding_of(sample) if wrong > right else None


def encoding_of(sample: bytes) -> str:
    """Return the most likely encoding of text that is no UTF-8.

    Text in another script than the Latin one has many bytes beyond ASCII. Encodings of Latin script overlap, so that
    `WESTERN` stands unless another one reads the text clearly better.

    Args:
        sample: lines with bytes beyond ASCII.
    """
    beyond = len(sample.translate(None, bytes(range(128))))
    letters = beyond + len(re.findall(rb"[A-Za-z]", sample))
    if beyond > OTHER_SCRIPT * letters:
        found = from_bytes(sample, cp_isolation=list(OF_OTHER_SCRIPTS)).best()
        return WESTERN if found is None else found.encoding
    matches = {match.encoding: match for match in from_bytes(sample, cp_isolation=[WESTERN, *OF_LATIN_SCRIPT])}
    least = CLEARLY + matches[WESTERN].coherence if WESTERN in matches else 0.0
    western = sample.decode(WESTERN, "replace")
    better = (one for one in OF_LATIN_SCRIPT if one in matches and matches[one].coherence > least)
    return next((one for one in better if sample.decode(one, "replace") != western), WESTERN)
