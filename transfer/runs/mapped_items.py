"""Map a target's items to the anchors of a source artifact, including unseen words."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.sparse import csr_matrix

from transfer.items.semantics import Semantics, same_encoder
from transfer.runs.plan import Plan
from transfer.runs.source_artifact import SourceArtifact
from transfer.runtime import Runtime
from vocab.coverage import Coverage
from vocab.unseen.unseen_map import UnseenMap
from vocab.vocabulary import SememeVocabulary


@dataclass(frozen=True, eq=False)
class MappedItems:
    """Items and their anchors.

    Attributes:
        vocabulary: the source's vocabulary, with the lemmas of the target's titles.
        anchors: (I, q) item-sememe matrix; 1 for anchors in the title, less for those of mapped words.
        coverage: share of items with anchors.
        unseen: map of unseen words; None if the recipe disables it.
        semantics: the sentence encoder, or None.
    """

    vocabulary: SememeVocabulary
    anchors: csr_matrix
    coverage: Coverage
    unseen: UnseenMap | None
    semantics: Semantics | None


def map_items(source: SourceArtifact, plan: Plan, runtime: Runtime) -> MappedItems:
    """Map the item texts of a target to the source's anchors.

    Args:
        source: artifact with the vocabulary.
        plan: item texts of the target, and settings of the map.
        runtime: shows progress.
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
