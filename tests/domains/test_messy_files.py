"""Files as people have them: quote marks, encodings, workbooks, bombs, names of columns, kinds of events."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import polars as pl
import pytest

from domains.errors import InputError
from domains.guess import guess_columns
from domains.io import compressed
from domains.io.collect import collect
from domains.io.columns import map_interactions, map_items
from domains.io.scan import scan
from domains.open_domain import open_domain, parse_spec
from domains.settings import ColumnMapping
from domains.value_notes import value_notes

SHARED = Path(__file__).parents[3] / "shared" / "bugs"
NOTHING = {"min_user_interactions": 0, "min_item_interactions": 0}


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return str(path)


def refused(call):
    with pytest.raises(InputError) as caught:
        call()
    return caught.value


# --- quote marks ------------------------------------------------------------------------------------

ROWS = [f"{number}\ttitle {number}\tx" for number in range(100, 110)]


def with_titles(**titles):
    rows = list(ROWS)
    for number, title in titles.items():
        rows[int(number[1:])] = f"{100 + int(number[1:])}\t{title}\tx"
    return "item_id\ttitle\tbrand\n" + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("titles", "read"),
    [
        ({"n2": '"begins', "n6": 'ends"'}, ['"begins', 'ends"']),
        ({"n2": '"never closed'}, ['"never closed']),
        ({"n2": '12" wide', "n5": '"quoted"'}, ['12" wide', "quoted"]),
        ({"n0": '"a', "n1": 'b"'}, ['"a', 'b"']),
        ({"n2": '"Best" toys', "n3": '"a"'}, ['"Best" toys', "a"]),
        ({"n2": '"He said ""no""', "n6": 'ends"'}, ['He said "no"', 'ends"']),
    ],
)
def test_marks_that_swallow_rows_are_text(tmp_path, titles, read):
    table = scan(write(tmp_path / "items.tsv", with_titles(**titles))).collect()
    assert table.height == len(ROWS)
    assert [table["title"][int(number[1:])] for number in titles] == read
    assert table.columns == ["item_id", "title", "brand"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_marks_may_be_escaped_as_mysql_does(tmp_path, encoding):
    rows = [r'"1";"The \"best\"; a tale";"x"', '"2";"Größe; L";"y"', r'"3";"\"all\"";"z"']
    (tmp_path / "items.csv").write_text("\n".join(['"item_id";"title";"brand"', *rows]), encoding=encoding)
    table = scan(str(tmp_path / "items.csv"), encoding=encoding).collect()
    assert table.rows() == [("1", 'The "best"; a tale', "x"), ("2", "Größe; L", "y"), ("3", '"all"', "z")]


def test_marks_that_are_escaped_may_stand_before_a_delimiter(tmp_path):
    text = "\n".join(["item_id,title", r'1,"5\", 6\", castle"', "2,plain", r'3,"7\", 8\", wall"'])
    table = scan(write(tmp_path / "items.csv", text)).collect()
    assert table.rows() == [("1", '5", 6", castle'), ("2", "plain"), ("3", '7", 8", wall')]
    table = scan(write(tmp_path / "ends.csv", "a,b\n" + '"C:\\","D:\\"\n' * 3)).collect()
    assert table.rows() == [("C:\\", "D:\\")] * 3


def test_quoting_none_is_named_where_it_parts_a_field(tmp_path):
    file = write(tmp_path / "items.csv", "item_id,title\n" + r'1,"a, \"b\" x"' + "\n")
    error = refused(lambda: collect(scan(file, quoting="none"), file))
    assert "if quoting is 'none', set it to 'double'" in error.hint


def test_a_field_may_end_with_a_backslash(tmp_path):
    text = 'item_id,title,brand\n1,"C:\\","x"\n2,"one, ""two""",y\n'
    assert scan(write(tmp_path / "items.csv", text)).collect()["title"].to_list() == ["C:\\", 'one, "two"']


def test_titles_of_several_lines_stay_one_title(tmp_path):
    text = 'item_id,title,brand\n1,"one, or\ntwo",x\n2,three,y\n3,"four ""4""",z\n'
    assert scan(write(tmp_path / "items.csv", text)).collect()["title"].to_list() == [
        "one, or\ntwo",
        "three",
        'four "4"',
    ]
    two_columns = 'item_id,title\n1,"one\nor, two"\n2,three\n'
    table = scan(write(tmp_path / "two.csv", two_columns)).collect()
    assert table["item_id"].to_list() == ["1", "2"]


