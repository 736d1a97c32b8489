"""Find columns by name, map them to roles, and read the titles, lists and text fields in them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import polars as pl

from domains.column_names import ALIASES, find_text_columns, usual_column
from domains.errors import DataError, Problems, suggest
from domains.io.collect import collect, schema_of
from domains.raw_tables import TEXT
from domains.settings import ColumnMapping


def find_column(
    role: str,
    given: str | None,
    there: Sequence[str],
    location: object,
    *,
    required: bool = True,
    setting: str | None = None,
) -> str | None:
    """Return the name of the column that plays a role.

    Args:
        role: a key of `ALIASES`.
        given: the name that the user gave, or None to search the aliases.
        there: the columns of the file.
        location: the file, for messages.
        required: whether a missing column is an error; otherwise None is returned.
        setting: what names the column, for messages; ``columns.ROLE`` by default.

    Raises:
        InputError: the column is required and missing.
    """
    if given is not None:
        if given in there:
            return given
        raise DataError(
            f"no column {given!r}",
            location=location,
            hint=f"{suggest(given, there)}Set {setting or f'columns.{role}'} to one of: {_listed(there)}"
            f"{delimiter_hint(there)}",
            code="column",
        )
    found = usual_column(role, there)
    if found is not None or not required:
        return found
    usual = ALIASES[role][0]
    raise DataError(
        f"no column looks like the {role.replace('_', ' ')}",
        location=location,
        hint=f"Set columns.{role} to one of: {_listed(there)}, or rename that column to {usual}{delimiter_hint(there)}"
        if there
        else f"Add a column {usual}",
        code="column",
    )


def flat(types: Mapping[str, pl.DataType]) -> list[str]:
    """Return the columns that hold no records; the fields of records are columns of their own."""
    return [name for name, kind in types.items() if not isinstance(kind, pl.Struct)]


def _check_no_record(given: str | None, types: Mapping[str, pl.DataType], location: str) -> None:
    """Raise if the user named a column of records in place of one of their fields."""
    if given is not None and isinstance(types.get(given), pl.Struct):
        fields = [name for name in flat(types) if name.startswith(f"{given}.")]
        hint = f"Map one of their fields: {_listed(fields)}" if fields else "Make it text, or map another column"
        raise DataError(f"column {given!r} holds records", location=location, hint=hint, code="column")


def find_title(types: Mapping[str, pl.DataType]) -> str | None:
    """Return the column of titles by its usual names; None if there is none. Titles are no records.

    Args:
        types: the columns of the items that have no other role.
    """
    there = [name for name, kind in types.items() if kind == LIST or not kind.is_nested()]
    return usual_column("title", there)


def map_interactions(table: pl.LazyFrame, columns: ColumnMapping, location: str) -> pl.LazyFrame:
    """Add the columns ``user_id``, ``item_id`` and ``timestamp`` (if there are times) to a table of interactions.

    The other columns are kept for `keep`.

    Raises:
        InputError: a column is missing.
    """
    types = schema_of(table, location)
    problems = Problems()
    found: dict[str, str | None] = {}
    for ours, role, given in (("user_id", "user", columns.user), ("item_id", "item", columns.item)):
        with problems.catch():
            _check_no_record(given, types, location)
            there = flat(types)
            found[ours] = find_column(role, given, there, location, required=given is not None)
            if found[ours] is None and role == "item" and has_cells(collect(table.head(HEAD), location)):
                raise DataError(
                    "no column looks like the item, and most hold numbers, as if each item had a column",
                    location=location,
                    hint=f"{MELT}. If one column holds the items, set columns.item to it",
                    code="matrix",
                )
            found[ours] = find_column(role, found[ours], there, location)
    with problems.catch():
        _check_no_record(columns.time, types, location)
        table, time = _one_time_column(table, columns.time, types, location)
        found["timestamp"] = find_column("time", time, flat(types), location, required=time is not None)
    problems.check()
    roles = {ours: theirs for ours, theirs in found.items() if theirs is not None}
    table = _without_headers(table, roles, types, ("user_id", "item_id"))
    return table.with_columns(pl.col(theirs).alias(ours) for ours, theirs in roles.items())


MELT = "Write one row for each user and item, for example with pandas: table.melt(id_vars=...)"
"""Hint for a table that has a column for each item."""
HEAD = 100
"""Rows in which the cells of a matrix are looked for."""
MANY_COLUMNS, MOST, FEW = 10, 2 / 3, 11
"""A table with more columns, of which most have few different numbers, may be a matrix of users by items."""


def has_cells(head: pl.DataFrame) -> bool:
    """Return whether a table may be a matrix of users by items: most of many columns have few different numbers."""
    return len(cells(head)) > max(MANY_COLUMNS, MOST * len(head.columns))


def cells(head: pl.DataFrame) -> list[str]:
    """Return the columns with few different numbers, such as ratings and marks, and nothing else."""
    plain = [name for name, kind in head.schema.items() if kind == pl.String or kind.is_numeric() or kind == pl.Boolean]
    few = (head[name].cast(pl.String).unique() for name in plain if head[name].n_unique() <= FEW)
    return [values.name for values in few if values.cast(pl.Float64, strict=False).null_count() == values.null_count()]


PLUS = " + "
"""Joins the names of columns that hold one time together: ``date + time``."""


def joined_columns(given: str, there: Collection[str]) -> list[str]:
    """Return the columns that a name of a time joins; the name alone if it is a column's or joins none."""
    return [given] if given in there else [name.strip() for name in given.split(PLUS)]


