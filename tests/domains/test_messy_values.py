"""Kinds of input that real exports bring: each is read right, or refused with what it looks like."""

from __future__ import annotations

import decimal
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from domains.date_words import MONTHS
from domains.domain import TimeKind
from domains.errors import CombinedError, InputError, Problems
from domains.guess import guess_columns
from domains.ids import to_ids
from domains.interactions import read_interactions
from domains.io.columns import map_interactions
from domains.open_domain import parse_spec
from domains.preparation import prepare
from domains.raw_cells import as_numbers
from domains.raw_tables import RawTables
from domains.settings import PrepareSettings
from domains.time_format import compile_format
from domains.times import to_times

NOTHING = {"min_user_interactions": 0, "min_item_interactions": 0}
MOMENT = datetime(2020, 3, 27, 8, 57, 1, tzinfo=UTC)
SECONDS = int(MOMENT.timestamp())


def seconds(values, **how):
    given = {"kind": "auto", "unit": "auto", "location": "t", **how}
    return to_times(pl.Series(values), **given).values.to_list()


def refused(call):
    with pytest.raises(InputError) as caught:
        call()
    return caught.value


def tables(acts, items=None):
    """Raw tables of columns of interactions, and of pairs of id and title."""
    items = items or {item: f"title {item}" for item in acts["item_id"] if item}
    rows = list(items.items()) if isinstance(items, dict) else items
    return RawTables(
        interactions=pl.LazyFrame(acts),
        items=pl.LazyFrame(rows, schema=["item_id", "title"], orient="row"),
        name="tiny",
        time_kind=None,
        interactions_location="acts",
        items_location="items",
    )


# --- numbers that were rounded on their way -------------------------------------------------------


@pytest.mark.parametrize(
    "ids",
    [
        ["7.65612E+16"],
        ["7,65612E+16"],
        ["7E+10"],
        ["7.65612e+16"],
        ["7,65612e+16"],
        ["7e+10"],
        ["a", "7.65612E16"],
        ["9.78035E+12"],
        ["########"],
        [76561198000000002.0],
        ["76561198000000002.0", "12.0"],
        ["76561198012345600", "76561198012345700", "76561198012345800"],
        [76561198012345600, 76561198012345700, 76561198012345800],
        ["9780350000000", "9780240000000"],
        [9780350000000.0, 9780240000000.0],
    ],
)
def test_ids_that_were_rounded_are_refused(ids):
    assert refused(lambda: to_ids(pl.Series(ids), "user id", "f")).code == "rounded"


def test_floats_of_32_bits_are_whole_up_to_their_limit():
    assert to_ids(pl.Series([16_777_215.0], dtype=pl.Float32), "user id", "f").to_list() == ["16777215"]
    assert refused(lambda: to_ids(pl.Series([16_777_216.0], dtype=pl.Float32), "user id", "f")).code == "rounded"


@pytest.mark.parametrize("ids", [["7E10", "12E4"], ["1487580005268456192", "1487580005268456448"], ["1.5.2"], ["E+10"]])
def test_ids_that_only_look_like_numbers_stay(ids):
    assert to_ids(pl.Series(ids), "item id", "f").to_list() == ids


@pytest.mark.parametrize("times", [["1.58530E+09"], ["1,5853E+09"], ["1.5853e+09", "1.58541E+09"], ["########"]])
def test_times_that_were_rounded_are_refused(times):
    assert refused(lambda: seconds(times)).code == "rounded"


def test_times_in_full_scientific_notation_are_read():
    assert seconds(["1.585299421e9", "1.58529942e+09"]) == [SECONDS, SECONDS - 1]
    assert refused(lambda: seconds(pl.Series([1.5853e9], dtype=pl.Float32))).code == "rounded"


# --- strftime -------------------------------------------------------------------------------------

FORMATS = [
    "%Y-%m-%d %H:%M:%S",
    "%-m/%-d/%Y %-H:%M:%S",
    "%d/%m/%Y %I:%M:%S %p",
    "%e %B %Y %T",
    "%j %Y %k:%M:%S",
    "%A %U %Y %T",
    "%Y %W %u %T",
    "%G-W%V-%u %T",
    "%c",
    "%y%m%d%H%M%S",
    "%s",
    "%D %r",
    "%b %d, %Y %l:%M:%S %P",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%a, %d %b %Y %H:%M:%S %Z",
    "%F %X",
    "%x %X",
    "%Y%j%H%M%S",
    "%C%y-%m-%d %T",
    "%_d.%m.%Y %T",
    "%d.%m.%Y%n%T",
    "100%% %F %T",
    "%w %U %Y %T",
]


