"""Find columns by which rows could be chosen, such as events, ratings and cancelled orders, and suggest `keep`."""

from __future__ import annotations

import re
from collections.abc import Set

import polars as pl

from domains.io.collect import collect, schema_of
from domains.raw_cells import as_numbers
from domains.word_lists import words

HEAD = 10_000
"""Number of rows to find the columns."""
FEW = 40
"""Maximum number of distinct kinds of events."""
SAME = 3
"""Artists of one title from which on they are hardly several spellings of one."""
WISHES = words(
    """
    purchase purchased buy bought order ordered transaction checkout paid sale complete
    completed delivered shipped add added
    bezahlt paye payé pagado pagato pago betaald betalad addtocart cart basket
    wishlist favorite favourite fav
    abgeschlossen geliefert versendet versandt erledigt bestellt play played listen listened streamed
    recommended votedup upvoted thumbsup positive
    like liked kauf achat compra acquisto koop zakup kop read watched finished
    """
)
"""Names of events that show interest, without blanks and hyphens."""
GLANCES = words(
    """
    view viewed pageview pv click clicked impression search visit visited detail
    show removefromcart remove removed cancel cancelled canceled cancellation return
    returned
    refund refunded dislike disliked skip skipped void voided storniert storno retoure
    annule annulé retour devuelto cancelado annullato reso failed pending
    deleted test testorder bot spam fraud
    """
)
"""Names of events that show little interest or none, and marks of rows that no customer made."""
BESIDE = words(
    """
    item items product products page screen list listing detail details to from
    """
)
"""Words that stand beside these in names of several words: ``view_item``, ``Product Viewed``."""
YES = ("1", "true", "yes", "y", "t", "1.0")
RATINGS = words(
    """
    rating ratings stars score overall grade vote bewertung sterne note nota
    voto valutazione ocena betyg calificacion avaliacao beoordeling bookrating reviewscore
    """
)
QUANTITIES = words(
    """
    quantity qty units count menge anzahl quantite quantité cantidad quantita quantità
    quantidade aantal ilosc ilość antal pieces stueck stück
    """
)


def value_notes(interactions: pl.LazyFrame, taken: Set[str], location: str) -> tuple[str, ...]:
    """Return a sentence for each column by which rows could be chosen, with a suggested `keep`.

    Args:
        interactions: all columns of the file.
        taken: columns of user, item and time.
        location: the file, for errors.

    Raises:
        InputError: the file cannot be read.
    """
    types = schema_of(interactions, location)
    plain = (pl.String, pl.Boolean)
    free = [name for name, kind in types.items() if name not in taken and (kind in plain or kind.is_numeric())]
    if not free:
        return ()
    head = collect(interactions.select(free).head(HEAD), location)
    looked = [name for name in free if _named(name, RATINGS + QUANTITIES) or head[name].n_unique() <= FEW]
    looked = [name for name in looked if head[name].drop_nulls().n_unique() > 1]
    found = []
    for name in looked:
        rows = interactions.select(pl.col(name).cast(pl.String).str.strip_chars().alias("value"))
        counts = (
            collect(rows.group_by("value").len(), location).drop_nulls().sort("len", "value", descending=[True, False])
        )
        total = int(counts["len"].sum())
        note = _quantities(name, counts, total) or _ratings(name, counts, total) or _events(name, counts, total)
        if note is not None:
            found.append(note)
    return tuple(found)


def same_title_note(items: pl.LazyFrame, field: str, names: tuple[str, str], location: str) -> str | None:
    """Return a sentence if titles that are ids as well are of several artists each, as "Intro" is.

    Args:
        items: a table with ``item_id``, which is the title, and a row for each interaction.
        field: its column of artists, authors or brands.
        names: the columns of titles and of artists in the file.
        location: the file, for errors.

    Raises:
        InputError: the file cannot be read.
    """
    pairs = collect(items.select("item_id", pl.col(field).alias("of")).drop_nulls().unique(), location)
    several = (
        pairs.group_by("item_id").len().filter(pl.col("len") >= SAME).sort("len", "item_id", descending=[True, False])
    )
    if several.is_empty():
        return None
    title, of = names
    most, times = several.row(0)
    titles = pairs["item_id"].n_unique()
    return (
        f"Items are told apart by {title} alone, and {several.height:,} of {titles:,} have {SAME} or "
        f"more {of}: {str(most)[:50]!r} has {times:,}. To tell them apart, give a column of both as --item-column, for "
        f"example with pandas: table['item'] = table[{of!r}] + ': ' + table[{title!r}]."
    )


