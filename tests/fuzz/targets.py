"""What is fuzzed: each target takes bytes and ends in a value or an `InputError`, never in anything else."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from domains.errors import InputError
from domains.open_domain import open_domain, parse_spec
from domains.storage import load_domain
from recipes.load import check_recipe, read_mapping
from transfer.files import read_json, read_sealed, read_tensors
from transfer.report.run_record import RunRecord
from transfer.runs.artifact import FILES, FORMAT_VERSION
from transfer.runs.artifact_files import write_manifest
from transfer.runs.sharing import open_any
from vocab.settings import VocabularySettings
from vocab.vocabulary import SememeVocabulary

FIXTURE = Path(__file__).parents[1] / "fixtures" / "format-3"


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


def artifact(data: bytes) -> None:
    """A domain folder of which one file is replaced: the first byte says which."""
    if not data:
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(FIXTURE / "target" / "domain", Path(folder) / "domain"))
        files = sorted(copy.iterdir())
        chosen = files[data[0] % len(files)]
        whole = bytearray(chosen.read_bytes())
        for place, value in zip(data[1::3], data[2::3], strict=False):
            whole[(place * 257 + value) % len(whole)] ^= value
        chosen.write_bytes(whole)
        _or_refused(lambda: load_domain(copy))


def source(data: bytes) -> None:
    """The config of a source artifact, listed in the manifest as its author would."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(FIXTURE / "source", Path(folder) / "source"))
        (copy / "config.json").write_bytes(data)
        write_manifest(copy, FILES)
        _or_refused(lambda: open_any(copy))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "titles": titles,
    "table": table,
    "domain": artifact,
    "source": source,
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
    "domain": [b"\x01\x02\x03\x04\x05\x06"],
    "source": [
        (FIXTURE / "source" / "config.json")
        .read_bytes()
        .replace(b'"format_version": 3', f'"format_version": {FORMAT_VERSION}'.encode())
    ],
    "recipe": [b"sources: [books]\ntarget: films\n", b"encoder: {dim: 64}\nsources: books\nseeds: [0, 1]\n"],
    "json": [b'{"a": [1, 2.5, null, "x"]}'],
    "metrics": [(FIXTURE / "target" / "metrics.json").read_bytes()],
    "tensors": [(FIXTURE / "target" / "items.safetensors").read_bytes()],
    "checkpoint": [(FIXTURE / "target" / "items.safetensors").read_bytes()],
    "vocabulary": [(FIXTURE / "source" / "vocabulary.json").read_bytes()],
}
"""Good inputs of each target, which fuzzing begins with."""
