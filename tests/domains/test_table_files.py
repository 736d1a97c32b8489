"""The loader of one's own tables: formats, columns, units, globs, partitions, addresses; and frames in memory."""

from __future__ import annotations

import gzip
import json
from uuid import UUID

import polars as pl
import pyarrow as pa
import pytest
from refusals import refusal

from domains import times as reading_times
from domains.data_frames import from_frames
from domains.domain import TimeKind
from domains.open_domain import open_domain, parse_spec
from domains.settings import ColumnMapping, PrepareSettings
from domains.spec import DomainSpec

ALL = {"min_user_interactions": 0, "min_item_interactions": 0}
ACTS = pl.DataFrame({"user_id": ["u", "u", "v"], "item_id": ["007", "b", "b"], "timestamp": [30, 20, 10]})
ITEMS = pl.DataFrame({"item_id": ["007", "b"], "title": ["Bond", "Beta, second"], "categories": ["x| y ||", None]})


def pack(path, text):
    with pa.output_stream(str(path), compression="zstd") as stream:
        stream.write(text.encode())


WRITERS = {
    "csv": lambda frame, path: frame.write_csv(path),
    "tsv": lambda frame, path: frame.write_csv(path, separator="\t"),
    "csv.gz": lambda frame, path: path.write_bytes(gzip.compress(frame.write_csv().encode())),
    "csv.zst": lambda frame, path: pack(path, frame.write_csv()),
    "parquet": lambda frame, path: frame.write_parquet(path),
    "jsonl": lambda frame, path: frame.write_ndjson(path),
    "jsonl.gz": lambda frame, path: path.write_bytes(gzip.compress(frame.write_ndjson().encode())),
    "jsonl.zst": lambda frame, path: pack(path, frame.write_ndjson()),
    "arrow": lambda frame, path: frame.write_ipc(path),
}


def told(domain):
    return {user: domain.titles_of(domain.history(n)) for n, user in enumerate(domain.user_ids.to_pylist())}


def read(folder, prepare=None, **options):
    spec = parse_spec(
        {"interactions": "acts.csv", "items": "items.csv", **options, "prepare": {**ALL, **(prepare or {})}}
    )
    return open_domain(spec, base=folder, allow=["memory"]).domain


@pytest.mark.parametrize("ending", WRITERS)
def test_each_format(tmp_path, ending):
    WRITERS[ending](ACTS, tmp_path / f"acts.{ending}")
    WRITERS[ending](ITEMS, tmp_path / f"items.{ending}")
    domain = read(tmp_path, interactions=f"acts.{ending}", items=f"items.{ending}")
    assert told(domain) == {"u": ["Beta, second", "Bond"], "v": ["Beta, second"]}
    assert domain.item_ids.to_pylist() == ["007", "b"]
    assert domain.categories.to_pylist() == [["x", "y"], []]
    assert domain.time_kind == TimeKind.ORDER
    assert domain.times.tolist() == [20, 30, 10]
    assert domain.name == "acts"


def test_columns_delimiter_encoding_and_separator_given(tmp_path):
    (tmp_path / "acts.csv").write_text("kunde;ding;wann\nu;1;2020-01-02\nu;2;2020-01-01\n", encoding="utf-8")
    (tmp_path / "items.csv").write_text('ding;name;art\n1;"Würfel; groß";a/b\n2;Spiel;c\n', encoding="latin-1")
    domain = read(
        tmp_path,
        columns={"user": "kunde", "item": "ding", "time": "wann", "title": "name", "categories": "art"},
        category_separator="/",
        encoding="latin-1",
    )
    assert told(domain) == {"u": ["Spiel", "Würfel; groß"]}
    assert domain.categories.to_pylist() == [["a", "b"], ["c"]]
    assert domain.times.tolist() == [1577836800, 1577923200]
    assert domain.time_kind == TimeKind.TIMESTAMP


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "UTF-8"])
def test_other_encodings(tmp_path, encoding):
    (tmp_path / "acts.csv").write_text(ACTS.write_csv(), encoding=encoding)
    (tmp_path / "items.csv").write_text('item_id,title\r\n007,"Größe ""L"""\r\nb,Beta\r\n', encoding=encoding)
    assert told(read(tmp_path, encoding=encoding))["u"] == ["Beta", 'Größe "L"']


