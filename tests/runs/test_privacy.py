"""Artifacts hold no more of users than they say: sources nothing at all, shared copies neither."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from cli_cases import TINY, run_command
from safetensors.torch import load_file
from transfer_cases import random_histories, small_domain

import transfer
from domains.errors import InputError
from domains.storage import load_domain
from transfer.runs.sharing import share
from transfer.runs.target_run import TargetRun

USERS = 137
"""A prime that no size of a model has."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("private")
    words = ["dragon", "robot", "castle", "pirate", "garden", "winter", "rocket", "island"]
    titles = [f"{words[i % 8]} {words[(i // 8 + i + 1) % 8]}" for i in range(40)]
    domains = []
    for name, seed in (("books", 0), ("films", 1)):
        histories = random_histories(np.random.default_rng(seed), USERS, 40, 6, 9)
        domain = small_domain(histories, n_items=40, titles=titles, name=name)
        ids = [f"{name}-reader-{index:05d}@secret.example" for index in range(USERS)]
        domains.append(replace(domain, user_ids=pa.array(ids, pa.large_string())))
    settings = {
        **TINY,
        "source_encoder": {"channels": ["anchors"], "epochs": 2},
        "variants": ["sasrec"],
    }  # a product with weights
    source = transfer.fit([domains[0]], target=domains[1], out=folder / "source", settings=settings, device="cpu")
    transfer.adapt(source, domains[1], out=folder / "target", device="cpu")
    return folder, domains


def traces(folder, domain):
    """Where ids or histories of a domain's users stand in the files of a folder."""
    found = []
    ids = [user.encode() for user in domain.user_ids.to_pylist()]
    runs = [domain.history(user)[:5] for user in range(domain.n_users)]
    histories = [run.astype(kind).tobytes() for run in runs for kind in (np.int32, np.int64, np.float32)]
    histories += [", ".join(map(str, run.tolist())).encode() for run in runs]
    names = ["\x00".join(f"i{item}" for item in run).encode() for run in runs]
    for path in (path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found += [path.name for trace in (*ids, *histories, *names) if trace in content]
        if path.suffix == ".safetensors":
            sizes = {size for tensor in load_file(path).values() for size in tensor.shape}
            found += [path.name] if sizes & {USERS, USERS + 1, domain.n_interactions} else []
    return found


def test_the_scan_finds_users_where_they_are(made):
    folder, (_, films) = made
    assert {"users.arrow", "items.npy", "metrics.json"} <= set(traces(folder / "target", films))


def test_a_source_artifact_holds_nothing_of_any_user(made):
    folder, domains = made
    for domain in domains:
        assert traces(folder / "source", domain) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("name", ["source", "target"])
def test_new_run_folders_are_private_to_their_owner(made, name):
    assert stat.S_IMODE((made[0] / name).stat().st_mode) == 0o700


def test_the_readme_of_a_run_says_what_it_holds_of_users(made):
    text = (made[0] / "target" / "README.md").read_text()
    assert f"the ids of {USERS} users" in text
    for name in ("domain/", "pieces/", "metrics.json"):
        assert f"- `{name}`" in text


def test_a_shared_copy_holds_nothing_of_any_user_and_still_recommends(made, capsys, tmp_path):
    folder, (_, films) = made
    out = tmp_path / "copy"
    assert run_command(capsys, "share", folder / "target", out).code == 0
    assert traces(out, films) == []
    run, copied = (TargetRun.read(place) for place in (folder / "target", out))
    held = np.zeros((films.n_users, films.n_items), dtype=int)
    held[films.owners, films.items] = 1
    shared = held.T @ held
    for kept, whole in ((copied.companions, run.companions), (copied.taste, run.taste)):
        assert 0 < kept.nnz < whole.nnz
        assert (shared[kept.nonzero()] >= 3).all(), "a pair of fewer users tells of their histories"
    assert load_domain(out / "domain").n_users == 0
    assert json.loads((out / "metrics.json").read_text())["example_user"] == ""
    assert run_command(capsys, "verify", out).code == 0
    whole, copy = (transfer.load_run(place) for place in (folder / "target", out))
    history = [films.titles[0].as_py(), films.titles[1].as_py()]
    assert copy.recommend(history=history) == whole.recommend(history=history)
    listed = json.loads(run_command(capsys, "titles", out, "--json").out)
    counts = [row["interactions"] for row in listed]
    assert counts[0] > 0 and counts == sorted(counts, reverse=True), "the most popular first, also without users"
    assert "shared copy" in run_command(capsys, "recommend", out, "--user", "1").err
    assert run_command(capsys, "evaluate", out).code == 2
    with pytest.raises(InputError) as caught:
        share(TargetRun.read(folder / "target"), out)
    assert caught.value.code == "folder-in-use"
    again = run_command(capsys, "share", out, tmp_path / "again")
    assert again.code == 2
    assert "a shared copy already" in again.err


@pytest.mark.parametrize("label", ["matching", "popular"])
def test_late_terms_alone_serve_from_a_copy_without_users_and_counts_say_that_they_cannot(made, tmp_path, label):
    folder, (_, films) = made
    settings = {"variants": [label]}
    run = transfer.adapt(folder / "source", films, out=tmp_path / "run", settings=settings, device="cpu")
    share(run.target, tmp_path / "copy")
    copy = transfer.load_run(tmp_path / "copy")
    if label == "matching":
        assert copy.recommend(history=["i3", "i5"]) == run.recommend(history=["i3", "i5"])
        return
    with pytest.raises(InputError) as caught:
        copy.recommend(history=["i3", "i5"])
    assert caught.value.code == "run-without-users"
