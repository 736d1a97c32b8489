"""Recipes: merging, overriding, and one clear message for each mistake."""

from __future__ import annotations

from typing import get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from refusals import refusal
from transfer_cases import PROPERTY

from domains.errors import InputError
from recipes.load import apply_override, bundled_recipes, check_recipe, find_recipe, load_recipe
from recipes.schema import Recipe, resolved


@pytest.fixture
def write(tmp_path):
    def put(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return put


def refused(given, *overrides):
    with pytest.raises(InputError) as caught:
        load_recipe(given, overrides)
    return str(caught.value)


def test_every_bundled_recipe_loads_by_its_name():
    assert "book_to_film" in bundled_recipes()
    for name, path in bundled_recipes().items():
        if "recipes" in yaml.safe_load(path.read_text(encoding="utf-8")):
            continue  # an experiment over recipes
        loaded = load_recipe(name)
        assert loaded.recipe.name
        assert loaded.recipe.description
        assert loaded.path == path
        again = check_recipe(resolved(loaded.recipe), name)
        assert again == loaded.recipe


def test_the_shortest_recipe_of_the_paper_has_the_papers_constants(write):
    recipe = load_recipe(write("short.yaml", "sources: books\ntarget: films\npreset: paper\n")).recipe
    assert recipe.name == "short"
    assert [source.loader for source in recipe.sources] == ["bundled"]
    assert recipe.variants == ("sasrec", "sasrec+s2idm", "sasrec+ipe+raw", "sasrec+ipe+s2idm")
    assert (recipe.prompts.count, recipe.interests.w_min, recipe.interests.w_max) == (3, 0.1, 0.5)
    assert (recipe.score.similarity, recipe.score.temperature) == ("cosine", 10.0)
    training = recipe.training
    assert (training.loss, training.drawn, training.batch_size) == ("bce", 1, 512)
    assert (recipe.encoder.blocks, recipe.encoder.dropout, training.base) == (2, 0.2, "trained")
    assert training.learning_rate == 0.005
    assert (recipe.evaluation.negatives, recipe.evaluation.cutoffs) == (999, (5, 10))
    assert recipe.shots == 1.0


def test_sources_bring_the_variant_that_learns_from_them(write):
    learns = "sasrec+ipe+s2idm+terms"
    path = write("short.yaml", "sources: [books]\ntarget: films\n")
    assert learns in load_recipe(path).recipe.variants
    assert learns not in load_recipe(path, ["sources=[]"]).recipe.variants
    assert learns not in load_recipe(write("paper.yaml", "extends: short.yaml\npreset: paper\n")).recipe.variants
    assert load_recipe(path, ["variants=[sasrec]"]).recipe.variants == ("sasrec",)
    assert check_recipe(resolved(load_recipe(path).recipe), "again") == load_recipe(path).recipe


@pytest.mark.parametrize("line", ["", "name:", "name: ''"])
def test_a_recipe_without_a_name_has_that_of_its_file(write, line):
    assert load_recipe(write("mine.yaml", f"sources: books\n{line}\n")).recipe.name == "mine"


def test_a_recipe_is_immutable(write):
    recipe = load_recipe(write("short.yaml", "sources: books\n")).recipe
    with pytest.raises(Exception, match="frozen"):
        recipe.shots = 0.5


def test_extends_overlays_key_by_key(write):
    write("base.yaml", "sources: [books]\ntarget: films\nencoder: {dim: 32, heads: 2}\nseeds: [1, 2]\nname: base\n")
    child = write("child.yaml", "extends: base.yaml\nencoder: {dim: 16}\nseeds: [3]\n")
    grandchild = write("deep/../grandchild.yaml", "extends: child.yaml\nshots: 0.5\n")
    recipe = load_recipe(child).recipe
    assert (recipe.encoder.dim, recipe.encoder.heads, recipe.seeds) == (16, 2, (3,))
    assert load_recipe(grandchild).recipe.shots == 0.5
    assert load_recipe(grandchild).recipe.encoder.dim == 16


def test_a_target_is_replaced_whole(write):
    write("base.yaml", "sources: [books]\ntarget: {loader: table, interactions: a.csv, items: b.csv}\n")
    child = write("child.yaml", "extends: base.yaml\ntarget: {loader: bundled, dataset: films}\n")
    assert load_recipe(child).recipe.target.loader == "bundled"
    assert load_recipe(child).recipe.target.options == {"dataset": "films"}


def test_bundled_recipes_can_be_extended(write):
    child = write("mine.yaml", "extends: book_to_film\nseeds: [5]\n")
    assert load_recipe(child).recipe.seeds == (5,)
    assert load_recipe(child).recipe.target == load_recipe("book_to_film").recipe.target


def test_extends_stays_in_its_folder_and_ends(write, tmp_path):
    write("outside.yaml", "sources: books\n")
    inside = write("folder/inside.yaml", "extends: ../outside.yaml\n")
    assert "points outside" in refused(inside)
    absolute = write("folder/absolute.yaml", f"extends: {tmp_path / 'outside.yaml'}\n")
    assert "points outside" in refused(absolute)
    first = write("first.yaml", "extends: second.yaml\n")
    write("second.yaml", "extends: first.yaml\n")
    assert "first.yaml -> second.yaml -> first.yaml" in refused(first)
    assert "circle" in refused(write("self.yaml", "extends: self.yaml\n"))
    assert "names no recipe: nothing.yaml" in refused(write("lost.yaml", "extends: nothing.yaml\n"))
    assert "'extends' names one recipe" in refused(write("list.yaml", "extends: [a, b]\n"))


def test_overrides_win_over_everything(write):
    write("base.yaml", "sources: [books]\nencoder: {dim: 32}\n")
    child = write("child.yaml", "extends: base.yaml\nencoder: {dim: 16}\nvariants: [sasrec, popular]\n")
    recipe = load_recipe(
        child,
        ["encoder.dim=8", "s2idm.steps=4", "variants.1=transitions", "training.learning_rate=1.0e-3", "seeds=[7, 8]"],
    ).recipe
    assert (recipe.encoder.dim, recipe.s2idm.steps) == (8, 4)
    assert recipe.variants == ("sasrec", "transitions")
    assert recipe.training.learning_rate == 0.001
    assert recipe.seeds == (7, 8)


def test_a_list_on_the_command_line_needs_no_brackets(write):
    path = write("short.yaml", "sources: [books]\nitems: {channels: [id]}\n")
    asked = ["variants=popular,sasrec", "seeds=0, 1", "evaluation.cutoffs=10,20", "sources=books,films"]
    recipe = load_recipe(path, [*asked, "items.channels=[id,anchors]", "description=one, two"]).recipe
    assert (recipe.variants, recipe.seeds, recipe.evaluation.cutoffs) == (("popular", "sasrec"), (0, 1), (10, 20))
    assert [source.options["dataset"] for source in recipe.sources] == ["books", "films"]
    assert recipe.items.channels == ("id", "anchors")
    assert recipe.description == "one, two"
    quoted = load_recipe(path, ["vocabulary.normaliser.extra_stop_words='one, two',three"]).recipe
    assert quoted.vocabulary.normaliser.extra_stop_words == ("one, two", "three")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("encoder.dim", "is not key=value"),
        ("=3", "is not key=value"),
        ("encoder.dim.deep=3", "no keys"),
        ("encoder.dim.deep.deeper=3", "leads nowhere"),
        ("sources.5=books", "no keys"),
        ("sources.²=books", "no keys"),
        ("sources.5.name=books", "leads nowhere"),
        ("encoder.dims=3", "Did you mean 'dim'"),
        ("encoder.dim=many", "valid integer"),
        ("encoder=[1", "not valid YAML"),
        ("..=1", "is not key=value"),
        ("encoder.=1", "is not key=value"),
        ("encoder.dim=*a", "aliases"),
    ],
)
def test_overrides_that_lead_nowhere(write, override, message):
    path = write("short.yaml", "sources: [books]\nencoder: {dim: 8}\n")
    assert message in refused(path, override)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: books\nencodr: {dim: 3}\n", "unknown key 'encodr'. Did you mean 'encoder'?"),
        ("sources: books\nencoder: {dims: 3}\n", "encoder.dims: unknown key 'dims'. Did you mean 'dim'?"),
        ("sources: books\nencoder: {zzz: 3}\n", "Known keys: blocks, dim"),
        ("target: films\n", "sources: this key must be given"),
        ("sources: []\n", "neither a source nor a target"),
        ("sources: books\nencoder: {dim: wide}\n", "encoder.dim: "),
        ("sources: books\nencoder: {dim: 0}\n", "encoder.dim: "),
        ("sources: books\nencoder: {dim: 6, heads: 4}\n", "heads (4) must divide dim (6)"),
        ("sources: books\nencoder: 3\n", "encoder: a mapping of keys to values belongs here (given: 3)"),
        ("sources: books\nsystems: [ease]\n", "systems: a mapping of keys to values belongs here"),
        ('sources: [{name: "a\\e[2J", loader: bundled, dataset: books}]\n', "name: a name must not contain control"),
        ("sources: books\nsemantic: {encoder: ~nobody-of-this-name/x}\n", "neither a folder nor an id of the hub"),
        ("sources: books\nencoder:\n", "encoder: "),
        ("sources: books\ntraining: {loss: hinge}\n", "training.loss: "),
        ("sources: books\ninterests: {w_min: 2}\n", "w_min (2.0) must not exceed w_max (0.5)"),
        ("sources: books\nevaluation: {test_from: 9}\n", "need split: temporal"),
        ("sources: books\nsource_encoder: {system: gru4rec}\n", "gru4rec would not be trained"),
        ("sources: books\ns2idm: {noise_min: 0.1}\n", "noise_min (0.1) must not exceed noise_max"),
        ("sources: books\ns2idm: {noise_scale: 1000}\n", "must be below 1"),
        ("sources: books\nevaluation: {split: temporal, test_from: 9}\n", "give both or neither"),
        ("sources: books\nevaluation: {split: temporal, test_from: soon}\n", "test_from: write a date such as"),
        ("sources: books\nitems: {channels: [id, id]}\n", "items: channels repeat: id. Correct"),
        ("sources: books\nsource_encoder: {channels: [id]}\n", "id cannot move between domains"),
        ("sources: books\nseeds: [1, 1]\n", "wrong.yaml: seeds repeat: 1. Correct"),
        ("sources: books\nvariants: [popular, sasrec, sasrec]\n", "wrong.yaml: variants repeat: sasrec. Correct"),
        ("sources: books\nvariants: []\n", "variants: at least 1 must be given here. Add it"),
        ("sources: books\nname: a/b\n", "wrong.yaml: name: a name must not contain"),
        ("sources: books\nname: ' '\n", "wrong.yaml: name: a name must not be blank"),
        ("sources: books\nshots: 2\n", "shots: "),
        ("sources: book\n", "Did you mean 'books'?"),
        ("sources: nobody_at_all\n", "no domain is called 'nobody_at_all'"),
        ("sources: books\ntraining: {learning_rate: .inf}\n", "training.learning_rate: "),
        ("sources: books\ntraining: {learning_rate: .nan}\n", "training.learning_rate: "),
        ("sources: books\ntraining: {metric: full/ndcg@20}\n", "ndcg@20"),
        ("sources: books\ntraining: {metric: ndcg@10}\n", "training.metric"),
    ],
)
def test_what_is_wrong_is_named(write, text, message):
    path = write("wrong.yaml", text)
    told = refused(path)
    assert message in told
    assert "wrong.yaml" in told


