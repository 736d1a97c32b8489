"""Split a `Domain` into training, validation and test interactions. A split is three arrays beside the domain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from domains.domain import Domain, Ints, spread
from domains.errors import DataError, SettingsError
from domains.raw_cells import counted


@dataclass(frozen=True, eq=False, kw_only=True)
class Split:
    """Held-out targets and the end of each user's training part.

    The history of a target at flat position ``p`` of user ``u`` is ``domain.items[offsets[u]:p]``.

    Attributes:
        domain: the interactions.
        train_stop: (U,) int64, flat position after the last training interaction of each user.
        validation: (U,) int64, flat position of the validation target, -1 if the user has none.
        test: (U,) int64, flat position of the test target, -1 if the user has none.
        training_users: (n,) int64, ascending; users for training and validation (fewer in few-shot runs).
        protocol: short description for tables.
        new_items: (I,) bool, items without interactions before the test; None if there are none.
        moments: unix seconds at which validation and test begin, in a temporal split.
    """

    domain: Domain
    train_stop: Ints
    validation: Ints
    test: Ints
    training_users: Ints
    protocol: str
    new_items: npt.NDArray[np.bool_] | None = None
    moments: tuple[int, int] | None = None

    def __repr__(self) -> str:
        """Show domain, protocol and numbers of users."""
        tested = int((self.test >= 0).sum())
        return (
            f"<Split of {self.domain.name!r}: {self.protocol}, {len(self.training_users):,} train, {tested:,} tested>"
        )

    @property
    def starts(self) -> Ints:
        """(U,) int64, flat position of each user's first interaction."""
        return self.domain.offsets[:-1]

    @property
    def held_out(self) -> Ints:
        """(n,) int64, flat positions of the validation targets, then of the test targets."""
        positions = np.concatenate([self.validation, self.test])
        return positions[positions >= 0]


def leave_one_out(domain: Domain, *, short_users: str = "error") -> Split:
    """Use the last interaction for test, the one before it for validation, the rest for training (Section 4.1).

    Args:
        domain: the interactions.
        short_users: users with fewer than three interactions: ``error`` raises, ``train`` uses all their interactions
            for training and none as a target.
    """
    short = np.flatnonzero(domain.lengths < 3)
    if len(short) and short_users == "error":
        first = int(short[0])
        raise DataError(
            f"user {domain.user_ids[first].as_py()!r} has {counted(int(domain.lengths[first]), 'interaction')} and "
            f"leave-one-out needs 3 ({counted(len(short), 'such user')})",
            location=domain.name,
            hint="Set evaluation.short_users to 'train', or prepare the domain with min_user_interactions: 3",
            code="short-users",
        )
    ends = domain.offsets[1:]
    long = domain.lengths >= 3
    train_stop = np.where(long, ends - 2, ends)
    validation = np.where(long, ends - 2, -1)
    test = np.where(long, ends - 1, -1)
    everyone = np.arange(domain.n_users, dtype=np.int64)
    unmet = _unmet(domain, np.where(long, ends - 1, ends))
    return Split(
        domain=domain,
        train_stop=train_stop,
        validation=validation,
        test=test,
        training_users=everyone,
        protocol="leave-one-out",
        new_items=unmet,
    )


def temporal(domain: Domain, moments: tuple[int, int] | None = None) -> Split:
    """Split at two points in time: a user's first interaction at or after each one is the target.

    Args:
        domain: the interactions; its times must be timestamps.
        moments: unix seconds at which validation and test begin. Interactions at or after the first one are not used
            for training. Default: the last tenth of the interactions is for test, the tenth before for validation.

    Raises:
        InputError: the times are only an order, or test does not begin after validation.
    """
    if domain.time_kind != "timestamp":
        raise DataError(
            "a temporal split needs timestamps, and this domain's times are only an order",
            location=domain.name,
            hint="Use evaluation.split: leave-one-out",
            code="time-order",
        )
    validation_from, test_from = moments or _last_tenths(domain)
    if test_from <= validation_from:
        raise SettingsError(
            f"test begins at {moment_text(test_from)} and must be later than validation, which begins at "
            f"{moment_text(validation_from)}",
            location=domain.name,
            hint="Set evaluation.validation_from and evaluation.test_from to dates that are apart",
            code="split",
        )
    before_validation = _count_before(domain, validation_from)
    before_test = _count_before(domain, test_from)
    starts, ends = domain.offsets[:-1], domain.offsets[1:]
    train_stop = starts + before_validation
    at_test = starts + before_test
    validation = np.where((train_stop < at_test) & (before_validation > 0), train_stop, -1)
    test = np.where((at_test < ends) & (before_test > 0), at_test, -1)
    everyone = np.arange(domain.n_users, dtype=np.int64)
    protocol = f"temporal (validation from {moment_text(validation_from)}, test from {moment_text(test_from)})"
    return Split(
        domain=domain,
        train_stop=train_stop,
        validation=validation,
        test=test,
        training_users=everyone,
        protocol=protocol,
        new_items=_unmet(domain, at_test),
        moments=(validation_from, test_from),
    )


