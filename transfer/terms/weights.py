"""`TermWeights`: the weights of late terms, which are tuned on validation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

import torch
from torch import Tensor, nn

LEAVE_OUT = -(2.0**100)
"""Weight of `repeats` that ranks the items a user had below all others; no score is as large."""
OLD_LEAVE_OUT = -1000.0
"""`LEAVE_OUT` in older files. The counts of a baseline can exceed it."""


@dataclass(frozen=True, kw_only=True)
class TermWeights:
    """Weights of late terms in a score. A term with weight 0 is not computed.

    Attributes:
        titles: weight of the cosine between title vectors.
        anchors: weight of the cosine between IDF-weighted anchors.
        recency: in titles, anchors and together, an item n places before the last counts `recency` ** n.
        popularity: weight of an item's popularity among the training users.
        recent: weight of an item's level shortly before the target, or now.
        transitions: weight of items that others had after the recent items.
        backward: weight of items that others had before the recent items.
        onward: weight of items two transitions away from the recent items.
        together: weight of the companions of the recent items.
        taste: weight of the linear item model's score for the whole history.
        repeats: weight of items that the user had before; a negative weight avoids them.
    """

    titles: float = 0.0
    anchors: float = 0.0
    recency: float = 1.0
    popularity: float = 0.0
    recent: float = 0.0
    transitions: float = 0.0
    backward: float = 0.0
    onward: float = 0.0
    together: float = 0.0
    taste: float = 0.0
    repeats: float = 0.0

    def __bool__(self) -> bool:
        return any(value for name, value in asdict(self).items() if name != "recency")

    def times(self, factor: float) -> Self:
        """Return all weights times a factor; recency and `LEAVE_OUT` stay as they are."""
        kept = {"recency": self.recency, "repeats": self.repeats if self.repeats == LEAVE_OUT else None}
        values = {name: value * factor for name, value in asdict(self).items()}
        return type(self)(**values | {name: value for name, value in kept.items() if value is not None})

    def only(self, names: Iterable[str]) -> Self:
        """Return the weights of some parts; the others are 0."""
        wanted = {*names, "recency"}
        return type(self)(**{name: value for name, value in asdict(self).items() if name in wanted})

    def tensors(self) -> dict[str, Tensor]:
        """Return each weight as a float32 tensor, by its name in a file."""
        return {f"terms.{name}": torch.tensor(value) for name, value in asdict(self).items()}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Self:
        """Read the weights that `tensors` returned; missing ones keep their default."""
        return cls.read(lambda name: tensors.get(name))

    @classmethod
    def read(cls, take: Callable[[str], Tensor | None]) -> Self:
        """Read weights by their names in a file; missing ones keep their default."""
        found = {field.name: take(f"terms.{field.name}") for field in fields(cls)}
        values = {name: round(float(value), 6) for name, value in found.items() if value is not None}
        return cls(**values | ({"repeats": LEAVE_OUT} if values.get("repeats") == OLD_LEAVE_OUT else {}))


class TermBuffers(nn.Module):
    """The weights of late terms as buffers of a model."""

    def __init__(self) -> None:
        super().__init__()
        for name, value in asdict(TermWeights()).items():
            self.register_buffer(name, torch.tensor(value))

    def get(self) -> TermWeights:
        """Return the weights."""
        return TermWeights.of({f"terms.{name}": value for name, value in self.named_buffers()})

    def set(self, weights: TermWeights) -> None:
        """Replace the weights."""
        for name, value in asdict(weights).items():
            self.get_buffer(name).fill_(value)


class LateTermsAlone(nn.Module):
    """A product without a model: only the weights of its terms, with the same names as in a model's state."""

    def __init__(self) -> None:
        super().__init__()
        self.terms = TermBuffers()


UNTRIED = TermWeights(titles=1.0, anchors=0.5, recency=0.6, repeats=LEAVE_OUT)
"""Weights if neither target nor source has validation targets."""
