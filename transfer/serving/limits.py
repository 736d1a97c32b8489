"""`Limits`: middleware of the service that limits and counts requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domains.errors import InputError, suggest

LARGEST_BODY = 1 << 20
"""Maximum size of a request in bytes."""
MOST_DRAINED = 32 << 20
"""Bytes of a longer request that are read and dropped: some clients read no answer before they have sent all."""
HINTS = {
    "empty-history": 'Give titles or ids, such as {"history": ["first title", "second title"]}',
    "no-interest": 'Give words, such as {"interests": ["space", "war"]}',
    "unknown-item": "Give ids of items of the run",
    "unknown-title": "Write the title as in the catalogue, or give the id",
}
"""Hints of the service in place of those that name options of a command, by code."""
EXAMPLE = 'Send a JSON object such as {"user": "42"}, with the header Content-Type: application/json'


class Limits:
    """Middleware that refuses long bodies, and counts requests and their time.

    Args:
        app: the application behind it.
        answered: gets path, status and seconds of every request.
    """

    def __init__(self, app: ASGIApp, answered: Callable[[str, int, float], None]) -> None:
        self.app, self.answered = app, answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other kinds of messages pass."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        body = await _body(scope, receive)
        try:
            if body is None:
                problem = f"the body is longer than {LARGEST_BODY:,} bytes"
                await problem_response(413, "long-body", problem, "Send less")(scope, receive, noted)
            else:
                await self.app(scope, _replayed(body, receive), noted)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            self.answered(path, status, time.perf_counter() - started)


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the whole body, or None if it is too long; then up to `MOST_DRAINED` bytes of it are dropped."""
    body, size, more = bytearray(), 0, True
    while more and size < MOST_DRAINED:
        message = await receive()
        part = message.get("body", b"")
        size, more = size + len(part), message.get("more_body", False)
        if size <= LARGEST_BODY:
            body += part
    return bytes(body) if size <= LARGEST_BODY else None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives the body once, then what follows it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def input_response(status: int, error: InputError) -> JSONResponse:
    """Return an error of the library as JSON; what names a command or its options gets a hint of the service."""
    hint = error.hint or ""
    of_commands = "--" in hint or "transfer " in hint
    return problem_response(status, error.code, error.problem, HINTS.get(error.code) if of_commands else error.hint)


def invalid_response(error: RequestValidationError, known: Iterable[str]) -> JSONResponse:
    """Return the first problem of a request as JSON.

    Args:
        error: what FastAPI found.
        known: keys of a request.
    """
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    if first["type"] == "json_invalid":
        return no_json_response()
    if not where and first["type"] != "value_error":
        return problem_response(422, "request", "the body is not a JSON object", EXAMPLE)
    if first["type"] == "extra_forbidden":
        hint = f"{suggest(where, known)}Known keys: {', '.join(known)}"
        return problem_response(422, "request", f"unknown key {where!r}", hint)
    if first["type"] in {"too_long", "string_too_long"}:
        told = f"longer than {first['ctx']['max_length']:,}"
    else:
        told = first["msg"].removeprefix("Value error, ")
    return problem_response(422, "request", f"{where}: {told}" if where else told, "Correct this value")


def no_json_response() -> JSONResponse:
    """Return the error of a body that is no JSON."""
    return problem_response(422, "request", "the body is not valid JSON", EXAMPLE)


def problem_response(status: int, code: str, problem: str, hint: str | None) -> JSONResponse:
    """Return an error as JSON: code, problem, hint."""
    return JSONResponse({"code": code, "problem": problem, "hint": hint}, status_code=status)
