"""What is fuzzed: each target takes bytes and ends in a value or an `InputError`, never in anything else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from domains.errors import InputError
from domains.open_domain import open_domain, parse_spec
from domains.storage import load_domain
from recipes.load import check_recipe, read_mapping
from transfer.files import read_json, read_sealed, read_tensors, write_sealed
from transfer.report.run_record import RunRecord
from transfer.runs.artifact import FILES
from transfer.runs.artifact_files import write_manifest
from transfer.runs.sharing import open_any
from vocab.settings import VocabularySettings
from vocab.vocabulary import SememeVocabulary

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format-4"


def _in_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], None]:
    def target(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            _or_refused(lambda: read(path))

    return target


def _or_refused(work: Callable[[], object]) -> None:
    try:
        work()
    except InputError as error:
        if not error.problem or len(str(error)) > 5000:
            raise AssertionError(f"a message of {len(str(error))} characters") from error


def titles(data: bytes) -> None:
    """A vocabulary over titles of any characters, and titles mapped to it."""
    lines = data.decode("utf-8", "replace").split("\n")
    settings = VocabularySettings(min_items=1)
    _or_refused(lambda: SememeVocabulary.build({"one": lines}, settings).encode(lines[::-1]))


def table(data: bytes) -> None:
    """A table of interactions."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "acts.csv"
        path.write_bytes(b"user_id,item_id,timestamp,title\n" + data)
        prepare = {"min_user_interactions": 0, "min_item_interactions": 0, "missing_titles": "keep"}
        spec = {"interactions": str(path), "items": str(path), "prepare": prepare}
        _or_refused(lambda: open_domain(parse_spec(spec)))


def domain(data: bytes) -> None:
    """A domain folder with one damaged file: the first byte says which."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(FIXTURE / "target" / "domain", Path(folder) / "domain"))
        _damage_one(copy, data)
        _or_refused(lambda: load_domain(copy))


def artifact(data: bytes) -> None:
    """A run with one damaged file, listed in the manifest as its author would: the first byte says which."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(FIXTURE / "target", Path(folder) / "target"))
        _damage_one(copy, data)
        write_manifest(copy, FILES)
        _or_refused(lambda: open_any(copy))


def _damage_one(folder: Path, data: bytes) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    chosen = files[data[0] % len(files)] if data else files[0]
    whole = bytearray(chosen.read_bytes())
    for place, value in zip(data[1::3], data[2::3], strict=False):
        whole[(place * 257 + value) % len(whole)] ^= value
    chosen.write_bytes(whole)


def _in_artifact(kind: str, name: str) -> Callable[[bytes], None]:
    """Return a target that replaces a file of an artifact and lists it in the manifest as its author would."""

    def target(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(FIXTURE / kind, Path(folder) / kind))
            (copy / name).write_bytes(data)
            write_manifest(copy, FILES)
            _or_refused(lambda: open_any(copy))

    return target


@cache
def _service() -> Any:
    from transfer.serving.service import Service

    return Service(FIXTURE / "target")


def request(data: bytes) -> None:
    """The body of a request to the service, behind the web framework."""
    from transfer.serving.service import Question

    try:
        question = Question.model_validate_json(data)
    except ValidationError:
        return
    (answer,) = _service().answer_all([question])
    if isinstance(answer, InputError):
        _or_refused(lambda: _raise(answer))
    else:
        answer.model_dump_json()
    _or_refused(lambda: _service().explain_all([question]))


def _raise(error: InputError) -> None:
    raise error


def _sealed() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sealed.safetensors"
        write_sealed(path, {"weights": torch.arange(6.0)}, {"state": "{}"})
        return path.read_bytes()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "titles": titles,
    "table": table,
    "domain": domain,
    "artifact": artifact,
    "source": _in_artifact("source", "config.json"),
    "config": _in_artifact("target", "config.json"),
    "items": _in_artifact("target", "items.safetensors"),
    "weights": _in_artifact("target", "model.safetensors"),
    "request": request,
    "recipe": _in_file("recipe.yaml", lambda path: check_recipe(read_mapping(path), path)),
    "json": _in_file("file.json", read_json),
    "metrics": _in_file("metrics.json", RunRecord.read),
    "tensors": _in_file("file.safetensors", read_tensors),
    "checkpoint": _in_file("file.safetensors", read_sealed),
    "vocabulary": _in_file("vocabulary.json", SememeVocabulary.load),
}

SEEDS: dict[str, list[bytes]] = {
    "titles": [b"The dragon castle\nRobots of winter", "\u202eevil \x1b[31m \u65e5\u672c".encode()],
    "table": [b"u,a,1,Dragon\nu,b,2,Robot\nv,a,3,Dragon\n"],
    "domain": [b"\x01\x00\x00", b"\x02\x00\x00", b"\x03\x00\x00", b"\x04\x00\x00"],
    "artifact": [bytes([number, 0, 0, 0, 0, 0]) for number in range(12)],
    "source": [(FIXTURE / "source" / "config.json").read_bytes()],
    "config": [(FIXTURE / "target" / "config.json").read_bytes()],
    "items": [(FIXTURE / "target" / "items.safetensors").read_bytes()],
    "weights": [(FIXTURE / "target" / "model.safetensors").read_bytes()],
    "request": [
        b'{"history": ["g0", "dragon"], "count": 5, "allow_seen": true, "only_items": ["g1", "g2"]}',
        b'{"user": "u1", "count": 3}',
        b'{"interests": ["dragon"], "count": 3}',
    ],
    "recipe": [b"sources: [books]\ntarget: films\n", b"encoder: {dim: 64}\nsources: books\nseeds: [0, 1]\n"],
    "json": [b'{"a": [1, 2.5, null, "x"]}'],
    "metrics": [(FIXTURE / "target" / "metrics.json").read_bytes()],
    "tensors": [(FIXTURE / "target" / "items.safetensors").read_bytes()],
    "checkpoint": [_sealed()],
    "vocabulary": [(FIXTURE / "source" / "vocabulary.json").read_bytes()],
}
"""Good inputs of each target, which fuzzing begins with."""
