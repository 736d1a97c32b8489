"""`Batcher`: answers requests that arrive at about the same time together, with one matrix product."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Batcher(Generic[Question, Answer]):
    """Collects requests while earlier ones are being answered. A single request is answered at once.

    Args:
        answer: answers several requests, in order; called in the executor.
        executor: runs `answer`; one thread, so that batches do not compete for the cores.
        waiting: maximum number of waiting requests; more are refused.
        most: maximum number of requests per batch.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Question]], Sequence[Answer]],
        executor: Executor,
        waiting: int,
        most: int = 64,
    ) -> None:
        self._answer, self._executor, self._most = answer, executor, most
        self._queue: asyncio.Queue[tuple[Question, asyncio.Future[Answer]]] = asyncio.Queue(waiting)
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, question: Question) -> Answer:
        """Return the answer to a question.

        Raises:
            asyncio.QueueFull: too many questions wait.
        """
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((question, future))
        return await future

    async def close(self) -> None:
        """Stop answering."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
            self._worker = None

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._queue.get()]
            while len(batch) < self._most and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            questions = [question for question, _ in batch]
            try:
                answers = await loop.run_in_executor(self._executor, self._answer, questions)
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
