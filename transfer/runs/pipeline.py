"""From a recipe to folders: open the domains, fit or reuse the source, adapt, write."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from domains.domain import Domain
from domains.errors import InputError
from domains.open import parse_spec
from domains.spec import DomainSpec
from recipes.load import LoadedRecipe, apply_override, check_recipe, load_recipe, names_recipe
from recipes.presets import with_preset
from recipes.schema import Recipe, resolved
from transfer.files import JsonLines, alone_in
from transfer.progress import Silent
from transfer.runs.adapt import Adapted, adapt_target
from transfer.runs.artifact import CONFIG, LOG, PIECES, claim
from transfer.runs.checkpoints import finished_variants
from transfer.runs.checks import refuse_blind_split, refuse_missing_map, refuse_own_source, variants_of
from transfer.runs.fit_source import fit_source
from transfer.runs.opened import make_split, open_prepared, open_prepared_source
from transfer.runs.results import summarise
from transfer.runs.settings import SourceEncoderSettings
from transfer.runs.source_artifact import KIND as SOURCE
from transfer.runs.source_artifact import DomainNote, SourceArtifact
from transfer.runs.target_run import KIND as TARGET
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime
from transfer.terms.matcher import counts_of
from vocab.encoder.source import has_encoder, on_hub

DEFAULT_ROOT = Path("runs")


def default_folder(loaded: LoadedRecipe) -> Path:
    """Where a recipe's results go when nobody says."""
    return DEFAULT_ROOT / loaded.recipe.name


def open_one(spec: DomainSpec, loaded: LoadedRecipe, runtime: Runtime) -> Domain:
    """A domain of a recipe, with a word about its size."""
    return _told(open_prepared(spec, loaded).domain, runtime)


def _told(domain: Domain, runtime: Runtime) -> Domain:
    runtime.progress.say(
        f"{domain.name}: {domain.n_users:,} users, {domain.n_items:,} items, {domain.n_interactions:,} interactions"
    )
    return domain


def open_target(loaded: LoadedRecipe, runtime: Runtime) -> Domain:
    """The target domain of a recipe.

    Raises:
        InputError: it names none.
    """
    if loaded.recipe.target is None:
        raise InputError("this recipe names no target", location=loaded.path, hint="Add 'target:'")
    return open_one(loaded.recipe.target, loaded, runtime)


def check_target(loaded: LoadedRecipe, folder: Path) -> None:
    """Open and split the target for its errors alone, which are told before hours go into a source.

    Args:
        loaded: the recipe.
        folder: where the run is to be written.

    Raises:
        InputError: the recipe names none, it cannot be read or split, nobody in it could select an epoch, its map of
            unseen words is not there, or the folder holds something else.
    """
    claim(folder, TARGET)
    refuse_missing_map(loaded.recipe)
    refuse_blind_split(make_split(open_target(loaded, Runtime()), loaded.recipe))


def open_sources(loaded: LoadedRecipe, runtime: Runtime) -> list[Domain]:
    """The source domains of a recipe, as S2IDM may see them."""
    return [_told(open_prepared_source(spec, loaded).domain, runtime) for spec in loaded.recipe.sources]


def source_from(
    loaded: LoadedRecipe, folder: Path, runtime: Runtime, extends: SourceArtifact | None = None
) -> SourceArtifact:
    """Fit the sources of a recipe, or reuse the artifact in the folder if it was made of the same data and settings.

    Raises:
        InputError: the folder holds an artifact of other data or settings.
    """
    recipe = loaded.recipe
    claim(folder, SOURCE)
    sources = open_sources(loaded, runtime)
    quiet = replace(runtime, progress=Silent())  # adapt-target speaks of the target; here only its titles are read
    target = None if recipe.target is None else open_one(recipe.target, loaded, quiet)
    if target is not None:
        earlier = () if extends is None else extends.domains
        refuse_own_source(target, recipe, {*(d.fingerprint for d in sources), *(note.fingerprint for note in earlier)})
    if (folder / CONFIG).is_file():
        found = SourceArtifact.read(folder)
        differs = _difference(found, recipe, sources, target, extends)
        if differs is None:
            if runtime.is_main:
                shutil.rmtree(folder / PIECES, ignore_errors=True)  # a kill may have come right before it
            runtime.progress.say(f"The source artifact in {folder} is of this recipe and data: reused")
            return found
        raise InputError(
            f"this folder holds a source artifact of other settings or data (differs: {differs})", location=folder,
            hint="Choose another --out, or delete the folder",
        )  # fmt: skip
    with alone_in(folder) if runtime.is_main else nullcontext():
        log = JsonLines(folder / LOG, fresh=not (folder / PIECES).is_dir()) if runtime.is_main else lambda _: None
        fitted = fit_source(recipe, sources, target, runtime, log, extends, folder)
        for name, coverage in fitted.coverage.items():
            runtime.progress.say(f"{name}: {str(coverage).splitlines()[0]}")
        if runtime.is_main:
            fitted.artifact.write(folder)
            shutil.rmtree(folder / PIECES)
        runtime.wait()
    return fitted.artifact


_SOURCE_KEYS = ("vocabulary", "target_titles", "interests", "s2idm", "semantic", "source_encoder")


