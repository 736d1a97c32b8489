"""Markup and HTML entities out of texts."""

from __future__ import annotations

import html

import polars as pl

TAGS = (
    "a|b|big|br|center|code|del|div|em|font|h[1-6]|hr|i|img|ins|li|mark|ol|p|s|small|span|strike|strong|sub|sup|table|"
    "tbody|td|th|thead|tr|tt|u|ul"
)
MARKUP = rf"(?i)</?(?:{TAGS})(?:\s[^<>]*)?/?>"
"""Tags of HTML; `<Untitled>` is none."""
SCRIPT = r"(?is)<script\b.*?</script>|<style\b.*?</style>|<!--.*?-->"
ENTITY = r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});"


def plain_text(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Texts without tags and entities, and the positions of those that held some.

    Args:
        texts: (n,) String without nulls.

    Returns:
        (n,) String, and (m,) positions, ascending.
    """
    marked = (texts.str.contains(MARKUP) | texts.str.contains(ENTITY) | texts.str.contains(SCRIPT)).arg_true()
    if not len(marked):
        return texts, marked
    bare = texts.gather(marked).str.replace_all(SCRIPT, " ").str.replace_all(MARKUP, " ").to_list()
    # Twice: &amp;lt; is often a `<` that was escaped by two programs.
    after = pl.Series([html.unescape(html.unescape(text)) for text in bare], dtype=pl.String)
    after = after.str.replace_all(MARKUP, " ").str.replace_all(r"\s+", " ").str.strip_chars()
    return texts.clone().scatter(marked, after), marked
