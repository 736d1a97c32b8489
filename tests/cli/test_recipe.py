"""`transfer recipe`: what check says is what a run does; the schema accepts what recipes accept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from cli_cases import VARIANTS, run_command, write_pair, write_recipe

from recipes.load import bundled_recipes
from recipes.schema import Recipe
from transfer.diffusion.settings import S2IDMSettings
from transfer.planning.run_time import Sizes, estimate


def test_list_names_every_bundled_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(run_command(capsys, "recipe", "list", "--json").out)
    assert set(listed) == set(bundled_recipes())
    assert all(listed.values()), "each says what it is"
    assert "book_to_film" in run_command(capsys, "recipe", "list").out


def test_check_foretells_what_the_run_found(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_command(capsys, "recipe", "check", tiny.recipe, "--json")
    assert result.code == 0, result.err
    told = json.loads(result.out)
    metrics = json.loads((tiny.target / "metrics.json").read_text(encoding="utf-8"))
    config = json.loads((tiny.source / "config.json").read_text(encoding="utf-8"))
    books, films = told["domains"]
    assert (books["role"], films["role"]) == ("source", "target")
    last = films["steps"][-1]
    assert [last[key] for key in ("users", "items", "interactions")] == [
        metrics[key] for key in ("users", "items", "interactions")
    ]
    assert books["steps"][-1]["users"] == config["domains"][0]["users"]
    assert told["anchors"] == config["anchors"]
    assert told["runs"] == VARIANTS
    assert told["skipped"] == {}
    assert 0 < books["shared"]["shared"] < told["anchors"]
    assert films["shared"] is None
    assert {"ties": "file", **films["ties"]} == metrics["protocol"]["order"]
    assert books["ties"] is None
    assert told["estimate"]["memory_bytes"] > 0
    assert not (tiny.recipe.parent / "runs").exists()


def test_check_says_it_to_people_too(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shown = run_command(capsys, "recipe", "check", tiny.recipe).out
    for part in ("books", "films", "core (5 a user, 5 an item)", "have an anchor", "of the target's", "at most about"):
        assert part in shown
    assert f"Next: transfer run {tiny.recipe}" in shown
    assert "sources  a few seconds to learn from them" in shown
    longer = run_command(capsys, "recipe", "check", tiny.recipe, "--set", "s2idm.epochs=99999").out
    assert "sources  at most about" in longer
    assert "popular              a few seconds" in shown


def test_the_next_command_has_the_same_options(tiny: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--set", "s2idm.epochs=1", "--set", "evaluation={negatives: 9}")
    shown = run_command(capsys, "recipe", "check", tiny.recipe, *options, "--variants", "popular,sasrec").out
    asked = "--set s2idm.epochs=1 --set 'evaluation={negatives: 9}'"
    assert f"Next: transfer run {tiny.recipe} {asked} --variants popular,sasrec" in shown
    out = tmp_path / "fitted"
    shown = run_command(capsys, "fit-source", tiny.recipe, *options, "--seed", 3, "--out", out).out
    assert f"Next: transfer adapt-target {out} {tiny.recipe} {asked} --seed 3" in shown


def test_brackets_in_names_are_shown(tiny: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tiny.recipe.with_name("[tiny].yaml")
    path.write_text(tiny.recipe.read_text(encoding="utf-8"), encoding="utf-8")
    assert f"Next: transfer run {path}" in run_command(capsys, "recipe", "check", path).out
    schema = tmp_path / "[schema].json"
    assert f"Wrote {schema}." in run_command(capsys, "recipe", "schema", "--out", schema).out


def test_check_names_what_would_be_skipped_and_why(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_recipe(
        tiny.recipe.with_name("skips.yaml"),
        variants=["sasrec", "sasrec+title-semantic", "sasrec+source"],
        semantic={"encoder": "someone/nowhere"},
    )
    told = json.loads(run_command(capsys, "recipe", "check", path, "--json").out)
    # What is neither a folder nor installed counts as one of the hub, which a check does not ask.
    assert told["runs"] == ["sasrec", "sasrec+title-semantic"]
    assert set(told["skipped"]) == {"sasrec+source"}
    assert "source_encoder.channels" in told["skipped"]["sasrec+source"]


def test_check_of_a_recipe_without_a_target(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_recipe(tiny.recipe.with_name("sources.yaml"), target=None)
    told = json.loads(run_command(capsys, "recipe", "check", path, "--json").out)
    assert [domain["name"] for domain in told["domains"]] == ["books"]
    assert told["runs"] == []
    assert f"Next: transfer fit-source {path}" in run_command(capsys, "recipe", "check", path).out


def test_check_draws_users_as_the_run_does(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_command(capsys, "recipe", "check", tiny.recipe, "--set", "sample_users=50", "--json")
    steps = json.loads(result.out)["domains"][1]["steps"]
    assert steps[-1]["name"] == "users drawn"
    assert steps[-1]["users"] == 50


def test_check_and_inspect_of_one_domain_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pair(tmp_path)
    target = yaml.safe_load(write_recipe(tmp_path / "other.yaml").read_text())["target"]
    path = write_recipe(tmp_path / "alone.yaml", sources=[target], source_part="train", target_titles=False)
    result = run_command(capsys, "recipe", "check", path, "--json")
    assert result.code == 0, result.err
    source, target = json.loads(result.out)["domains"]
    assert (source["name"], target["name"]) == ("films (train part)", "films")
    assert source["steps"][-1]["name"] == "train part"
    held_out = 2 * target["steps"][-1]["users"]
    assert source["steps"][-1]["interactions"] == target["steps"][-1]["interactions"] - held_out
    assert "films (train part)" in run_command(capsys, "inspect", path).out


def test_check_of_a_target_without_an_anchor_leaves_it_to_the_unseen_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pair(tmp_path)
    items = tmp_path / "films-items.parquet"
    pl.read_parquet(items).select("item_id", title=pl.lit("Ъъъ") + pl.col("item_id")).write_parquet(items)
    path = write_recipe(tmp_path / "foreign.yaml", target_titles=False)
    result = run_command(capsys, "recipe", "check", path, "--json")
    assert result.code == 0, result.err
    books, films = json.loads(result.out)["domains"]
    assert (films["coverage"]["n_covered"], books["shared"]) == (0, None)
    assert "no item has an anchor before unseen words are mapped" in run_command(capsys, "recipe", "check", path).out
    refused = run_command(capsys, "recipe", "check", path, "--set", "unseen=null")
    assert "films: none of its" in refused.err


def test_the_schema_is_of_the_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "recipe.schema.json"
    assert run_command(capsys, "recipe", "schema", "--out", out).code == 0
    schema = json.loads(out.read_text(encoding="utf-8"))
    assert json.loads(run_command(capsys, "recipe", "schema").out) == schema
    assert set(schema["properties"]) == {*Recipe.model_fields, "extends"}
    assert schema["additionalProperties"] is False
    settings = schema["$defs"]["S2IDMSettings"]["properties"]
    assert settings["hidden"]["default"] == S2IDMSettings().hidden
    assert all("description" in field for field in settings.values())


TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def fits(value: Any, schema: Any, root: Any) -> bool:
    """Whether an editor would take a value: as much of JSON Schema as a recipe's has."""
    if "$ref" in schema and not fits(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root):
        return False
    if "anyOf" in schema and not any(fits(value, one, root) for one in schema["anyOf"]):
        return False
    if value != schema.get("const", value) or value not in schema.get("enum", [value]):
        return False
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return False
    if isinstance(value, list):
        return all(fits(one, schema.get("items", {}), root) for one in value)
    if not isinstance(value, dict):
        return True
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    parts = [fits(one, known[key], root) if key in known else rest is not False for key, one in value.items()]
    return all(parts) and set(schema.get("required", ())) <= set(value)