def _events(name: str, counts: pl.DataFrame, total: int) -> str | None:
    """Return a note if the values are names of events."""
    values = [str(value) for value in counts["value"]]
    if len(values) > FEW:
        return None
    flags = [value for value in values if value.lower() in YES]
    if len(values) == 2 and len(flags) == 1 and _plain(name).removeprefix("is").removeprefix("has") in WISHES:
        rows = int(counts.filter(pl.col("value") == flags[0])["len"].sum())
        keep = f"{_quoted(name)} == {flags[0]}"
        return f"Column {name} marks some rows as wishes, but all rows count. {_offer(keep, rows, total)}"
    if len(values) == 2 and len(flags) == 1 and _plain(name).removeprefix("is").removeprefix("was") in GLANCES:
        other = next(value for value in values if value not in flags)
        rows = int(counts.filter(pl.col("value") == other)["len"].sum())
        keep = f"{_quoted(name)} == {other}"
        return f"Column {name} marks some rows as no wishes, but all rows count. {_offer(keep, rows, total)}"
    glances = [value for value in values if _speaks_of(GLANCES, value)]
    wishes = [value for value in values if _speaks_of(WISHES, value) and value not in glances]
    if not glances or len(wishes) + len(glances) < len(values) / 3:
        return None
    listed = ", ".join(f"{value} {_share(n, total)}" for value, n in counts.head(6).rows())
    keep = f"{_quoted(name)} in [{', '.join(map(_quoted, wishes))}]"
    kept = wishes
    if not wishes:
        keep = f"{_quoted(name)} not in [{', '.join(map(_quoted, glances))}]"
        kept = [value for value in values if value not in glances]
    rows = int(counts.filter(pl.col("value").is_in(kept))["len"].sum())
    if not rows:
        return None
    return f"Column {name} holds kinds of events ({listed}), and all count equally. {_offer(keep, rows, total)}"


def _speaks_of(kinds: tuple[str, ...], event: str) -> bool:
    """Whether an event is one of some kinds: as a whole, or by one of its words if all of them are known."""
    whole = _one(_plain(event))
    if whole in (*WISHES, *GLANCES):
        return whole in kinds
    parts = {_one(part) for part in re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", event).lower())}
    return parts <= {*WISHES, *GLANCES, *BESIDE} and not parts.isdisjoint(kinds)


def _one(word: str) -> str:
    """Return the singular of an event that is known by it: ``clicks``."""
    known = (*WISHES, *GLANCES, *BESIDE)
    return word.removesuffix("s") if word not in known and word.removesuffix("s") in known else word


def _ratings(name: str, counts: pl.DataFrame, total: int) -> str | None:
    """Return a note if the column is named like a rating and holds numbers."""
    if not _named(name, RATINGS):
        return None
    numbers = _numbers(counts)
    if len(numbers) < 2 or len(numbers) > 101 or len(numbers) < len(counts) / 2:
        return None
    low, high = min(numbers), max(numbers)
    # The upper two fifths of the scale: 4 of 5, 7 of 10, 61 of 100.
    scale = next((top for top in (1, 5, 10, 20, 100) if high <= top), high)
    limit = {1.0: 1.0, 5.0: 4.0, 10.0: 7.0}.get(float(scale), 0.6 * scale)
    rows = sum(count for value, count in numbers.items() if value >= limit)
    unrated = f", {low:g} in {_share(numbers[low], total)}" if low <= 0 else ""
    if not rows or rows == total:
        return None
    keep = f"{_quoted(name)} >= {limit:g}"
    span = f"{low:g} to {high:g}{unrated}"
    return f"Column {name} holds ratings ({span}), and bad ones count like good ones. {_offer(keep, rows, total)}"


def _quantities(name: str, counts: pl.DataFrame, total: int) -> str | None:
    """Return a note if the column is named like a quantity and has negative numbers: cancelled or returned."""
    if not _named(name, QUANTITIES):
        return None
    numbers = _numbers(counts)
    negative = sum(count for value, count in numbers.items() if value < 0)
    positive = sum(count for value, count in numbers.items() if value > 0)
    if not negative or not positive:
        return None
    keep = f"{_quoted(name)} > 0"
    return (
        f"Column {name} is below zero in {negative:,} rows ({_share(negative, total)}): cancelled or returned orders "
        f"count like orders. {_offer(keep, positive, total)}"
    )


def _offer(keep: str, rows: int, total: int) -> str:
    return f'To count {rows:,} of {total:,} rows ({_share(rows, total)}): --keep "{keep}".'


def _numbers(counts: pl.DataFrame) -> dict[float, int]:
    values = as_numbers(counts["value"])
    found = pl.DataFrame({"value": values, "len": counts["len"]}).drop_nulls().filter(pl.col("value").is_finite())
    return {float(value): int(count) for value, count in found.group_by("value").sum().rows()}


def _named(name: str, known: tuple[str, ...]) -> bool:
    return _plain(name.split(":")[0]) in known


def _plain(text: str) -> str:
    return "".join(sign for sign in text.lower() if sign.isalnum())


def _quoted(text: str) -> str:
    """Quote a name or value for `keep` if necessary."""
    return text if text and all(sign.isalnum() or sign in "_.-" for sign in text) else f"'{text}'"


def _share(part: int, total: int) -> str:
    return f"{100 * part / total:.3g} %"