def test_marks_that_swallow_rows_beside_fields_that_need_quotes_are_an_error(tmp_path):
    text = 'id,title,brand\n1,"a, b",x\n2,"begins,x\n3,c,x\n4,ends",x\n5,d,x\n'
    error = refused(lambda: scan(write(tmp_path / "items.csv", text)))
    assert (error.code, error.location.rpartition(", ")[2]) == ("quoting", "line 3")


@pytest.mark.parametrize(("quoting", "rows"), [("auto", 10), ("none", 10), ("double", 6)])
def test_quoting_is_a_setting_and_is_told(tmp_path, quoting, rows):
    write(tmp_path / "items.tsv", with_titles(n2='"begins', n6='ends"'))
    write(tmp_path / "acts.csv", "user_id,item_id,timestamp\n" + "".join(f"u,{100 + n},{n}\n" for n in range(10)))
    spec = {"interactions": "acts.csv", "items": "items.tsv", "quoting": quoting}
    spec["prepare"] = {**NOTHING, "unknown_items": "drop"}
    prepared = open_domain(parse_spec(spec), base=tmp_path)
    assert prepared.domain.n_items == rows
    told = " ".join(prepared.report.notes)
    assert ("lines 4 and 8" in told) == (quoting == "auto")
    assert ("with line ends" in told) == (quoting == "double")


# --- what is no text --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"PK\x03\x04" + b"\0" * 99, "not-text"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 99, "not-text"),
        (b"MZ\x90\0" * 99, "not-text"),
        (b"PAR1abc", "not-text"),
        (b" <!DOCTYPE html><html>", "not-text"),
        (random.Random(1).randbytes(9000), "not-text"),
        (b"\xff\xfe" + random.Random(2).randbytes(9000), "not-text"),
        ("item_id,title\na,B\n".encode("utf-16"), "utf-16"),
        ("item_id,title\na,B\n".encode("utf-16-le"), "utf-16"),
        (b"a," * 20_000 + b"\n1\n", "columns"),
        (b"x" * 2_000_000, "columns"),
    ],
)
def test_files_that_are_no_table_are_named(tmp_path, content, code):
    (tmp_path / "items.csv").write_bytes(content)
    assert refused(lambda: scan(str(tmp_path / "items.csv"))).code == code


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8-sig"])
def test_encodings(tmp_path, encoding):
    write(tmp_path / "items.csv", 'item_id,title\n1,"Größe, 3"\n', encoding)
    table = scan(str(tmp_path / "items.csv"), encoding=encoding).collect()
    assert table.rows() == [("1", "Größe, 3")]
    assert table.columns == ["item_id", "title"]


@pytest.mark.parametrize(("encoding", "end"), [("cp1252", "\n"), ("utf-16", "\n"), ("utf-8", "\r")])
@pytest.mark.parametrize(
    ("row", "code"), [("c;Tee;zu;viel", "fields"), ('c;"offen', "quoting"), ('c;"offen\nd;Kaffee"', "quoting")]
)
def test_a_wrong_row_is_named_in_every_encoding_and_line_end(tmp_path, encoding, end, row, code):
    rows = ["item_id;title", "a;Grüner Tee", 'b;"Weißer; Tee"', row, 'e;"Schwarzer; Tee"', "f;Mate"]
    file = write(tmp_path / "goods.csv", "\n".join(rows).replace("\n", end), encoding)
    error = refused(lambda: collect(scan(file, encoding=encoding, header="auto"), file))
    assert (error.location, error.code) == (f"{file}, line 4", code)


def test_a_wrong_encoding_is_an_error(tmp_path):
    write(tmp_path / "items.csv", "item_id,title\n1,Größe\n", "latin-1")
    assert refused(lambda: scan(str(tmp_path / "items.csv"), encoding="utf-16")).code == "encoding"


def test_a_bomb_is_refused_and_a_large_file_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(compressed, "FREE_SIZE", 1 << 20)
    bomb, honest = tmp_path / "bomb.csv.gz", tmp_path / "honest.csv.gz"
    bomb.write_bytes(gzip.compress(b"item_id,title\n" + b"0" * (8 << 20)))
    numbers = random.Random(3)
    rows = "".join(f"{numbers.random()},{numbers.random()}\n" for _ in range(60_000))
    honest.write_bytes(gzip.compress(f"item_id,title\n{rows}".encode()))
    assert refused(lambda: scan(str(bomb))).code == "expands"
    assert scan(str(honest)).collect().height == 60_000