def test_usual_names_are_found_without_case(tmp_path):
    ACTS.rename({"user_id": "UserID", "item_id": "Product ID", "timestamp": "Date"}).write_csv(tmp_path / "acts.csv")
    ITEMS.rename({"item_id": "product-id", "title": "Name", "categories": "Genres"}).write_csv(tmp_path / "items.csv")
    assert told(read(tmp_path))["u"] == ["Beta, second", "Bond"]


def test_the_item_id_may_be_called_otherwise_in_the_item_file(tmp_path):
    ACTS.rename({"item_id": "ding"}).write_csv(tmp_path / "acts.csv")
    ITEMS.rename({"item_id": "nr"}).write_csv(tmp_path / "items.csv")
    assert told(read(tmp_path, columns={"item": "ding", "item_key": "nr"}))["v"] == ["Beta, second"]
    ACTS.rename({"item_id": "product_id"}).write_csv(tmp_path / "acts.csv")
    ITEMS.rename({"item_id": "id"}).write_csv(tmp_path / "items.csv")
    assert told(read(tmp_path))["v"] == ["Beta, second"]


def test_rows_without_times_keep_their_order(tmp_path):
    ACTS.drop("timestamp").write_csv(tmp_path / "acts.csv")
    ITEMS.write_csv(tmp_path / "items.csv")
    domain = read(tmp_path, {"time_kind": "order"})
    assert told(domain)["u"] == ["Bond", "Beta, second"]


def test_glob_reads_all_files_in_the_order_of_their_names(tmp_path):
    for name, row in {"part-2": "u,b,5", "part-1": "u,007,5", "_part": "u,zzz,1"}.items():
        (tmp_path / f"{name}.csv").write_text(f"user_id,item_id,timestamp\n{row}\n")
    ITEMS.write_csv(tmp_path / "items.csv")
    assert told(read(tmp_path, interactions="part-*.csv")) == {"u": ["Bond", "Beta, second"]}


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "jsonl.gz", "parquet"])
def test_large_files_keep_the_order_of_their_rows(tmp_path, ending):
    count = 150_000
    order = pl.Series(range(count)).shuffle(seed=1)
    acts = pl.DataFrame({"user_id": ["u"] * count, "item_id": order.cast(pl.String), "timestamp": [1] * count})
    WRITERS[ending](acts, tmp_path / f"acts.{ending}")
    acts.select("item_id", title="item_id").write_csv(tmp_path / "items.csv")
    domain = read(tmp_path, interactions=f"acts.{ending}")
    assert domain.titles.take(pa.array(domain.items)).to_pylist() == order.cast(pl.String).to_list()


def test_hive_partitions_as_spark_writes_them(tmp_path):
    for user, number in (("u", 0), ("v", 1)):
        folder = tmp_path / "acts" / f"user_id={user}"
        folder.mkdir(parents=True)
        part = ACTS.filter(pl.col("user_id") == user).drop("user_id")
        part.write_parquet(folder / f"part-0000{number}-abc.snappy.parquet")
        (folder / f".part-0000{number}-abc.snappy.parquet.crc").write_bytes(b"crc")
    (tmp_path / "acts" / "_SUCCESS").touch()
    ITEMS.write_csv(tmp_path / "items.csv")
    assert told(read(tmp_path, interactions="acts")) == {"u": ["Beta, second", "Bond"], "v": ["Beta, second"]}


@pytest.fixture
def memory():
    """fsspec's file system in memory stands for object storage."""
    fsspec = pytest.importorskip("fsspec")
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    filesystem.store.clear()