@pytest.mark.parametrize(
    "line",
    [
        "training: {learning_rate: yes}",
        "training: {learning_rate: true}",
        "training: {epochs: 1:30}",
        "encoder: {dim: true}",
        "encoder: {dim: 0x10}",
        "encoder: {dropout: no}",
        "seeds: [0, true]",
        "seeds: yes",
        "seeds: true",
        "shots: on",
        "sample_users: false",
        "evaluation: {test_from: true}",
    ],
)
def test_yes_and_no_and_minutes_are_no_numbers(write, line):
    key = line.split(":")[0]
    with refusal("invalid-value", f"wrong.yaml: {key}"):
        load_recipe(write("wrong.yaml", f"sources: books\n{line}\n"))


def test_a_number_is_read_as_a_person_means_it(write):
    path = write("short.yaml", "sources: books\nencoder: {dim: 010, heads: +2}\ntraining: {learning_rate: 1e-3}\n")
    recipe = load_recipe(path, ["seeds=010", "s2idm.hidden=1_000", "training.weight_decay=.5", "shots=1e-1"]).recipe
    assert (recipe.encoder.dim, recipe.encoder.heads, recipe.training.learning_rate) == (10, 2, 0.001)
    assert (recipe.seeds, recipe.s2idm.hidden, recipe.training.weight_decay, recipe.shots) == ((10,), 1000, 0.5, 0.1)


