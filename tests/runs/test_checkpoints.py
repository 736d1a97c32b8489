"""Finished variants are read back as they were, those of another plan are an error, files are written atomically."""

from __future__ import annotations

import errno
import json
import os

import numpy as np
import pytest
import torch
from refusals import refusal

from domains.disk import cannot_write, whole_folder
from transfer.evaluation.ranking import Ranking
from transfer.files import JsonLines, read_json, read_tensors, replacing, write_json, write_tensors, write_text
from transfer.runs.checkpoints import Checkpoints, FinishedVariant
from transfer.runtime import Runtime
from transfer.training.epochs import Saved

PLAN = {"settings": {"dim": 8, "list": [1, 2]}, "domain": "abc"}


def ranking(seed=0, top=True):
    generator = np.random.default_rng(seed)
    parts = [generator.integers(0, 50, 6) for _ in range(7)]
    names = ("users", "sampled", "full", "sampled_candidates", "full_candidates", "full_all", "full_all_candidates")
    found = dict(zip(names if top else names[:5], parts, strict=False))
    return Ranking(**found, recommended=generator.integers(0, 50, (6, 3)) if top else None)


def finished(seed=0):
    generator = torch.Generator().manual_seed(seed)
    weights = {"items.table": torch.randn(3, 2, generator=generator), "count": torch.tensor(4)}
    return FinishedVariant(weights, {"validation": ranking(seed, top=False), "test": ranking(seed + 1)})


def same(left, right):
    assert left.weights.keys() == right.weights.keys()
    assert all(torch.equal(left.weights[name], right.weights[name]) for name in left.weights)
    for stage in ("validation", "test"):
        ours, theirs = left.rankings[stage], right.rankings[stage]
        for field in (
            "users",
            "sampled",
            "full",
            "sampled_candidates",
            "full_candidates",
            "recommended",
            "full_all",
            "full_all_candidates",
        ):
            np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))


def test_pieces_come_back_in_another_process(tmp_path):
    first = Checkpoints(tmp_path, PLAN)
    assert first.get("sasrec+ipe", 0) is None
    first.keep("sasrec+ipe", 0, finished())
    first.keep("sasrec+ipe", 1, finished(5))
    again = Checkpoints(tmp_path, dict(reversed(PLAN.items())))
    same(again.get("sasrec+ipe", 0), finished())
    same(again.get("sasrec+ipe", 1), finished(5))
    assert again.get("sasrec", 0) is None
    assert again.get("sasrec+ipe", 2) is None


def test_a_baseline_has_no_weights(tmp_path):
    checkpoints = Checkpoints(tmp_path, PLAN)
    kept = FinishedVariant({}, finished().rankings)
    checkpoints.keep("popular", 0, kept)
    same(checkpoints.get("popular", 0), kept)
    assert checkpoints.get("popular", 0).threads is None


def test_the_number_of_threads_is_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path, PLAN)
    checkpoints.keep("popular", 0, FinishedVariant({}, finished().rankings, threads=3))
    assert checkpoints.get("popular", 0).threads == 3


def test_parts_are_kept_apart(tmp_path):
    checkpoints = Checkpoints(tmp_path, PLAN)
    checkpoints.keep_weights("sasrec", 0, "base", {"a": torch.ones(2)})
    assert checkpoints.get("sasrec", 0) is None
    assert checkpoints.weights("sasrec", 0, "base")["a"].tolist() == [1, 1]
    assert checkpoints.weights("sasrec", 1, "base") is None


def test_the_second_phase_goes_on_where_the_first_is_forgotten(tmp_path):
    """A variant that is its own base, such as SASRec, reads the finished base first, and removes its checkpoint."""
    checkpoints = Checkpoints(tmp_path, PLAN)
    for number, phase in enumerate(("base", "variant")):
        state = Saved({"a": torch.full((2,), float(number))}, {"epoch": number})
        checkpoints.checkpoint("sasrec", 0, phase).save(state)
    checkpoints.forget("sasrec", 0, "base")
    assert checkpoints.checkpoint("sasrec", 0, "base").load() is None
    left = checkpoints.checkpoint("sasrec", 0, "variant").load()
    assert (left.tensors["a"].tolist(), left.facts) == ([1, 1], {"epoch": 1})


