"""Settings of diffusion over anchors (S2IDM) and over items (T-DiffRec, TI-DiffRec)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from domains.settings import Settings
from transfer.interests.settings import check_ascending


class S2IDMSettings(Settings):
    """The Sememe-to-Interest Diffusion Model and its training (Section 3.3)."""

    fixed: ClassVar[Mapping[str, object]] = {
        "step_sampling": "importance",
        "sampling_history": 10,
        "sampling_uniform": 0.001,
        "source_temperature": 1.0,
    }

    kind: Literal["gaussian", "masked"] = Field(
        "gaussian",
        description="Noise: 'gaussian' changes the weights (paper); 'masked' hides anchors step by step "
        "(absorbing-state D3PM, Austin et al., 2021) and ignores the noise settings.",
    )
    hidden: int = Field(1000, ge=1, le=65_536, description="Width h of the denoiser's hidden layer.")
    time_embedding: int = Field(10, ge=2, le=4096, description="Size of the sinusoidal timestep embedding.")
    dropout: float = Field(0.5, ge=0, lt=1, description="Dropout on the noisy interests s_t during training.")
    steps: int = Field(10, ge=1, le=10_000, description="Diffusion steps T.")
    noise_scale: float = Field(0.1, gt=0, description="Scale of the linear variance schedule (0.01 on Home).")
    noise_min: float = Field(0.0005, gt=0, description="First variance 1 - alpha_bar, before the scale.")
    noise_max: float = Field(0.005, gt=0, description="Last variance 1 - alpha_bar, before the scale.")
    learning_rate: float = Field(5e-5, gt=0, description="Learning rate of AdamW.")
    weight_decay: float = Field(0.1, ge=0, description="Weight decay of AdamW.")
    batch_size: int = Field(400, ge=1, le=1_000_000, description="Users per step.")
    precision: Literal["float32", "bf16"] = Field("float32", description="Precision of training (autocast).")
    epochs: int = Field(
        200, ge=1, le=1_000_000, description="Maximum number of epochs; training stops early on held-out users."
    )
    patience: int = Field(
        10, ge=1, le=1_000_000, description="Stop after this many epochs without a lower held-out loss."
    )
    held_out: float = Field(0.05, gt=0, lt=1, description="Share of source users held out to select the epoch.")
    objective: Literal["reconstruct", "next"] = Field(
        "reconstruct",
        description="Predict x_0 of the same interactions ('reconstruct', paper) or of those after a cut ('next').",
    )

    @model_validator(mode="after")
    def _ordered(self) -> S2IDMSettings:
        if self.noise_min > self.noise_max:
            raise ValueError(f"noise_min ({self.noise_min}) must not exceed noise_max ({self.noise_max})")
        if self.noise_scale * self.noise_max >= 1:
            raise ValueError("noise_scale * noise_max is a variance and must be below 1")
        return self


class DiffRecSettings(Settings):
    """T-DiffRec (Wang et al., 2023) and TI-DiffRec (Ma et al., 2024): the same diffusion over a target's items."""

    w_min: float = Field(0.5, ge=0, description="Weight of a user's oldest interaction.")
    w_max: float = Field(1.0, gt=0, description="Weight of the newest interaction, at least w_min.")
    model: S2IDMSettings = Field(
        default_factory=lambda: S2IDMSettings(noise_scale=0.01, weight_decay=0.5),
        description="Schedule, denoiser and training; the defaults are the authors' settings for Toy.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> DiffRecSettings:
        check_ascending(self.w_min, self.w_max)
        return self

    @model_validator(mode="after")
    def _reconstructs(self) -> DiffRecSettings:
        if self.model.objective != "reconstruct":
            raise ValueError("model.objective: next works for s2idm only; diffusion over items uses reconstruct")
        return self