@pytest.mark.parametrize("written", FORMATS)
def test_each_directive_reads_what_strftime_writes(written):
    moments = [datetime(1993, 1, 1, 0, 30, 7) + timedelta(hours=1237 * n) for n in range(200)]
    text = [moment.replace(tzinfo=UTC).strftime(written) for moment in moments]
    assert compile_format(written).read(pl.Series(text)).to_list() == moments


def test_flags_keep_the_time_of_day():
    assert seconds(["3/27/2020 8:57:01"], written="%-m/%-d/%Y %-H:%M:%S") == [SECONDS]


@pytest.mark.parametrize(
    ("written", "text", "moment"),
    [
        ("%Y-%m-%d %H", "2020-03-27 08", (27, 8)),
        ("%d/%m/%Y %I %p", "27/03/2020 08 am", (27, 8)),
        ("%d/%m/%Y %I %p", "27/03/2020 8 p.m.", (27, 20)),
        ("%d/%m/%Y %I %p", "27/03/2020 12 AM", (27, 0)),
        ("%Y-%m", "2020-03", (1,)),
        ("%Y-%m-%dT%H:%M:%S%z", "2020-03-27T10:57:01+02:00", (27, 8, 57, 1)),
        ("%Y-%m-%d %H:%M:%S.%f", "2020-03-27 08:57:01.5", (27, 8, 57, 1)),
        ("%F %H:%M %p", "2020-03-27 01:05 PM", (27, 13, 5)),
    ],
)
def test_times_that_are_not_written_in_full(written, text, moment):
    assert seconds([text], written=written) == [int(datetime(2020, 3, *moment, tzinfo=UTC).timestamp())]


def test_years_of_two_digits_may_be_a_question():
    assert refused(lambda: seconds(["27.03.20 08:57"])).code == "time-ambiguous"
    assert seconds(["27.03.20 08:57:01", "27.03.99 00:00"])[0] == SECONDS
    error = refused(lambda: seconds(["17.04.22", "18.04.22"]))
    assert "may have the day or the year first" in error.problem
    assert error.hint == "Set prepare.time_format, or --time-format of init, to '%d.%m.%y' or '%y.%m.%d'"


@pytest.mark.parametrize("written", ["%d.%m.%y", "%y.%m.%d", "%d/%m/%y", "%m/%d/%y", "%y/%m/%d"])
def test_years_of_two_digits_vary_less_than_days(written):
    days = [datetime(2020, 3, 1, tzinfo=UTC) + timedelta(days=number) for number in range(200)]
    assert seconds([f"{day:{written}}" for day in days]) == [int(day.timestamp()) for day in days]


def test_the_first_of_each_month_may_be_a_question():
    firsts = [f"01.{month:02}.{year:02}" for year in range(3, 23) for month in range(1, 13)]
    assert refused(lambda: seconds(firsts)).code == "time-ambiguous"


def test_days_before_and_behind_the_month_are_told():
    error = refused(lambda: seconds(["27/04/2022", "04/28/2022", "03/03/2022"]))
    assert error.problem == (
        "some dates have the day first, such as '27/04/2022', others the month, such as '04/28/2022'"
    )


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("%Y-%m-%Q", "%Q"),
        ("%Y-%m-%d %i", "%i"),
        ("%d.%m. %H:%M", "year"),
        ("%Y-%m-%d %I:%M", "%I"),
        ("%Y %U", "%U"),
        ("yyyy-MM-dd HH:mm", "no directive"),
    ],
)
def test_what_no_directive_is_is_named(written, named):
    error = refused(lambda: seconds(["2020-03-27 08:57"], written=written))
    assert error.code == "time-format"
    assert named in error.problem
    assert ("%Y-%m-%d %H:%M" in str(error.hint)) == (named == "no directive")


def test_a_day_that_does_not_exist_is_no_time():
    dates = compile_format("%d.%m.%Y").read(pl.Series(["29.02.2020", "29.02.2021", "31.04.2020", "1.13.2020"]))
    assert dates.is_null().to_list() == [False, True, True, True]


