"""A full disk, wherever it strikes: one message, exit code 2, nothing half-written, and what is finished survives."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from cli_cases import run_command, write_pair, write_recipe
from experiment_cases import write_experiment
from experiment_cases import write_recipe as write_small_recipe
from refusals import refusal
from transfer_cases import small_domain

from domains import disk, storage
from domains.errors import InputError
from domains.storage import load_domain, save_domain
from recipes.load import load_recipe
from transfer.diffusion.s2idm import _mapped
from transfer.files import JsonLines, read_json, read_sealed, read_tensors, write_json, write_sealed, write_tensors
from transfer.runs.pipeline import source_from, target_from
from transfer.runs.plan import make_plan
from transfer.runs.sharing import verify
from transfer.runtime import Runtime
from transfer.serving import export


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs and a function that sets its size in KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.name != "posix" or os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount")

    def resize(size):
        subprocess.run(["mount", "-o", f"remount,size={size}k", str(folder)], check=True)

    yield folder, resize
    subprocess.run(["umount", "-l", str(folder)], check=True)


def unfinished(folder):
    return [path for path in folder.rglob(".*") if path.name != ".lock"]


def test_a_run_on_a_disk_that_fills_up_again_and_again(small_disk, tmp_path, capsys, monkeypatch):
    disk, resize = small_disk
    monkeypatch.setenv("TRANSFER_CHECKPOINT_SECONDS", "0")
    write_pair(tmp_path)
    recipe = write_recipe(tmp_path / "tiny.yaml", variants=["popular", "sasrec"])
    arguments = ("run", recipe, "--out", disk / "out")
    # Full after: nothing, the vocabulary, a checkpoint, weights, pieces, the domain, the items, ...
    sizes = (4, 40, 100, 200, 300, 400, 500, 600, 700, 800, 1000, 1300, 1700, 2200)
    failed = 0
    for size in sizes:
        resize(size)
        done = run_command(capsys, *arguments)
        if done.code == 0:
            break
        failed += 1
        assert done.code == 2, done.err
        assert "Traceback" not in done.err
        assert done.err.count("Error") == 1, done.err
        assert "No space left" in done.err or "cannot be written" in done.err, done.err
        assert unfinished(disk) == []
    assert failed >= 5
    resize(20_000)
    assert run_command(capsys, *arguments).code == 0
    assert verify(disk / "out" / "source") == []
    assert verify(disk / "out" / "target") == []


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A recipe, an experiment, and a finished run of made-up domains."""
    folder = tmp_path_factory.mktemp("made")
    write_experiment(folder)
    recipe = write_small_recipe(folder, variants=["popular", "sasrec"])
    loaded = load_recipe(recipe)
    source = source_from(make_plan(loaded), folder / "run" / "source", Runtime())
    target_from(make_plan(loaded, source), source, folder / "run" / "target", Runtime())
    return folder


POINTS = {
    "fit-source": (1, 3, 5),
    "adapt-target": (1, 6, 14),
    "run": (3, 20),
    "recommend": (1,),
    "export": (1, 3, 4),
    "prepare": (1, 3, 9),
    "share": (1, 5, 12),
    "experiment": (1, 8, 20),
    "report": (1,),
    "init": (1,),
}
"""Files of each command, counted as they are flushed, at which the disk is full."""


def arguments_of(command, made, out):
    recipe, run = made / "tiny.yaml", made / "run"
    return {
        "fit-source": ("fit-source", recipe, "--out", out),
        "adapt-target": ("adapt-target", run / "source", recipe, "--out", out),
        "run": ("run", recipe, "--out", out),
        "recommend": ("recommend", run / "target", "--users", "all", "--out", out / "all.parquet"),
        "export": ("export", run / "target", "--variant", "sasrec", "--to", "torch", "--out", out),
        "prepare": ("prepare", recipe, "--out", out, "--partitions", "2"),
        "share": ("share", run / "target", out),
        "experiment": ("experiment", made / "trial.yaml", "--workers", "1", "--out", out),
        "report": ("experiment", made / "trial.yaml", "--workers", "1", "--out", out),
        "init": (
            "init",
            "mine",
            "--interactions",
            made / "plays.csv",
            "--items",
            made / "plays-items.csv",
            "--out",
            out / "mine.yaml",
        ),
    }[command]


