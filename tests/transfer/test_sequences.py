"""Batches of ragged sequences: every row once, little padding, the right items."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from transfer_cases import PROPERTY, small_domain

from transfer.sequences import Spans, by_length, gather, shuffled_by_length

CPU = torch.device("cpu")
lengths = st.lists(st.integers(0, 20), max_size=40)


def padding(lengths, batches):
    padded = sum(int(lengths[rows].max()) * len(rows) for rows in batches)
    return 1 - int(lengths.sum()) / padded


@PROPERTY
@given(lengths, st.integers(1, 7), st.integers(0, 20))
def test_shuffled_batches_hold_every_row_once(drawn, size, seed):
    given_lengths = torch.tensor(drawn, dtype=torch.int64)
    batches = list(shuffled_by_length(given_lengths, size, torch.Generator().manual_seed(seed)))
    assert sorted(torch.cat(batches).tolist() if batches else []) == list(range(len(drawn)))
    assert all(0 < len(rows) <= size for rows in batches)


@PROPERTY
@given(lengths, st.integers(1, 7), st.one_of(st.none(), st.integers(1, 60)))
def test_ordered_batches_hold_every_row_once_within_the_budget(drawn, size, budget):
    given_lengths = torch.tensor(drawn, dtype=torch.int64)
    batches = list(by_length(given_lengths, size, budget))
    assert sorted(torch.cat(batches).tolist() if batches else []) == list(range(len(drawn)))
    for rows in batches:
        assert 0 < len(rows) <= size
        if budget is not None and len(rows) > 1:
            assert int(given_lengths[rows].max()) * len(rows) <= budget


def test_padding_is_a_few_percent():
    """Lengths as in real domains: median 6, a long tail."""
    generator = np.random.default_rng(0)
    skewed = torch.from_numpy(np.clip(generator.lognormal(np.log(6), 0.9, 20_000), 3, 50).astype(np.int64))
    assert padding(skewed, torch.arange(20_000).split(512)) > 0.8
    assert padding(skewed, list(shuffled_by_length(skewed, 512, torch.Generator().manual_seed(0)))) < 0.08
    assert padding(skewed, list(by_length(skewed, 4096, 16_384))) < 0.08


def test_order_and_company_are_drawn_anew():
    same = torch.full((64,), 5)
    first, again, other = (list(shuffled_by_length(same, 8, torch.Generator().manual_seed(seed))) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    company = [{frozenset(rows.tolist()) for rows in batches} for batches in (first, other)]
    assert not company[0] & company[1]
    mixed = torch.arange(64)
    order = [int(rows[0]) for rows in shuffled_by_length(mixed, 8, torch.Generator().manual_seed(0))]
    assert order != sorted(order)


histories = st.lists(st.lists(st.integers(0, 9), max_size=8), min_size=1, max_size=6)


@PROPERTY
@given(histories, st.integers(1, 6), st.data())
def test_a_batch_holds_the_last_items_of_each_span(drawn, last, data):
    domain = small_domain(drawn, n_items=10, repeats=True)
    users = np.array(data.draw(st.lists(st.integers(0, len(drawn) - 1), min_size=1, max_size=6)))
    cut = np.array([data.draw(st.integers(0, len(drawn[user]))) for user in users])
    spans = Spans.of(domain, users, domain.offsets[:-1][users] + cut, CPU, last)
    expected = [drawn[user][:stop][-last:] for user, stop in zip(users, cut, strict=True)]
    expected = [[] if stop == 0 else row for row, stop in zip(expected, cut, strict=True)]
    assert spans.lengths.tolist() == [len(row) for row in expected]
    assert len(spans) == len(users)
    rows = torch.arange(len(users)).flip(0)
    batch = gather(spans, rows)
    assert batch.users.tolist() == users[::-1].tolist()
    for row, wanted in enumerate(expected[::-1]):
        assert batch.mask[row].tolist() == [True] * len(wanted) + [False] * (batch.mask.shape[1] - len(wanted))
        assert batch.items[row][: len(wanted)].tolist() == wanted
    assert batch.mask.shape[1] == max([1, *(len(row) for row in expected)])


@PROPERTY
@given(histories, st.integers(1, 6), st.data())
def test_owned_spans_are_gathered_as_from_all_and_others_are_not_read(drawn, last, data):
    domain = small_domain(drawn, n_items=10, repeats=True)
    users, stops = np.flatnonzero(domain.lengths), domain.offsets[1:][domain.lengths > 0]
    owned = np.array(data.draw(st.lists(st.booleans(), min_size=len(users), max_size=len(users))), dtype=bool)
    mine = Spans.of(domain, users, stops, CPU, last, owned)
    assert mine.items.tolist() == [item for user in users[owned] for item in drawn[user][-last:]]
    rows = torch.from_numpy(np.flatnonzero(owned))
    if len(rows):
        whole, part = (gather(spans, rows) for spans in (Spans.of(domain, users, stops, CPU, last), mine))
        assert torch.equal(part.mask, whole.mask)
        assert torch.equal(part.users, whole.users)
        for name in ("items", "positions"):
            assert torch.equal(getattr(part, name)[part.mask], getattr(whole, name)[whole.mask])


def test_inputs_and_targets_are_shifted_by_one():
    domain = small_domain([[1, 2, 3], [4, 5]], n_items=6)
    batch = gather(Spans.of(domain, np.array([0, 1]), domain.offsets[1:].copy(), CPU), torch.arange(2))
    inputs = batch.inputs()
    assert inputs.items[inputs.mask].tolist() == [1, 2, 4]
    assert batch.targets()[inputs.mask].tolist() == [2, 3, 5]
    assert inputs.mask.tolist() == [[True, True], [True, False]]


@PROPERTY
@given(st.lists(st.integers(0, 8), min_size=1, max_size=12).filter(any), st.integers(1, 40))
def test_narrowed_batches_hold_the_same_rows_in_the_same_order(drawn, positions):
    domain = small_domain([list(range(length)) for length in drawn], n_items=10)
    users = np.arange(len(drawn))
    whole = gather(Spans.of(domain, users, domain.offsets[1:].copy(), CPU), torch.arange(len(drawn)))
    parts = whole.narrowed(positions)
    assert torch.equal(torch.cat([part.users for part in parts]), whole.users)
    assert torch.equal(torch.cat([part.items[part.mask] for part in parts]), whole.items[whole.mask])
    for part in parts:
        assert part.mask.shape == part.items.shape == (len(part.users), max(1, int(part.mask.sum(1).max())))
        assert len(part.users) == 1 or part.mask.numel() <= positions


@PROPERTY
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 12))
def test_the_newest_items_are_the_last_of_each_row(drawn, length):
    domain = small_domain([list(range(size)) for size in drawn], n_items=9)
    spans = Spans.of(domain, np.arange(len(drawn)), domain.offsets[1:].copy(), CPU)
    whole = gather(spans, torch.arange(len(drawn)))
    newest = whole.newest(length)
    for row, size in enumerate(drawn):
        mask = newest.mask[row]
        assert newest.items[row][mask].tolist() == list(range(size))[-length:]
        assert newest.positions[row][mask].tolist() == whole.positions[row][whole.mask[row]].tolist()[-length:]
        assert mask.tolist() == sorted(mask.tolist(), reverse=True), "padding stays on the right"
