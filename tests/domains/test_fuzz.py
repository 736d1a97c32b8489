"""Damaged files of every format end in an `InputError` or in a domain, never in anything else."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domains.errors import InputError
from domains.open_domain import open_domain, parse_spec

NOTHING = {
    "min_user_interactions": 0,
    "min_item_interactions": 0,
    "unknown_items": "keep",
    "missing_titles": "keep",
    "duplicate_items": "first",
}
ACTS = pl.DataFrame(
    {"user_id": ["u", "v", "w", "u"], "item_id": ["a", "b", "a", "b"], "timestamp": [1400000000 + n for n in range(4)]}
)
ITEMS = pl.DataFrame({"item_id": ["a", "b"], "title": ['Alpha, "one"', "Bêta"], "categories": ["x|y", ""]})


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


FORMATS = {
    "csv": lambda frame: frame.write_csv().encode(),
    "tsv": lambda frame: frame.write_csv(separator="\t").encode(),
    "jsonl": lambda frame: frame.write_ndjson().encode(),
    "csv.gz": lambda frame: gzip.compress(frame.write_csv().encode(), mtime=0),
    "jsonl.gz": lambda frame: gzip.compress(frame.write_ndjson().encode(), mtime=0),
    "parquet": parquet,
}

damages = st.lists(
    st.tuples(
        st.floats(0, 1), st.integers(0, 3), st.binary(max_size=4) | st.sampled_from([b'"', b"\n", b",", b"{", b"\0"])
    ),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, wounds: list[tuple[float, int, bytes]]) -> bytes:
    """Cut out a few bytes here and there, and put others in their place."""
    for where, length, instead in wounds:
        start = int(where * len(content))
        content = content[:start] + instead + content[start + length :]
    return content


def opens_or_says_why(spec: dict[str, object], folder: Path) -> None:
    try:
        domain = open_domain(parse_spec({**spec, "prepare": NOTHING}), base=folder).domain
    except InputError as error:
        for one in getattr(error, "errors", (error,)):
            assert one.location is not None
            assert one.hint is not None
        return
    assert domain.n_interactions > 0


many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("ending", FORMATS)
@many
@given(wounds=damages, hurt_items=st.booleans())
@example(wounds=[(0.45703125, 1, b"\x80")], hurt_items=False)  # in Parquet, the name of a column
def test_tables(tmp_path, ending, wounds, hurt_items):
    for name, frame, hurt in (("acts", ACTS, not hurt_items), ("items", ITEMS, hurt_items)):
        content = FORMATS[ending](frame)
        (tmp_path / f"{name}.{ending}").write_bytes(damaged(content, wounds) if hurt else content)
    opens_or_says_why({"interactions": f"acts.{ending}", "items": f"items.{ending}"}, tmp_path)


REVIEW = json.dumps({"reviewerID": "A1", "asin": "B1", "unixReviewTime": 1400000000, "reviewText": "é"})
META = {
    "amazon2014": "{'asin': 'B1', 'title': 'One', 'categories': [['a', 'b']]}\n",
    "amazon2018": json.dumps({"asin": "B1", "title": "One", "category": ["a"]}) + "\n",
}


@pytest.mark.parametrize("edition", META)
@many
@given(wounds=damages)
def test_amazon_metadata(tmp_path, edition, wounds):
    (tmp_path / "reviews_X_5.json").write_text(REVIEW + "\n", encoding="utf-8")
    (tmp_path / "meta_X.json").write_bytes(damaged(META[edition].encode() * 3, wounds))
    opens_or_says_why({"loader": edition, "folder": "."}, tmp_path)


@many
@given(wounds=damages, hurt=st.sampled_from(["ratings.dat", "movies.dat"]))
def test_movielens(tmp_path, wounds, hurt):
    files = {
        "ratings.dat": b"1::10::5::978300760\n2::11::3::978300761\n",
        "movies.dat": b"10::One, The (1999)::A|B\n11::Two::C\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(damaged(content, wounds) if name == hurt else content)
    opens_or_says_why({"loader": "movielens", "folder": "."}, tmp_path)
