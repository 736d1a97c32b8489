"""How a recipe holds targets out."""

from __future__ import annotations

from domains.domain import Domain
from domains.split import Split, fewer_users, leave_one_out, only_new_items, temporal
from recipes.schema import Recipe


def make_split(domain: Domain, recipe: Recipe) -> Split:
    """Hold out targets as the recipe says, hide items, then let only its share of users train.

    The domain of the split is without the hidden interactions.
    """
    settings = recipe.evaluation
    if settings.validation_from is not None and settings.test_from is not None and settings.split == "temporal":
        split = temporal(domain, validation_from=settings.validation_from, test_from=settings.test_from)
    else:
        split = leave_one_out(domain, short_users=settings.short_users)
    if settings.new_items:
        split = only_new_items(split, settings.new_items, settings.seed)
    return split if recipe.shots == 1 else fewer_users(split, recipe.shots, recipe.evaluation.seed)
