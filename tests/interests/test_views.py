"""What a prompt may see at each stage: never what it helps to predict, except where a setting says so."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_sparse
from transfer_cases import PROPERTY, random_histories, small_domain

from domains.split import leave_one_out, temporal
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import S2IDMSettings
from transfer.interests.forms import NoInterests, PermutedInterests, RawInterests
from transfer.interests.settings import InterestSettings
from transfer.interests.views import FixedViews, InterestViews, NoViews, other_users, other_users_positions
from transfer.model.settings import PromptSettings
from transfer.runs.interest_factory import InterestFactory
from transfer.variants import parse_variant

CPU = torch.device("cpu")


class Recorded:
    """Interests that are nothing but the positions up to which they may know."""

    width = 1

    def __init__(self, stops):
        self.stops = np.asarray(stops)

    def rows(self, users):
        return torch.from_numpy(self.stops)[users][:, None].float()


def views(split, sees, seed=0, shuffled=False):
    return InterestViews(split=split, sees=sees, make=Recorded, seed=seed, device=CPU, shuffled=shuffled)


def splits(seed=0):
    generator = np.random.default_rng(seed)
    histories = random_histories(generator, 12, 30, 3, 9)
    moments = [sorted(generator.integers(0, 100, len(history)).tolist()) for history in histories]
    domain = small_domain(histories, moments, n_items=30)
    short = small_domain([*histories, [1], [2, 3]], [*moments, [4], [5, 6]], n_items=30)
    yield leave_one_out(domain)
    yield leave_one_out(short, short_users="train")
    yield temporal(domain, (40, 70))


@pytest.mark.parametrize("sees", ["train", "train-minus-last", "prefix"])
def test_no_stage_sees_its_target(sees):
    for split in splits():
        made = views(split, sees)
        for stage, position in (("validation", split.validation), ("test", split.test)):
            stops = made.for_stage(stage).stops
            held = position >= 0
            assert (stops[held] == position[held]).all()
            assert (stops[~held] == split.domain.offsets[1:][~held]).all()
        for epoch in range(3):
            stops = made.for_training(epoch).interests.stops
            assert (stops <= split.train_stop).all()
            assert (stops >= split.starts).all()


def test_the_paper_sees_the_whole_train_sequence():
    for split in splits():
        view = views(split, "train").for_training(1)
        assert view.interests.stops.tolist() == split.train_stop.tolist()
        assert view.first_target is None


def test_the_last_train_item_is_hidden():
    for split in splits():
        view = views(split, "train-minus-last").for_training(1)
        assert view.interests.stops.tolist() == np.maximum(split.train_stop - 1, split.starts).tolist()
        assert view.first_target is None


@PROPERTY
@given(st.integers(0, 50), st.integers(1, 50))
def test_a_prefix_ends_where_the_targets_begin(seed, epoch):
    for split in splits(seed):
        view = views(split, "prefix", seed).for_training(epoch)
        assert torch.equal(view.first_target, torch.from_numpy(view.interests.stops))
        some = split.train_stop > split.starts
        assert (view.interests.stops[some] < split.train_stop[some]).all()


def test_cuts_are_uniform_drawn_every_epoch_and_repeatable():
    split = leave_one_out(small_domain([[0, 1, 2, 3, 4, 5]] * 800))
    made = views(split, "prefix", 3)
    cuts = made.for_training(1).interests.stops - split.starts
    np.testing.assert_allclose(np.bincount(cuts, minlength=4) / 800, [0.25] * 4, atol=0.05)
    assert (made.for_training(2).interests.stops != made.for_training(1).interests.stops).any()
    again = views(split, "prefix", 3).for_training(1).interests.stops
    assert (again == made.for_training(1).interests.stops).all()
    assert (views(split, "prefix", 4).for_training(1).interests.stops != again).any()


def test_fixed_interests_are_made_once():
    split, calls = next(splits()), []

    def make(stops):
        calls.append(stops)
        return Recorded(stops)

    made = InterestViews(split=split, sees="train", make=make, seed=0, device=CPU)
    assert made.for_training(1).interests is made.for_training(9).interests
    assert made.for_stage("test") is made.for_stage("test")
    assert len(calls) == 2


def test_shuffled_hands_over_other_users_at_every_stage():
    split = leave_one_out(small_domain([[0, 1, 2, 3]] * 60))
    made = views(split, "train", seed=1, shuffled=True)
    users = torch.arange(60)
    for interests, real in (
        (made.for_training(1).interests, split.train_stop),
        (made.for_stage("validation"), split.validation),
        (made.for_stage("test"), split.test),
    ):
        assert isinstance(interests, PermutedInterests)
        given_to = interests.rows(users)[:, 0].long().numpy()
        assert sorted(given_to.tolist()) == sorted(real.tolist())
        assert (given_to != real).mean() > 0.9
    same = [made.for_training(1).interests.order, made.for_stage("test").order]
    assert torch.equal(*same)


def test_the_base_and_the_constant():
    for made in (NoViews(), FixedViews(NoInterests(5))):
        view = made.for_training(1)
        assert view.first_target is None
        assert type(view.interests) is type(made.for_stage("test"))
    assert NoViews().for_stage("test") is None
    assert isinstance(FixedViews(NoInterests(5)).for_stage("test"), NoInterests)
    assert FixedViews(NoInterests(5)).for_training(1).interests.width == 5


ITEMS = random_sparse(30, 7, 0.4, format="csr", random_state=0)
ITEMS.data[:] = 1
ITEM_ANCHORS = csr_matrix(ITEMS, dtype=np.float32)


def factory(split, settings=InterestSettings()):  # noqa: B008 - a frozen value
    torch.manual_seed(0)
    s2idm = S2IDM(7, S2IDMSettings(hidden=5)).eval()
    return InterestFactory(
        domain=split.domain,
        item_anchors=ITEM_ANCHORS,
        idf=np.ones(7, np.float32),
        s2idm=s2idm,
        settings=settings,
        device=CPU,
    )


def views_of(made, split, name, sees="train", seed=0):
    return made.views(parse_variant(name), split, PromptSettings(sees=sees), seed)


def test_the_factory_makes_what_a_variant_names():
    split = next(splits())
    made, users = factory(split), torch.arange(12)
    assert made.width == 7
    assert isinstance(views_of(made, split, "sasrec"), NoViews)
    assert isinstance(views_of(made, split, "sasrec+ipe+constant").for_stage("test"), NoInterests)
    raw = views_of(made, split, "sasrec+ipe+raw").for_stage("test")
    assert isinstance(raw, RawInterests)
    seen = made.original(split.test)
    np.testing.assert_allclose(raw.rows(users).numpy(), seen.toarray())
    diffused = views_of(made, split, "sasrec+ipe+s2idm").for_stage("test").rows(users)
    torch.testing.assert_close(diffused, made.s2idm.diffuse(seen).rows(users))
    shuffled = views_of(made, split, "sasrec+ipe+shuffled").for_stage("test")
    torch.testing.assert_close(shuffled.rows(users), diffused[shuffled.order])


def test_interests_at_a_position_are_those_of_a_user_who_stops_there():
    split = next(splits())
    domain = split.domain
    made = factory(split)
    assert (made.original_by_position(at_once=40) != made.original_by_position()).nnz == 0
    raw = views_of(made, split, "sasrec+positions+raw")
    assert raw.for_training(1).interests is raw.for_stage("test") is raw.for_stage("validation")
    assert raw.for_training(1).first_target is None
    diffused = views_of(made, split, "sasrec+positions").for_stage("test")
    owner = np.repeat(np.arange(domain.n_users), np.diff(domain.offsets))
    for position in range(domain.n_interactions):
        stops = domain.offsets[:-1].copy()
        stops[owner[position]] = position + 1
        alone, here = made.original(stops)[owner[position]], torch.tensor([position])
        np.testing.assert_allclose(raw.for_stage("test").rows(here).numpy(), alone.toarray(), rtol=1e-6)
        expected = made.s2idm.diffuse(csr_matrix(alone)).rows(torch.tensor([0]))
        torch.testing.assert_close(diffused.rows(here), expected, rtol=1e-4, atol=1e-6)


def test_shuffled_positions_are_another_users_as_far_on_as_that_user_went():
    split = next(splits())
    domain = split.domain
    others = other_users_positions(domain, 3)
    owner = np.repeat(np.arange(domain.n_users), np.diff(domain.offsets))
    place = np.arange(domain.n_interactions) - domain.offsets[:-1][owner]
    assert (owner[others] != owner).all()
    assert (place[others] == np.minimum(place, np.diff(domain.offsets)[owner[others]] - 1)).all()
    shuffled = views_of(factory(split), split, "sasrec+positions+shuffled", seed=3).for_stage("test")
    diffused = views_of(factory(split), split, "sasrec+positions+s2idm").for_stage("test")
    everywhere = torch.arange(domain.n_interactions)
    torch.testing.assert_close(shuffled.rows(everywhere), diffused.rows(torch.from_numpy(others)))


def test_the_factory_shares_what_is_the_same_and_nothing_else():
    split = next(splits())
    made = factory(split)
    assert views_of(made, split, "sasrec+ipe+s2idm", seed=0) is views_of(made, split, "gru4rec+s2idm", seed=1)
    assert views_of(made, split, "sasrec+ipe+raw") is not views_of(made, split, "sasrec+ipe+s2idm")
    shuffled = [views_of(made, split, "sasrec+ipe+shuffled", seed=seed) for seed in (0, 1)]
    assert not torch.equal(shuffled[0].order, shuffled[1].order)
    own = views_of(made, split, "sasrec+ipe+s2idm").for_stage("test")
    assert all(view.for_stage("test").interests is own for view in shuffled), "they are diffused once"
    assert views_of(made, split, "sasrec+ipe+raw").for_stage("test") is not own
    prefix = [views_of(made, split, "sasrec+ipe+raw", "prefix", seed) for seed in (0, 1)]
    assert not torch.equal(*(view.for_training(1).first_target for view in prefix))


def test_interests_follow_the_sources_weighting():
    split = next(splits())
    flat = factory(split, InterestSettings(w_min=1, w_max=1)).original(split.test).toarray()
    for user in range(12):
        seen = split.domain.items[split.starts[user] : split.test[user]]
        np.testing.assert_allclose(flat[user], ITEM_ANCHORS.toarray()[seen].sum(0))


@pytest.mark.parametrize("users", [2, 3, 50])
def test_nobody_keeps_their_own_interests(users: int) -> None:
    others = other_users(users, seed=3)
    assert sorted(others) == list(range(users))
    assert not np.any(others == np.arange(users))
