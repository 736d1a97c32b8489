"""Clean the text fields of items: lists of plain values, without empty fields."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from domains.domain import PROSE, TEXT_TYPE
from domains.io.columns import LONGEST_TEXT, split_list
from domains.raw_cells import MISSING, plain_text
from domains.raw_tables import TEXT, text_columns

LISTED = frozenset({"tags", "genres", "color", "material", "shelves"})
"""Fields with values separated by commas."""
MOST_VALUES = 50
"""Maximum number of values per item."""
SEPARATOR = "\x1f"
TWO_NAMES = r"^\s*[^,\s]+\s[^,]*(?:,\s*[^,\s]+\s[^,]*)+$"
"""Full names separated by commas; ``Rowling, J.K.`` is one name."""


def read_texts(frame: pl.DataFrame, location: object) -> tuple[pl.DataFrame, list[str]]:
    """Clean the text fields of an item table.

    Markup, entities and line ends are removed, values are cut to `LONGEST_TEXT` characters, and duplicates are dropped.
    So are marks of missing values ("n/a") and values without a letter.

    Args:
        frame: with a column ``text:NAME`` for each field, of any type.
        location: the file, for the notes.

    Returns:
        The frame with List(String) columns, without empty fields; and a note for each field that is dropped or cut.
    """
    notes = []
    for column in text_columns(frame.columns):
        name = column.removeprefix(TEXT)
        raw = _lists(frame[column], name)
        values, cut = _clean(raw) if raw is not None else (None, 0)
        if values is None or not pc.any(pc.greater(pc.list_value_length(values), 0)).as_py():
            why = f"holds {_kind(frame[column].dtype)}" if raw is None else "holds no words"
            notes.append(f"The text field {name} of {location} {why} and is not used.")
            frame = frame.drop(column)
            continue
        if cut:
            notes.append(
                f"{cut:,} values of the text field {name} of {location} are longer than {LONGEST_TEXT:,} characters: "
                "what is beyond is not used."
            )
        frame = frame.with_columns(pl.Series(column, values, dtype=pl.List(pl.String)))
    return frame, notes


def _kind(dtype: pl.DataType) -> str:
    return "records without a name" if isinstance(dtype, (pl.Struct, pl.List)) else str(dtype)


def _lists(column: pl.Series, name: str) -> pl.Series | None:
    """Convert to (I,) List(String); None if the type holds no text."""
    kind = column.dtype
    if isinstance(kind, (pl.List, pl.Array)):
        lists = column.arr.to_list() if isinstance(kind, pl.Array) else column
        inner = kind.inner
        if isinstance(inner, pl.Struct):
            return lists.list.eval(pl.element().struct.field("name").cast(pl.String)) if _named(inner) else None
        return None if inner.is_nested() else lists.cast(pl.List(pl.String))
    if isinstance(kind, pl.Struct):
        return column.struct.field("name").cast(pl.String).reshape((-1, 1)).arr.to_list() if _named(kind) else None
    if kind.is_nested() or kind in (pl.Binary, pl.Object):
        return None
    text = pl.col("text")
    if name in PROSE:
        separated = text
    elif name in LISTED:
        separated = text.str.replace_all(r"[;|,]", SEPARATOR)
    else:
        separated = text.str.replace_all(r"[;|]", SEPARATOR)
        separated = pl.when(text.str.contains(TWO_NAMES)).then(separated.str.replace_all(",", SEPARATOR, literal=True))
        separated = separated.otherwise(text.str.replace_all(r"[;|]", SEPARATOR))
    # Text that is written as a list is read as one.
    listed = text.str.contains(r"^\s*\[.*\]\s*$")
    # Resolve entities first: their semicolon would separate values.
    plain, _ = plain_text(column.cast(pl.String).fill_null("").str.head(LONGEST_TEXT + 1))
    frame = pl.DataFrame({"text": plain})
    frame = frame.with_columns(pl.when(listed).then(text).otherwise(separated).alias("text"))
    return frame.select(split_list("text", SEPARATOR))["text"]


def _named(record: pl.Struct) -> bool:
    return any(field.name == "name" for field in record.fields)


def _clean(lists: pl.Series) -> tuple[pa.Array, int]:
    """Return (I,) lists of distinct plain values with a letter, and the number of values that were cut."""
    arrow = lists.to_arrow().cast(TEXT_TYPE)
    rows = pc.list_parent_indices(arrow).to_numpy(zero_copy_only=False)
    flat = pl.Series(pc.list_flatten(arrow), dtype=pl.String).fill_null("")
    long = flat.str.len_chars() > LONGEST_TEXT
    plain, _ = plain_text(flat.str.head(LONGEST_TEXT))
    plain = plain.str.replace_all(r"[\s\x00-\x1f]+", " ").str.strip_chars()
    says = plain.str.contains(r"\pL") & ~plain.is_in(list(MISSING))
    table = pl.DataFrame({"row": rows, "value": plain, "says": says, "long": long}).filter("says")
    table = table.unique(["row", "value"], keep="first", maintain_order=True)
    table = table.filter(pl.int_range(pl.len()).over("row") < MOST_VALUES)
    counts = np.bincount(table["row"].to_numpy(), minlength=len(arrow))
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
    values = pa.LargeListArray.from_arrays(offsets, table["value"].to_arrow().cast(pa.large_string()))
    return values, int(table["long"].sum())
