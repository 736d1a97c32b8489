"""Sentence vectors of titles on a CPU: how fast each arithmetic is, and whether neighbours stay the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from benchmarks.data import benchmark_domain
from benchmarks.options import Options
from benchmarks.tables import Cell, Section
from benchmarks.timing import side_by_side
from vocab.encoder.locate import locate
from vocab.encoder.network import SentenceModel, TokenisedTexts, has_bfloat16
from vocab.encoder.settings import SemanticSettings

Floats = npt.NDArray[np.float32]
TITLES, FEW = 3_000, 200
NEIGHBOURS = 10
BUDGET, LENGTH = 1024, 64


def run(options: Options) -> list[Section]:
    """One row a way to compute the vectors; the padded ways are those of version 0.1.0."""
    texts = _titles(options)
    folder = locate(SemanticSettings())
    models = {"float32": SentenceModel(folder, "cpu", "float32", LENGTH)}
    if has_bfloat16("cpu"):
        models["bfloat16"] = SentenceModel(folder, "cpu", "bfloat16", LENGTH)
    tokens = models["float32"].tokenise(texts)
    ways: dict[str, Callable[[], Floats]] = {}
    for name, model in models.items():
        ways[f"{name}, padded batches"] = lambda model=model: _padded(model, tokens)
        ways[f"{name}, equal lengths, a batch a core"] = lambda model=model: _equal(model, tokens)
    ways["dynamic int8, equal lengths"] = _int8(folder, tokens)
    vectors = {name: way() for name, way in ways.items()}
    times = side_by_side(ways, 1 if options.quick else options.repeats)
    exact, today = "float32, padded batches", f"{list(models)[-1]}, padded batches"
    rows: list[list[Cell]] = [
        [
            name,
            times[name],
            times[exact] / times[name],
            times[today] / times[name],
            *_agreement(vectors[exact], vectors[name]),
        ]
        for name in ways
    ]
    columns = [
        f"{len(texts):,} titles, {torch.get_num_threads()} threads",
        "seconds",
        "times float32, padded",
        f"times {today}",
        f"titles with the same {NEIGHBOURS} neighbours, %",
        "neighbours that are the same, %",
    ]
    notes = [
        f"Encoder: {SemanticSettings().encoder} of the extra 'semantic'; {int(tokens.lengths.sum()):,} tokens. "
        "Neighbours are by cosine among these titles; those of float32 with padding are the right ones.",
        "Int8 is torch's dynamic quantisation of all linear layers. It is measured only: its neighbours are others.",
    ]
    return [Section("Sentence vectors", columns, rows, notes)]


def _titles(options: Options) -> list[str]:
    titles = sorted({title for title in benchmark_domain(options.data, False).titles.to_pylist() if title.strip()})
    count = min(FEW if options.quick else TITLES, len(titles))
    return [titles[index] for index in np.random.default_rng(0).permutation(len(titles))[:count]]


def _equal(model: SentenceModel, tokens: TokenisedTexts) -> Floats:
    rows: Floats | None = None
    for places, vectors in model.embed_all(tokens, BUDGET):
        rows = np.empty((len(tokens.lengths), vectors.shape[1]), np.float32) if rows is None else rows
        rows[places] = vectors
    assert rows is not None
    return rows


def _padded(model: SentenceModel, tokens: TokenisedTexts) -> Floats:
    """Batches of nearly equal length with padding and a mask, one after the other on all cores."""
    ends = np.concatenate(([0], np.cumsum(tokens.lengths)))
    found = []
    start = 0
    while start < len(tokens.lengths):
        padded = tokens.lengths[start:] * np.arange(1, len(tokens.lengths) - start + 1)
        stop = start + max(int(np.searchsorted(padded, BUDGET, side="right")), 1)
        lengths = tokens.lengths[start:stop]
        inside = np.arange(lengths.max())[None, :] < lengths[:, None]
        ids = np.zeros(inside.shape, np.int64)
        ids[inside] = tokens.values[ends[start] : ends[stop]]
        found.append(_masked(model.network, torch.from_numpy(ids), torch.from_numpy(inside.astype(np.int64))))
        start = stop
    rows = np.empty((len(tokens.lengths), found[0].shape[1]), np.float32)
    rows[tokens.order] = torch.cat(found).numpy()
    return rows


def _masked(network: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    with torch.inference_mode():
        states = network(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        weights = mask.unsqueeze(-1).float()
        return torch.nn.functional.normalize((states * weights).sum(dim=1) / weights.sum(dim=1), dim=1)


def _int8(folder: Path, tokens: TokenisedTexts) -> Callable[[], Floats]:
    model = SentenceModel(folder, "cpu", "float32", LENGTH)
    model.network = torch.ao.quantization.quantize_dynamic(model.network, {nn.Linear}, dtype=torch.qint8)
    return lambda: _equal(model, tokens)


def _agreement(exact: Floats, other: Floats) -> tuple[float, float]:
    """Percent of titles whose neighbours are the same as a set, and of neighbours that are the same."""
    pairs = zip(_neighbours(exact), _neighbours(other), strict=True)
    same = np.array([len(set(first) & set(second)) for first, second in pairs])
    return float((same == NEIGHBOURS).mean() * 100), float(same.mean() / NEIGHBOURS * 100)


def _neighbours(rows: Floats) -> list[list[int]]:
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -np.inf)
    nearest: list[list[int]] = np.argsort(-cosines, axis=1, kind="stable")[:, :NEIGHBOURS].tolist()
    return nearest