@pytest.mark.parametrize("path", bundled_recipes().values(), ids=bundled_recipes())
def test_the_schema_takes_every_bundled_recipe(path: Path) -> None:
    schema = Recipe.model_json_schema()
    assert fits(yaml.safe_load(path.read_text(encoding="utf-8")), schema, schema)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("{sources: books, target: films, variants: sasrec, seeds: 3}", True),
        ("{sources: ['movielens:data/ml-1m'], target: {loader: mind, folder: MIND, clicks: all}}", True),
        ("{sources: [{loader: huggingface, interactions: some/table}]}", True),
        ("{extends: book_to_film, unseen: null}", True),
        ("{target: films}", False),
        ("{sources: [books], target: {interactions: a.csv, itmes: b.csv}}", False),
        ("{sources: [books], target: {loader: mind, folder: MIND, categories: all}}", False),
        ("{sources: [books], encodr: {dim: 8}}", False),
        ("{sources: [books], encoder: {dmi: 8}}", False),
    ],
)
def test_the_schema_takes_what_a_recipe_may_hold(text: str, taken: bool) -> None:
    schema = Recipe.model_json_schema()
    assert fits(yaml.safe_load(text), schema, schema) is taken


SMALL = Sizes(users=1_000, items=500, interactions=20_000, tokens=20_000)
RECIPE = Recipe.model_validate({"sources": "books", "target": "films", "variants": ["popular", "sasrec", "sasrec+ipe"]})


