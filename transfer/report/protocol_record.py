"""How a run held out and ranked targets, and in which order interactions stand: a part of `metrics.json`."""

from __future__ import annotations

from pydantic import Field

from domains.ties import TieCounts
from transfer.report.document import Document


class OrderRecord(Document):
    """How much the sequences depend on the order of equal times, and how much they follow the order of ids."""

    ties: str | None
    """The setting `prepare.ties` of the target; null if the domain was prepared before."""
    held_out: int = Field(ge=0)
    """Validation and test items with an item before them."""
    held_out_tied: int = Field(ge=0)
    """Those that share their time with the item before, to the second."""
    held_out_ascending: int = Field(ge=0)
    """Those whose id is higher than that of the item before."""
    neighbours: int = Field(ge=0)
    """Pairs of consecutive items of one user."""
    neighbours_tied: int = Field(ge=0)
    """Pairs that share a time."""
    neighbours_ascending: int = Field(ge=0)
    """Pairs in which the second item has the higher id; half of them by chance."""

    def __str__(self) -> str:
        """Return the counts as shares, and the setting."""
        counts = TieCounts(**self.model_dump(exclude={"ties"}))
        return str(counts) if self.ties is None else f"{counts}; equal times: {self.ties}"


class ProtocolRecord(Document):
    """How targets were held out and ranked."""

    split: str
    """How validation and test items were held out."""
    selection: str
    """What selects epochs, seeds and the product."""
    sampled: str
    """Which items the sampled protocol ranks."""
    sampled_seed: int = 0
    """Seed of the sampled negatives."""
    full: str
    """Which items the full protocol ranks."""
    repeats: str
    """Whether repeated interactions were kept or removed."""
    ties: str = "count against the target"
    """What happens to items with equal scores."""
    prompts_see: str
    """Which interactions prompts may read."""
    shots: float
    """Share of the target's users that train."""
    catalogue: str = "of all users"
    """Whose interactions decide the k-core and the catalogue: of all users, also those that are only tested
    (transductive), or of the training users alone (strict)."""
    training_users: int = Field(ge=0)
    """Users that train."""
    validation_users: int = Field(ge=0)
    """Training users with a validation item."""
    test_users: int = Field(ge=0)
    """Users with a test item."""
    order: OrderRecord | None = None
    """Order of equal times and of ids; null in files of earlier releases."""
