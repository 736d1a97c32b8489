"""IPE: prompts against separate two-layer networks, where they stand, and who hears them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import random as random_sparse
from torch import nn
from transfer_cases import make_encoder, sequences

from recipes.load import check_recipe
from transfer.assembly import assemble, start_from
from transfer.encoders.encoder import SequenceEncoder
from transfer.encoders.settings import EncoderSettings
from transfer.interests.forms import NoInterests, RawInterests
from transfer.items.features import ItemFeatures
from transfer.items.tower import ItemTower
from transfer.model.conditioner import (
    InterestFusion,
    InterestsAtPositions,
    PromptGenerators,
    Unconditioned,
)
from transfer.model.recommender import SequentialRecommender
from transfer.model.settings import ScoreSettings
from transfer.variants import parse_variant

DIM, ANCHORS, COUNT = 6, 11, 3


def interests(users=5, seed=0):
    return RawInterests(random_sparse(users, ANCHORS, 0.4, format="csr", random_state=seed).astype(np.float32))


def generators(seed=0):
    torch.manual_seed(seed)
    return PromptGenerators(ANCHORS, DIM, COUNT)


USERS = torch.tensor([1, 4, 2])


def batch(lengths=(2, 4, 1), seed=0):
    """Embedded items, and the batch that they are of."""
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    embeds = torch.randn(*mask.shape, DIM, generator=torch.Generator().manual_seed(seed)) * mask[..., None]
    return embeds, sequences(torch.zeros(mask.shape, dtype=torch.int64), mask, USERS)


class Recording(SequenceEncoder):
    """Keeps what it is given and hands it back."""

    def forward(self, inputs_embeds, mask):
        self.embeds, self.mask = inputs_embeds, mask
        return inputs_embeds


def test_prompts_equal_separate_networks():
    made, users, given = generators(), torch.tensor([4, 0, 0]), interests()
    ours = made.prompts(users, given)
    assert ours.shape == (3, COUNT, DIM)
    for k in range(COUNT):
        network = nn.Sequential(nn.Linear(ANCHORS, DIM), nn.Tanh(), nn.Linear(DIM, DIM))
        part = slice(k * DIM, (k + 1) * DIM)
        with torch.no_grad():
            network[0].weight.copy_(made.inner_weight[part])
            network[0].bias.copy_(made.inner_bias[part])
            network[2].weight.copy_(made.outer_weight[k])
            network[2].bias.copy_(made.outer_bias[k])
        torch.testing.assert_close(ours[:, k], network(given.rows(users)))


def test_every_generator_learns_on_its_own():
    made = generators()
    made.prompts(torch.tensor([1]), interests())[:, 1].sum().backward()
    touched = made.inner_weight.grad.view(COUNT, DIM, ANCHORS).abs().sum((1, 2)) > 0
    assert touched.tolist() == [False, True, False]
    assert (made.outer_weight.grad.abs().sum((1, 2)) > 0).tolist() == [False, True, False]


def test_constants_give_everyone_the_same_prompts():
    prompts = generators().prompts(torch.tensor([3, 0, 2]), NoInterests(ANCHORS))
    assert torch.equal(prompts[0], prompts[1])
    assert torch.equal(prompts[0], prompts[2])
    assert not torch.equal(prompts[0, 0], prompts[0, 1])


def test_prompts_stand_right_before_the_first_item():
    made, encoder, given = generators(), Recording(), interests()
    embeds, sequence = batch()
    states = made(encoder, embeds, sequence, given)
    torch.testing.assert_close(encoder.embeds[:, :COUNT], made.prompts(USERS, given))
    assert torch.equal(encoder.embeds[:, COUNT:], embeds)
    assert encoder.mask.sum(1).tolist() == [COUNT + 2, COUNT + 4, COUNT + 1]
    assert encoder.mask[:, :COUNT].all()
    assert torch.equal(encoder.mask[:, COUNT:], sequence.mask)
    assert torch.equal(states, embeds)


@pytest.mark.parametrize("name", ["sasrec", "gru4rec"])
def test_every_item_hears_every_prompt(name):
    torch.manual_seed(0)
    encoder = make_encoder(EncoderSettings(dim=DIM, max_length=5), COUNT, name).eval()
    made, given = generators(), interests()
    embeds, sequence = batch()
    prompts = made.prompts(USERS, given).detach().requires_grad_()
    made.prompts = lambda *_: prompts
    states = made(encoder, embeds, sequence, given)
    for row, length in enumerate((2, 4, 1)):
        for position in range(length):
            (gradient,) = torch.autograd.grad(states[row, position].square().sum(), prompts, retain_graph=True)
            heard = gradient.abs().sum(-1) > 0
            assert heard[row].all()
            assert heard.sum() == COUNT


@pytest.mark.parametrize("name", ["sasrec", "gru4rec"])
def test_right_padding_changes_no_prompted_state(name):
    torch.manual_seed(0)
    encoder = make_encoder(EncoderSettings(dim=DIM, max_length=9), COUNT, name).eval()
    made, given = generators(), interests()
    embeds, sequence = batch()
    wide, wider = nn.functional.pad(embeds, (0, 0, 0, 3)), nn.functional.pad(sequence.mask, (0, 3))
    narrow = made(encoder, embeds, sequence, given)
    longer = made(encoder, wide, sequences(torch.zeros(wider.shape, dtype=torch.int64), wider, USERS), given)
    torch.testing.assert_close(longer[:, :4][sequence.mask], narrow[sequence.mask])


@pytest.mark.parametrize("name", ["sasrec", "gru4rec"])
def test_gated_prompts_change_nothing_at_first_and_then_each_dimension_by_its_gate(name):
    torch.manual_seed(0)
    encoder = make_encoder(EncoderSettings(dim=DIM, max_length=9), COUNT, name).eval()
    gated, given = PromptGenerators(ANCHORS, DIM, COUNT, gated=True), interests()
    embeds, sequence = batch()
    plain = encoder(embeds, sequence.mask)
    states = gated(encoder, embeds, sequence, given)
    assert torch.equal(states, plain)
    states.square().sum().backward()
    assert (gated.gate.grad != 0).all()
    ungated = PromptGenerators(ANCHORS, DIM, COUNT)
    ungated.load_state_dict({key: value for key, value in gated.state_dict().items() if key != "gate"})
    with torch.no_grad():
        gated.gate.copy_(torch.tensor([1.0, 0.0, 0.5, 0.0, 0.0, -1.0]))
    full = ungated(encoder, embeds, sequence, given)
    mixed = gated(encoder, embeds, sequence, given)
    torch.testing.assert_close(mixed[..., 0], full[..., 0])
    torch.testing.assert_close(mixed[..., 2], (plain[..., 2] + full[..., 2]) / 2)
    torch.testing.assert_close(mixed[..., 5], 2 * plain[..., 5] - full[..., 5])
    assert torch.equal(mixed[..., 1], plain[..., 1])


@pytest.mark.parametrize("variant", ["sasrec+ipe+raw", "gru4rec+title-semantic+ipe+raw"])
def test_a_variant_that_starts_neutral_scores_exactly_as_its_base(variant):
    prompted = parse_variant(variant)
    features = ItemFeatures(count=8, title_vectors=torch.randn(8, 5, generator=torch.Generator().manual_seed(1)))
    users, items = torch.tensor([0, 2]), torch.tensor([[3, 1, 0], [5, 0, 0]])
    sequence = sequences(items, torch.tensor([[1, 1, 1], [1, 0, 0]], dtype=torch.bool), users)

    def scores(one, recipe, base):
        model = assemble(one, recipe, features, ANCHORS, seed=3)
        start_from(model, base) if base else None
        model.eval()
        states = model.states(model.items.all()[items], sequence, interests())
        return model, model.prepared_states(states) @ model.item_table().T

    recipe = check_recipe({"sources": ["books"], "encoder": {"dim": DIM, "max_length": 5}}, "here")
    model, expected = scores(prompted.base, recipe, None)
    _, neutral = scores(prompted, recipe, model.state_dict())
    assert torch.equal(neutral, expected)
    paper = check_recipe({"sources": ["books"], "encoder": {"dim": DIM, "max_length": 5}, "preset": "paper"}, "here")
    _, random = scores(prompted, paper, model.state_dict())
    assert paper.prompts.start == "paper"
    assert not torch.allclose(random, expected)


def test_fusion_adds_nothing_at_first_and_then_what_its_network_makes():
    torch.manual_seed(0)
    fusion, encoder, given = InterestFusion(ANCHORS, DIM), Recording(), interests()
    embeds, sequence = batch()
    assert torch.equal(fusion(encoder, embeds, sequence, given), embeds)
    with torch.no_grad():
        fusion.outer.weight.copy_(torch.randn(DIM, DIM, generator=torch.Generator().manual_seed(1)))
        fusion.outer.bias.fill_(0.5)
    ours = fusion(encoder, embeds, sequence, given)
    for row in range(3):
        read = torch.tanh(fusion.read(given.rows(USERS)[row]))
        for position in range(4):
            state = embeds[row, position]
            expected = state + fusion.outer(torch.tanh(fusion.inner(torch.cat([state, read]))))
            torch.testing.assert_close(ours[row, position], expected)
    assert encoder.embeds.shape[1] == 4


def test_the_base_looks_at_no_interests():
    embeds, sequence = batch()
    assert torch.equal(Unconditioned()(Recording(), embeds, sequence, None), embeds)
    for conditioner in (
        generators(),
        InterestFusion(ANCHORS, DIM),
        InterestsAtPositions(ANCHORS, DIM),
    ):
        with pytest.raises(ValueError, match="interests"):
            conditioner(Recording(), embeds, sequence, None)


def test_interests_at_positions_add_nothing_at_first_and_then_what_their_network_makes_of_each_position():
    torch.manual_seed(0)
    at, encoder = InterestsAtPositions(ANCHORS, DIM), Recording()
    embeds, sequence = batch()
    given = interests(users=sequence.positions.numel())
    assert torch.equal(at(encoder, embeds, sequence, given), embeds)
    with torch.no_grad():
        at.outer.weight.copy_(torch.randn(DIM, DIM, generator=torch.Generator().manual_seed(1)))
        at.outer.bias.fill_(0.5)
    ours = at(encoder, embeds, sequence, given)
    for row, column in sequence.mask.nonzero().tolist():
        known = given.rows(sequence.positions[row, column][None])[0]
        expected = embeds[row, column] + at.outer(torch.tanh(at.read(known)))
        torch.testing.assert_close(ours[row, column], expected)
    assert (ours[~sequence.mask] == 0).all()


def recommender(score, conditioner=None, encoder=None):
    torch.manual_seed(0)
    from transfer.items.settings import ItemSettings

    items = ItemTower(ItemFeatures(count=7), ItemSettings(), DIM)
    return SequentialRecommender(items, encoder or Recording(), conditioner or Unconditioned(), score, DIM)


def test_items_enter_scaled_by_the_root_of_the_width_and_padding_as_zero():
    model = recommender(ScoreSettings())
    embeds = torch.ones(2, 3, DIM)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    model.states(embeds, sequences(torch.zeros(mask.shape, dtype=torch.int64), mask), None)
    torch.testing.assert_close(model.encoder.embeds, mask[..., None] * torch.full((2, 3, DIM), DIM**0.5))


def test_scores_are_cosines_times_temperature_or_inner_products():
    states = torch.randn(4, DIM, generator=torch.Generator().manual_seed(0))
    cosine, dot = recommender(ScoreSettings(temperature=7)), recommender(ScoreSettings(similarity="dot"))
    table = cosine.items.all().detach()
    ours = cosine.prepared_states(states) @ cosine.item_table().t()
    expected = 7 * nn.functional.cosine_similarity(states[:, None], table[None], dim=-1)
    torch.testing.assert_close(ours, expected)
    torch.testing.assert_close(dot.prepared_states(states) @ dot.item_table().t(), states @ dot.items.all().t())
