"""Anchors of the sources and the target: how many they share, and a map of what S2IDM links."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx
import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_matrix, vstack

from domains.domain import Ints
from domains.errors import DataError
from transfer.diffusion.s2idm import S2IDM
from transfer.report.experiment_record import AnchorPoint, OverlapRecord
from transfer.runs.plan import Plan
from vocab.coverage import overlap
from vocab.vocabulary import SememeVocabulary

Floats = npt.NDArray[np.floating]

MOST = 120
"""Number of anchors on a map; more would hide each other."""
LINKS = 4
"""Number of links of each anchor that the map considers."""


def source_anchors(plan: Plan, vocabulary: SememeVocabulary) -> dict[str, csr_matrix]:
    """Return the item-anchor matrix (I, q) of each source by its name."""
    return {domain.name: vocabulary.encode(plan.texts[domain.name]).matrix for domain in plan.source_domains}


def overlaps(target: str, anchors: csr_matrix, sources: Mapping[str, csr_matrix]) -> tuple[OverlapRecord, ...]:
    """Compare the anchors of each source with those of the target; a domain without anchors is left out.

    Args:
        target: name of the target.
        anchors: (I, q) item-anchor matrix of the target.
        sources: result of `source_anchors`.
    """
    found = []
    for source, theirs in sources.items():
        try:
            shared = overlap(theirs, anchors)
        except DataError:
            continue
        found.append(OverlapRecord(source=source, target=target, **shared.as_dict()))
    return tuple(found)


def anchor_map(
    vocabulary: SememeVocabulary, anchors: csr_matrix, sources: Mapping[str, csr_matrix], s2idm: S2IDM | None
) -> tuple[AnchorPoint, ...]:
    """Place the most used anchors so that those are close which S2IDM links; empty without S2IDM or sources.

    Args:
        vocabulary: the anchors.
        anchors: (I, q) item-anchor matrix of the target.
        sources: result of `source_anchors`; each domain counts alike.
        s2idm: the diffusion model.
    """
    if s2idm is None or not sources:
        return ()
    shares = [_shares(theirs) for theirs in sources.values()]
    source, target = np.mean(shares, axis=0), _shares(anchors)
    chosen = np.argsort(-(source + target), kind="stable")[:MOST]
    chosen = chosen[(source + target)[chosen] > 0]
    if len(chosen) < 3:
        return ()
    places = placed(linked(s2idm, chosen, len(vocabulary)))
    return tuple(
        AnchorPoint(
            word=vocabulary.words[anchor],
            x=float(x),
            y=float(y),
            source=float(source[anchor]),
            target=float(target[anchor]),
        )
        for anchor, (x, y) in zip(chosen.tolist(), places, strict=True)
    )


def _shares(anchors: csr_matrix) -> Floats:
    """Return (q,) each anchor's share of all anchors of a domain's items."""
    uses = np.asarray(anchors.sum(axis=0), dtype=np.float64).ravel()
    shares: Floats = uses / max(uses.sum(), 1.0)
    return shares


def linked(s2idm: S2IDM, anchors: Ints, width: int) -> Floats:
    """Return (n, n) how much an interest in one anchor raises the others, as a share of the most that it raises any.

    Args:
        s2idm: the diffusion model.
        anchors: (n,) indices of anchors.
        width: number q of all anchors.
    """
    some = csr_matrix((np.ones(len(anchors), np.float32), (np.arange(len(anchors)), anchors)), (len(anchors), width))
    rows = vstack([some, csr_matrix((1, width), dtype=np.float32)], format="csr")
    after = s2idm.diffuse(rows).rows(torch.arange(len(anchors) + 1)).float().cpu().numpy()[:, anchors]
    gains = np.clip(after[:-1] - after[-1], 0, None)
    np.fill_diagonal(gains, 0)
    shares: Floats = gains / np.maximum(gains.max(axis=1, keepdims=True), 1e-12)
    return shares


def placed(links: Floats) -> Floats:
    """Return (n, 2) places in [-1, 1], by the strongest links of each anchor as springs."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(links)))
    for row, strengths in enumerate(links):
        for column in np.argsort(-strengths, kind="stable")[:LINKS]:
            if strengths[column] > 0:
                graph.add_edge(row, int(column), weight=float(strengths[column]))
    found = nx.spring_layout(graph, seed=0, iterations=100)
    return np.array([found[node] for node in range(len(links))])
