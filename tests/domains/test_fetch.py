"""The catalogue, and downloads from a server on the loopback interface."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from refusals import refusal

from domains.errors import InputError
from domains.fetch import fetch_data, fetch_file, remote_size, unpack
from domains.loaders.loader import find_loader
from domains.open_domain import open_domain, parse_spec
from domains.public_data import PublicData, find_data, known_data

CONTENT = bytes(range(256)) * 5000


@dataclass
class Shelf:
    """What the server has, and what it was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    break_after: int | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def shelf():
    shelf = Shelf()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self._send(body=False)

        def do_GET(self):
            self._send(body=True)

        def _send(self, body):
            asked = self.headers.get("Range")
            shelf.asked.append((self.command, asked))
            content = shelf.files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            tag = f'"{hashlib.md5(content).hexdigest()}"'
            start = 0
            if asked and self.headers.get("If-Range") == tag:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            rest = content[start:]
            self.send_header("Content-Length", str(len(rest)))
            self.send_header("ETag", tag)
            self.end_headers()
            if body:
                self.wfile.write(rest[: shelf.break_after])

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    shelf.address = f"http://127.0.0.1:{server.server_port}"
    yield shelf
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_comes_with_its_checksum_and_only_once(shelf, tmp_path):
    shelf.files["data.bin"] = CONTENT
    seen = []
    fetched = fetch_file(f"{shelf.address}/data.bin", tmp_path, progress=lambda *how_far: seen.append(how_far))
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert seen[-1] == ("data.bin", len(CONTENT), len(CONTENT))
    assert json.loads((tmp_path / "checksums.json").read_text())["data.bin"]["sha256"] == fetched.sha256
    assert fetch_file(f"{shelf.address}/data.bin", tmp_path) == fetched
    assert len(shelf.asked) == 1
    (tmp_path / "data.bin").write_bytes(b"changed by hand")
    fetch_file(f"{shelf.address}/data.bin", tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checksums.json", "data.bin"]


def test_a_broken_download_goes_on(shelf, tmp_path):
    shelf.files["data.bin"] = CONTENT
    shelf.break_after = 300_000
    with refusal("download", "data.bin"):
        fetch_file(f"{shelf.address}/data.bin", tmp_path)
    assert not (tmp_path / "data.bin").exists()
    shelf.break_after = None
    fetched = fetch_file(f"{shelf.address}/data.bin", tmp_path)
    assert shelf.asked[-1] == ("GET", "bytes=300000-")
    assert (tmp_path / "data.bin").read_bytes() == CONTENT
    assert fetched.bytes == len(CONTENT)


def test_a_file_that_changed_meanwhile_starts_over(shelf, tmp_path):
    shelf.files["data.bin"] = CONTENT
    shelf.break_after = 1000
    with pytest.raises(InputError):
        fetch_file(f"{shelf.address}/data.bin", tmp_path)
    shelf.break_after = None
    shelf.files["data.bin"] = b"new" + CONTENT
    fetch_file(f"{shelf.address}/data.bin", tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == b"new" + CONTENT


def test_sizes_and_refusals(shelf, tmp_path):
    shelf.files["data.bin"] = CONTENT
    assert remote_size(f"{shelf.address}/data.bin") == len(CONTENT)
    with refusal("download", "gone.bin"):
        fetch_file(f"{shelf.address}/gone.bin", tmp_path)
    with refusal("address", "file://"):
        fetch_file((tmp_path / "x").as_uri(), tmp_path)
    with refusal("download", "127.0.0.1:1/x"):
        remote_size("http://127.0.0.1:1/x")


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def test_a_data_set_from_the_server_to_a_domain(shelf, tmp_path):
    shelf.files["tiny.zip"] = zipped(
        {"tiny/ratings.dat": "1::7::5::978300760\n", "tiny/movies.dat": "7::Heat (1995)::Action\n"}
    )
    data = PublicData(
        name="tiny",
        title="t",
        licence="l",
        size="s",
        page="p",
        loader="movielens",
        urls=(f"{shelf.address}/tiny.zip",),
        opens="tiny",
    )
    fetch_data(data, tmp_path)
    loader, _, folder = data.spec(tmp_path).partition(":")
    prepare = {"min_user_interactions": 0, "min_item_interactions": 0}
    domain = open_domain(parse_spec({"loader": loader, "folder": folder, "prepare": prepare})).domain
    assert domain.titles.to_pylist() == ["Heat (1995)"]


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", "..\\outside"])
def test_archives_do_not_write_outside(tmp_path, name):
    archive = tmp_path / "inner" / "bad.zip"
    archive.parent.mkdir()
    archive.write_bytes(zipped({name: "x"}))
    with refusal("archive", "bad.zip"):
        unpack(archive, archive.parent)
    assert [path.name for path in tmp_path.rglob("*")] == ["inner", "bad.zip"]


def test_bombs_and_damaged_archives_are_refused(tmp_path):
    bomb = tmp_path / "bomb.zip"
    bomb.write_bytes(zipped({"zeros": b"\0" * 10_000_000}))
    with refusal("archive", "bomb.zip"):
        unpack(bomb, tmp_path)
    bomb.write_bytes(bomb.read_bytes()[:-50])
    with refusal("damaged", "bomb.zip"):
        unpack(bomb, tmp_path)


def test_what_only_a_person_can_get_says_where_and_whereto(tmp_path):
    with pytest.raises(InputError) as caught:
        fetch_data(find_data("yelp"), tmp_path)
    assert "https://business.yelp.com" in str(caught.value.hint)
    assert str(tmp_path) in str(caught.value.hint)
    assert "yelp_academic_dataset_review.json" in str(caught.value.hint)


def test_the_catalogue_is_whole():
    for entry in known_data():
        assert find_loader(entry.loader)
        assert entry.licence
        assert entry.size
        assert entry.page.startswith("http")
        assert bool(entry.urls) != bool(entry.by_hand)
        assert ("{category}" in "".join(entry.urls)) == bool(entry.categories)
    assert len({entry.name for entry in known_data()}) == len(known_data())


def test_categories():
    toys = find_data("amazon2014/Toys_and_Games")
    assert toys.urls[1].endswith("/meta_Toys_and_Games.json.gz")
    assert toys.spec(Path("data")) == "amazon2014:data"
    with refusal("public-data", "data set", about="'Toys_and_Games'"):
        find_data("amazon2014/Toys_and_Game")
    with refusal("public-data", "data set", about="'amazon2014'"):
        find_data("amazon2014")
    with refusal("public-data", "data set", about="'ml-1m'"):
        find_data("ml1m")
    with refusal("public-data", "data set", about="'Drama'"):
        find_data("ml-1m/Drama")
