"""Export of a product as a graph for other programs, which maps histories to scores of all items."""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn
from torch.nn import functional as F

from domains.disk import cannot_write
from domains.errors import InputError, RunError
from transfer.files import replacing, write_json
from transfer.model.recommender import SequentialRecommender
from transfer.runs.sharing import check_outside
from transfer.runs.target_run import TargetRun
from transfer.sequences import SequenceBatch
from transfer.serving.history import History
from transfer.serving.recommend import Filters, Recommender
from transfer.terms.item_pairs import PARTS, STEPS

Format = Literal["onnx", "torch"]
GRAPH: dict[Format, str] = {"onnx": "model.onnx", "torch": "model.pt2"}
ITEMS, VECTORS, FACTS = "items.parquet", "item_vectors.parquet", "export.json"
MOST_DENSE = 1 << 28
"""Maximum number of entries of a dense item-anchor matrix."""
EXPRESSED = frozenset({"titles", "anchors", "popularity", "recent", "recency", "together", "taste", *PARTS})
"""Weights of late terms that a graph can compute."""
UNROLLED = frozenset({"gru4rec"})
"""Recurrent systems, which cannot be exported."""
LARGEST_GRAPH = 1 << 31
"""Maximum size of an ONNX file in bytes."""
TOGETHER, TASTE = "together", "taste"
WITHOUT_TOGETHER = "Export a variant without the terms together and taste"
WITHOUT_ANCHORS = "Export a variant without the term anchors, whose matrix is the largest"
OPSET = 20
TOP = 20
"""Number of top items that are compared with the product's after an export."""

log = logging.getLogger("transfer.serving")


@dataclass(frozen=True)
class Exported:
    """The result of an export.

    Attributes:
        folder: folder with the graph, the items and their vectors.
        left_out: late terms of the product that the graph lacks.
        agreement: share of histories with the same top items as the product without these terms; None if onnxruntime
            is not installed.
    """

    folder: Path
    left_out: tuple[str, ...]
    agreement: float | None


class Graph(nn.Module):
    """Computes the scores of all items for histories, with tensors only.

    Args:
        recommender: recommender of a target run whose model uses no interests.
    """

    def __init__(self, recommender: Recommender) -> None:
        super().__init__()
        scorer, run = recommender.scorer, recommender.run
        self.model: SequentialRecommender | None = scorer.model
        self.recency, self.repeats = float(scorer.weights.recency), run.domain.repeats
        weights, known = scorer.weights, scorer.known
        tables: list[Tensor] = []
        if scorer.model is not None:
            self.register_buffer("vectors", scorer.item_vectors)
            tables.append(scorer.item_table)
        self.strengths: list[float] = []
        features: list[Tensor] = []
        if weights.titles and known.titles is not None:
            features.append(known.titles.float())
            tables.append(known.titles.float())
            self.strengths.append(float(weights.titles))
        if weights.anchors:
            weighted = known.weighted_anchors
            if weighted.shape[0] * weighted.shape[1] > MOST_DENSE:
                raise RunError(
                    "the items have too many anchors for one graph",
                    location="export",
                    hint=WITHOUT_ANCHORS,
                    code="not-exportable",
                )
            features.append(torch.from_numpy(weighted.toarray().astype(np.float32)))
            tables.append(torch.from_numpy(known.unit_anchors.toarray().astype(np.float32)))
            self.strengths.append(float(weights.anchors))
        self.features = [f"feature_{place}" for place in range(len(features))]
        for name, feature in zip(self.features, features, strict=True):
            self.register_buffer(name, feature)
        count = run.domain.n_items
        level = torch.zeros(count)
        if weights.popularity and known.popularity is not None:
            level = level + float(weights.popularity) * known.popularity
        if weights.recent and known.recent_levels is not None:
            level = level + float(weights.recent) * known.recent_levels[:, -1]
        if scorer.ranker is not None:  # the same for everyone; `export` refuses others
            history = History.of_items(run.domain, np.zeros(1, np.int64))
            level = level + scorer.ranker(history.domain, history.targets)(torch.zeros(1, dtype=torch.int64))[0].float()
        self.register_buffer("level", level)
        self.follows = recommender.reasons.follows is not None
        if recommender.reasons.follows is not None:
            follows = recommender.reasons.follows
            self.most_near = int(max(1, np.diff(follows.indptr).max(initial=0)))
            self.register_buffer("starts", torch.from_numpy(follows.indptr.astype(np.int64)))
            self.register_buffer("near", torch.from_numpy(follows.indices.astype(np.int32)))
            self.register_buffer("nearness", torch.from_numpy(follows.data.astype(np.float32)))
        self.together, self.taste = float(weights.together), float(weights.taste)
        self.pairs: list[str] = []
        for name, used, matrix in ((TOGETHER, self.together, known.companions), (TASTE, self.taste, known.taste)):
            if used and matrix is not None:
                columns, values = padded_rows(matrix)
                self.register_buffer(f"{name}_items", columns)
                self.register_buffer(f"{name}_values", values)
                self.pairs.append(name)
        self.register_buffer("table", torch.cat(tables, dim=1) if tables else torch.zeros(count, 1))

    vectors: Tensor
    starts: Tensor
    near: Tensor
    nearness: Tensor
    level: Tensor
    table: Tensor

    def forward(self, items: Tensor, lengths: Tensor) -> Tensor:
        """Score all items.

        Args:
            items: (B, L) int64, histories, oldest item first, padded on the right with any item.
            lengths: (B,) int64, length of each history, at least 1.

        Returns:
            (B, I) float32.
        """
        places = torch.arange(items.shape[1])
        mask = places < lengths[:, None]
        rows = torch.arange(items.shape[0])
        states: list[Tensor] = []
        if self.model is not None:
            batch = SequenceBatch(rows, items, mask, torch.zeros_like(items))
            encoded = self.model.states(self.vectors[items], batch, None)
            last = encoded.gather(1, (lengths - 1)[:, None, None].expand(-1, 1, encoded.shape[2]))[:, 0]
            states.append(self.model.prepared_states(last))
        ages = (lengths[:, None] - 1 - places).clamp_min(0)
        counted = mask
        if self.repeats:
            later = (items[:, :, None] == items[:, None, :]) & mask[:, None, :] & (places[None, :] > places[:, None])
            counted = mask & ~later.any(2)
        weights = counted * torch.pow(torch.tensor(self.recency), ages.float())
        for name, strength in zip(self.features, self.strengths, strict=True):
            feature: Tensor = getattr(self, name)
            states.append(strength * F.normalize((feature[items] * weights[..., None]).sum(1), dim=-1))
        scores = self.level.expand(items.shape[0], -1)
        if states:
            scores = torch.cat(states, dim=1) @ self.table.t() + scores
        strengths = {TOGETHER: self.together * weights, TASTE: self.taste * counted}
        for name in self.pairs:
            columns, values = getattr(self, f"{name}_items"), getattr(self, f"{name}_values")
            added = values[items] * strengths[name][:, :, None]
            scores = scores.scatter_add(1, columns[items].flatten(1), added.flatten(1))
        return self._with_transitions(scores, items, lengths) if self.follows else scores

    def _with_transitions(self, scores: Tensor, items: Tensor, lengths: Tensor) -> Tensor:
        """Add the transitions from the last three items. A graph knows no times, so it has no ties."""
        ages = torch.arange(len(STEPS))
        recent = items.gather(1, (lengths[:, None] - 1 - ages).clamp_min(0))
        weights = torch.tensor(STEPS) * (lengths[:, None] > ages)
        place = self.starts[recent][:, :, None] + torch.arange(self.most_near)
        there = place < self.starts[recent + 1][:, :, None]
        place = place.clamp_max(len(self.near) - 1)
        added = self.nearness[place] * there * weights[:, :, None]
        return scores.scatter_add(1, self.near[place].long().flatten(1), added.flatten(1))


