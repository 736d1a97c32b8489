"""A stranger's artifact is data: whatever is wrong with it is one message with a code, before anything uses it."""

from __future__ import annotations

import ast
import json
import random
import shutil
from pathlib import Path

import pytest
import torch
from refusals import refusal
from safetensors.torch import load_file, save_file

from domains.errors import InputError, SettingsError
from recipes.load import check_recipe
from transfer.files import read_json, read_sealed, write_sealed
from transfer.runs.artifact import FILES
from transfer.runs.artifact_files import UNUSED, differences, write_manifest
from transfer.runs.sharing import accept, open_any, verify
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.target_run import TargetRun
from transfer.serving.opened import with_variant


@pytest.fixture
def target(tiny, tmp_path):
    return Path(shutil.copytree(tiny.target, tmp_path / "target"))


@pytest.fixture
def source(tiny, tmp_path):
    return Path(shutil.copytree(tiny.source, tmp_path / "source"))


def refused(folder, name="model.safetensors"):
    """The error of an artifact whose author listed the changed file in the manifest, as a stranger would."""
    write_manifest(folder, FILES)
    with pytest.raises(InputError) as caught:
        open_any(folder)
    assert name in str(caught.value.location)
    return caught.value


def with_tensor(folder, file, name, change):
    tensors = load_file(folder / file)
    new = change(tensors.get(name))
    if new is None:
        del tensors[name]
    else:
        tensors[name] = new.contiguous()
    save_file(tensors, folder / file)


def put(index, value):
    def change(tensor):
        tensor = tensor.clone()
        tensor.view(-1)[index] = value
        return tensor

    return change


ITEMS = [
    ("anchors.indices", put(0, 10**9)),
    ("anchors.indices", put(0, -1)),
    ("anchors.indices", lambda tensor: tensor.fill_(10**12)),
    ("anchors.indptr", put(1, 10**9)),
    ("anchors.indptr", put(0, 1)),
    ("anchors.indptr", put(-1, 0)),
    ("anchors.indptr", lambda tensor: tensor.flip(0)),
    ("anchors.indptr", lambda tensor: tensor[:-1]),
    ("anchors.data", put(0, float("nan"))),
    ("anchors.data", put(0, -1.0)),
    ("anchors.data", lambda tensor: tensor[1:]),
    ("anchors.data", lambda tensor: tensor.double()),
    ("anchors.columns", put(0, 10**15)),
    ("anchors.columns", put(0, 3)),
    ("anchors.columns", lambda _: None),
    ("popularity", lambda tensor: tensor[1:]),
    ("popularity", put(0, float("inf"))),
    ("popularity", lambda _: None),
    ("known", lambda _: torch.ones(3, dtype=torch.bool)),
    ("title_vectors", lambda _: torch.zeros(3, 4)),
    ("something", lambda _: torch.zeros(3)),
]


@pytest.mark.parametrize(("name", "change"), ITEMS)
def test_wrong_items_are_refused_before_scipy_sees_them(target, name, change):
    with_tensor(target, "items.safetensors", name, change)
    error = refused(target, "items.safetensors")
    assert error.code == "run-damaged"
    assert name.split(".")[0] in error.problem


WEIGHTS = [
    ("s2idm.denoiser.inner.weight", lambda tensor: tensor[:, 1:]),
    ("s2idm.denoiser.inner.weight", put(3, float("nan"))),
    ("s2idm.denoiser.inner.weight", lambda tensor: tensor.half()),
    ("s2idm.denoiser.inner.bias", lambda _: None),
    ("s2idm.denoiser.more", lambda _: torch.zeros(3)),
    ("elsewhere", lambda _: torch.zeros(3)),
]


