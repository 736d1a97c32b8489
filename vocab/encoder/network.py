"""The network behind a sentence encoder: batches of like length, mean pooling, unit length. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from domains.errors import InputError

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TokenisedTexts:
    """Token ids of n texts, ragged.

    Attributes:
        values: (N,) int64, token ids.
        lengths: (n,) int64, tokens of each text, ascending.
        order: (n,) int64, which text stands at each place.
    """

    values: Ints
    lengths: Ints
    order: Ints


class SentenceModel:
    """A tokenizer and a transformer from one folder; safetensors only, no code of the folder's author.

    Args:
        folder: in the layout of `save_pretrained`.
        device: a torch device.
        precision: ``float32`` or ``bfloat16``.
        max_length: tokens at which a text is cut; earlier where the model has fewer positions.

    Raises:
        InputError: the folder cannot be read as a model.
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
            raise InputError(
                f"the sentence encoder cannot be loaded ({error})", location=folder, hint="Save the model again"
            ) from error
        self._device = torch.device(device)
        self._network = network.to(device=self._device, dtype=getattr(torch, precision)).eval()
        # Where positions are learned, there are none beyond these.
        self._max_length = min(max_length, getattr(network.config, "max_position_embeddings", None) or max_length)

    def tokenise(self, texts: Sequence[str]) -> TokenisedTexts:
        """Cut texts into tokens, shortest text first."""
        ids: list[list[int]] = self._tokenizer(
            list(texts), truncation=True, max_length=self._max_length, return_attention_mask=False
        )["input_ids"]
        lengths = np.array([len(row) for row in ids], dtype=np.int64)
        order = np.argsort(lengths, kind="stable")
        values = np.fromiter((token for index in order for token in ids[index]), np.int64, int(lengths.sum()))
        return TokenisedTexts(values, lengths[order], order)

    def embed(self, values: Ints, lengths: Ints) -> npt.NDArray[np.float32]:
        """(b, dim) float32 unit vectors of a batch of ragged token ids."""
        inside = np.arange(lengths.max())[None, :] < lengths[:, None]
        ids = np.full(inside.shape, self._tokenizer.pad_token_id or 0, dtype=np.int64)
        ids[inside] = values
        mask = torch.from_numpy(inside.astype(np.int64)).to(self._device)
        with torch.inference_mode():
            states = self._network(
                input_ids=torch.from_numpy(ids).to(self._device), attention_mask=mask
            ).last_hidden_state.float()
            weights = mask.unsqueeze(-1).float()
            means = (states * weights).sum(dim=1) / weights.sum(dim=1)
            unit: npt.NDArray[np.float32] = torch.nn.functional.normalize(means, dim=1).cpu().numpy()
        return unit


def batches(lengths: Ints, budget: int) -> Iterator[tuple[int, int]]:
    """Cut ascending lengths into runs [start, stop) of at most `budget` tokens with padding, or one text."""
    start = 0
    while start < len(lengths):
        most = max(budget // max(int(lengths[start]), 1), 1)
        ahead = lengths[start : start + most]
        padded = ahead * np.arange(1, len(ahead) + 1)
        stop = start + max(int(np.searchsorted(padded, budget, side="right")), 1)
        yield start, stop
        start = stop


def has_bfloat16(device: str) -> bool:
    """Whether a device computes in bfloat16 itself; a CPU that does not would be slower with it."""
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported())
    native: Any = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(native and native())


@contextmanager
def _quiet_loading() -> Iterator[None]:
    """Keep transformers' own progress bar off the terminal that shows ours."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
