"""New items: extend a target run by items that are known by their text. Nothing is trained.

The score of a new item lacks ID and popularity, so it is not comparable with the scores of known items. `recommend`
scores the known items again as if they were new, and a new item gets its rank among those. The similarity of titles
always counts here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from scipy.sparse import csr_matrix, vstack

from domains.data_frames import NewItems
from domains.domain import TEXT_TYPE, Domain
from domains.errors import DataError, SettingsError
from transfer.items.features import ItemFeatures, category_matrix, category_names, in_use
from transfer.items.sentence_vectors import Semantics, anchor_means, same_encoder
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime
from transfer.terms.weights import TermWeights
from vocab.item_texts import item_texts
from vocab.unseen.unseen_map import UnseenMap

ID_TABLE = "items.channels.id.table.weight"


def run_with(run: TargetRun, items: NewItems) -> TargetRun:
    """Call `with_new_items` with the run's map of unseen words and the installed sentence encoder.

    Raises:
        InputError: see `with_new_items`.
    """
    return with_new_items(run, items, run.unseen(), Semantics.find(run.recipe.semantic, Runtime()))


def with_new_items(
    run: TargetRun,
    items: NewItems,
    unseen: UnseenMap | None = None,
    semantics: Semantics | None = None,
) -> TargetRun:
    """Return a run whose catalogue has more items.

    Their anchors, categories and sentence vectors come from the same fields as those of known items; they have no ID
    vectors. Fields that the run's domain lacks are ignored.

    Args:
        run: the run.
        items: the new items.
        unseen: the run's map of unseen words.
        semantics: the sentence encoder; required if the run's items have sentence vectors.

    Raises:
        InputError: an id is not new or occurs twice, the items have no field that the run uses, or a sentence encoder
            is needed.
    """
    read = run.recipe.vocabulary.fields
    if not {"title", *items.fields} & set(read) and run.features.title_vectors is None:
        raise DataError(
            f"the new items have no {' and no '.join(read)}, but this run uses nothing else",
            location="new items",
            hint="Put these columns into the table of new items",
            code="new-items",
        )
    known = set(run.domain.item_ids.to_pylist())
    met: set[str] = set()
    for name in items.ids:
        if name in known:
            raise DataError(
                f"{name!r} is no new item", location="new items", hint="Leave out what the domain has", code="new-items"
            )
        if name in met:
            raise DataError(
                f"the id {name!r} occurs twice", location="new items", hint="Give each item once", code="new-items"
            )
        met.add(name)
    more = _items_alone(run.domain, items)
    texts = item_texts(more.fields, run.recipe.vocabulary.fields)
    anchors = run.vocabulary.encode(texts).matrix if unseen is None else unseen.apply(texts)
    features = _all_features(run, more, anchors, semantics)
    old = run.domain.categories
    domain = replace(
        run.domain,
        item_ids=pa.concat_arrays([run.domain.item_ids, more.item_ids]),
        titles=pa.concat_arrays([run.domain.titles, more.titles]),
        categories=None if old is None else pa.concat_arrays([old, more.categories]),
        texts={name: pa.concat_arrays([values, more.texts[name]]) for name, values in run.domain.texts.items()},
    )
    unmet = np.full(more.n_items, np.nan, np.float32)
    weights = dict(run.weights)
    if ID_TABLE in weights:
        table = weights[ID_TABLE]
        weights[ID_TABLE] = torch.cat([table, table.new_zeros(more.n_items, table.shape[1])])
    return replace(
        run,
        domain=domain,
        item_anchors=vstack([run.item_anchors, anchors], format="csr"),
        features=features,
        weights=weights,
        counts=np.concatenate([run.counts, unmet]),
        follows=_enlarged(run.follows, domain.n_items),
        companions=_enlarged(run.companions, domain.n_items),
        taste=_enlarged(run.taste, domain.n_items),
        recent=None if run.recent is None else np.concatenate([run.recent, unmet]),
    )


def _enlarged(matrix: csr_matrix, items: int) -> csr_matrix:
    """Return a matrix of items by items, extended with zeros to more items."""
    larger = matrix.copy()
    larger.resize(items, items)
    return larger


def _items_alone(domain: Domain, items: NewItems) -> Domain:
    """Return the new items as a domain without users, with the fields of the given domain."""
    none = pa.array([[]] * len(items.ids), TEXT_TYPE)
    categories = domain.categories
    return replace(
        domain,
        item_ids=pa.array(items.ids, domain.item_ids.type),
        titles=pa.array(items.titles, domain.titles.type),
        categories=None if categories is None else items.fields.get("categories", none).cast(categories.type),
        texts={name: items.fields.get(name, none).cast(values.type) for name, values in domain.texts.items()},
        user_ids=domain.user_ids[:0],
        offsets=domain.offsets[:1],
        items=domain.items[:0],
        times=domain.times[:0],
    )


def _all_features(run: TargetRun, more: Domain, anchors: csr_matrix, semantics: Semantics | None) -> ItemFeatures:
    """Return the features of all items, the new ones last."""
    old, count = run.features, more.n_items
    if semantics is not None:
        same_encoder(run.sentence_encoder, semantics, "this run's items")
    if semantics is None and not (old.title_vectors is None and old.anchor_vectors is None):
        raise SettingsError(
            "this run's items have sentence vectors, but no sentence encoder is installed",
            location="new items",
            hint='Install the extra "sememe-transfer[semantic]"',
            code="encoder-missing",
        )
    grown = replace(old, count=old.count + count)
    trained = torch.ones(old.count, dtype=torch.bool) if old.known is None else old.known
    grown = replace(grown, known=torch.cat([trained, torch.zeros(count, dtype=torch.bool)]))
    if old.anchors is not None:
        grown = replace(grown, anchors=vstack([old.anchors, anchors], format="csr"))
    if old.categories is not None:
        categories = category_matrix(more, category_names(run.domain))
        grown = replace(grown, categories=vstack([old.categories, categories], format="csr"))
    if semantics is not None and old.title_vectors is not None:
        vectors = in_use(semantics.titles(more), old.whitening)
        grown = replace(grown, title_vectors=torch.cat([old.title_vectors, vectors]))
    if semantics is not None and old.anchor_vectors is not None:
        words = semantics.words(run.vocabulary.words)
        vectors = in_use(anchor_means(anchors, run.vocabulary.idf, words), old.whitening)
        grown = replace(grown, anchor_vectors=torch.cat([old.anchor_vectors, vectors]))
    return grown


SAID_OF_NEW = ("titles", "anchors", "popularity", "repeats")
"""Weights of the terms that apply to new items. All other terms need interactions with an item."""


def as_unknown(run: TargetRun) -> TargetRun:
    """Return the run with all items as if they were new: without IDs, with equal popularity."""
    known = torch.zeros(run.domain.n_items, dtype=torch.bool)
    return replace(run, features=replace(run.features, known=known), counts=np.ones_like(run.counts))


def weights_of_unknown(weights: TermWeights) -> TermWeights:
    """Return the weights of late terms for new items: those of `SAID_OF_NEW` only.

    Titles count at least as much as anchors.
    """
    return replace(weights.only(SAID_OF_NEW), titles=max(weights.titles, weights.anchors, 1.0))


def places_among(new: npt.NDArray[np.float32], known: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return the rank, from 1, of each new score (n,) among the known scores (m,). Ties get the middle rank."""
    ordered = np.sort(known)
    above = len(known) - np.searchsorted(ordered, new, side="right")
    ties = np.searchsorted(ordered, new, side="right") - np.searchsorted(ordered, new, side="left")
    places: npt.NDArray[np.int64] = 1 + above + ties // 2
    return places
