"""`transfer domains`: what is listed and shown, and a download that asks first."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from cli_cases import run_command

import domains.public_data
from domains.loaders.loader import loader_names
from domains.open_domain import parse_spec
from domains.public_data import PublicData, known_data


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A public data set `toys` on a server of this machine; the working folder is empty."""
    shelf, work = tmp_path / "shelf", tmp_path / "work"
    shelf.mkdir()
    work.mkdir()
    (shelf / "toys.inter").write_text("user_id:token\titem_id:token\ttimestamp:float\nu\ti\t1400000000\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(shelf)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/toys.inter"
    entry = PublicData(
        name="toys",
        title="Toys of all kinds",
        licence="free as in [air]",
        size="some MB",
        page="https://toys.example",
        loader="recbole",
        urls=(url,),
    )
    monkeypatch.setattr(domains.public_data, "CATALOGUE", (*domains.public_data.CATALOGUE, entry))
    monkeypatch.chdir(work)
    yield shelf
    server.shutdown()
    server.server_close()


def test_list_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(run_command(capsys, "domains", "list", "--json").out)
    assert listed["bundled"] == ["books", "films"]
    assert [entry["name"] for entry in listed["public"]] == [entry.name for entry in known_data()]
    assert [entry["name"] for entry in listed["loaders"]] == list(loader_names())
    shown = run_command(capsys, "domains", "list").out
    for name in ("books", "ml-32m", "amazon2018/CATEGORY", "huggingface"):
        assert name in shown


def test_show_a_bundled_domain(capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(run_command(capsys, "domains", "show", "films", "--json").out)["bundled"]
    assert (shown["users"], shown["items"], shown["interactions"]) == (2000, 1524, 43913)


def test_show_a_category_and_a_name_that_is_both_data_and_format(capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(run_command(capsys, "domains", "show", "amazon2018/Video_Games", "--json").out)
    assert all("Video_Games" in url for url in shown["public"]["files"])
    assert set(shown["loader"]["options"]) == {"folder", "reviews", "metadata"}
    text = run_command(capsys, "domains", "show", "movielens").out
    assert "movielens:FOLDER" in text


@pytest.mark.parametrize("name", sorted({*loader_names(), *(data.name for data in known_data())}))
def test_what_show_writes_for_a_recipe_is_understood(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for found in json.loads(run_command(capsys, "domains", "show", name, "--json").out).values():
        written = yaml.safe_load(found["recipe"].replace("bundled:DATASET", "bundled:books"))
        assert parse_spec(written).loader in loader_names()


def test_fetch_shows_licence_and_size_and_keeps_a_checksum(toys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_command(capsys, "domains", "fetch", "toys", "--yes")
    assert result.code == 0, result.err
    assert "free as in [air]" in result.err
    assert "0.0 MB" in result.err
    content = (toys / "toys.inter").read_bytes()
    assert Path("data/toys/toys.inter").read_bytes() == content
    assert hashlib.sha256(content).hexdigest() in result.out
    assert "target: recbole:data/toys" in result.out


def test_fetch_asks_where_somebody_is_and_takes_no_for_an_answer(
    toys: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = run_command(capsys, "domains", "fetch", "toys")
    assert alone.code == 2
    assert "Give --yes" in alone.err
    asked: list[str] = []

    def answer(question: str, **_: object) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr("transfer.cli.options.at_terminal", lambda: True)
    monkeypatch.setattr("typer.confirm", answer)
    refused = run_command(capsys, "domains", "fetch", "toys")
    assert refused.code == 1
    assert asked == ["Download it into data/toys?"]
    assert "free as in" in refused.err
    assert not Path("data").exists()


def test_fetch_into_another_folder_as_json(toys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_command(capsys, "domains", "fetch", "toys", "--to", "here", "--yes", "--json")
    fetched = json.loads(result.out)
    assert fetched["spec"] == "recbole:here"
    assert [file["name"] for file in fetched["files"]] == ["toys.inter"]
    assert fetched["files"][0]["bytes"] == (toys / "toys.inter").stat().st_size