@pytest.mark.parametrize(("name", "change"), WEIGHTS)
@pytest.mark.parametrize("kind", ["source", "target"])
def test_wrong_weights_are_refused(kind, name, change, request):
    folder = request.getfixturevalue(kind)
    with_tensor(folder, "model.safetensors", name, change)
    assert refused(folder).code == "run-damaged"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("model.items.channels.id.table.weight", lambda tensor: tensor[1:]),
        ("model.items.channels.id.table.weight", put(0, float("inf"))),
        ("model.terms.titles", lambda _: None),
        ("model.extra", lambda _: torch.zeros(2)),
    ],
)
def test_wrong_model_weights_of_a_run_are_refused(tiny, tmp_path, name, change):
    trained = tmp_path / "trained"
    with_variant(TargetRun.read(tiny.target), "sasrec").save_pretrained(trained)
    open_any(trained)
    with_tensor(trained, "model.safetensors", name, change)
    assert refused(trained).code == "run-damaged"


def stranger_piece(change_tensors=lambda _: None, **facts):
    def change(path):
        tensors, known = read_sealed(path)
        change_tensors(tensors)
        write_sealed(path, tensors, known | facts)

    return change


@pytest.mark.parametrize(
    "change",
    [
        stranger_piece(lambda tensors: tensors["model.items.channels.id.table.weight"].fill_(float("nan"))),
        stranger_piece(lambda tensors: tensors.update({"model.more": torch.zeros(2)})),
        stranger_piece(lambda tensors: tensors.pop("model.terms.titles")),
        stranger_piece(lambda tensors: tensors.pop("ranks.test.full")),
        stranger_piece(kept_epochs="[" * 5000),
        stranger_piece(kept_epochs='{"base": -1}'),
        stranger_piece(threads="9" * 5000),
    ],
)
def test_checkpoints_of_a_stranger_are_checked_like_weights(target, change):
    """They are not in the manifest: a run may go on and add to them."""
    change(target / "pieces" / "sasrec" / "seed-0.done.safetensors")
    run = TargetRun.read(target)
    with pytest.raises(InputError) as caught:
        with_variant(run, "sasrec")
    assert caught.value.code == "run-damaged"
    assert "seed-0.done" in str(caught.value.location)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("s2idm", "hidden"), 10**7),
        (("s2idm", "hidden"), 65_536),  # allowed, and not what the weights are of: nothing of that size is made
        (("s2idm", "steps"), 10**12),
        (("anchors",), "many"),
        (("recipe",), {}),
        (("recipe", "encoder", "max_length"), 10**12),
        (("recipe", "evaluation", "negatives"), 10**7),
        (("more",), 1),
    ],
)
def test_absurd_settings_of_a_source_are_refused(source, keys, value):
    config = json.loads((source / "config.json").read_text())
    place = config
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    (source / "config.json").write_text(json.dumps(config))
    write_manifest(source, FILES)
    with pytest.raises(InputError):
        SourceArtifact.read(source)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000 + "]" * 200_000,
        "[" * 100 + "]" * 100,
        '{"a": ' * 500 + "1" + "}" * 500,
        '{"a": ' + "9" * 5000 + "}",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": 1, "a": 1}',
        '{"a": "\\ud800"}',
        "",
        "\x00",
        "{'a': 1}",
    ],
)
def test_json_that_no_program_of_ours_wrote_is_refused(tmp_path, text):
    path = tmp_path / "metrics.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_json(path)
    assert (caught.value.code, caught.value.location) == ("run-damaged", str(path))
    assert len(str(caught.value)) < 400


def test_too_many_seeds_are_refused_at_once():
    with refusal("too-many", "test: seeds"):
        check_recipe({"sources": ["books"], "seeds": list(range(100_000))}, "test")


@pytest.mark.parametrize("kind", ["source", "target"])
def test_the_manifest_lists_every_file(kind, tiny):
    folder = getattr(tiny, kind)
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and "pieces" not in p.parts}
    assert set(listed) == there - {"manifest.json"}
    assert verify(folder) == []


