"""The plan of a recipe: domains opened, split made, texts read, variants checked, once for everybody who asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from domains.cache import default_cache
from domains.domain import Domain
from domains.errors import InputError
from domains.open import open_domain
from domains.report import PreparationReport, PreparedDomain, Step
from domains.sample import sample_users, without_held_out
from domains.spec import DomainSpec
from domains.split import Split, fewer_users, leave_one_out, only_new_items, temporal
from domains.union import check_distinct_names
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
from vocab.fields import check_fields, item_texts


@dataclass(frozen=True, eq=False)
class Plan:
    """What a recipe asks for, checked and opened.

    Attributes:
        recipe: the settings; those that a source artifact settled are the artifact's.
        location: where the recipe comes from, for messages.
        sources: as S2IDM may see them; empty where a source artifact takes their place.
        target: the domain that profits; None where the recipe names none.
        split: of the target.
        variants: the recipe's, in its order; empty without a target.
        overruled: settings that the recipe has otherwise than the source artifact, ``key value`` each.
    """

    recipe: Recipe
    location: object
    sources: tuple[PreparedDomain, ...]
    target: PreparedDomain | None
    split: Split | None
    variants: tuple[Variant, ...]
    overruled: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Domains and variants by name."""
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
            raise InputError("this recipe names no target", location=self.location, hint="Add 'target:'")
        return self.target.domain

    @property
    def target_split(self) -> Split:
        """The split of the target; see `domain`."""
        if self.split is None:
            raise InputError("this recipe names no target", location=self.location, hint="Add 'target:'")
        return self.split

    @property
    def needs_s2idm(self) -> bool:
        """Whether a variant reads diffused interests or ranks by them; True if there are no variants."""
        if not self.variants:
            return True
        return any(needs_s2idm(variant) for variant in self.variants)

    @property
    def source_domains(self) -> list[Domain]:
        """The sources without their reports."""
        return [prepared.domain for prepared in self.sources]

    def with_source(self, source: SourceArtifact) -> Plan:
        """The same plan with what a source artifact settled."""
        recipe, overruled = _settled(self.recipe, source)
        settled = replace(self, recipe=recipe, overruled=overruled)
        settled.__dict__["texts"] = self.texts  # read already; an artifact does not settle the fields
        return settled

    @cached_property
    def texts(self) -> Mapping[str, pa.Array]:
        """The texts of every domain's items, by the domain's name; read once."""
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
    """Open and check everything that a recipe names.

    Args:
        loaded: the recipe.
        source: an artifact that takes the place of the sources; what it settled goes before the recipe.
        with_sources: whether the sources are opened; by default, unless there is an artifact.
        adapts: whether the target is split and its variants checked; fitting the sources only reads its texts.

    Raises:
        InputError: data, settings or variants are wrong, or the target cannot be split or is a source.
    """
    recipe = loaded.recipe
    opens = source is None if with_sources is None else with_sources
    if recipe.target is not None and adapts:
        variants_of(recipe)
        check_map_exists(recipe)
    sources = [_opened_source(spec, loaded) for spec in recipe.sources] if opens else []
    target = None if recipe.target is None else _opened(recipe.target, loaded)
    return _checked(recipe, loaded.path, sources, target, source, adapts)


def plan_of(
    recipe: Recipe, sources: Sequence[Domain] = (), target: Domain | None = None, source: SourceArtifact | None = None
) -> Plan:
    """The plan of domains that are values; see `make_plan`."""
    opened = None if target is None else _as_it_is(target)
    return _checked(recipe, "settings", [_as_it_is(domain) for domain in sources], opened, source)


def _checked(
    recipe: Recipe,
    location: object,
    sources: Sequence[PreparedDomain],
    target: PreparedDomain | None,
    source: SourceArtifact | None,
    adapts: bool = True,
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
    if domains:
        check_encoder_can_select(recipe, domains)
    split = None
    if target is not None and adapts:
        split = make_split(target.domain, recipe)
        check_can_select(split)
    variants = () if split is None else tuple(variants_of(recipe))
    return Plan(recipe, location, tuple(sources), target, split, variants, overruled)


def _opened(spec: DomainSpec, loaded: LoadedRecipe) -> PreparedDomain:
    """A domain of a recipe; a draw of users is the last step of its preparation."""
    prepared = open_domain(spec, base=loaded.folder, cache=default_cache())
    count = loaded.recipe.sample_users
    if count is None:
        return prepared
    return _after(prepared, "users drawn", sample_users(prepared.domain, count))


def _opened_source(spec: DomainSpec, loaded: LoadedRecipe) -> PreparedDomain:
    """A source as S2IDM may see it; where that is not all of it, this is the last step of its preparation."""
    prepared = _opened(spec, loaded)
    if loaded.recipe.source_part == "all":
        return prepared
    return _after(prepared, "train part", without_held_out(prepared.domain))


def _after(prepared: PreparedDomain, name: str, domain: Domain) -> PreparedDomain:
    """What a further step leaves of a prepared domain."""
    return PreparedDomain(domain, replace(prepared.report, steps=(*prepared.report.steps, _step(name, domain))))


def _as_it_is(domain: Domain) -> PreparedDomain:
    return PreparedDomain(domain, PreparationReport((_step("as given", domain),)))


def _step(name: str, domain: Domain) -> Step:
    return Step(name, domain.n_users, len(np.unique(domain.items)), domain.n_interactions)


def make_split(domain: Domain, recipe: Recipe) -> Split:
    """Hold out targets as the recipe says, hide items, then let only its share of users train.

    The domain of the split is without the hidden interactions.

    Raises:
        InputError: the domain cannot be held out of in this way.
    """
    settings = recipe.evaluation
    if settings.validation_from is not None and settings.test_from is not None and settings.split == "temporal":
        split = temporal(domain, validation_from=settings.validation_from, test_from=settings.test_from)
    elif not (domain.lengths >= 3).any():
        raise InputError(
            f"none of the {domain.n_users:,} users has the 3 interactions that leave-one-out needs",
            location=domain.name,
            hint="Give data in which users have 3 or more; neither a lower min_user_interactions nor "
            "evaluation.short_users makes up for them",
        )
    else:
        split = leave_one_out(domain, short_users=settings.short_users)
    if settings.new_items:
        split = only_new_items(split, settings.new_items, settings.seed)
    return split if recipe.shots == 1 else fewer_users(split, recipe.shots, recipe.evaluation.seed)


def _settled(recipe: Recipe, source: SourceArtifact) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe with the settings of the source artifact, and those that it had otherwise."""
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
    """Settings that differ, by their keys."""
    if isinstance(kept, Mapping) and isinstance(asked, Mapping):
        for part in kept:
            yield from _differences(f"{key}.{part}", kept[part], asked.get(part))
    elif kept != asked:
        yield key, kept
