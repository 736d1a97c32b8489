"""The weights with which late terms join a score: named numbers that validation finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

import torch
from torch import Tensor, nn

LEAVE_OUT = -1000.0
"""Weight of `repeats` that puts items a user had behind all others; no score is as large."""


@dataclass(frozen=True)
class TermWeights:
    """How late terms join a score; a term of weight 0 is not computed.

    Attributes:
        titles: weight of the cosine between title vectors.
        anchors: weight of the cosine between IDF-weighted anchors.
        recency: for titles, anchors and together, an item that lies n items back counts `recency` ** n.
        popularity: weight of an item's popularity among the training users.
        transitions: weight of what others had after the recent items.
        backward: weight of what others had before the recent items.
        onward: weight of what is two transitions away from the recent items.
        together: weight of what the users of the recent items had as well.
        taste: weight of what the users of all items of the history had as well.
        repeats: weight of having had the item before; negative leaves such items out.
    """

    titles: float = 0.0
    anchors: float = 0.0
    recency: float = 1.0
    popularity: float = 0.0
    transitions: float = 0.0
    backward: float = 0.0
    onward: float = 0.0
    together: float = 0.0
    taste: float = 0.0
    repeats: float = 0.0

    def __bool__(self) -> bool:
        return any(value for name, value in asdict(self).items() if name != "recency")

    def times(self, factor: float) -> Self:
        """Return the same terms, each `factor` times as strong; what is left out stays left out."""
        kept = {"recency": self.recency, "repeats": self.repeats if self.repeats == LEAVE_OUT else None}
        values = {name: value * factor for name, value in asdict(self).items()}
        return type(self)(**values | {name: value for name, value in kept.items() if value is not None})

    def only(self, names: Iterable[str]) -> Self:
        """Return the weights of some parts; the others are 0."""
        wanted = {*names, "recency"}
        return type(self)(**{name: value for name, value in asdict(self).items() if name in wanted})

    def tensors(self) -> dict[str, Tensor]:
        """Return one float32 number each, by name, for a file."""
        return {f"terms.{name}": torch.tensor(value) for name, value in asdict(self).items()}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Self:
        """Read what `tensors` gave; what is missing is 0."""
        return cls.read(lambda name: tensors.get(name))

    @classmethod
    def read(cls, take: Callable[[str], Tensor | None]) -> Self:
        """Read weights by their names in a file; what is missing keeps its default."""
        found = {field.name: take(f"terms.{field.name}") for field in fields(cls)}
        return cls(**{name: round(float(value), 6) for name, value in found.items() if value is not None})


class TermBuffers(nn.Module):
    """The weights of late terms as part of a model's state: one number each, by name."""

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
    """The state of a product without a model: the weights of its terms, named as in a model's state."""

    def __init__(self) -> None:
        super().__init__()
        self.terms = TermBuffers()


UNTRIED = TermWeights(titles=1.0, anchors=0.5, recency=0.6, repeats=LEAVE_OUT)
"""Where neither target nor source could say: titles count, anchors half as much, and what is recent more."""