def test_addresses_through_fsspec(tmp_path, memory):
    memory.pipe("/shop/acts-1.csv", ACTS.head(1).write_csv().encode())
    memory.pipe("/shop/acts-2.csv", ACTS.tail(2).write_csv().encode())
    memory.pipe("/shop/items.jsonl.gz", gzip.compress(ITEMS.write_ndjson().encode()))
    domain = read(tmp_path, interactions="memory://shop/acts-*.csv", items="memory://shop/items.jsonl.gz")
    assert told(domain) == {"u": ["Beta, second", "Bond"], "v": ["Beta, second"]}


def test_partitioned_parquet_through_fsspec(tmp_path, memory):
    for user in ("u", "v"):
        ACTS.filter(pl.col("user_id") == user).drop("user_id").write_parquet(tmp_path / "part.parquet")
        memory.pipe(f"/shop/acts.parquet/user_id={user}/part.parquet", (tmp_path / "part.parquet").read_bytes())
    ITEMS.write_csv(tmp_path / "items.csv")
    domain = read(tmp_path, interactions="memory://shop/acts.parquet")
    assert told(domain) == {"u": ["Beta, second", "Bond"], "v": ["Beta, second"]}


def test_nothing_at_an_address(tmp_path, memory):
    ITEMS.write_csv(tmp_path / "items.csv")
    with refusal("download", "gone.csv"):
        read(tmp_path, interactions="memory://shop/gone.csv")
    with refusal("no-file", "gone.parquet"):
        read(tmp_path, interactions="memory://shop/gone.parquet")


MOMENT = 1_600_000_000


def to_times(column, **how):
    read = reading_times.to_times(column, **how)
    return read.values, read.kind


@pytest.mark.parametrize(
    "values",
    [
        [MOMENT, MOMENT + 1],
        [MOMENT * 10**3 + 999, MOMENT * 10**3 + 1000],
        [MOMENT * 10**6, MOMENT * 10**6 + 10**6],
        [MOMENT * 10**9, MOMENT * 10**9 + 10**9],
        [float(MOMENT) + 0.25, float(MOMENT) + 1.75],
        [f"{MOMENT}", f" {MOMENT + 1} "],
        [f"{MOMENT}.5", f"{MOMENT + 1}"],
        ["2020-09-13 12:26:40", "2020-09-13 12:26:41"],
        ["2020-09-13T12:26:40Z", "2020-09-13T12:26:41Z"],
        ["2020-09-13T12:26:40.123Z", "2020-09-13T12:26:41.5Z"],
        ["2020-09-13T14:26:40+02:00", "2020-09-13T12:26:41+00:00"],
        ["Sun Sep 13 05:26:40 -0700 2020", "Sun Sep 13 12:26:41 +0000 2020"],
        ["9/13/2020 12:26:40 PM", "9/13/2020 12:26:41 PM"],
        ["2020-09-13 12:26:40 UTC", "2020-09-13 12:26:41 UTC"],
        ["13.09.2020 12:26:40", "13.9.2020 12:26:41"],
        ["13/09/2020 12:26:40", "13/09/2020 12:26:41"],
        ["09/13/2020 12:26:40", "09/13/2020 12:26:41"],
    ],
)
def test_units_and_written_dates(values):
    times, kind = to_times(pl.Series(values), kind="auto", unit="auto", location="t")
    assert times.to_list() == [MOMENT, MOMENT + 1]
    assert kind == TimeKind.TIMESTAMP


@pytest.mark.parametrize(
    "values",
    [
        ["2020-02-03", "2020-02-14"],
        ["03.02.2020", "14.02.2020"],
        ["03/02/2020", "14/02/2020"],
        ["02/03/2020", "02/14/2020"],
        ["03-02-2020", "14-02-2020"],
        ["3 Feb 2020", "14 February 2020"],
        ["03-Feb-2020", "14-Feb-2020"],
        ["Feb 3, 2020", "February 14, 2020"],
        ["2020-02-03 00:00", "2020-02-14 00:00"],
        ["2020-02-03T00:00Z", "2020-02-14T00:00Z"],
        ["03.02.2020 00:00", "14.02.2020 00:00"],
        [20200203, 20200214],
        ["20200203", "20200214"],
    ],
)
def test_written_days(values):
    times, kind = to_times(pl.Series(values), kind="auto", unit="auto", location="t")
    assert (times.to_list(), kind) == ([1580688000, 1581638400], TimeKind.TIMESTAMP)


