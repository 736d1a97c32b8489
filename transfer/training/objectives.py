"""Which systems train with a second objective, and its making, once for all variants and seeds that share it."""

from __future__ import annotations

from recipes.schema import Recipe
from transfer.diffusion.over_items import train_diffrec
from transfer.training.auxiliary import Auxiliary
from transfer.training.contrast import Contrast
from transfer.training.loop import Task
from transfer.training.pdrec import PDRec
from transfer.training.pdrec_tables import PlugIn
from transfer.training.sampling import NegativeSampler

SEED = 0
"""Of the diffusion over items that PDRec plugs in."""


class Objectives:
    """Second objectives by the name of the encoder.

    Args:
        recipe: their settings.
        task: the split that a plug-in may learn from.
    """

    def __init__(self, recipe: Recipe, task: Task) -> None:
        self.recipe, self.task = recipe, task
        self._made: dict[str, Auxiliary | None] = {}

    def of(self, encoder: str) -> Auxiliary | None:
        """The objective of a system; None for those that train by the recommendation loss alone."""
        if encoder not in self._made:
            self._made[encoder] = self._make(encoder)
        return self._made[encoder]

    def _make(self, encoder: str) -> Auxiliary | None:
        if encoder == "cl4srec":
            return Contrast(self.recipe.contrastive, self.recipe.encoder.max_length)
        if encoder == "pdrec":
            return self._pdrec()
        return None

    def _pdrec(self) -> Auxiliary:
        """Trains TI-DiffRec on the target's train part; every seed of PDRec plugs in the same one."""
        split, runtime = self.task.split, self.task.runtime
        diffusion = train_diffrec(split, "time", self.recipe.diffrec, SEED, runtime)
        tables = PlugIn.of(split, diffusion, self.recipe.diffrec, self.recipe.pdrec, runtime.device)
        sampler = NegativeSampler(split, runtime.device)
        return PDRec(tables, sampler, self.recipe.pdrec, self.recipe.encoder.max_length)
