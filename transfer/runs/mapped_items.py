"""A target's items on the anchors of a source artifact, with words that the vocabulary lacks mapped to anchors."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.sparse import csr_matrix

from transfer.items.semantics import Semantics, same_encoder
from transfer.runs.plan import Plan
from transfer.runs.source_artifact import SourceArtifact
from transfer.runtime import Runtime
from vocab.coverage import Coverage
from vocab.unseen.map import UnseenMap
from vocab.vocabulary import SememeVocabulary


@dataclass(frozen=True, eq=False)
class MappedItems:
    """Items and their anchors.

    Attributes:
        vocabulary: the source's, with the lemmas of the target's titles remembered.
        anchors: (I, q) item-sememe matrix; 1 for an anchor in the title, less for one that stands for a word.
        coverage: of the items by anchors.
        unseen: words that found anchors; None where the recipe switches that off.
        semantics: the sentence encoder, where there is one.
    """

    vocabulary: SememeVocabulary
    anchors: csr_matrix
    coverage: Coverage
    unseen: UnseenMap | None
    semantics: Semantics | None


def map_items(source: SourceArtifact, plan: Plan, runtime: Runtime) -> MappedItems:
    """Read a target's titles on the source's anchors.

    Args:
        source: the vocabulary.
        plan: the target's texts, and how unseen words are mapped.
        runtime: for progress.
    """
    recipe, domain = plan.recipe, plan.domain
    texts = plan.texts[domain.name]
    encoded = source.vocabulary.encode(texts)
    vocabulary = source.vocabulary.remembering(encoded.surfaces)
    semantics = Semantics.find(recipe.semantic, runtime)
    if semantics is not None:
        same_encoder(source.sentence_encoder, semantics, "the anchors of the source artifact")
    if recipe.unseen is None:
        return MappedItems(vocabulary, encoded.matrix, encoded.coverage, None, semantics)
    if recipe.unseen_map is not None:
        unseen = UnseenMap.load(recipe.unseen_map, vocabulary)
    elif semantics is None:
        unseen = UnseenMap.build(vocabulary, texts, recipe.unseen)
    else:
        track = semantics.track(f"words of {domain.name} that are no anchors")
        unseen = UnseenMap.build(vocabulary, texts, recipe.unseen, semantics.encoder, track)
    matrix = unseen.apply(texts)
    coverage = Coverage.of(matrix, unseen.report(texts).unmapped)
    return MappedItems(unseen.vocabulary, matrix, coverage, unseen, semantics)
