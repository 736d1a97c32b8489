"""Warnings about trainings that finished but learned nothing, with the cause and a setting to try."""

from __future__ import annotations

import math

import numpy as np
import torch

from transfer.evaluation.protocol import targets_of
from transfer.interests.forms import NoInterests
from transfer.interests.views import Views
from transfer.model.conditioner import PromptGenerators
from transfer.model.recommender import SequentialRecommender
from transfer.model.scorer import final_states
from transfer.training.epochs import Fitted, logger
from transfer.training.task import Task

LOOKED_AT = 256
"""Number of users whose states and prompts are compared."""
SAME = 1e-3
"""Vectors count as equal if their spread is below this share of their length."""


def warn_of_failures(model: SequentialRecommender, task: Task, views: Views, fitted: Fitted, title: str) -> None:
    """Warn if a model learned nothing in its training. Draws no random numbers and changes nothing.

    Args:
        model: after training, at its best epoch.
        task: data and settings.
        views: interests that the model sees at each stage.
        fitted: result of the training.
        title: name of the training.
    """
    if not fitted.epochs:
        return
    metric, users = task.training.metric, task.split.training_users
    validated = min(len(users), task.training.validation_users)
    if fitted.best <= chance(metric, candidates(task), validated):
        logger.warning(
            "%s: %s is %.4f on validation, no better than chance; try a higher training.learning_rate, more "
            "training.epochs, or more users",
            title,
            metric,
            fitted.best,
        )
    some = targets_of(task.split, "validation", users[:LOOKED_AT])
    if len(some) < 2:
        return
    interests, device = views.for_stage("validation"), task.runtime.device
    if _all_the_same(final_states(model, task.split.domain, some, interests, task.max_length, device)):
        logger.warning(
            "%s: the encoder has collapsed: its states are the same for every user; try a lower "
            "training.learning_rate or encoder.dropout",
            title,
        )
    if interests is None or isinstance(interests, NoInterests) or not isinstance(model.conditioner, PromptGenerators):
        return
    with torch.no_grad():
        prompts = model.conditioner.prompts(torch.as_tensor(some.users, device=device), interests)
    if _all_the_same(prompts.flatten(1)):
        logger.warning(
            "%s: the prompts are dead: they are the same for every user; try another interests.transform or a lower "
            "training.learning_rate",
            title,
        )


def warn_if_base_is_best(fitted: Fitted, title: str) -> None:
    """Warn if no epoch of a variant was better than the base model that it started from."""
    if fitted.epochs and fitted.best_epoch == 0:
        logger.warning(
            "%s: no epoch was better than the base, so the variant is its base plus untrained parts; try a lower "
            "training.learning_rate or more training.patience",
            title,
        )


def candidates(task: Task) -> int:
    """Return the average number of candidates of a validation target; items of the history do not count."""
    split, domain = task.split, task.split.domain
    users = split.training_users
    met = 0.0 if domain.repeats or not len(users) else float((split.train_stop - split.starts)[users].mean())
    unmet = max(1, round(domain.n_items - met))
    return min(unmet, task.evaluation.negatives + 1) if task.training.metric.startswith("sampled/") else unmet


def chance(metric: str, items: int, users: int) -> float:
    """Return the value that random scores exceed in one case of forty: their mean plus two standard errors.

    Args:
        metric: protocol and name, such as ``full/ndcg@10``.
        items: number of candidates of each user.
        users: number of users.
    """
    name, _, cutoff = metric.split("/", 1)[1].partition("@")
    if name == "auc":
        return 0.5 + 2 * math.sqrt(1 / 12 / max(1, users))
    ranks = np.arange(1, min(int(cutoff) if cutoff else items, items) + 1, dtype=np.float64)
    gains = {"ndcg": 1 / np.log2(ranks + 1), "hit": np.ones_like(ranks), "mrr": 1 / ranks}[name]
    mean = float(gains.sum()) / items
    variance = float(np.square(gains).sum()) / items - mean**2
    return mean + 2 * math.sqrt(max(0.0, variance) / max(1, users))


def _all_the_same(rows: torch.Tensor) -> bool:
    """Return whether (n, d) vectors hardly differ."""
    return bool((rows - rows.mean(0)).norm(dim=1).mean() <= SAME * rows.norm(dim=1).mean())
