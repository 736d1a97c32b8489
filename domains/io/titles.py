"""Titles and categories in the forms of published data: `Matrix, The`, lists written as text."""

from __future__ import annotations

import polars as pl

ARTICLES = "The|A|An|Les|Le|La|Los|Las|Lo|El|Il|Gli|I|Der|Die|Das|Den|Det|En|Ett|Et|Un|Une|Una|O|Os|As|De|Het"
"""Articles that film catalogues put behind the title, in the languages that occur there."""

QUOTED = r"""'[^']*'|"[^"]*\""""
"""A text in single or double quotes."""
NAMED = rf"""['"]name['"]\s*:\s*({QUOTED})"""
"""What a record, written as JSON or Python, is called."""


def article_first(title: pl.Expr) -> pl.Expr:
    """``Matrix, The (1999)`` -> ``The Matrix (1999)``, also within the parentheses of a second title."""
    led = title.str.replace(rf"^([^(]+?), ({ARTICLES})( \(|$)", "${2} ${1}${3}")
    led = led.str.replace(r"^([^(]+?), (L')( \(|$)", "${2}${1}${3}")
    within = led.str.replace_all(rf"\(([^()]+), ({ARTICLES})\)", "(${2} ${1})")
    return within.str.replace_all(r"\(([^()]+), (L')\)", "(${2}${1})")


def json_list(column: str) -> pl.Expr:
    """Read a JSON list of strings; null where the text is no list."""
    text = pl.col(column)
    return (
        pl.when(text.str.starts_with("[")).then(text).otherwise(None).str.json_decode(pl.List(pl.String)).alias(column)
    )


def split_list(column: str, separator: str) -> pl.Expr:
    """Split text into a list without blanks and empty parts; null stays null.

    Text that is a list as JSON or Python writes it, ``["A", "B"]``, is split as one, whatever the separator; of records
    in it, ``[{"id": 1, "name": "A"}]``, the names are taken.
    """
    text, part = pl.col(column), pl.element().str.strip_chars()
    quoted = text.str.extract_all(QUOTED).list.eval(pl.element().str.head(-1).str.tail(-1))
    named = text.str.extract_all(NAMED).list.eval(pl.element().str.extract(NAMED, 1).str.head(-1).str.tail(-1))
    bare = text.str.strip_chars("[] ").str.split(",")
    recorded = text.str.contains(r"^\s*\[\s*\{") & text.str.contains(NAMED)
    listed = pl.when(recorded).then(named).when(text.str.contains(r"""["']""")).then(quoted).otherwise(bare)
    parts = pl.when(text.str.contains(r"^\s*\[.*\]\s*$")).then(listed).otherwise(text.str.split(separator))
    return parts.list.eval(part.filter(part != "")).alias(column)
