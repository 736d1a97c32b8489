"""Run a sentence encoder: batches of equal length, mean pooling, unit length. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from domains.errors import SettingsError

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TokenisedTexts:
    """Token ids of n texts, ragged.

    Attributes:
        values: (N,) int64, token ids.
        lengths: (n,) int64, tokens of each text, ascending.
        order: (n,) int64, index of the original text at each position.
    """

    values: Ints
    lengths: Ints
    order: Ints


class SentenceModel:
    """A tokenizer and a transformer from one folder. Reads safetensors only and runs no code from the folder.

    Args:
        folder: a folder written by `save_pretrained`.
        device: a torch device.
        precision: ``float32`` or ``bfloat16``.
        max_length: maximum number of tokens of a text, also limited by the model's positions.

    Raises:
        InputError: the folder holds no readable model.
    """

    def __init__(self, folder: Path, device: str, precision: str, max_length: int) -> None:
        from safetensors import SafetensorError
        from transformers import AutoModel, AutoTokenizer

        safe = {"local_files_only": True, "trust_remote_code": False}
        try:
            with _quiet_loading():
                self._tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
                network = AutoModel.from_pretrained(folder, use_safetensors=True, **safe)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise SettingsError(
                f"the sentence encoder cannot be loaded ({error})",
                location=folder,
                hint="Save the model again",
                code="encoder",
            ) from error
        self._device = torch.device(device)
        self.network = network.to(device=self._device, dtype=getattr(torch, precision)).eval()
        # Learned positions end here.
        self._max_length = min(max_length, getattr(network.config, "max_position_embeddings", None) or max_length)

    def tokenise(self, texts: Sequence[str]) -> TokenisedTexts:
        """Split texts into tokens, shortest text first."""
        ids: list[list[int]] = self._tokenizer(
            list(texts), truncation=True, max_length=self._max_length, return_attention_mask=False
        )["input_ids"]
        lengths = np.array([len(row) for row in ids], dtype=np.int64)
        order = np.argsort(lengths, kind="stable")
        values = np.fromiter((token for index in order for token in ids[index]), np.int64, int(lengths.sum()))
        return TokenisedTexts(values, lengths[order], order)

    def embed(self, ids: Ints) -> npt.NDArray[np.float32]:
        """Compute (b, dim) float32 unit vectors of (b, length) token ids without padding."""
        with torch.inference_mode():
            states = self.network(input_ids=torch.from_numpy(ids).to(self._device)).last_hidden_state
            means = states.float().mean(dim=1)
            unit: npt.NDArray[np.float32] = torch.nn.functional.normalize(means, dim=1).cpu().numpy()
        return unit

    def embed_all(self, tokens: TokenisedTexts, budget: int) -> Iterator[tuple[Ints, npt.NDArray[np.float32]]]:
        """Embed texts batch by batch, in the order of `batches`.

        On a CPU each core computes its own batches. That scales better than parallel matrix products, which are small.

        Yields:
            (b,) int64 positions of texts and their (b, dim) float32 vectors.
        """
        ends = np.concatenate(([0], np.cumsum(tokens.lengths)))
        cuts = list(batches(tokens.lengths, budget))

        def embedded(cut: tuple[int, int]) -> tuple[Ints, npt.NDArray[np.float32]]:
            start, stop = cut
            ids = tokens.values[ends[start] : ends[stop]].reshape(stop - start, -1)
            return tokens.order[start:stop], self.embed(ids)

        threads = torch.get_num_threads()
        if self._device.type != "cpu" or threads == 1 or len(cuts) == 1:
            yield from map(embedded, cuts)
            return
        torch.set_num_threads(1)
        try:
            with ThreadPoolExecutor(threads) as pool:
                yield from pool.map(embedded, cuts)
        finally:
            torch.set_num_threads(threads)


def batches(lengths: Ints, budget: int) -> Iterator[tuple[int, int]]:
    """Yield batches [start, stop) of texts of one length, with at most `budget` tokens or one text."""
    distinct, starts, counts = np.unique(lengths, return_index=True, return_counts=True)
    for length, first, count in zip(distinct.tolist(), starts.tolist(), counts.tolist(), strict=True):
        size = max(budget // max(length, 1), 1)
        for start in range(first, first + count, size):
            yield start, min(start + size, first + count)


def has_bfloat16(device: str) -> bool:
    """Whether a device supports bfloat16 natively; other CPUs would be slower with it."""
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported())
    native: Any = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(native and native())


@contextmanager
def _quiet_loading() -> Iterator[None]:
    """Hide the progress bar of transformers while a model loads."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
