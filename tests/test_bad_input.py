"""The table of what people do to recipes, commands and artifacts: each gets one message, exit code 2, and no ruins."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from cli_cases import TINY, run_command, table, write_recipe

from transfer.runs.artifact import FILES
from transfer.runs.artifact_files import write_manifest

ROOT = Path(__file__).parents[1]
NO_CORE = {"min_user_interactions": 0, "min_item_interactions": 0}
HARMLESS = {"plan.json", "training.jsonl"}
"""Files that an unfinished run may leave; they claim nothing."""
SOURCE_FILES = {"config.json", "model.safetensors", "vocabulary.json", "README.md"}


def relisted(artifact: Path) -> Path:
    """The artifact with its files listed as they are, as a stranger would: the manifest alone must not save us."""
    write_manifest(artifact, FILES)
    return artifact


class Workplace:
    """A folder with copies of the tiny pair, in which things are broken."""

    def __init__(self, folder: Path, tiny: Any) -> None:
        self.folder, self.tiny = folder, tiny
        for path in tiny.recipe.parent.glob("*.parquet"):
            shutil.copy(path, folder)

    def recipe(self, **changes: Any) -> Path:
        return write_recipe(self.folder / "mine.yaml", **changes)

    def text(self, content: str | bytes, name: str = "mine.yaml") -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def source(self) -> Path:
        return Path(shutil.copytree(self.tiny.source, self.folder / "source"))

    def target(self) -> Path:
        return Path(shutil.copytree(self.tiny.target, self.folder / "target"))

    def edited(self, artifact: Path, name: str, edit: Callable[[Any], Any]) -> Path:
        """The artifact with a JSON file of it changed."""
        data = json.loads((artifact / name).read_text(encoding="utf-8"))
        edit(data)
        (artifact / name).write_text(json.dumps(data), encoding="utf-8")
        return relisted(artifact)

    def cut(self, artifact: Path, name: str) -> Path:
        """The artifact with half of a file missing."""
        content = (artifact / name).read_bytes()
        (artifact / name).write_bytes(content[: len(content) // 2])
        return relisted(artifact)

    def without(self, artifact: Path, name: str) -> Path:
        (artifact / name).unlink()
        return relisted(artifact)

    def frames(self, change: Callable[[pl.DataFrame], pl.DataFrame], name: str = "films") -> None:
        """Change a Parquet file."""
        change(pl.read_parquet(self.folder / f"{name}.parquet")).write_parquet(self.folder / f"{name}.parquet")


Arrange = Callable[[Workplace], list[Any]]


@dataclass(frozen=True)
class Case:
    """What is done, and what the message must hold: the location, the problem, the hint."""

    what: str
    arrange: Arrange
    place: str
    problem: str
    hint: str


def run(**changes: Any) -> Arrange:
    """`transfer run` of a recipe with some keys changed."""
    return lambda place: ["run", place.recipe(**changes), "--out", "out"]


def run_text(content: str | bytes) -> Arrange:
    """`transfer run` of a recipe with this text."""
    return lambda place: ["run", place.text(content), "--out", "out"]


def option(*options: str) -> Arrange:
    """`transfer run` of the tiny recipe with more options."""
    return lambda place: ["run", place.recipe(), "--out", "out", *options]


def adapt(artifact: Callable[[Workplace], Path], **changes: Any) -> Arrange:
    """`transfer adapt-target` of an artifact."""
    return lambda place: ["adapt-target", artifact(place), place.recipe(**changes), "--out", "out"]


def recommend(artifact: Callable[[Workplace], Path]) -> Arrange:
    """`transfer recommend` from an artifact."""
    return lambda place: ["recommend", artifact(place), "--history", "Gravity"]


def ask(*options: str) -> Arrange:
    """`transfer recommend` from an intact run."""
    return lambda place: ["recommend", place.tiny.target, *options]


def ask_new(given: str, folder: str | None = None) -> Arrange:
    """`transfer recommend` with new items from an intact run, in a place that may hold an empty folder."""

    def arrange(place: Workplace) -> list[Any]:
        if folder is not None:
            (place.folder / folder).mkdir()
        return ask("--user", "1", "--new-items", given)(place)

    return arrange


def two_interactions(place: Workplace) -> list[Any]:
    place.frames(lambda acts: acts.filter((pl.col("user_id") != "0") | (pl.int_range(pl.len()).over("user_id") < 2)))
    return run(target=table("films", prepare=NO_CORE))(place)


def foreign_titles(place: Workplace) -> list[Any]:
    path = place.folder / "films-items.parquet"
    items = pl.read_parquet(path)
    items.select("item_id", title=pl.lit("Ъъъ") + pl.col("item_id")).write_parquet(path)
    return adapt(lambda p: p.tiny.source)(place)


def two_at_most(place: Workplace) -> list[Any]:
    place.frames(lambda acts: acts.filter(pl.int_range(pl.len()).over("user_id") < 2))
    return run(target=table("films", prepare=NO_CORE), evaluation={"short_users": "train"})(place)


def no_title(place: Workplace) -> list[Any]:
    path = place.folder / "films-items.parquet"
    pl.read_parquet(path).with_columns(title=pl.lit("")).write_parquet(path)
    return run()(place)


def no_categories(place: Workplace) -> list[Any]:
    path = place.folder / "films-items.parquet"
    pl.read_parquet(path).drop("categories").write_parquet(path)
    return run(variants=["sasrec+categories"])(place)


def no_user_column(place: Workplace) -> list[Any]:
    place.frames(lambda acts: acts.rename({"user_id": "who"}))
    return run()(place)


def circle(place: Workplace) -> list[Any]:
    place.text("extends: b.yaml\n", "a.yaml")
    place.text("extends: a.yaml\n", "b.yaml")
    return ["run", place.folder / "a.yaml"]


def other_vocabulary(place: Workplace) -> Path:
    config = {"vocabulary_fingerprint": "0" * 64}
    return place.edited(place.source(), "config.json", lambda data: data.update(config))


def other_word(data: dict[str, Any]) -> None:
    data["anchors"]["zzzz"] = data["anchors"].pop(next(iter(data["anchors"])))


def target_kept(place: Workplace) -> list[Any]:
    return ["adapt-target", place.tiny.source, place.recipe(prompts={"count": 2}), "--out", place.target()]


def two_files(place: Workplace, acts: str, items: str) -> list[Any]:
    place.text(acts, "acts.csv")
    place.text(items, "items.csv")
    return ["init", "shop", "--interactions", place.folder / "acts.csv", "--items", place.folder / "items.csv"]


def untitled(place: Workplace) -> list[Any]:
    return two_files(place, "user_id,item_id,timestamp\nu,1,1400000000\n", "item_id,price\n1,2\n")


def named_books(place: Workplace) -> list[Any]:
    rows = "".join(f"u{u},{i},{1_400_000_000 + i}\n" for u in range(5) for i in range(5))
    titles = "".join(f"{i},title {i}\n" for i in range(5))
    given = two_files(place, f"user_id,item_id,timestamp\n{rows}", f"item_id,title\n{titles}")
    return ["init", "books", *given[2:], "--source", "books"]


def into(command: str, *options: str) -> Arrange:
    """A command with a copy of the run in `run`, beside a file and a folder with something in it."""

    def arrange(place: Workplace) -> list[Any]:
        shutil.copytree(place.tiny.target, place.folder / "run")
        place.text("x", "file")
        (place.folder / "folder").mkdir()
        place.text("x", "folder/more")
        return [command, "run", *options]

    return arrange


def everybody(out: str) -> Arrange:
    """`transfer recommend` for all users of that copy."""
    return into("recommend", "--users", "all", "--out", out)


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nsources: [*b, *b]\n"
TABLE = [
    # The recipe as a file.
    Case("missing recipe", lambda p: ["run", "nowhere.yaml"], "nowhere.yaml", "no such recipe", "Bundled recipes"),
    Case("misspelt name", lambda p: ["run", "book_to_flim"], "book_to_flim", "no such", "Did you mean 'book_to_film'?"),
    Case("not YAML", run_text("sources: [books\n"), "mine.yaml", "not valid YAML", "Correct this line"),
    Case("YAML bomb", run_text(BOMB), "mine.yaml", "aliases (*) are not allowed", "Correct this line"),
    Case("key twice", run_text("target: films\ntarget: books\n"), "mine.yaml", "'target' occurs twice", "Correct"),
    Case("a list", run_text("- books\n- films\n"), "mine.yaml", "a recipe is a mapping", "Begin with 'sources:'"),
    Case("not UTF-8", run_text(b"sources: [b\xfcoks]\n"), "mine.yaml", "not UTF-8", "Save the recipe as UTF-8"),
    Case("too large", run_text("# " + "x" * (1 << 20)), "mine.yaml", "too large", "not data"),
    Case("points outside", run_text("extends: ../o.yaml\n"), "mine.yaml", "outside the recipe's folder", "beside this"),
    Case("extends nothing", run_text("extends: o.yaml\n"), "mine.yaml", "names no recipe: o.yaml", "beside this one"),
    Case("extends a name misspelt", run_text("extends: few_flims\n"), "mine.yaml", "names no", "mean 'few_films'?"),
    Case("a path as a mapping", run(unseen_map={"a": "b"}), "mine.yaml: unseen_map", "path of a file", "Name one"),
    Case("extends in a circle", circle, "a.yaml", "circle", "Break the chain"),
    # Its keys and values.
    Case("unknown key", run(encodr={"dim": 4}), "mine.yaml: encodr", "unknown key", "Did you mean 'encoder'?"),
    Case("unknown inner key", run(encoder={"dims": 4}), "encoder.dims", "unknown key 'dims'", "Did you mean 'dim'?"),
    Case(
        "unknown key of optional settings",
        run(unseen={"nearst": 2}),
        "unseen.nearst",
        "unknown key 'nearst'",
        "Did you mean 'nearest'?",
    ),
    Case("cutoffs without ten", run(evaluation={"cutoffs": [20]}), "evaluation", "NDCG@10", "Keep 10"),
    Case("wrong type", run(encoder={"dim": "wide"}), "encoder.dim", "given: 'wide'", "Correct this value"),
    Case("out of range", run(training={"learning_rate": -1}), "training.learning_rate", "greater than 0", "Correct"),
    Case("contradiction", run(encoder={"dim": 10, "heads": 3}), "encoder", "heads (3) must divide dim", "Correct"),
    Case("variants as text", run(variants="sasrec, popular"), "mine.yaml: variants", "a text", "[sasrec, popular]"),
    Case("nothing as sources", run_text("sources:\ntarget: films\n"), "sources", "nothing stands here", "[] for none"),
    Case(
        "an option mistyped", run(target=table("films", colums={})), "mine.yaml: target.colums", "unknown", "'columns'"
    ),
    Case(
        "a column's role mistyped",
        run(target=table("films", columns={"usr": "u"})),
        "target.columns.usr",
        "unknown",
        "'user'",
    ),
    Case(
        "an empty path", run(target={**table("films"), "interactions": " "}), "target.interactions", "empty", "Correct"
    ),
    Case(
        "words of a key",
        run(target=table("films", prepare={"min_items": 3})),
        "target.prepare.min_items",
        "unknown",
        "'min_item_interactions'",
    ),
    Case(
        "a field of no domain",
        run(semantic={"template": "{titel} by {authors}"}),
        "semantic.template",
        "no domain has a field 'titel'",
        "Did you mean 'title'?",
    ),
    Case("no sources", run(sources=None), "sources", "must be given", "Add it"),
    Case(
        "nothing to fit",
        lambda p: ["fit-source", p.recipe(sources=[]), "--out", "out"],
        "mine.yaml",
        "no source to learn from",
        "sources:",
    ),
    Case("no target", run(target=None), "mine.yaml", "names no target", "Add 'target:'"),
    Case(
        "no target to adapt to",
        adapt(lambda p: p.tiny.source, target=None),
        "mine.yaml",
        "no target",
        "Add 'target:'",
    ),
    Case("target is a source", run(sources=["books"], target="books"), "books", "held-out interactions", "source_part"),
    Case("unknown domain", run(target="flims"), "target", "no domain is called 'flims'", "Did you mean 'films'?"),
    Case("unknown loader", run(target="movielenz:x"), "target", "no loader is called", "Did you mean 'movielens'?"),
    Case(
        "domain twice", run(target={**table("films"), "name": "books"}), "sources", "same name: books", "its own name"
    ),
    Case("variant part", run(variants=["sasrec+iep"]), "variants", "unknown part 'iep'", "Parts are: ipe"),
    Case("variant without encoder", run(variants=["+ipe"]), "variants", "has no system", "Start with sasrec"),
    Case("unknown system", run(variants=["gru5rec"]), "variants", "'gru5rec'", "gru4rec"),
    Case("unknown system's settings", run(systems={"eaze": {}}), "variants", "'eaze'", "Did you mean 'ease'"),
    Case("wrong system's settings", run(systems={"ease": {"l2": -1}}), "systems.ease.l2", "greater than 0", "Correct"),
    Case("a baseline with prompts", run(variants=["popular+ipe"]), "variants", "to a baseline", "late terms"),
    Case("two labels", run(variants=["sasrec+ipe", "sasrec+ipe+s2idm"]), "variants", "the same variant", "Keep one"),
    Case("variant twice", run(variants=["sasrec", "sasrec"]), "mine.yaml", "variants repeat: sasrec", "Correct"),
    Case("unknown metric", run(training={**TINY["training"], "metric": "full/ndcg@7"}), "metric", "ndcg@7", "ndcg@10"),
    Case(
        "unknown normaliser",
        run(vocabulary={"normaliser": {"name": "nltkk"}}),
        "normaliser",
        "'nltkk'",
        "nltk, spacy",
    ),
    Case("IDs that travel", run(source_encoder={"channels": ["id"]}), "source_encoder", "cannot move", "Correct"),
    Case(
        "no sentence encoder",
        run(variants=["sasrec+title-semantic"], semantic={"encoder": "a/b/c/d"}),
        "mine.yaml: semantic.encoder",
        "'a/b/c/d' is neither a folder nor an id of the hub",
        "spelling",
    ),
    Case(
        "nothing to learn interests from",
        run(sources=[], variants=["sasrec+ipe+s2idm"]),
        "variants",
        "no variant can run (sasrec+ipe+s2idm: no S2IDM; name sources",
        "sasrec",
    ),
    Case(
        "check of a recipe with nothing to run",
        lambda p: ["recipe", "check", p.recipe(sources=[], variants=["sasrec+ipe+s2idm"])],
        "variants",
        "no S2IDM",
        "sasrec",
    ),
    Case(
        "one moment of two",
        run(evaluation={"split": "temporal", "test_from": "2024-01-31"}),
        "evaluation",
        "both or neither",
        "Correct",
    ),
    Case(
        "an order is no time",
        run(
            sources=[table("films")],
            target=table("books"),
            evaluation={"split": "temporal", "validation_from": 10, "test_from": 20},
        ),
        "books",
        "needs timestamps",
        "",
    ),
    # The data that it names; the rest of these is in the table of the domains.
    Case("missing file", run(target=table("films", items="no.csv")), "no.csv", "no such file", "Check the path"),
    Case("missing column", no_user_column, "films.parquet", "no column looks like the user", "columns.user"),
    Case("no title anywhere", no_title, "films-items.parquet", "has no title", "missing_titles"),
    Case("user with two", two_interactions, "films", "user '0' has 2 interactions", "min_user_interactions: 3"),
    Case("users of two", two_at_most, "films", "leave-one-out needs users with 3", "users have 3 or more"),
    Case(
        "all filtered away",
        run(target=table("films", prepare={"min_user_interactions": 999})),
        "films",
        "no interactions are left",
        "Lower min_user_interactions",
    ),
    Case("categories that are not there", no_categories, "films", "has no categories", "map a column"),
    Case("no shared anchor", foreign_titles, "films", "none of its", "titles in the same language"),
    # Options.
    Case("--set without value", option("--set", "encoder.dim"), "--set", "is not key=value", "--set encoder.dim=128"),
    Case("--set into nothing", option("--set", "sources.x.y=1"), "--set sources.x.y", "leads nowhere", "Name a key"),
    Case("--set unknown key", option("--set", "encoder.dmi=8"), "--set encoder.dmi", "unknown key", "mean 'dim'?"),
    Case("--set of no use", option("--set", "encoder.dim=x"), "--set encoder.dim", "valid integer", "Correct this"),
    Case("two tables as one", run(target="table:a.csv"), "mine.yaml: target", "table needs 2", "items: ..."),
    Case("--device", option("--device", "gpu"), "--device", "unknown device 'gpu'", "auto, cpu or cuda"),
    Case("no CUDA", option("--device", "cuda"), "--device", "no CUDA device", "--device cpu"),
    Case("--variants", option("--variants", "sasrec,+ipe"), "variants", "has no system", "Start with sasrec"),
    Case(
        "--shots",
        lambda p: [*adapt(lambda w: w.tiny.source)(p), "--shots", "2"],
        "shots",
        "less than or equal to 1",
        "Correct",
    ),
    Case("--out is a file", lambda p: ["run", p.recipe(), "--out", p.text("x", "file")], "file", "cannot", "another"),
    # Artifacts.
    Case("no artifact", adapt(lambda p: p.folder / "none"), "none", "no such folder", "Name an artifact's folder"),
    Case(
        "an artifact mistyped",
        adapt(lambda p: p.tiny.source.with_name("sourc")),
        "sourc",
        "no such folder",
        "Did you mean 'source'?",
    ),
    Case("an empty folder", adapt(lambda p: p.folder), "", "config.json is missing", "fit-source"),
    Case("a target for a source", adapt(lambda p: p.tiny.target), "target", "a source artifact is needed", ""),
    Case("a source for a target", recommend(lambda p: p.tiny.source), "source", "a target artifact is needed", ""),
    Case("config cut", adapt(lambda p: p.cut(p.source(), "config.json")), "config.json", "not valid JSON", "Make"),
    Case(
        "config of something else",
        adapt(lambda p: p.edited(p.source(), "config.json", lambda data: data.clear())),
        "config.json",
        "not the config.json of an artifact of this toolkit",
        "",
    ),
    Case(
        "another version",
        adapt(lambda p: p.edited(p.source(), "config.json", lambda data: data.update(format_version=99))),
        "config.json",
        "version is 99",
        "with this release",
    ),
    Case(
        "config without a key",
        adapt(lambda p: p.edited(p.source(), "config.json", lambda data: data.pop("interests"))),
        "config.json: interests",
        "must be given",
        "Add it",
    ),
    Case(
        "config with a key too many",
        adapt(lambda p: p.edited(p.source(), "config.json", lambda data: data["s2idm"].update(hiden=8))),
        "s2idm.hiden",
        "unknown key 'hiden'",
        "Did you mean 'hidden'?",
    ),
    Case(
        "run's recipe gone",
        recommend(lambda p: p.without(p.target(), "recipe.yaml")),
        "recipe.yaml",
        "no such",
        "path",
    ),
    Case(
        "config and weights disagree",
        adapt(lambda p: p.edited(p.source(), "config.json", lambda data: data["s2idm"].update(hidden=8))),
        "model.safetensors",
        "do not fit the config",
        "Make the artifact again",
    ),
    Case(
        "weights cut",
        adapt(lambda p: p.cut(p.source(), "model.safetensors")),
        "model.safetensors",
        "not readable",
        "Make",
    ),
    Case(
        "weights gone",
        adapt(lambda p: p.without(p.source(), "model.safetensors")),
        "model.safetensors",
        "no such",
        "folder",
    ),
    Case(
        "vocabulary edited",
        adapt(lambda p: p.edited(p.source(), "vocabulary.json", other_word)),
        "vocabulary.json",
        "changed after it was written",
        "restore",
    ),
    Case(
        "vocabulary gone",
        adapt(lambda p: p.without(p.source(), "vocabulary.json")),
        "vocabulary.json",
        "no such",
        "path",
    ),
    Case("vocabulary of another", adapt(other_vocabulary), "vocabulary.json", "another vocabulary", "Restore the file"),
    Case(
        "run's weights cut",
        recommend(lambda p: p.cut(p.target(), "model.safetensors")),
        "model.safetensors",
        "not readable",
        "Make",
    ),
    Case(
        "run's items gone",
        recommend(lambda p: p.without(p.target(), "items.safetensors")),
        "items.safetensors",
        "no such",
        "folder",
    ),
    Case(
        "run's metrics gone",
        recommend(lambda p: p.without(p.target(), "metrics.json")),
        "metrics.json",
        "no such",
        "folder",
    ),
    Case("run's domain cut", recommend(lambda p: p.cut(p.target(), "domain/times.npy")), "domain", "damaged", "again"),
    Case(
        "run's variant edited",
        recommend(lambda p: p.edited(p.target(), "config.json", lambda data: data.update(variant="sasrec+iep"))),
        "variant",
        "unknown part 'iep'",
        "Parts are",
    ),
    Case("folder of other settings", target_kept, "target", "other settings or data", "Choose another --out"),
    # Questions.
    Case("unknown user", ask("--user", "nobody"), "--user", "no user has the id 'nobody'", "Ids look like"),
    Case("unknown title", ask("--history", "Gravitty (2013)"), "--history", "no title is", "'Gravity (2013)'"),
    Case("empty history", ask("--history", " ; "), "--history", "the history is empty", '"title; title"'),
    Case(
        "an empty list of items",
        lambda p: ["recommend", p.tiny.target, "--user", "1", "--only-items", p.text("", "none.txt")],
        "--only-items",
        "no id is given",
        "transfer titles",
    ),
    Case("a control", ask("--user", "1", "--variant", "sasrec+ipe+shuffled"), "--variant", "is a control", "It has"),
    Case("no variant", ask("--user", "1", "--variant", "sasrek"), "--variant", "not finished", "mean 'sasrec'?"),
    Case("both", ask("--user", "1", "--history", "Gravity"), "--user, --history", "exactly one", "For example"),
    Case("neither", ask(), "--user, --history", "exactly one", "For example"),
    Case("many and one", ask("--user", "1", "--out", "recs.csv"), "--out", "for many users, and --user for", "Leave"),
    Case("a part of one answer", ask("--user", "1", "--shard", "1/2"), "--shard", "and --user for one", "Leave one"),
    Case("no reasons for one", ask("--interests", "war", "--no-reasons"), "--no-reasons", "and --interests", "Leave"),
    Case("ids in a folder", ask("--user", "1", "--only-items", "."), ".", "cannot be read: Is a directory", "one id a"),
    Case("a user as a file", ask("--users", "0", "--out", "recs.csv"), "0", "no such file", "--user 0"),
    # Places that nothing can be written to.
    Case("a file for a folder", everybody("file/recs.csv"), "recs.csv", "cannot write", "is a file"),
    Case("a folder for a file", everybody("folder"), "folder", "is a folder", "recs.parquet"),
    Case("recommendations into the run", everybody("run/recs.csv"), "recs.csv", "inside the run", "outside"),
    Case("a graph into a file", into("export", "--out", "file"), "file", "cannot write", "is a file"),
    Case("a graph into the run", into("export", "--out", "run/onnx"), "onnx", "inside the run", "outside"),
    Case("a copy into the run", into("share", "run/copy"), "copy", "inside the run", "outside"),
    Case("a copy onto a file", into("share", "file"), "file", "a file, not a folder", "new folder"),
    Case("a copy over files", into("share", "folder"), "folder", "not empty", "new folder"),
    Case(
        "a figure as text",
        lambda p: ["explain", p.tiny.target, "--history", "Gravity", "--figure", "why.txt"],
        "why.txt",
        "'.txt' is no format",
        "why.png",
    ),
    Case(
        "a figure below a file",
        lambda p: ["explain", p.tiny.target, "--history", "Gravity", "--figure", Path(p.text("x", "file"), "why.png")],
        "why.png",
        "cannot write",
        "name another place",
    ),
    # New items.
    Case("an empty folder of new items", ask_new("new", folder="new"), "new", "no data files", "Check the folder"),
    Case("a table in no such file", ask_new("folder/new.cvs", folder="folder"), "new.cvs", "no such file", "title"),
    Case("a packed table in no such file", ask_new("new.csv.gz"), "new.csv.gz", "no such file", "title; title"),
    Case("titles of nothing", ask_new(" ; "), "--new-items", "no new item", "title; title"),
    Case(
        "a table of nothing",
        lambda p: ask_new(str(p.text("item_id,title\n", "new.csv")))(p),
        "new.csv",
        "no new item",
        "title; title",
    ),
    Case(
        "new items without an id",
        lambda p: ask_new(str(p.text("item_id,title\n,x\n", "new.csv")))(p),
        "new.csv, row 1",
        "no item id",
        "remove the row; in a recipe, prepare.missing",
    ),
    Case(
        "no source to prepare",
        lambda p: ["prepare", p.recipe(sources=[], variants=["popular"]), "--out", "ready", "--source", "1"],
        "--source",
        "the recipe has 0 sources",
        "Leave it out",
    ),
    # The other commands.
    Case("inspect nothing", lambda p: ["inspect", "flims"], "domain", "no domain is called", "Did you mean 'films'?"),
    Case("inspect above", lambda p: ["inspect", p.source().parent], "", "but is not one", "source"),
    Case(
        "check a broken recipe",
        lambda p: ["recipe", "check", p.recipe(targt="films")],
        "targt",
        "unknown",
        "'target'",
    ),
    Case(
        "check an encoder",
        lambda p: ["recipe", "check", p.recipe(variants=["gru5"])],
        "variants",
        "'gru5'",
        "gru4rec",
    ),
    Case("show nothing", lambda p: ["domains", "show", "movielens2"], "NAME", "is named 'movielens2'", "'movielens'"),
    Case("fetch nothing", lambda p: ["domains", "fetch", "ml-2m"], "data set", "'ml-2m'", "Did you mean"),
    Case("fetch a family", lambda p: ["domains", "fetch", "goodreads"], "data set", "needs a category", "poetry"),
    Case("fetch by hand", lambda p: ["domains", "fetch", "yelp"], "yelp", "cannot be fetched", "business.yelp.com"),
    Case(
        "init without a title",
        untitled,
        "--title-column",
        "title?",
        "item_id, price",
    ),
    Case("init like a source", named_books, "NAME", "a source is also called 'books'", "another name"),
    Case(
        "init over a file",
        lambda p: [*untitled(p), "--out", p.text("x", "there.yaml")],
        "there.yaml",
        "already exists",
        "another --out",
    ),
]


@pytest.fixture
def place(tmp_path: Path, tiny: Any, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    return Workplace(tmp_path, tiny)


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", TABLE, ids=[case.what for case in TABLE])
def test_a_mistake_gets_one_message(case: Case, place: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = case.arrange(place)
    before = files_in(place.folder)
    result = run_command(capsys, *arguments)
    assert result.code == 2, result.err
    assert "Traceback" not in result.err
    said = result.err[result.err.index("Error") :]
    problem, _, hint = said.partition("\n      ")
    assert case.place in problem, said
    assert case.problem in problem, said
    assert case.hint in hint, said
    # `run` begins with the counts of what is left out.
    assert all(" left out: " in line for line in result.out.splitlines())
    left = {path for path in files_in(place.folder) - before if path.name not in HARMLESS}
    # A mistake in the target is seen when the source is fitted: its artifact is whole, and the next try takes it.
    assert left <= files_in(place.folder / "out" / "source")
    assert not left or not SOURCE_FILES - {path.name for path in left}


@pytest.mark.parametrize("arrange", [two_interactions, two_at_most])
def test_a_run_refuses_a_target_before_it_fits_the_sources(
    arrange: Arrange, place: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = run_command(capsys, *arrange(place))
    assert refused.code == 2
    assert "Error films: " in refused.err
    assert not (place.folder / "out").exists()
    fitted = run_command(capsys, "fit-source", place.folder / "mine.yaml", "--out", "out")
    assert fitted.code == 0, fitted.err


def test_the_table_has_no_row_twice() -> None:
    assert len({case.what for case in TABLE}) == len(TABLE) >= 40
    assert len({(case.place, case.problem) for case in TABLE}) >= len(TABLE) - 4


@pytest.mark.parametrize(
    "arguments", [["recommend", "run", "-k", "0"], ["run"], ["rnu"], ["run", "x", "--seed", "one"]]
)
def test_a_wrong_command_line_is_told_by_its_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    result = run_command(capsys, *arguments)
    assert result.code == 2
    assert "Usage" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("part", ["model.safetensors", "vocabulary.json", "config.json"])
def test_a_full_disk_leaves_nothing_half_written(
    part: str, place: Workplace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def full(source: Any, target: Any) -> None:
        if Path(target).name == part:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    # `Path.replace` goes through it as well.
    monkeypatch.setattr("os.replace", full)
    result = run_command(capsys, "fit-source", place.recipe(), "--out", "out")
    assert result.code == 2, result.err
    assert "No space left on device" in result.err
    assert part in result.err
    left = {path.name for path in files_in(place.folder / "out")}
    assert part not in left
    assert "config.json" not in left
    assert not [name for name in left if name.startswith(".") or name.endswith((".part", ".tmp"))]


def test_a_port_in_use_is_told_before_the_run_is_loaded(place: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("uvicorn")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            result = run_command(capsys, "serve", "no-such-run", "--host", host, "--port", port)
            assert result.code == 2, result.err
            assert f"Error {host}:{port}: another program listens there" in result.err
            assert "--port" in result.err.partition("\n")[2]
    result = run_command(capsys, "serve", "no-such-run", "--port", port)
    assert "no-such-run" in result.err, "the port is free again"


def test_debug_shows_the_traceback(place: Workplace) -> None:
    command = [sys.executable, "-m", "transfer.cli.main", "--debug", "run", str(place.text("- a list\n"))]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert "Traceback" in ran.stderr
    assert "a recipe is a mapping" in ran.stderr


def test_the_tiny_recipe_is_itself_in_order(place: Workplace, capsys: pytest.CaptureFixture[str]) -> None:
    """What the table breaks works unbroken."""
    assert yaml.safe_load(place.recipe().read_text(encoding="utf-8"))["target"]["name"] == "films"
    assert run_command(capsys, "recipe", "check", place.recipe()).code == 0
    assert run_command(capsys, *ask("--history", "Gravity")(place)).code == 0
