"""A target run as a web service: recommendations, explanations, health, metrics, and a page to try it."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.exceptions import HTTPException

from domains.domain import TimeKind
from domains.errors import InputError
from transfer.runs.artifact import CONFIG
from transfer.serving.explain import explain
from transfer.serving.history import History
from transfer.serving.input_files import filters_of
from transfer.serving.limits import Limits, input_response, invalid_response, no_json_response, problem_response
from transfer.serving.opened import INSIDE, open_run
from transfer.serving.recommend import Filters, Recommendation, Recommender
from transfer.serving.request_queue import Batcher

logger = logging.getLogger(__name__)

LONGEST_HISTORY = 1000
MOST_ITEMS = 1000
"""Maximum number of recommendations in an answer."""
MOST_FILTERED = 10_000
"""Maximum number of ids in a filter."""
MOST_WAITING = 1024
"""Maximum number of requests for recommendations that wait; they are answered together."""
MOST_EXPLAINED = 32
"""Maximum number of requests for explanations that wait; each is answered alone."""
RELOAD_SECONDS = 2.0
"""Seconds between checks of the folder for a new run."""
NOT_FOUND = frozenset({"unknown-user"})


class Question(BaseModel):
    """A request for recommendations. Exactly one of user, history and interests must be given."""

    model_config = ConfigDict(extra="forbid")

    user: str | None = Field(None, max_length=1000, description="Id of a user of the target.")
    history: list[str] | None = Field(None, max_length=LONGEST_HISTORY, description="Titles or ids, oldest first.")
    interests: list[str] | None = Field(None, max_length=50, description="Words in place of a history.")
    count: int = Field(10, ge=1, le=MOST_ITEMS, description="How many items.")
    only_items: list[str] | None = Field(
        None, max_length=MOST_FILTERED, description="Ids that may be recommended; an empty list: none."
    )
    without_items: list[str] | None = Field(None, max_length=MOST_FILTERED, description="Ids that may not be.")
    allow_seen: bool = Field(False, description="Recommend items of the history as well.")

    @model_validator(mode="after")
    def _one(self) -> Question:
        if sum(given is not None for given in (self.user, self.history, self.interests)) != 1:
            raise ValueError("give exactly one of user, history and interests")
        return self


class Item(BaseModel):
    """One recommendation."""

    item_id: str
    title: str
    label: str = Field(description="The title, with the id if others share it or there is none.")
    score: float = Field(description="Compares with other scores of the same answer only.")
    share: float = Field(description="From the user's average item, 0, to the best one, 1.")
    reason: str
    anchors: list[str]


class Answer(BaseModel):
    """Recommendations, the best first."""

    items: list[Item]
    notes: list[str] = Field(description="Which item was taken for a text that fits several; words that nothing fits.")
    run: str = Field(description="Fingerprint of the domain and variant that answered.")


@dataclass(frozen=True, eq=False)
class Loaded:
    """A loaded run.

    Attributes:
        recommender: recommender of the run.
        stamp: changes when the folder holds another run.
    """

    recommender: Recommender
    stamp: object

    @property
    def name(self) -> str:
        """Domain and variant, with the domain's fingerprint."""
        run = self.recommender.run
        return f"{run.domain.name} {run.variant.label} {run.domain.fingerprint[:12]}"


