"""Guessing columns."""
# ruff: noqa: RUF001 - letters of many scripts

from __future__ import annotations

import json

import polars as pl
import pytest
from refusals import refusal

from domains.column_names import ALIASES, field_name, find_name
from domains.guess import guess_columns, guess_separator
from domains.io.encodings import encoding_of


def two_files(folder, acts, items):
    (folder / "acts.csv").write_text(acts, encoding="utf-8")
    (folder / "items.csv").write_text(items, encoding="utf-8")
    return guess_columns(str(folder / "acts.csv"), str(folder / "items.csv"))


def test_by_name(tmp_path):
    guess = two_files(
        tmp_path, "UserId,MovieId,rating,Timestamp\n1,7,5,1400000000\n", "MovieId,Name,Genres\n7,Heat,Action\n"
    )
    found = guess.columns.model_dump(exclude_none=True)
    assert found == {"user": "UserId", "item": "MovieId", "time": "Timestamp", "title": "Name", "categories": "Genres"}
    assert guess.by_name == {"user", "item", "item_key", "time", "title", "categories"}
    assert guess.missing == ()


def test_by_value(tmp_path):
    guess = two_files(
        tmp_path,
        "stars;wann;ding;wer\n5;2020-01-01;x7;anna\n5;2020-01-02;x8;otto\n",
        "preis;nr;sorte;worte\n3.50;x7;b;Kleiner roter Ball\n4.50;x8;b;Großes blaues Auto\n",
    )
    assert guess.columns.model_dump() == {
        "user": "wer",
        "item": "ding",
        "item_key": "nr",
        "time": "wann",
        "title": "worte",
        "categories": None,
        "text": None,
    }
    assert guess.by_name == frozenset()


def test_text_fields_are_found_in_several_languages_and_are_no_title(tmp_path):
    guess = two_files(
        tmp_path,
        "Kunde;Artikel-Nr.;Zeit\nanna;x7;2020-01-01\notto;x8;2020-01-02\n",
        "Artikel-Nr.;Bezeichnung;Marke;Beschreibung;Größe;Schlagwörter;Warengruppe\n"
        "x7;Roter Ball;Acme;Ein Ball für Kinder im Garten;7;rot, rund;Spielzeug\n"
        "x8;Blaues Auto;Bmw;Ein Auto mit vier Rädern dran;8;blau;Spielzeug\n",
    )
    assert guess.columns.text == {"brand": "Marke", "description": "Beschreibung", "tags": "Schlagwörter"}
    assert (guess.columns.title, guess.columns.categories) == ("Bezeichnung", "Warengruppe")


def test_a_name_may_say_whose_field_it_is(tmp_path):
    acts = "user_id;item_id\nanna;x7\n"
    items = "item_id;track_title;book_author;product_brand;track_genres;item_weight\nx7;Red Ball;A. Roth;Acme;Jazz;7\n"
    columns = two_files(tmp_path, acts, items).columns
    assert columns.text == {"authors": "book_author", "brand": "product_brand"}
    assert (columns.title, columns.categories) == ("track_title", "track_genres")
    assert field_name("Book-Author") == "authors" and field_name("Size") == "size"


@pytest.mark.parametrize("name", ["Section", "sector", "Department"])
def test_sections_of_news_and_sectors_of_jobs_are_categories(name):
    assert find_name(ALIASES["categories"], ["headline", name]) == name


GOODS = ("Red Rose", "White Rose", "Clay Pot", "Garden Fork", "Tomato Seeds", "Hanging Basket")


