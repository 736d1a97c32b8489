"""`transfer recommend RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transfer.cli.options import Json

if TYPE_CHECKING:
    from domains.data_frames import NewItems
    from transfer.serving.history import History
    from transfer.serving.recommend import NewRecommendation, Recommendation
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


Variant = Annotated[str | None, typer.Option("--variant", help="Recommend with another finished variant of the run.")]
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
Out = Annotated[Path | None, typer.Option("--out", help="Parquet file for --users; a folder for shards or parts.")]
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
    from domains.errors import SettingsError
    from transfer.cli.output import ERR, print_json

    if users is not None or out is not None or history_file is not None:
        if user is not None or history is not None or interests is not None or new_items is not None:
            raise SettingsError(
                "--users cannot be combined with other questions",
                location="--users",
                hint="Leave the others out",
                code="one-question",
            )
        _batch(run, users, out, history_file, count, variant, only_items, without_items, allow_seen, shard, no_reasons)
        return
    if sum(given is not None for given in (user, history, interests)) != 1:
        raise SettingsError(
            "give exactly one of them",
            location="--user, --history, --interests",
            hint='For example --interests "space, war"',
            code="one-question",
        )
    from transfer.serving.history import History
    from transfer.serving.input_files import read_ids
    from transfer.serving.new_items import run_with
    from transfer.serving.opened import open_run
    from transfer.serving.recommend import Filters, Recommender

    loaded, added = open_run(run, variant), 0
    if new_items is not None:
        more = _new_items(new_items)
        loaded, added = run_with(loaded, more), len(more.ids)
    asked = Recommender(loaded, added)
    domain = loaded.domain
    filters = Filters.of_ids(domain, read_ids(only_items), read_ids(without_items), allow_seen)
    new: list[NewRecommendation] = []
    if interests is not None:
        words = [part.strip() for part in interests.split(",") if part.strip()]
        fit = asked.interests.fit(words)
        found = asked.recommend_for(fit, count, filters)
        new = asked.recommend_new_for(fit, count, filters) if added else []
        heading = f"For an interest in {', '.join(words)}"
        for note in fit.notes:
            ERR.print(note, highlight=False, markup=False)
    else:
        past = (
            History.of_user(domain, user) if user is not None else History.of_text(domain, history or "", asked.titles)
        )
        for note in past.notes:
            ERR.print(note, highlight=False, markup=False, soft_wrap=True)
        if past.leaves_out_repeats and not allow_seen:
            ERR.print("What you typed is left out of the answer; --allow-seen brings it back.", soft_wrap=True)
        found = asked.recommend(past, count, filters)
        new = asked.recommend_new(past, count, filters) if added else []
        heading = _after(past, asked.titles)
    if json_:
        listed = [vars(item) for item in found]
        placed = [vars(one.item) | {"place": one.place} for one in new]
        print_json({"items": listed, "new_items": placed} if added else listed)
        return
    _print(heading, found, asked.titles)
    if added:
        _print_new(new, domain.n_items - added, asked.titles)


def _batch(
    run: str,
    users: str | None,
    out: Path | None,
    history_file: str | None,
    count: int,
    variant: str | None,
    only_items: str | None,
    without_items: str | None,
    allow_seen: bool,
    shard: str | None,
    no_reasons: bool,
) -> None:
    from domains.errors import SettingsError
    from domains.raw_cells import counted
    from transfer.cli.output import ERR, progress_for
    from transfer.serving.batch import EVERYBODY, Shard, recommend_all
    from transfer.serving.input_files import read_ids
    from transfer.serving.opened import open_run
    from transfer.serving.recommend import Filters, Recommender

    if out is None:
        raise SettingsError(
            "no file to write to", location="--out", hint="Give --out recs.parquet", code="option-missing"
        )
    loaded = open_run(run, variant)
    filters = Filters.of_ids(loaded.domain, read_ids(only_items), read_ids(without_items), allow_seen)
    written = recommend_all(
        Recommender(loaded),
        out,
        users=users or EVERYBODY,
        history_file=history_file,
        count=count,
        filters=filters,
        shard=None if shard is None else Shard.parse(shard),
        reasons=not no_reasons,
        progress=progress_for(False),
    )
    people, files = counted(written.people, "user"), counted(len(written.files), "file")
    ERR.print(f"Recommendations for {people} are in {files}", highlight=False)
    if written.unanswered:
        ERR.print(f"{written.unanswered:,} could not be answered: see *.unanswered.parquet", highlight=False)


def _print(heading: str, found: list[Recommendation], titles: TitleIndex) -> None:
    from rich.text import Text

    from transfer.cli.output import plain_table, print_plain

    table = plain_table(heading)
    table.add_column("", justify="right")
    for name in ("title", "of the best", "reason"):
        table.add_column(name)
    for place, item in enumerate(found, 1):
        table.add_row(str(place), Text(titles.label_of(item.item_id)), f"{item.share:.0%}", Text(item.reason))
    print_plain(table)


def _print_new(new: list[NewRecommendation], known: int, titles: TitleIndex) -> None:
    from rich.text import Text

    from transfer.cli.output import plain_table, print_plain

    table = plain_table(f"New items, with the rank of each among the {known:,} known ones")
    table.add_column("place", justify="right")
    for name in ("title", "reason"):
        table.add_column(name)
    for one in new:
        table.add_row(f"{one.place:,}", Text(titles.label_of(one.item.item_id)), Text(one.item.reason))
    print_plain(table)


def _after(past: History, titles: TitleIndex) -> str:
    """Return a line about the user, history or interests that the recommendations are for."""
    recent = [titles.label(int(item)) for item in past.domain.items[-3:]]
    earlier = past.domain.n_interactions - len(recent)
    if not recent:
        return "For a user without a history"
    return f"After {', '.join(recent)}" + (f" and {earlier} earlier" if earlier else "")


def _new_items(given: str) -> NewItems:
    """Read new items from a file, or from titles that are their own ids."""
    from domains.data_frames import NewItems, read_new_items
    from domains.errors import DataError
    from domains.io.paths import KINDS

    file = Path(given.strip())
    if file.is_file():
        return read_new_items(str(file), str(file))
    if file.suffix.lower() in KINDS:
        raise DataError(
            "no such file",
            location=file,
            hint="Check the path, or give titles: --new-items 'title; title'",
            code="no-file",
        )
    titles = [part.strip() for part in given.split(";") if part.strip()]
    return NewItems(titles, titles)
