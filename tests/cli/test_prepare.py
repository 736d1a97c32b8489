"""`transfer prepare`: a domain or a recipe's domains, as a folder that recipes open."""

from __future__ import annotations

import json

import pytest
from cli_cases import run_command, write_pair, write_recipe

from domains.open_domain import open_domain


def test_the_domains_of_a_recipe_are_prepared(tmp_path, capsys):
    write_pair(tmp_path, users=60)
    recipe = write_recipe(tmp_path / "tiny.yaml")
    for options, name in (((), "films"), (("--source", 1), "books")):
        out = tmp_path / f"prepared-{name}"
        done = run_command(capsys, "prepare", recipe, *options, "--out", out, "--partitions", 3, "--json")
        assert done.code == 0, done.err
        told = json.loads(done.out)
        files = {"interactions": str(tmp_path / f"{name}.parquet"), "items": str(tmp_path / f"{name}-items.parquet")}
        assert told["fingerprint"] == open_domain({"name": name, **files}).domain.fingerprint
        assert open_domain(f"prepared:{out}").domain.name == name


@pytest.mark.parametrize("options", [("--source", 2), ("--partitions", 0)])
def test_wrong_options_are_named(tmp_path, capsys, options):
    done = run_command(capsys, "prepare", "book_to_film", "--out", tmp_path / "out", *options)
    assert done.code == 2
    assert options[0] in done.err
