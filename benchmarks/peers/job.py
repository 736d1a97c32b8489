"""What every peer script is given and gives back; standard library and NumPy only, for environments are foreign."""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Job:
    """One peer on one data set.

    Attributes:
        data: .npz with `offsets` (U + 1,) and `items` (N,), oldest first in a user, and `n_items`.
        length: longest sequence.
        epochs: to train; the fastest one counts, the metric is that after the last.
        threads: of the tensor library.
        learning_rate: of Adam.
        dim: width of items and states.
        blocks: layers.
        heads: attention heads.
        dropout: everywhere.
        batch_size: sequences a step.
        rows_a_step: rows a step where a peer makes one row of every target.
        sampled_users: users from which the evaluation against 999 negatives is scaled up, where a peer needs that.
        seed: of everything.
        loss: of this project; the peers take binary cross-entropy, or what is nearest to it.
        precision: of this project.
    """

    data: str
    length: int
    epochs: int
    threads: int
    learning_rate: float
    dim: int = 64
    blocks: int = 2
    heads: int = 1
    dropout: float = 0.2
    batch_size: int = 512
    rows_a_step: int = 2048
    sampled_users: int = 16
    seed: int = 0
    loss: str = "bce"
    precision: str = "float32"


@dataclass(frozen=True)
class QualityJob:
    """A SASRec with sampled softmax that trains for a given time.

    Attributes:
        data: .npz as in `Job`.
        threads: of the tensor library.
        seconds: of training after which it stops.
        epochs: at most.
        length, dim, blocks, dropout, negatives, batch_size, learning_rate: of the model and its training.
        seed: of everything.
    """

    data: str
    threads: int
    seconds: float
    epochs: int = 10_000
    length: int = 50
    dim: int = 64
    blocks: int = 1
    dropout: float = 0.2
    negatives: int = 256
    batch_size: int = 128
    learning_rate: float = 0.001
    seed: int = 0


@dataclass(frozen=True)
class QualityCurve:
    """NDCG@10 of the validation task after every epoch.

    Attributes:
        seconds: of training until then.
        ndcg: as in `Measured`.
    """

    seconds: list[float]
    ndcg: list[float]


@dataclass(frozen=True, eq=False)
class Sequences:
    """The validation task of leave-one-out: all but the last two items train, the last but one is to be found.

    Attributes:
        users: (n,) owner of every training interaction.
        items: (n,) its item.
        order: (n,) its place in the user's sequence.
        targets: (U,) the item to find.
        n_items: items of the catalogue, seen in training or not.
    """

    users: Ints
    items: Ints
    order: Ints
    targets: Ints
    n_items: int


@dataclass(frozen=True)
class Measured:
    """What a peer reports; None where it has no such thing.

    Attributes:
        train_seconds: the fastest training epoch.
        full_seconds: one full-ranking evaluation of every user.
        sampled_seconds: one evaluation of every user against 999 negatives.
        ndcg: NDCG@10 of the full ranking after the last epoch, items of the history left out.
        peak_mb: largest resident memory of the process.
        notes: what a reader must know to judge the numbers.
    """

    train_seconds: float
    full_seconds: float | None
    sampled_seconds: float | None
    ndcg: float
    peak_mb: float = 0.0
    notes: list[str] = field(default_factory=list)


def read_job() -> Job:
    """The job named on the command line."""
    return Job(**json.loads(Path(sys.argv[1]).read_text()))


def read_sequences(path: str) -> Sequences:
    """Training interactions and targets of a data file."""
    with np.load(path) as data:
        offsets, items, n_items = data["offsets"], data["items"].astype(np.int64), int(data["n_items"])
    users, trained, order = training_part(offsets, items)
    return Sequences(users, trained, order, items[offsets[1:] - 2], n_items)


def training_part(offsets: Ints, items: Ints) -> tuple[Ints, Ints, Ints]:
    """Users, items and places in their sequence of all but every user's last two interactions."""
    lengths = np.diff(offsets)
    users = np.repeat(np.arange(len(lengths)), lengths)
    order = np.arange(len(items)) - offsets[:-1][users]
    trains = order < lengths[users] - 2
    return users[trains], items[trains], order[trains]


def ndcg(recommended: Ints, targets: Ints) -> float:
    """Mean NDCG of one relevant item a user; `recommended` is (U, k), best first."""
    hit, place = np.nonzero(recommended == targets[:, None])
    return float((1 / np.log2(place + 2)).sum() / len(targets)) if len(hit) else 0.0


def write_measured(measured: Measured) -> None:
    """Write the answer where the command line says, with the peak memory of this process."""
    Path(sys.argv[2]).write_text(json.dumps({**asdict(measured), "peak_mb": peak_memory_mb()}))


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says of a process begins with its parent's memory
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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
        """Users, items and places of the interactions of those who train."""
        users, items, place = training_part(self.offsets, self.items)
        kept = self.trains[users]
        return users[kept], items[kept], place[kept]


def read_titled(path: str) -> Titled:
    """From `write_titled`."""
    with np.load(Path(path)) as data:
        return Titled(data["offsets"], data["items"].astype(np.int64), data["vectors"], data["trains"])


def write_titled(path: Path, titled: Titled) -> None:
    """For a peer's process."""
    np.savez(path, **vars(titled))
