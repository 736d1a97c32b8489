"""Training of a source encoder: an encoder without item IDs that a target can start from or use untrained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack
from torch import Tensor

from domains.derived import side_by_side
from domains.domain import Domain
from domains.errors import SettingsError
from domains.split import leave_one_out
from recipes.schema import Recipe
from transfer.assembly import assemble
from transfer.diffusion.extend import extended_weights
from transfer.evaluation.protocol import targets_of
from transfer.interests.views import NoViews
from transfer.items.features import available, item_features
from transfer.items.sentence_vectors import Semantics
from transfer.model.recommender import SequentialRecommender
from transfer.model.scorer import model_scores
from transfer.registry import system_settings, trained_system
from transfer.runs.settings import SourceEncoderSettings
from transfer.runs.source_artifact import Transferable
from transfer.runtime import Runtime
from transfer.terms.known import KnownItems
from transfer.terms.search import search_weights
from transfer.training.epochs import Checkpoint, Log
from transfer.training.loop import fit
from transfer.training.task import Task
from transfer.variants import Variant

OF_TEXT = ("titles", "anchors")
"""Late terms whose weights can be tuned on the sources, because they do not depend on interactions."""


def train_source_encoder(
    *,
    recipe: Recipe,
    sources: Sequence[Domain],
    item_anchors: Sequence[csr_matrix],
    idf: npt.NDArray[np.float32],
    anchor_vectors: Tensor | None,
    semantics: Semantics | None,
    runtime: Runtime,
    log: Log,
    start: Mapping[str, Tensor] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Transferable:
    """Train the encoder and item maps on all sources together; their validation items select the epoch.

    Args:
        recipe: `source_encoder` names the channels; encoder, score and training are the same as for the target.
        sources: at least one domain.
        item_anchors: (I, q) of each source.
        idf: (q,).
        anchor_vectors: (q, s) or None.
        semantics: the sentence encoder, or None.
        runtime: device, processes, progress.
        log: called after each epoch.
        start: weights to continue from; anchors may have been added.
        checkpoint: stores the state after each epoch.

    Returns:
        No weights if the recipe has no source encoder, or if a channel needs a missing sentence encoder.
    """
    channels = recipe.source_encoder.channels
    if not sources or not channels or not available(channels, semantics is not None, anchor_vectors is not None):
        return Transferable({})
    union = side_by_side(sources)
    anchors = vstack(list(item_anchors), format="csr")
    features = item_features(
        domain=union,
        anchors=anchors,
        idf=idf,
        channels=channels,
        anchor_vectors=anchor_vectors,
        semantics=semantics,
        whitening=recipe.semantic.whitening,
    )
    known = KnownItems(item_anchors=anchors, idf=idf, title_vectors=features.title_vectors, device=runtime.device)
    system = trained_system(recipe.source_encoder.system)
    variant = Variant(architecture=system.name, channels=channels)
    seed = recipe.seeds[0]
    model = assemble(variant, recipe, features, len(idf), seed).to(runtime.device)
    if start:
        model.load_state_dict(extended_weights(start, model.state_dict()))
    split = leave_one_out(union, short_users="train")
    task = Task(
        split=split,
        max_length=recipe.encoder.max_length,
        training=recipe.training,
        evaluation=recipe.evaluation,
        runtime=runtime,
    )
    settings = system_settings(system, recipe.systems)
    auxiliary = system.objective(task, settings) if system.objective else None
    epochs = recipe.source_encoder.epochs
    fit(
        model,
        task,
        NoViews(),
        title="source encoder",
        epochs=epochs,
        seed=seed,
        log=log,
        auxiliary=auxiliary,
        checkpoint=checkpoint,
    )
    targets = targets_of(split, "validation")
    own = model_scores(model, union, targets, None, task.max_length, runtime.device)
    model.terms.set(search_weights(own, known, union, targets, OF_TEXT))
    weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    return Transferable(weights, search_weights(None, known, union, targets, OF_TEXT))


def start_from_source(
    model: SequentialRecommender, weights: Mapping[str, Tensor], settings: SourceEncoderSettings
) -> None:
    """Copy the source's weights into a target's model: encoder, shared channels, their scales.

    Args:
        model: model of the target, without late terms; channels that the source lacks (IDs) keep their initial weights.
        weights: weights of the source encoder.
        settings: settings of the source encoder, for the order of its channels.
    """
    own = model.state_dict()
    _check_fits(own, weights)
    shared = [name for name in model.items.channels if name in settings.channels]
    moved = {
        name: tensor
        for name, tensor in weights.items()
        if name.startswith("encoder.") or any(name.startswith(f"items.channels.{channel}.") for channel in shared)
    }
    if model.items.log_scales is not None and "items.log_scales" in weights:
        scales = own["items.log_scales"].clone()
        for channel in shared:
            scales[list(model.items.channels).index(channel)] = weights["items.log_scales"][
                settings.channels.index(channel)
            ]
        moved["items.log_scales"] = scales
    model.load_state_dict({**own, **{name: tensor for name, tensor in moved.items() if name in own}})


def _check_fits(own: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    for name, tensor in weights.items():
        if name.startswith("encoder.") and (name not in own or own[name].shape != tensor.shape):
            here = "nothing" if name not in own else str(tuple(own[name].shape))
            raise SettingsError(
                f"the source encoder does not fit: its {name} is {tuple(tensor.shape)}, the target's is {here}",
                location="encoder",
                hint="Use the source's 'encoder' settings and 'prompts.count' for the target",
                code="encoder-differs",
            )