def test_a_parquet_file_of_equal_rows_is_a_bomb_and_a_wide_one_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(compressed, "FREE_SIZE", 1 << 20)
    bomb, wide = tmp_path / "bomb.parquet", tmp_path / "wide.parquet"
    pl.DataFrame({"item_id": ["1"] * 400_000, "title": ["a"] * 400_000}).write_parquet(bomb)
    numbers = range(20_000)
    pl.DataFrame({"item_id": numbers} | {f"empty {i}": [None] * 20_000 for i in range(100)}).write_parquet(wide)
    assert refused(lambda: scan(str(bomb))).code == "expands"
    assert scan(str(wide)).collect().height == 20_000


# --- columns ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("acts", "items"),
    [
        ("Kunde,Artikel,Datum", "Artikel,Bezeichnung,Warengruppe"),
        ("Kunden-Nr.,Artikelnummer,Bestelldatum", "Artikelnummer,Artikelbezeichnung,Kategorie"),
        ("client,produit,date_commande", "produit,libellé,catégorie"),
        ("Cliente,Producto,Fecha", "Producto,Nombre,Categoría"),
        ("cliente,articolo,data_ordine", "articolo,titolo,categoria"),
        ("klant,artikel,besteldatum", "artikel,naam,categorie"),
        ("cliente,produto,data_compra", "produto,nome,categoria"),
        ("klient,produkt,data_zakupu", "produkt,nazwa,kategoria"),
        ("kund,vara,köpdatum", "vara,benämning,kategori"),
        ("customer,product,date", "id,product,category"),
    ],
)
def test_columns_in_european_languages(tmp_path, acts, items):
    one, two = (write(tmp_path / name, f"{head}\n1,2,3\n") for name, head in (("a.csv", acts), ("b.csv", items)))
    mapped = map_interactions(scan(one), ColumnMapping(), one).select("user_id", "item_id", "timestamp").collect()
    assert mapped.rows() == [("1", "2", "3")]
    things = map_items(scan(two), ColumnMapping(), "|", two).collect()
    assert things.rows() == [("1", "2", ["3"])]
    assert guess_columns(one, two).by_name == {"user", "item", "item_key", "time", "title", "categories"}


def test_short_names_go_before_long_descriptions(tmp_path):
    acts = write(
        tmp_path / "acts.csv", "customer_id,article_id,t_dat\n" + "".join(f"c,{n},2020-03-27\n" for n in range(9))
    )
    rows = "".join(f"{n},Kite of type {n % 4},{'a long text about thing ' * 6}{n}\n" for n in range(9))
    for names in ("prod_name,detail_desc", "wording,remarks", "kurz,lang"):
        items = write(tmp_path / "items.csv", f"article_id,{names}\n{rows}")
        assert guess_columns(acts, items).columns.title == names.split(",")[0]


def test_all_missing_columns_of_both_files_are_told(tmp_path):
    write(tmp_path / "acts.csv", "a,b\n1,2\n")
    write(tmp_path / "items.csv", "a,b\n1,2\n")
    error = refused(lambda: open_domain(parse_spec({"interactions": "acts.csv", "items": "items.csv"}), base=tmp_path))
    assert [one.code for one in error.errors] == ["column"] * 4


# --- what says which rows count ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "values", "keep"),
    [
        ("event_type", ["view"] * 6 + ["cart", "purchase", "remove_from_cart"], "event_type in [cart, purchase]"),
        ("Aktion", ["view", "transaction", "addtocart"] * 2, "Aktion in [addtocart, transaction]"),
        ("status", ["ok", "sent", "cancelled"], "status not in [cancelled]"),
        ("rating", ["5", "4.0", "1", "-1"], "rating >= 4"),
        ("Book-Rating", ["0", "10", "8", "3"], "Book-Rating >= 7"),
        ("Quantity", ["3", "-2", "1"], "Quantity > 0"),
        ("Event Type", ["view", "purchase"], "'Event Type' in [purchase]"),
        ("is_purchase", ["0", "1", "0"], "is_purchase == 1"),
        ("returned", ["true", "false"], "returned == false"),
        ("is_test", ["0", "1"], "is_test == 0"),
        ("is_bot", ["false", "true"], "is_bot == false"),
        ("deleted", ["f", "t"], "deleted == f"),
        ("Menge", ["1.234,00", "-2", "1"], "Menge > 0"),
        ("action", ["play", "skip"], "action in [play]"),
        ("voted_up", ["True", "False"], "voted_up == True"),
        ("is_recommended", ["true", "false"], "is_recommended == true"),
        ("qty", ["3", "(1)"], "qty > 0"),
        ("event_name", ["view_item", "add_to_cart", "purchase"], "event_name in [add_to_cart, purchase]"),
        ("type", ["clicks", "carts", "orders"], "type in [carts, orders]"),
        (
            "event",
            ["Product Viewed", "Product Added", "Order Completed"],
            "event in ['Order Completed', 'Product Added']",
        ),
        ("event", ["ProductViewed", "OrderCancelled", "OrderCompleted"], "event in [OrderCompleted]"),
        ("genre", ["Film View", "Art Film", "Order of Ravens", "Film"], None),
        ("product", ["Item Basket", "Red Basket", "View Master"], None),
        ("country", ["UK", "France"], None),
        ("size", ["1", "2"], None),
        ("rating", ["5", "5"], None),
    ],
)
def test_columns_that_say_which_rows_count_are_told(column, values, keep):
    notes = value_notes(pl.LazyFrame({"user_id": values, column: values}), {"user_id"}, "f")
    assert [note.partition("--keep ")[2].strip('."') for note in notes] == ([] if keep is None else [keep])