@pytest.mark.parametrize("kind", ["source", "target"])
def test_every_flipped_byte_of_a_file_that_is_read_is_noticed(kind, request):
    folder = request.getfixturevalue(kind)
    draw = random.Random(0)
    for name in json.loads((folder / "manifest.json").read_text())["files"]:
        whole = (folder / name).read_bytes()
        if not whole:
            continue
        place, bit = draw.randrange(len(whole)), draw.randrange(8)
        (folder / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
        assert [(found.name, found.what) for found in differences(folder, FILES)] == [(name, "changed")]
        if name in UNUSED:
            open_any(folder)
        else:
            with pytest.raises(InputError):
                open_any(folder)
        (folder / name).write_bytes(whole)


def test_removed_and_added_files_are_named_and_can_be_accepted(target):
    (target / "metrics.json").rename(target / "elsewhere.json")
    with pytest.raises(InputError) as caught:
        TargetRun.read(target)
    assert caught.value.code == "file-missing"
    (target / "elsewhere.json").rename(target / "metrics.json")
    (target / "domain" / "more.npy").write_bytes(b"1")
    with pytest.raises(InputError) as caught:
        TargetRun.read(target)
    assert caught.value.code == "file-added"
    accept(target)
    assert verify(target) == []


def test_an_artifact_without_a_manifest_says_how_to_get_one(target):
    (target / "manifest.json").unlink()
    with pytest.raises(InputError) as caught:
        TargetRun.read(target)
    assert caught.value.code == "manifest-missing"
    assert f"transfer verify {target} --accept" in caught.value.hint
    accept(target)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "..\\b"])
def test_a_manifest_names_no_file_outside(target, name):
    manifest = json.loads((target / "manifest.json").read_text())
    manifest["files"][name] = manifest["files"]["config.json"]
    (target / "manifest.json").write_text(json.dumps(manifest))
    with refusal("run-damaged", "manifest.json"):
        TargetRun.read(target)


@pytest.mark.parametrize("name", ["training.jsonl", "unseen.json", "domain"])
def test_links_to_places_outside_are_refused(target, tmp_path, name):
    secret = tmp_path / "secret" / name
    secret.parent.mkdir()
    (target / name).rename(secret)
    (target / name).symlink_to(secret)
    with pytest.raises(InputError) as caught:
        TargetRun.read(target)
    assert caught.value.code == "link-outside"
    with pytest.raises(InputError):
        accept(target)


def test_links_of_the_cache_of_the_hub_are_followed(target, tmp_path):
    snapshot = tmp_path / "models--me--run" / "snapshots" / "abc"
    snapshot.parent.mkdir(parents=True)
    shutil.copytree(target, snapshot)
    blob = snapshot.parents[1] / "blobs" / "123"
    blob.parent.mkdir()
    (snapshot / "unseen.json").rename(blob)
    (snapshot / "unseen.json").symlink_to(Path("../../blobs/123"))
    assert verify(snapshot) == []


def test_offsets_of_strings_that_lead_elsewhere_are_refused(target):
    path = target / "domain" / "items.arrow"
    content = bytearray(path.read_bytes())
    draw = random.Random(1)
    for _ in range(40):
        damaged = bytearray(content)
        for _ in range(8):
            damaged[draw.randrange(len(damaged))] = 0xFF
        path.write_bytes(damaged)
        refused(target, "")


def test_a_damaged_header_of_numpy_is_refused(target):
    path = target / "domain" / "items.npy"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"}", b"{", 1))
    assert refused(target, "domain").problem


def test_a_key_of_5000_digits_is_not_shown_whole():
    with pytest.raises(SettingsError) as caught:
        check_recipe({"sources": ["books"], "encoder": {"9" * 5000: 1}}, "test")
    assert len(str(caught.value)) < 500


def test_nothing_is_unpickled_or_evaluated():
    forbidden = {"eval", "exec", "compile", "__import__"}
    root = Path(__file__).parents[2]
    for package in ("transfer", "domains", "vocab", "recipes"):
        for path in (root / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
                    assert not {"pickle", "marshal", "shelve", "dill", "joblib"} & {n.split(".")[0] for n in names}, (
                        path
                    )
                if isinstance(node, ast.Call):
                    called = node.func
                    assert not (isinstance(called, ast.Name) and called.id in forbidden), path
                    torch_load = isinstance(called, ast.Attribute) and ast.unparse(called) in {
                        "torch.load",
                        "yaml.load",
                    }
                    assert not torch_load, path
                    for keyword in node.keywords:
                        allows = keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False"
                        assert not allows, path