def test_a_format_that_is_given_goes_before_what_is_seen():
    for values, written in ((["03/02/2020"], "%d/%m/%Y"), (["2020 034"], "%Y %j"), ([20200203], "%Y%m%d")):
        times, _ = to_times(pl.Series(values), kind="auto", unit="auto", location="t", written=written)
        assert times.to_list() == [1580688000]
    with refusal("time-unread", "t, row 1", about="'%d.%m.%Y'"):
        to_times(pl.Series(["03/02/2020"]), kind="auto", unit="auto", location="t", written="%d.%m.%Y")


@pytest.mark.parametrize(
    ("clock", "hour"),
    [("%H:%M", "07:11"), ("%k:%M", " 7:11"), ("%l:%M %p", " 7:11 AM"), ("%X", "07:11:00"), ("%r", "07:11:00 AM")],
)
def test_every_code_of_an_hour_is_read(clock, hour):
    values = pl.Series([f"2020-02-03 {hour}"])
    times, _ = to_times(values, kind="auto", unit="auto", location="t", written=f"%Y-%m-%d {clock}")
    assert times.to_list() == [1_580_713_860]


def test_day_or_month_first_is_not_guessed():
    with refusal("time-ambiguous", "t", about="'%m/%d/%Y'"):
        to_times(pl.Series(["03/02/2020", "04/05/2020"]), kind="auto", unit="auto", location="t")


def test_numbers_that_are_not_all_days_are_an_order():
    values = [20200203, 20200299]
    assert to_times(pl.Series(values), kind="auto", unit="auto", location="t")[0].to_list() == values
    assert to_times(pl.Series([20200203]), kind="order", unit="auto", location="t")[1] == TimeKind.ORDER


@pytest.mark.parametrize(
    "values",
    [
        [MOMENT * 10**3 + 2, MOMENT * 10**3 + 1],
        [MOMENT * 10**9 + 2, MOMENT * 10**9 + 1],
        [MOMENT + 0.75, MOMENT + 0.25],
        ["2020-09-13 12:26:40.002", "2020-09-13 12:26:40.001"],
    ],
)
def test_order_within_a_second_is_kept(values):
    read = reading_times.to_times(pl.Series(values), kind="auto", unit="auto", location="t")
    assert read.values.to_list() == [MOMENT, MOMENT]
    assert read.exact.arg_sort().to_list() == [1, 0]


@pytest.mark.parametrize("dtype", [pl.Int32, pl.UInt32, pl.UInt64, pl.Float64, pl.Decimal(20, 2)])
def test_numbers_of_any_type(dtype):
    times, kind = to_times(pl.Series([MOMENT, MOMENT + 1]).cast(dtype), kind="auto", unit="auto", location="t")
    assert (times.to_list(), kind) == ([MOMENT, MOMENT + 1], TimeKind.TIMESTAMP)
    ranks, kind = to_times(pl.Series([1, 0, 2]).cast(dtype), kind="auto", unit="auto", location="t")
    assert (ranks.to_list(), kind) == ([1, 0, 2], TimeKind.ORDER)


def test_typed_dates():
    series = pl.Series(["2020-09-13", "2020-09-14"]).str.to_date()
    for dtype in (pl.Date, pl.Datetime("ns"), pl.Datetime("ms", "Europe/Berlin")):
        times, kind = to_times(series.cast(dtype), kind="auto", unit="auto", location="t")
        assert times.to_list() == [1599955200, 1600041600]
        assert kind == TimeKind.TIMESTAMP


@pytest.mark.parametrize("values", [[0, 1, 2], [5.0, 6.0, 7.0], [1999, 2003, 2020], ["3", "4", "9"]])
def test_other_numbers_are_an_order(values):
    times, kind = to_times(pl.Series(values), kind="auto", unit="auto", location="t")
    assert kind == TimeKind.ORDER
    assert times.to_list() == [int(value) for value in values]


