"""`transfer init`: what is guessed, asked, decided and written; and the newcomer's three commands."""

from __future__ import annotations

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
import yaml
from cli_cases import TINY, Result, run_command
from refusals import refusal

from domains.open_domain import open_domain, parse_spec
from domains.settings import ColumnMapping
from recipes.load import load_recipe
from recipes.scaffold import look

USERS, ITEMS = 12, 10
ALWAYS = {
    "missing": "drop",
    "duplicate_items": "most",
    "min_user_interactions": 1,
    "min_item_interactions": 1,
    "catalogue": "all",
    "repeats": "first",
}
"""Settings that every recipe of `init` has."""
TITLES = [
    "red ball",
    "blue ball",
    "red kite",
    "blue kite",
    "space ship",
    "space dog",
    "dog house",
    "tree house",
    "tree of life",
    "life of dogs",
]


def acts(per_user: int = 8, **renamed: str) -> pl.DataFrame:
    """Everybody meets their own stretch of the items, around a circle."""
    rows = [
        (f"u{user}", (user + step) % ITEMS, 1_500_000_000 + 3600 * user + step)
        for user in range(USERS)
        for step in range(per_user)
    ]
    return pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row").rename(renamed)


def goods(**renamed: str) -> pl.DataFrame:
    return pl.DataFrame({"item_id": range(ITEMS), "title": TITLES}).rename(renamed)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def init(
    capsys: pytest.CaptureFixture[str], interactions: pl.DataFrame, items: pl.DataFrame, *options: str
) -> tuple[Result, dict[str, Any]]:
    """Run init on two CSV files; its result and the recipe's target."""
    interactions.write_csv("acts.csv")
    items.write_csv("goods.csv")
    result = run_command(capsys, "init", "shop", "--interactions", "acts.csv", "--items", "goods.csv", *options)
    path = Path("shop.yaml")
    return result, yaml.safe_load(path.read_text(encoding="utf-8"))["target"] if path.exists() else {}


def test_usual_names_are_found_and_the_recipe_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    result, target = init(capsys, acts(), goods())
    assert result.code == 0, result.err
    assert target["columns"] == {"user": "user_id", "item": "item_id", "time": "timestamp", "title": "title"}
    assert target["prepare"] == ALWAYS
    assert "12 users, 10 items, 96 interactions, 2017-07-14 to 2017-07-14" in result.out
    assert result.out.rstrip().endswith("Next: transfer run shop.yaml")
    recipe = load_recipe("shop.yaml").recipe
    assert [source.options["dataset"] for source in recipe.sources] == ["books", "films"]
    assert recipe.variants[-1] == "sasrec+ipe+s2idm+terms", "sources are there to learn interests from"
    assert recipe.target is not None
    assert recipe.target.name == "shop"


def test_brackets_in_the_recipes_name_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    result, _ = init(capsys, acts(), goods(), "--out", "[shop].yaml")
    assert "Wrote [shop].yaml. Next: transfer run [shop].yaml" in result.out


def test_other_names_are_found_by_their_values(capsys: pytest.CaptureFixture[str]) -> None:
    result, target = init(
        capsys, acts(user_id="wer", item_id="was", timestamp="wann"), goods(item_id="nummer", title="worte")
    )
    assert result.code == 0, result.err
    assert target["columns"] == {
        "user": "wer",
        "item": "was",
        "item_key": "nummer",
        "time": "wann",
        "title": "worte",
    }
    assert result.out.count("(by its values)") == 5


