"""Strict few-shot: only users that train decide the k-core and the catalogue."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from transfer_cases import random_histories, small_domain

from domains.errors import DataError
from domains.preparation_report import PreparationReport, PreparedDomain, Step
from domains.settings import PrepareSettings
from domains.training_core import core_of_training_users, users_drawn_by_id

IDS = pa.array([f"u{number}" for number in range(2000)], pa.large_string())


def prepared(domain):
    step = Step("read", domain.n_users, domain.n_items, domain.n_interactions)
    return PreparedDomain(domain, PreparationReport((step,)))


def random_domain(seed=0):
    return small_domain(random_histories(np.random.default_rng(seed), 200, 25, 3, 9), n_items=25)


def histories(domain):
    users, items = domain.user_ids.to_pylist(), domain.item_ids.to_pylist()
    return {user: [items[item] for item in domain.history(number)] for number, user in enumerate(users)}


def literal(domain, share, seed, per_user, per_item):
    """The same with dictionaries."""
    drawn = dict(zip(domain.user_ids.to_pylist(), users_drawn_by_id(domain.user_ids, share, seed), strict=True))
    everyone = histories(domain)
    core = {user: items for user, items in everyone.items() if drawn[user]}
    while True:
        counts = Counter(item for items in core.values() for item in items)
        smaller = {user: [item for item in items if counts[item] >= per_item] for user, items in core.items()}
        smaller = {user: items for user, items in smaller.items() if len(items) >= per_user}
        if smaller == core:
            break
        core = smaller
    known = {item for items in core.values() for item in items}
    others = {user: [i for i in items if i in known] for user, items in everyone.items() if not drawn[user]}
    return core | {user: items for user, items in others.items() if len(items) >= per_user}, known


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_it_is_what_dictionaries_make(share):
    domain = random_domain()
    settings = PrepareSettings(min_user_interactions=3, min_item_interactions=8)
    found = core_of_training_users(prepared(domain), settings, share, 1).domain
    expected, known = literal(domain, share, 1, 3, 8)
    assert histories(found) == expected
    assert set(found.item_ids.to_pylist()) == known
    assert 0 < len(known) < 25 or share > 0.3


def test_users_that_are_only_tested_change_nothing_for_the_others():
    domain = random_domain()
    settings = PrepareSettings(min_user_interactions=3, min_item_interactions=8)
    whole = core_of_training_users(prepared(domain), settings, 0.3, 0).domain
    tested = ~users_drawn_by_id(domain.user_ids, 0.3, 0)
    gone = int(np.flatnonzero(tested)[0])
    rest = [domain.history(user).tolist() for user in range(domain.n_users) if user != gone]
    ids = pa.array([one for n, one in enumerate(domain.user_ids.to_pylist()) if n != gone], pa.large_string())
    smaller = small_domain(rest, n_items=25)
    object.__setattr__(smaller, "user_ids", ids)
    less = core_of_training_users(prepared(smaller), settings, 0.3, 0).domain
    assert less.item_ids.equals(whole.item_ids)
    name = domain.user_ids[gone].as_py()
    assert histories(less) == {user: items for user, items in histories(whole).items() if user != name}


def test_what_is_dropped_is_counted():
    # u0 trains alone (the first id drawn), so its items are the catalogue.
    first = int(np.argmin([not one for one in users_drawn_by_id(IDS.slice(0, 3), 1e-9, 0)]))
    histories_of = [[3, 4, 0], [3, 4, 5], [3, 4, 6]]
    histories_of[first] = [0, 1, 2]
    other = (first + 1) % 3
    histories_of[other] = [0, 1, 5]
    domain = small_domain(histories_of, n_items=7)
    settings = PrepareSettings(min_user_interactions=2, min_item_interactions=1)
    made = core_of_training_users(prepared(domain), settings, 1e-9, 0)
    assert made.domain.item_ids.to_pylist() == ["i0", "i1", "i2"]
    assert histories(made.domain) == {f"u{first}": ["i0", "i1", "i2"], f"u{other}": ["i0", "i1"]}
    sizes = [step.interactions for step in made.report.steps]
    third = histories_of[3 - first - other]
    assert sizes == [9, 9, 5 + sum(item < 3 for item in third), 5]
    assert all(step.setting == "evaluation.core_from" for step in made.report.steps[1:])


def test_the_whole_catalogue_stays_if_it_is_asked_for():
    settings = PrepareSettings(min_user_interactions=3, min_item_interactions=8, catalogue="all")
    found = core_of_training_users(prepared(random_domain()), settings, 0.3, 1).domain
    assert found.n_items == 25
    assert len(np.unique(found.items)) < 25


def test_nothing_left_is_an_error():
    with pytest.raises(DataError) as caught:
        core_of_training_users(prepared(random_domain()), PrepareSettings(min_item_interactions=50), 0.1, 0)
    assert caught.value.code == "training-core"


def test_draws_depend_on_the_own_id_and_nest():
    drawn = users_drawn_by_id(IDS, 0.25, 0)
    assert drawn.mean() == pytest.approx(0.25, abs=0.03)
    assert users_drawn_by_id(IDS.slice(500, 100), 0.25, 0).tolist() == drawn[500:600].tolist()
    assert (drawn <= users_drawn_by_id(IDS, 0.5, 0)).all()
    assert users_drawn_by_id(IDS, 1e-9, 0).sum() == 1
    assert not users_drawn_by_id(IDS, 0.0, 0).any()


def test_draws_of_seeds_are_independent():
    first, second = users_drawn_by_id(IDS, 0.25, 0), users_drawn_by_id(IDS, 0.25, 1)
    assert (first & second).mean() == pytest.approx(1 / 16, abs=0.02)
