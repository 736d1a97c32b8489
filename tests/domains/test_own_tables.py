"""Tables of other shapes: JSON arrays, nested records, baskets, matrices, folders, swapped files, misread letters."""

from __future__ import annotations

import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from refusals import refusal

from domains.guess import guess_columns
from domains.io.own_tables import flatten, one_item_per_row, scan_own
from domains.open_domain import open_domain, parse_spec
from domains.raw_cells import clean_text, plain_text
from domains.value_notes import value_notes

BASKETS = [["12", "45"], ["45", "7", "12"]]


def test_a_json_array_is_read_as_lines_of_json_are(tmp_path):
    records = [{"user_id": "a", "n": 1}, {"user_id": "b", "n": 2}]
    (tmp_path / "array.json").write_text(json.dumps(records, indent=2), encoding="utf-8")
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    array, lines = (scan_own(str(tmp_path / name)).collect() for name in ("array.json", "lines.jsonl"))
    assert array.equals(lines)
    (tmp_path / "array.json").write_text("[1, 2]", encoding="utf-8")
    with refusal("line", "array.json"):
        scan_own(str(tmp_path / "array.json"))


def test_a_json_array_on_one_line_may_hold_many_records(tmp_path):
    records = [{"user_id": str(number), "item_id": "a"} for number in range(20_000)]
    (tmp_path / "array.json").write_text(json.dumps(records), encoding="utf-8")
    assert scan_own(str(tmp_path / "array.json")).collect().height == 20_000
    (tmp_path / "wide.json").write_text(json.dumps([{str(n): n for n in range(20_000)}]), encoding="utf-8")
    with refusal("columns", tmp_path / "wide.json") as caught:
        scan_own(str(tmp_path / "wide.json"))
    assert str(caught.value.location) == str(tmp_path / "wide.json")


RECORDS = [{"user": "a", "item": "x"}, {"user": "b", "item": "y"}, {"user": "b", "item": "z"}]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "value",
    [
        {"orders": RECORDS},
        {"count": 3, "info": {"version": 1}, "next": None, "orders": RECORDS, "errors": []},
        {name: {str(place): record[name] for place, record in enumerate(RECORDS)} for name in RECORDS[0]},
        {name: [record[name] for record in RECORDS] for name in RECORDS[0]},
        {"columns": ["user", "item"], "index": [0, 1, 2], "data": [list(record.values()) for record in RECORDS]},
        {"columns": ["user", "item"], "data": [list(record.values()) for record in RECORDS]},
    ],
)
def test_a_json_object_may_hold_a_table(tmp_path, value, indent):
    file = tmp_path / "table.json"
    file.write_text(json.dumps(value, indent=indent), encoding="utf-8")
    assert scan_own(str(file)).collect().to_dicts() == RECORDS


def test_rows_by_their_label_keep_the_label(tmp_path):
    file = tmp_path / "table.json"
    file.write_text(json.dumps({str(place): record for place, record in enumerate(RECORDS)}), encoding="utf-8")
    assert scan_own(str(file)).collect().to_dicts() == [
        {"index": str(place), **record} for place, record in enumerate(RECORDS)
    ]
    for other in ({"a": {"x": 1}, "b": {"x": 2}}, {"0": {"1": 1}, "1": {"1": 2}}, {"columns": ["a"], "data": [[1, 2]]}):
        file.write_text(json.dumps(other), encoding="utf-8")
        assert scan_own(str(file)).collect().height == 1
    file.write_text(json.dumps([list(record.values()) for record in RECORDS]), encoding="utf-8")
    with refusal("line", file, about="orient='records'"):
        scan_own(str(file))


def test_orders_with_lines_are_one_row_a_line(tmp_path):
    orders = [
        {"id": 1, "customer": {"id": 7}, "line_items": [{"id": 10, "product_id": 3, "title": "Rose"}]},
        {"id": 2, "customer": {"id": 8}, "line_items": []},
        {"id": 3, "customer": {"id": 7}, "line_items": [{"id": 11, "product_id": 4}, {"id": 12, "product_id": 3}]},
    ]
    (tmp_path / "orders.json").write_text(json.dumps({"orders": orders}), encoding="utf-8")
    table = scan_own(str(tmp_path / "orders.json")).collect()
    lines = table.select("id", "customer.id", "line_items.id", "product_id", "title")
    assert lines.rows() == [("1", 7, 10, 3, "Rose"), ("3", 7, 11, 4, None), ("3", 7, 12, 3, None)]


