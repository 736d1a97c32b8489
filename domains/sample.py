"""Parts of a domain: some of its users, or the training part of a split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from domains.domain import Domain, Ints
from domains.ragged import spread
from domains.split import Split, leave_one_out


def sample_users(domain: Domain, count: int, seed: int = 0) -> Domain:
    """Return random users with all their interactions; the item table and item indices do not change.

    Args:
        domain: the interactions.
        count: users to keep; a domain that has no more comes back as it is.
        seed: of the draw; a smaller sample is part of a larger one.
    """
    if domain.n_users <= count:
        return domain
    users = np.sort(np.random.default_rng(seed).permutation(domain.n_users)[:count])
    ids = domain.user_ids.take(pa.array(users))
    return _cut(domain, domain.name, ids, domain.offsets[users], domain.offsets[users + 1])


def train_part(split: Split) -> Domain:
    """Return the domain without validation and test interactions.

    Users and items keep their indices; the name says what it is.
    """
    domain = split.domain
    return _cut(domain, f"{domain.name} (train part)", domain.user_ids, split.starts, split.train_stop)


def without_held_out(domain: Domain) -> Domain:
    """Return the training part of leave-one-out; users too short for it keep everything."""
    return train_part(leave_one_out(domain, short_users="train"))


def _cut(domain: Domain, name: str, user_ids: pa.Array, starts: Ints, stops: Ints) -> Domain:
    """A domain whose users hold the interactions in these spans of the old one."""
    lengths = stops - starts
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    _, positions = spread(starts, lengths)
    return replace(
        domain,
        name=name,
        user_ids=user_ids,
        offsets=offsets,
        items=domain.items[positions],
        times=domain.times[positions],
    )