class Service:
    """Holds the run, reloads it when the folder has changed, and counts requests.

    Args:
        place: folder of the run.
        variant: label of another finished variant; default: the product.
    """

    def __init__(self, place: str | Path, variant: str | None = None) -> None:
        self.place, self.variant = Path(place), variant
        self.loaded = self._load()
        _freeze_memory()
        self.counts: Counter[tuple[str, int]] = Counter()
        self.seconds = 0.0
        self.reloads = self.failed_reloads = self.batches = self.batched = 0
        self._problem = ""

    def _load(self) -> Loaded:
        stamp = self._stamp()
        recommender = Recommender(open_run(self.place, self.variant))
        recommender.titles.find_all([])
        if recommender.run.domain.n_items:  # prepares what all answers share, before the first one waits for it
            recommender.recommend(History.of_items(recommender.run.domain, np.zeros(1, np.int64)), 1)
        return Loaded(recommender, stamp)

    def _stamp(self) -> object:
        for folder in (self.place, self.place / INSIDE):
            file = folder / CONFIG
            if file.is_file():
                stat = file.stat()
                return str(folder), stat.st_mtime_ns, stat.st_ino
        return None

    def reload_if_new(self) -> bool:
        """Load the run in the folder if it is a new one; keep the old one if the new one cannot be read."""
        stamp = self._stamp()
        if stamp is None or stamp == self.loaded.stamp:
            return False
        try:
            self.loaded = self._load()
        except Exception as error:
            # Whatever is wrong with the new run, the old one goes on and the next one is tried.
            if str(error) != self._problem:  # it is tried again every few seconds
                why = None if isinstance(error, InputError) else error
                logger.error("the new run cannot be read, and the old one goes on: %s", error, exc_info=why)
            self._problem = str(error)
            self.failed_reloads += 1
            return False
        self._problem = ""
        self.reloads += 1
        _freeze_memory()
        return True

    def answer_all(self, questions: Sequence[Question]) -> list[Answer | InputError]:
        """Answer requests. Requests by user or history with the same filters share one pass over the items."""
        loaded = self.loaded
        out: list[Answer | InputError | None] = [None] * len(questions)
        groups: dict[tuple[bool, bool, TimeKind], list[tuple[int, History]]] = {}
        for place, question in enumerate(questions):
            try:
                filtered = question.only_items is not None or question.without_items is not None
                if filtered or question.interests is not None:
                    out[place] = self._alone(loaded, question)
                else:
                    history = self._history(loaded, question)
                    key = question.allow_seen, history.typed, history.domain.time_kind
                    groups.setdefault(key, []).append((place, history))
            except InputError as error:
                out[place] = error
        for (allow_seen, *_), members in groups.items():
            self._together(loaded, questions, members, allow_seen, out)
        self.batches += 1
        self.batched += len(questions)
        return [one for one in out if one is not None]

    def _together(
        self,
        loaded: Loaded,
        questions: Sequence[Question],
        members: list[tuple[int, History]],
        allow_seen: bool,
        out: list[Answer | InputError | None],
    ) -> None:
        recommender = loaded.recommender
        history = History.joined([one for _, one in members])
        top = recommender.top(
            history, max(questions[place].count for place, _ in members), Filters(None, None, allow_seen)
        )
        for person, found in enumerate(recommender.described(history, top)):
            place, mine = members[person]
            out[place] = _answer(loaded, found[: questions[place].count], _notes(mine, allow_seen))

    def _alone(self, loaded: Loaded, question: Question) -> Answer:
        recommender = loaded.recommender
        filters, unknown = _filters(recommender, question)
        if question.interests is not None:
            fit = recommender.interests.fit(question.interests)
            return _answer(loaded, recommender.recommend_for(fit, question.count, filters), (*unknown, *fit.notes))
        history = self._history(loaded, question)
        found = recommender.recommend(history, question.count, filters)
        return _answer(loaded, found, (*unknown, *_notes(history, question.allow_seen)))

    def _history(self, loaded: Loaded, question: Question) -> History:
        recommender = loaded.recommender
        if question.user is not None:
            return History.of_user(recommender.run.domain, question.user)
        return History.of_titles(recommender.run.domain, question.history or [], recommender.titles)

    def explain_all(self, questions: Sequence[Question]) -> list[dict[str, Any]]:
        """Explain answers: interests before and after diffusion, terms and past items.

        Raises:
            InputError: as for a recommendation.
        """
        return [self._explained(question) for question in questions]

    def _explained(self, question: Question) -> dict[str, Any]:
        loaded = self.loaded
        recommender = loaded.recommender
        if question.interests is not None:
            # A request by interests has no history; the best items are used instead.
            best = recommender.recommend_for(question.interests, 5)
            names = [item.item_id for item in reversed(best)]
            history = History.of_items(
                recommender.run.domain, np.array([recommender.titles.place_of(name) for name in names], np.int64)
            )
        else:
            history = self._history(loaded, question)
        count = min(question.count, 50)
        return explain(recommender, history, count, _filters(recommender, question)[0]).as_dict()

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.counts[path, status] += 1
        self.seconds += seconds

    def metrics(self) -> str:
        """Return the counters as Prometheus text."""
        lines = ["# TYPE transfer_requests_total counter"]
        lines += [
            f'transfer_requests_total{{path="{path}",status="{status}"}} {count}'
            for (path, status), count in sorted(self.counts.items())
        ]
        for name, value in (
            ("request_seconds_total", round(self.seconds, 6)),
            ("batches_total", self.batches),
            ("batched_questions_total", self.batched),
            ("reloads_total", self.reloads),
            ("failed_reloads_total", self.failed_reloads),
        ):
            lines += [f"# TYPE transfer_{name} counter", f"transfer_{name} {value}"]
        return "\n".join(lines) + "\n"


