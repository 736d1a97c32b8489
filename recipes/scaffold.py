"""A first recipe for two files of one's own: what they hold, what has to be decided, and the YAML that says so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pyarrow.compute as pc
import yaml

from domains.domain import Domain
from domains.errors import InputError
from domains.guess import guess_separator
from domains.ids import to_ids
from domains.io.collect import collect, schema_of
from domains.items import otherwise_written
from domains.loaders.registry import BUNDLED, check_options, find_loader
from domains.loaders.table import TableOptions, load
from domains.open import parse_spec
from domains.prepare import prepare
from domains.raw import RawTables
from domains.settings import ColumnMapping, PrepareSettings, TimeUnit
from domains.value_notes import value_notes
from recipes.load import check_recipe
from recipes.schema import DEFAULT_VARIANTS

CORES = ((5, 5), (5, 1), (3, 3), (3, 1))
"""Least interactions of a user and of an item that are tried; leave-one-out needs three of a user."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What two files turned out to hold, and the settings with which they become a domain.

    Attributes:
        columns: roles and columns.
        domain: as these settings prepare it.
        prepare: the settings that differ from their defaults.
        category_separator: what separates categories, where it is not the default.
        notes: what was decided and why, a sentence each.
    """

    columns: ColumnMapping
    domain: Domain
    prepare: dict[str, Any]
    category_separator: str | None
    notes: tuple[str, ...]


def look(
    interactions: str,
    items: str,
    columns: ColumnMapping,
    time_unit: TimeUnit = "auto",
    time_format: str | None = None,
    keep: Sequence[str] = (),
) -> Findings:
    """Read two files and find settings with which they can be prepared.

    Args:
        interactions: path, glob or address of who did what when.
        items: the same of what the items are called.
        columns: user, item and title must be known.
        time_unit: of numeric times.
        time_format: how times are written.
        keep: which rows of the interactions count, as `PrepareSettings.keep`.

    Raises:
        InputError: a file cannot be read, or nothing is left of it under any of `CORES`.
    """
    options = {"interactions": interactions, "items": items, "columns": columns.model_dump(exclude_none=True)}
    raw = _load(options)
    separator = _category_separator(raw)
    if separator is not None:
        raw = _load({**options, "category_separator": separator})
    of_times = {"time_unit": None if time_unit == "auto" else time_unit, "time_format": time_format}
    found: dict[str, Any] = {key: value for key, value in of_times.items() if value is not None}
    if keep:
        found["keep"] = keep[0] if len(keep) == 1 else list(keep)
    found |= {"missing": "drop", "duplicate_items": "most"}
    notes: list[str] = [] if separator is None else [f"Categories are split at {separator!r}."]
    if columns.time is None:
        found["time_kind"] = "order"
        notes.append("There is no column of times: the order of the rows is taken for the order of events.")
    _decide_items(raw, found, notes)
    if not keep:
        taken = {columns.user or "", columns.item or "", columns.time or "", "user_id", "item_id", "timestamp"}
        notes += value_notes(raw.interactions, taken, raw.interactions_place)
    return Findings(columns, _with_largest_core(raw, found, notes), found, separator, tuple(notes))


def _load(options: dict[str, Any]) -> RawTables:
    return load(cast(TableOptions, check_options(find_loader("table"), options, {"base": Path.cwd()})))


def _category_separator(raw: RawTables) -> str | None:
    if "categories" not in schema_of(raw.items, raw.items_place):
        return None
    return guess_separator(collect(raw.items.select("categories"), raw.items_place)["categories"])


def recipe_text(name: str, interactions: str, items: str, findings: Findings, sources: Sequence[str], out: Path) -> str:
    """A recipe with these files as its target, as YAML.

    Args:
        name: of the target domain.
        interactions: as `look` got it.
        items: as `look` got it.
        findings: what `look` found.
        sources: domains as a recipe names them.
        out: file that it is written to; relative paths in it start from its folder.

    Raises:
        InputError: a source is unknown, or has the target's name.
    """
    for source in sources:
        if (parse_spec(source).name or source.rpartition(":")[2]) == name:
            raise InputError(
                f"a source is called {name!r} as well", location="NAME", hint="Give the target another name"
            )
    target: dict[str, Any] = {
        "name": name,
        "interactions": _from(out, interactions),
        "items": _from(out, items),
        "columns": findings.columns.model_dump(exclude_none=True),
    }
    if findings.category_separator is not None:
        target["category_separator"] = findings.category_separator
    if findings.prepare:
        target["prepare"] = findings.prepare
    data: dict[str, Any] = {"sources": list(sources), "target": target}
    if set(sources) <= set(BUNDLED):
        # Small sources make few steps an epoch, for which the paper's 5e-5 is too slow.
        data["s2idm"] = {"learning_rate": 0.0005}
    data["variants"] = list(DEFAULT_VARIANTS)
    check_recipe(data, out)
    head = [f"# From {', '.join(sources)} to {name}.", *(f"# {note}" for note in findings.notes)]
    return "\n".join(head) + "\n" + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def _decide_items(raw: RawTables, found: dict[str, Any], notes: list[str]) -> None:
    """Settle what becomes of items without a row, and without a title."""
    lenient: dict[str, Any] = {
        **found, "repeats": "keep", "min_user_interactions": 0, "min_item_interactions": 0,
        "missing_titles": "keep", "unknown_items": "drop",
    }  # fmt: skip
    try:
        prepared = prepare(raw, PrepareSettings(**lenient))
    except InputError:
        # Where nothing is left because no id is known, the strict setting says so better.
        prepare(raw, PrepareSettings(**{**lenient, "unknown_items": "error"}))
        raise
    notes += prepared.report.notes
    steps = prepared.report.steps
    for before, after in pairwise(steps):
        if after.setting != "unknown_items":
            continue
        unknown = before.items - after.items
        otherwise = _otherwise_written(raw)
        if otherwise > unknown / 2:  # to leave them out would lose what is there
            prepare(raw, PrepareSettings(**{**lenient, "unknown_items": "error"}))
        found["unknown_items"] = "drop"
        lost = 100 * (before.interactions - after.interactions) / before.interactions
        notes.append(
            f"{unknown:,} items of the interactions are in no row of the items: they are left out, and with them "
            f"{lost:.3g} % of the interactions."
            + (
                f" {otherwise:,} of them have a row under an id that differs in case, zeros or blanks."
                if otherwise
                else ""
            )
        )
    untitled = int(pc.sum(pc.equal(prepared.domain.titles, "")).as_py() or 0)
    if untitled == prepared.domain.n_items:
        raise InputError(
            "no item has a title", location=raw.items_place, hint="Name another column with --title-column"
        )
    if untitled:
        found["missing_titles"] = "keep"
        notes.append(f"{untitled:,} items have no title: they are kept, and get no anchors.")


def _otherwise_written(raw: RawTables) -> int:
    """Items of the interactions that have a row under an id with other zeros."""
    tables = ((raw.interactions, raw.interactions_place), (raw.items, raw.items_place))
    ids = [
        to_ids(
            collect(table.select("item_id").unique(), location)["item_id"], "item id", location, missing="drop"
        ).drop_nulls()
        for table, location in tables
    ]
    return otherwise_written(*ids)


def _with_largest_core(raw: RawTables, found: dict[str, Any], notes: list[str]) -> Domain:
    """Prepare with the first of `CORES` that leaves something."""
    failed: InputError | None = None
    for of_user, of_item in CORES:
        core = {"min_user_interactions": of_user, "min_item_interactions": of_item}
        try:
            domain = prepare(raw, PrepareSettings(**{**found, **core})).domain
        except InputError as error:
            failed = error
            continue
        if failed is not None:
            found.update(core)
            notes.append(f"Users keep at least {of_user} interactions and items {of_item}: with 5 nothing is left.")
        return domain
    raise failed or ValueError("there is no core to try")


def _from(out: Path, path: str) -> str:
    """A path as the recipe's folder sees it; absolute paths and addresses stay."""
    if "://" in path or Path(path).expanduser().is_absolute():
        return path
    return Path(os.path.relpath(path, out.parent or Path())).as_posix()
