"""`ProtocolRecord`: the part of `metrics.json` about split, ranking, and the order of equal times."""

from __future__ import annotations

from pydantic import Field

from domains.ties import TieCounts
from transfer.report.document import Document


class OrderRecord(Document):
    """How much the sequences depend on the order of equal times, and follow the order of ids."""

    ties: str | None
    """The setting `prepare.ties` of the target; null if the domain was prepared before."""
    held_out: int = Field(ge=0)
    """Number of validation and test items with a previous item."""
    held_out_tied: int = Field(ge=0)
    """Number of these with the same time as the previous item, to the second."""
    held_out_ascending: int = Field(ge=0)
    """Number of these with a higher id than the previous item."""
    neighbours: int = Field(ge=0)
    """Number of pairs of consecutive items of a user."""
    neighbours_tied: int = Field(ge=0)
    """Number of pairs with the same time."""
    neighbours_ascending: int = Field(ge=0)
    """Number of pairs whose second item has the higher id; by chance it is half of them."""

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
    """Which users decide k-core and catalogue: all users, also those that are only tested (transductive), or the
    training users only (strict)."""
    training_users: int = Field(ge=0)
    """Number of training users."""
    validation_users: int = Field(ge=0)
    """Number of training users with a validation item."""
    test_users: int = Field(ge=0)
    """Number of users with a test item."""
    order: OrderRecord | None = None
    """Order of equal times and of ids; null in files of earlier releases."""
