"""The domains that a recipe names, and what it holds out of them, as every command sees them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from domains.cache import default_cache
from domains.domain import Domain
from domains.errors import InputError
from domains.open import open_domain
from domains.report import PreparedDomain, Step
from domains.sample import sample_users, without_held_out
from domains.spec import DomainSpec
from domains.split import Split, fewer_users, leave_one_out, only_new_items, temporal
from recipes.load import LoadedRecipe
from recipes.schema import Recipe


def open_prepared(spec: DomainSpec, loaded: LoadedRecipe) -> PreparedDomain:
    """A domain of a recipe, with the draw of users as the last step of its preparation where the recipe asks for one.

    Raises:
        InputError: the data are missing or wrong.
    """
    prepared = open_domain(spec, base=loaded.folder, cache=default_cache())
    count = loaded.recipe.sample_users
    if count is None:
        return prepared
    return _after(prepared, "users drawn", sample_users(prepared.domain, count))


def open_prepared_source(spec: DomainSpec, loaded: LoadedRecipe) -> PreparedDomain:
    """A source of a recipe as S2IDM may see it; where that is not all of it, this is the last step of its preparation.

    Raises:
        InputError: the data are missing or wrong.
    """
    prepared = open_prepared(spec, loaded)
    if loaded.recipe.source_part == "all":
        return prepared
    return _after(prepared, "train part", without_held_out(prepared.domain))


def _after(prepared: PreparedDomain, name: str, domain: Domain) -> PreparedDomain:
    """What a further step leaves of a prepared domain."""
    step = Step(name, domain.n_users, len(np.unique(domain.items)), domain.n_interactions)
    return PreparedDomain(domain, replace(prepared.report, steps=(*prepared.report.steps, step)))


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
        )  # fmt: skip
    else:
        split = leave_one_out(domain, short_users=settings.short_users)
    if settings.new_items:
        split = only_new_items(split, settings.new_items, settings.seed)
    return split if recipe.shots == 1 else fewer_users(split, recipe.shots, recipe.evaluation.seed)