@pytest.mark.parametrize(
    ("text", "late"),
    [
        ("2020-03-27 08", 3421),
        ("27/03/2020 08 AM", 3421),
        ("03/27/2020 8:57 AM", 1),
        ("3/27/20 8:57", 1),
        ("20200327T085701Z", 0),
        ("27/Mar/2020:08:57:01 +0000", 0),
        ("Fri, 27 Mar 2020 08:57:01 GMT", 0),
        ("March 27, 2020 at 8:57 am", 1),
        ("2020-03-27T08:57:01.250", 0),
        ("Fri Mar 27 08:57:01 2020", 0),
        ("27 Mar 2020, 08:57", 1),
        ("2020-03", 2_278_621),
    ],
)
def test_usual_forms_are_found(text, late):
    assert seconds([text]) == [SECONDS - late]


# --- missing --------------------------------------------------------------------------------------

MARKS = [
    "nan",
    "NaN",
    "NAN",
    "None",
    "none",
    "NULL",
    "null",
    "Null",
    "<NA>",
    "\\N",
    "undefined",
    "NA",
    "n/a",
    "N/A",
    "",
    " ",
    "#N/A",
    "-",
    "(null)",
    "\u200b",
    None,
    "unknown",
    "Unbekannt",
    "anonymous",
    "(unknown)",
    "not available",
    "00000000-0000-0000-0000-000000000000",
    "k.A.",
]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("column", ["user_id", "item_id", "timestamp"])
def test_marks_of_nothing_are_missing(mark, column):
    acts = {"user_id": ["u", "v"], "item_id": ["a", "b"], "timestamp": ["1400000000", "1400000001"]}
    acts[column] = [mark, acts[column][1]]
    error = refused(lambda: prepare(tables(acts, {"a": "A", "b": "B"}), PrepareSettings(**NOTHING)))
    assert (error.code, error.location) == ("missing", "acts, row 1")
    prepared = prepare(tables(acts, {"a": "A", "b": "B"}), PrepareSettings(**NOTHING, missing="drop"))
    assert prepared.domain.user_ids.to_pylist() == ["v"]
    assert [(step.name[:4], step.setting, step.interactions) for step in prepared.report.steps[:2]] == [
        ("read", "", 2),
        ("rows", "missing", 1),
    ]
    assert "1 of 2 interactions" in prepared.report.left_out[0]


@pytest.mark.parametrize("name", ["Nan Goldin", "nano", "nullo", "NAB", "n"])
def test_names_that_begin_like_a_mark_are_names(name):
    assert to_ids(pl.Series([name]), "user id", "f").to_list() == [name]


@pytest.mark.parametrize(
    "times",
    [
        ["2020-03-27", "9999-12-31"],
        ["2020-03-27", "0001-01-01"],
        ["2020-03-27", "1900-01-01"],
        ["2020-03-27", "1970-01-01"],
        ["2020-03-27", "0000-00-00"],
        ["2020-03-27 08:57", "0000-00-00 00:00:00"],
        ["27.03.2020", "00.00.0000"],
        [str(SECONDS), "0"],
        [SECONDS, -1],
    ],
)
def test_dates_that_stand_for_none_are_missing(times):
    assert refused(lambda: seconds(times)).code == "missing"
    assert seconds(times, missing="drop")[1] is None


@pytest.mark.parametrize(
    "times", [["2565-01-01", "2565-02-28"], ["1401/01/01", "1401/02/31", "1401/03/01"], ["9999-12-31", None]]
)
def test_years_of_other_calendars_are_named(times):
    errors = Problems()
    error = refused(lambda: seconds(times, missing="drop", problems=errors))
    assert error.code == "time-range"
    assert times[0].replace("/", "-") in error.problem
    assert "are 2022" in error.hint


def test_dates_of_birth_are_told_apart_from_ranks():
    error = refused(lambda: seconds(["1986-03-04", "1966-03-04", "1969-01-01"]))
    assert error.problem == "time before 1970: 1966-03-04 00:00:00 (2 such rows)"
    assert "of birth" in error.hint