def _difference(
    found: SourceArtifact, recipe: Recipe, sources: list[Domain], target: Domain | None, extends: SourceArtifact | None
) -> str | None:
    """What makes fitting again give another artifact than the one that is there; None where nothing does."""
    wanted = resolved(recipe)
    earlier = () if extends is None else extends.domains
    if found.domains != earlier + tuple(DomainNote.of(domain) for domain in sources):
        return "the sources' data"
    if recipe.target_titles and found.target_items != (None if target is None else target.items_fingerprint):
        return "the target's titles"
    if found.seed != recipe.seeds[0]:
        return "seeds"
    if found.sentence_encoder is None and not on_hub(recipe.semantic) and has_encoder(recipe.semantic):
        return "a sentence encoder, which was not there"
    return next((key for key in _source_keys(recipe) if found.recipe.get(key) != wanted.get(key)), None)


def _source_keys(recipe: Recipe) -> tuple[str, ...]:
    """Keys of a recipe that decide its source artifact, beside data and seed."""
    with_encoder = ("encoder", "score", "training", "items", "evaluation", "prompts", "systems")
    return (*_SOURCE_KEYS, *(with_encoder if recipe.source_encoder.channels else ()))


def source_settings(recipe: Recipe) -> dict[str, Any]:
    """All of a recipe that decides its source artifact, as plain data."""
    wanted = resolved(recipe)
    target = ("target",) if recipe.target_titles else ()
    keys = (*_source_keys(recipe), *target, "sources", "source_part", "sample_users")
    return {"seed": recipe.seeds[0]} | {key: wanted.get(key) for key in keys}


def recipe_for_target(source: SourceArtifact, given: str, overrides: list[str]) -> LoadedRecipe:
    """A recipe for adapt-target: a file or bundled recipe, or a domain with the settings of the source's own recipe.

    Raises:
        InputError: it is neither, or a recipe without a target.
    """
    if names_recipe(given):
        loaded = load_recipe(given, overrides)
        if loaded.recipe.target is None:
            raise InputError("this recipe names no target", location=given, hint="Add 'target:' or give a domain")
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


def as_fitted(recipe: Recipe, source: SourceArtifact, runtime: Runtime) -> Recipe:
    """A recipe with the settings that were settled when the source was fitted; those that it has otherwise are told."""
    fitted = {
        "vocabulary": source.vocabulary.settings.model_copy(update={"fields": recipe.vocabulary.fields}),
        "interests": source.interests,
        "s2idm": source.s2idm.settings,
        "source_encoder": SourceEncoderSettings.model_validate(source.recipe["source_encoder"]),
        "target_titles": source.recipe["target_titles"],
        "source_part": source.recipe["source_part"],
    }
    asked, kept = resolved(recipe), resolved(recipe.model_copy(update=fitted))
    differ = [f"{name} {value}" for key in fitted for name, value in _leaves(key, kept[key], asked[key])]
    if differ:
        runtime.progress.say(f"As in the source artifact, whatever the recipe says: {', '.join(differ)}")
    return recipe.model_copy(update=fitted)


def _leaves(key: str, kept: Any, asked: Any) -> Iterator[tuple[str, Any]]:
    """Settings that differ, by their keys."""
    if isinstance(kept, Mapping) and isinstance(asked, Mapping):
        for part in kept:
            yield from _leaves(f"{key}.{part}", kept[part], asked.get(part))
    elif kept != asked:
        yield key, kept


def target_from(source: SourceArtifact, loaded: LoadedRecipe, folder: Path, runtime: Runtime) -> TargetRun:
    """Adapt to a recipe's target and write the run; see `written_run`."""
    claim(folder, TARGET)
    return written_run(source, loaded.recipe, open_target(loaded, runtime), folder, runtime)


def written_run(source: SourceArtifact, recipe: Recipe, domain: Domain, folder: Path, runtime: Runtime) -> TargetRun:
    """Adapt to an opened target and write the run, of the variants that the recipe names and no others.

    What the source settled, and finished variants that are left out, are told.
    """
    recipe = as_fitted(recipe, source, runtime)
    with alone_in(folder) if runtime.is_main else nullcontext():
        variants = variants_of(recipe)
        used = {variant.label for one in variants for variant in (one, one.without_terms)}
        left_out = [name for name in finished_variants(folder) if name not in used]
        if left_out:
            runtime.progress.say(
                f"Left out, though finished here: {', '.join(left_out)} (name them in --variants to keep them)"
            )
        adapted = adapt_target(source, recipe, domain, folder, runtime)
        run = run_of(source, recipe, domain, adapted)
        if runtime.is_main:
            run.write(folder)
        runtime.wait()
    return run


def run_of(source: SourceArtifact, recipe: Recipe, domain: Domain, adapted: Adapted) -> TargetRun:
    """The variant that validation prefers, with all that it needs."""
    product = adapted.product
    items = adapted.items
    return TargetRun(
        domain=domain,
        vocabulary=items.vocabulary,
        item_anchors=items.anchors,
        features=adapted.features,
        s2idm=source.s2idm.cpu(),
        interests=source.interests,
        variant=product,
        weights=adapted.weights[product.label],
        recipe=recipe,
        metrics=summarise(recipe, domain, adapted),
        counts=counts_of(adapted.split, adapted.features.known),
        sentence_encoder=None if items.semantics is None else items.semantics.encoder.fingerprint,
    )
