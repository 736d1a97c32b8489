"""The first lines of delimited text: what stands before the header, files without one, delimiters, line ends."""

from __future__ import annotations

import polars as pl
import pytest
from refusals import refusal

from domains.guess import guess_columns
from domains.io.collect import collect
from domains.io.encodings import guess_encoding
from domains.io.head import find_head
from domains.io.scan import reading_notes, scan
from domains.open_domain import open_domain, parse_spec

ROWS = [(f"u{number % 7}", 100 + number % 5, 1_580_000_000 + number) for number in range(21)]
TABLE = pl.DataFrame(ROWS, schema=["user_id", "item_id", "timestamp"], orient="row").cast(pl.String)
NAMES = "user_id,item_id,timestamp"
BODY = "\n".join(",".join(map(str, row)) for row in ROWS) + "\n"
PLAIN = f"{NAMES}\n{BODY}"


def read(path, text, encoding="utf-8", **options):
    path.write_bytes(text.encode(encoding))
    return scan(str(path), header="auto", **options).collect()


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        f"sep=;\n{PLAIN.replace(',', ';')}",
        f"# exported today\n{PLAIN}",
        f"Sales report,,\n,,\n{PLAIN}",
        f"Report: Sales, all stores\n{PLAIN}",
        f"Report: Sales, all stores, 2022\nGenerated: 2023-05-01, by admin\n\n{PLAIN}",
        f"\n\n{PLAIN}",
        PLAIN.replace(",", "::"),
        PLAIN.replace(",", "^"),
        PLAIN.replace("\n", "\r"),
        "\n".join(",".join(f"'{cell}'" for cell in line.split(",")) for line in PLAIN.splitlines()),
    ],
)
def test_unusual_beginnings_and_signs_give_the_same_table(tmp_path, text):
    assert read(tmp_path / "acts.csv", text).equals(TABLE)


@pytest.mark.parametrize("sign", [",", "\t", "::"])
def test_a_file_without_a_header_loses_no_row(tmp_path, sign):
    table = read(tmp_path / "u.data", BODY.replace(",", sign))
    assert table.columns == ["column_1", "column_2", "column_3"]
    assert table.rows() == TABLE.rows()
    (note,) = reading_notes(str(tmp_path / "u.data"), None, "utf-8", "auto", "auto")
    assert "column_1 to column_3" in note


@pytest.mark.parametrize(("encoding", "end"), [("utf-8", "\n"), ("cp1252", "\n"), ("utf-16", "\n"), ("utf-8", "\r")])
def test_what_is_unusual_is_told_of_every_encoding_and_line_end(tmp_path, encoding, end):
    file = tmp_path / "acts.csv"
    text = f'Köln\n\n{NAMES},"of"\n' + BODY.replace("\n", ",7\n")
    file.write_bytes(text.replace("\n", end).encode(encoding))
    notes = reading_notes(str(file), None, encoding, "auto", "auto")
    assert notes == ("acts.csv: the first 2 lines are no header, and skipped.",)
    assert scan(str(file), header="auto", encoding=encoding).collect().height == len(ROWS)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("wer,was\nanna,7\nbert,8\ncarl,9\n", ["wer", "was"]),
        ("user_id,2019,2020\n1,5000,6000\n2,5001,6001\n", ["user_id", "2019", "2020"]),
        (",".join(map(str, range(100, 130))) + f"\n{','.join(['1'] * 30)}" * 3, [str(n) for n in range(100, 130)]),
    ],
)
def test_a_header_stays_a_header(tmp_path, text, columns):
    assert read(tmp_path / "acts.csv", text).columns == columns


def test_what_is_said_goes_before_what_is_seen(tmp_path):
    path = tmp_path / "acts.csv"
    path.write_text(BODY, encoding="utf-8")
    assert scan(str(path), header="first").collect().height == len(ROWS) - 1
    path.write_text("anna,tea\nbert,tea\n", encoding="utf-8")
    assert scan(str(path), header="none").collect().rows() == [("anna", "tea"), ("bert", "tea")]


def test_sections_of_an_item_each_are_refused(tmp_path):
    path = tmp_path / "ratings.txt"
    rows = "".join(f"{1488844 + user},{user % 5 + 1},2005-09-{user + 10}\n" for user in range(9))
    path.write_text(f"1:\n{rows}2:\n{rows}", encoding="utf-8")
    with refusal("sections", path):
        find_head(str(path))


@pytest.mark.parametrize(
    "text",
    [
        "nr,bez,gruppe\n7,rose,a\n8,book,game\n9,tulip,b\n",  # names of columns may be words of a catalogue
        "nr,gruppe\n7,a\n8,b,c\nfilm,book\n9,d\n",
        "Customer,Product,Order\nid,id,date\n1,2,3\n",
        "user,item\nfilm,book\n1,2\n",
    ],
)
def test_rows_of_words_that_name_columns_are_no_header(tmp_path, text):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert find_head(str(tmp_path / "a.csv")).skip == 0


