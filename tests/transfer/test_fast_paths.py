"""Every fast path gives what the plain form gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from torch.nn import functional as F
from transfer_cases import PROPERTY, random_histories, sequences, small_domain

from domains.split import leave_one_out
from transfer.diffusion.denoiser import Denoiser, timestep_features
from transfer.dropout import dropout
from transfer.encoders.encoder import causal_attention
from transfer.encoders.settings import EncoderSettings
from transfer.evaluation import ranking, tiles
from transfer.evaluation.protocol import count_below, targets_of
from transfer.evaluation.settings import EvaluationSettings
from transfer.evaluation.tiles import InnerProducts, ItemMatrix, SparseProducts, TileSize
from transfer.interests.views import NoViews, TrainView
from transfer.items.features import ItemFeatures
from transfer.items.settings import ItemSettings
from transfer.items.tower import ItemTower
from transfer.model.conditioner import Unconditioned
from transfer.model.recommender import SequentialRecommender
from transfer.model.settings import ScoreSettings
from transfer.runtime import Runtime
from transfer.systems.sasrec import SASRec
from transfer.training import loop
from transfer.training.settings import TrainingSettings

CPU = torch.device("cpu")
ITEMS = 40


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dropout_keeps_its_share_and_the_mean(share, dtype):
    torch.manual_seed(0)
    kept = dropout(torch.ones(40_000, 5, dtype=dtype), share, training=True)
    assert set(kept.unique().tolist()) == {0.0, torch.tensor(1 / (1 - share), dtype=dtype).item()} or torch.allclose(
        kept.max().double(), torch.tensor(1 / (1 - share), dtype=torch.float64), rtol=1e-2
    )
    # Four draws share 64 random bits; each of the four must drop its share.
    lanes = (kept.flatten().view(-1, 4) == 0).double().mean(0)
    assert torch.allclose(lanes, torch.full((4,), share, dtype=torch.float64), atol=0.01)


def test_dropped_elements_are_independent():
    torch.manual_seed(1)
    gone = (dropout(torch.ones(200_000, 4), 0.3, training=True) == 0).double()
    correlation = torch.corrcoef(torch.cat([gone.T, gone.roll(1, 0).T]))
    assert (correlation - torch.eye(8)).abs().max() < 0.02


def test_dropout_is_of_the_seed_and_off_outside_training():
    values = torch.randn(3, 7)
    assert dropout(values, 0.5, training=False) is values
    assert dropout(values, 0.0, training=True) is values
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(dropout(torch.ones(9, 11), 0.5, training=True))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_the_gradient_of_dropout_is_its_mask():
    torch.manual_seed(0)
    values = torch.randn(50, 3, requires_grad=True)
    out = dropout(values, 0.4, training=True)
    out.sum().backward()
    assert torch.allclose(out, values * values.grad)


@pytest.mark.parametrize(("rows", "heads", "length", "width"), [(1, 1, 1, 4), (3, 1, 7, 8), (2, 4, 5, 3)])
def test_attention_written_out_is_the_fused_one(rows, heads, length, width):
    torch.manual_seed(0)
    mine = [torch.randn(rows, heads, length, width, requires_grad=True) for _ in range(3)]
    theirs = [part.detach().clone().requires_grad_() for part in mine]
    # A share that rounds to nothing takes the written-out path and drops nothing.
    found = causal_attention(*mine, share=1e-9)
    expected = F.scaled_dot_product_attention(*theirs, is_causal=True)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    weight = torch.randn_like(found)
    (found * weight).sum().backward()
    (expected * weight).sum().backward()
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-6)


@PROPERTY
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(1, 30))
def test_narrowed_batches_are_the_batch(lengths, positions):
    count, width = len(lengths), max(1, *lengths)
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    batch = sequences(torch.arange(count * width).view(count, width), mask)
    parts = batch.narrowed(positions)
    assert torch.cat([part.users for part in parts]).tolist() == list(range(count))
    assert torch.equal(torch.cat([part.items[part.mask] for part in parts]), batch.items[mask])
    assert all(torch.equal(part.positions, part.items) for part in parts)
    for part in parts:
        assert part.items.shape[1] == max(1, int(part.mask.sum(1).max()))
        assert len(part.users) == 1 or part.items.numel() <= positions


def model_of(channels=("id",)):
    torch.manual_seed(0)
    features = ItemFeatures(count=ITEMS, title_vectors=F.normalize(torch.randn(ITEMS, 6), dim=1))
    encoder = SASRec(EncoderSettings(dim=8, dropout=0, max_length=12))
    items = ItemTower(features, ItemSettings(channels=channels), 8)
    return SequentialRecommender(items, encoder, Unconditioned(), ScoreSettings(), 8)


def gradients(loss, channels, positions):
    """Loss and gradients of the first step when passes are at most so wide."""
    split = leave_one_out(small_domain(random_histories(np.random.default_rng(0), 30, ITEMS, 4, 14), n_items=ITEMS))
    settings = TrainingSettings(loss=loss, negatives=3, learning_rate=1e-12, batch_size=30)
    model = model_of(channels)
    task = loop.Task(split=split, max_length=12, training=settings, evaluation=EvaluationSettings(), runtime=Runtime())
    trainer = loop.Trainer(model, task, NoViews(), title="here", seed=0, log=lambda _: None, positions_a_pass=positions)
    found = trainer.train(TrainView(None), 1)
    return found, [parameter.grad.clone() for parameter in model.parameters()]


@pytest.mark.parametrize("loss", ["bce", "gbce", "sampled_softmax", "softmax"])
@pytest.mark.parametrize("channels", [("id",), ("id", "title-semantic")])
def test_narrow_passes_train_like_one_wide_pass(loss, channels):
    one_loss, one = gradients(loss, channels, 1 << 30)
    for positions in (1, 40):
        many_loss, many = gradients(loss, channels, positions)
        assert many_loss == pytest.approx(one_loss, rel=1e-6)
        for a, b in zip(many, one, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("loss", ["bce", "sampled_softmax", "softmax"])
@pytest.mark.parametrize("channels", [("id",), ("id", "title-semantic")])
def test_tables_that_are_updated_by_rows_train_alike(loss, channels):
    split = leave_one_out(small_domain(random_histories(np.random.default_rng(0), 30, ITEMS, 4, 14), n_items=ITEMS))
    settings = TrainingSettings(loss=loss, negatives=3, learning_rate=0.01, batch_size=16)
    found = []
    for rows in (ITEMS + 1, ITEMS):
        model = model_of(channels)
        task = loop.Task(
            split=split, max_length=12, training=settings, evaluation=EvaluationSettings(), runtime=Runtime()
        )
        trainer = loop.Trainer(model, task, NoViews(), title="t", seed=0, log=lambda _: None, large_table=rows)
        assert len(trainer.optimiser.tables) == (rows == ITEMS and loss != "softmax")
        losses = [trainer.train(TrainView(None), number) for number in range(1, 6)]
        found.append((losses, model.items.channels["id"].table.weight.detach()))
    (losses, table), (by_row, table_by_row) = found
    assert by_row == pytest.approx(losses, rel=1e-4)
    torch.testing.assert_close(table_by_row, table, rtol=0, atol=2e-3)  # a fifth of a step
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("channels", [("id",), ("id", "title-semantic")])
def test_one_lookup_gives_each_item_its_vector(channels):
    model = model_of(channels)
    ids = [torch.tensor([[3, 3, 1], [0, 39, 3]]), torch.tensor([5, 3]), torch.tensor([[1], [2]])]
    for part, found in zip(ids, model.embed(ids), strict=True):
        torch.testing.assert_close(found, model.items.all()[part])


def test_the_denoiser_is_one_layer_over_interests_and_step():
    torch.manual_seed(0)
    denoiser = Denoiser(12, 7, 4, dropout=0.5).double().eval()
    noisy, steps = torch.randn(5, 12, dtype=torch.float64), torch.tensor([0, 3, 1, 9, 3])
    features = denoiser.time(timestep_features(steps, 4).double())
    hidden = torch.tanh(denoiser.inner(torch.cat([noisy, features], dim=1)))
    expected = denoiser.outer(hidden)
    weight = torch.randn_like(expected)
    names = [name for name, _ in denoiser.named_parameters()]
    wanted = torch.autograd.grad((expected * weight).sum(), list(denoiser.parameters()))
    denoiser.step_bias = (
        lambda steps: F.linear(  # the features of the test are in float64
            denoiser.time(timestep_features(steps, 4).double()), denoiser.inner.weight[:, 12:], denoiser.inner.bias
        )
    )
    found = denoiser(noisy, steps)
    torch.testing.assert_close(found, expected)
    given = torch.autograd.grad((found * weight).sum(), list(denoiser.parameters()))
    for name, a, b in zip(names, given, wanted, strict=True):
        torch.testing.assert_close(a, b, msg=name)


@pytest.mark.parametrize("excludes_seen", [True, False])
def test_ranks_do_not_depend_on_the_blocks(excludes_seen):
    histories = random_histories(np.random.default_rng(1), 50, ITEMS, 3, 9)
    domain = small_domain(histories, n_items=ITEMS, repeats=not excludes_seen)
    targets = targets_of(leave_one_out(domain), "test")
    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(0, 15, (len(targets), ITEMS), generator=generator).float()
    scores[torch.rand(scores.shape, generator=generator) < 0.05] = torch.nan
    settings = EvaluationSettings(negatives=20)
    found = []
    for rows_a_block in (1, 7, 1000):
        memory = 8 * ITEMS * rows_a_block
        found.append(ranking.rank(domain, targets, lambda rows: scores[rows], settings, CPU, top=4, memory=memory))
    for other in found[1:]:
        for field in ("full", "sampled", "full_candidates"):
            assert np.array_equal(getattr(found[0], field), getattr(other, field))
    for row in range(len(targets)):
        seen = set() if not excludes_seen else set(histories[row][:-1])
        target, item = scores[row, targets.items[row]], targets.items[row]
        rivals = [other for other in range(ITEMS) if other != item and other not in seen]
        above = len(rivals) if torch.isnan(target) else sum(not scores[row, other] < target for other in rivals)
        assert found[0].full[row] == above


@pytest.mark.parametrize("excludes_seen", [True, False])
@pytest.mark.parametrize("tile", [1, 7, 1000])
def test_tiles_rank_as_whole_rows_do(excludes_seen, tile):
    histories = random_histories(np.random.default_rng(2), 50, ITEMS, 3, 9)
    domain = small_domain(histories, n_items=ITEMS, repeats=not excludes_seen)
    targets = targets_of(leave_one_out(domain), "test")
    generator = torch.Generator().manual_seed(0)
    # Small whole numbers: products are exact, and many tie.
    states = torch.randint(-2, 3, (len(targets), 3), generator=generator).float()
    items = torch.randint(-2, 3, (ITEMS, 3), generator=generator).float()
    states[3], items[5] = torch.nan, torch.nan
    products = InnerProducts(states, items, size=TileSize(tile, tile, tile))
    settings = EvaluationSettings(negatives=20)
    ours = ranking.rank(domain, targets, products, settings, CPU, sampled=False)
    whole = ranking.rank(domain, targets, lambda rows: products(rows), settings, CPU, sampled=False)
    assert np.array_equal(ours.full, whole.full)
    assert np.array_equal(ours.full_candidates, whole.full_candidates)


@pytest.mark.parametrize("by_entry", [True, False])
@pytest.mark.parametrize("tile", [1, 7, 1000])
@pytest.mark.parametrize("width", [0, 3])
def test_sparse_products_are_added_in_tiles(by_entry, tile, width):
    generator, numbers = torch.Generator().manual_seed(0), np.random.default_rng(0)
    domain = small_domain(random_histories(np.random.default_rng(2), 50, ITEMS, 3, 9), n_items=ITEMS)
    targets = targets_of(leave_one_out(domain), "test")
    # Small whole numbers: products are exact, and many tie.
    states = torch.randint(-2, 3, (len(targets), width), generator=generator).float()
    items = torch.randint(-2, 3, (ITEMS, width), generator=generator).float()
    own = states @ items.t()
    plain, parts = own, []
    for columns in (ITEMS, 11):
        users = numbers.integers(1, 3, (len(targets), columns)) * (numbers.random((len(targets), columns)) < 0.2)
        others = numbers.integers(1, 3, (ITEMS, columns)) * (numbers.random((ITEMS, columns)) < 0.2)
        plain = plain + torch.from_numpy(users @ others.T).float()
        matrix = ItemMatrix(csr_matrix(others.T.astype(np.float32)))
        parts.append(SparseProducts(csr_matrix(users.astype(np.float32)), matrix, CPU, by_entry))
    products = InnerProducts(states, items, tuple(parts), TileSize(tile, tile, tile))
    rows = torch.tensor([49, 0, 7, 7])
    assert torch.equal(products(rows), plain[rows])
    assert torch.equal(parts[0](rows) + parts[1](rows), (plain - own)[rows])
    settings = EvaluationSettings(negatives=20)
    for sampled in (False, True):
        ours = ranking.rank(domain, targets, products, settings, CPU, sampled=sampled)
        whole = ranking.rank(domain, targets, lambda rows: plain[rows], settings, CPU, sampled=sampled)
        assert np.array_equal(ours.full, whole.full)
        assert np.array_equal(ours.sampled, whole.sampled)


@pytest.mark.parametrize("width", [1, 7, 40, 300])
def test_blocks_of_columns_are_the_matrix(width):
    numbers = np.random.default_rng(0)
    matrix = csr_matrix(numbers.random((9, 40)) * (numbers.random((9, 40)) < 0.3))
    blocks = [tile.to_dense() for tile in ItemMatrix(matrix).tiles(width)]
    assert len(blocks) == -(-40 // width)
    assert torch.equal(torch.cat(blocks, dim=1), torch.from_numpy(matrix.toarray()).float())


@pytest.mark.parametrize("width", [1, 31, 128, 1000, 1001])
@pytest.mark.parametrize("count", [1, 3])
def test_the_largest_are_those_of_a_sort(width, count):
    generator = torch.Generator().manual_seed(width)
    scores = torch.randint(0, 50, (40, width), generator=generator).float()
    scores[0], scores[1, : width // 2] = -torch.inf, -torch.inf
    count = min(count, width)
    values, places = tiles.largest(scores, count)
    assert torch.equal(values, scores.sort(dim=1, descending=True).values[:, :count])
    assert torch.equal(scores.gather(1, places), values)
    assert all(len(set(row)) == count for row in places.tolist())


def test_equal_vectors_tie_in_tiles_whatever_they_round_to():
    generator = torch.Generator().manual_seed(0)
    histories = random_histories(np.random.default_rng(3), 300, 1500, 3, 4)
    domain = small_domain(histories, n_items=1500)
    targets = targets_of(leave_one_out(domain), "test")
    # Every item is one of three: all that are like the target, in its tile and in the other, count against it.
    kinds = torch.randn(3, 64, generator=generator)
    kind = torch.randint(0, 3, (1500,), generator=generator)
    products = InnerProducts(torch.randn(len(targets), 64, generator=generator), kinds[kind])
    full = ranking.rank(domain, targets, products, EvaluationSettings(), CPU, sampled=False).full
    order = (products.states @ kinds.t()).argsort(dim=1, descending=True)
    for row in range(len(targets)):
        own = order[row].tolist().index(int(kind[targets.items[row]]))
        ahead = torch.isin(kind, order[row, : own + 1])
        ahead[torch.from_numpy(np.array([*histories[row][:-1], targets.items[row]]))] = False
        assert full[row] == int(ahead.sum())


@pytest.mark.parametrize("by_entry", [True, False])
def test_equal_items_tie_whatever_sparse_products_add(by_entry):
    generator, numbers = torch.Generator().manual_seed(0), np.random.default_rng(0)
    histories = random_histories(np.random.default_rng(3), 300, 2500, 3, 4)
    domain = small_domain(histories, n_items=2500)
    targets = targets_of(leave_one_out(domain), "test")
    kind = torch.randint(0, 3, (2500,), generator=generator)
    vectors, columns = torch.randn(3, 64, generator=generator), numbers.random((3, 40)).astype(np.float32)
    users = csr_matrix(numbers.random((len(targets), 40)) * (numbers.random((len(targets), 40)) < 0.3))
    part = SparseProducts(users, ItemMatrix(csr_matrix(columns[kind.numpy()].T)), CPU, by_entry)
    products = InnerProducts(torch.randn(len(targets), 64, generator=generator), vectors[kind], (part,))
    plain = products.states @ vectors.t() + torch.from_numpy((users @ columns.T).astype(np.float32))
    full = ranking.rank(domain, targets, products, EvaluationSettings(), CPU, sampled=False).full
    order = plain.argsort(dim=1, descending=True)
    for row in range(len(targets)):
        own = order[row].tolist().index(int(kind[targets.items[row]]))
        ahead = torch.isin(kind, order[row, : own + 1])
        ahead[torch.from_numpy(np.array([*histories[row][:-1], targets.items[row]]))] = False
        assert full[row] == int(ahead.sum())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_counting_in_place_is_exact(dtype):
    torch.manual_seed(0)
    scores = torch.randn(3, 70_000).to(dtype)
    target = torch.tensor([[-9.0], [0.0], [9.0]], dtype=dtype)
    expected = (scores < target).sum(1)
    assert torch.equal(count_below(scores.clone(), target), expected)
    assert expected[2] == 70_000
