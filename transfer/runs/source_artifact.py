"""`SourceArtifact`: vocabulary, S2IDM, and the names and sizes of their training data."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from domains.domain import Domain
from domains.errors import SettingsError
from recipes.load import check_recipe
from recipes.schema import Recipe, resolved
from transfer.assembly import Unfilled, assemble
from transfer.diffusion.masked import make_s2idm
from transfer.diffusion.s2idm import S2IDM
from transfer.diffusion.settings import S2IDMSettings
from transfer.encoders.settings import EncoderSettings
from transfer.files import write_tensors, write_text
from transfer.interests.settings import InterestSettings
from transfer.items.features import ItemFeatures
from transfer.items.sentence_vectors import Semantics
from transfer.items.settings import SEMANTIC_CHANNELS, Channel
from transfer.runs.artifact import (
    CONFIG,
    README,
    VOCABULARY,
    WEIGHTS,
    Artifact,
    ArtifactConfig,
    read_vocabulary,
)
from transfer.runs.artifact_files import TensorFile
from transfer.runs.settings import SourceEncoderSettings
from transfer.runs.source_places import BUNDLED, bundled_folder, find_sources
from transfer.terms.weights import TermWeights
from transfer.variants import Variant
from vocab.vocabulary import SememeVocabulary

KIND = "source"


@dataclass(frozen=True, kw_only=True)
class DomainNote:
    """Sizes and fingerprint of a domain that an artifact was trained on.

    Attributes:
        name: name of the domain.
        users: number of users.
        items: number of items.
        interactions: number of interactions.
        fingerprint: hash of the data.
    """

    name: str
    users: int
    items: int
    interactions: int
    fingerprint: str

    @classmethod
    def of(cls, domain: Domain) -> DomainNote:
        """Return the note of a domain."""
        return cls(
            name=domain.name,
            users=domain.n_users,
            items=domain.n_items,
            interactions=domain.n_interactions,
            fingerprint=domain.fingerprint,
        )


@dataclass(frozen=True, eq=False)
class Transferable:
    """Weights that apply to any domain whose items have titles.

    Attributes:
        weights: weights of encoder and item maps by name; empty without a source encoder.
        terms: weights of late terms alone, tuned on the sources' validation items; None without a source encoder.
    """

    weights: dict[str, Tensor]
    terms: TermWeights | None = None


@dataclass(frozen=True)
class LearnedEncoder:
    """The properties of a source encoder that a target must share.

    Attributes:
        system: name of the system.
        settings: settings of the encoder.
        channels: channels of the items.
    """

    system: str
    settings: EncoderSettings
    channels: tuple[Channel, ...]


class SourceConfig(ArtifactConfig):
    """The `config.json` of a source artifact."""

    kind: str = KIND
    anchors: int
    domains: tuple[DomainNote, ...]
    seed: int
    sentence_encoder: str | None
    target_items: str | None
    terms: TermWeights | None
    licence: str | None = None
    recipe: dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SourceArtifact(Artifact):
    """Everything that a target needs from its sources.

    Attributes:
        vocabulary: q anchors.
        s2idm: S2IDM over the anchors; None if it was not requested or there were no sources.
        interests: settings of s'_0.
        domains: the training domains.
        seed: seed of the training.
        recipe: the resolved recipe, as plain data.
        anchor_vectors: (q, s) sentence vectors of the anchors; None if no encoder was installed.
        sentence_encoder: fingerprint of that encoder.
        transferable: weights of the source encoder; may be empty.
        target_items: fingerprint of the target's items if the vocabulary includes their titles.
        licence: licence as on a model card (``cc-by-sa-4.0``); None if unknown.
    """

    config_type: ClassVar[type[ArtifactConfig]] = SourceConfig
    vocabulary: SememeVocabulary
    s2idm: S2IDM | None
    interests: InterestSettings
    domains: tuple[DomainNote, ...]
    seed: int
    recipe: dict[str, Any]
    anchor_vectors: Tensor | None = None
    sentence_encoder: str | None = None
    transferable: Transferable = field(default_factory=lambda: Transferable({}))
    target_items: str | None = None
    licence: str | None = None

    def __repr__(self) -> str:
        """Show domains, size and folder."""
        names = "+".join(note.name for note in self.domains) or "of no source"
        encoder = ", with encoder" if self.transferable.weights else ""
        return f"<SourceArtifact {names}: {len(self.vocabulary):,} anchors{encoder}, in {self.folder or 'memory'}>"

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of everything that a target uses."""
        digest = hashlib.sha256(self.vocabulary.fingerprint.encode())
        digest.update(self.vocabulary.item_counts.tobytes())
        learned = {**(self.s2idm.state_dict() if self.s2idm else {}), **self.transferable.weights}
        for name, tensor in sorted(learned.items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        digest.update(f"{self.interests!r}{self.transferable.terms!r}".encode())
        return digest.hexdigest()

    @property
    def learned_encoder(self) -> LearnedEncoder | None:
        """The encoder that `+source` starts from; None if the artifact has none."""
        if not self.transferable.weights:
            return None
        settings = EncoderSettings.model_validate(self.recipe.get("encoder", {}))
        return LearnedEncoder(self.encoder_settings.system, settings, self.encoder_settings.channels)

    @property
    def encoder_settings(self) -> SourceEncoderSettings:
        """Settings of the source encoder."""
        return SourceEncoderSettings.model_validate(self.recipe.get("source_encoder", {}))

    def vectors(self, semantics: Semantics | None) -> Tensor | None:
        """Return (q, s) sentence vectors of the anchors, from the artifact or the installed encoder."""
        if self.anchor_vectors is None and semantics is not None:
            return semantics.words(self.vocabulary.words)
        return self.anchor_vectors

    def without_vectors(self) -> Self:
        """Return the artifact without sentence vectors of its anchors, so that targets may use any encoder.

        Raises:
            InputError: its source encoder needs them.
        """
        learned = self.learned_encoder
        if learned is not None and SEMANTIC_CHANNELS & set(learned.channels):
            raise SettingsError(
                "the source encoder learned from sentence vectors and needs them",
                location="source_encoder.channels",
                hint="Use channels [anchors], or keep the vectors",
                code="encoder-needs-vectors",
            )
        return replace(self, anchor_vectors=None, sentence_encoder=None)

    def _write(self, folder: Path) -> SourceConfig:
        tensors = s2idm_tensors(self.s2idm)
        tensors |= {f"encoder.{name}": value for name, value in self.transferable.weights.items()}
        if self.anchor_vectors is not None:
            tensors["anchor_vectors"] = self.anchor_vectors.half()
        write_tensors(folder / WEIGHTS, tensors)
        self.vocabulary.save(folder / VOCABULARY)
        write_text(folder / README, _readme(self))
        return SourceConfig(
            vocabulary_fingerprint=self.vocabulary.fingerprint,
            anchors=len(self.vocabulary),
            s2idm=None if self.s2idm is None else self.s2idm.settings,
            interests=self.interests,
            domains=self.domains,
            seed=self.seed,
            sentence_encoder=self.sentence_encoder,
            target_items=self.target_items,
            terms=self.transferable.terms,
            licence=self.licence,
            recipe=self.recipe,
        )

    @classmethod
    def _read(cls, folder: Path, config: SourceConfig) -> Self:
        vocabulary = read_vocabulary(folder, config)
        recipe = check_recipe(config.recipe, f"{folder / CONFIG}: recipe")
        file = TensorFile.open(folder / WEIGHTS)
        vectors = file.maybe("anchor_vectors", len(vocabulary), None, dtype=torch.float16)
        learned = _read_encoder(file, recipe, len(vocabulary))
        s2idm = read_s2idm(file, len(vocabulary), config.s2idm)
        file.finish()
        return cls(
            vocabulary=vocabulary,
            s2idm=s2idm,
            interests=config.interests,
            domains=config.domains,
            seed=config.seed,
            recipe=resolved(recipe),
            anchor_vectors=None if vectors is None else vectors.float(),
            sentence_encoder=config.sentence_encoder,
            transferable=Transferable(learned, config.terms),
            target_items=config.target_items,
            licence=config.licence,
        )

    @classmethod
    def known(cls) -> list[str]:
        """Return the names of the bundled artifact and of those in the working folder's runs."""
        return [BUNDLED, *map(str, find_sources())]

    @classmethod
    def load(cls, place: str | Path) -> Self:
        """Read an artifact: ``bundled``, a local folder, or an id on the hub; see `Artifact.load`.

        A folder named ``bundled`` is ``./bundled``.
        """
        return cls.read(bundled_folder()) if str(place) == BUNDLED else super().load(place)


def s2idm_tensors(s2idm: S2IDM | None) -> dict[str, Tensor]:
    """Return the weights of an S2IDM by their names in an artifact; see `read_s2idm`."""
    return {} if s2idm is None else {f"s2idm.{name}": value for name, value in s2idm.state_dict().items()}


def read_s2idm(file: TensorFile, anchors: int, settings: S2IDMSettings | None) -> S2IDM | None:
    """Read an S2IDM in evaluation mode, or None if the artifact has none.

    Args:
        file: file with the weights.
        anchors: number of anchors q.
        settings: settings of the model; None if there is none.

    Raises:
        InputError: the weights do not fit the settings. Memory is allocated only after this check.
    """
    if settings is None:
        return None
    with torch.device("meta"), Unfilled():
        like = make_s2idm(anchors, settings)
    weights = file.state("s2idm.", like)
    with Unfilled():
        s2idm = make_s2idm(anchors, settings)
    s2idm.load_state_dict(weights)
    return s2idm.eval()


def _read_encoder(file: TensorFile, recipe: Recipe, anchors: int) -> dict[str, Tensor]:
    """Read the weights of the source encoder; empty if there is none. Their shapes are checked."""
    if not any(name.startswith("encoder.") for name in file.tensors):
        return {}
    settings = recipe.source_encoder
    if not settings.channels:
        raise file.error("holds an encoder, but its recipe has none")
    maps = [t.shape[-1] for name, t in file.tensors.items() if name.endswith("-semantic.map.weight") and t.dim() == 2]
    vectors = torch.empty(1, maps[0] if maps else 1)
    features = ItemFeatures(
        count=1, anchors=csr_matrix((1, anchors), dtype=np.float32), anchor_vectors=vectors, title_vectors=vectors
    )
    with torch.device("meta"), Unfilled():
        model = assemble(
            Variant(architecture=settings.system, channels=settings.channels), recipe, features, anchors, 0
        )
    return file.state("encoder.", model)


def _readme(source: SourceArtifact) -> str:
    rows = "\n".join(f"| {n.name} | {n.users:,} | {n.items:,} | {n.interactions:,} |" for n in source.domains)
    licence = "" if source.licence is None else f"license: {json.dumps(source.licence)}\n"
    return f"""---
{licence}library_name: sememe-transfer
tags: [recommender-system, cross-domain, sequential-recommendation, diffusion]
---
# Source artifact: {" + ".join(note.name for note in source.domains)}

A Sememe-to-Interest Diffusion Model (S2IDM, SeeDRec, IJCAI 2024) over {len(source.vocabulary):,} anchors, with its
vocabulary. It was trained on the interactions of these domains and holds none of their users:

| domain | users | items | interactions |
|---|---|---|---|
{rows}

Use it: `transfer adapt-target FOLDER RECIPE_OR_DOMAIN`. Seed {source.seed}; every setting is in `config.json`.
"""
