"""Domains made from others: random users, the training part of a split, several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from domains.domain import TEXT_TYPE, Domain, Ints, TimeKind, spread
from domains.errors import SettingsError
from domains.settings import repeated
from domains.split import Split, leave_one_out


def sample_users(domain: Domain, count: int, seed: int = 0) -> Domain:
    """Keep random users with all their interactions; the item table and item indices do not change.

    Args:
        domain: the interactions.
        count: number of users to keep; a smaller domain is returned unchanged.
        seed: seed of the draw; a smaller sample is a subset of a larger one.
    """
    if domain.n_users <= count:
        return domain
    users = np.sort(np.random.default_rng(seed).permutation(domain.n_users)[:count])
    ids = domain.user_ids.take(pa.array(users))
    return _cut(domain, domain.name, ids, domain.offsets[users], domain.offsets[users + 1])


def train_part(split: Split) -> Domain:
    """Return the domain without validation and test interactions.

    Users and items keep their indices. "(train part)" is added to the name.
    """
    domain = split.domain
    return _cut(domain, f"{domain.name} (train part)", domain.user_ids, split.starts, split.train_stop)


def without_held_out(domain: Domain) -> Domain:
    """Return the training part of leave-one-out; users with fewer than 3 interactions keep all."""
    return train_part(leave_one_out(domain, short_users="train"))


def _cut(domain: Domain, name: str, user_ids: pa.Array, starts: Ints, stops: Ints) -> Domain:
    """Return a domain whose users have only the interactions in these spans."""
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


def side_by_side(domains: Sequence[Domain]) -> Domain:
    """Return one domain with the users and items of all; ids are prefixed by the domain's name.

    Args:
        domains: at least one, with different names. A text field that only some domains have is empty in the others.
            Times do not change; their kind is an order unless all are timestamps.

    Raises:
        InputError: two domains have the same name.
    """
    check_distinct_names(domains)
    item_start = np.cumsum([0, *(domain.n_items for domain in domains)])
    interaction_start = np.cumsum([0, *(domain.n_interactions for domain in domains)])
    offsets = [domain.offsets[1:] + first for domain, first in zip(domains, interaction_start, strict=False)]
    items = [domain.items + np.int32(first) for domain, first in zip(domains, item_start, strict=False)]
    timestamps = all(domain.time_kind is TimeKind.TIMESTAMP for domain in domains)
    return Domain(
        name="+".join(domain.name for domain in domains),
        item_ids=pa.concat_arrays([_prefixed(domain.item_ids, domain.name) for domain in domains]),
        titles=pa.concat_arrays([domain.titles.cast(pa.large_string()) for domain in domains]),
        categories=_joined(domains, "categories") if any(one.categories is not None for one in domains) else None,
        user_ids=pa.concat_arrays([_prefixed(domain.user_ids, domain.name) for domain in domains]),
        offsets=np.concatenate([np.zeros(1, np.int64), *offsets]),
        items=np.concatenate(items),
        times=np.concatenate([domain.times for domain in domains]),
        time_kind=TimeKind.TIMESTAMP if timestamps else TimeKind.ORDER,
        repeats=any(domain.repeats for domain in domains),
        texts={name: _joined(domains, name) for name in sorted({name for domain in domains for name in domain.texts})},
    )


def _joined(domains: Sequence[Domain], name: str) -> pa.Array:
    """Concatenate a text field of all domains."""
    nothing = pa.array([], TEXT_TYPE.value_type)
    return pa.concat_arrays(
        [
            domain.fields[name].cast(TEXT_TYPE)
            if name in domain.fields
            else pa.LargeListArray.from_arrays(pa.array(np.zeros(domain.n_items + 1, np.int64)), nothing)
            for domain in domains
        ]
    )


def check_distinct_names(domains: Sequence[Domain]) -> None:
    """Check that no two domains share a name.

    Raises:
        InputError: two domains have the same name.
    """
    again = repeated([domain.name for domain in domains])
    if again:
        raise SettingsError(
            f"two domains have the same name: {again}",
            location="sources",
            hint="Give each its own name with the key 'name'",
            code="names",
        )


def _prefixed(ids: pa.Array, name: str) -> pa.Array:
    from pyarrow import compute

    prefix, nothing = (pa.scalar(text, pa.large_string()) for text in (f"{name}/", ""))
    return compute.binary_join_element_wise(prefix, ids.cast(pa.large_string()), nothing)