def test_words_are_the_text_that_was_typed(write):
    target = "target: {interactions: a.csv, items: b.csv, columns: {user: on, item: 010, time: 2024-01-31}}"
    days = "evaluation: {split: temporal, validation_from: 2024-01-01, test_from: 2024-01-31}"
    path = write("words.yaml", f"sources: []\nname: no\ndescription: 2001-13-45\ntarget_titles: no\n{days}\n{target}\n")
    recipe = load_recipe(path).recipe
    assert (recipe.name, recipe.description, recipe.target_titles) == ("no", "2001-13-45", False)
    assert recipe.evaluation.moments == (1704067200, 1706659200)
    columns = recipe.target.options["columns"]
    assert columns == {"user": "on", "item": "010", "time": "2024-01-31"}


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "on",
        "010",
        "08",
        "1:30",
        "2024-01-31",
        "1e3",
        "0x1F",
        "1_000",
        "~",
        "null",
        "3",
        ".5",
        "-.5",
        "1.5",
        "=",
        "<<",
    ],
)
def test_text_that_looks_like_something_else_is_read_back_as_it_was(write, text):
    data = resolved(check_recipe({"sources": ["books"], "name": text, "description": text, "seeds": [1]}, "here"))
    again = load_recipe(write("again.yaml", yaml.safe_dump(data))).recipe
    assert (again.name, again.description, again.seeds) == (text, text, (1,))
    assert resolved(again) == data