def _one_time_column(
    table: pl.LazyFrame, given: str | None, types: dict[str, pl.DataType], location: str
) -> tuple[pl.LazyFrame, str | None]:
    """Add the text of several columns as one if `given` names several; also return the name of the column.

    Args:
        table: the interactions.
        given: as the user named it.
        types: types of all columns; the new one is added.
        location: the file, for messages.
    """
    names = [] if given is None else joined_columns(given, types)
    if given is None or len(names) == 1:
        return table, given
    parts = [str(find_column("time", name, [*types], location)) for name in names]
    types[given] = pl.String()
    joined = pl.concat_str([pl.col(name).cast(pl.String).str.strip_chars() for name in parts], separator=" ")
    return table.with_columns(joined.alias(given)), given


def _without_headers(
    table: pl.LazyFrame, roles: Mapping[str, str], types: Mapping[str, pl.DataType], key: Sequence[str]
) -> pl.LazyFrame:
    """Leave out the rows that repeat the header, as in files that were joined.

    Args:
        table: the rows.
        roles: our name -> column.
        types: types of all columns.
        key: our names of two columns; a row with the names of both in its cells is a header.
    """
    if any(types[roles[ours]] != pl.String for ours in key):
        return table
    return table.filter(~pl.all_horizontal(pl.col(roles[ours]) == roles[ours] for ours in key).fill_null(value=False))


def map_items(table: pl.LazyFrame, columns: ColumnMapping, separator: str, location: str) -> pl.LazyFrame:
    """Select and rename the columns of a table of items; categories in one text are split at the separator.

    Raises:
        InputError: a column is missing, or titles are records.
    """
    types = schema_of(table, location)
    there = list(types)
    problems = Problems()
    found: dict[str, str | None] = {}
    key = columns.item_key or columns.item
    with problems.catch():
        _check_no_record(key, types, location)
        found["item_id"] = find_column("item_key", key, flat(types), location)
    free = [name for name in there if name != found.get("item_id") or name == columns.title]
    with problems.catch():
        title = columns.title or find_title({name: types[name] for name in free})
        found["title"] = find_column("title", title, free, location)
    with problems.catch():
        given = columns.categories
        found["categories"] = find_column("categories", given, there, location, required=given is not None)
    problems.check()
    title = str(found["title"])
    if types[title] == LIST:  # as search engines write every field
        table, types[title] = table.with_columns(pl.col(title).list.first()), pl.String()
    if types[title].is_nested():
        raise DataError(
            f"column {title!r} of type {types[title]} cannot be the title",
            location=location,
            hint="Make it text, or map another column",
            code="column",
        )
    texts = _text_columns(columns, found, there, location)
    roles = {ours: theirs for ours, theirs in found.items() if theirs is not None}
    table = _without_headers(table, roles, types, ("item_id", "title"))
    items = table.select(*(pl.col(theirs).alias(ours) for ours, theirs in roles.items()), *select_texts(texts, types))
    given = found["categories"]
    if given is None:
        return items
    kind = types[given]
    while isinstance(kind, pl.List) and isinstance(kind.inner, pl.List):  # several paths from the root of a tree
        items, kind = items.with_columns(pl.col("categories").list.eval(pl.element().explode())), kind.inner
    record = kind.inner if isinstance(kind, pl.List) else None
    if isinstance(record, pl.Struct) and any(field.name == "name" for field in record.fields):
        return items.with_columns(pl.col("categories").list.eval(pl.element().struct.field("name").cast(pl.String)))
    if isinstance(kind, pl.List):
        return items.with_columns(pl.col("categories").cast(pl.List(pl.String)))
    return items.with_columns(pl.col("categories").cast(pl.String)).with_columns(split_list("categories", separator))


