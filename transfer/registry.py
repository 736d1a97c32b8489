"""The registry of systems: built-in ones, imported on demand, and those of installed plug-ins.

A system is a `Baseline` (no sequential encoder) or `Trained` (an encoder, optionally with its own objective). Each one
is a file in `transfer/systems/`, together with its settings. Other packages register systems by the entry point group
``transfer.systems``. This module does not import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from domains.errors import SettingsError, explain, suggest
from domains.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from scipy.sparse import csr_matrix

    from domains.domain import Domain
    from domains.split import Split
    from transfer.diffusion.s2idm import S2IDM
    from transfer.encoders.encoder import SequenceEncoder
    from transfer.encoders.settings import EncoderSettings
    from transfer.evaluation.protocol import Targets
    from transfer.evaluation.ranking import ScoreRows
    from transfer.interests.settings import InterestSettings
    from transfer.model.conditioner import Conditioner
    from transfer.runtime import Runtime
    from transfer.training.auxiliary import Auxiliary
    from transfer.training.task import Task

ENTRY_POINTS = "transfer.systems"

BUILT_IN: Mapping[str, str] = {
    "sasrec": "transfer.systems.sasrec:SASREC",
    "gru4rec": "transfer.systems.gru4rec:GRU4REC",
    "cl4srec": "transfer.systems.cl4srec:CL4SREC",
    "pdrec": "transfer.systems.pdrec:PDREC",
    "popular": "transfer.systems.popular:POPULAR",
    "recent": "transfer.systems.recent:RECENT",
    "transitions": "transfer.systems.transitions:TRANSITIONS",
    "item-knn": "transfer.systems.item_knn:ITEM_KNN",
    "ease": "transfer.systems.ease:EASE",
    "anchor-matching": "transfer.systems.anchor_matching:ANCHOR_MATCHING",
    "matching": "transfer.systems.matching:MATCHING",
    "terms": "transfer.systems.matching:TERMS",
    "s2idm-matching": "transfer.systems.s2idm_matching:S2IDM_MATCHING",
    "next-ids": "transfer.systems.next_ids:NEXT_IDS",
    "t-diffrec": "transfer.systems.diffrec:T_DIFFREC",
    "ti-diffrec": "transfer.systems.diffrec:TI_DIFFREC",
}
"""Name -> module and attribute. The only list of built-in systems."""


class NoSettings(Settings):
    """Settings of a system without settings."""


@dataclass(frozen=True, eq=False)
class Items:
    """Item features for baselines.

    Attributes:
        anchors: (I, q) item-sememe matrix.
        idf: (q,) float32 inverse document frequency of each anchor.
    """

    anchors: csr_matrix
    idf: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SourceKnowledge:
    """Knowledge from the sources.

    Attributes:
        s2idm: the frozen diffusion model.
        interests: settings of its input s'_0.
    """

    s2idm: S2IDM
    interests: InterestSettings


@dataclass(frozen=True, eq=False)
class Target:
    """Data of the target domain for a baseline.

    Attributes:
        split: interactions; only the training parts of the training users may be counted.
        items: features of the items.
        source: knowledge from the sources; None without a source.
        runtime: device and progress.
    """

    split: Split
    items: Items
    source: SourceKnowledge | None
    runtime: Runtime


Ranker = Callable[["Domain", "Targets"], "ScoreRows"]
"""Scores all items for the histories of a domain before the given targets. The domain has the items of the one that
was fitted; its users may be others, for whom the system serves."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A system without a sequential encoder.

    Attributes:
        name: name in recipes and tables.
        summary: one line of description.
        fit: learns from the target's training part; returns a function that scores histories of any users.
        settings: validated values of ``systems.NAME`` in a recipe.
        personal: whether scores depend on the history; if not, no past item is the reason for a recommendation.
        timed: whether it needs true times; where times are only an order, runs skip it.
    """

    name: str
    summary: str
    fit: Callable[[Target, Any], Ranker]
    settings: type[Settings] = NoSettings
    personal: bool = True
    timed: bool = False


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A system with a sequential encoder, trained by the one loop.

    Attributes:
        name: name in recipes and tables; labels of variants start with it.
        summary: one line of description.
        encoder: makes the network from its settings and the maximum number of prompts.
        family: systems of one family have the same weights, so that they can start from each other's.
        objective: makes an additional objective, or one that replaces the recommendation loss; None for none.
        fusion: makes the conditioner of a variant that names interests without a way to enter (``sasrec+s2idm``);
            None for the fusion of the paper's ablation. Called with the width of the interests, d and k.
        settings: validated values of ``systems.NAME`` in a recipe.
    """

    name: str
    summary: str
    encoder: Callable[[EncoderSettings, int], SequenceEncoder]
    family: str
    objective: Callable[[Task, Any], Auxiliary | None] | None = None
    fusion: Callable[[int, int, int], Conditioner] | None = None
    settings: type[Settings] = NoSettings


System = Baseline | Trained


def system_names() -> tuple[str, ...]:
    """Return the names of all systems, built-in and plug-ins."""
    return (*BUILT_IN, *sorted(point.name for point in entry_points(group=ENTRY_POINTS)))


def find_system(name: str) -> System:
    """Return the system with a name.

    Raises:
        InputError: the name is unknown, or a plug-in registered something that is not a system.
    """
    if name in BUILT_IN:
        module, _, value = BUILT_IN[name].partition(":")
        built_in: System = getattr(import_module(module), value)
        return built_in
    for point in entry_points(group=ENTRY_POINTS, name=name):
        found = point.load()
        if not isinstance(found, Baseline | Trained):
            raise SettingsError(
                f"the plug-in {point.value} is not a system",
                location=f"entry point {name}",
                hint="Register a transfer.Baseline or a transfer.Trained",
                code="plug-in",
            )
        return found
    known = system_names()
    raise SettingsError(
        f"no system is named {name!r}",
        location="variants",
        hint=f"{suggest(name, known)}Known: {', '.join(known)}; 'transfer variants' describes them",
        code="unknown-system",
    )


def trained_system(name: str) -> Trained:
    """Return a system with an encoder.

    Raises:
        InputError: the name is unknown or names a baseline.
    """
    found = find_system(name)
    if isinstance(found, Trained):
        return found
    raise SettingsError(
        f"{name!r} is a baseline and has no encoder",
        location="variants",
        hint="Use sasrec or gru4rec",
        code="not-trained",
    )


def system_settings(system: System, values: Mapping[str, Mapping[str, Any]]) -> Any:
    """Validate the settings of a system.

    Args:
        system: from `find_system`.
        values: ``systems`` of a recipe: settings by system name.

    Raises:
        InputError: a key or value is wrong.
    """
    return _typed(system.settings, values.get(system.name, {}), f"systems.{system.name}.")


def check_systems(values: Mapping[str, Mapping[str, Any]]) -> None:
    """Check the settings of every system that a recipe names.

    Raises:
        InputError: a system is unknown, or a key or value is wrong.
    """
    for name in values:
        system_settings(find_system(name), values)


def _typed(model: type[Settings], given: Mapping[str, Any], location: str) -> Settings:
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise explain(error, model, location) from None
