"""`Task`: the data and settings of a training."""

from __future__ import annotations

from dataclasses import dataclass

from domains.split import Split
from transfer.evaluation.settings import EvaluationSettings
from transfer.runtime import Runtime
from transfer.training.settings import TrainingSettings


@dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """The data and settings of a training.

    Attributes:
        split: interactions, targets, training users.
        max_length: number of most recent items that the encoder sees.
        training: settings of the loop.
        evaluation: settings of validation.
        runtime: device, processes, progress.
    """

    split: Split
    max_length: int
    training: TrainingSettings
    evaluation: EvaluationSettings
    runtime: Runtime
