"""Which addresses a recipe may open, and which files a path names."""

from __future__ import annotations

import polars as pl
import pytest
from refusals import refusal

from domains.errors import InputError, SettingsError
from domains.io.paths import allowed_schemes, allowing, check_schemes
from domains.io.remote import load_table
from domains.io.scan import scan
from domains.open_domain import open_domain, parse_spec
from domains.streaming import to_folder

ITEMS = "item_id,title\na,Alpha\n"


@pytest.fixture(autouse=True)
def _nothing_allowed(monkeypatch):
    monkeypatch.delenv("TRANSFER_ALLOW", raising=False)


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("https://example.org/a.csv", "--allow https"),
        ("s3://bucket/a.parquet", "--allow s3"),
        ("gs://bucket/a.csv", "--allow gs"),
        ("ftp://example.org/a.csv", "Download"),
        ("http://example.org/a.csv", "Download"),
        ("github://owner:repo@main/a.csv", "Download"),
        ("zip://a.csv::https://example.org/a.zip", "Download"),
        ("simplecache::https://example.org/a.csv", "Download"),
        ("file:///etc/passwd", "path"),
        ("memory://a.csv", "Download"),
        ("ssh://host/a.csv", "Download"),
    ],
)
@pytest.mark.parametrize("role", ["interactions", "items"])
def test_a_recipe_opens_no_address_by_itself(tmp_path, address, hint, role):
    (tmp_path / "items.csv").write_text(ITEMS)
    (tmp_path / "acts.csv").write_text("user_id,item_id,timestamp\nu,a,1\n")
    spec = {"interactions": "acts.csv", "items": "items.csv", role: address}
    with pytest.raises(InputError) as caught:
        open_domain(parse_spec(spec), base=tmp_path)
    assert (caught.value.code, caught.value.location) == ("address", address)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("loader", ["amazon2014", "amazon2018", "amazon2023"])
def test_other_loaders_open_no_address_either(tmp_path, loader):
    spec = {
        "loader": loader,
        "reviews": "https://example.org/ratings.csv",
        "metadata": "https://example.org/meta_a.json",
    }
    with pytest.raises(InputError) as caught:
        open_domain(parse_spec(spec), base=tmp_path)
    assert caught.value.code == ("address" if loader == "amazon2023" else "no-file")


def test_chains_are_never_opened():
    with allowing(["https", "zip"]), refusal("address", "a.zip"):
        scan("zip://a.csv::https://example.org/a.zip")


@pytest.mark.parametrize("files", [["https://example.org/a.csv"], ["hf://x", "ftp://example.org/a.csv"]])
def test_files_of_a_data_set_are_addresses_as_well(files):
    with pytest.raises(InputError) as caught:
        load_table("csv", data_files=files)
    assert caught.value.code == "address"


def test_the_environment_allows_what_commands_can_allow(monkeypatch):
    assert allowed_schemes() == set()
    monkeypatch.setenv("TRANSFER_ALLOW", "https, s3")
    assert allowed_schemes() == {"https", "s3"}
    with allowing([]):
        assert allowed_schemes() == set()
    monkeypatch.setenv("TRANSFER_ALLOW", "ftp")
    with pytest.raises(InputError) as caught:
        allowed_schemes()
    assert (caught.value.code, caught.value.location) == ("address", "$TRANSFER_ALLOW")
    with refusal("address", "--allow", about="'github'"):
        check_schemes(["github"], "--allow")


def test_a_text_too_long_for_a_name_is_no_domain() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_spec("book" + "[" * 3000)
    assert caught.value.code == "domain-spec"


NAMES = "user_id,item_id,timestamp"


def write_table(path, rows):
    """A table of interactions in the form of the file's ending."""
    table = pl.DataFrame(rows, schema=NAMES.split(","), orient="row")
    write = {".csv": table.write_csv, ".jsonl": table.write_ndjson, ".arrow": table.write_ipc}
    write.get(path.suffix, table.write_parquet)(path)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "arrow", "parquet"])
def test_a_name_with_the_signs_of_a_pattern_is_a_file(tmp_path, ending):
    folder = tmp_path / "shop [old]"
    folder.mkdir()
    (folder / "goods.csv").write_text(ITEMS)
    file = folder / f"orders [2023] 100%?.{ending}"
    none = {"min_user_interactions": 0, "min_item_interactions": 0}
    spec = parse_spec({"interactions": file.name, "items": "goods.csv", "prepare": none})
    for users in (1, 2):  # a domain in the cache is that of the file as it is now
        write_table(file, [(f"u{user}", "a", 1_600_000_000 + user) for user in range(users)])
        prepared = open_domain(spec, base=folder, cache=tmp_path / "cache")
        assert prepared.domain.n_users == users
        assert prepared.report.notes == ()
    domain, _ = to_folder(spec, folder / "prepared [1]", 2, base=folder)
    assert domain.n_users == 2