def test_times_ahead_of_today_are_noted():
    now = datetime.now(UTC)
    for later, noted in ((timedelta(hours=14), False), (timedelta(days=3), True)):
        times = to_times(
            pl.Series([now, now + later]).dt.replace_time_zone(None), kind="auto", unit="auto", location=""
        )
        assert [note.partition(", up to")[0] for note in times.notes] == ["Times ahead of today: 1 (50 %)"] * noted
        if noted:
            assert f'keep: "timestamp <= {now:%Y-%m-%d}"' in times.notes[0]
    assert not to_times(pl.Series([1, 2]), kind="auto", unit="auto", location="").notes
    (note,) = to_times(pl.Series(["2098-01-01"]), kind="auto", unit="auto", location="f").notes
    assert note.startswith("Times ahead of today: 1 (100 %), up to 2098-01-01.")


# --- numbers that write a date --------------------------------------------------------------------


def ticks(moment, per_second, origin):
    return int((moment.timestamp() + origin) * per_second)


@pytest.mark.parametrize(
    ("number", "late"),
    [
        (20200327, 32_221),
        (2020032708, 3421),
        (202003270857, 1),
        (20200327085701, 0),
        (20200327085701999, 0),
        (ticks(MOMENT, 10**7, 62_135_596_800), 0),
        (ticks(MOMENT, 10**7, 11_644_473_600), 0),
        (ticks(MOMENT, 10**6, 11_644_473_600), 0),
        (SECONDS, 0),
        (SECONDS * 1000, 0),
        (SECONDS * 10**9, 0),
        (43917.373, -6),
        (202003, 26 * 86_400 + 32_221),
    ],
)
@pytest.mark.parametrize("as_text", [False, True])
def test_numbers_that_write_a_date_are_read(number, late, as_text):
    read = to_times(pl.Series([str(number) if as_text else number]), kind="auto", unit="auto", location="t")
    assert read.kind == "timestamp"
    assert read.values.to_list() == [SECONDS - late]


@pytest.mark.parametrize(
    "number",
    [27032020, 3272020, 43917, 2003270857, 2703200857, 200327085701, 270320200857, 27032020085701, 2703202008],
)
def test_numbers_that_may_write_a_date_are_a_question(number):
    numbers = [number, number + 1, number + 2]
    error = refused(lambda: seconds(numbers))
    assert "looks like" in error.problem or "look like" in error.problem
    assert "order" in error.hint
    assert seconds(numbers, kind="order") == numbers


def test_days_of_a_spreadsheet_are_read_when_they_are_named():
    assert seconds([43917], unit="excel") == [SECONDS - 32_221]


# --- ids ------------------------------------------------------------------------------------------


def test_ids_have_one_form():
    assert to_ids(pl.Series(["Cafe\u0301", "Café "]), "item id", "f").unique().to_list() == ["Café"]
    whole = pl.Series([decimal.Decimal("12346.00"), None], dtype=pl.Decimal(20, 2))
    assert to_ids(whole, "user id", "f", missing="drop").to_list() == ["12346", None]
    assert to_ids(pl.Series(["12346.0", "7.0", None]), "user id", "f", missing="drop").to_list() == ["12346", "7", None]
    fraction = pl.Series([decimal.Decimal("1.50")], dtype=pl.Decimal(20, 2))
    assert refused(lambda: to_ids(fraction, "user id", "f")).code == "fraction"


def test_ids_that_went_through_a_float_or_a_spreadsheet_are_one():
    assert to_ids(pl.Series(["7", "7.0", "12.00"]), "user id", "f").to_list() == ["7", "7", "12"]
    assert to_ids(pl.Series(['="007"', "007"]), "user id", "f").to_list() == ["007", "007"]
    assert to_ids(pl.Series(["7.0", "7.5", "a"]), "user id", "f").to_list() == ["7.0", "7.5", "a"]


def test_ids_that_differ_in_case_are_told():
    acts = {"user_id": ["u"] * 3, "item_id": ["AB1", "AB2", "x"], "timestamp": [1, 2, 3]}
    error = refused(lambda: prepare(tables(acts, {"ab1": "A", "ab2": "B", "x": "X"}), PrepareSettings(**NOTHING)))
    assert "written otherwise" in error.problem
    assert "case" in error.hint


