"""Look-ups in a run: `transfer titles`, `explain`, `anchors explain` and `anchors neighbours`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from transfer.cli.options import Json

if TYPE_CHECKING:
    from transfer.serving.explain import Explanation
    from transfer.serving.recommend import Recommender

LEAST = 0.005
"""Smaller parts of a score would show as 0.00 and are left out."""
Run = Annotated[str, typer.Argument(help="Folder of a run, or its hub id.")]
Search = Annotated[str, typer.Option("--search", help="Words of the title, or an id; default: all items.")]
TitleCount = Annotated[int, typer.Option("-k", "--count", min=1, help="Number of items; the most popular come first.")]


def titles(run: Run, search: Search = "", count: TitleCount = 20, json_: Json = False) -> None:
    """List items of a run by title, with their ids."""
    from rich.text import Text

    from domains.raw_cells import counted
    from transfer.cli.output import cut, plain_table, print_json, print_plain
    from transfer.serving.opened import interactions_of_items, open_run
    from transfer.serving.title_index import TitleIndex

    loaded = open_run(run)
    domain, met = loaded.domain, interactions_of_items(loaded)
    index = TitleIndex.of(domain, met.tolist())
    found = index.search(search)
    rows = [(str(domain.item_ids[i].as_py()), domain.titles[i].as_py() or "", int(met[i])) for i in found[:count]]
    if json_:
        print_json([dict(zip(("item_id", "title", "interactions"), row, strict=True)) for row in rows])
        return
    table = plain_table(counted(len(found), "item") + (f", the first {count}" if len(found) > count else ""))
    table.add_column("id")
    table.add_column("title")
    table.add_column("interactions", justify="right")
    for name, title, times in rows:
        table.add_row(Text(name), Text(cut(title) or "(no title)"), f"{times:,}")
    print_plain(table)


User = Annotated[str | None, typer.Option("--user", help="Id of a user of the target domain.")]
Past = Annotated[str | None, typer.Option("--history", metavar='"TITLE; TITLE"', help="Titles or ids, oldest first.")]
Count = Annotated[int, typer.Option("-k", "--count", min=1, help="How many recommendations.")]
Figure = Annotated[Path | None, typer.Option("--figure", help="Write a chart to this file (png, svg or pdf).")]
Variant = Annotated[str | None, typer.Option("--variant", help="Explain another finished variant of the run.")]


def explain(
    run: Run,
    user: User = None,
    history: Past = None,
    count: Count = 5,
    figure: Figure = None,
    variant: Variant = None,
    json_: Json = False,
) -> None:
    """Explain a user's recommendations: interests before and after diffusion, late terms, past items."""
    from domains.errors import SettingsError
    from transfer.cli.output import ERR, print_json
    from transfer.serving.explain import draw, explain, figure_format
    from transfer.serving.history import History
    from transfer.serving.opened import open_run
    from transfer.serving.recommend import Recommender

    if (user is None) == (history is None):
        raise SettingsError(
            "give exactly one of them", location="--user, --history", hint="For example --user 42", code="one-question"
        )
    if figure is not None:
        figure_format(figure)
    loaded = open_run(run, variant)
    recommender = Recommender(loaded)
    past = (
        History.of_user(loaded.domain, user)
        if user is not None
        else History.of_text(loaded.domain, history or "", recommender.titles)
    )
    for note in past.notes:
        ERR.print(note, highlight=False, markup=False, soft_wrap=True)
    found = explain(recommender, past, count)
    if figure is not None:
        draw(found, figure)
    if json_:
        print_json(found.as_dict())
        return
    _print_interests(found)
    _print_carried(found, recommender)


def _print_interests(found: Explanation) -> None:
    from rich.text import Text

    from transfer.cli.output import cut, plain_table, print_plain

    diffused = any(one.after is not None for one in found.interests)
    table = plain_table("Interests before and after diffusion" if diffused else "Interests, in anchors")
    table.add_column("anchor")
    for name in ("before", "after") if diffused else ("weight",):
        table.add_column(name, justify="right")
    table.add_column("made by")
    for one in found.interests:
        weights = [f"{one.before:.3f}" if one.before else ""]
        weights += [f"{one.after or 0.0:.3f}"] if diffused else []
        made = ", ".join(cut(source.item) for source in one.sources) or "diffusion"
        table.add_row(Text(one.anchor.replace("_", " ")), *weights, Text(made))
    print_plain(table)


def _print_carried(found: Explanation, recommender: Recommender) -> None:
    """Print for each item its title and score, the parts of the score, and the past items that contribute most."""
    from rich.text import Text

    from transfer.cli.output import cut, plain_table, print_plain

    table = plain_table("What carried each recommendation: the parts of its score, and what past items added to them")
    table.add_column("", justify="right")
    table.add_column("title")
    table.add_column("score", justify="right")
    for place, carried in enumerate(found.recommended, 1):
        item = carried.recommendation
        largest = sorted(carried.terms.items(), key=lambda part: -abs(part[1]))
        parts = ", ".join(f"{name} {value:.2f}" for name, value in largest if abs(value) >= LEAST)
        past = ", ".join(f"{cut(source.item)} {source.value:+.2f}" for source in carried.sources)
        lines = [Text(cut(recommender.titles.label_of(item.item_id)), "bold")]
        lines += [Text(line, "dim") for line in (parts, past or cut(item.reason)) if line]
        table.add_row(str(place), Text("\n").join(lines), f"{item.score:.2f}")
    print_plain(table)


anchors = typer.Typer(no_args_is_help=True, help="Look at the anchors of a target run.")

RunFolder = Annotated[str, typer.Argument(help="Folder of a run.")]
Words = Annotated[list[str], typer.Argument(help="Words as written in titles.")]


@anchors.command("explain")
def explain_words(run: RunFolder, words: Words) -> None:
    """Show the anchors of a word, and the step that found them."""
    from rich.markup import escape

    from domains.errors import RunError
    from transfer.cli.output import say
    from transfer.runs.artifact import UNSEEN, VOCABULARY, kind_of
    from transfer.runs.target_run import KIND as TARGET
    from transfer.serving.opened import within_run
    from vocab.unseen.unseen_map import UnseenMap
    from vocab.vocabulary import SememeVocabulary

    folder = Path(within_run(run))
    if not (folder / UNSEEN).is_file():
        targets = kind_of(folder) == TARGET
        raise RunError(
            "this run maps no unseen words" if targets else "a source artifact has no map of unseen words",
            location=folder,
            hint="Run it without 'unseen: null', which preset 'paper' sets too" if targets else "Name a target run",
            code="no-file",
        )
    unseen = UnseenMap.load(folder / UNSEEN, SememeVocabulary.load(folder / VOCABULARY))
    for word in words:
        say(escape(unseen.explain(word)))


@anchors.command("neighbours")
def neighbours(
    run: RunFolder, word: Annotated[str, typer.Argument(help="A word as written in titles.")], json_: Json = False
) -> None:
    """Show the anchors that S2IDM links to a word, by diffusing an interest in this word only."""
    from rich.text import Text

    from transfer.cli.output import plain_table, print_json, print_plain
    from transfer.serving.explain import anchor_neighbours
    from transfer.serving.opened import open_run

    found = anchor_neighbours(open_run(run), word)
    if json_:
        print_json([vars(one) for one in found])
        return
    table = plain_table(f"What S2IDM links to {word}")
    table.add_column("anchor")
    table.add_column("gain", justify="right")
    table.add_column("items", justify="right")
    for one in found:
        table.add_row(Text(one.anchor), f"{one.gain:+.3f}", f"{one.items:,}")
    print_plain(table)
