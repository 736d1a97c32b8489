"""What must never pass in silence: results of other settings, held-out data in sight, models that learned nothing."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from experiment_cases import write_domain, write_experiment, write_recipe
from refusals import refusal
from scipy.sparse import random as random_sparse
from transfer_cases import random_histories, small_domain

from domains.data_frames import NewItems
from domains.derived import train_part
from domains.errors import InputError
from domains.open_domain import open_domain
from domains.split import leave_one_out, only_new_items
from recipes.experiment_schema import load_experiment
from recipes.load import check_recipe, load_recipe
from recipes.presets import with_preset
from recipes.schema import Recipe, resolved
from transfer.api import adapt
from transfer.diffusion.over_items import train_diffrec
from transfer.diffusion.s2idm_training import SourceInterests, train_s2idm
from transfer.diffusion.settings import DiffRecSettings, S2IDMSettings
from transfer.evaluation.summary import compare
from transfer.experiments.execute import run_experiment
from transfer.files import alone_in, read_tensors
from transfer.items.sentence_vectors import Semantics
from transfer.planning.dry_run import forecast
from transfer.runs.checkpoints import checkpoint_path, read_finished
from transfer.runs.checks import check_can_select, check_no_leak
from transfer.runs.pipeline import recipe_for_target, source_from, target_from
from transfer.runs.plan import make_plan, make_split
from transfer.runs.reevaluate import largest_gap, reevaluate
from transfer.runs.sharing import accept
from transfer.runs.source_artifact import SourceArtifact
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime
from transfer.serving.new_items import run_with, with_new_items
from transfer.systems.pdrec import PDRecSettings, PlugIn
from vocab.settings import UnseenSettings


def made(folder, name="target", **settings):
    """A tiny run and its recipe."""
    loaded = load_recipe(write_recipe(folder, **settings))
    source = source_from(make_plan(loaded), folder / "source", Runtime())
    return source, loaded, target_from(make_plan(loaded, source), source, folder / name, Runtime())


# Finished pieces and artifacts are of what they were made of.


def test_pieces_of_another_s2idm_are_not_taken_over(tmp_path):
    _, loaded, _ = made(tmp_path, variants=["sasrec+ipe+s2idm"])
    longer = load_recipe(loaded.path, ["s2idm.epochs=3"])
    other = source_from(make_plan(longer), tmp_path / "other", Runtime())
    with refusal("run-differs", "target"):
        target_from(make_plan(loaded, other), other, tmp_path / "target", Runtime())


def test_pieces_on_other_anchors_are_not_taken_over(tmp_path):
    path = write_recipe(tmp_path, unseen=UnseenSettings().model_dump())
    items = tmp_path / "plays-items.csv"
    items.write_text(items.read_text().replace("plays0,", "plays0,zeppelin ", 1))
    loaded = load_recipe(path)
    source = source_from(make_plan(loaded), tmp_path / "source", Runtime())
    target_from(make_plan(loaded, source), source, tmp_path / "target", Runtime())
    document = json.loads((tmp_path / "target" / "unseen.json").read_text())
    assert document["words"]["zeppelin"] != [["dragon", 1.0, "hand"]]
    edited, same = tmp_path / "edited.json", tmp_path / "same.json"
    same.write_text(json.dumps(document))
    document["words"]["zeppelin"] = [["dragon", 1.0, "hand"]]
    edited.write_text(json.dumps(document))
    target_from(make_plan(load_recipe(path, [f"unseen_map={same}"]), source), source, tmp_path / "target", Runtime())
    with refusal("run-differs", "target"):
        target_from(
            make_plan(load_recipe(path, [f"unseen_map={edited}"]), source), source, tmp_path / "target", Runtime()
        )


@pytest.mark.parametrize(
    ("override", "differs"),
    [
        ("s2idm.epochs=3", "s2idm"),
        ("prompts.count=2", "prompts"),
        ("items.channels=[anchors]", "items"),
        ("seeds=[1]", "seeds"),
    ],
)
def test_a_source_artifact_of_other_settings_is_not_taken_over(tmp_path, override, differs):
    path = write_recipe(tmp_path, source_encoder={"channels": ["anchors"], "epochs": 1})
    source_from(make_plan(load_recipe(path)), tmp_path / "source", Runtime())
    source_from(make_plan(load_recipe(path, ["training.epochs=1"])), tmp_path / "source", Runtime())
    with refusal("run-differs", "source", about=differs):
        source_from(make_plan(load_recipe(path, [override])), tmp_path / "source", Runtime())


def test_a_vocabulary_of_other_target_titles_is_not_taken_over(tmp_path):
    path = write_recipe(tmp_path, target_titles=True)
    source_from(make_plan(load_recipe(path)), tmp_path / "source", Runtime())
    items = tmp_path / "plays-items.csv"
    items.write_text(items.read_text().replace("dragon", "zebra"))
    with refusal("run-differs", "source", about="titles"):
        source_from(make_plan(load_recipe(path)), tmp_path / "source", Runtime())


def test_an_experiment_notices_that_its_data_changed(tmp_path):
    path = write_experiment(tmp_path)
    run_experiment(load_experiment(path), tmp_path / "out", Runtime(), workers=1)
    acts = tmp_path / "tapes.csv"
    acts.write_text("\n".join(acts.read_text().splitlines()[:200]) + "\n")
    with refusal("run-differs", "tiny", about="data"):
        run_experiment(load_experiment(path), tmp_path / "out", Runtime(), workers=1)


def test_finished_variants_that_new_results_leave_out_are_named(tmp_path, said):
    source, loaded, _ = made(tmp_path, variants=["popular", "sasrec", "sasrec+ipe+constant"])
    target_from(make_plan(loaded, source), source, tmp_path / "target", Runtime())
    assert not any("left out" in line for line in said)
    fewer = load_recipe(loaded.path, ["variants=[sasrec+matching]"])
    run = target_from(make_plan(fewer, source), source, tmp_path / "target", Runtime())
    assert list(run.metrics.variants) == ["sasrec+matching"]
    assert [line for line in said if "left out" in line] == [
        "Finished but not in the recipe, so left out: popular, sasrec+ipe+constant. "
        "Name them in --variants to keep them"
    ]


def test_a_run_that_is_written_again_is_unfinished_until_it_is_whole(tmp_path, monkeypatch):
    run = made(tmp_path)[2]

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("transfer.runs.target_run.write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        run.write(tmp_path / "target")
    with refusal("run-missing", "target"):
        TargetRun.read(tmp_path / "target")


@pytest.mark.parametrize("part", ["vocabulary", "domain"])
def test_a_run_whose_parts_were_exchanged_is_refused(tmp_path, part):
    made(tmp_path)
    config = tmp_path / "target" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {f"{part}_fingerprint": "0" * 64}))
    with pytest.raises(InputError) as caught:
        TargetRun.read(tmp_path / "target")
    assert caught.value.code == "file-changed"
    with refusal("run-mixed", part):
        accept(tmp_path / "target")


# Nothing that is held out is seen.


def test_a_target_that_is_its_own_source_is_refused_at_every_door(tmp_path):
    path = write_recipe(tmp_path)
    twin = {**yaml.safe_load(path.read_text())["sources"][0], "name": "twin"}
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"target": twin}))
    loaded = load_recipe(path)
    alone = load_recipe(write_recipe(tmp_path, target=None))
    source = source_from(make_plan(alone), tmp_path / "source", Runtime())
    twin_domain = open_domain(loaded.recipe.target, base=loaded.folder).domain
    for door in (
        lambda: forecast(make_plan(loaded)),
        lambda: source_from(make_plan(loaded), tmp_path / "elsewhere", Runtime()),
        lambda: source_from(make_plan(loaded), tmp_path / "extended", Runtime(), source),
        lambda: target_from(make_plan(loaded, source), source, tmp_path / "target", Runtime()),
        lambda: adapt(source, twin_domain, out=tmp_path / "by-api", device="cpu"),
    ):
        with refusal("leak", "twin"):
            door()


@pytest.mark.parametrize(
    "settings",
    [
        {"evaluation": {"new_items": 0.2}},
        {"shots": 0.5},
        {"evaluation": {"split": "temporal", "validation_from": 10, "test_from": 20}},
    ],
)
def test_a_source_part_is_cut_by_leave_one_out_and_serves_no_other_split(settings):
    domain = small_domain(random_histories(np.random.default_rng(0), 30, 20, 5, 9))
    part = train_part(leave_one_out(domain))
    recipe = check_recipe({"sources": ["books"], **settings}, "test")
    with refusal("leak", "small", about="source_part"):
        check_no_leak(domain, recipe, {part.fingerprint})
    check_no_leak(domain, recipe, {"another domain"})
    check_no_leak(domain, check_recipe({"sources": ["books"]}, "test"), {part.fingerprint})


def test_the_check_refuses_a_source_part_that_the_run_would_refuse(tmp_path):
    path = write_recipe(tmp_path)
    data, twin = (yaml.safe_load(path.read_text()) for _ in range(2))
    target = {**twin["sources"][0], "name": "twin"}
    path.write_text(yaml.safe_dump(data | {"target": target, "source_part": "train", "target_titles": False}))
    forecast(make_plan(load_recipe(path)))
    with refusal("leak", "twin", about="source_part"):
        forecast(make_plan(load_recipe(path, ["shots=0.5"])))


def test_pdrec_trains_on_no_hidden_item():
    domain = small_domain(random_histories(np.random.default_rng(0), 60, 40, 6, 10), n_items=40)
    split = only_new_items(leave_one_out(domain), 0.2, 0)
    settings = DiffRecSettings(model=S2IDMSettings(hidden=8, epochs=2, learning_rate=0.01))
    diffusion = train_diffrec(split, "time", settings, 0, Runtime())
    tables = PlugIn.of(split, diffusion, settings, PDRecSettings(candidates=5), torch.device("cpu"))
    hidden = torch.from_numpy(split.new_items)
    assert hidden.sum() == 8
    users = split.training_users
    assert not hidden[tables.negatives[users]].any()
    assert not hidden[tables.positives[users]].any()


# Nothing learned is told as such.


def test_selection_needs_somebody_to_select_on():
    domain = small_domain([[0, 1, 2], [3, 4, 5]], times=[[1, 2, 3], [1, 2, 9]])
    recipe = check_recipe(
        {"sources": ["books"], "evaluation": {"split": "temporal", "validation_from": 5, "test_from": 8}}, "test"
    )
    with refusal("no-targets", "small"):
        check_can_select(make_split(domain, recipe))


@pytest.mark.parametrize("short_users", ["error", "train"])
def test_leave_one_out_needs_somebody_with_three_interactions(short_users):
    recipe = check_recipe({"sources": ["books"], "evaluation": {"short_users": short_users}}, "test")
    with refusal("short-users", "small"):
        make_split(small_domain([[0, 1], [2]]), recipe)
    moments = {"split": "temporal", "validation_from": 1, "test_from": 2}
    make_split(small_domain([[0, 1], [2]]), check_recipe({"sources": ["books"], "evaluation": moments}, "test"))


def test_a_diffusion_that_diverges_says_so():
    interests = random_sparse(40, 12, 0.3, format="csr", random_state=0).astype(np.float32)
    settings = S2IDMSettings(hidden=8, epochs=30, learning_rate=1e38)
    with refusal("diverged", about="S2IDM"):
        train_s2idm([SourceInterests(name="one", inputs=interests, targets=interests)], settings, 0, Runtime())
    split = leave_one_out(small_domain(random_histories(np.random.default_rng(0), 40, 12, 3, 8), n_items=12))
    with refusal("diverged", about="diffrec.model.learning_rate"):
        train_diffrec(split, "time", DiffRecSettings(model=settings), 0, Runtime())


def test_the_largest_share_held_out_leaves_somebody_to_train():
    interests = random_sparse(40, 12, 0.9, format="csr", random_state=0).astype(np.float32)
    settings, log = S2IDMSettings(hidden=8, epochs=1, held_out=0.999), []
    train_s2idm([SourceInterests(name="one", inputs=interests, targets=interests)], settings, 0, Runtime(), log.append)
    assert log[0]["loss"] > 0


def test_nobody_who_is_tested_is_an_error(tmp_path):
    moments = {"split": "temporal", "validation_from": 1_600_000_000, "test_from": 4_000_000_000}
    path = write_recipe(tmp_path, evaluation=moments)
    with refusal("no-targets", "plays", about="evaluation.test_from"):
        forecast(make_plan(load_recipe(path)))


def test_what_was_settled_with_the_source_stays_and_is_told(tmp_path, said):
    source, loaded, run = made(tmp_path, variants=["sasrec", "sasrec+ipe+s2idm"])
    asked = ["s2idm.hidden=99", "interests.w_min=0.4", "vocabulary.min_items=7"]
    other = target_from(make_plan(load_recipe(loaded.path, asked), source), source, tmp_path / "other", Runtime())
    (line,) = [line for line in said if line.startswith("The source artifact overrules")]
    assert all(part in line for part in ("s2idm.hidden 8", "interests.w_min 0.1", "vocabulary.min_items"))
    assert (other.recipe.s2idm, other.recipe.interests) == (run.recipe.s2idm, run.recipe.interests)
    assert other.metrics.variants == run.metrics.variants
    said.clear()
    target_from(make_plan(loaded, source), source, tmp_path / "same", Runtime())
    assert not any(line.startswith("The source artifact") for line in said)


def test_an_artifact_that_goes_on_to_learn_counts_a_targets_titles_once(tmp_path):
    source, loaded, _ = made(tmp_path)
    assert source.vocabulary.domains == ("tapes", "plays")
    data = yaml.safe_load(loaded.path.read_text()) | {"sources": [write_domain(tmp_path, "songs", 3)]}
    loaded.path.write_text(yaml.safe_dump(data))
    extended = source_from(make_plan(load_recipe(loaded.path)), tmp_path / "extended", Runtime(), source)
    assert extended.vocabulary.domains == ("tapes", "plays", "songs")
    assert extended.target_items == source.target_items
    loaded.path.write_text(yaml.safe_dump(data | {"target": {**write_domain(tmp_path, "other", 4), "name": "plays"}}))
    with refusal("titles-differ", "plays", about="target_titles"):
        source_from(make_plan(load_recipe(loaded.path)), tmp_path / "again", Runtime(), source)


def test_an_artifact_goes_on_to_learn_from_what_was_its_target(tmp_path):
    source, loaded, _ = made(tmp_path)
    data = yaml.safe_load(loaded.path.read_text())
    turned = {**data, "sources": [data["target"]], "target": write_domain(tmp_path, "songs", 3)}
    loaded.path.write_text(yaml.safe_dump(turned))
    extended = source_from(make_plan(load_recipe(loaded.path)), tmp_path / "extended", Runtime(), source)
    assert [note.name for note in extended.domains] == ["tapes", "plays"]
    assert extended.vocabulary.domains == ("tapes", "plays", "songs")
    loaded.path.write_text(yaml.safe_dump({key: value for key, value in turned.items() if key != "target"}))
    alone = source_from(make_plan(load_recipe(loaded.path)), tmp_path / "alone", Runtime(), source)
    assert (alone.vocabulary.domains, alone.vocabulary.n_items) == (("tapes", "plays"), source.vocabulary.n_items)


def test_what_the_source_cannot_give_is_skipped_with_the_reason(tmp_path):
    variants = [
        "gru4rec+anchors+no-id+source",
        "sasrec+source",
        "sasrec+anchors+no-id+source",
        "cl4srec+anchors+source",
    ]
    _, _, run = made(tmp_path, source_encoder={"channels": ["anchors"], "epochs": 1}, variants=variants, shots=0)
    assert run.metrics.skipped == {
        "gru4rec+anchors+no-id+source": "the source encoder is a sasrec",
        "sasrec+source": "the source encoder has the channels anchors; the items have none of them",
    }
    assert list(run.metrics.variants) == variants[2:]


def test_an_encoder_of_another_size_cannot_go_on_from_the_sources(tmp_path):
    source, loaded, _ = made(
        tmp_path, source_encoder={"channels": ["anchors"], "epochs": 1}, variants=["sasrec+anchors+source"]
    )
    with refusal("encoder-differs", "encoder"):
        target_from(
            make_plan(load_recipe(loaded.path, ["encoder.dim=16"]), source), source, tmp_path / "other", Runtime()
        )


# Figures are of whom they say.


def test_the_product_is_told_with_the_validation_of_the_users_that_train(tmp_path):
    _, loaded, run = made(
        tmp_path,
        shots=0.2,
        variants=["popular", "sasrec", "sasrec+ipe+constant"],
        training={"base_epochs": 3, "epochs": 2},
    )
    users = make_split(run.domain, loaded.recipe).training_users
    for name in run.metrics.variants:
        ranking = read_finished(checkpoint_path(tmp_path / "target", name, 0, "done")).rankings["validation"]
        ranks = ranking.full[np.isin(ranking.users, users)]
        expected = np.where(ranks < 10, 1 / np.log2(ranks + 2.0), 0).mean()
        assert run.metrics.variants[name].selection.values == pytest.approx([expected])
    product = run.metrics.product
    assert product.validation == run.metrics.variants[product.variant].selection.mean
    others = {name: one.selection.mean for name, one in run.metrics.variants.items() if name != product.variant}
    assert product.margin == pytest.approx(product.validation - max(others.values()))
    assert set(product.beaten_by) == {name for name, mean in others.items() if mean > product.validation}
    told = f"`{product.variant}`, which validation prefers among popular, sasrec, sasrec+ipe+constant"
    readme = (tmp_path / "target" / "README.md").read_text()
    assert told in readme
    assert all(name in readme.partition(told)[2] for name in product.beaten_by)


def test_a_kept_base_stays_as_it_is_under_every_variant_and_trains_once(tmp_path, monkeypatch):
    rising = count()
    monkeypatch.setattr("transfer.training.loop.validate", lambda *_: float(next(rising)))  # the last epoch is kept
    training = {"base_epochs": 2, "epochs": 2, "learning_rate": 0.05}
    variants = ["sasrec", "sasrec+ipe+raw"]
    for base in ("kept", "trained"):
        (tmp_path / base).mkdir()
        made(tmp_path / base, variants=variants, training={**training, "base": base})
        run = tmp_path / base / "target"
        weights = read_tensors(checkpoint_path(run, "sasrec", 0, "base"))
        kept = {}
        for name in variants:
            done = read_finished(checkpoint_path(run, name, 0, "done")).weights
            kept[name] = all(torch.equal(done[key], value) for key, value in weights.items())
        stages = [json.loads(line).get("stage") for line in (run / "training.jsonl").read_text().splitlines()]
        assert kept["sasrec"] == kept["sasrec+ipe+raw"] == (base == "kept")
        assert ("sasrec · seed 0" in stages) == (base == "trained")


def test_another_users_interests_are_never_the_product(tmp_path):
    _, _, run = made(tmp_path, variants=["sasrec+ipe+shuffled", "sasrec"], shots=0)
    assert run.variant.label == "sasrec"
    assert "`sasrec`, chosen by its parts: no user trained" in (tmp_path / "target" / "README.md").read_text()


def test_new_items_change_nothing_of_what_was_popular(tmp_path):
    _, _, run = made(tmp_path, variants=["sasrec+anchors", "popular"], evaluation={"negatives": 5, "new_items": 0.2})
    grown = with_new_items(run, NewItems(["new"], ["dragon castle"]))
    assert np.array_equal(grown.counts[:-1], run.counts, equal_nan=True)
    assert np.isnan(grown.counts[-1])
    device = torch.device("cpu")
    assert torch.equal(grown.known_items(device).popularity[:-1], run.known_items(device).popularity)


def test_a_preset_beats_what_an_artifact_wrote_out_and_loses_to_what_is_asked(tmp_path):
    source, _, run = made(tmp_path)
    asked = recipe_for_target(source, "films", ["preset=paper", "training.patience=7"]).recipe
    assert (asked.preset, asked.training.loss, asked.prompts.sees) == ("paper", "bce", "train")
    assert (asked.training.learning_rate, asked.training.patience) == (0.005, 7)
    by_api = adapt(
        source, run.domain, out=tmp_path / "by-api", device="cpu", settings={"preset": "paper", "variants": ["sasrec"]}
    )
    assert by_api.target.recipe.training.loss == "bce"


def test_presets_lead_there_and_back():
    strong = resolved(Recipe(sources=("books",)))
    there = with_preset(strong, "paper")
    assert there["training"]["loss"] == "bce"
    assert resolved(Recipe.model_validate(with_preset(there, "strong"))) == strong
    assert with_preset(strong, None) == strong


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "..", "a\\b"])
def test_a_name_leads_to_no_other_folder(name):
    with refusal("invalid-value", "test: name"):
        check_recipe({"sources": ["books"], "name": name}, "test")


def test_the_same_gain_for_everybody_is_no_chance():
    same = np.full((1, 30), 0.25)
    assert compare("ours", "theirs", "test", "full/ndcg@10", same, same / 2).p_users == 0.0
    assert compare("ours", "theirs", "test", "full/ndcg@10", same, same).p_users is None


# What somebody else made stays as it is.


def test_results_go_over_nobody_elses_files(tmp_path):
    source, loaded, _ = made(tmp_path)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "README.md").write_text("my own")
    for door in (
        lambda: source_from(make_plan(loaded), mine, Runtime()),
        lambda: target_from(make_plan(loaded, source), source, mine, Runtime()),
        lambda: adapt(source, make_plan(loaded, source).domain, out=mine, device="cpu"),
        lambda: target_from(make_plan(loaded, source), source, tmp_path, Runtime()),
    ):
        with refusal("folder-in-use"):
            door()
    with refusal("folder-in-use", "source"):
        target_from(make_plan(loaded, source), source, tmp_path / "source", Runtime())
    with refusal("folder-in-use", "target"):
        source_from(make_plan(loaded), tmp_path / "target", Runtime())
    assert [path.name for path in mine.iterdir()] == ["README.md"]
    assert (mine / "README.md").read_text() == "my own"


def test_two_runs_never_share_a_folder(tmp_path):
    source, loaded, _ = made(tmp_path)
    busy = tmp_path / "busy"
    with alone_in(busy):
        for door in (
            lambda: source_from(make_plan(loaded), busy, Runtime()),
            lambda: target_from(make_plan(loaded, source), source, busy, Runtime()),
            lambda: adapt(source, make_plan(loaded, source).domain, out=busy, device="cpu"),
        ):
            with refusal("folder-in-use", "busy"):
                door()
        assert [path.name for path in busy.iterdir()] == [".lock"]
    target_from(make_plan(loaded, source), source, busy, Runtime())
    assert (busy / "metrics.json").is_file()


def test_without_training_matching_decides(tmp_path):
    variants = [
        "sasrec+anchors",
        "sasrec+anchors+no-id+source",
        "sasrec+anchors+no-id+source+matching",
        "sasrec+anchors+matching",
    ]
    _, _, run = made(tmp_path, source_encoder={"channels": ["anchors"], "epochs": 1}, variants=variants, shots=0)
    assert run.variant.label == "sasrec+anchors+matching"


def test_an_artifact_goes_on_to_learn_and_tells_what_stays_and_what_is_lost(tmp_path, said):
    source, loaded, _ = made(tmp_path, source_encoder={"channels": ["anchors"], "epochs": 1})
    kept = yaml.safe_load(loaded.path.read_text()) | {"sources": [write_domain(tmp_path, "songs", 7)]}
    loaded.path.write_text(yaml.safe_dump({k: v for k, v in kept.items() if k not in {"target", "source_encoder"}}))
    extended = source_from(
        make_plan(load_recipe(loaded.path, ["s2idm.hidden=16", "vocabulary.min_items=3"])),
        tmp_path / "extended",
        Runtime(),
        source,
    )
    assert [note.name for note in extended.domains] == ["tapes", "songs"]
    count = len(source.vocabulary)
    assert extended.vocabulary.words[:count] == source.vocabulary.words
    assert extended.s2idm.settings.hidden == source.s2idm.settings.hidden == 8
    before, after = (one.s2idm.denoiser.outer.weight for one in (source, extended))
    assert not torch.equal(after[:count], before)
    assert any("s2idm.hidden stays 8" in line for line in said)
    assert any("vocabulary.min_items stays" in line and "(the recipe has 3)" in line for line in said)
    assert not any("vocabulary.max_share" in line for line in said)
    assert any("source encoder of that artifact is dropped" in line for line in said)
    back = SourceArtifact.read(tmp_path / "extended")
    assert back.fingerprint == extended.fingerprint != source.fingerprint


def extended(folder, source, overrides):
    """An artifact that goes on to learn from songs, with an encoder of these settings."""
    recipe = yaml.safe_load((folder / "tiny.yaml").read_text()) | {"sources": [write_domain(folder, "songs", 7)]}
    (folder / "more.yaml").write_text(yaml.safe_dump({key: value for key, value in recipe.items() if key != "target"}))
    loaded = load_recipe(folder / "more.yaml", overrides)
    return source_from(make_plan(loaded), folder / f"more{len(overrides)}", Runtime(), source)


def test_a_source_encoder_goes_on_with_fewer_positions_and_another_one_is_told(tmp_path, said):
    path = write_recipe(tmp_path, source_encoder={"channels": ["anchors"], "epochs": 1})
    source = source_from(make_plan(load_recipe(path)), tmp_path / "source", Runtime())
    shortened = extended(tmp_path, source, ["encoder.max_length=4"])
    before, after = (one.transferable.weights["encoder.positions.weight"] for one in (source, shortened))
    assert (len(before), len(after)) == (10 + 3, 4 + 3)
    # One epoch moves a weight by less than two unrelated draws are apart.
    assert (after - before[: len(after)]).abs().max() < 0.1 < (before[: len(after)].flip(0) - after).abs().max()
    assert not any("from scratch" in line for line in said)
    wider = extended(tmp_path, source, ["encoder.max_length=4", "encoder.dim=16"])
    assert wider.transferable.weights["encoder.positions.weight"].shape[1] == 16
    assert any("a sasrec of width 8, but the recipe asks for a sasrec of width 16" in line for line in said)


def test_maps_of_one_sentence_encoder_do_not_go_on_with_vectors_of_another(tmp_path, monkeypatch):
    class Vectors:
        def __init__(self, name):
            self.encoder = SimpleNamespace(fingerprint=name, folder=Path(name))

        def titles(self, domain):
            return self.words(domain.titles.to_pylist())

        def words(self, words):
            return torch.nn.functional.normalize(torch.tensor([[float(len(word)), 1.0] for word in words]), dim=-1)

    monkeypatch.setattr(Semantics, "find", classmethod(lambda cls, settings, runtime: Vectors("one")))
    path = write_recipe(tmp_path, source_encoder={"channels": ["title-semantic"], "epochs": 1})
    source = source_from(make_plan(load_recipe(path)), tmp_path / "source", Runtime())
    assert extended(tmp_path, source, ["s2idm.epochs=1"]).transferable.weights
    monkeypatch.setattr(Semantics, "find", classmethod(lambda cls, settings, runtime: Vectors("other")))
    with refusal("encoder-differs", "semantic.encoder"):
        extended(tmp_path, source, [])


def test_a_source_encoder_that_nobody_selects_is_refused(tmp_path):
    loaded = load_recipe(
        write_recipe(tmp_path, source_encoder={"channels": ["anchors"], "epochs": 1}),
        ["sources.0.prepare.max_history=2", "sources.0.prepare.min_user_interactions=0"],
    )
    with refusal("no-targets", "source_encoder.channels"):
        source_from(make_plan(loaded), tmp_path / "source", Runtime())
    with refusal("no-targets", "source_encoder.channels"):
        forecast(make_plan(loaded))


@pytest.mark.parametrize("name", ["cl4srec", "pdrec"])
def test_sources_train_their_encoder_as_its_name_says(tmp_path, name):
    path = write_recipe(
        tmp_path,
        source_encoder={"channels": ["anchors"], "epochs": 1},
        systems={"pdrec": {"diffusion": {"model": {"hidden": 8, "epochs": 1}}}},
    )
    plain = source_from(make_plan(load_recipe(path)), tmp_path / "plain", Runtime())
    own = source_from(make_plan(load_recipe(path, [f"source_encoder.system={name}"])), tmp_path / "own", Runtime())
    before, after = (one.transferable.weights["items.channels.anchors.table.weight"] for one in (plain, own))
    assert not torch.equal(before, after)
    other = {"cl4srec": "systems.cl4srec.weight=0.5", "pdrec": "systems.pdrec.pool=7"}[name]
    with refusal("run-differs", "own", about="systems"):
        source_from(make_plan(load_recipe(path, [f"source_encoder.system={name}", other])), tmp_path / "own", Runtime())


def test_artifacts_follow_the_hubs_conventions(tmp_path):
    source, _, run = made(tmp_path, variants=["sasrec+ipe+s2idm"])
    source.save_pretrained(tmp_path / "shared-source")
    run.save_pretrained(tmp_path / "shared-run")
    again = SourceArtifact.from_pretrained(str(tmp_path / "shared-source"))
    assert again.fingerprint == source.fingerprint
    assert again.folder == tmp_path / "shared-source"
    back = TargetRun.from_pretrained(str(tmp_path / "shared-run"))
    assert back.variant == run.variant
    assert reevaluate(back, Runtime()) == reevaluate(run, Runtime())


def test_a_map_beside_the_recipe_is_found_and_a_missing_one_told_before_a_source_is_fitted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    path = write_recipe(tmp_path / "here", unseen=UnseenSettings().model_dump(), unseen_map="map.json")
    with refusal("no-file", "map.json"):
        make_plan(load_recipe(path))
    (tmp_path / "map.json").touch()
    assert load_recipe(path).recipe.unseen_map.resolve() == tmp_path / "map.json"
    beside = tmp_path / "here" / "map.json"
    beside.touch()
    assert load_recipe(path).recipe.unseen_map == beside
    make_plan(load_recipe(path))


def test_a_saved_run_keeps_its_map_of_unseen_words(tmp_path):
    made(tmp_path, variants=["sasrec"], unseen=UnseenSettings().model_dump())
    file = tmp_path / "target" / "unseen.json"
    document = json.loads(file.read_text())
    document["words"]["zeppelin"] = [["robot", 0.5, "hand"]]
    file.write_text(json.dumps(document))
    accept(tmp_path / "target")
    TargetRun.read(tmp_path / "target").save_pretrained(tmp_path / "shared")
    saved = TargetRun.from_pretrained(str(tmp_path / "shared"))
    robot = saved.vocabulary.index("robot")
    assert run_with(saved, NewItems(["new"], ["zeppelin"])).item_anchors[-1].toarray()[0, robot] == 0.5
    log = "training.jsonl"
    assert (tmp_path / "shared" / log).read_bytes() == (tmp_path / "target" / log).read_bytes()


# A target may stand alone.


def test_without_sources_the_target_trains_alone(tmp_path):
    path = write_recipe(tmp_path, sources=[], variants=["popular", "sasrec", "sasrec+matching", "sasrec+ipe+s2idm"])
    plan = make_plan(load_recipe(path))
    assert plan.needs_s2idm
    source = source_from(plan, tmp_path / "source", Runtime())
    assert (source.s2idm, source.domains, source.vocabulary.domains) == (None, (), ("plays",))
    run = target_from(plan.with_source(source), source, tmp_path / "target", Runtime())
    assert list(run.metrics.variants) == ["popular", "sasrec", "sasrec+matching"]
    assert "no S2IDM" in run.metrics.skipped["sasrec+ipe+s2idm"]
    back = TargetRun.read(tmp_path / "target")
    assert back.s2idm is None
    assert largest_gap(back, reevaluate(back, Runtime())) < 1e-6
    assert SourceArtifact.read(tmp_path / "source").s2idm is None
    assert forecast(plan).skipped.keys() == {"sasrec+ipe+s2idm"}


def test_s2idm_is_trained_only_if_a_variant_reads_it(tmp_path):
    plan = make_plan(load_recipe(write_recipe(tmp_path, variants=["sasrec", "sasrec+ipe+raw"])))
    assert not plan.needs_s2idm
    source = source_from(plan, tmp_path / "source", Runtime(), with_s2idm=plan.needs_s2idm)
    assert source.s2idm is None
    assert source_from(plan, tmp_path / "source", Runtime(), with_s2idm=False).fingerprint == source.fingerprint
    with refusal("run-differs", "source", about="S2IDM"):
        source_from(plan, tmp_path / "source", Runtime())