@pytest.mark.parametrize("record", [{"product_id": "a", "line_items": 0}, {"product_id": "a", "user_id": "b"}, {}])
def test_other_lists_of_records_stay_in_their_row(tmp_path, record):
    rows = [{"title": "Rose", "variants": [{"product_id": 1}, {"product_id": 2}], **record}] * 2
    (tmp_path / "items.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert scan_own(str(tmp_path / "items.jsonl")).collect().height == 2


def test_one_record_of_json_is_one_row(tmp_path):
    file = tmp_path / "one.json"
    for record in ({"user": "a", "items": ["x", "y"]}, {"user": "a", "bought": [{"item": "x"}]}, {"user": {"id": "a"}}):
        file.write_text(json.dumps(record), encoding="utf-8")
        assert scan_own(str(file)).collect().height == 1
    file.write_text("[]", encoding="utf-8")
    with refusal("empty", file):
        scan_own(str(file))
    file.write_text(json.dumps({"users": RECORDS, "items": RECORDS}), encoding="utf-8")
    with refusal("line", file, about="users, items"):
        scan_own(str(file))


def test_fields_of_records_are_columns():
    record = {"user": {"id": "a", "age": 7}, "time": {"$date": {"$numberLong": "1580000000000"}}, "n": 1}
    table = flatten(pl.DataFrame([record]).lazy(), "").collect()
    assert table.columns == ["user", "time", "n", "user.id", "user.age"]
    assert table.select("user.id", "time").row(0) == ("a", "1580000000000")
    record = {"film": {"ids": {"imdb": {"$oid": "tt1"}, "slug": "m1"}, "year": 1999}, "who": {"id": {"$oid": "a"}}}
    table = flatten(pl.DataFrame([record]).lazy(), "").collect()
    assert table.select("film.ids.imdb", "film.ids.slug", "who.id").row(0) == ("tt1", "m1", "a")


def test_records_are_no_ids_and_are_named(tmp_path):
    film = {"title": "Red Rose", "ids": {"imdb": "tt1"}}
    rows = [{"user": {"name": f"u{row % 3}"}, "movie": film, "watched_at": "2024-01-01"} for row in range(6)]
    file = tmp_path / "acts.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    prepare = {"min_user_interactions": 0, "min_item_interactions": 0}
    columns = {"user": "user.name", "item": "movie.ids.imdb", "title": "movie.title"}
    spec = {"interactions": "acts.json", "items": "acts.json", "prepare": prepare}
    domain = open_domain(parse_spec({**spec, "columns": columns}), base=tmp_path).domain
    assert (domain.user_ids.to_pylist(), domain.item_ids.to_pylist()) == (["u0", "u1", "u2"], ["tt1"])
    with refusal("column", "acts.json", about="Map one of their fields: 'movie.ids.imdb'"):
        open_domain(parse_spec({**spec, "columns": {**columns, "item": "movie.ids"}}), base=tmp_path)
    with refusal("several", about="no column looks like the item"):
        open_domain(parse_spec({**spec, "columns": {**columns, "item": None}}), base=tmp_path)
    guess = guess_columns(str(file), str(file))
    assert {"user", "movie"}.isdisjoint(guess.interactions) and guess.columns.user == "user.name"


@pytest.mark.parametrize(
    ("value", "held"),
    [
        ([{"aid": 1, "ts": 2}], {"value": ["aid", "ts"]}),
        ('{"sku": "S1", "title": "Rose"}', {"value": []}),
        ('[{"sku": "S1"}]', {"value": []}),
        ("{red, green}", {}),
        ([1, 2], {}),
    ],
)
def test_columns_that_hold_records_are_told(tmp_path, value, held):
    rows = "\n".join(json.dumps({"session": row % 3, "value": value}) for row in range(6))
    (tmp_path / "acts.jsonl").write_text(rows, encoding="utf-8")
    (tmp_path / "items.csv").write_text("item_id,title\n1,Rose\n", encoding="utf-8")
    guess = guess_columns(str(tmp_path / "acts.jsonl"), str(tmp_path / "items.csv"))
    assert guess.records == held


@pytest.mark.parametrize(
    "item",
    [
        {"title": {"en": "Red Rose", "de": "Rote Rose"}, "category": [["Garden", "Plants"], ["Gifts"]]},
        {"title": ["Red Rose", "Rosa"], "category": ["Garden", "Plants", "Gifts"]},
        {"attributes": {"name": "Red Rose", "tags": ["Garden", "Plants", "Gifts"]}, "seller": {"name": "Acme"}},
        {"title_en": "Red Rose", "title_de": "Rote Rose", "SUB-CATEGORY": "Garden|Plants|Gifts"},
    ],
)
def test_titles_and_categories_are_found_in_records_lists_and_languages(tmp_path, item):
    acts = "".join(f"u{row % 3},{row % 2}\n" for row in range(6))
    (tmp_path / "acts.csv").write_text(f"user_id,item_id\n{acts}", encoding="utf-8")
    rows = [{"item_id": number, **item} for number in range(2)]
    (tmp_path / "items.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    prepare = {"min_user_interactions": 0, "min_item_interactions": 0, "time_kind": "order"}
    spec = {"interactions": "acts.csv", "items": "items.jsonl", "prepare": prepare}
    domain = open_domain(parse_spec(spec), base=tmp_path, cache=tmp_path / "c").domain
    assert domain.titles.to_pylist() == ["Red Rose"] * 2
    assert domain.categories.to_pylist() == [["Garden", "Plants", "Gifts"]] * 2
    guess = guess_columns(str(tmp_path / "acts.csv"), str(tmp_path / "items.jsonl"))
    assert guess.missing == () and guess.by_name >= {"title", "categories"}


@pytest.mark.parametrize(
    "items",
    [
        BASKETS,
        [[int(item) for item in basket] for basket in BASKETS],
        ["[12, 45]", "[45, 7, 12]"],
        list(map(str, BASKETS)),
    ],
)
def test_a_basket_is_a_row_for_each_item(items):
    table = pl.DataFrame({"user_id": ["a", "b"], "item_id": items}).lazy()
    read = one_item_per_row(table, "item_id", "").with_columns(pl.col("item_id").cast(pl.String)).collect()
    assert read.rows() == [("a", "12"), ("a", "45"), ("b", "45"), ("b", "7"), ("b", "12")]


@pytest.mark.parametrize("sign", [",", "; ", " "])
@pytest.mark.parametrize("key", ["item_id", "title"])
def test_several_ids_in_one_cell_are_no_question(tmp_path, sign, key):
    items = pl.DataFrame({"item_id": ["7", "12", "45"], "title": ["tea", "tea_cup", "cup"]})
    names = dict(items.select("item_id", key).rows() if key == "title" else [(one, one) for one in ("7", "12", "45")])
    cells = [sign.join(names[str(item)] for item in basket) for basket in BASKETS]
    pl.DataFrame({"customer": ["a", "b"], "goods": cells}).write_csv(tmp_path / "acts.tsv", separator="\t")
    items.write_csv(tmp_path / "items.csv")
    with refusal("several-ids", "acts.tsv"):
        guess_columns(str(tmp_path / "acts.tsv"), str(tmp_path / "items.csv"))


@pytest.mark.parametrize("sign", [",", "; ", " ", "|"])
def test_several_ids_in_one_cell_are_named(tmp_path, sign):
    acts = pl.DataFrame({"user_id": ["a", "b"], "item_id": map(sign.join, BASKETS), "timestamp": [1_580_000_000] * 2})
    acts.write_csv(tmp_path / "acts.tsv", separator="\t")
    pl.DataFrame({"item_id": ["7", "12", "45"], "title": ["tea", "green tea", "cup"]}).write_csv(tmp_path / "items.csv")
    with refusal("several-ids", "acts.tsv"):
        open_domain(parse_spec({"interactions": "acts.tsv", "items": "items.csv"}), base=tmp_path, cache=tmp_path / "c")


def test_matrices_and_swapped_files_are_named(tmp_path):
    items = pl.DataFrame({"item_id": range(100, 120), "title": [f"tea {number}" for number in range(20)]})
    items.write_csv(tmp_path / "items.csv")
    rows = pl.DataFrame({"user_id": ["a", "b"]} | {str(number): [1, 0] for number in range(100, 120)})
    rows.write_csv(tmp_path / "matrix.csv")
    with refusal("matrix", "matrix.csv", about="melt"):
        guess_columns(str(tmp_path / "matrix.csv"), str(tmp_path / "items.csv"))
    pl.DataFrame({"user_id": ["a"], "item_id": [100], "timestamp": [1_580_000_000]}).write_csv(tmp_path / "acts.csv")
    with refusal("swapped", "acts.csv"):
        guess_columns(str(tmp_path / "items.csv"), str(tmp_path / "acts.csv"))


def test_a_matrix_alone_is_named(tmp_path):
    marks = {f"q{item}": [(row * item) % 3 % 2 for row in range(30)] for item in range(12)}
    pl.DataFrame({"who": [f"R{row}" for row in range(30)]} | marks).write_csv(tmp_path / "matrix.csv")
    with refusal("matrix", "matrix.csv", about="melt"):
        guess_columns(str(tmp_path / "matrix.csv"), str(tmp_path / "matrix.csv"))
    pl.DataFrame({"user": [f"R{row}" for row in range(30)]} | marks).write_csv(tmp_path / "acts.csv")
    pl.DataFrame({"item_id": ["q1"], "title": ["tea"]}).write_csv(tmp_path / "items.csv")
    with refusal("matrix", "acts.csv", about="melt"):
        open_domain(parse_spec({"interactions": "acts.csv", "items": "items.csv"}), base=tmp_path, cache=tmp_path / "c")
    # Where people have several rows, numbers are what the rows say.
    people = {"no": [f"n{row}" for row in range(30)], "who": [f"R{row % 9}" for row in range(30)]}
    pl.DataFrame(people | marks).write_csv(tmp_path / "wide.csv")
    guess_columns(str(tmp_path / "wide.csv"), str(tmp_path / "wide.csv"))


def test_parts_of_a_folder_may_order_their_columns_but_not_differ(tmp_path):
    (tmp_path / "1.csv").write_text("user_id,item_id\na,x\n", encoding="utf-8")
    (tmp_path / "2.csv").write_text("item_id,user_id\ny,b\n", encoding="utf-8")
    assert scan_own(str(tmp_path)).collect().rows() == [("a", "x"), ("b", "y")]
    (tmp_path / "3.csv").write_text("item_id,title\ny,tea\n", encoding="utf-8")
    with refusal("columns-differ", "3.csv"):
        scan_own(str(tmp_path))


def test_misread_letters_of_titles_are_restored():
    misread = "Grün".encode().decode("cp1252"), "It is …".encode().decode("cp1252"), "Gr\\u00fcn", "<![CDATA[Grün]]>"
    texts = pl.Series([*misread, "São Paulo Âmbar", "C:\\users"])
    plain, changed = plain_text(texts)
    assert plain.to_list() == ["Grün", "It is …", "Grün", "Grün", "São Paulo Âmbar", "C:\\users"]
    assert changed.to_list() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "text", ["Grüße", "Привет, мир", "中文标题", "日本語", "한국어", "Łódź", "Şişe", "γάτα", "كتاب", "ספר", "किताब"]
)
@pytest.mark.parametrize("read_as", ["cp1252", "latin-1"])
def test_letters_of_every_script_that_were_misread_are_restored(text, read_as):
    signs = [bytes([byte]) for byte in text.encode()]
    misread = "".join(sign.decode(read_as, errors="ignore") or sign.decode("latin-1") for sign in signs)
    assert plain_text(pl.Series([misread, text]))[0].to_list() == [text, text]


@pytest.mark.parametrize(
    "text", ["Blessé\xa0…", "Café» et «thé", "ESPAÑ»", "Señor Müller à\xa0la carte", "Å land, Øst"]
)
def test_letters_that_only_look_misread_stay(text):
    assert plain_text(pl.Series([text]))[0].to_list() == [text]


def test_only_whole_entities_are_resolved():
    assert plain_text(pl.Series(["Tom &amp; Jerry Salt&notes"]))[0].to_list() == ["Tom & Jerry Salt&notes"]


def test_the_mark_of_text_in_a_spreadsheet_is_no_part_of_an_id():
    assert clean_text(pl.Series(["'007", "'12", None])).to_list() == ["007", "12", None]
    assert clean_text(pl.Series(["'s-Hertogenbosch", "Delft"])).to_list() == ["'s-Hertogenbosch", "Delft"]


def test_columns_of_parquet_are_known_by_their_values_in_any_type(tmp_path):
    start = 1_600_000_000
    rows = [(f"Kunde {row % 20}", f"{row % 7}", start + row, bytes([255, row % 3])) for row in range(210)]
    users, items, times, thumbs = zip(*rows, strict=True)
    acts = pa.table(
        {
            "wer": pa.array(users).dictionary_encode(),
            "was": pa.array(items).dictionary_encode(),
            "wann": pa.array(times).cast(pa.timestamp("s", "+05:30")),  # as pandas writes a zone that is a number
            "bild": pa.array(thumbs, pa.binary()),
        }
    )
    goods = pa.table(
        {
            "nummer": pa.array([str(n) for n in range(7)]),
            "worte": pa.array([f"red ball {n}" for n in range(7)]).dictionary_encode(),
        }
    )
    pq.write_table(acts, tmp_path / "acts.parquet")
    pq.write_table(goods, tmp_path / "goods.parquet")
    files = {"interactions": str(tmp_path / "acts.parquet"), "items": str(tmp_path / "goods.parquet")}
    columns = guess_columns(**files).columns
    found = {"user": "wer", "item": "was", "item_key": "nummer", "time": "wann", "title": "worte"}
    assert columns.model_dump(exclude_none=True) == found
    assert value_notes(scan_own(files["interactions"]), set(found.values()), "") == ()
    core = {"min_user_interactions": 0, "min_item_interactions": 0, "repeats": "keep"}
    domain = open_domain(parse_spec({**files, "columns": found, "prepare": core})).domain
    assert (domain.times.min(), domain.times.max()) == (start, start + 209)


def test_dates_kept_in_a_dictionary_are_dates(tmp_path):
    days = pa.array([f"2023-01-{day:02}" for day in range(1, 21)]).dictionary_encode()
    pq.write_table(pa.table({"user_id": ["a"] * 20, "item_id": ["x"] * 20, "date": days}), tmp_path / "acts.parquet")
    (tmp_path / "goods.csv").write_text("item_id,title\nx,tea\n", encoding="utf-8")
    core = {"min_user_interactions": 0, "min_item_interactions": 0, "repeats": "keep"}
    spec = parse_spec({"interactions": "acts.parquet", "items": "goods.csv", "prepare": core})
    assert open_domain(spec, base=tmp_path).domain.time_kind == "timestamp"


@pytest.mark.parametrize(
    ("key", "first", "then"),
    [
        ("price", 1.5, "n/a"),
        ("id", 7, "B7"),
        ("sold", True, "yes"),
        ("maker", {"name": "a"}, "a"),
        ("tags", [1], ["b"]),
        ("late", None, 3.0),
    ],
)
def test_json_has_the_types_of_all_its_rows(tmp_path, key, first, then):
    rows = [{"user_id": "u", **({} if first is None else {key: first})}] * 1_500 + [{"user_id": "u", key: then}] * 10
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    table = scan_own(str(tmp_path / "a.jsonl")).collect()
    assert (table.height, table[key].to_list()[-1]) == (1_510, then)


def test_files_of_json_may_have_other_keys_and_types(tmp_path):
    (tmp_path / "1.jsonl").write_text('{"user_id": 1, "stars": 4.5}\n', encoding="utf-8")
    (tmp_path / "2.jsonl").write_text('{"user_id": "b", "stars": "none", "note": "late"}\n', encoding="utf-8")
    table = scan_own(str(tmp_path)).collect()
    assert table.rows() == [("1", "4.5", None), ("b", "none", "late")]


def test_json_in_folders_of_hive_may_have_other_keys_and_types(tmp_path):
    for place, line in enumerate(('{"user_id": 1, "stars": 4.5}', '{"user_id": "b", "note": "late"}')):
        (tmp_path / f"day={place}").mkdir()
        (tmp_path / f"day={place}" / "a.jsonl").write_text(line, encoding="utf-8")
    table = scan_own(str(tmp_path)).select("user_id", "stars", "note", "day").collect()
    assert table.rows() == [("1", 4.5, None, "0"), ("b", None, "late", "1")]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "arrow", "parquet"])
@pytest.mark.parametrize("pattern", ["", "*/*"])
def test_folders_of_hive_are_columns_in_every_format(tmp_path, ending, pattern):
    for day in ("2024-01-30", "2024-01-31", "__HIVE_DEFAULT_PARTITION__"):
        file = tmp_path / "orders" / f"date={day}" / f"part-0.{ending}"
        file.parent.mkdir(parents=True)
        table = pl.DataFrame({"user_id": [f"u{day}"], "item_id": ["a"]})
        write = {"csv": table.write_csv, "jsonl": table.write_ndjson, "arrow": table.write_ipc}
        write.get(ending, table.write_parquet)(file)
    source = f"{tmp_path / 'orders'}/{pattern}".rstrip("/")
    found = scan_own(source).collect().sort("user_id")
    assert found["date"].cast(pl.String).to_list() == ["2024-01-30", "2024-01-31", None]