def padded_rows(matrix: csr_matrix) -> tuple[Tensor, Tensor]:
    """Return columns (I, w) int64 and values (I, w) float32 of the rows of a matrix, padded with zeros.

    Raises:
        InputError: they are too large for a graph.
    """
    lengths = np.diff(matrix.indptr)
    width = int(max(1, lengths.max(initial=0)))
    if width * matrix.shape[0] > MOST_DENSE:
        raise RunError(
            "too many items go together for one graph", location="export", hint=WITHOUT_TOGETHER, code="not-exportable"
        )
    row = np.repeat(np.arange(matrix.shape[0]), lengths)
    place = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], lengths)
    columns, values = np.zeros((matrix.shape[0], width), np.int64), np.zeros((matrix.shape[0], width), np.float32)
    columns[row, place], values[row, place] = matrix.indices, matrix.data
    return torch.from_numpy(columns), torch.from_numpy(values)


def export(run: TargetRun, folder: Path, to: Format = "onnx", histories: int = 1000) -> Exported:
    """Write a product as a graph, with its items and their vectors.

    Args:
        run: the target run.
        folder: folder to write to.
        to: ``onnx`` or ``torch`` (a program of torch.export).
        histories: number of the run's users with whose histories the graph is checked.

    Raises:
        InputError: the product uses interests, is recurrent or is a baseline that reads the history, a package is
            missing, or the folder is inside the run or cannot be written.
    """
    if run.variant.interests is not None:
        raise InputError(
            f"{run.variant.label} uses interests, which a graph cannot compute",
            location="export",
            hint="Give --variant with a variant without them, such as sasrec+matching",
            code="not-exportable",
        )
    if run.variant.architecture in UNROLLED:
        raise InputError(
            f"{run.variant.label} is recurrent, and a graph would have a fixed length",
            location="export",
            hint="Give --variant with a variant of sasrec",
            code="not-exportable",
        )
    check_outside(run, folder)
    recommender = Recommender(run)
    if recommender.scorer.ranker is not None and recommender.scorer.personal:
        raise InputError(
            f"{run.variant.label} has the baseline {run.variant.architecture}, which a graph cannot compute",
            location="export",
            hint="Give --variant with late terms alone, such as terms, or with sasrec",
            code="not-exportable",
        )
    length = run.recipe.encoder.max_length
    graph = Graph(recommender).eval()
    weights = recommender.scorer.weights
    left_out = tuple(name for name, value in vars(weights).items() if value and name not in EXPRESSED)
    excludes_seen = not run.domain.repeats or recommender.leaves_out
    if left_out:
        log.warning("The graph cannot hold these late terms, so its order differs: %s", ", ".join(left_out))
    size = sum(buffer.numel() * buffer.element_size() for buffer in graph.buffers())
    if to == "onnx" and size > LARGEST_GRAPH:
        raise RunError(
            f"the graph would have {size / 1e9:.1f} GB, and ONNX allows 2",
            location="export",
            hint=WITHOUT_ANCHORS,
            code="not-exportable",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(error, folder) from error
    _write_graph(graph, folder / GRAPH[to], to, length)
    domain = run.domain
    with replacing(folder / ITEMS) as unfinished:
        pq.write_table(pa.table({"item_id": domain.item_ids, "title": domain.titles}), unfinished)
    with replacing(folder / VECTORS) as unfinished:
        table = graph.table
        flat = pa.array(table.numpy().ravel(), pa.float32())
        vectors = pa.FixedSizeListArray.from_arrays(flat, table.shape[1])
        pq.write_table(pa.table({"item_id": domain.item_ids, "vector": vectors}), unfinished)
    recommender.scorer = replace(recommender.scorer, weights=weights.only(set(vars(weights)) - set(left_out)))
    agreement = _agreement(recommender, folder / GRAPH[to], length, histories) if to == "onnx" else None
    facts = {"max_length": length, "excludes_seen": excludes_seen, "variant": run.variant.label}
    write_json(folder / FACTS, facts | {"left_out": list(left_out), "agreement": agreement})
    return Exported(folder, left_out, agreement)


def _write_graph(graph: Graph, file: Path, to: Format, length: int) -> None:
    items, lengths = torch.zeros(3, min(4, length), dtype=torch.int64), torch.tensor([2, 1, 2])
    shapes = {
        "items": {0: torch.export.Dim("batch", min=1, max=1 << 16), 1: torch.export.Dim("length", min=2, max=length)},
        "lengths": {0: torch.export.Dim("batch", min=1, max=1 << 16)},
    }
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns about packages that this graph does not need
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            program = torch.export.export(graph, (items, lengths), dynamic_shapes=shapes, strict=False)
            content = _pt2(program) if to == "torch" else _onnx(program)
    except ImportError as missing:
        raise InputError(
            f"{missing.name} is not installed",
            location="export",
            hint='Install the extra: pip install "sememe-transfer[export]"',
            code="no-extra",
        ) from None
    with replacing(file) as unfinished:
        unfinished.write_bytes(content)


def _pt2(program: torch.export.ExportedProgram) -> bytes:
    # In memory: torch's own writer ends the process if the disk is full.
    content = io.BytesIO()
    torch.export.save(program, content)
    return content.getvalue()


def _onnx(program: torch.export.ExportedProgram) -> bytes:
    made = torch.onnx.export(
        program,
        dynamo=True,
        opset_version=OPSET,
        input_names=["items", "lengths"],
        output_names=["scores"],
        external_data=False,
        verbose=False,
    )
    if made is None:
        raise RunError("torch made no ONNX program", location="export", code="not-exportable")
    content: bytes = made.model_proto.SerializeToString()
    return content


def padded(history: History, length: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the last items of each user, (n, L) padded on the right with 0, and their number, (n,)."""
    domain = history.domain
    lengths = np.minimum(domain.lengths, length)
    width = max(2, int(lengths.max(initial=1)))
    places = np.arange(width)
    position = domain.offsets[1:, None] - lengths[:, None] + places
    there = places < lengths[:, None]
    return np.where(there, domain.items[np.where(there, position, 0)], 0).astype(np.int64), lengths


def _agreement(recommender: Recommender, file: Path, length: int, histories: int) -> float | None:
    """Return the share of histories, cut to the graph's length, with the same top items in onnxruntime."""
    try:
        import onnxruntime
    except ImportError:
        log.warning("Without onnxruntime the graph is not checked")
        return None
    domain = recommender.run.domain
    users = np.flatnonzero(domain.lengths > 0)[:histories]
    users = users[domain.lengths[users] <= length]
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    same = total = 0
    for part in np.array_split(users, max(1, len(users) // 256)):
        history = History.of_many(domain, [domain.items[domain.offsets[u] : domain.offsets[u + 1]] for u in part])
        items, lengths = padded(history, length)
        [scores] = session.run(None, {"items": items, "lengths": lengths})
        top = recommender.top(history, TOP, Filters(allow_seen=True))
        for ours, row in zip(top.items, scores, strict=True):
            wanted = row[ours]
            # Equal except for rounding: no other item scores higher than the last one, and the order is the same.
            slack = 1e-4 * max(1.0, float(np.abs(wanted).max()))
            others = np.delete(row, ours)
            fits = (np.diff(wanted) <= slack).all() and others.max(initial=-np.inf) <= wanted[-1] + slack
            same, total = same + int(fits), total + 1
    return same / total if total else None
