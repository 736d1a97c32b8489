"""Explanations: interests before and after diffusion, the parts of each score, and neighbours of an anchor."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import vstack

from domains.domain import Ints
from domains.errors import InputError, RunError, SettingsError, suggest
from transfer.files import replacing
from transfer.interests.original import interaction_weights, original_interests
from transfer.runs.target_run import TargetRun
from transfer.serving.history import History, Indices
from transfer.serving.recommend import ALL, Filters, Recommendation, Recommender
from transfer.terms.joined import joined
from transfer.terms.late_terms import TERMS

ANCHORS = 10
"""Number of interests shown before diffusion, and again after."""
SOURCES = 3
"""Maximum number of past items named for an interest or a recommendation."""
OWN = "model"
"""Name of the own score of a model or baseline among the terms."""
FORMATS = ("png", "svg", "pdf", "jpg")
"""Formats of a figure, by the suffix of its file."""
MOST_NEIGHBOURS = 15
"""Default number of anchors that `anchor_neighbours` returns."""


@dataclass(frozen=True)
class Made:
    """The contribution of a past item.

    Attributes:
        item: title of the item, or its id if it has no title.
        value: its part of the interest or the score.
    """

    item: str
    value: float


@dataclass(frozen=True)
class Interest:
    """One anchor of a user's interests.

    Attributes:
        anchor: the word.
        before: weight in s'_0, before diffusion.
        after: weight after diffusion; None if the run has no S2IDM.
        sources: past items that contribute to `before`, the largest first; empty if diffusion added the anchor.
    """

    anchor: str
    before: float
    after: float | None
    sources: tuple[Made, ...]


@dataclass(frozen=True)
class Carried:
    """A recommendation and the parts of its score.

    Attributes:
        recommendation: the item.
        terms: parts of the score, from the model and each late term.
        sources: past items by their contribution to late terms, the largest first.
    """

    recommendation: Recommendation
    terms: dict[str, float]
    sources: tuple[Made, ...]


@dataclass(frozen=True)
class Explanation:
    """An explanation of a user's recommendations.

    Attributes:
        interests: the largest interests before and after diffusion, ordered by the weight before.
        recommended: the recommended items, the best first.
    """

    interests: tuple[Interest, ...]
    recommended: tuple[Carried, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def explain(recommender: Recommender, history: History, count: int = 10, filters: Filters = ALL) -> Explanation:
    """Explain the recommendations for one user.

    Args:
        recommender: recommender of a target run.
        history: history of one user.
        count: number of items.
        filters: which items may be recommended.
    """
    return Explanation(interests_of(recommender, history), _carried(recommender, history, count, filters))


def interests_of(recommender: Recommender, history: History) -> tuple[Interest, ...]:
    """Return a user's largest interests before and after diffusion, with the past items that they come from."""
    run, domain, words = recommender.run, history.domain, recommender.run.vocabulary.words
    whole = original_interests(
        domain, run.item_anchors, domain.offsets[:-1], domain.offsets[1:], run.interests, run.vocabulary.idf
    )
    before = whole.toarray()[0]
    after = None if run.s2idm is None else _diffused(recommender, history)
    shown = _largest(before) if after is None else np.union1d(_largest(before), _largest(after))
    ordered = sorted(shown.tolist(), key=lambda anchor: (-before[anchor], 0 if after is None else -after[anchor]))
    made = _by_item(recommender, history, before)
    return tuple(
        Interest(
            words[anchor],
            float(before[anchor]),
            None if after is None else float(after[anchor]),
            _sources(recommender, domain.items, made[:, anchor]),
        )
        for anchor in ordered
    )