def seconds(recipe: Recipe = RECIPE, target: Sizes = SMALL, cores: int = 2) -> float:
    return estimate(recipe, [SMALL], target, 1_000, cores).seconds


def changed(**keys: Any) -> Recipe:
    return Recipe.model_validate({**RECIPE.model_dump(exclude_unset=True), **keys})


def test_an_estimate_grows_with_what_costs() -> None:
    more = Sizes(users=10_000, items=5_000, interactions=200_000, tokens=200_000)
    assert seconds(target=more) > seconds()
    assert seconds(cores=1) > seconds() > seconds(cores=8)
    assert seconds(changed(seeds=[0, 1, 2])) > 2 * seconds() - estimate(RECIPE, [SMALL], SMALL, 1_000, 2).source_seconds
    assert seconds(changed(encoder={"dim": 256})) > seconds()
    assert seconds(changed(s2idm={"epochs": 2000})) > seconds()
    assert seconds(changed(shots=0.1)) < seconds()
    few, many = (seconds(changed(training={"loss": "gbce", "negatives": count})) for count in (1, 400))
    assert many > few


def test_a_base_is_paid_once() -> None:
    training = RECIPE.training
    for base, second in (("trained", 1), ("kept", 0)):
        cost = estimate(changed(training={"base": base}), [SMALL], SMALL, 1_000, 2).variant_seconds
        assert list(cost) == ["popular", "sasrec", "sasrec+ipe+s2idm"]
        share = second + training.base_epochs / training.epochs
        assert cost["sasrec"] / cost["sasrec+ipe+s2idm"] == pytest.approx(share)


@pytest.mark.parametrize("base", ["kept", "trained"])
def test_late_terms_on_a_model_that_is_paid_cost_no_training(base: str) -> None:
    both = ["sasrec+ipe", "sasrec+ipe+terms", "sasrec+terms"]
    recipe = changed(training={"base": base}, variants=both)
    cost = estimate(recipe, [SMALL], SMALL, 1_000, 2).variant_seconds
    alone = estimate(changed(training={"base": base}, variants=both[1:]), [SMALL], SMALL, 1_000, 2).variant_seconds
    plain, joined, without = cost.values()
    assert joined == 0 < plain == next(iter(alone.values()))
    assert (without > 0) == (base == "trained")


def test_memory_counts_the_widest_model() -> None:
    def memory(anchors: int, target: Sizes | None = SMALL) -> int:
        return estimate(RECIPE, [SMALL], target, anchors, 2).memory_bytes

    assert memory(200_000) > memory(1_000) >= memory(1_000, None) > 2**29
    assert memory(1_000, Sizes(users=10, items=10**7, interactions=20_000, tokens=20_000)) > 10**7 * 64 * 16
    # S2IDM alone: two layers of 200,000 x 1,000, each parameter with gradient and two moments.
    assert memory(200_000, None) > 2 * 200_000 * 1_000 * 16


def test_a_sources_only_estimate_names_no_variant() -> None:
    assert estimate(RECIPE, [SMALL, SMALL], None, 1_000, 2).variant_seconds == {}
