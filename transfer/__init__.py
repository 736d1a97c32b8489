"""Recommend in a shop that has little data, with the help of other catalogues and without shared users."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from domains.domain import Domain
    from domains.errors import DataError, InputError, RunError, SettingsError
    from domains.io.paths import InputPath
    from domains.loaders.loader import Loader
    from domains.raw_tables import RawTables
    from domains.settings import Settings
    from domains.split import Split
    from transfer.api import Run, adapt, domain_from_frames, fit, load_run, load_source, open_domain, train
    from transfer.encoders.encoder import SequenceEncoder
    from transfer.encoders.settings import EncoderSettings
    from transfer.evaluation.protocol import Targets
    from transfer.evaluation.ranking import ScoreRows
    from transfer.evaluation.settings import EvaluationSettings
    from transfer.finished_run import recommendations_frame
    from transfer.progress import Progress, TransferWarning
    from transfer.registry import Baseline, Ranker, Target, Trained
    from transfer.runs.source_artifact import SourceArtifact
    from transfer.runs.target_run import TargetRun
    from transfer.serving.recommend import Filters, Recommendation
    from transfer.tracking import Tracker
    from transfer.training.auxiliary import Auxiliary
    from transfer.training.settings import TrainingSettings
    from transfer.training.task import Task
    from transfer.variants import Variant, parse_variant
    from vocab.settings import NormaliserSettings
    from vocab.text import cleaned, split_words

_HOMES = {
    "domains.domain": ("Domain",),
    "domains.errors": (
        "DataError",
        "InputError",
        "RunError",
        "SettingsError",
    ),
    "domains.io.paths": ("InputPath",),
    "domains.loaders.loader": ("Loader",),
    "domains.raw_tables": ("RawTables",),
    "domains.settings": ("Settings",),
    "domains.split": ("Split",),
    "transfer.api": (
        "Run",
        "adapt",
        "domain_from_frames",
        "fit",
        "load_run",
        "load_source",
        "open_domain",
        "train",
    ),
    "transfer.encoders.encoder": ("SequenceEncoder",),
    "transfer.encoders.settings": ("EncoderSettings",),
    "transfer.evaluation.protocol": ("Targets",),
    "transfer.evaluation.ranking": ("ScoreRows",),
    "transfer.evaluation.settings": ("EvaluationSettings",),
    "transfer.finished_run": ("recommendations_frame",),
    "transfer.progress": (
        "Progress",
        "TransferWarning",
    ),
    "transfer.registry": (
        "Baseline",
        "Ranker",
        "Target",
        "Trained",
    ),
    "transfer.runs.source_artifact": ("SourceArtifact",),
    "transfer.runs.target_run": ("TargetRun",),
    "transfer.serving.recommend": (
        "Filters",
        "Recommendation",
    ),
    "transfer.tracking": ("Tracker",),
    "transfer.training.auxiliary": ("Auxiliary",),
    "transfer.training.settings": ("TrainingSettings",),
    "transfer.training.task": ("Task",),
    "transfer.variants": (
        "Variant",
        "parse_variant",
    ),
    "vocab.settings": ("NormaliserSettings",),
    "vocab.text": (
        "cleaned",
        "split_words",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Auxiliary",
    "Baseline",
    "DataError",
    "Domain",
    "EncoderSettings",
    "EvaluationSettings",
    "Filters",
    "InputError",
    "InputPath",
    "Loader",
    "NormaliserSettings",
    "Progress",
    "Ranker",
    "RawTables",
    "Recommendation",
    "Run",
    "RunError",
    "ScoreRows",
    "SequenceEncoder",
    "Settings",
    "SettingsError",
    "SourceArtifact",
    "Split",
    "Target",
    "TargetRun",
    "Targets",
    "Task",
    "Tracker",
    "Trained",
    "TrainingSettings",
    "TransferWarning",
    "Variant",
    "adapt",
    "cleaned",
    "domain_from_frames",
    "fit",
    "load_run",
    "load_source",
    "open_domain",
    "parse_variant",
    "recommendations_frame",
    "split_words",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that commands start without torch."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
