"""Settings of the training loop."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from domains.settings import Settings


class TrainingSettings(Settings):
    """The one training loop that every trained variant gets, with the same budget."""

    loss: Literal["bce", "gbce", "sampled_softmax", "softmax"] = Field(
        "sampled_softmax", description="Training loss; the paper: bce (Eq. 3)."
    )
    negatives: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Negatives a positive (bce, gbce; by default 1, the paper's) or shared by a batch "
        "(sampled_softmax; by default 2048, at most as many as there are items).",
    )
    gbce_t: float = Field(0.75, ge=0, le=1, description="Calibration t of gBCE.")
    learning_rate: float = Field(0.001, gt=0, description="Adam step size; the paper: 0.005 on Home.")
    learning_rate_decay: float = Field(0.99, gt=0, le=1, description="Factor on it after every epoch.")
    beta1: float = Field(0.9, ge=0, lt=1, description="Adam's first momentum.")
    beta2: float = Field(0.98, ge=0, lt=1, description="Adam's second momentum.")
    weight_decay: float = Field(0.0, ge=0, description="L2 penalty through Adam.")
    batch_size: int = Field(128, ge=1, le=1_000_000, description="Sequences a step.")
    steps: int = Field(
        16,
        ge=1,
        le=1_000_000,
        description="Fewest optimiser steps an epoch: where users are few, batches are made smaller.",
    )
    base_epochs: int = Field(
        100,
        ge=0,
        le=1_000_000,
        description="Upper bound for the base model that every variant starts from; 0 trains each from scratch.",
    )
    epochs: int = Field(
        60, ge=1, le=1_000_000, description="Upper bound for a variant after that; the base itself, unless it is kept."
    )
    base: Literal["kept", "trained"] = Field(
        "kept",
        description="What becomes of a base that was trained before: a variant keeps it and learns only how interests "
        "enter, or trains all of it again (paper).",
    )
    patience: int = Field(
        15,
        ge=1,
        le=1_000_000,
        description="Epochs without a better validation metric before a phase stops; prompts have been seen to need "
        "thirteen before they got better again.",
    )
    metric: str = Field("full/ndcg@10", description="Validation metric that selects the epoch.")
    validation_users: int = Field(
        20_000,
        ge=1,
        le=1 << 40,
        description="An epoch is validated on at most so many of the training users, evenly spaced.",
    )
    logits_memory_mb: int = Field(
        256, ge=1, le=1_000_000, description="Softmax over all items never holds more logits than this."
    )
    precision: Literal["float32", "bf16"] = Field("float32", description="Autocast precision of the forward pass.")
    compile: bool = Field(False, description="Compile the encoder with torch.compile.")

    @property
    def keeps_base(self) -> bool:
        """Whether a variant leaves its base as it is: there must be one that was trained."""
        return self.base == "kept" and self.base_epochs > 0

    @property
    def drawn(self) -> int:
        """Negatives that are drawn: those asked for, or what suits the loss."""
        return self.negatives or (2048 if self.loss == "sampled_softmax" else 1)
