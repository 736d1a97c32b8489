"""Join several domains into one that shares no users and no items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from domains.domain import TEXT_TYPE, Domain, TimeKind
from domains.errors import InputError


def side_by_side(domains: Sequence[Domain]) -> Domain:
    """Return one domain with the users and items of all; ids are prefixed by the domain's name.

    Args:
        domains: at least one, with different names. A domain without a text field that another has gets an empty one.
            Times stay as they are; the union says
            they are only an order unless all are timestamps.

    Raises:
        InputError: two have the same name.
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
    """A text field of all items."""
    nothing = pa.array([], TEXT_TYPE.value_type)
    return pa.concat_arrays([
        domain.fields[name].cast(TEXT_TYPE)
        if name in domain.fields
        else pa.LargeListArray.from_arrays(pa.array(np.zeros(domain.n_items + 1, np.int64)), nothing)
        for domain in domains
    ])  # fmt: skip


def check_distinct_names(domains: Sequence[Domain]) -> None:
    """Check that no two domains share a name.

    Raises:
        InputError: two have the same name.
    """
    if len({domain.name for domain in domains}) < len(domains):
        raise InputError("two domains have the same name", location="sources", hint="Give each a name of its own")


def _prefixed(ids: pa.Array, name: str) -> pa.Array:
    from pyarrow import compute

    prefix, nothing = (pa.scalar(text, pa.large_string()) for text in (f"{name}/", ""))
    return compute.binary_join_element_wise(prefix, ids.cast(pa.large_string()), nothing)