# --- parts of a benchmark ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names", [("part1", "part2", "part10"), ("train", "valid", "test"), ("train", "validation", "test")]
)
def test_parts_of_a_benchmark_are_read_together_in_order(tmp_path, names):
    for number, name in enumerate(names):
        write(tmp_path / f"ml.{name}.inter", f"user_id:token\titem_id:token\nu\t{number}\n")
    write(tmp_path / "ml.item", "item_id:token\ttitle:token_seq\n0\tzero\n1\tone\n2\ttwo\n")
    spec = {"loader": "recbole", "folder": ".", "prepare": {**NOTHING, "time_kind": "order"}}
    prepared = open_domain(parse_spec(spec), base=tmp_path)
    assert prepared.domain.titles_of(prepared.domain.history(0)) == ["zero", "one", "two"]
    assert prepared.domain.name == "ml"
    one = open_domain(parse_spec({**spec, "folder": f"ml.{names[1]}.inter"}), base=tmp_path).domain
    assert one.titles_of(one.history(0)) == ["one"]
    write(tmp_path / "other.inter", "user_id:token\titem_id:token\nu\t0\n")
    error = refused(lambda: open_domain(parse_spec(spec), base=tmp_path))
    assert error.code == "several-files"
    assert "Name one file" in error.hint


# --- the files of the kinds -------------------------------------------------------------------------


def shared(folder):
    """Path of one kind, or the reason to skip."""
    found = sorted(SHARED.glob(f"{folder}-*")) if SHARED.is_dir() else []
    if not found:
        pytest.skip("the files of the kinds are not beside the project")
    return found[0]


@pytest.mark.parametrize(
    ("kind", "acts", "items", "users", "rows"),
    [
        ("03", "a.csv", "b.csv", 40, 360),
        ("04", "a.csv", "b.csv", 40, 480),
        ("04", "a_d10.csv", "b.csv", 40, 480),
        ("04", "a_ticks.csv", "b.csv", 40, 480),
        ("04", "a_filetime.csv", "b.csv", 40, 480),
        ("07", "a.csv", "startend.tsv", 40, 480),
        ("10", "a.csv", "b.csv", 40, 480),
    ],
)
def test_shared_files(kind, acts, items, users, rows):
    spec = {"interactions": acts, "items": items, "prepare": {**NOTHING, "missing": "drop", "duplicate_items": "most"}}
    domain = open_domain(parse_spec(spec), base=shared(kind)).domain
    assert (domain.n_users, domain.n_items, domain.n_interactions) == (users, 30, rows)
    first, last = (pl.Series([int(time)]).cast(pl.Int64) * 1000 for time in (domain.times.min(), domain.times.max()))
    assert str(first.cast(pl.Datetime("ms"))[0])[:10] == "2020-01-10"
    assert str(last.cast(pl.Datetime("ms"))[0])[:10] == "2020-07-28"


def test_shared_times_without_a_zero_in_front():
    folder, prepare = shared("02"), {**NOTHING, "time_format": "%-m/%-d/%Y %-H:%M:%S"}
    read = open_domain(parse_spec({"interactions": "a.csv", "items": "b.csv", "prepare": prepare}), base=folder)
    true = open_domain(parse_spec({"interactions": "true.csv", "items": "b.csv", "prepare": NOTHING}), base=folder)
    assert read.domain.fingerprint == true.domain.fingerprint
