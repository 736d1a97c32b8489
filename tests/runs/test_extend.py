"""Going on from an artifact: old anchors mean what they meant, new ones join."""

from __future__ import annotations

import torch

from transfer.diffusion.extend import extended_s2idm, extended_weights
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import S2IDMSettings

SETTINGS = S2IDMSettings(hidden=8, steps=3)


def test_old_anchors_give_the_same_hidden_states() -> None:
    torch.manual_seed(0)
    old = S2IDM(5, SETTINGS).eval()
    new = extended_s2idm(old, 9, SETTINGS.model_copy(update={"hidden": 77, "learning_rate": 1.0}), seed=1).eval()
    interests = torch.rand(4, 5)
    steps = torch.tensor([0, 1, 2, 1])
    wider = torch.cat([interests, torch.zeros(4, 4)], dim=1)
    assert new.anchors == 9
    assert new.settings.hidden == 8
    assert new.settings.learning_rate == 1.0
    torch.testing.assert_close(new.denoiser(wider, steps)[:, :5], old.denoiser(interests, steps))


def test_tables_keep_their_first_rows_and_the_rest_is_taken_over() -> None:
    old = {
        "table": torch.ones(2, 3),
        "scale": torch.tensor(4.0),
        "gone": torch.ones(1),
        "positions": torch.arange(6.0).view(3, 2),
    }
    new = {
        "table": torch.zeros(4, 3),
        "scale": torch.tensor(0.0),
        "added": torch.full((2,), 7.0),
        "positions": torch.zeros(2, 2),
    }
    grown = extended_weights(old, new)
    assert grown["table"].tolist() == [[1.0] * 3, [1.0] * 3, [0.0] * 3, [0.0] * 3]
    assert grown["positions"].tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert grown["scale"].item() == 4.0
    assert grown["added"].tolist() == [7.0, 7.0]
    assert set(grown) == set(new)


def test_tables_grow_on_the_device_of_the_new_model() -> None:
    grown = extended_weights({"table": torch.ones(2, 3)}, {"table": torch.zeros(4, 3, device="meta")})
    assert grown["table"].shape == (4, 3) and grown["table"].is_meta
