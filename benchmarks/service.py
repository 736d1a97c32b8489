"""``python -m benchmarks.service``: load on a service of its own process, over loopback.

Requests leave at a fixed rate, whether earlier ones were answered or not, and each waits from the moment at which it
was due: a service that stalls is not spared the requests of that time. Every answer is compared with the one that the
same history got alone, so that answers which were mixed up are found.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import httpx
import numpy as np
import numpy.typing as npt
import typer
import yaml

from benchmarks.synthetic import Size, write_tables
from recipes.load import load_recipe
from transfer.runs.pipeline import source_from, target_from
from transfer.runs.plan import make_plan
from transfer.runs.target_run import TargetRun
from transfer.runtime import Runtime
from transfer.serving.opened import open_run

COUNT = 10
"""Items of a measured answer."""
SPARE = 10
"""Further items of the answer that it is compared with: ties may fall out either way."""
SLACK = 1e-3
"""Scores that differ by less are the same: a batch rounds otherwise than a single request."""
PATIENCE = 120.0
"""Seconds that the service may take to start."""


@dataclass(frozen=True)
class Measured:
    """What a load test found.

    Attributes:
        asked: requests.
        failed: answers with another status than 200.
        mixed: answers that are not those of their history.
        seconds: from the first request to the last answer.
        waits: (n,) seconds between the moment a request was due and its answer.
    """

    asked: int
    failed: int
    mixed: int
    seconds: float
    waits: npt.NDArray[np.float64]

    def __str__(self) -> str:
        middle, late, latest = (1000 * np.quantile(self.waits, share) for share in (0.5, 0.99, 1.0))
        return (
            f"{self.asked:,} requests, {self.asked / self.seconds:,.0f} a second: "
            f"median {middle:.1f} ms, p99 {late:.1f} ms, "
            f"slowest {latest:.1f} ms; {self.failed:,} failed, {self.mixed:,} mixed up"
        )


def made_run(size: Size, folder: Path) -> Path:
    """Make a run of late terms alone on a made-up domain."""
    interactions, items = write_tables(size, folder)
    target = {"name": "made-up", "interactions": str(interactions), "items": str(items)}
    recipe = {"sources": [], "target": target, "variants": ["terms"]}
    (folder / "service.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    loaded = load_recipe(folder / "service.yaml")
    source = source_from(make_plan(loaded), folder / "source", Runtime())
    target_from(make_plan(loaded, source), source, folder / "target", Runtime())
    return folder / "target"


def histories_of(run: TargetRun, count: int, length: int) -> list[list[str]]:
    """Return the last items of some users, by id."""
    domain, generator = run.domain, np.random.default_rng(0)
    users = generator.choice(domain.n_users, min(count, domain.n_users), replace=False)
    ends = domain.offsets[1:][users]
    starts = np.maximum(domain.offsets[:-1][users], ends - length)
    ids = [str(name) for name in domain.item_ids.to_pylist()]
    return [[ids[item] for item in domain.items[start:end]] for start, end in zip(starts, ends, strict=True)]


def is_mixed(answer: list[dict[str, Any]], alone: list[dict[str, Any]]) -> bool:
    """Whether an answer is not that of the history, which got the other one alone."""
    scores = {item["item_id"]: item["score"] for item in alone}
    return any(
        abs(item["score"] - scores.get(item["item_id"], np.inf)) > SLACK * max(1.0, abs(item["score"]))
        for item in answer
    )


async def load(address: str, histories: list[list[str]], rate: float, seconds: float) -> Measured:
    """Ask for recommendations at a fixed rate.

    Args:
        address: of the service.
        histories: ids of items; they are asked for in turn.
        rate: requests a second.
        seconds: how long.
    """
    # A generator in the same language must be light, or it measures itself.
    connections, patience = aiohttp.TCPConnector(limit=64), aiohttp.ClientTimeout(total=30.0)
    async with aiohttp.ClientSession(address, connector=connections, timeout=patience) as client:

        async def ask(history: list[str], count: int) -> tuple[int, bytes]:
            async with client.post("/recommend", json={"history": history, "count": count}) as response:
                return response.status, await response.read()

        alone = [json.loads((await ask(history, COUNT + SPARE))[1])["items"] for history in histories]
        total = int(rate * seconds)
        waits = np.zeros(total)
        failed = mixed = 0
        began = time.perf_counter() + 0.1

        async def one(number: int) -> None:
            nonlocal failed, mixed
            due, place = began + number / rate, number % len(histories)
            status, answer = await ask(histories[place], COUNT)
            waits[number] = time.perf_counter() - due
            if status != httpx.codes.OK:
                failed += 1
            elif is_mixed(json.loads(answer)["items"], alone[place]):
                mixed += 1

        async with asyncio.TaskGroup() as group:
            for number in range(total):  # not all at once: to make so many tasks takes seconds
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                group.create_task(one(number))
        return Measured(total, failed, mixed, time.perf_counter() - began, waits)


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_for(address: str, service: subprocess.Popen[bytes]) -> None:
    """Wait until the service answers.

    Raises:
        RuntimeError: it ended, or did not answer in time.
    """
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and service.poll() is None:
        try:
            httpx.get(f"{address}/health", timeout=2.0).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("the service did not start")


def main(
    run: Annotated[Path | None, typer.Argument(help="Folder of a run; a made-up one by default.")] = None,
    rate: Annotated[float, typer.Option(min=1, help="Requests a second.")] = 200.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long.")] = 30.0,
    histories: Annotated[int, typer.Option(min=1, help="Different histories.")] = 500,
    length: Annotated[int, typer.Option(min=1, help="Items of a history at most.")] = 20,
    users: Annotated[int, typer.Option(min=100, help="Users of the made-up run.")] = 5_000,
    items: Annotated[int, typer.Option(min=100, help="Items of the made-up run.")] = 20_000,
    out: Annotated[Path | None, typer.Option(help="JSON file for the figures.")] = None,
) -> None:
    """Measure a service under load; ends with 1 if an answer failed or was mixed up."""
    with tempfile.TemporaryDirectory() as folder:
        place = run or made_run(Size(users, items), Path(folder))
        asked = histories_of(open_run(place), histories, length)
        port = free_port()
        command = [sys.executable, "-m", "transfer.cli.main", "serve", str(place), "--port", str(port)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service:
            try:
                wait_for(f"http://127.0.0.1:{port}", service)
                found = asyncio.run(load(f"http://127.0.0.1:{port}", asked, rate, seconds))
            finally:
                service.terminate()
    typer.echo(str(found))
    if out is not None:
        p50, p99 = (1000 * float(np.quantile(found.waits, share)) for share in (0.5, 0.99))
        figures = {"requests": found.asked, "a_second": found.asked / found.seconds, "median_ms": p50, "p99_ms": p99}
        out.write_text(json.dumps(figures | {"failed": found.failed, "mixed": found.mixed}), encoding="utf-8")
    if found.failed or found.mixed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