@pytest.mark.parametrize("command", POINTS)
def test_a_full_disk_at_any_write(command, made, tmp_path, capsys, monkeypatch):
    """Counted points, so that what is written at each is known to fail, whatever the size of the files."""
    flush, left = disk.flush, [0]
    end = "report.html" if command == "report" else ""

    def counted(path):
        if path.is_relative_to(tmp_path) and end in path.name:
            left[0] -= 1
            if left[0] <= 0:
                no_space()
        flush(path)

    monkeypatch.setattr(disk, "flush", counted)
    monkeypatch.setattr(storage, "flush", counted)
    monkeypatch.setattr(export, "_write_graph", lambda graph, file, *_: write_json(file, {}))
    arguments = arguments_of(command, made, tmp_path / "out")
    for point in POINTS[command]:
        left[0] = point
        done = run_command(capsys, *arguments)
        assert (done.code, left[0] <= 0) == (2, True), done.err
        assert "Traceback" not in done.err
        assert [line[:6] for line in done.err.splitlines() if line.startswith("Error")] == ["Error "], done.err
        assert "No space left" in done.err
        assert unfinished(tmp_path) == []
    left[0] = 10_000
    done = run_command(capsys, *arguments)
    assert done.code == 0, done.err


def test_twenty_write_points_are_tried():
    assert sum(map(len, POINTS.values())) >= 20


WRITERS = {
    "json": (lambda path, n: write_json(path, {"n": n}), lambda path: read_json(path)["n"]),
    "tensors": (
        lambda path, n: write_tensors(path, {"n": torch.tensor(n)}),
        lambda path: int(read_tensors(path)["n"]),
    ),
    "sealed": (
        lambda path, n: write_sealed(path, {"n": torch.tensor(n)}),
        lambda path: int(read_sealed(path)[0]["n"]),
    ),
}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("point", ["flush", "flush_folder"])
def test_a_file_is_the_old_or_the_new_one(tmp_path, monkeypatch, kind, point):
    write, read = WRITERS[kind]
    path = tmp_path / "file"
    write(path, 1)
    monkeypatch.setattr(disk, point, no_space)
    with pytest.raises(InputError) as caught:
        write(path, 2)
    assert caught.value.code == "disk-full"
    assert caught.value.location == str(path)
    assert read(path) == (1 if point == "flush" else 2)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_saved_domain_is_the_old_or_the_new_one(tmp_path, monkeypatch):
    old, new = small_domain([[0, 1, 2]]), small_domain([[2, 1, 0]])
    save_domain(old, tmp_path / "domain")
    monkeypatch.setattr(storage, "save_array", no_space)
    with refusal("disk-full"):
        save_domain(new, tmp_path / "domain")
    assert load_domain(tmp_path / "domain").fingerprint == old.fingerprint
    assert [p.name for p in tmp_path.iterdir()] == ["domain"]


def test_a_log_that_cannot_be_written_is_one_message(tmp_path, monkeypatch):
    log = JsonLines(tmp_path / "training.jsonl")
    monkeypatch.setattr(Path, "open", no_space)
    with pytest.raises(InputError) as caught:
        log({"stage": "a", "epoch": 1})
    assert caught.value.code == "disk-full"


def test_room_for_hidden_states_is_set_aside_before_they_are_written(small_disk):
    disk, _ = small_disk
    with pytest.raises(OSError, match="No space") as caught:
        _mapped(disk, 10_000, 100)
    assert caught.value.errno == errno.ENOSPC


def test_a_full_disk_in_any_other_place_is_one_message_too(capsys, monkeypatch):
    import transfer.cli.inspect

    monkeypatch.setattr(transfer.cli.main, "app", no_space)
    done = run_command(capsys, "inspect")
    assert (done.code, "No space left" in done.err) == (2, True)


def test_what_a_killed_process_left_of_a_file_is_removed_when_the_file_is_written_again(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    long_ago = time.time() - 2 * disk.ABANDONED_SECONDS

    def left(name: str, written: float = long_ago) -> str:
        (tmp_path / name).write_text("half")
        os.utime(tmp_path / name, (written, written))
        return name

    left(f".all.csv.{gone.pid}-7.part")
    kept = {
        left(f".all.csv.{gone.pid}-8.part", time.time()),  # perhaps of another machine
        left(f".all.csv.{os.getppid()}-7.part"),
        left(f".other.csv.{gone.pid}-7.part"),
        left(".all.csv.mine-7.part"),
    }
    with disk.replacing(tmp_path / "all.csv") as unfinished:
        unfinished.write_text("whole")
    assert {path.name for path in tmp_path.iterdir()} == {"all.csv", *kept}


def test_leftovers_of_killed_processes_are_swept(tmp_path):
    (tmp_path / "pieces").mkdir()
    (tmp_path / "pieces" / ".a.json.1-2.part").write_text("{")
    (tmp_path / ".domain.abc.writing").mkdir()
    (tmp_path / "kept.json").write_text("{}")
    disk.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["kept.json", "pieces"]