def fewer_users(split: Split, share: float, seed: int) -> Split:
    """Use a random share of the users for training and validation, and all users for test (few-shot).

    Args:
        split: any split.
        share: in [0, 1]; any share above 0 keeps at least one user.
        seed: seed of the draw; a smaller share is a subset of a larger one.
    """
    if not 0 <= share <= 1:
        raise SettingsError(f"a share of users lies between 0 and 1, not {share}", code="split")
    order = np.random.default_rng(seed).permutation(split.training_users)
    count = 0 if share == 0 else max(1, round(share * len(order)))
    return with_training_users(split, np.sort(order[:count]), share)


def with_training_users(split: Split, users: Ints, share: float) -> Split:
    """Return the split with these training users, (n,) int64, ascending, a share of all."""
    return replace(split, training_users=users, protocol=f"{split.protocol}, {share_text(share)} of the users")


def hide_items(split: Split, hidden: npt.NDArray[np.bool_]) -> Split:
    """Remove items from training and validation, but keep them as test targets (new-item experiments).

    A user whose validation target is hidden has none. The item table does not change, so that item indices stay valid
    and hidden items can be ranked.

    Args:
        split: any split.
        hidden: (I,) bool, the items to hide.

    Returns:
        A split over a new domain; users keep their indices.

    Raises:
        InputError: the mask is not one bool per item.
    """
    domain = split.domain
    hidden = np.asarray(hidden)
    if hidden.shape != (domain.n_items,) or hidden.dtype != np.bool_:
        raise DataError(
            f"the mask of hidden items is {hidden.dtype} of shape {hidden.shape}",
            location=domain.name,
            hint=f"Give {domain.n_items} bools, one per item",
            code="split",
        )
    stays = ~hidden[domain.items]
    stays[split.test[split.test >= 0]] = True
    moved: Ints = np.concatenate([[0], np.cumsum(stays)]).astype(np.int64)
    # Position -1 reads the last entry, which `where` replaces or which is false.
    validated = np.append(stays, False)[split.validation]
    smaller = replace(domain, offsets=moved[domain.offsets], items=domain.items[stays], times=domain.times[stays])
    return replace(
        split,
        domain=smaller,
        train_stop=moved[split.train_stop],
        validation=np.where(validated, moved[split.validation], -1),
        test=np.where(split.test >= 0, moved[split.test], -1),
        protocol=f"{split.protocol}, {int(hidden.sum())} hidden items",
        new_items=hidden if split.new_items is None else hidden | split.new_items,
    )


def only_new_items(split: Split, share: float, seed: int) -> Split:
    """Hide a random share of the items, and test only on items without interactions before the test.

    Args:
        split: any split.
        share: share of the items, in (0, 1); at least one is hidden.
        seed: seed of the draw.

    Raises:
        InputError: no test target is among the hidden items.
    """
    domain = split.domain
    order = np.random.default_rng(seed).permutation(domain.n_items)
    hidden: npt.NDArray[np.bool_] = np.zeros(domain.n_items, dtype=np.bool_)
    hidden[order[: max(1, round(share * domain.n_items))]] = True
    new = hide_items(split, hidden)
    assert new.new_items is not None
    tested = np.append(new.new_items[new.domain.items], False)[new.test]
    if not tested.any():
        raise SettingsError(
            f"no test target is among the {int(hidden.sum())} hidden items",
            location=domain.name,
            hint="Hide a larger share",
            code="split",
        )
    return replace(new, test=np.where(tested, new.test, -1))


def _unmet(domain: Domain, stops: Ints) -> npt.NDArray[np.bool_] | None:
    """Return (I,) bool, items without an interaction before each user's stop; None if there are none."""
    met = np.zeros(domain.n_items, dtype=np.bool_)
    _, positions = spread(domain.offsets[:-1], stops - domain.offsets[:-1])
    met[domain.items[positions]] = True
    return None if met.all() else ~met


def _last_tenths(domain: Domain) -> tuple[int, int]:
    """Return the times, in unix seconds, at which the last but one and the last tenth of the interactions begin."""
    validation_from, test_from = np.quantile(domain.times, (0.8, 0.9), method="higher")
    return int(validation_from), int(test_from)


def moment_text(seconds: int) -> str:
    """Format unix seconds as a date, with the time of day (UTC) unless it is midnight."""
    return str(np.datetime64(seconds, "s")).removesuffix("T00:00:00")


def _count_before(domain: Domain, moment: int) -> Ints:
    """Return (U,) int64, number of interactions of each user before `moment`."""
    earlier: npt.NDArray[np.int64] = np.concatenate([[0], np.cumsum(domain.times < moment)]).astype(np.int64)
    return earlier[domain.offsets[1:]] - earlier[domain.offsets[:-1]]


def share_text(share: float) -> str:
    """Format a share as a percentage with three significant digits."""
    return f"{100 * share:.3g}%"
