"""What the peer that reads titles is given and gives back; standard library and NumPy only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TextJob:
    """Training on one domain, ranking on another or the same one.

    Attributes:
        learns: .npz of the domain that is trained on, see `read_titled`.
        ranks: .npz of the domain whose users are tested.
        length: longest sequence.
        epochs: to train.
        threads: of the tensor library.
        dim: width of items and states.
        seed: of everything.
    """

    learns: str
    ranks: str
    length: int
    epochs: int
    threads: int
    dim: int = 64
    seed: int = 0


@dataclass(frozen=True)
class TextMeasured:
    """What it reports.

    Attributes:
        ndcg: NDCG@10 over all items but those that the user had before, of the last item of every user.
        hit: Hit@10 of the same.
        train_seconds: all epochs.
    """

    ndcg: float
    hit: float
    train_seconds: float


@dataclass(frozen=True, eq=False)
class Titled:
    """A domain with vectors for titles.

    Attributes:
        offsets: (U + 1,) of the users' sequences.
        items: (N,) oldest first.
        vectors: (I, s) float32.
        trains: (U,) whether a user trains; all but the last two of the sequence.
    """

    offsets: Ints
    items: Ints
    vectors: npt.NDArray[np.float32]
    trains: npt.NDArray[np.bool_]

    def training(self) -> tuple[Ints, Ints, Ints]:
        """Users, items and places of the training interactions."""
        lengths = np.diff(self.offsets)
        users = np.repeat(np.arange(len(lengths)), lengths)
        place = np.arange(len(self.items)) - self.offsets[:-1][users]
        kept = (place < lengths[users] - 2) & self.trains[users]
        return users[kept], self.items[kept], place[kept]


def read_titled(path: str) -> Titled:
    """From `write_titled`."""
    with np.load(Path(path)) as data:
        return Titled(data["offsets"], data["items"].astype(np.int64), data["vectors"], data["trains"])


def write_titled(path: Path, titled: Titled) -> None:
    """For a peer's process."""
    np.savez(path, **vars(titled))