def test_a_line_above_the_header_that_is_not_skipped_is_thought_of(tmp_path):
    (tmp_path / "a.csv").write_text("Sales, all\nkd,art,dat,n\n1,2,3,4\n", encoding="utf-8")
    with refusal("fields", "a.csv, line 2", about="remove the lines above the header"):
        collect(scan(str(tmp_path / "a.csv"), header="auto"), str(tmp_path / "a.csv"))


def test_names_of_rows_and_a_sign_at_each_end_are_no_column(tmp_path):
    named = "\n".join([NAMES, *(f"{number},{line}" for number, line in enumerate(BODY.splitlines()))])
    assert read(tmp_path / "r.csv", named).drop("row_name").equals(TABLE)
    ended = "\n".join([NAMES, *(f"{line}," for line in BODY.splitlines())])
    assert read(tmp_path / "e.csv", ended).select(TABLE.columns).equals(TABLE)
    assert find_head(str(tmp_path / "e.csv")).names == (*TABLE.columns, "")


def test_headers_between_the_rows_of_joined_files_are_no_data(tmp_path):
    lines = BODY.splitlines()
    (tmp_path / "acts.csv").write_text("\n".join([NAMES, *lines[:9], NAMES, *lines[9:]]), encoding="utf-8")
    items = [f"{number},tea {number}" for number in range(100, 105)]
    (tmp_path / "items.csv").write_text("\n".join(["item_id,title", *items, "item_id,title"]), encoding="utf-8")
    prepare = {"catalogue": "all", "min_user_interactions": 0, "min_item_interactions": 0, "repeats": "keep"}
    spec = parse_spec({"interactions": "acts.csv", "items": "items.csv", "prepare": prepare})
    opened = open_domain(spec, base=tmp_path, cache=tmp_path / "cache")
    domain, report = opened.domain, opened.report
    assert (domain.n_users, domain.n_items, len(domain.items)) == (7, 5, len(ROWS))
    assert report.notes == tuple(
        f"{name}: the header stands again in 1 line, left out." for name in ("acts.csv", "items.csv")
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "utf-8"])
def test_each_file_has_its_own_encoding(tmp_path, encoding):
    acts, items = tmp_path / "acts.csv", tmp_path / "items.csv"
    acts.write_text(PLAIN.replace("u0", "Jürgen"), encoding="utf-8")
    items.write_bytes("item_id,title\n100,Grüner Tee\n101,Weißer Tee\n".encode(encoding))
    assert guess_encoding(str(acts)) is None
    found = guess_encoding(str(items)) or "utf-8"
    assert found == encoding
    guess = guess_columns(str(acts), str(items), items_encoding=found)
    assert guess.missing == ()
    assert scan(str(items), encoding=found).collect()["title"].to_list() == ["Grüner Tee", "Weißer Tee"]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", '{"user_id": 1, "item_id": 2}\n', "not-text"),
        ("a.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:4d\n", "not-text"),
        ("a.csv", "INSERT INTO `orders` VALUES (66,53,'2022'),\n(86,39,'2022')", "not-text"),
        ("a.csv", "-- MySQL dump\n/*!40101 SET NAMES utf8 */;\nDROP TABLE IF EXISTS `a`;\n", "not-text"),
        ("a.tsv", "--\n-- PostgreSQL\n--\n\nSET a = 0;\n\nCOPY public.a (id, b) FROM stdin;\n", "not-text"),
        ("a.csv.zip", "PK", "file-kind"),
        ("a", "user_id,item_id\n", "file-kind"),
    ],
)
def test_files_of_another_kind_are_named(tmp_path, name, content, code):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with refusal(code, name):
        scan(str(tmp_path / name))


@pytest.mark.parametrize(("encoding", "end"), [("utf-8", "\n"), ("utf-16", "\n"), ("utf-8", "\r")])
def test_a_blank_may_stand_before_a_quoted_field(tmp_path, encoding, end):
    rows = [("item_id", "title", "maker"), ("a", 'Ball "red"', "x, y"), ("b", "Kite", "z"), ("c", "12, 13", "z")]
    lines = [", ".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    (tmp_path / "goods.csv").write_bytes(end.join(lines).encode(encoding))
    table = scan(str(tmp_path / "goods.csv"), header="auto", encoding=encoding).collect()
    assert (tuple(table.columns), *table.rows()) == tuple(rows)


def test_blanks_before_marks_within_fields_stay(tmp_path):
    text = 'title,item_id\n"He said, ""no""",a\n"Ball, red",b\n'
    assert read(tmp_path / "goods.csv", text).rows() == [('He said, "no"', "a"), ("Ball, red", "b")]