def test_a_metric_may_use_the_recipes_own_cutoffs(write):
    text = "sources: books\ntraining: {metric: sampled/hit@20}\nevaluation: {cutoffs: [10, 20]}\n"
    assert load_recipe(write("own.yaml", text)).recipe.training.metric == "sampled/hit@20"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources: &a [books]\ntarget: *a\n", "line 2: aliases"),
        ("a: &a [x, x]\nb: &b [*a, *a]\n", "line 2: aliases"),
        ("sources: books\nencoder: {dim: 1, dim: 2}\n", "line 2: the key 'dim' occurs twice"),
        ("sources: books\nshots: 1\nsources: films\n", "line 3: the key 'sources' occurs twice"),
        ('sources: books\ndescription: "a\\ud800"\n', "line 2: holds NUL or half of a surrogate pair"),
        ('sources: books\ntarget: {loader: table, options: {interactions: "a\\0b.csv"}}\n', "line 2: holds NUL"),
        ('sources: books\nname: "\\e[31m"\n', "name: a name must not contain control characters"),
        ("sources: [books\n", "line 2, column 1: expected ',' or ']'"),
        ("sources: books\nencoder:\n\tdim: 8\n", "line 3, column 1: a tab, which YAML does not take here"),
        ("sources: !!python/object/apply:os.system ['echo no']\n", "not valid YAML"),
        ("- books\n", "a recipe is a mapping"),
        ("", "a recipe is a mapping"),
        ("just text", "a recipe is a mapping"),
        (f"sources: books\nshots: {'9' * 5000}\n", "not valid YAML"),
        ("sources: books\nseeds: !!int x\n", "not valid YAML"),
        ("sources: books\n[1, 2]: 3\n", "wrong.yaml"),
        ("sources: books\n{a: b}: 3\n", "not valid YAML"),
        ("sources: books\n7: 3\n", "wrong.yaml"),
        ("sources: " + "[" * 5000, "not valid YAML"),
        ("sources: books\nname: \x07\n", "not valid YAML"),
        ("experiment: [book_to_film]\n", "`transfer experiment"),
    ],
)
def test_what_is_no_recipe_is_refused(write, text, message):
    path = write("wrong.yaml", text)
    assert message in refused(path)


def test_files_that_cannot_be_recipes(write, tmp_path):
    assert "over 1 MiB" in refused(write("large.yaml", "sources: books\n#" + "x" * (1 << 20)))
    (tmp_path / "latin.yaml").write_bytes("description: caf\xe9\n".encode("latin-1"))
    assert "not UTF-8" in refused(tmp_path / "latin.yaml")
    assert "Did you mean 'book_to_film'?" in refused("book_to_flim")
    (tmp_path / "mine.yaml").write_text("sources: books")
    assert f"Did you mean {tmp_path / 'mine.yaml'}?" in refused(tmp_path / "mine")
    assert "no such recipe" in refused(tmp_path / "missing.yaml")
    assert "no such recipe" in refused(tmp_path)
    assert "Run it with `transfer experiment table4`" in refused("table4")


def test_the_file_wins_over_a_bundled_name_only_by_its_path(write):
    assert find_recipe("book_to_film") == bundled_recipes()["book_to_film"]
    path = write("book_to_film.yaml", "sources: films\n")
    assert find_recipe(path) == path.resolve()
    assert find_recipe(str(path)).name == "book_to_film.yaml"


keys = st.text("abcde", min_size=1, max_size=3)
values = st.one_of(st.integers(-99, 99), st.booleans(), st.text("xyz", min_size=1, max_size=4))


@PROPERTY
@given(st.lists(keys, min_size=1, max_size=4), values)
def test_an_override_sets_exactly_one_value(path, value):
    data = {}
    apply_override(data, f"{'.'.join(path)}={yaml.safe_dump(value).strip().removesuffix('...').strip()}")
    for key in path[:-1]:
        assert list(data) == [key]
        data = data[key]
    assert data == {path[-1]: value}