@pytest.mark.parametrize(
    "other", [{**PLAN, "domain": "abd"}, {**PLAN, "more": 1}, {**PLAN, "settings": {"dim": 9, "list": [1, 2]}}]
)
def test_a_folder_of_another_plan_is_refused(tmp_path, other):
    Checkpoints(tmp_path, PLAN)
    with refusal("run-differs", about="--out"):
        Checkpoints(tmp_path, other)


def test_only_the_first_process_writes(tmp_path):
    other = Checkpoints(tmp_path, PLAN, Runtime(rank=1))
    other.keep("sasrec", 0, finished())
    assert list(tmp_path.rglob("*")) == []
    Checkpoints(tmp_path, PLAN).keep("sasrec", 0, finished())
    same(other.get("sasrec", 0), finished())


def test_a_block_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [found.name for found in path.parent.iterdir()] == ["a.txt"]


def test_who_reads_the_old_file_goes_on_reading_the_old_file(tmp_path):
    write_text(tmp_path / "a.txt", "old and long")
    with (tmp_path / "a.txt").open() as reader:
        write_text(tmp_path / "a.txt", "new")
        assert reader.read() == "old and long"
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with refusal("not-writable", "a.txt", about="name another place") as caught:
        write_text(tmp_path / "file" / "a.txt", "text")
    assert "file" in str(caught.value.location)


def test_a_link_stays_and_the_file_that_it_points_to_is_replaced(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "link").symlink_to("a.txt")
    (tmp_path / "dangling").symlink_to("new.txt")
    for name in ("link", "dangling"):
        write_text(tmp_path / name, "new")
        assert (tmp_path / name).is_symlink()
    assert (tmp_path / "a.txt").read_text() == (tmp_path / "new.txt").read_text() == "new"
    (tmp_path / "loop").symlink_to("loop")
    with refusal("not-writable", "loop", about="link"):
        write_text(tmp_path / "loop", "new")
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder").symlink_to("empty")
    with whole_folder(tmp_path / "folder") as unfinished:
        unfinished.mkdir()
        (unfinished / "a.txt").write_text("new")
    assert (tmp_path / "folder").is_symlink()
    assert (tmp_path / "empty" / "a.txt").read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="needs a named pipe")
def test_a_pipe_is_refused_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with refusal("not-writable", "pipe", about="Name a file"):
        write_text(tmp_path / "pipe", "new")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.ENOSPC, "Free space"), (errno.ENOTDIR, "is a file"), (errno.EISDIR, "is a folder")]
)
def test_the_hint_fits_what_went_wrong(tmp_path, number, advice):
    hint = cannot_write(OSError(number, "so"), tmp_path).hint or ""
    assert advice in hint
    assert ("space" in hint) == (number == errno.ENOSPC)


def test_json_is_readable_and_has_no_nan(tmp_path):
    write_json(tmp_path / "a.json", {"film": "Amélie", "n": 1.5})
    assert "Amélie" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {"film": "Amélie", "n": 1.5}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "b.json", {"n": float("nan")})
    assert not (tmp_path / "b.json").exists()


def test_tensors_come_back_bit_by_bit(tmp_path):
    given = {"half": torch.randn(3).half(), "view": torch.arange(12).view(3, 4).t(), "empty": torch.empty(0, 2)}
    write_tensors(tmp_path / "a.safetensors", given)
    found = read_tensors(tmp_path / "a.safetensors")
    assert all(torch.equal(found[name], given[name]) and found[name].dtype == given[name].dtype for name in given)


@pytest.mark.parametrize("content", [b"", b"not a tensor file at all", b"\xff" * 100])
def test_damaged_files_are_named(tmp_path, content):
    path = tmp_path / "damaged"
    path.write_bytes(content)
    for read in (read_json, read_tensors):
        with refusal("run-damaged", "damaged"):
            read(path)
        with refusal("no-file", "missing"):
            read(tmp_path / "missing")


def test_the_log_is_one_object_a_line(tmp_path):
    log = JsonLines(tmp_path / "runs" / "training.jsonl")
    log({"epoch": 1, "note": "ä\nb"})
    JsonLines(tmp_path / "runs" / "training.jsonl", fresh=False)({"epoch": 2})
    lines = (tmp_path / "runs" / "training.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
    JsonLines(tmp_path / "runs" / "training.jsonl")
    assert not (tmp_path / "runs" / "training.jsonl").exists()
