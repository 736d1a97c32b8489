"""Run a recipe: fit or reuse the source artifact, adapt to the target, write the folders."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from domains.domain import Domain
from domains.errors import RunError, SettingsError
from domains.open_domain import parse_spec
from domains.ties import count_ties
from recipes.load import LoadedRecipe, apply_override, check_recipe, load_recipe, names_recipe
from recipes.presets import with_preset
from recipes.schema import Recipe, resolved
from transfer.evaluation.summary import catalogue_note
from transfer.files import JsonLines, alone_in
from transfer.runs.adapt import Adapted, adapt_target
from transfer.runs.artifact import CHECKPOINTS, CONFIG, LOG, claim
from transfer.runs.checkpoints import finished_variants
from transfer.runs.checks import check_no_leak
from transfer.runs.fit_source import fit_source
from transfer.runs.plan import Plan
from transfer.runs.results import summarise
from transfer.runs.source_artifact import KIND as SOURCE
from transfer.runs.source_artifact import DomainNote, SourceArtifact
from transfer.runs.source_places import DEFAULT_ROOT
from transfer.runs.target_run import KIND as TARGET
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime
from transfer.terms.item_pairs import count_transitions, find_companions
from transfer.terms.known import counts_of
from transfer.terms.linear_items import find_taste
from vocab.encoder.locate import has_encoder, on_hub


def default_folder(loaded: LoadedRecipe) -> Path:
    """Return the default folder for results."""
    return DEFAULT_ROOT / loaded.recipe.name


def size_of(domain: Domain) -> str:
    """Return the name and size of a domain as text."""
    return f"{domain.name}: {domain.n_users:,} users, {domain.n_items:,} items, {domain.n_interactions:,} interactions"


def source_from(
    plan: Plan,
    folder: Path,
    runtime: Runtime,
    extends: SourceArtifact | None = None,
    with_s2idm: bool = True,
    licence: str | None = None,
    vectors: bool = True,
) -> SourceArtifact:
    """Fit the sources of a plan, or reuse the artifact in the folder if data and settings match.

    Args:
        plan: settings and source domains.
        folder: folder of the artifact.
        runtime: device, processes, progress.
        extends: an artifact to extend.
        with_s2idm: whether to train S2IDM.
        licence: licence of the artifact, written to its card; see `SourceArtifact`.
        vectors: whether to keep sentence vectors of the anchors. Without them, targets may use any encoder.

    Raises:
        InputError: the folder holds an artifact of other data or settings.
    """
    claim(folder, SOURCE)
    if plan.target is not None and extends is not None:
        check_no_leak(plan.domain, plan.recipe, {note.fingerprint for note in extends.domains})
    is_there = (folder / CONFIG).is_file()
    runtime.wait()  # no process writes the artifact before all have looked for it
    if is_there:
        found = SourceArtifact.read(folder)
        differs = difference(found, plan, extends, with_s2idm, vectors)
        if differs is None and licence not in (None, found.licence):
            differs = "the licence"
        if differs is None:
            if runtime.is_main:
                shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)  # left by a killed run
            runtime.log(f"Reusing the source artifact in {folder}; it matches recipe and data")
            return found
        raise RunError(
            f"this folder holds a source artifact of other settings or data (differs: {differs})",
            location=folder,
            hint="Choose another --out, or delete the folder",
            code="run-differs",
        )
    with alone_in(folder) if runtime.is_main else nullcontext():
        log = JsonLines(folder / LOG, fresh=not (folder / CHECKPOINTS).is_dir()) if runtime.is_main else lambda _: None
        for domain in plan.source_domains:
            runtime.log(size_of(domain))
        fitted = fit_source(plan, runtime, log, extends, folder, with_s2idm)
        artifact = replace(fitted.artifact if vectors else fitted.artifact.without_vectors(), licence=licence)
        for name, coverage in fitted.coverage.items():
            runtime.log(f"{name}: {str(coverage).splitlines()[0]}")
        if runtime.is_main:
            artifact.write(folder)
            shutil.rmtree(folder / CHECKPOINTS)
        runtime.wait()
    return artifact


_SOURCE_KEYS = ("vocabulary", "target_titles", "interests", "s2idm", "semantic", "source_encoder")


def difference(
    found: SourceArtifact,
    plan: Plan,
    extends: SourceArtifact | None = None,
    with_s2idm: bool = True,
    vectors: bool = True,
) -> str | None:
    """Return the first setting that differs from the existing artifact, or None."""
    recipe, sources = plan.recipe, plan.source_domains
    target = None if plan.target is None else plan.target.domain
    wanted = resolved(recipe)
    earlier = () if extends is None else extends.domains
    if with_s2idm and plan.sources and found.s2idm is None:
        return "S2IDM is missing"
    if found.domains != earlier + tuple(DomainNote.of(domain) for domain in sources):
        return "the sources' data"
    if recipe.target_titles and found.target_items != (None if target is None else target.items_fingerprint):
        return "the target's titles"
    if found.seed != recipe.seeds[0]:
        return "seeds"
    if not vectors and found.anchor_vectors is not None:
        return "sentence vectors of the anchors"
    if vectors and found.sentence_encoder is None and not on_hub(recipe.semantic) and has_encoder(recipe.semantic):
        return "a sentence encoder, which was not installed before"
    return next((key for key in _source_keys(recipe) if found.recipe.get(key) != wanted.get(key)), None)


def _source_keys(recipe: Recipe) -> tuple[str, ...]:
    """Return the keys of a recipe that determine its source artifact, besides data and seed."""
    with_encoder = ("encoder", "score", "training", "items", "evaluation", "prompts", "systems")
    return (*_SOURCE_KEYS, *(with_encoder if recipe.source_encoder.channels else ()))


def source_settings(recipe: Recipe) -> dict[str, Any]:
    """Return the settings that determine the source artifact, as plain data."""
    wanted = resolved(recipe)
    target = ("target",) if recipe.target_titles else ()
    keys = (*_source_keys(recipe), *target, "sources", "source_part", "sample_users")
    users = {"training_users": [recipe.shots, recipe.evaluation.seed]} if recipe.core_of_training_users else {}
    return {"seed": recipe.seeds[0]} | users | {key: wanted.get(key) for key in keys}


def recipe_for_target(source: SourceArtifact, given: str, overrides: list[str]) -> LoadedRecipe:
    """Return the recipe for adapt-target: a file, a bundled recipe, or a domain with the settings of the source.

    Raises:
        InputError: there is no such recipe or domain, or the recipe has no target.
    """
    if names_recipe(given):
        loaded = load_recipe(given, overrides)
        if loaded.recipe.target is None:
            raise SettingsError(
                "this recipe names no target", location=given, hint="Add 'target:' or give a domain", code="no-target"
            )
        return loaded
    spec = parse_spec(given)
    data: dict[str, Any] = dict(source.recipe)
    data["target"] = spec.model_dump(mode="json", exclude_unset=True)
    data["name"] = f"{data.get('name') or 'source'}-to-{spec.name or Path(given.split(':')[-1]).name}"
    asked = dict(override.split("=", 1) for override in overrides if "=" in override)
    data = with_preset(data, asked.get("preset"))
    for override in overrides:
        apply_override(data, override)
    return LoadedRecipe(check_recipe(data, given), Path.cwd() / "recipe.yaml")


def target_from(plan: Plan, source: SourceArtifact, folder: Path, runtime: Runtime) -> TargetRun:
    """Adapt to the target of a plan and write the run, with the variants of the recipe only.

    Args:
        plan: a plan made with the source artifact.
        source: vocabulary and frozen S2IDM.
        folder: folder of the run; its finished checkpoints are reused.
        runtime: device, processes, progress.

    Raises:
        InputError: the folder holds other files or a run of other settings or data, or no variant can be trained.
    """
    claim(folder, TARGET)
    if plan.overruled:
        runtime.warn(f"The source artifact overrules the recipe: {', '.join(plan.overruled)}")
    with alone_in(folder) if runtime.is_main else nullcontext():
        used = {variant.label for one in plan.variants for variant in (one, one.without_terms)}
        left_out = [name for name in finished_variants(folder) if name not in used]
        if left_out:
            runtime.warn(
                f"Finished but not in the recipe, so left out: {', '.join(left_out)}. Name them in --variants to "
                f"keep them"
            )
        runtime.log(size_of(plan.domain))
        if recipe_note := catalogue_note(plan.recipe):
            runtime.log(f"{plan.domain.name}: {recipe_note}")
        if note := count_ties(plan.target_split.domain, plan.target_split.held_out).note:
            runtime.log(f"{plan.domain.name}: {note}")
        if runtime.is_main:
            runtime.tracker.settings(resolved(plan.recipe))
        adapted = adapt_target(plan, source, folder, runtime)
        run = run_of(plan, source, adapted)
        if runtime.is_main:
            run.write(folder)
            runtime.tracker.result(run.metrics.as_dict(), folder)
        runtime.wait()
    return run


def run_plan(plan: Plan, folder: Path, runtime: Runtime) -> TargetRun:
    """Fit the sources of a plan into ``source`` and adapt to its target in ``target``, as `transfer run` does.

    Raises:
        InputError: see `source_from` and `target_from`.
    """
    source = source_from(plan, folder / "source", runtime, with_s2idm=plan.needs_s2idm)
    return target_from(plan.with_source(source), source, folder / "target", runtime)


def run_of(plan: Plan, source: SourceArtifact, adapted: Adapted) -> TargetRun:
    """Return the target run: the product with its weights and settings, and the record."""
    product, items, known = adapted.product, adapted.items, adapted.known
    counts, follows, companions, taste = known.counts, known.follows, known.companions, known.taste
    if counts is None or follows is None or companions is None or taste is None:  # no user trains
        counts = counts_of(adapted.split, adapted.features.known)
        follows, companions = count_transitions(adapted.split), find_companions(adapted.split)
        taste = find_taste(adapted.split, known.device)
    return TargetRun(
        domain=plan.domain,
        vocabulary=items.vocabulary,
        item_anchors=items.anchors,
        features=adapted.features,
        s2idm=None if source.s2idm is None else source.s2idm.cpu(),
        interests=source.interests,
        variant=product,
        weights=adapted.weights[product.label],
        recipe=plan.recipe,
        metrics=summarise(plan, adapted),
        counts=counts,
        follows=follows,
        companions=companions,
        taste=taste,
        recent=None if known.recent is None else known.recent.now,
        sentence_encoder=None if items.semantics is None else items.semantics.encoder.fingerprint,
    )