def one_table(folder, columns, given=None):
    """60 people, 6 goods, 180 rows; every column is a function of person, good and row."""
    rows = [
        {name: cell(row % 60, (row * 7 + row // 60) % 6, row) for name, cell in columns.items()} for row in range(180)
    ]
    pl.DataFrame(rows).write_csv(folder / "acts.csv")
    guess = guess_columns(str(folder / "acts.csv"), str(folder / "acts.csv"), given or {})
    return guess, (guess.columns.user, guess.columns.item, guess.columns.title)


def test_in_one_table_addresses_are_people_and_titles_may_be_the_only_ids(tmp_path):
    people, goods = (lambda person, *_: f"p{person}@mail.com"), (lambda _, good, __: GOODS[good])
    guess, found = one_table(tmp_path, {"who": people, "what": goods})
    assert found == ("who", "what", "what")
    assert not guess.unsure
    name = lambda person, *_: f"Anna Roth {person}"  # noqa: E731
    assert one_table(tmp_path, {"name": name, "mail": people, "what": goods})[1] == ("mail", "what", "what")
    code = lambda _, good, __: f"x{good}"  # noqa: E731
    assert one_table(tmp_path, {"who": people, "code": code, "what": goods})[1] == ("who", "code", "what")
    event = lambda _, __, row: row  # noqa: E731
    assert one_table(tmp_path, {"no": event, "who": people, "what": goods})[1] == ("who", "what", "what")


def test_of_several_usual_numbers_of_items_that_of_the_interactions_is_their_key(tmp_path):
    acts = "Kunde,Artikel\n" + "".join(f"u{row},A{row % 8}\n" for row in range(16))
    things = "EAN,Artikelnummer,Bezeichnung\n" + "".join(f"{n + 400},A{n},Roter Ball {n}\n" for n in range(8))
    assert two_files(tmp_path, acts, things).columns.item_key == "Artikelnummer"
    others = "EAN,Artikelnummer,Bezeichnung\n" + "".join(f"{n + 400},B{n},Roter Ball {n}\n" for n in range(8))
    assert two_files(tmp_path, acts, others).columns.item_key == "EAN"  # none fits better
    guess = two_files(tmp_path, acts, things.replace("Artikelnummer", "Interne Kennung"))
    assert (guess.columns.item_key, "item_key" in guess.by_name) == ("Interne Kennung", False)
    two_ids = "Kunde,Artikel\nu1,A1\nu2,\nu3,A2\n"  # too few to say more than the name; a missing one is none
    assert two_files(tmp_path, two_ids, things).columns.item_key == "EAN"


def test_in_one_table_the_number_of_a_line_is_no_item(tmp_path):
    columns = {
        "order": lambda _, __, row: row // 2,
        "who": lambda person, *_: f"w{person}",
        "Item #": lambda _, __, row: row % 2,
        "Item Name": lambda _, good, __: GOODS[good],
    }
    assert one_table(tmp_path, columns)[1][1:] == ("Item Name", "Item Name")
    # Titles that vary do not make it a number of a line.
    columns["Item #"] = lambda _, good, __: good
    columns["Item Name"] = lambda _, good, row: f"{GOODS[good]} {'new' if row % 4 else 'used'}"
    assert one_table(tmp_path, columns)[1][1:] == ("Item #", "Item Name")


def test_in_one_table_id_and_address_of_the_same_people_are_one_answer(tmp_path):
    columns = {
        "order": lambda _, __, row: row // 2,
        "person code": lambda person, *_: f"w{person}",
        "write to": lambda person, *_: f"p{person}@mail.com",
        "product": lambda _, good, __: GOODS[good],
    }
    guess, found = one_table(tmp_path, columns)
    assert (found[0], guess.unsure) == ("person code", frozenset())
    columns["write to"] = lambda person, good, __: f"p{person * good % 7}@mail.com"  # of somebody else
    assert "user" in one_table(tmp_path, columns)[0].unsure


def test_in_one_table_names_of_people_are_not_taken_for_titles(tmp_path):
    columns = {"who": lambda person, *_: f"Anna Roth {person}", "what": lambda _, good, __: GOODS[good]}
    guess, _ = one_table(tmp_path, columns)
    assert "item" in guess.unsure
    assert one_table(tmp_path, columns, {"user": "who"})[1] == ("who", "what", "what")
    assert one_table(tmp_path, columns, {"item": "what"})[1] == ("who", "what", "what")


def test_what_does_not_fit_is_missing(tmp_path):
    guess = two_files(tmp_path, "user_id,what\n1,2\n", "code\n9\n")
    assert guess.missing == ("item", "title")
    assert guess.items == {"code": "9"}
    with refusal("no-file", "gone.csv"):
        guess_columns(str(tmp_path / "gone.csv"), str(tmp_path / "items.csv"))


def test_columns_that_could_be_categories_are_told_where_none_has_a_usual_name(tmp_path):
    acts = "user_id,item_id\n" + "".join(f"u{row},{row % 8}\n" for row in range(16))
    header = "item_id,title,stock,since,picture,house,kin,maker\n"

    def rows(house="House {0}", kin="{0}"):
        kinds = ("Lamp", "Chair")
        return "".join(
            f"{n},Thing {n},{n % 2},2020-0{n % 2 + 1}-01,http://x/{n % 2},{house.format(n % 2)},"
            f"{kin.format(kinds[n % 2])},Acme {n % 2}\n"
            for n in range(8)
        )

    guess = two_files(tmp_path, acts, header + rows())
    assert guess.notes["categories"] == (
        "Not used: house, kin. If one of them says of what kind an item is, name it with --categories-column."
    )
    assert "Not used: kin. If it says" in two_files(tmp_path, acts, header + rows(house="7")).notes["categories"]
    assert "categories" not in two_files(tmp_path, acts, header.replace("kin", "familia") + rows()).notes
    assert "categories" not in two_files(tmp_path, acts, header + rows(house="7", kin="")).notes


def test_in_one_table_only_what_each_item_has_one_value_of_could_be_its_category(tmp_path):
    columns = {
        "user_id": lambda person, *_: f"u{person}",
        "item_id": lambda _, good, __: f"x{good}",
        "title": lambda _, good, __: GOODS[good],
        "kin": lambda _, good, __: ("lamp", "chair")[good % 2],
        "paid": lambda *at: ("cash", "card")[at[2] % 2],
    }
    guess, _ = one_table(tmp_path, columns)
    assert guess.notes["categories"].startswith("Not used: kin.")


def test_what_cannot_be_a_user_is_none(tmp_path):
    acts = "bestellung;kunde;ding;preis;wann\n" + "".join(
        f"{row};k{row % 20};x{row % 7};{row % 9}.25;{row % 28 + 1:02}.07.2020 03:17:{row % 60:02} Uhr\n"
        for row in range(200)
    )
    guess = two_files(tmp_path, acts, "nr;bezeichnung\n" + "".join(f"x{n};Roter Ball\n" for n in range(7)))
    assert (guess.columns.user, guess.columns.time) == ("kunde", "wann")
    assert guess.unsure == frozenset()


def test_several_columns_that_could_be_the_user_are_a_question(tmp_path):
    acts = "wer;filiale;ding\nanna;a;x7\notto;b;x8\n"
    assert two_files(tmp_path, acts, "nr;name\nx7;Ball\nx8;Auto\n").unsure == {"user"}


def test_kinds_of_events_numbers_of_users_and_artists_are_told_apart(tmp_path):
    rows = "".join(
        f"{150_000_000 + row * 7 % 60},Red Song {row % 40},{('view', 'buy')[row % 3 % 2]},Artist {row % 40 % 20},0\n"
        for row in range(300)
    )
    (tmp_path / "acts.csv").write_text(rows, encoding="utf-8")
    guess = guess_columns(str(tmp_path / "acts.csv"), str(tmp_path / "acts.csv"))
    assert (guess.columns.user, guess.columns.time, guess.columns.title) == ("column_1", None, "column_2")
    assert guess.unsure == {"item"}  # the artists could be titles
    few = "\n".join(f"{('view', 'buy')[row % 3 % 2]};{row % 20 + 1}" for row in range(300))
    assert two_files(tmp_path, f"what;product_id\n{few}\n", NUMBERED.replace("nr", "product_id")).unsure == {"user"}


RATED = "".join(f"k{row % 9};{row % 40};{row % 5 + 1};{1_500_000_000 + row}\n" for row in range(200))
NUMBERED = "nr;name\n" + "".join(f"{n};Ball\n" for n in range(1, 21))


@pytest.mark.parametrize("item", ["item_id", "ding"])
def test_ratings_are_no_items_though_all_of_them_are_ids_of_items(tmp_path, item):
    guess = two_files(tmp_path, f"user_id;{item};stars;time\n{RATED}", NUMBERED)
    assert (guess.columns.item, guess.columns.item_key) == (item, "nr")
    assert guess.unsure == frozenset()


def test_ratings_are_no_items_even_if_nothing_else_could_be(tmp_path):
    acts = "".join(f"k{row % 9};{row % 5 + 1}\n" for row in range(200))
    assert two_files(tmp_path, f"user_id;stars\n{acts}", NUMBERED).missing == ("item",)


def test_a_wide_table_beside_items_with_lists_is_no_matrix(tmp_path):
    wide = {f"more_{number}": number for number in range(12)}
    acts = [{"user_id": f"u{row % 9}", "product_id": row % 5, **wide} for row in range(30)]
    items = [{"product_id": item, "title": "Ball", "variants": [{"id": 1}, {"id": 2}]} for item in range(5)]
    for name, rows in (("acts.jsonl", acts), ("items.jsonl", items)):
        (tmp_path / name).write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    guess = guess_columns(str(tmp_path / "acts.jsonl"), str(tmp_path / "items.jsonl"))
    assert (guess.columns.user, guess.columns.item, guess.columns.title) == ("user_id", "product_id", "title")


def test_users_that_are_numbered_as_items_are_make_the_item_a_question(tmp_path):
    acts = "wer;was;wann\n" + "".join(f"{row % 15 + 1};{row % 19 + 1};{1_500_000_000 + row}\n" for row in range(200))
    assert "item" in two_files(tmp_path, acts, NUMBERED).unsure
    files = str(tmp_path / "acts.csv"), str(tmp_path / "items.csv")
    for given in ({"user": "was"}, {"item": "wer"}):
        guess = guess_columns(*files, given)
        assert (guess.columns.user, guess.columns.item, guess.columns.item_key) == ("was", "wer", "nr")
        assert guess.unsure == frozenset() and not guess.by_name & {"user", "item"}


@pytest.mark.parametrize(
    ("texts", "separator"),
    [
        (["Action, Drama", "Drama, Crime", "Crime", "Action, Crime", "Drama"], ","),
        (["Buch", "Spiel", "Sport, Buch"], ","),
        (["Action;Drama", "Drama;Crime", "Crime;Action", "Crime;Drama;Action"], ";"),
        (["Toys > Games", "Toys > Puzzles", "Toys > Games > Cards"], None),
        (["Toys > Games", "Toys > Puzzles", "Toys", "Toys > Games > Puzzles"], ">"),
        (["Home, Garden", "Home, Garden"], None),
        (["Action", "Drama"], None),
        (["Action|Drama", "Drama, loud"], None),
    ],
)
def test_a_separator_is_one_whose_parts_recur(texts, separator):
    assert guess_separator(pl.Series(texts).str.split("|")) == separator


def test_a_column_that_both_files_have_is_the_item_and_people_are_known_by_name(tmp_path):
    acts = "Warenkorb;Haushaltsmitglied;Signatur;Tag\n" + "".join(
        f"{row % 60};{row % 20};{row % 7};2020-07-{row % 28 + 1:02}\n" for row in range(200)
    )
    things = "Signatur;Bezeichnung;Jahr\n" + "".join(f"{n};Roter Ball;{n % 3}\n" for n in range(7))
    acts = acts.replace("Haushaltsmitglied", "member_key")
    guess = two_files(tmp_path, acts, things)
    assert (guess.columns.user, guess.columns.item, guess.columns.item_key) == ("member_key", "Signatur", None)
    assert guess.unsure == frozenset()


def test_a_column_that_does_not_tell_items_apart_is_no_title(tmp_path):
    rows = "".join(f"u{n % 9};x{n % 40};United Kingdom;Red kite number {n % 40}\n" for n in range(200))
    acts = f"user_id;item_id;Country;Description\n{rows}"
    guess = two_files(tmp_path, acts, acts)
    assert (guess.columns.title, guess.columns.text) == ("Description", None)


LINES = {
    "cp1252": (
        "Gartenschere für Äste\nBlumentopf groß\nKräuterdünger süß\n",
        "Sécateur élégant\nPot à fleurs\nCrème brûlée près du marché\n",
        "Tijeras de jardín\nMaceta pequeña\nAbono orgánico ¡oferta!\n",
        "Grøn vandkande\nSmå potter på række\nGødning til æbler\n",
        "Regador de latão\nAdubo orgânico coração\n",
    ),
    "cp1250": ("Zahradní nůžky\nKvětináč velký\nšťáva\n", "Sekator ogrodowy żółty\nDoniczka duża łąka\n"),
    "cp1254": ("Bahçe makası ışık\nBüyük saksı çiçeği\nGübre şişesi ğ\n",),
    "cp1251": ("Садовые ножницы\nГоршок большой\nУдобрение для трав\n",),
    "cp1253": ("Ψαλίδι κήπου\nΜεγάλη γλάστρα\nΛίπασμα βοτάνων\n",),
    "cp932": ("剪定ばさみ\n大きな植木鉢\nハーブの肥料\n",),
    "cp949": ("정원 가위\n큰 화분\n허브 비료\n",),
}


@pytest.mark.parametrize(("encoding", "text"), [(one, text) for one, texts in LINES.items() for text in texts])
def test_an_older_encoding_is_found_by_its_text(encoding, text):
    assert encoding_of((text * 20).encode(encoding)) == encoding


def in_one(folder, text, given=None):
    (folder / "acts.csv").write_text(text, encoding="utf-8")
    return guess_columns(str(folder / "acts.csv"), str(folder / "acts.csv"), given or {}).columns


BOUGHT = [(who, good) for who in ("ann", "bob", "cyd") for good in range(4)]


def test_the_number_of_a_row_is_no_item(tmp_path):
    rows = "".join(f"{n},{who},F{good},{GOODS[good]},2024-01-0{good + 1}\n" for n, (who, good) in enumerate(BOUGHT))
    columns = in_one(tmp_path, f"id,user_id,film_ref,title,watched_at\n{rows}")
    assert (columns.item, columns.item_key, columns.title) == ("film_ref", None, "title")
    columns = in_one(tmp_path, f"id,customer,ref,product,date\n{rows.replace(',F', ',')}", {"item": "product"})
    assert (columns.item, columns.item_key, columns.title) == ("product", None, "product")
    few = "".join(
        f"{n},{who},F{n % 5},{GOODS[n % 5]}\n" for n, who in enumerate(("ann", "ann", "bob", "bob", "bob", "cyd"))
    )
    assert in_one(tmp_path, f"id,user_id,film_ref,title\n{few}").item == "film_ref"
    footer = '"12 records",,,\n,,,\n,,,\n'
    assert in_one(tmp_path, f"Record,user_id,Ref,title,when\n{rows}{footer}").item == "Ref"


def test_product_names_beside_a_number_of_the_row_are_the_items(tmp_path):
    rows = "".join(f"{n},{who},{GOODS[good]},2024-01-01\n" for n, (who, good) in enumerate(BOUGHT))
    columns = in_one(tmp_path, f"id,customer,product,date\n{rows}")
    assert (columns.item, columns.item_key, columns.title) == ("product", None, "product")


def test_where_ids_are_called_id_in_one_file_they_are_found(tmp_path):
    rows = "".join(f"{good + 7},{who},{GOODS[good]}\n" for who, good in BOUGHT)
    columns = in_one(tmp_path, f"id,user_id,title\n{rows}")
    assert (columns.item, columns.title) == ("id", "title")


def test_numbers_of_orders_and_of_lines_are_neither_titles_nor_items(tmp_path):
    rows = "".join(
        f"#10{n // 2},{who}@x.org,{GOODS[good]},S{good},{n % 3 + 1}\n" for n, (who, good) in enumerate(BOUGHT)
    )
    columns = in_one(tmp_path, f"Name,Email,Lineitem name,Lineitem sku,Item #\n{rows}")
    assert (columns.user, columns.item, columns.title) == ("Email", "Lineitem sku", "Lineitem name")
    columns = in_one(tmp_path, f"Name,Email,Lineitem name,Lineitem sku,Line\n{rows.replace('S', ' ')}")
    assert columns.title == "Lineitem name"


def test_a_column_without_values_plays_no_role(tmp_path):
    rows = "".join(f",{who},(not set),F{good},{GOODS[good]}\n" for who, good in BOUGHT)
    table = f"user_id,user_pseudo_id,sku,listing_no,title\n{rows}"
    columns = in_one(tmp_path, table)
    assert (columns.user, columns.item, columns.title) == ("user_pseudo_id", "listing_no", "title")
    columns = in_one(tmp_path, table, {"item": "title"})
    assert (columns.item, columns.item_key) == ("title", None)
    assert in_one(tmp_path, table, {"user": "user_id"}).user == "user_id"


def test_a_column_that_both_files_have_comes_before_usual_names_that_share_nothing(tmp_path):
    acts = "".join(f"{who},{good % 3 + 1},WC-{good}\n" for who, good in BOUGHT)
    things = "".join(f"{good + 500},WC-{good},{GOODS[good]}\n" for good in range(6))
    columns = two_files(tmp_path, f"email,Item #,SKU\n{acts}", f"ID,SKU,Name\n{things}").columns
    assert (columns.item, columns.item_key, columns.title) == ("SKU", None, "Name")
    loans = "".join(f"{who},{good + 90},{good}\n" for who, good in BOUGHT)
    books = "".join(f"{good},978000{good},{GOODS[good]}\n" for good in range(6))
    columns = two_files(tmp_path, f"patron,itemnumber,biblio\n{loans}", f"biblio,isbn,title\n{books}").columns
    assert (columns.item, columns.item_key) == ("biblio", None)
    # Where usual names share values, they stay.
    same = "".join(f"{who},{good + 500},WC-{good}\n" for who, good in BOUGHT)
    columns = two_files(tmp_path, f"email,product_id,code\n{same}", f"id,code,Name\n{things}").columns
    assert (columns.item, columns.item_key) == ("product_id", "id")


def test_items_may_be_known_by_their_titles_alone(tmp_path):
    acts = "".join(f"{who},{GOODS[good]}\n" for who, good in BOUGHT)
    things = "".join(f"P{good},{GOODS[good]}\n" for good in range(6))
    columns = two_files(tmp_path, f"email,Bought thing\n{acts}", f"product_id,title\n{things}").columns
    assert (columns.item, columns.item_key) == ("Bought thing", "title")
    counted = "".join(f"{who},{good + 12}\n" for who, good in BOUGHT)
    stock = "".join(f"P{good},{GOODS[good]},{good + 12}\n" for good in range(6))
    assert two_files(tmp_path, f"email,amount\n{counted}", f"product_id,title,stock\n{stock}").missing == ("item",)


def test_a_file_of_customers_is_not_taken_for_the_items(tmp_path):
    acts = "customer_id,product_id\n" + "".join(f"{n % 7},{n % 5}\n" for n in range(30))
    people = "customer_id,name\n" + "".join(f"{n},Ann Roth\n" for n in range(7))
    with refusal("swapped", "items.csv", about="customer_id"):
        two_files(tmp_path, acts, people)


@pytest.mark.parametrize("name", ["birth_date", "due_date", "returned", "published", "updated_at", "expiry"])
def test_dates_that_are_named_otherwise_are_no_times_if_another_one_is_there(tmp_path, name):
    rows = "".join(f"{who},x{good},2024-02-{n + 1:02},2024-01-{n + 1:02}\n" for n, (who, good) in enumerate(BOUGHT))
    things = "item_id,title\n" + "".join(f"x{good},{GOODS[good]}\n" for good in range(6))
    guess = two_files(tmp_path, f"user_id,item_id,{name},when\n{rows}", things)
    assert (guess.columns.time, dict(guess.notes)) == ("when", {})
    alone = "".join(line.rpartition(",")[0] + "\n" for line in rows.splitlines())
    assert two_files(tmp_path, f"user_id,item_id,{name}\n{alone}", things).columns.time == name


def test_dates_of_items_and_of_users_and_constant_ones_are_no_times(tmp_path):
    rows = "".join(
        f"{who},x{good},2024-06-01,2023-01-0{good + 1},2022-01-0{'abc'.index(who[0]) + 1},2024-01-{n + 1:02}\n"
        for n, (who, good) in enumerate(BOUGHT)
    )
    things = "item_id,title\n" + "".join(f"x{good},{GOODS[good]}\n" for good in range(6))
    assert two_files(tmp_path, f"user_id,item_id,a,b,c,d\n{rows}", things).columns.time == "d"


def test_several_dates_that_may_be_the_time_are_told(tmp_path):
    rows = "".join(f"{who},x{good},2024-02-{n + 1:02},2024-01-{n + 1:02}\n" for n, (who, good) in enumerate(BOUGHT))
    things = "item_id,title\n" + "".join(f"x{good},{GOODS[good]}\n" for good in range(6))
    guess = two_files(tmp_path, f"user_id,item_id,start,finish\n{rows}", things)
    assert guess.columns.time == "start"
    assert "finish may be it as well" in guess.notes["time"]
    assert not two_files(tmp_path, f"user_id,item_id,start,date\n{rows}", things).notes


@pytest.mark.parametrize("name", ["order_id", "InvoiceNo", "Bestellnummer", "basket", "id_order"])
def test_baskets_that_are_taken_for_people_are_told(tmp_path, name):
    rows = "".join(f"{n // 3},x{good}\n" for n, (_, good) in enumerate(BOUGHT))
    things = "item_id,title\n" + "".join(f"x{good},{GOODS[good]}\n" for good in range(6))
    guess = two_files(tmp_path, f"{name},item_id\n{rows}", things)
    assert guess.columns.user == name
    assert "recommendations are for baskets" in guess.notes["user"]
    files = str(tmp_path / "acts.csv"), str(tmp_path / "items.csv")
    assert not guess_columns(*files, {"user": name}).notes


@pytest.mark.parametrize("name", ["customer_id", "visitor_id", "ordered_by", "member"])
def test_people_are_no_baskets(tmp_path, name):
    rows = "".join(f"{n // 3},x{good}\n" for n, (_, good) in enumerate(BOUGHT))
    guess = two_files(tmp_path, f"{name},item_id\n{rows}", "item_id,title\nx0,Red Rose\nx1,Clay Pot\n")
    assert (guess.columns.user, dict(guess.notes)) == (name, {})


def test_orders_hours_and_people_are_no_items_though_they_are_numbered_as_items_are(tmp_path):
    rows = [f"{n + 1},{n % 9 + 1},{n % 4 + 1},{n % 3}" for n in range(60)]
    (tmp_path / "orders.csv").write_text("\n".join(["order_id,user_id,order_hour_of_day,order_dow", *rows]))
    (tmp_path / "goods.csv").write_text("product_id,product_name\n" + "".join(f"{n},Red Ball {n}\n" for n in range(60)))
    guess = guess_columns(str(tmp_path / "orders.csv"), str(tmp_path / "goods.csv"))
    assert (guess.columns.user, guess.columns.item) == ("user_id", None)