def test_the_help_shows_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[purchase," in run_command(capsys, "init", "--help").out


def test_options_win_over_guesses(capsys: pytest.CaptureFixture[str]) -> None:
    items = goods().with_columns(label=pl.lit("nice ") + pl.col("title"))
    result, target = init(capsys, acts(), items, "--title-column", "label", "--source", "books", "--out", "x.yaml")
    assert result.code == 0, result.err
    assert target == {}
    data = yaml.safe_load(Path("x.yaml").read_text(encoding="utf-8"))
    assert data["target"]["columns"]["title"] == "label"
    assert data["sources"] == ["books"]


def test_what_cannot_be_guessed_is_asked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    answers, questions = iter(["priec", "price"]), []

    def prompt(question: str, **_: object) -> str:
        questions.append(question)
        return next(answers)

    items = pl.DataFrame({"item_id": range(ITEMS), "price": [f"p{n}" for n in range(ITEMS)]})
    monkeypatch.setattr("transfer.cli.options.at_terminal", lambda: True)
    monkeypatch.setattr("typer.prompt", prompt)
    result, target = init(capsys, acts(), items)
    assert result.code == 0, result.err
    assert target["columns"]["title"] == "price"
    assert questions == ["Which column holds the title? (item_id, price)"] * 2
    assert "There is no 'priec'" in result.err


def test_nobody_is_asked_where_nobody_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.prompt", lambda *_, **__: pytest.fail("it asked"))
    result, target = init(capsys, acts(), goods().drop("title"))
    assert result.code == 2
    assert "--title-column" in result.err
    assert target == {}


def test_a_user_is_not_guessed_among_several_columns(capsys: pytest.CaptureFixture[str]) -> None:
    two = acts(user_id="wer").with_columns(filiale=pl.int_range(pl.len()) % 7)
    result, target = init(capsys, two, goods())
    assert (result.code, target) == (2, {})
    assert "--user-column" in result.err
    assert "wer, item_id, timestamp, filiale" in result.err
    result, target = init(capsys, two, goods(), "--user-column", "wer")
    assert (result.code, target["columns"]["user"]) == (0, "wer")


def test_columns_without_names_are_shown_with_a_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{user},{100 + user},pv,{1_500_000_000 + user}\n" for user in range(9))
    (tmp_path / "acts.csv").write_text(rows, encoding="utf-8")
    result = run_command(capsys, "init", "shop", str(tmp_path / "acts.csv"))
    assert result.code == 2
    assert "column_1 (0), column_2 (100), column_3 (pv), column_4 (1500000000)" in " ".join(result.err.split())


def test_a_column_that_was_named_plays_no_other_role(capsys: pytest.CaptureFixture[str]) -> None:
    numbered = acts(user_id="wer", item_id="was").with_columns(wer=pl.col("wer").str.slice(1).cast(pl.Int64) % 11)
    result, target = init(capsys, numbered, goods(item_id="nr"))
    assert (result.code, target) == (2, {})
    assert "--item-column" in result.err
    result, target = init(capsys, numbered, goods(item_id="nr"), "--user-column", "wer")
    assert (result.code, target["columns"]["item"], target["columns"]["item_key"]) == (0, "was", "nr")


def test_dates_that_may_be_read_two_ways_are_told_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    dated = acts().with_columns(timestamp=pl.format("0{}/02/2020", 1 + pl.col("timestamp") % 9))
    result, target = init(capsys, dated, goods())
    assert (result.code, target) == (2, {})
    assert "day or the month first" in result.err
    assert "time        timestamp" in result.err
    result, target = init(capsys, dated, goods(), "--time-format", "%d/%m/%Y")
    assert target["prepare"] == {**ALWAYS, "time_format": "%d/%m/%Y"}, result.err
    assert "2020-02-01 to 2020-02-09" in result.out


def test_ids_with_other_zeros_are_told_before_most_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    padded = acts().with_columns(pl.when(pl.col("item_id") > 0).then(pl.format("00{}", "item_id")).otherwise("item_id"))
    result, target = init(capsys, padded, goods())
    assert (result.code, target) == (2, {})
    assert "9 of them have one under an id that is written otherwise" in result.err
    assert "leading zeros" in result.err


def test_categories_in_one_text_are_split(capsys: pytest.CaptureFixture[str]) -> None:
    sorts = ["Action, Drama", "Drama, Crime", "Crime", "Action, Crime", "Drama"] * 2
    result, target = init(capsys, acts(), goods().with_columns(genres=pl.Series(sorts)))
    assert target["category_separator"] == ",", result.err
    assert "Categories are split at ','." in result.out
    domain = open_domain(parse_spec({**target, "name": "shop"})).domain
    assert domain.categories is not None
    assert set(domain.categories.flatten().to_pylist()) == {"Action", "Drama", "Crime"}


@pytest.mark.parametrize(
    ("interactions", "items", "prepare", "note"),
    [
        (
            acts(),
            goods().with_columns(title=pl.when(pl.col("item_id") > 0).then("title")),
            {"missing_titles": "keep"},
            "1 item without a title: kept, known by who had it",
        ),
        (
            acts(),
            goods().filter(pl.col("item_id") > 1),
            {"unknown_items": "drop"},
            "2 of 10 items, 19 of 96 interactions left out",
        ),
        (
            acts(),
            pl.concat([goods(), goods().with_columns(pl.col("title") + "!")]),
            {},
            "10 items with several titles: the one that most rows have is taken",
        ),
        (acts(), pl.concat([goods(), goods()]), {}, ""),
        (acts().drop("timestamp"), goods(), {"time_kind": "order"}, "no column of times"),
    ],
    ids=["titles", "unknown", "several", "repeated", "times"],
)
def test_what_the_files_need_is_written_and_said(
    interactions: pl.DataFrame,
    items: pl.DataFrame,
    prepare: dict[str, Any],
    note: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    result, target = init(capsys, interactions, items)
    assert result.code == 0, result.err
    assert target["prepare"] == {**ALWAYS, **prepare}
    assert note in result.out
    assert note in " ".join(Path("shop.yaml").read_text(encoding="utf-8").replace("\n#  ", "").split())
    assert run_command(capsys, "recipe", "check", "shop.yaml").code == 0


def test_rows_are_kept_by_a_column_that_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    events = acts().with_columns(
        event=pl.when(pl.col("item_id") % 2 == 0).then(pl.lit("view")).otherwise(pl.lit("buy"))
    )
    result, _ = init(capsys, events, goods())
    keep = "event in [buy]"
    assert f'To count 48 of 96 rows (50 %): --keep "{keep}"' in result.out
    Path("shop.yaml").unlink()
    result, target = init(capsys, events, goods(), "--keep", keep)
    assert target["prepare"] | {"keep": keep} == target["prepare"], result.err
    assert "--keep" not in result.out
    assert "10 items, 48 interactions" in result.out
    assert "5 of 10 items have no interaction and stay" in result.out


def test_rows_without_user_item_or_time_are_left_out_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    gaps = acts().with_columns(user_id=pl.when(pl.int_range(96) > 2).then("user_id"))
    result, _ = init(capsys, gaps, goods())
    assert result.code == 0, result.err
    assert "3 without user (missing: drop)" in result.out


def test_ids_that_never_meet_are_told_as_such() -> None:
    acts().write_csv("acts.csv")
    goods().with_columns(pl.col("item_id") + 100).write_csv("goods.csv")
    columns = ColumnMapping(user="user_id", item="item_id", time="timestamp", title="title")
    with refusal("unknown-item", about="10"):
        look("acts.csv", "goods.csv", columns)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "acts.jsonl",
            '{"session": 1, "events": [{"aid": 5}]}\n' * 3,
            "'events' holds lists of records: name the field that holds the item with --item-column, of aid",
        ),
        ("acts.csv", "kd~art~dat\n1~2~3\n", "set separator"),
    ],
)
def test_a_question_tells_what_may_be_wrong_with_the_file(
    name: str, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(name).write_text(content, encoding="utf-8")
    goods().write_csv("goods.csv")
    result = run_command(capsys, "init", "shop", name, "goods.csv")
    assert result.code == 2
    assert said in " ".join(result.err.split())


def test_lists_of_records_become_rows_by_the_name_of_a_field(capsys: pytest.CaptureFixture[str]) -> None:
    events = [
        {
            "session": user,
            "events": [{"aid": item, "ts": 1_700_000_000 + user + item} for item in range(user, user + 5)],
        }
        for user in range(6)
    ]
    Path("acts.jsonl").write_text("\n".join(map(json.dumps, events)))
    named = ("--user-column", "session", "--item-column", "aid", "--title-column", "aid")
    result = run_command(capsys, "init", "shop", "acts.jsonl", *named)
    assert result.code == 0, result.err
    assert "6 users, 10 items, 30 interactions" in result.out
    assert open_domain(load_recipe("shop.yaml").recipe.target).domain.n_interactions == 30


@pytest.mark.parametrize("files", [("acts.csv",), ("acts.csv", "goods.csv")])
def test_columns_that_are_not_there_are_told_all_at_once(
    files: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    acts(user_id="who").write_csv("acts.csv")
    goods().write_csv("goods.csv")
    named = ("--user-column", "wo", "--item-column", "nope", "--time-column", "timestamp + hour")
    result = run_command(capsys, "init", "shop", *files, *named)
    told = " ".join(result.err.split())
    assert result.code == 2
    assert "no column 'wo'. Did you mean 'who'? Set --user-column to one of:" in told
    assert "no column 'nope'" in told
    assert "no column 'hour'" in told
    assert not Path("shop.yaml").exists()


def test_the_history_of_one_person_is_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    days = "".join(f'"Film {n % 90}",{n % 28 + 1}/3/21\n' for n in range(200))
    Path("seen.csv").write_text("Title,Date\n" + days)
    told = " ".join(run_command(capsys, "init", "mine", "seen.csv").err.split())
    assert "a run needs the histories of others as well" in told


def test_one_user_is_no_users(capsys: pytest.CaptureFixture[str]) -> None:
    result, _ = init(capsys, acts().filter(pl.col("user_id") == acts()["user_id"][0]), goods())
    assert "\n1 user, " in result.out, result.err


def test_too_little_for_a_test_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    result, _ = init(capsys, acts(per_user=2), goods())
    assert result.code == 2
    assert "none of the 12 users has 3 interactions" in result.err
    assert not Path("shop.yaml").exists()


def test_a_recipe_in_another_folder_still_finds_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    Path("deep").mkdir()
    result, _ = init(capsys, acts(), goods(), "--out", "deep/shop.yaml")
    assert result.code == 0, result.err
    data = yaml.safe_load(Path("deep/shop.yaml").read_text(encoding="utf-8"))
    assert data["target"]["interactions"] == "../acts.csv"
    assert run_command(capsys, "recipe", "check", "deep/shop.yaml").code == 0


def test_three_commands_from_two_files_to_recommendations(capsys: pytest.CaptureFixture[str]) -> None:
    result, _ = init(capsys, acts(), goods(), "--source", "books")
    assert result.code == 0, result.err
    tiny = [
        part
        for group, values in TINY.items()
        for key, value in values.items()
        if group != "evaluation"
        for part in ("--set", f"{group}.{key}={value}")
    ]
    ran = run_command(capsys, "run", "shop.yaml", "--set", "evaluation.negatives=5", "--set", "sample_users=100", *tiny)
    assert ran.code == 0, ran.err
    asked = run_command(capsys, "recommend", "runs/shop/target", "--user", "u3", "--json")
    assert asked.code == 0, asked.err
    assert {item["title"] for item in json.loads(asked.out)} == {TITLES[1], TITLES[2]}


def test_what_looks_wrong_with_the_data_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    mixed = acts().with_columns(
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.col("timestamp")).otherwise(pl.col("timestamp") // 1000)
    )
    mixed.write_csv("mixed.csv")
    acts().write_csv("bare.csv", include_header=False)
    pl.DataFrame({"item_id": range(ITEMS), "title": TITLES}).write_csv("items.csv")
    done = run_command(capsys, "init", "mixed", "--interactions", "mixed.csv", "--items", "items.csv")
    assert "the times span decades" in done.out, done.err
    done = run_command(capsys, "init", "bare", "--interactions", "bare.csv", "--items", "items.csv")
    assert "the first line is data" in done.out, done.err
    assert f"{len(acts())} interactions" in done.out


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\\b"])
def test_a_domain_has_a_plain_name(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    done = run_command(capsys, "init", name, "--interactions", "acts.csv", "--items", "items.csv")
    assert done.code == 2
    assert "NAME" in done.err
    assert not list(tmp_path.iterdir())


def test_nobody_and_nothing_of_a_shop_vanishes(capsys: pytest.CaptureFixture[str]) -> None:
    orders, products = shop_example().make_shop(customers=150, products=120, orders=900, seed=1)
    result, target = init(capsys, orders, products)
    assert result.code == 0, result.err
    assert target["columns"]["text"] == ["brand", "description"]
    domain = open_domain(parse_spec({**target, "name": "shop"})).domain
    listed = products.filter(pl.col("name") != "")["product"].unique().to_list()
    assert set(domain.user_ids.to_pylist()) == set(orders.filter(pl.col("customer") != "")["customer"])
    assert set(listed) <= set(domain.item_ids.to_pylist())
    assert domain.lengths.min() == 1
    data = yaml.safe_load(Path("shop.yaml").read_text(encoding="utf-8"))
    assert data["sources"] == []
    assert data["evaluation"] == {"short_users": "train"}
    assert not any("ipe" in label for label in data["variants"])
    assert "words are shared with books: expect little transfer." in result.out
    assert "(setting: unknown_items)" in result.out.split("customer")[0], "what is left out stands first"
    assert max(len(line) for line in Path("shop.yaml").read_text(encoding="utf-8").splitlines()) <= 80
    again, _ = init(capsys, orders, products)
    assert "--force" in again.err
    assert init(capsys, orders, products, "--force", "--source", "none")[0].code == 0


def shop_example() -> ModuleType:
    """The script of the example, as a module."""
    spec = spec_from_file_location("garden_shop", Path(__file__).parents[2] / "examples" / "garden_shop.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_where_people_buy_again_repeats_are_kept_and_a_row_that_stands_twice_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    day = 86_400
    first = acts()
    later = first.filter(pl.col("item_id") < 2).with_columns(pl.col("timestamp") + 30 * day)
    result, target = init(capsys, pl.concat([first, later, later]), goods())
    assert result.code == 0, result.err
    assert target["prepare"] == ALWAYS | {"repeats": "keep"}
    assert f"{len(first) + len(later)} interactions" in result.out
    assert f"{len(later)} of {len(first) + 2 * len(later)} interactions left out: rows that stand twice" in result.out
    share = len(later) / (len(first) + len(later))
    assert f"{share:.1%} of the interactions are with an item that the user had on an earlier day" in result.out
    assert "(repeats: keep)" in " ".join(Path("shop.yaml").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["acts.csv", "goods.csv"], "transfer init shop acts.csv goods.csv"),
        (["garden", "acts.csv", "goods.csv", "more.csv"], "transfer init garden acts.csv goods.csv"),
        (["garden"], "transfer init garden orders.csv products.csv"),
    ],
)
def test_files_without_a_name_get_the_command_to_type(
    capsys: pytest.CaptureFixture[str], words: list[str], hint: str
) -> None:
    acts().write_csv("acts.csv")
    goods().write_csv("goods.csv")
    result = run_command(capsys, "init", *words)
    assert result.code == 2
    assert hint in " ".join(result.err.split())


@pytest.mark.parametrize("words", [["acts.csv", "goods.csv"], ["acts.csv", "--items", "goods.csv"]])
def test_files_need_no_option(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    acts().write_csv("acts.csv")
    goods().write_csv("goods.csv")
    result = run_command(capsys, "init", "shop", *words)
    assert result.code == 0, result.err
    target = yaml.safe_load(Path("shop.yaml").read_text(encoding="utf-8"))["target"]
    assert (target["interactions"], target["items"]) == ("acts.csv", "goods.csv")


def test_clicks_of_one_day_are_no_second_purchase(capsys: pytest.CaptureFixture[str]) -> None:
    first = acts()
    again = first.with_columns(pl.col("timestamp") + 60)
    result, target = init(capsys, pl.concat([first, again]), goods())
    assert result.code == 0, result.err
    assert target["prepare"] == ALWAYS
    assert "Nobody came back to an item on a later day" in result.out


def test_western_files_are_read_and_their_encoding_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    titles = ["Gießkanne grün", "Schlauch weiß", *TITLES[2:]]
    table = goods(item_id="Artikelnummer", title="Bezeichnung").with_columns(Bezeichnung=pl.Series(titles))
    orders = acts(user_id="Kundennummer", item_id="Artikelnummer", timestamp="Bestelldatum")
    orders.write_csv("acts.csv", separator=";")
    Path("goods.csv").write_bytes(table.write_csv(separator=";").encode("latin-1"))
    result = run_command(capsys, "init", "shop", "--interactions", "acts.csv", "--items", "goods.csv")
    assert result.code == 0, result.err
    assert "read as cp1252" in result.out
    target = yaml.safe_load(Path("shop.yaml").read_text(encoding="utf-8"))["target"]
    assert target["items_encoding"] == "cp1252"
    domain = open_domain(parse_spec({"loader": "table", **target})).domain
    assert domain.titles.to_pylist()[:2] == titles[:2]


def test_one_wrong_byte_among_right_ones_is_no_other_encoding(capsys: pytest.CaptureFixture[str]) -> None:
    acts().write_csv("acts.csv")
    table = goods().with_columns(title=pl.Series(["grün", "weiß", *TITLES[2:]])).write_csv().encode()
    Path("goods.csv").write_bytes(table.replace(b"space ship", b"space \xfc ship"))
    result = run_command(capsys, "init", "shop", "--interactions", "acts.csv", "--items", "goods.csv")
    assert result.code == 2
    assert "goods.csv, line 6" in result.err


def test_one_file_is_enough_if_it_has_the_titles(capsys: pytest.CaptureFixture[str]) -> None:
    rows = acts().join(goods(), on="item_id", how="left").rename({"title": "Description"})
    rows.with_columns(country=pl.lit("United Kingdom")).write_csv("acts.csv")
    result = run_command(capsys, "init", "shop", "--interactions", "acts.csv")
    assert result.code == 0, result.err
    target = yaml.safe_load(Path("shop.yaml").read_text(encoding="utf-8"))["target"]
    assert (target["items"], target["columns"]["title"]) == ("acts.csv", "Description")
    assert "repeat items of other rows" not in result.out
    acts().write_csv("ids.csv")
    result = run_command(capsys, "init", "ids", "--interactions", "ids.csv")
    assert result.code == 2
    assert "--title-column" in result.err and "--items" in result.err


def test_an_unknown_item_and_a_wrong_time_do_not_stop_init(capsys: pytest.CaptureFixture[str]) -> None:
    times = pl.from_epoch("timestamp").dt.strftime("%d.%m.%Y %H:%M:%S")
    written = acts(30).with_columns(pl.when(pl.int_range(pl.len()) != 7).then(times).otherwise(pl.lit("irgendwann")))
    result, target = init(
        capsys,
        written.rename({"literal": "timestamp"} if "literal" in written.columns else {}),
        goods().filter(pl.col("item_id") > 0),
    )
    assert result.code == 0, result.err
    assert target["prepare"]["unknown_items"] == "drop"
    assert "1 time cannot be read, such as 'irgendwann': counted as no time." in result.out
    assert "1 without time (missing: drop)" in result.out


def test_titles_in_another_language_get_the_encoder_that_reads_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    german = goods().with_columns(title=pl.lit("Schönes für die Küche und das Bad: ") + pl.col("title"))
    for there in (True, False):
        monkeypatch.setattr("recipes.scaffold.has_encoder", lambda _, there=there: there)
        result, _ = init(capsys, acts(), german, "--force")
        assert "The titles look German" in result.out
        semantic = yaml.safe_load(Path("shop.yaml").read_text(encoding="utf-8")).get("semantic")
        assert semantic == ({"encoder": "multilingual"} if there else None)
        assert ("sememe-transfer[multilingual]" in result.out) is not there


def test_a_file_of_few_of_the_items_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    result, target = init(capsys, acts(), goods().filter(pl.col("item_id") == 1))
    assert (result.code, target) == (2, {})
    assert "goods.csv: 9 of 10 items of" in result.err
    assert "without them none of the 10 users has 3 interactions" in " ".join(result.err.split())


def test_titles_in_the_interactions_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    orders = acts().join(goods(), on="item_id", how="left").rename({"title": "product_name"})
    result, _ = init(capsys, orders, goods().select("item_id", price=pl.lit(7)))
    assert result.code == 2
    assert "leave the file of items out, because the interactions have the titles: product_name" in " ".join(
        result.err.split()
    )


def test_many_rows_without_a_user_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    lines = acts().with_columns(user_id=pl.when(pl.int_range(pl.len()) % 8 < 5).then("user_id"))
    result, _ = init(capsys, lines, goods())
    assert result.code == 0, result.err
    assert "37.5 % of the rows have no user. If only the first line of an order names it" in result.out


def test_what_init_is_unsure_of_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    two = acts(user_id="order_no", timestamp="start").with_columns(finish=pl.col("start") + 60)
    result, _ = init(capsys, two, goods())
    assert result.code == 0, result.err
    assert "Each order_no is taken for a person" in result.out
    assert "finish may be it as well" in result.out
    result, _ = init(capsys, two, goods(), "--user-column", "order_no", "--time-column", "finish", "--force")
    assert "taken for" not in result.out


def test_a_missing_file_is_no_matter_of_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_command(capsys, "init", "shop", "acts.csv")
    assert result.code == 2
    assert "Check the path. A relative one in a recipe starts" in " ".join(result.err.split())


def test_a_title_of_several_artists_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    titles = pl.DataFrame({"item_id": range(ITEMS), "trackName": ["Intro"] * 4 + TITLES[4:], "artistName": TITLES})
    acts().join(titles, on="item_id", how="left").drop("item_id").write_csv("plays.csv")
    result = run_command(capsys, "init", "shop", "plays.csv")
    assert result.code == 0, result.err
    assert "Items are told apart by trackName alone, and 1 of 7 have 3 or more artistName: 'Intro' has 4" in result.out
    both = pl.read_csv("plays.csv").with_columns(item=pl.format("{}: {}", "artistName", "trackName"))
    both.write_csv("plays.csv")
    result = run_command(capsys, "init", "shop", "plays.csv", "--item-column", "item", "--force")
    assert result.code == 0, result.err
    assert "12 users, 10 items" in result.out and "told apart" not in result.out
