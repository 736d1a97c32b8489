"""Strict few-shot: the k-core and the catalogue of a domain from the users that train alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from domains.domain import Domain
from domains.errors import DataError
from domains.preparation import Log, iterated_core
from domains.preparation_report import PreparationReport, PreparedDomain
from domains.settings import PrepareSettings
from domains.ties import id_hashes, mixed

SETTING = "evaluation.core_from"


def users_drawn_by_id(user_ids: pa.Array, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """(U,) bool, users drawn by a hash of their ids: whether one is drawn does not depend on the others.

    Args:
        user_ids: (U,) large_string.
        share: share of the users, in [0, 1]; any share above 0 draws at least one.
        seed: seed of the draw; a smaller share is a subset of a larger one.
    """
    salted = pa.array([f"seed {seed}"], pa.large_string())
    # Float64 holds the hash to 53 bits, which is enough to compare it with a share.
    places = mixed(id_hashes(user_ids) ^ id_hashes(salted)).astype(np.float64) / 2.0**64
    drawn: npt.NDArray[np.bool_] = places < share
    if share > 0 and len(places) and not drawn.any():
        drawn[places.argmin()] = True
    return drawn


def core_of_training_users(
    prepared: PreparedDomain, settings: PrepareSettings, share: float, seed: int
) -> PreparedDomain:
    """Apply the k-core to the users that train, and cut the others to its items.

    All interactions of a training user count, as they do in the usual k-core. Other users need
    `min_user_interactions` interactions with items of the catalogue, a condition on each of them alone.

    Args:
        prepared: the domain without a k-core.
        settings: its minima and `catalogue`.
        share: share of the users that train; see `users_drawn_by_id`.
        seed: seed of the draw.

    Raises:
        InputError: nothing is left of the training users.
    """
    domain = prepared.domain
    drawn = users_drawn_by_id(domain.user_ids, share, seed)
    whole = Log(domain.owners, domain.items.astype(np.int64), domain.times)
    per_user, per_item = settings.min_user_interactions, settings.min_item_interactions
    core = iterated_core(whole.keep(drawn[whole.users]), per_user, per_item)
    if not len(core.users):
        raise DataError(
            f"no interactions are left of the {int(drawn.sum()):,} users that train",
            location=domain.name,
            hint=f"Let more users train (shots), or lower min_item_interactions ({per_item}) or min_user_interactions "
            f"({per_user})",
            code="training-core",
        )
    stays, known = _members(core.users, domain.n_users), _members(core.items, domain.n_items)
    steps = []
    trained = drawn[whole.users]
    mask = ~trained | (stays[whole.users] & known[whole.items])
    log = whole.keep(mask)
    steps.append(log.step(f"core of the users that train ({per_user} a user, {per_item} an item)", SETTING))
    log = log.keep(known[log.items])
    steps.append(log.step("items outside it, of users that are only tested", SETTING))
    enough = np.bincount(log.users, minlength=domain.n_users) >= max(per_user, 1)
    log = log.keep(enough[log.users])
    steps.append(log.step(f"users that are only tested, with fewer than {max(per_user, 1)} left", SETTING))
    catalogue = np.ones(domain.n_items, dtype=bool) if settings.catalogue == "all" else known
    report = PreparationReport((*prepared.report.steps, *steps), prepared.report.notes)
    return PreparedDomain(_renumbered(domain, log, catalogue), report)


def _members(codes: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.bool_]:
    return np.bincount(codes, minlength=count) > 0


def _renumbered(domain: Domain, log: Log, catalogue: npt.NDArray[np.bool_]) -> Domain:
    """Return the domain with these interactions and items; users without an interaction go."""
    users, owners = np.unique(log.users, return_inverse=True)
    items = pa.array(np.flatnonzero(catalogue))
    number = np.cumsum(catalogue) - 1
    return replace(
        domain,
        item_ids=domain.item_ids.take(items),
        titles=domain.titles.take(items),
        categories=None if domain.categories is None else domain.categories.take(items),
        user_ids=domain.user_ids.take(pa.array(users)),
        offsets=np.concatenate([[0], np.cumsum(np.bincount(owners))]).astype(np.int64),
        items=number[log.items].astype(np.int32),
        times=log.times,
        texts={name: values.take(items) for name, values in domain.texts.items()},
    )