def test_fractional_ranks_stay_apart():
    times, _ = to_times(pl.Series([0.5, 0.25, 0.5]), kind="auto", unit="auto", location="t")
    assert times.to_list() == [1, 0, 1]


def test_huge_ranks_stay_apart_and_fit():
    times, kind = to_times(pl.Series([1e300, 3.0, 1e200]), kind="auto", unit="auto", location="t")
    assert (times.to_list(), kind) == ([2, 0, 1], TimeKind.ORDER)


def test_what_is_said_goes_before_what_is_seen():
    seconds = pl.Series([MOMENT, MOMENT + 1])
    assert to_times(seconds, kind="order", unit="auto", location="t")[1] == TimeKind.ORDER
    small, kind = to_times(pl.Series([5000, 7000]), kind="auto", unit="ms", location="t")
    assert (small.to_list(), kind) == ([5, 7], TimeKind.TIMESTAMP)


def test_frames_of_three_kinds_give_one_domain():
    settings = PrepareSettings(**ALL)
    arrow = from_frames(ACTS.to_arrow(), ITEMS.to_arrow(), settings=settings).domain
    lazy = from_frames(ACTS.lazy(), ITEMS, settings=settings).domain
    assert arrow.fingerprint == lazy.fingerprint
    renamed = from_frames(
        ACTS.rename({"user_id": "x"}), ITEMS, settings=settings, columns=ColumnMapping(user="x"), name="mine"
    ).domain
    assert renamed.fingerprint == lazy.fingerprint
    assert renamed.name == "mine"
    with refusal("frame", "interactions"):
        from_frames([1], ITEMS)


def test_a_named_index_of_pandas_is_columns_and_one_table_is_enough():
    pandas = pytest.importorskip("pandas")
    settings = PrepareSettings(**ALL)
    acts, items = (pandas.DataFrame(table.to_dict(as_series=False)) for table in (ACTS, ITEMS))
    plain = from_frames(acts, items, settings=settings).domain
    indexed = from_frames(acts.set_index(["user_id", "item_id"]), items.set_index("item_id"), settings=settings).domain
    assert indexed.fingerprint == plain.fingerprint
    again = from_frames(acts.set_index("user_id", drop=False), items, settings=settings).domain
    assert again.fingerprint == plain.fingerprint
    assert told(from_frames(acts.merge(items, on="item_id"), settings=settings).domain) == told(plain)


def test_columns_of_pandas_are_read_as_those_of_files_are():
    pandas = pytest.importorskip("pandas")
    settings = PrepareSettings(**ALL, keep=["made >= 2020-01-01"])
    moments = [f"2020-03-0{day + 1}T00:00:00+05:30" for day in range(ACTS.height)]
    acts = pandas.DataFrame(ACTS.drop("timestamp").to_dict(as_series=False))
    acts["time"], acts["made"] = pandas.Categorical(moments), pandas.to_datetime(pandas.Series(moments))
    domain = from_frames(acts, ITEMS, settings=settings).domain
    assert domain.time_kind == TimeKind.TIMESTAMP
    assert domain.times.min() == pandas.Timestamp(moments[0]).timestamp()
    for wrong in ([1j] * ACTS.height, [frozenset()] * ACTS.height):
        with refusal("frame", "interactions", about="'time' holds"):
            from_frames(acts.assign(time=wrong), ITEMS, settings=settings)


@pytest.mark.parametrize("kind", [pl.Binary, pl.Object])
def test_ids_that_are_no_text_are_refused(kind):
    ids = [UUID(int=2**127 + row) for row in range(ACTS.height)]
    column = pl.Series("user_id", [one.bytes for one in ids] if kind == pl.Binary else ids, dtype=kind)
    with refusal("id-type", "interactions"):
        from_frames(ACTS.with_columns(column), ITEMS, settings=PrepareSettings(**ALL))