def test_ids_that_differ_in_case_and_crowds_are_noted():
    acts = {"user_id": ["Anna", "anna"] + ["0"] * 200 + [f"u{n}" for n in range(30)], "item_id": ["a"] * 232}
    notes = read_interactions(tables(acts), PrepareSettings(time_kind="order"), Problems()).notes
    assert [note.split("'")[1] for note in notes] == ["Anna", "0"]
    assert "keep: \"user_id != '0'\"" in notes[1]


# --- several titles -------------------------------------------------------------------------------


def test_the_title_that_most_rows_have_is_taken():
    acts = {"user_id": ["u", "u"], "item_id": ["a", "b"], "timestamp": [1, 2]}
    rows = [("a", "Kite"), ("a", "Thrown away, found in the cellar"), ("a", "Kite"), ("b", "Hat"), ("b", "damaged")]
    prepared = prepare(tables(acts, rows), PrepareSettings(**NOTHING, duplicate_items="most"))
    assert prepared.domain.titles.to_pylist() == ["Kite", "Hat"]
    assert any("'Kite', not 'Thrown away, found in the cellar'" in note for note in prepared.report.notes)


def test_markup_and_entities_are_read_as_text():
    acts = {"user_id": ["u"] * 4, "item_id": list("abcd"), "timestamp": [1, 2, 3, 4]}
    titles = {"a": "Tom &amp; Jerry", "b": "A <b>bold</b> caf&eacute;<br/>", "c": "<Untitled> & 3<4", "d": "two\nlines"}
    prepared = prepare(tables(acts, titles), PrepareSettings(**NOTHING))
    assert prepared.domain.titles.to_pylist() == ["Tom & Jerry", "A bold café", "<Untitled> & 3<4", "two lines"]
    assert [note.split(" ")[0] for note in prepared.report.notes] == ["1", "2"]


# --- keep -----------------------------------------------------------------------------------------

EVENTS = {
    "user_id": ["u"] * 5,
    "item_id": list("abcde"),
    "timestamp": [1, 2, 3, 4, 5],
    "event": ["view", "cart", "purchase", "remove_from_cart", "purchase"],
    "rating": ["5", "4.0", "3,5", "", "-1"],
}


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        ("event in [purchase, cart]", "bce"),
        ("event == purchase", "ce"),
        ("event != view", "bcde"),
        ("event not in (view, 'remove_from_cart')", "bce"),
        ("rating >= 4", "ab"),
        ("rating < 4", "ce"),
        ("Rating in [4, 5]", "ab"),
        (["event in [purchase]", "rating > 0"], "c"),
        ("event in [purchase] and rating > 0", "c"),
        ("timestamp > 3", "de"),
    ],
)
def test_rows_are_kept_by_the_value_of_a_column(keep, left):
    acts = read_interactions(tables(EVENTS), PrepareSettings(**NOTHING, keep=keep), Problems())
    assert acts.item_ids.to_pylist() == list(left)
    assert [(step.interactions, step.setting) for step in acts.steps] == [(5, ""), (len(left), "keep")]


CLOCKS = ["2020-09-30 23:59", "2020-10-01 00:00", "2020-10-01 09:27", "2020-10-02 00:00", ""]


@pytest.mark.parametrize("written", ["text", "datetimes", "seconds", "seconds as text"])
@pytest.mark.parametrize(
    ("condition", "left"),
    [
        ("== 2020-10-01", "bc"),
        ("!= 2020-10-01", "ade"),
        ("in [2020-10-01, 2020-09-30]", "abc"),
        ("<= 2020-10-01", "abc"),
        ("< 2020-10-01", "a"),
        ("> 2020-10-01", "d"),
        (">= 2020-10-01", "bcd"),
        ("<= '2020-10-01 09:00'", "ab"),
        ("> '2020-10-01 09:27'", "d"),
    ],
)
def test_a_day_in_a_condition_means_the_whole_day(condition, left, written):
    moments = pl.Series(CLOCKS).str.to_datetime("%Y-%m-%d %H:%M", strict=False)
    numbers = moments.dt.epoch("s")
    column = {"text": pl.Series(CLOCKS), "datetimes": moments, "seconds": numbers}.get(written, numbers.cast(pl.String))
    acts = EVENTS | {"made": column}
    kept = read_interactions(tables(acts), PrepareSettings(**NOTHING, keep=f"made {condition}"), Problems())
    assert kept.item_ids.to_pylist() == list(left)


