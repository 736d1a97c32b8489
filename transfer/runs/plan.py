"""`Plan`: a validated recipe with its opened domains, split, item texts and variants. Made once per command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from domains.derived import check_distinct_names, sample_users, without_held_out
from domains.domain import Domain
from domains.errors import DataError, InputError, SettingsError
from domains.loaders.loader import PREPARED
from domains.open_domain import default_cache, open_domain
from domains.preparation_report import PreparationReport, PreparedDomain, Step
from domains.spec import DomainSpec
from domains.split import Split, fewer_users, leave_one_out, only_new_items, temporal, with_training_users
from domains.training_core import core_of_training_users, users_drawn_by_id
from recipes.load import LoadedRecipe
from recipes.schema import Recipe, resolved
from transfer.runs.checks import (
    check_can_select,
    check_encoder_can_select,
    check_map_exists,
    check_no_leak,
    needs_s2idm,
    variants_of,
)
from transfer.runs.settings import SourceEncoderSettings
from transfer.runs.source_artifact import SourceArtifact
from transfer.variants import Variant
from vocab.encoder.settings import template_fields
from vocab.item_texts import check_fields, item_texts


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """A validated recipe with its data.

    Attributes:
        recipe: the settings. A source artifact replaces those that it fixes.
        location: file of the recipe, for messages.
        sources: source domains, without interactions that S2IDM must not see; empty if a source artifact replaces them.
        target: the target domain; None if the recipe names none.
        split: split of the target.
        variants: variants in the recipe's order; empty without a target.
        overruled: ``key value`` of each setting of the recipe that the source artifact overrules.
    """

    recipe: Recipe
    location: object
    sources: tuple[PreparedDomain, ...]
    target: PreparedDomain | None
    split: Split | None
    variants: tuple[Variant, ...]
    overruled: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show the names of domains and variants."""
        names = ", ".join(prepared.domain.name for prepared in self.sources)
        target = "no target" if self.target is None else self.target.domain.name
        labels = ", ".join(variant.label for variant in self.variants)
        return f"<Plan {names or 'source artifact'} -> {target}: {labels}>"

    @property
    def domain(self) -> Domain:
        """The target domain.

        Raises:
            InputError: the recipe names none.
        """
        if self.target is None:
            raise SettingsError(
                "this recipe names no target", location=self.location, hint="Add 'target:'", code="no-target"
            )
        return self.target.domain

    @property
    def target_split(self) -> Split:
        """The split of the target; see `domain`."""
        if self.split is None:
            raise SettingsError(
                "this recipe names no target", location=self.location, hint="Add 'target:'", code="no-target"
            )
        return self.split

    @property
    def needs_s2idm(self) -> bool:
        """Whether any variant uses S2IDM; True if there are no variants."""
        if not self.variants:
            return True
        return any(needs_s2idm(variant) for variant in self.variants)

    @property
    def source_domains(self) -> list[Domain]:
        """The source domains without their preparation reports."""
        return [prepared.domain for prepared in self.sources]

    def with_source(self, source: SourceArtifact) -> Plan:
        """Return the plan with the settings that a source artifact fixes."""
        recipe, overruled = _settled(self.recipe, source)
        settled = replace(self, recipe=recipe, overruled=overruled)
        settled.__dict__["texts"] = self.texts  # the artifact does not fix the text fields: reuse what was read
        return settled

    @cached_property
    def texts(self) -> Mapping[str, pa.Array]:
        """Item texts by domain name; read once."""
        opened = [*self.sources, *([] if self.target is None else [self.target])]
        wanted = self.recipe.vocabulary.fields
        return {one.domain.name: item_texts(one.domain.fields, wanted) for one in opened}


def make_plan(
    loaded: LoadedRecipe,
    source: SourceArtifact | None = None,
    *,
    with_sources: bool | None = None,
    adapts: bool = True,
) -> Plan:
    """Open the domains of a recipe and check it.

    Args:
        loaded: the recipe.
        source: an artifact that replaces the sources; its fixed settings overrule the recipe's.
        with_sources: whether to open the sources; by default, only without an artifact.
        adapts: whether to split the target and check the variants. Fitting the sources only reads its texts.

    Raises:
        InputError: data, settings or variants are wrong, the target cannot be split, or it is also a source.
    """
    recipe = loaded.recipe
    opens = source is None if with_sources is None else with_sources
    if recipe.target is not None and adapts:
        variants_of(recipe)
        check_map_exists(recipe)
    sources = [_opened_source(spec, loaded) for spec in recipe.sources] if opens else []
    target = None if recipe.target is None else _opened_target(recipe.target, loaded)
    return _checked(recipe, loaded.path, sources, target, source, adapts)


def plan_of(
    recipe: Recipe,
    sources: Sequence[Domain] = (),
    target: Domain | None = None,
    source: SourceArtifact | None = None,
    *,
    adapts: bool = True,
) -> Plan:
    """Make a plan of opened domains; see `make_plan`.

    Raises:
        InputError: see `make_plan`. Also if the k-core must come from training users only, which needs the raw files.
    """
    if recipe.core_of_training_users:
        raise prepared_already()
    opened = None if target is None else _as_it_is(target)
    return _checked(recipe, "settings", [_as_it_is(domain) for domain in sources], opened, source, adapts)


