"""Every constant of the method as a named, typed setting. Defaults are the paper's unless the text says otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domains.errors import InputError


class Settings(BaseModel):
    """Base of all settings: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def repeated(values: Sequence[object]) -> str:
    """The values that stand more than once, as a list to read; empty where none does."""
    return ", ".join(str(value) for value in dict.fromkeys(values) if values.count(value) > 1)


Channel = Literal["id", "anchors", "anchors-semantic", "title-semantic", "categories"]
SEMANTIC_CHANNELS: frozenset[Channel] = frozenset({"anchors-semantic", "title-semantic"})
"""Channels that are made of sentence vectors."""
"""One way to say what an item is; an item's vector is the scaled sum of the channels that a recipe names."""

InterestName = Literal["constant", "raw", "s2idm", "shuffled"]
"""What a prompt is made from: nothing, s'_0, the diffused interests, or another user's diffused interests."""


def refuse_descending(w_min: float, w_max: float) -> None:
    """Weights of the oldest and the newest interaction: the newest counts at least as much."""
    if w_min > w_max:
        raise ValueError(f"w_min ({w_min}) must not exceed w_max ({w_max})")


class InterestSettings(Settings):
    """How a sequence becomes the original interest distribution s'_0 (Section 3.3)."""

    w_min: float = Field(0.1, ge=0, description="Weight of a user's oldest interaction.")
    w_max: float = Field(0.5, gt=0, description="Weight of the newest one, and of all when all times are equal.")
    transform: Literal["none", "idf", "unit"] = Field(
        "none",
        description="What is done to s'_0 before S2IDM: nothing (paper), anchors times IDF, or rows to unit length.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> InterestSettings:
        refuse_descending(self.w_min, self.w_max)
        return self


class S2IDMSettings(Settings):
    """The Sememe-to-Interest Diffusion Model and its training (Section 3.3)."""

    kind: Literal["gaussian", "masked"] = Field(
        "gaussian",
        description="Noise: Gaussian on the weights (the paper's choice), or anchors that vanish step by step "
        "(absorbing-state D3PM, Austin et al., 2021), which ignores the settings of noise.",
    )
    hidden: int = Field(1000, ge=1, description="Width h of the denoiser's one hidden layer.")
    time_embedding: int = Field(10, ge=2, description="Size of the sinusoidal timestep embedding.")
    dropout: float = Field(0.5, ge=0, lt=1, description="Dropout on the noisy interests s_t during training.")
    steps: int = Field(10, ge=1, description="Diffusion steps T.")
    noise_scale: float = Field(0.1, gt=0, description="Scale of the linear variance schedule (0.01 on Home).")
    noise_min: float = Field(0.0005, gt=0, description="First variance 1 - alpha_bar, before the scale.")
    noise_max: float = Field(0.005, gt=0, description="Last variance 1 - alpha_bar, before the scale.")
    step_sampling: Literal["importance", "uniform"] = Field(
        "importance",
        description="How training draws steps: by the root mean square of each one's last losses, or evenly.",
    )
    sampling_history: int = Field(10, ge=1, description="Losses of each step that importance sampling remembers.")
    sampling_uniform: float = Field(0.001, ge=0, le=1, description="Share of uniform sampling mixed in.")
    learning_rate: float = Field(5e-5, gt=0, description="AdamW step size.")
    weight_decay: float = Field(0.1, ge=0, description="AdamW weight decay.")
    batch_size: int = Field(400, ge=1, description="Users a step.")
    precision: Literal["float32", "bf16"] = Field("float32", description="Autocast precision of the training step.")
    epochs: int = Field(200, ge=1, description="Upper bound; training stops early on held-out users.")
    patience: int = Field(10, ge=1, description="Epochs without a better held-out loss before it stops.")
    held_out: float = Field(0.05, gt=0, lt=1, description="Share of source users that select the epoch.")
    source_temperature: float = Field(
        1.0, ge=0, le=1, description="Domains are sampled by size to this power: 1 as they are, 0 all alike."
    )
    objective: Literal["reconstruct", "next"] = Field(
        "reconstruct",
        description="x_0 to predict: the same interactions (paper), or those that follow a cut.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> S2IDMSettings:
        if self.noise_min > self.noise_max:
            raise ValueError(f"noise_min ({self.noise_min}) must not exceed noise_max ({self.noise_max})")
        if self.noise_scale * self.noise_max >= 1:
            raise ValueError("noise_scale * noise_max is a variance and must stay below 1")
        return self


class EncoderSettings(Settings):
    """The sequential encoder (Section 4.1 and the authors' SASRec)."""

    name: str = Field(
        "sasrec",
        description="Encoder that the sources train (`source_encoder`): sasrec, cl4srec, pdrec, gru4rec, or one of an "
        "installed plug-in. A variant's name says which it has itself.",
    )
    dim: int = Field(64, ge=1, description="Width d of items, states and prompts.")
    blocks: int = Field(2, ge=1, description="Layers.")
    heads: int = Field(1, ge=1, description="Attention heads; must divide dim.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Dropout inside the encoder and on its input.")
    max_length: int = Field(200, ge=1, description="Most recent interactions that the encoder sees.")

    @model_validator(mode="after")
    def _divisible(self) -> EncoderSettings:
        if self.dim % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide dim ({self.dim})")
        return self


class ItemSettings(Settings):
    """What an item is made of. The paper: its ID alone."""

    channels: tuple[Channel, ...] = Field(("id",), min_length=1, description="Channels whose scaled sum is the item.")
    semantic_scales: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (1.0,),
        min_length=1,
        description="Lengths of semantic vectors entering their map, against an ID of length about 0.1. Of several, a "
        "base is trained with each and validation picks; with whitened vectors they matter little.",
    )
    id_dropout: float = Field(0.0, ge=0, lt=1, description="Share of items whose ID is hidden in a training step.")

    @model_validator(mode="after")
    def _distinct(self) -> ItemSettings:
        again = repeated(self.channels)
        if again:
            raise ValueError(f"channels repeat: {again}")
        return self


class PromptSettings(Settings):
    """Interest-aware prompts (IPE, Section 3.4)."""

    count: int = Field(3, ge=1, description="Prompts k before the sequence.")
    start: Literal["neutral", "paper"] = Field(
        "neutral",
        description="How a variant begins: exactly as its base, with a gate of zeros on what prompts change, or with "
        "the paper's random prompts in full.",
    )
    reads: Literal["anchors", "vectors"] = Field(
        "anchors",
        description="What generators read: interests in each anchor (paper), or the mean of the anchors' sentence "
        "vectors under them, which does not depend on the vocabulary.",
    )
    sees: Literal["train", "train-minus-last", "prefix"] = Field(
        "train-minus-last",
        description=(
            "What a train-time prompt is made from: the whole train sequence (paper; it has seen what to predict), "
            "all but its last item, or the part before a random cut, with targets only after the cut."
        ),
    )


class ScoreSettings(Settings):
    """How a state and an item become a score."""

    similarity: Literal["cosine", "dot"] = Field("cosine", description="Cosine (the authors) or inner product (Eq. 3).")
    temperature: float = Field(10.0, gt=0, description="Factor on the cosine; ignored by dot.")


class TrainingSettings(Settings):
    """The one training loop that every trained variant gets, with the same budget."""

    loss: Literal["bce", "gbce", "sampled_softmax", "softmax"] = Field(
        "sampled_softmax", description="Training loss; the paper: bce (Eq. 3)."
    )
    negatives: int | None = Field(
        None,
        ge=1,
        description="Negatives a positive (bce, gbce; by default 1, the paper's) or shared by a batch "
        "(sampled_softmax; by default 512).",
    )
    gbce_t: float = Field(0.75, ge=0, le=1, description="Calibration t of gBCE.")
    learning_rate: float = Field(0.001, gt=0, description="Adam step size; the paper: 0.005 on Home.")
    learning_rate_decay: float = Field(0.99, gt=0, le=1, description="Factor on it after every epoch.")
    beta1: float = Field(0.9, ge=0, lt=1, description="Adam's first momentum.")
    beta2: float = Field(0.98, ge=0, lt=1, description="Adam's second momentum.")
    weight_decay: float = Field(0.0, ge=0, description="L2 penalty through Adam.")
    batch_size: int = Field(512, ge=1, description="Sequences a step.")
    steps: int = Field(
        16,
        ge=1,
        description="Fewest optimiser steps an epoch: where users are few, batches are made smaller.",
    )
    base_epochs: int = Field(
        100,
        ge=0,
        description="Upper bound for the base model that every variant starts from; 0 trains each from scratch.",
    )
    epochs: int = Field(60, ge=1, description="Upper bound for a variant after that, the base itself included.")
    patience: int = Field(
        15,
        ge=1,
        description="Epochs without a better validation metric before a phase stops; prompts have been seen to need "
        "thirteen before they got better again.",
    )
    metric: str = Field("full/ndcg@10", description="Validation metric that selects the epoch.")
    validation_users: int = Field(
        20_000, ge=1, description="An epoch is validated on at most so many of the training users, evenly spaced."
    )
    logits_memory_mb: int = Field(256, ge=1, description="Softmax over all items never holds more logits than this.")
    precision: Literal["float32", "bf16"] = Field("float32", description="Autocast precision of the forward pass.")
    compile: bool = Field(False, description="Compile the encoder with torch.compile.")

    @property
    def drawn(self) -> int:
        """Negatives that are drawn: those asked for, or what suits the loss."""
        return self.negatives or (512 if self.loss == "sampled_softmax" else 1)


class ContrastiveSettings(Settings):
    """CL4SRec (Xie et al., 2022): contrast of two augmented views of each sequence, beside the recommendation loss."""

    weight: float = Field(0.1, ge=0, description="Weight lambda of the contrastive loss.")
    temperature: float = Field(1.0, gt=0, description="Inner products of states are divided by it; the paper: by 1.")
    crop: float = Field(0.6, gt=0, le=1, description="Share of a sequence that crop keeps.")
    mask: float = Field(0.3, ge=0, lt=1, description="Share of a sequence that mask hides.")
    reorder: float = Field(0.6, ge=0, le=1, description="Share of a sequence that reorder shuffles.")


class DiffRecSettings(Settings):
    """T-DiffRec (Wang et al., 2023) and TI-DiffRec (Ma et al., 2024): the same diffusion over a target's items."""

    w_min: float = Field(0.5, ge=0, description="Weight of a user's oldest interaction.")
    w_max: float = Field(1.0, gt=0, description="Weight of the newest one, at least w_min.")
    model: S2IDMSettings = Field(
        default_factory=lambda: S2IDMSettings(noise_scale=0.01, weight_decay=0.5),
        description="Schedule, denoiser and training; defaults as the authors set them on Toy.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> DiffRecSettings:
        refuse_descending(self.w_min, self.w_max)
        return self

    @model_validator(mode="after")
    def _reconstructs(self) -> DiffRecSettings:
        if self.model.objective != "reconstruct":
            raise ValueError("model.objective: next is of s2idm; diffusion over items reconstructs")
        return self


class PDRecSettings(Settings):
    """PDRec (Ma et al., AAAI 2024): TI-DiffRec as a plug-in of training. The authors tune these by data set."""

    rank_weight: float = Field(
        0.1, ge=0, le=1, description="Share of a behaviour's rank, against its diffused score, in its weight."
    )
    largest_weight: float = Field(2.0, gt=0, description="No behaviour weighs more; their mean is about 1.")
    candidates: int = Field(10, ge=1, description="Top-ranked items, not trained on, that may count as positives.")
    positives: int = Field(5, ge=1, description="Of these, as many as the model itself ranks highest are used.")
    positive_weight: float = Field(0.1, ge=0, description="Weight of the loss on augmented positives.")
    negative_share: float = Field(
        0.5, gt=0, le=1, description="Noise-free negatives come from this lowest-ranked share of the items."
    )
    pool: int = Field(200, ge=1, description="Noise-free negatives kept for each user, drawn once.")

    @model_validator(mode="after")
    def _fewer(self) -> PDRecSettings:
        if self.positives > self.candidates:
            raise ValueError(f"positives ({self.positives}) must not exceed candidates ({self.candidates})")
        return self


class EvaluationSettings(Settings):
    """Both protocols always run: sampled negatives (Section 4.1) and full ranking."""

    negatives: int = Field(999, ge=1, description="Uniform negatives of the sampled protocol.")
    seed: int = Field(0, ge=0, description="Of the negatives; the same for every variant and seed.")
    cutoffs: tuple[int, ...] = Field((5, 10), min_length=1, description="k of NDCG@k and Hit@k; 10 is among them.")
    memory_mb: int = Field(64, ge=1, description="Score blocks never take more than this.")
    split: Literal["leave-one-out", "temporal"] = Field("leave-one-out", description="How targets are held out.")
    validation_from: int | None = Field(None, description="Unix seconds, for the temporal split.")
    test_from: int | None = Field(None, description="Unix seconds, for the temporal split.")
    short_users: Literal["error", "train"] = Field("error", description="Users too short for leave-one-out.")
    new_items: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of items that nobody trains on, drawn by `seed`; above 0 they alone are test targets, "
        "known by their titles.",
    )

    @model_validator(mode="after")
    def _reports_at_ten(self) -> EvaluationSettings:
        if min(self.cutoffs) < 1 or 10 not in self.cutoffs:
            raise InputError(
                "reports and comparisons are of NDCG@10 and Hit@10",
                location="cutoffs",
                hint="Keep 10 among positive cutoffs, for example [5, 10, 20]",
            )
        return self

    @model_validator(mode="after")
    def _moments(self) -> EvaluationSettings:
        if self.split == "temporal" and (self.validation_from is None or self.test_from is None):
            raise ValueError("a temporal split needs validation_from and test_from")
        if self.split != "temporal" and (self.validation_from is not None or self.test_from is not None):
            raise ValueError("validation_from and test_from are of the temporal split: set split to 'temporal'")
        return self


class SourceEncoderSettings(Settings):
    """An encoder trained on the sources without item IDs, so that a target can start from it or use it as it is."""

    channels: tuple[Channel, ...] = Field(
        (),
        description="What an item is there; empty: none is trained. `id` and `categories` cannot move between domains.",
    )
    epochs: int = Field(100, ge=1, description="Upper bound.")
    prompts: bool = Field(
        False,
        description="Then, with the encoder frozen, learn prompt generators too, for a target to start from; needs "
        "prompts.reads: vectors.",
    )

    @model_validator(mode="after")
    def _transferable(self) -> SourceEncoderSettings:
        bound = {"id", "categories"} & set(self.channels)
        if bound:
            raise ValueError(
                f"{', '.join(sorted(bound))} cannot move between domains; use anchors or semantic channels"
            )
        return self