def test_values_that_only_look_like_days_stay_text():
    acts = EVENTS | {"event": ["2020-13-01", "2020-10-01x", "x", "y", "2020-10-01"]}
    for value, left in (("2020-13-01", "a"), ("2020-10-01", "e"), ("2020-10-01x", "b")):
        kept = read_interactions(tables(acts), PrepareSettings(**NOTHING, keep=f"event == {value}"), Problems())
        assert kept.item_ids.to_pylist() == list(left)


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        ("made >= 2020-13-01", "'2020-13-01' is no number and no date such as 2023-01-31"),
        ("rating >= 2020-10-01", "'rating' holds no dates"),
    ],
)
def test_a_condition_tells_whether_the_value_or_the_column_is_no_date(keep, said):
    acts = EVENTS | {"made": CLOCKS}
    error = refused(lambda: prepare(tables(acts), PrepareSettings(**NOTHING, keep=keep)))
    assert said in error.problem
    assert error.hint


@pytest.mark.parametrize(
    "column", [[[1]] * 5, [{"a": 1}] * 5, [b"\xff"] * 5], ids=["lists", "records", "bytes that are no text"]
)
def test_what_no_condition_compares_is_told(column):
    frame = tables(EVENTS | {"made": column})
    error = refused(lambda: prepare(frame, PrepareSettings(**NOTHING, keep="made == 1")))
    assert (error.code, "which no condition compares" in error.problem) == ("keep-column", True)


def test_titles_that_are_bytes_and_no_text_are_told():
    acts = {"user_id": ["a"], "item_id": ["1"], "timestamp": [1]}
    error = refused(lambda: prepare(tables(acts, [("1", b"\xff")]), PrepareSettings(**NOTHING)))
    assert error.problem == "the titles are bytes that are no text"


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        ({"keep": 5}, "domain.prepare.keep: 5 is no condition. Write it like"),
        ({"keep": [5]}, "domain.prepare.keep: [5] is no condition. Write it like"),
        ({"keep": "a ~ b"}, "domain.prepare.keep: 'a ~ b': "),
    ],
)
def test_a_wrong_condition_has_its_key_once_and_the_forms(prepare, said):
    spec = {"interactions": "a.csv", "items": "b.csv", "prepare": prepare}
    assert str(refused(lambda: parse_spec(spec))).startswith(said)


@pytest.mark.parametrize(
    ("keep", "code"),
    [
        ("event in [purchace]", "keep-value"),
        ("events in [purchase]", "keep-column"),
        ("event > 3", "keep-value"),
        ("rating > 9", "keep-value"),
    ],
)
def test_conditions_that_fit_nothing_are_told_with_the_values(keep, code):
    error = refused(lambda: prepare(tables(EVENTS), PrepareSettings(**NOTHING, keep=keep)))
    assert error.code == code
    assert ("purchase (2)" in error.hint) == ("event " in keep)


@pytest.mark.parametrize(
    "keep", ["event", "event in purchase", "event in [a", "a or b = 1", "print('x')", "rating > 3 or rating < 1", "= 3"]
)
def test_conditions_are_data(keep):
    with pytest.raises(ValueError, match=r"Write it like|prepare\.keep"):
        PrepareSettings(keep=keep)


def test_row_numbers_are_those_of_the_file():
    acts = EVENTS | {"user_id": ["", "u", "u", "u", None]}
    error = refused(lambda: prepare(tables(acts), PrepareSettings(**NOTHING, keep="event in [purchase]")))
    assert (error.code, error.location) == ("missing", "acts, row 5")


# --- all in one message ---------------------------------------------------------------------------


def test_all_problems_of_both_files_are_in_one_message():
    acts = {"user_id": ["", "u", "v"], "item_id": ["a", "b", "gone"], "timestamp": ["2020-01-01", "soon", "2020-01-02"]}
    rows = [("a", "A"), ("b", "B"), ("b", "Other")]
    with pytest.raises(CombinedError) as caught:
        prepare(tables(acts, rows), PrepareSettings(**NOTHING))
    found = [(error.code, error.location) for error in caught.value.errors]
    assert found == [("missing", "acts, row 1"), ("time-unread", "acts, row 2"), ("unknown-item", "items")]
    assert all(error.hint in str(caught.value) for error in caught.value.errors)