def test_numeric_ids_of_any_type_meet():
    for dtype in (pl.Int32, pl.Float64, pl.String):
        acts = pl.DataFrame({"user_id": [1, 1], "item_id": [10, 2], "timestamp": [1, 2]})
        items = pa.table({"item_id": pa.array([2, 10]), "title": ["Two", "Ten"]})
        acts = acts.with_columns(pl.col("item_id").cast(dtype))
        domain = from_frames(acts, items, settings=PrepareSettings(**ALL)).domain
        assert told(domain) == {"1": ["Ten", "Two"]}


@pytest.mark.parametrize(
    ("early", "late", "read_as"),
    [
        (None, "Drama|War", ["Drama", "War"]),
        (None, ["Drama"], ["Drama"]),
        ([], ["Drama"], ["Drama"]),
        ([1], ["x"], ["x"]),
    ],
)
def test_what_only_later_rows_of_json_hold_is_read(tmp_path, early, late, read_as):
    items = [
        {"item_id": f"i{row}", "title": f"title {row}", "genres": late if row == 1500 else early} for row in range(1501)
    ]
    (tmp_path / "items.jsonl").write_text("\n".join(map(json.dumps, items)))
    (tmp_path / "acts.jsonl").write_text(json.dumps({"user_id": "u", "item_id": "i1500", "timestamp": 5}))
    domain = read(tmp_path, interactions="acts.jsonl", items="items.jsonl")
    assert domain.categories.to_pylist() == [read_as]


@pytest.mark.parametrize("written", ['["A","B c"]', "['A', \"B c\"]", "[A, B c]", "A|B c", " A | B c |"])
def test_categories_in_any_writing(written):
    items = ITEMS.with_columns(categories=pl.lit(written))
    domain = from_frames(ACTS, items, settings=PrepareSettings(**ALL)).domain
    assert domain.categories.to_pylist()[0] == ["A", "B c"]


@pytest.mark.parametrize(
    "records",
    [
        "[{'id': 16, 'name': 'A'}, {'name': \"B c\", 'id': 3}]",
        '[{"id": 16, "name": "A"}, {"id": 3, "name": "B c"}]',
        [{"id": 16, "name": "A"}, {"id": 3, "name": "B c"}],
    ],
)
def test_categories_that_are_records_are_their_names(records):
    items = ITEMS.with_columns(categories=pl.Series([records, None]))
    domain = from_frames(ACTS, items, settings=PrepareSettings(**ALL)).domain
    assert domain.categories.to_pylist() == [["A", "B c"], []]


def test_one_table_for_interactions_and_items():
    table = ACTS.join(ITEMS, on="item_id")
    assert told(from_frames(table, table, settings=PrepareSettings(**ALL)).domain)["v"] == ["Beta, second"]


def test_spec_forms():
    flat = parse_spec({"interactions": "a.csv", "items": "b.csv", "columns": {"user": "x"}, "name": "shop"})
    assert flat == DomainSpec(
        name="shop", options={"interactions": "a.csv", "items": "b.csv", "columns": {"user": "x"}}
    )
    assert DomainSpec.model_validate(flat.model_dump()) == flat
    assert json.loads(flat.model_dump_json())["loader"] == "table"
    assert parse_spec("films").options == {"dataset": "films"}
    short = parse_spec("movielens:data/ml-1m")
    assert (short.loader, short.options) == ("movielens", {"folder": "data/ml-1m"})
    assert parse_spec("saved/films").loader == "saved"
    with refusal("missing-key", "domain", about="domain.items"):
        parse_spec({"interactions": "a.csv"})


def test_paths_start_at_the_base_then_at_the_working_folder(tmp_path, monkeypatch):
    base, work = tmp_path / "base", tmp_path / "work"
    for folder, title in ((base, "From base"), (work, "From work")):
        folder.mkdir()
        ACTS.write_csv(folder / "acts.csv")
        ITEMS.with_columns(title=pl.lit(title)).write_csv(folder / "items.csv")
    monkeypatch.chdir(work)
    assert told(read(base))["v"] == ["From base"]
    (base / "items.csv").unlink()
    assert told(read(base))["v"] == ["From work"]