def _by_item(recommender: Recommender, history: History, before: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return (N, q) the contribution of each interaction to each interest; the rows add up to s'_0."""
    run, domain = recommender.run, history.domain
    _, positions, weights = interaction_weights(domain, domain.offsets[:-1], domain.offsets[1:], run.interests)
    made = run.item_anchors[domain.items[positions]].toarray() * weights[:, None]
    total = made.sum(axis=0)
    scale = np.divide(before, total, out=np.zeros_like(before), where=total > 0)
    added: npt.NDArray[np.float32] = (made * scale).astype(np.float32)
    return added


def _diffused(recommender: Recommender, history: History) -> npt.NDArray[np.float32]:
    factory = recommender.run.interest_factory(history.domain, recommender.device)
    diffused = factory.made("s2idm", factory.original(history.domain.offsets[1:]))
    values: npt.NDArray[np.float32] = diffused.rows(torch.zeros(1, dtype=torch.int64))[0].float().numpy()
    return values


def _largest(values: npt.NDArray[np.float32]) -> Ints:
    best = np.argsort(-values, kind="stable")[:ANCHORS]
    return best[values[best] > 0]


def _sources(recommender: Recommender, items: Indices, values: npt.NDArray[np.float32]) -> tuple[Made, ...]:
    best = np.argsort(-values, kind="stable")[:SOURCES]
    return tuple(Made(recommender.titles.label(int(items[i])), float(values[i])) for i in best if values[i] > 0)


@torch.no_grad()
def _carried(recommender: Recommender, history: History, count: int, filters: Filters) -> tuple[Carried, ...]:
    top = recommender.top(history, count, filters)
    items = top.items[0][top.items[0] >= 0]
    terms = _terms(recommender, history, items)
    found = recommender.reasons.contributions(history, items[None], recent=max(1, history.domain.n_interactions))
    added = sum(found.terms.values(), np.zeros((1, found.past.shape[1], len(items)), np.float32))[0]
    past = np.where(found.past[0] >= 0, found.past[0], 0)
    return tuple(
        Carried(
            recommendation,
            {name: float(values[place]) for name, values in terms.items()},
            _sources(recommender, past, np.where(found.past[0] >= 0, added[:, place], 0)),
        )
        for place, recommendation in enumerate(recommender.described(history, top)[0])
    )


def _terms(recommender: Recommender, history: History, items: Ints) -> dict[str, npt.NDArray[np.float32]]:
    """Return the parts of the scores of items (k,), from the model and each late term."""
    scorer, domain, targets = recommender.scorer, history.domain, history.targets
    first, chosen = torch.zeros(1, dtype=torch.int64), torch.from_numpy(items)
    parts: dict[str, npt.NDArray[np.float32]] = {}
    if scorer.model is not None or scorer.ranker is not None:
        own = scorer.own(domain, targets, recommender.interests_of(domain))
        parts[OWN] = own(first)[0][chosen].float().numpy()
    for term in TERMS.values():
        used = [name for name in term.weights if getattr(scorer.weights, name)]
        if used:
            scores = joined(None, scorer.known, domain, targets, scorer.weights.only(used))(first)[0]
            parts[term.name] = scores[chosen].float().numpy()
    return parts


def draw(explanation: Explanation, file: Path) -> None:
    """Draw interests before and after diffusion, and the parts of each score.

    Args:
        explanation: explanation for one user.
        file: file to write; its suffix (png, svg, pdf) is the format.

    Raises:
        InputError: the suffix is no format, or the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kind = figure_format(file)
    figure = Figure(figsize=(13, 0.34 * max(len(explanation.interests), len(explanation.recommended), 6) + 1.6))
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    rows, diffused = np.arange(len(explanation.interests)), any(one.after is not None for one in explanation.interests)
    apart = 0.2 if diffused else 0.0
    label = "before diffusion" if diffused else "weight"
    _bars(left, rows - apart, [one.before for one in explanation.interests], label)
    if diffused:
        _bars(left, rows + apart, [one.after or 0.0 for one in explanation.interests], "after diffusion")
    left.set_yticks(rows, [one.anchor for one in explanation.interests])
    left.set_title("Interests, as shares of the largest")
    places = np.arange(len(explanation.recommended))
    ends = {sign: np.zeros(len(places)) for sign in (-1, 1)}
    for name in explanation.recommended[0].terms if explanation.recommended else ():
        values = np.array([one.terms[name] for one in explanation.recommended])
        if not values.any():
            continue
        right.barh(places, values, left=np.where(values < 0, ends[-1], ends[1]), label=name)
        for sign, end in ends.items():  # what lowers a score stands left of zero
            ends[sign] = end + np.where(np.sign(values) == sign, values, 0)
    items = [one.recommendation for one in explanation.recommended]
    # Titles may hold dollar signs, between which matplotlib reads formulas.
    right.set_yticks(places, [(item.title or item.item_id)[:40] for item in items], parse_math=False)
    right.set_title("Parts of each score")
    for axes in (left, right):
        axes.invert_yaxis()
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), ncols=4, fontsize=8, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    with replacing(file) as unfinished:
        figure.savefig(unfinished, format=kind)


def figure_format(file: Path) -> str:
    """Return the format of a figure, by the suffix of its file.

    Raises:
        InputError: the suffix is no format.
    """
    kind = file.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise SettingsError(
            f"{file.suffix!r} is no format of a figure" if kind else "the name has no suffix",
            location=file,
            hint=f"Name it {file.with_suffix('.png').name}, or with another of: {', '.join(FORMATS)}",
            code="figure-format",
        )
    return kind


def _bars(axes: Any, rows: npt.NDArray[np.floating], values: list[float], label: str) -> None:
    largest = max(values, default=0.0) or 1.0
    axes.barh(rows, [value / largest for value in values], height=0.4, label=label)


@dataclass(frozen=True)
class Neighbour:
    """An anchor that diffusion raises for an interest in another word.

    Attributes:
        anchor: the anchor.
        gain: its value after diffusion of an interest in the word, minus its value after diffusion of no interests.
        items: number of the target's items with the anchor.
    """

    anchor: str
    gain: float
    items: int


def anchor_neighbours(run: TargetRun, word: str, count: int = MOST_NEIGHBOURS) -> list[Neighbour]:
    """Return the anchors that diffusion raises most for a user with an interest in one word only.

    Raises:
        InputError: the word has no anchor, or the run has no S2IDM.
    """
    if run.s2idm is None:
        raise RunError(
            "this run has no S2IDM",
            location="anchors neighbours",
            hint="Adapt with a variant of S2IDM",
            code="no-s2idm",
        )
    unseen, vocabulary = run.unseen(), run.vocabulary
    wanted = vocabulary.encode([word]).matrix if unseen is None else unseen.apply([word])
    if wanted.nnz == 0:
        raise InputError(
            f"{word!r} has no anchor",
            location="anchors neighbours",
            hint=f"{suggest(word.lower(), vocabulary.words)}transfer inspect RUN lists frequent ones",
            code="unknown-anchor",
        )
    rows = vstack([wanted, wanted * 0], format="csr").astype(np.float32)
    after = run.s2idm.diffuse(rows).rows(torch.arange(2)).float().numpy()
    gain = after[0] - after[1]
    gain[wanted.indices] = -np.inf
    met = np.bincount(run.item_anchors.indices, minlength=len(vocabulary))
    best = np.argsort(-gain, kind="stable")[:count]
    return [Neighbour(vocabulary.words[i], float(gain[i]), int(met[i])) for i in best if gain[i] > 0]