# --- several forms in one column ------------------------------------------------------------------

DAY = 1_585_267_200
"""2020-03-27."""


@pytest.mark.parametrize(
    "others",
    [
        ["27.03.2020"],
        ["27/03/2020", "03/04/2020"],
        ["March 27, 2020", "27 Mar 2020"],
        [str(DAY)],
        [str(DAY * 1000)],
        ["20200327"],
        ["2020-03-27T00:00:00Z", "2020-03-27T02:00:00+02:00"],
        ["2020-03-26T19:00:00.000-05:00"],
    ],
)
def test_each_form_of_a_mixed_column_is_read(others):
    for column in (["2020-03-27", "2020-03-27", *others], [*others, "2020-03-27", "2020-03-27"]):
        read = dict(zip(column, seconds(column), strict=True))
        assert {time for text, time in read.items() if text != "03/04/2020"} == {DAY}
        assert read.get("03/04/2020", 7 * 86_400 + DAY) == 7 * 86_400 + DAY  # the 3rd of April


def test_a_mixed_column_is_told_and_never_reads_the_day_in_two_places():
    mixed = pl.Series(["2020-03-27 10:00", "27.03.2020 10:00"] * 5)
    notes = to_times(mixed, kind="auto", unit="auto", location="t").notes
    assert len(notes) == 1 and "5 like '2020-03-27 10:00'" in notes[0] and "5 like '27.03.2020 10:00'" in notes[0]
    assert refused(lambda: seconds(["27/03/2020", "28/03/2020", "03/28/2020"])).code == "time-unread"
    assert refused(lambda: seconds(["2020-03-27", "03/04/2020"])).code == "time-ambiguous"


def test_few_times_that_cannot_be_read_are_missing_where_missing_times_are_dropped():
    column = pl.Series(["2020-03-27"] * 199 + ["31.02.2020"])
    how = {"kind": "auto", "unit": "auto", "location": "t"}
    times = to_times(column, **how, missing="drop")
    assert times.values.null_count() == 1 and "'31.02.2020'" in times.notes[0]
    assert refused(lambda: to_times(column, **how)).code == "time-unread"
    assert refused(lambda: to_times(column[150:], **how, missing="drop")).code == "time-unread"


def test_empty_lines_are_told_apart_from_rows_without_a_user():
    acts = {"user_id": ["a", "b", None, None], "item_id": ["1", "1", "1", None], "timestamp": ["1", "2", "3", None]}
    prepared = prepare(tables(acts), PrepareSettings(missing="drop", **NOTHING))
    assert "Rows of acts that are left out: 1 empty, 1 without user (missing: drop)." in prepared.report.notes


@pytest.mark.parametrize("mark", ["?", "nan", "NULL", "--"])
def test_a_title_that_says_nothing_is_none(mark):
    acts = {"user_id": ["a", "b"], "item_id": ["1", "2"], "timestamp": [1, 2]}
    prepared = prepare(tables(acts, [("1", "Kite"), ("2", mark)]), PrepareSettings(missing_titles="keep", **NOTHING))
    assert prepared.domain.titles.to_pylist() == ["Kite", ""]


def test_numbers_with_thousands_apart_are_compared_as_numbers():
    texts = ["1.234,50", "1,234.50", "-1.234,5", "2,5", "2.5", "12", "(1,5)", "a", None]
    assert as_numbers(pl.Series(texts)).to_list() == [1234.5, 1234.5, -1234.5, 2.5, 2.5, 12, -1.5, None, None]


@pytest.mark.parametrize(
    ("texts", "read"),
    [
        (["950", "1,500", "12,000"], [950, 1500, 12000]),
        (["950", "1.500", "-12.000"], [950, 1500, -12000]),
        (["1,500", "1,234,567"], [1500, 1234567]),
        (["1,500", "1,234.5"], [1500, 1234.5]),
        (["1 500,00", "1\u202f500", "1'500.5", "2\u2019000"], [1500, 1500, 1500.5, 2000]),
        (["1,500", "0,500"], [1.5, 0.5]),
        (["1.500", "2.5"], [1.5, 2.5]),
        (["1.500", "2000"], [1.5, 2000]),
        (["1,000", "2,000"], [1, 2]),
        (["0,125", "3"], [0.125, 3]),
        (["4,5", "3"], [4.5, 3]),
    ],
)
def test_whether_a_sign_sets_thousands_apart_is_seen_by_the_other_numbers(texts, read):
    assert as_numbers(pl.Series(texts)).to_list() == read