def _freeze_memory() -> None:
    """Collect garbage now, and never look at what is left again: with it, a collection holds up requests for 0.1 s."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def make_app(place: str | Path, variant: str | None = None) -> FastAPI:
    """Return the web application of a run.

    Args:
        place: folder of the run; a new run written there is loaded without a restart.
        variant: label of another finished variant; default: the product.

    Raises:
        InputError: there is no run in the folder.
    """
    service = Service(place, variant)
    executor = ThreadPoolExecutor(1, thread_name_prefix="recommend")
    answers: Batcher[Question, Answer | InputError] = Batcher(service.answer_all, executor, MOST_WAITING)
    explanations: Batcher[Question, dict[str, Any]] = Batcher(service.explain_all, executor, MOST_EXPLAINED, 1)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        async def watch() -> None:
            while True:
                await asyncio.sleep(RELOAD_SECONDS)
                await asyncio.get_running_loop().run_in_executor(executor, service.reload_if_new)

        watching = asyncio.create_task(watch())
        yield
        watching.cancel()
        await answers.close()
        await explanations.close()
        executor.shutdown(wait=False)

    app = FastAPI(title="Recommendations", description="Recommendations of a target run.", lifespan=life)
    app.state.service = service
    app.add_middleware(Limits, answered=service.answered)
    _describe_errors(app)
    _add_routes(app, service, answers, explanations)
    return app


def _describe_errors(app: FastAPI) -> None:
    """Answer errors of the user with code, problem and hint."""

    @app.exception_handler(InputError)
    async def refused(_: Request, error: InputError) -> JSONResponse:
        return input_response(404 if error.code in NOT_FOUND else 422, error)

    @app.exception_handler(asyncio.QueueFull)
    async def busy(_: Request, __: asyncio.QueueFull) -> JSONResponse:
        return problem_response(503, "busy", "too many questions wait", "try again in a second")

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return invalid_response(error, Question.model_fields)

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> JSONResponse:
        return problem_response(500, "internal", "the service failed", "Its log has the details")

    @app.exception_handler(HTTPException)
    async def elsewhere(request: Request, error: HTTPException) -> JSONResponse:
        there = request.url.path
        if error.status_code == 404:
            answer = problem_response(404, "no-such-path", f"there is nothing at {there}", "GET /docs lists all paths")
        elif error.status_code == 405:
            problem = f"{request.method} is not possible at {there}"
            answer = problem_response(405, "wrong-method", problem, "GET /docs lists all paths")
        elif error.status_code == 400:  # bytes that are no text, thousands of brackets, a number of thousands of digits
            answer = no_json_response()
        else:
            answer = problem_response(error.status_code, "request", str(error.detail), "GET /docs lists all paths")
        answer.headers.update(error.headers or {})
        return answer


def _add_routes(
    app: FastAPI,
    service: Service,
    answers: Batcher[Question, Answer | InputError],
    explanations: Batcher[Question, dict[str, Any]],
) -> None:
    """Add the addresses of the service."""

    @app.post("/recommend", response_model=Answer)
    async def recommend(question: Question) -> Response:
        """Recommend items for a user, a history or interests."""
        answer = await answers.ask(question)
        if isinstance(answer, InputError):
            raise answer
        # An answer is valid as it is: a response spares a second validation, which would hold up all other requests.
        return Response(answer.model_dump_json(), media_type="application/json")

    @app.post("/explain")
    async def explained(question: Question) -> dict[str, Any]:
        """Explain what `/recommend` answers."""
        return await explanations.ask(question)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """Say which run answers."""
        run = service.loaded.recommender.run
        return {"status": "ok", "run": service.loaded.name, "items": run.domain.n_items}

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> str:
        """Return counters as Prometheus text."""
        return service.metrics()

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page() -> str:
        return (files("transfer.serving") / "page.html").read_text(encoding="utf-8")


def _filters(recommender: Recommender, question: Question) -> tuple[Filters, tuple[str, ...]]:
    """Return the filters of a question, and notes on ids that are unknown."""
    domain, names = recommender.run.domain, ("only_items", "without_items")
    return filters_of(domain, question.only_items, question.without_items, question.allow_seen, names)


def _notes(history: History, allow_seen: bool) -> tuple[str, ...]:
    told = history.leaves_out_repeats and not allow_seen
    return (
        *history.notes,
        *(("What you typed is left out; with allow_seen (also items of the history) it comes back.",) if told else ()),
    )


def _answer(loaded: Loaded, found: Sequence[Recommendation], notes: Sequence[str]) -> Answer:
    label = loaded.recommender.titles.label_of
    items = [Item(**(vars(one) | {"anchors": list(one.anchors), "label": label(one.item_id)})) for one in found]
    return Answer(items=items, notes=list(notes), run=loaded.name)
