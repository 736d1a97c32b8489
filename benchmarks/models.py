"""Our SASRec as a recipe's defaults make it, with what the benchmarks vary, and what late terms need beside it."""

from __future__ import annotations

import torch
from torch import Tensor

from domains.domain import Domain
from domains.split import leave_one_out
from transfer.encoders.settings import EncoderSettings
from transfer.evaluation.settings import EvaluationSettings
from transfer.items.features import ItemFeatures
from transfer.items.settings import ItemSettings
from transfer.items.tower import ItemTower
from transfer.model.conditioner import Unconditioned
from transfer.model.recommender import SequentialRecommender
from transfer.model.settings import ScoreSettings
from transfer.runtime import Runtime
from transfer.systems.sasrec import SASRec
from transfer.terms.weights import LEAVE_OUT, TermWeights
from transfer.training.settings import TrainingSettings
from transfer.training.task import Task

CPU = torch.device("cpu")
WIDTH = 384
"""Directions of the made-up sentence vectors."""
EVERY_TERM = TermWeights(
    titles=0.5,
    anchors=0.5,
    recency=0.5,
    popularity=0.1,
    recent=0.3,
    transitions=1.0,
    backward=0.2,
    onward=0.3,
    together=1.0,
    taste=0.5,
    repeats=LEAVE_OUT,
)
"""Weights with which every late term is computed."""


def sasrec(domain: Domain, length: int, dim: int = 64) -> SequentialRecommender:
    """A fresh model over item IDs: 2 blocks, 1 head."""
    torch.manual_seed(0)
    items = ItemTower(ItemFeatures(count=domain.n_items), ItemSettings(), dim)
    return SequentialRecommender(
        items, SASRec(EncoderSettings(max_length=length, dim=dim)), Unconditioned(), ScoreSettings(), dim
    )


def task(domain: Domain, length: int, training: TrainingSettings | None = None) -> Task:
    """Leave-one-out with the default protocols."""
    return Task(
        split=leave_one_out(domain),
        max_length=length,
        training=training or TrainingSettings(),
        evaluation=EvaluationSettings(),
        runtime=Runtime(),
    )


def made_up_titles(items: int) -> Tensor:
    """(I, s) random sentence vectors of length 1."""
    return torch.nn.functional.normalize(torch.randn(items, WIDTH), dim=-1)