def test_every_setting_says_what_it_is():
    def undescribed(model, path=""):
        for name, field in model.model_fields.items():
            inner = field.annotation
            if isinstance(inner, type) and hasattr(inner, "model_fields"):
                yield from undescribed(inner, f"{path}{name}.")
            if not field.description:
                yield f"{path}{name}"

    assert list(undescribed(Recipe)) == []


def test_a_resolved_recipe_is_plain_data_and_the_same_recipe(write):
    path = write("full.yaml", "sources: [books]\ntarget: films\nencoder: {dim: 12}\nshots: 0.25\n")
    recipe = load_recipe(path).recipe
    data = resolved(recipe)
    assert yaml.safe_load(yaml.safe_dump(data)) == data
    assert check_recipe(data, path) == recipe
    assert data["evaluation"]["negatives"] == 999


def test_the_papers_values_are_one_setting_away_and_what_a_recipe_says_wins():
    data = {"sources": ["books"], "preset": "paper", "training": {"epochs": 7}}
    paper = check_recipe(data, "here")
    assert (paper.training.loss, paper.training.drawn, paper.training.learning_rate) == ("bce", 1, 0.005)
    assert (paper.training.epochs, paper.prompts.sees) == (7, "train")
    own = check_recipe({**data, "training": {"loss": "softmax"}}, "here")
    assert (own.training.loss, own.training.learning_rate) == ("softmax", 0.005)
    assert check_recipe(resolved(paper), "here") == paper
    assert load_recipe("book_to_film", ["preset=paper"]).recipe.training.loss == "bce"
    with refusal("invalid-value", "here: preset"):
        check_recipe({**data, "preset": "papre"}, "here")


def test_a_sentence_encoder_may_lie_beside_its_recipe(tmp_path, monkeypatch):
    path = tmp_path / "there" / "mine.yaml"
    (tmp_path / "there" / "encoder").mkdir(parents=True)
    path.write_text("sources: [books]\nsemantic: {encoder: encoder}\n")
    monkeypatch.chdir(tmp_path)
    assert load_recipe(path).recipe.semantic.encoder == str(path.with_name("encoder"))
    (tmp_path / "there" / "encoder").rmdir()
    assert load_recipe(path).recipe.semantic.encoder == "encoder"


def test_an_error_of_an_override_is_laid_to_it_and_one_of_the_file_is_not(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("sources: [books]\nencoder: {dim: 8}\n")
    with pytest.raises(InputError) as caught:
        load_recipe(path, ["seeds=[0]", "encoder.dim=-1"])
    assert caught.value.location == "--set encoder.dim"
    path.write_text("sources: [books]\nencoder: {dim: -1}\n")
    with pytest.raises(InputError) as caught:
        load_recipe(path, ["seeds=[0]"])
    assert caught.value.location == f"{path}: encoder.dim"


def test_former_keys_are_dropped_if_they_say_what_is_done_anyway(write):
    given = "sources: books\ntraining: {beta1: 0.9, epochs: 3}\nunseen: {edit_length: 7, wordnet: false, nearest: 2}\n"
    recipe = load_recipe(write("former.yaml", given)).recipe
    assert recipe.training.epochs == 3
    assert recipe.unseen.steps == ("lemma", "spelling", "compound", "vectors")
    assert recipe.unseen.nearest == 2


def test_a_former_key_with_another_value_is_an_error(write):
    path = write("former.yaml", "sources: books\ntraining: {beta1: 0.5}\n")
    with pytest.raises(InputError) as caught:
        load_recipe(path)
    assert (caught.value.code, caught.value.location) == ("former-key", f"{path}: training")
    assert "beta1" in caught.value.problem


def test_a_former_key_of_the_machine_is_ignored_with_a_warning(write):
    path = write("former.yaml", "sources: books\nevaluation: {memory_mb: 8, negatives: 9}\n")
    with pytest.warns(UserWarning, match="memory_mb"):
        assert load_recipe(path).recipe.evaluation.negatives == 9


def leaves(model, before=""):
    for name, field in model.model_fields.items():
        kinds = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
        inner = next((kind for kind in kinds if issubclass(kind, BaseModel)), None)
        nested = inner is not None and name not in ("target", "sources")
        yield from leaves(inner, f"{before}{name}.") if nested else [before + name]


def test_a_recipe_stays_small():
    # A new key needs a reason: remove another one, or raise this number.
    assert len(list(leaves(Recipe))) <= 90
