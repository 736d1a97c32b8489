"""Settings of the training loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from domains.settings import Settings

ADAM_BETAS = (0.9, 0.98)
LEARNING_RATE_DECAY = 0.99
"""Factor on the learning rate after every epoch."""
GBCE_T = 0.75
"""Calibration t of gBCE."""
LOGITS_MB = 256
"""Maximum size of the logits of softmax over all items; $TRANSFER_MEMORY_MB lowers it."""


class TrainingSettings(Settings):
    """Settings of the training loop. Every trained variant gets the same budget."""

    fixed: ClassVar[Mapping[str, object]] = {"beta1": 0.9, "beta2": 0.98, "gbce_t": 0.75, "learning_rate_decay": 0.99}
    ignored: ClassVar[Mapping[str, object]] = {"logits_memory_mb": 256, "compile": False}

    loss: Literal["bce", "gbce", "sampled_softmax", "softmax"] = Field(
        "sampled_softmax", description="Training loss; the paper: bce (Eq. 3)."
    )
    negatives: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Number of negatives: per positive (bce, gbce; default 1 as in the paper) or per batch "
        "(sampled_softmax; default 2048, at most the number of items).",
    )
    learning_rate: float = Field(0.001, gt=0, description="Learning rate of Adam; the paper: 0.005 on Home.")
    weight_decay: float = Field(0.0, ge=0, description="L2 penalty through Adam.")
    batch_size: int = Field(128, ge=1, le=1_000_000, description="Sequences per step.")
    steps: int = Field(
        16,
        ge=1,
        le=1_000_000,
        description="Minimum number of optimiser steps per epoch; batches get smaller if users are few.",
    )
    base_epochs: int = Field(
        100,
        ge=0,
        le=1_000_000,
        description="Maximum epochs of the base model that variants start from; 0 trains each variant from scratch.",
    )
    epochs: int = Field(
        60,
        ge=1,
        le=1_000_000,
        description="Maximum epochs of a variant after that, including the base itself unless it is frozen.",
    )
    base: Literal["kept", "trained"] = Field(
        "kept",
        description="The trained base in a variant: 'kept' freezes it and trains only how interests enter, 'trained' "
        "continues to train all weights (paper).",
    )
    patience: int = Field(
        15,
        ge=1,
        le=1_000_000,
        description="Stop after this many epochs without a better validation metric. In our tests, prompts needed up "
        "to thirteen epochs to improve again.",
    )
    metric: str = Field("full/ndcg@10", description="Validation metric that selects the epoch.")
    validation_users: int = Field(
        20_000,
        ge=1,
        le=1 << 40,
        description="Maximum number of training users for validation, evenly spaced.",
    )
    precision: Literal["float32", "bf16"] = Field("float32", description="Precision of the forward pass (autocast).")

    @property
    def keeps_base(self) -> bool:
        """Whether variants freeze a trained base model."""
        return self.base == "kept" and self.base_epochs > 0

    @property
    def drawn(self) -> int:
        """Number of negatives, by default that of the loss."""
        return self.negatives or (2048 if self.loss == "sampled_softmax" else 1)
