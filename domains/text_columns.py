"""Columns that hold text fields of items: found by their usual names in several languages, or named by the user."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from domains.names import plain_name
from domains.raw import TEXT

FIELDS: dict[str, tuple[str, ...]] = {
    "authors": (
        "authors", "author", "author_name", "writers", "writer", "artists", "artist", "artist_name", "creator",
        "autor", "autoren", "autorin", "verfasser", "kunstler", "kuenstler", "interpret", "auteur", "auteurs",
        "artiste", "autore", "autori", "autores", "artista", "schrijver", "kunstenaar", "forfatter", "forfattare",
    ),
    "brand": (
        "brand", "brand_name", "brands", "manufacturer", "maker", "vendor", "marke", "hersteller", "marque",
        "fabricant", "marca", "fabricante", "produttore", "merk", "fabrikant", "producent", "varumarke", "marka",
    ),
    "developer": (
        "developer", "developers", "studio", "entwickler", "developpeur", "desarrollador", "sviluppatore",
    ),
    "publisher": ("publisher", "publishers", "verlag", "editeur", "editorial", "editore", "uitgever", "wydawnictwo"),
    "description": (
        "description", "product_description", "item_description", "long_description", "desc", "summary", "overview",
        "synopsis", "plot", "body_html", "beschreibung", "produktbeschreibung", "descripcion", "descrizione",
        "descricao", "omschrijving", "beschrijving", "opis", "beskrivning", "beskrivelse",
    ),
    "abstract": ("abstract", "teaser"),
    "features": (
        "features", "feature", "bullet_points", "highlights", "merkmale", "eigenschaften", "caracteristiques",
        "caracteristicas", "caratteristiche", "kenmerken", "cechy",
    ),
    "genres": ("genres", "genre", "genere", "generi", "genero", "generos", "gatunek"),
    "tags": (
        "tags", "tag", "keywords", "keyword", "schlagworte", "schlagworter", "stichworte", "mots_cles", "etiquetas",
        "parole_chiave", "trefwoorden", "slowa_kluczowe",
    ),
    "shelves": ("shelves", "popular_shelves"),
    "color": ("color", "colour", "colors", "colours", "farbe", "couleur", "colore", "kleur", "kolor", "farg", "farve"),
    "material": ("material", "materials", "materiau", "materiale", "materiaal", "werkstoff"),
}  # fmt: skip
"""Name of a field -> how columns that hold it are called, in the form of `plain_name`; the first one wins."""
LIST = pl.List(pl.String)
LONGEST_TEXT = 1_000
"""Characters of one value that are kept; sentence encoders end long before."""


def field_name(column: str) -> str:
    """The field that a column holds, by its name: ``Marke`` is `brand`; an unknown name is its own field."""
    plain = plain_name(column)
    return next((field for field, names in FIELDS.items() if plain in names), plain)


def find_text_columns(there: Sequence[str], taken: Collection[str | None]) -> dict[str, str]:
    """The columns that look like text fields: field -> column.

    Args:
        there: columns of the item table.
        taken: columns that play another role.
    """
    by_plain = {plain_name(name): name for name in reversed(there) if name not in taken}
    found = {
        field: next((by_plain[name] for name in names if name in by_plain), None) for field, names in FIELDS.items()
    }
    return {field: column for field, column in found.items() if column is not None}


def select_texts(found: Mapping[str, str], types: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """Columns under the names of their fields, long text cut already while it is read.

    Args:
        found: field -> column.
        types: of all columns.
    """
    return [text_field(field, pl.col(column), types[column]) for field, column in found.items()]


def text_field(field: str, column: pl.Expr, kind: pl.DataType | type[pl.DataType] = LIST) -> pl.Expr:
    """A text field of an item table (see `domains.texts`), long text cut.

    Args:
        field: its name.
        column: what holds it.
        kind: type of the column.
    """
    return _cut(column, kind).alias(f"{TEXT}{field}")


def _cut(column: pl.Expr, kind: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """One character more than is kept tells later that there was more."""
    if kind == pl.String:
        return column.str.head(LONGEST_TEXT + 1)
    if kind == LIST:
        return column.list.eval(pl.element().str.head(LONGEST_TEXT + 1))
    return column
