"""`Limits`: middleware of the service that limits and counts requests."""

from __future__ import annotations

import time
from collections.abc import Callable

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1 << 20
"""Maximum size of a request in bytes."""


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
                await problem_response(413, "long-body", problem, None)(scope, receive, noted)
            else:
                await self.app(scope, _replayed(body, receive), noted)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            self.answered(path, status, time.perf_counter() - started)


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the whole body, or None as soon as it is known to be too long."""
    given = dict(scope["headers"]).get(b"content-length", b"")
    if given.isdigit() and (len(given) > 20 or int(given) > LARGEST_BODY):
        return None
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


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


def problem_response(status: int, code: str, problem: str, hint: str | None) -> JSONResponse:
    """Return an error as JSON: code, problem, hint."""
    return JSONResponse({"code": code, "problem": problem, "hint": hint}, status_code=status)
