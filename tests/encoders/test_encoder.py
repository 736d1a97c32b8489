"""Sequence encoders: SASRec against the paper's left-padded layout written out, and what every encoder must hold to."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refusal
from transfer_cases import PROPERTY, make_encoder

from recipes.presets import PRESETS
from transfer import registry
from transfer.dropout import Dropout
from transfer.encoders.encoder import SequenceEncoder
from transfer.encoders.settings import EncoderSettings
from transfer.registry import Trained, trained_system
from transfer.systems.gru4rec import GRU4Rec
from transfer.systems.sasrec import SASRec

DIM, LONGEST, PROMPTS = 8, 9, 2
NAMES = ["sasrec", "gru4rec"]


def encoder(name, heads=2, blocks=2, seed=0):
    """In evaluation mode, with weights of every parameter away from their initial zeros and ones."""
    torch.manual_seed(seed)
    made = make_encoder(EncoderSettings(dim=DIM, heads=heads, blocks=blocks, max_length=LONGEST), PROMPTS, name).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return made


def batch(lengths, width=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    width = width or max(lengths)
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    return torch.randn(len(lengths), width, DIM, generator=generator) * mask[..., None], mask


def weights(module):
    return {name: value.detach().double().numpy() for name, value in module.named_parameters()}


def layer_norm(x, scale, shift):
    return (x - x.mean()) / np.sqrt(x.var() + 1e-8) * scale + shift


def left_padded_sasrec(model, items, heads):
    """States of one sequence: padded on the LEFT to the longest length, absolute positions, causal and padding mask.

    Queries are layer-normed, keys and values are not; the residual adds to the normed query.
    """
    total = LONGEST + PROMPTS
    pad, w = total - len(items), weights(model)
    position = w["positions.weight"][::-1]
    states = np.zeros((total, DIM))
    states[pad:] = items + position[pad:]
    for block in range(2):
        attend, feed = f"blocks.{block}.0", f"blocks.{block}.1"
        key_value = states @ w[f"{attend}.key_value.weight"].T + w[f"{attend}.key_value.bias"]
        after = np.zeros_like(states)
        for row in range(pad, total):
            normed = layer_norm(states[row], w[f"{attend}.norm.weight"], w[f"{attend}.norm.bias"])
            query = w[f"{attend}.query.weight"] @ normed + w[f"{attend}.query.bias"]
            mixed, size = [], DIM // heads
            for head in range(heads):
                part = slice(head * size, (head + 1) * size)
                keys, values = key_value[:, :DIM][:, part], key_value[:, DIM:][:, part]
                allowed = [column for column in range(total) if pad <= column <= row]
                logits = np.array([query[part] @ keys[column] / np.sqrt(size) for column in allowed])
                share = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
                mixed.append(sum(p * values[column] for p, column in zip(share, allowed, strict=True)))
            attended = normed + w[f"{attend}.out.weight"] @ np.concatenate(mixed) + w[f"{attend}.out.bias"]
            inner = layer_norm(attended, w[f"{feed}.norm.weight"], w[f"{feed}.norm.bias"])
            hidden = np.maximum(w[f"{feed}.inner.weight"] @ inner + w[f"{feed}.inner.bias"], 0)
            after[row] = inner + w[f"{feed}.outer.weight"] @ hidden + w[f"{feed}.outer.bias"]
        states = after
    return np.array([layer_norm(states[row], w["norm.weight"], w["norm.bias"]) for row in range(pad, total)])


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_sasrec_equals_the_papers_layout(heads):
    model, lengths = encoder("sasrec", heads), [1, 4, LONGEST + PROMPTS, 6]
    embeds, mask = batch(lengths)
    states = model(embeds, mask).detach().numpy()
    for row, length in enumerate(lengths):
        expected = left_padded_sasrec(model, embeds[row, :length].double().numpy(), heads)
        np.testing.assert_allclose(states[row, :length], expected, rtol=1e-3, atol=1e-4)


def gru_by_hand(model, items):
    """h_t = (1 - z) n + z h, then a linear map; one layer after the other."""
    w, sequence = weights(model), items
    for layer in range(2):
        hidden, out = np.zeros(DIM), []
        for x in sequence:
            gates_x = w[f"recurrent.weight_ih_l{layer}"] @ x + w[f"recurrent.bias_ih_l{layer}"]
            gates_h = w[f"recurrent.weight_hh_l{layer}"] @ hidden + w[f"recurrent.bias_hh_l{layer}"]
            reset, update = (
                1 / (1 + np.exp(-(gates_x + gates_h)[part])) for part in (slice(0, DIM), slice(DIM, 2 * DIM))
            )
            new = np.tanh(gates_x[2 * DIM :] + reset * gates_h[2 * DIM :])
            hidden = (1 - update) * new + update * hidden
            out.append(hidden)
        sequence = out
    return np.array([w["out.weight"] @ state + w["out.bias"] for state in sequence])


def test_gru4rec_equals_its_recurrence():
    model, lengths = encoder("gru4rec"), [3, 7, 1]
    embeds, mask = batch(lengths)
    states = model(embeds, mask).detach().numpy()
    for row, length in enumerate(lengths):
        expected = gru_by_hand(model, embeds[row, :length].double().numpy())
        np.testing.assert_allclose(states[row, :length], expected, rtol=1e-4, atol=1e-5)


sequences = st.lists(st.integers(1, LONGEST), min_size=1, max_size=4)


@pytest.mark.parametrize("name", NAMES)
@settings(PROPERTY, max_examples=12)
@given(sequences, st.integers(0, 4), st.integers(0, 50))
def test_padding_and_company_change_no_state(name, lengths, extra, seed):
    model = encoder(name)
    embeds, mask = batch(lengths, max(lengths) + extra, seed)
    together = model(embeds, mask)
    # What stands at padded positions must not matter either.
    noise = torch.randn(embeds.shape, generator=torch.Generator().manual_seed(seed + 1))
    dirty = model(torch.where(mask[..., None], embeds, noise), mask)
    for row, length in enumerate(lengths):
        alone = model(embeds[row : row + 1, :length], mask[row : row + 1, :length])[0]
        torch.testing.assert_close(together[row, :length], alone, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(dirty[row, :length], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_state_hears_everything_before_it_and_nothing_after(name):
    model = encoder(name)
    embeds, mask = batch([7, 5])
    embeds.requires_grad_()
    states = model(embeds, mask)
    for row, length in enumerate([7, 5]):
        for position in range(length):
            (gradient,) = torch.autograd.grad(states[row, position].square().sum(), embeds, retain_graph=True)
            heard = gradient.abs().sum(-1) > 0
            assert heard[row, : position + 1].all()
            assert not heard[row, position + 1 :].any()
            assert not heard[1 - row].any()


@pytest.mark.parametrize("name", NAMES)
def test_changing_a_later_item_changes_no_earlier_state(name):
    model = encoder(name)
    embeds, mask = batch([8])
    changed = embeds.clone()
    changed[0, 5] += 1.0
    before, after = model(embeds, mask), model(changed, mask)
    torch.testing.assert_close(before[0, :5], after[0, :5], rtol=0, atol=1e-6)
    assert ((before - after)[0, 5:].abs().amax(-1) > 1e-4).all()


def test_sasrec_counts_positions_from_the_end():
    model = encoder("sasrec")
    embeds, mask = batch([4], 6)
    positions = []
    model.positions.register_forward_hook(lambda _, args, out: positions.append(args[0]))
    model(embeds, mask)
    assert positions[0][0, :4].tolist() == [3, 2, 1, 0]
    assert model.positions.num_embeddings == LONGEST + PROMPTS


def test_dropout_works_in_training_only():
    for name in NAMES:
        model = encoder(name)
        embeds, mask = batch([6])
        assert torch.equal(model(embeds, mask), model(embeds, mask))
        model.train()
        assert not torch.equal(model(embeds, mask), model(embeds, mask))
        dropped = []
        for module in model.modules():
            if isinstance(module, Dropout):
                module.register_forward_hook(lambda _, args, out, dropped=dropped: dropped.append(args[0]))
        model(embeds, mask)
        assert len(dropped) == {"sasrec": 5, "gru4rec": 1}[name], "of the input, and twice in each feed-forward layer"
    assert make_encoder(EncoderSettings(dropout=0.4), 0, "gru4rec").recurrent.dropout == 0.4


def test_encoders_are_found_by_the_name_of_their_system():
    assert isinstance(make_encoder(EncoderSettings(), 3), SASRec)
    assert isinstance(make_encoder(EncoderSettings(), 3, "gru4rec"), GRU4Rec)
    assert isinstance(make_encoder(EncoderSettings(), 3), SequenceEncoder)
    assert trained_system("cl4srec").family == trained_system("pdrec").family == "sasrec"
    with refusal("unknown-system", "variants", about="'bert'") as caught:
        trained_system("bert")
    assert caught.value.location == "variants"
    with refusal("not-trained", "variants"):
        trained_system("popular")


def test_an_installed_plug_in_is_found(monkeypatch):
    theirs = Trained(name="theirs", summary="", encoder=GRU4Rec, family="gru4rec")

    class Point:
        value = "their_package:THEIRS"

        def __init__(self, name, loaded):
            self.name, self.loaded = name, loaded

        def load(self):
            return self.loaded

    points = [Point("theirs", theirs), Point("broken", GRU4Rec)]

    def entry_points(group, name=None):
        assert group == "transfer.systems"
        return [point for point in points if name in (None, point.name)]

    monkeypatch.setattr(registry, "entry_points", entry_points)
    assert trained_system("theirs") is theirs
    with refusal("plug-in", "entry point broken"):
        trained_system("broken")
    with refusal("unknown-system", "variants", about="broken, theirs"):
        trained_system("nobodys")


def test_the_papers_encoder_settings():
    paper = EncoderSettings(**PRESETS["paper"]["encoder"])
    assert (paper.dim, paper.blocks, paper.heads) == (64, 2, 1)
    assert (paper.dropout, paper.max_length) == (0.2, 200)
    torch.manual_seed(0)
    model = SASRec(paper, 3)
    assert float(model.positions.weight.detach().std()) == pytest.approx((2 / (203 + 64)) ** 0.5, rel=0.05)