def _text_columns(
    columns: ColumnMapping, found: Mapping[str, str | None], there: Sequence[str], location: str
) -> Mapping[str, str]:
    """Return text field -> column, as given or by the usual names."""
    if columns.text is None:
        return find_text_columns(there, {*found.values(), columns.user})
    for column in columns.text.values():
        find_column("text", column, there, location)
    return columns.text


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"


def delimiter_hint(there: Sequence[str]) -> str:
    """Hint at a wrong delimiter if there is only one column and its name holds a delimiter, or another sign twice."""
    if len(there) == 1 and re.search(r"[,;\t|^]|([^\w.-]).*\1", there[0]):
        return "; or set separator, because each line was read as one column"
    return ""


ARTICLES = "The|A|An|Les|Le|La|Los|Las|Lo|El|Il|Gli|I|Der|Die|Das|Den|Det|En|Ett|Et|Un|Une|Una|O|Os|As|De|Het"
"""Articles that film catalogues put after the title, in several languages."""

QUOTED = r"""'[^']*'|"[^"]*\""""
"""A text in single or double quotes."""
NAMED = rf"""['"]name['"]\s*:\s*({QUOTED})"""
"""The name in a record that is written as JSON or Python."""


def article_first(title: pl.Expr) -> pl.Expr:
    """``Matrix, The (1999)`` -> ``The Matrix (1999)``; also in a second title in parentheses."""
    led = title.str.replace(rf"^([^(]+?), ({ARTICLES})( \(|$)", "${2} ${1}${3}")
    led = led.str.replace(r"^([^(]+?), (L')( \(|$)", "${2}${1}${3}")
    within = led.str.replace_all(rf"\(([^()]+), ({ARTICLES})\)", "(${2} ${1})")
    return within.str.replace_all(r"\(([^()]+), (L')\)", "(${2}${1})")


def json_list(column: str) -> pl.Expr:
    """Read a JSON list of strings; null if the text is not a list."""
    text = pl.col(column)
    return (
        pl.when(text.str.starts_with("[")).then(text).otherwise(None).str.json_decode(pl.List(pl.String)).alias(column)
    )


def split_list(column: str, separator: str) -> pl.Expr:
    """Split text into a list without blanks and empty parts; null stays null.

    A list in JSON or Python, ``["A", "B"]``, is read as a list, whatever the separator. Of records in a list,
    ``[{"id": 1, "name": "A"}]``, the names are used.
    """
    text, part = pl.col(column), pl.element().str.strip_chars()
    quoted = text.str.extract_all(QUOTED).list.eval(pl.element().str.head(-1).str.tail(-1))
    named = text.str.extract_all(NAMED).list.eval(pl.element().str.extract(NAMED, 1).str.head(-1).str.tail(-1))
    bare = text.str.strip_chars("[] ").str.split(",")
    recorded = text.str.contains(r"^\s*\[\s*\{") & text.str.contains(NAMED)
    listed = pl.when(recorded).then(named).when(text.str.contains(r"""["']""")).then(quoted).otherwise(bare)
    parts = pl.when(text.str.contains(r"^\s*\[.*\]\s*$")).then(listed).otherwise(text.str.split(separator))
    return parts.list.eval(part.filter(part != "")).alias(column)


LIST = pl.List(pl.String)
LONGEST_TEXT = 1_000
"""Maximum characters of one value; sentence encoders read fewer."""


def select_texts(found: Mapping[str, str], types: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """Select columns under the names of their fields; long text is cut while it is read.

    Args:
        found: field -> column.
        types: types of all columns.
    """
    return [text_field(field, pl.col(column), types[column]) for field, column in found.items()]


def text_field(field: str, column: pl.Expr, kind: pl.DataType | type[pl.DataType] = LIST) -> pl.Expr:
    """Return a text field of an item table (see `domains.text_fields`) with long text cut.

    Args:
        field: its name.
        column: its column.
        kind: type of the column.
    """
    return _cut(column, kind).alias(f"{TEXT}{field}")


def _cut(column: pl.Expr, kind: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """Cut text to one character more than is kept, so that it can be reported later."""
    if kind == pl.String:
        return column.str.head(LONGEST_TEXT + 1)
    if kind == LIST:
        return column.list.eval(pl.element().str.head(LONGEST_TEXT + 1))
    return column
