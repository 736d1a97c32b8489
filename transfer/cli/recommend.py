"""`transfer recommend RUN`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domains.errors import SettingsError
from transfer.cli.options import Json, Variant

if TYPE_CHECKING:
    from domains.data_frames import NewItems
    from domains.newer import Reading
    from transfer.serving.history import History
    from transfer.serving.recommend import Filters, NewRecommendation, Recommendation, Recommender
    from transfer.serving.title_index import TitleIndex

Run = Annotated[str, typer.Argument(help="Folder of a run, or its hub id.")]
User = Annotated[str | None, typer.Option("--user", help="Id of a user of the target domain.")]
Past = Annotated[
    str | None,
    typer.Option(
        "--history",
        metavar='"TITLE; TITLE"',
        help="Titles or ids, oldest first; the year may be missing, and the beginning of a title is enough.",
    ),
]
Words = Annotated[
    str | None,
    typer.Option("--interests", metavar='"WORD, WORD"', help="Interests instead of a history, as words of titles."),
]
New = Annotated[
    str | None,
    typer.Option(
        "--new-items",
        metavar='"TITLE; TITLE"|FILE',
        help="New items: titles, or a table (required for titles with a semicolon).",
    ),
]
Count = Annotated[int, typer.Option("-k", "--count", min=1, help="How many items.")]


OnlyItems = Annotated[
    str | None, typer.Option("--only-items", metavar="FILE", help="File with the ids that may be recommended.")
]
WithoutItems = Annotated[
    str | None, typer.Option("--without-items", metavar="FILE", help="File with ids to leave out.")
]
Users = Annotated[
    str | None,
    typer.Option("--users", metavar="all|FILE|FOLDER", help="Recommend to many users: all, those in a file, or parts."),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="Parquet or CSV file for --users; a folder for shards or parts.")
]
Orders = Annotated[
    str | None,
    typer.Option("--history-file", metavar="FILE", help="Newer interactions, for --users."),
]
ShardOf = Annotated[str | None, typer.Option("--shard", metavar="I/N", help="Compute one of N parts of --users.")]
NoReasons = Annotated[bool, typer.Option("--no-reasons", help="Write no reasons to --out, which is faster.")]
AllowSeen = Annotated[bool, typer.Option("--allow-seen", help="Also recommend items of the history.")]


def command(
    run: Run,
    user: User = None,
    history: Past = None,
    interests: Words = None,
    new_items: New = None,
    count: Count = 10,
    variant: Variant = None,
    only_items: OnlyItems = None,
    without_items: WithoutItems = None,
    allow_seen: AllowSeen = False,
    users: Users = None,
    out: Out = None,
    history_file: Orders = None,
    shard: ShardOf = None,
    no_reasons: NoReasons = False,
    json_: Json = False,
) -> None:
    """Recommend items, with reasons, for a user, a history or interests; or for many users to a file."""
    from domains.newer import Reading
    from transfer.cli.output import ERR, print_json
    from transfer.serving.history import History
    from transfer.serving.input_files import GIVE_IDS, filters_of, read_ids
    from transfer.serving.new_items import run_with
    from transfer.serving.opened import open_run
    from transfer.serving.recommend import Recommender

    many = _for_many_users(
        {"--users": users, "--out": out, "--history-file": history_file, "--shard": shard, "--no-reasons": no_reasons},
        {"--user": user, "--history": history, "--interests": interests, "--new-items": new_items},
    )
    if many and out is None:
        raise SettingsError(
            "no file to write to", location="--out", hint="Give --out recs.parquet", code="option-missing"
        )
    loaded, added = open_run(run, variant), 0
    reading = Reading.of(loaded.recipe.target)
    if new_items is not None:
        more = _new_items(new_items, reading)
        loaded, added = run_with(loaded, more), len(more.ids)
    asked, domain = Recommender(loaded, added), loaded.domain
    only, without = (
        None if file is None else read_ids(file, "item", domain, reading) for file in (only_items, without_items)
    )
    names = f"--only-items {only_items}", f"--without-items {without_items}"
    if only == []:
        raise SettingsError("no id is given", location=names[0], hint=GIVE_IDS, code="unknown-item")
    filters, notes = filters_of(domain, only, without, allow_seen, names)
    for note in notes:
        ERR.print(f"Note: {note}", highlight=False, markup=False, soft_wrap=True)
    if out is not None:
        _write_all(
            asked,
            out,
            filters,
            users=users,
            history_file=history_file,
            count=count,
            shard=shard,
            reasons=not no_reasons,
            json_=json_,
        )
        return
    if interests is not None:
        heading, found, new = _for_interests(asked, interests, count, filters)
    else:
        past = (
            History.of_user(domain, user) if user is not None else History.of_text(domain, history or "", asked.titles)
        )
        heading, found, new = _for_history(asked, past, count, filters)
    if json_:
        listed = [vars(item) for item in found]
        placed = [vars(one.item) | {"place": one.place} for one in new]
        print_json({"items": listed, "new_items": placed} if added else listed)
        return
    if not found:
        ERR.print(f"{heading}: no item is left to recommend", highlight=False, markup=False, soft_wrap=True)
    else:
        _print(heading, found, asked.titles)
    if added:
        _print_new(new, domain.n_items - added, asked.titles)


def _for_many_users(of_many: Mapping[str, object], of_one: Mapping[str, str | None]) -> bool:
    """Return whether options ask for many users. Raise unless they do, or ask for one user, history or interests."""
    many = [name for name, value in of_many.items() if value not in (None, False)]
    one = [name for name, value in of_one.items() if value is not None]
    if many and one:
        raise SettingsError(
            f"{many[0]} is for many users, and {one[0]} for one answer",
            location=many[0],
            hint="Leave one of them out",
            code="one-question",
        )
    if not many and len([name for name in one if name != "--new-items"]) != 1:
        raise SettingsError(
            "give exactly one of them",
            location="--user, --history, --interests",
            hint='For example --interests "space, war"',
            code="one-question",
        )
    return bool(many)


Answer = tuple[str, "list[Recommendation]", "list[NewRecommendation]"]
"""Heading, recommendations, and recommended new items."""


def _for_interests(asked: Recommender, interests: str, count: int, filters: Filters) -> Answer:
    from transfer.cli.output import ERR
    from transfer.serving.interests import interests_in

    words = interests_in(interests)
    fit = asked.interests.fit(words)
    for note in fit.notes:
        ERR.print(note, highlight=False, markup=False)
    new = asked.recommend_new_for(fit, count, filters) if asked.has_new else []
    return f"For an interest in {', '.join(words)}", asked.recommend_for(fit, count, filters), new


def _for_history(asked: Recommender, past: History, count: int, filters: Filters) -> Answer:
    from transfer.cli.output import ERR

    for note in past.notes:
        ERR.print(note, highlight=False, markup=False, soft_wrap=True)
    if past.leaves_out_repeats and not filters.allow_seen:
        ERR.print("What you typed is left out of the answer; --allow-seen brings it back.", soft_wrap=True)
    new = asked.recommend_new(past, count, filters) if asked.has_new else []
    return _after(past, asked.titles), asked.recommend(past, count, filters), new


def _write_all(
    asked: Recommender,
    out: Path,
    filters: Filters,
    *,
    users: str | None,
    history_file: str | None,
    count: int,
    shard: str | None,
    reasons: bool,
    json_: bool,
) -> None:
    """Write recommendations for many users, and print how many."""
    from domains.errors import DataError
    from domains.io.paths import KINDS
    from domains.raw_cells import counted
    from transfer.cli.output import ERR, print_json, progress_for
    from transfer.serving.batch import EVERYBODY, UNANSWERED, Shard, beside, recommend_all

    if shard is not None and out.suffix.lower() in KINDS and out.suffix.lower() != ".parquet" and not out.is_dir():
        raise SettingsError(
            f"--shard writes a folder of Parquet files, and {out.name} names a file",
            location="--out",
            hint=f"Give --out {out.with_suffix('')}",
            code="out-format",
        )
    written = recommend_all(
        asked,
        out,
        users=users or EVERYBODY,
        history_file=history_file,
        count=count,
        filters=filters,
        shard=None if shard is None else Shard.parse(shard),
        reasons=reasons,
        progress=progress_for(json_),
    )
    for note in [] if json_ else written.notes:
        ERR.print(f"Note: {note}", highlight=False, markup=False, soft_wrap=True)
    made = len(written.files) - written.kept
    single = written.files[0] if len(written.files) == 1 else None
    side = f"*{UNANSWERED}.parquet" if single is None else beside(single)
    if made == 1 and written.unanswered and not written.people and shard is None:
        raise DataError(
            f"none of the {counted(written.unanswered, 'user')} could be answered",
            location=history_file or users or out,
            hint=f"{side} has the reason for each. Give users of the run, or their histories",
            code="unanswered",
        )
    if json_:
        print_json(vars(written) | {"files": [str(file) for file in written.files]})
        return
    if made:
        files = str(single or f"{counted(made, 'file')} in {out}")
        ERR.print(
            f"Recommendations for {counted(written.people, 'user')} are in {files}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if written.kept:
        files = str(single or counted(written.kept, "file"))
        ERR.print(f"Kept {files}: nothing has changed since", highlight=False, markup=False, soft_wrap=True)
    if written.unanswered:
        ERR.print(
            f"{written.unanswered:,} could not be answered: see {side}", highlight=False, markup=False, soft_wrap=True
        )


def _print(heading: str, found: list[Recommendation], titles: TitleIndex) -> None:
    from rich.text import Text

    from transfer.cli.output import cut, plain_table, print_plain

    table = plain_table(heading)
    table.add_column("", justify="right")
    for name in ("title", "of the best", "reason"):
        table.add_column(name)
    for place, item in enumerate(found, 1):
        title, reason = Text(cut(titles.label_of(item.item_id))), Text(cut(item.reason))
        table.add_row(str(place), title, f"{item.share:.0%}", reason)
    print_plain(table)


def _print_new(new: list[NewRecommendation], known: int, titles: TitleIndex) -> None:
    from rich.text import Text

    from transfer.cli.output import cut, plain_table, print_plain

    table = plain_table(f"New items, with the rank of each among the {known:,} known ones")
    table.add_column("place", justify="right")
    for name in ("title", "reason"):
        table.add_column(name)
    for one in new:
        title, reason = Text(cut(titles.label_of(one.item.item_id))), Text(cut(one.item.reason))
        table.add_row(f"{one.place:,}", title, reason)
    print_plain(table)


def _after(past: History, titles: TitleIndex) -> str:
    """Return a line about the user, history or interests that the recommendations are for."""
    from transfer.cli.output import cut

    recent = [cut(titles.label(int(item))) for item in past.domain.items[-3:]]
    earlier = past.domain.n_interactions - len(recent)
    if not recent:
        return "For a user without a history"
    return f"After {', '.join(recent)}" + (f" and {earlier} earlier" if earlier else "")


def _new_items(given: str, reading: Reading) -> NewItems:
    """Read new items from a table, as those of the target were read, or from titles that are their own ids."""
    from domains.data_frames import NewItems, read_new_items

    if os.path.exists(given.strip()):  # noqa: PTH110 - a Path raises for a title that is too long for a name
        items = read_new_items(given.strip(), reading)
    elif _looks_like_path(given):
        raise SettingsError(
            "no such file",
            location=given.strip(),
            hint='Check the path, or give titles: --new-items "title; title"',
            code="no-file",
        )
    else:
        titles = [part.strip() for part in given.split(";") if part.strip()]
        items = NewItems(titles, titles)
    if not items.ids:
        raise SettingsError(
            "no new item is given",
            location=f"--new-items {given}".strip(),
            hint='Give titles, --new-items "title; title", or a table of items',
            code="new-items",
        )
    return items


def _looks_like_path(given: str) -> bool:
    """Whether a text that names no file was meant to: by its ending, or because its folder exists."""
    from domains.io.paths import COMPRESSIONS, KINDS, OTHERS

    folder, name = os.path.split(given.strip())
    return Path(name).suffix.lower() in {*KINDS, *OTHERS, *COMPRESSIONS} or os.path.isdir(folder)  # noqa: PTH112