def _checked(
    recipe: Recipe,
    location: object,
    sources: Sequence[PreparedDomain],
    target: PreparedDomain | None,
    source: SourceArtifact | None,
    adapts: bool,
) -> Plan:
    overruled: tuple[str, ...] = ()
    if source is not None:
        recipe, overruled = _settled(recipe, source)
    domains = [prepared.domain for prepared in sources]
    titled = [*domains, *([] if target is None or not recipe.target_titles else [target.domain])]
    if target is not None:
        known = () if source is None else source.domains
        check_no_leak(target.domain, recipe, {*(d.fingerprint for d in domains), *(note.fingerprint for note in known)})
    check_distinct_names(titled)
    if titled:
        check_fields(recipe.vocabulary.fields, {name for domain in titled for name in domain.fields})
    encoded = [*domains, *([] if target is None else [target.domain])]
    if len(domains) == len(recipe.sources):  # fields of sources that are not opened are not known
        there = {name for domain in encoded for name in domain.fields}
        check_fields(template_fields(recipe.semantic.template), there, "semantic.template")
    if domains:
        check_encoder_can_select(recipe, domains)
    split = None
    if target is not None and adapts:
        split = make_split(target.domain, recipe)
        check_can_select(split)
    variants = () if split is None else tuple(variants_of(recipe))
    return Plan(
        recipe=recipe,
        location=location,
        sources=tuple(sources),
        target=target,
        split=split,
        variants=variants,
        overruled=overruled,
    )


def _opened(spec: DomainSpec, loaded: LoadedRecipe) -> PreparedDomain:
    """Open a domain of a recipe, and sample users if the recipe asks for it."""
    prepared = open_domain(spec, base=loaded.folder, cache=default_cache())
    count = loaded.recipe.sample_users
    if count is None:
        return prepared
    return _after(prepared, "users drawn", sample_users(prepared.domain, count))


def _opened_target(spec: DomainSpec, loaded: LoadedRecipe) -> PreparedDomain:
    """Open the target, with the k-core of its training users if the recipe asks for it."""
    recipe = loaded.recipe
    if not recipe.core_of_training_users:
        return _opened(spec, loaded)
    if spec.loader in PREPARED:
        raise prepared_already()
    whole = spec.prepare.model_copy(update={"min_user_interactions": 0, "min_item_interactions": 0})
    prepared = _opened(spec.model_copy(update={"prepare": whole}), loaded)
    return core_of_training_users(prepared, spec.prepare, recipe.shots, recipe.evaluation.seed)


def prepared_already() -> InputError:
    """Return the error for a target whose k-core was made of all users."""
    return SettingsError(
        "the target was prepared before with the k-core of all users",
        location="evaluation.core_from",
        hint="Name the raw files in a recipe and use transfer run, or set core_from to 'all'",
        code="core-from",
    )


def _opened_source(spec: DomainSpec, loaded: LoadedRecipe) -> PreparedDomain:
    """Open a source, and drop the interactions that S2IDM must not see."""
    prepared = _opened(spec, loaded)
    if loaded.recipe.source_part == "all":
        return prepared
    return _after(prepared, "train part", without_held_out(prepared.domain))


def _after(prepared: PreparedDomain, name: str, domain: Domain) -> PreparedDomain:
    """Add a step to the report of a prepared domain."""
    return PreparedDomain(domain, replace(prepared.report, steps=(*prepared.report.steps, _step(name, domain))))


def _as_it_is(domain: Domain) -> PreparedDomain:
    return PreparedDomain(domain, PreparationReport((_step("as given", domain),)))


def _step(name: str, domain: Domain) -> Step:
    return Step(name, domain.n_users, len(np.unique(domain.items)), domain.n_interactions)


def make_split(domain: Domain, recipe: Recipe) -> Split:
    """Split the target: hold out targets, hide items, and choose the users that train.

    The split's domain does not hold the hidden interactions.

    Raises:
        InputError: the domain is too small for this split.
    """
    settings = recipe.evaluation
    if settings.split == "temporal":
        split = temporal(domain, settings.moments)
    elif not (domain.lengths >= 3).any():
        raise DataError(
            f"leave-one-out needs users with 3 interactions, but none of the {domain.n_users:,} users has as many",
            location=domain.name,
            hint="Use data in which users have 3 or more interactions; a lower min_user_interactions or "
            "evaluation.short_users does not help",
            code="short-users",
        )
    else:
        split = leave_one_out(domain, short_users=settings.short_users)
    if settings.new_items:
        split = only_new_items(split, settings.new_items, settings.seed)
    if recipe.core_of_training_users:
        drawn = users_drawn_by_id(domain.user_ids, recipe.shots, settings.seed)
        return with_training_users(split, split.training_users[drawn[split.training_users]], recipe.shots)
    return split if recipe.shots == 1 else fewer_users(split, recipe.shots, settings.seed)


def _settled(recipe: Recipe, source: SourceArtifact) -> tuple[Recipe, tuple[str, ...]]:
    """Return the recipe with the settings of the source artifact, and the settings that changed."""
    fitted = {
        "vocabulary": source.vocabulary.settings.model_copy(update={"fields": recipe.vocabulary.fields}),
        "interests": source.interests,
        "s2idm": recipe.s2idm if source.s2idm is None else source.s2idm.settings,
        "source_encoder": SourceEncoderSettings.model_validate(source.recipe["source_encoder"]),
        "target_titles": source.recipe["target_titles"],
        "source_part": source.recipe["source_part"],
    }
    asked, kept = resolved(recipe), resolved(recipe.model_copy(update=fitted))
    overruled = tuple(f"{name} {value}" for key in fitted for name, value in _differences(key, kept[key], asked[key]))
    return recipe.model_copy(update=fitted), overruled


def _differences(key: str, kept: Any, asked: Any) -> Iterator[tuple[str, Any]]:
    """Return the keys of settings that differ."""
    if isinstance(kept, Mapping) and isinstance(asked, Mapping):
        for part in kept:
            yield from _differences(f"{key}.{part}", kept[part], asked.get(part))
    elif kept != asked:
        yield key, kept