def test_how_numbers_are_read_in_a_condition_and_what_is_none_is_told():
    acts = EVENTS | {"price": ["1,500", "950", "on request", "", "2,000"], "made": ["2020-10-01", "soon", *CLOCKS[:3]]}
    keep = ["price >= 900", "made >= 2020-09-01"]
    kept = read_interactions(tables(acts), PrepareSettings(**NOTHING, keep=keep), Problems())
    assert kept.item_ids.to_pylist() == ["a", "e"]
    assert kept.notes == (
        "1 cell of 'price' with no number, such as 'on request': these rows are left out (prepare.keep).",
        "Numbers of 'price' such as '1,500' are read as 1500.",
        "1 cell of 'made' with no date, such as 'soon': these rows are left out (prepare.keep).",
    )


@pytest.mark.parametrize(
    "text",
    [
        "3. März 2021 14:05:09",
        "03. Mrz. 2021, 14:05:09 Uhr",
        "3 mars 2021 à 14:05:09",
        "mercredi 3 mars 2021 14:05:09",
        "3 de marzo de 2021 14:05:09",
        "3rd March 2021 14:05:09",
        "Wed Mar 03 2021 14:05:09 GMT+0000 (Coordinated Universal Time)",
        "2021-03-03 15:05:09 CET",
        "2021-03-03T14:05:09Z[UTC]",
        "2021.03.03 14.05.09",
        "2021-03-03_14-05-09",
        "'2021-03-03 14:05:09",
        "2021年3月3日 14:05:09",
        "2021-03-03-14.05.09.000000",
        "03-MAR-21 02.05.09.000000 PM",
        "/Date(1614780309000+0100)/",
    ],
)
def test_dates_in_words_of_several_languages_are_read(text):
    times = to_times(pl.Series([text]), kind="auto", unit="auto", location="acts.csv")
    assert times.kind is TimeKind.TIMESTAMP
    assert times.values.to_list() == [1_614_780_309]


def test_each_month_is_read_in_each_language():
    days = pl.Series([f"7 {name} 2021" for names in MONTHS for name in names])
    months = [number for number, names in enumerate(MONTHS, start=1) for _ in names]
    read = to_times(days, kind="auto", unit="auto", location="acts.csv").values.cast(pl.Int64) * 10**6
    assert read.cast(pl.Datetime("us")).dt.month().to_list() == months


def test_unix_times_in_several_units_are_each_read():
    second = 1_614_780_309
    mixed = [second, second + 1, second + 2, (second + 3) * 10**3, (second + 4) * 10**6, (second + 5) * 10**9]
    times = to_times(pl.Series(mixed), kind="auto", unit="auto", location="acts.csv")
    assert times.values.to_list() == [second + step for step in range(6)]
    assert times.exact.is_sorted()
    assert "3 in s, 1 in ms, 1 in us, 1 in ns" in times.notes[0]


@pytest.mark.parametrize(
    ("columns", "name", "moment"),
    [
        ({"date": "2021-03-03", "time": "14:05:09"}, "date + time", 1_614_780_309),
        ({"datum": "03.03.2021", "uhrzeit": "14:05"}, "datum + uhrzeit", 1_614_780_300),
        ({"year": "2021", "month": "3", "day": "3"}, "year + month + day", 1_614_729_600),
    ],
)
def test_a_time_in_several_columns_is_one(tmp_path, columns, name, moment):
    times = {key: [text] * 2 for key, text in columns.items()}
    acts = pl.DataFrame({"user_id": ["a", "b"], "item_id": ["x", "y"], **times})
    acts.write_csv(tmp_path / "acts.csv")
    (tmp_path / "items.csv").write_text("item_id,title\nx,red tea\ny,green tea\n", encoding="utf-8")
    guess = guess_columns(str(tmp_path / "acts.csv"), str(tmp_path / "items.csv"))
    assert guess.columns.time == name
    table = map_interactions(acts.lazy(), guess.columns, "acts.csv").collect()
    read = to_times(table["timestamp"], kind="auto", unit="auto", location="acts.csv")
    assert set(read.values.to_list()) == {moment}
