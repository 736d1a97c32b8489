"""``python -m tests.fuzz --minutes 60``: damage good inputs at random, and try every target in turn.

``python -m tests.fuzz.led TARGET`` lets coverage lead one target. What is found is
written to ``build/fuzz/`` and becomes a test.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from tests.fuzz.targets import SEEDS, TARGETS

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

FOUND = Path("build/fuzz")
PIECES = [
    b"\0",
    b"\xff",
    b"{",
    b"[" * 2000,
    b'"',
    b"\n",
    b",",
    b"-",
    b"9" * 5000,
    b"NaN",
    b"1e999",
    b"\xe2\x80\xae",
    b"../",
]


def damaged(data: bytes, draw: random.Random) -> bytes:
    """Some bytes of an input changed, cut out, doubled, or replaced by what often hurts."""
    out = bytearray(data)
    for _ in range(draw.randint(1, 6)):
        place = draw.randrange(len(out) + 1)
        end = min(len(out), place + draw.randint(0, 16))
        kind = draw.randrange(4)
        if kind == 0 and place < len(out):
            out[place] ^= 1 << draw.randrange(8)
        elif kind == 1:
            del out[place:end]
        elif kind == 2:
            out[place:place] = out[place:end]
        else:
            out[place:end] = draw.choice(PIECES)
    return bytes(out)


def fuzz(seconds: float, seed: int, names: list[str]) -> int:
    """Try damaged inputs for some time; return how many were tried.

    Raises:
        Exception: what a target raised; its input is kept.
    """
    draw, end, tried = random.Random(seed), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for name in names:
            data = damaged(draw.choice(SEEDS[name]), draw)
            try:
                TARGETS[name](data)
            except Exception:
                FOUND.mkdir(parents=True, exist_ok=True)
                path = FOUND / f"{name}-{tried}"
                path.write_bytes(data)
                print(f"{name} failed; its input is kept in {path}", file=sys.stderr)
                raise
            tried += 1
    return tried


@app.command()
def main(
    minutes: Annotated[float, typer.Option(help="How long.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Of the damages.")] = 0,
    only: Annotated[list[str] | None, typer.Option(help=f"Targets: {', '.join(TARGETS)}; all by default.")] = None,
) -> None:
    """Feed random input to everything that reads what others wrote."""
    tried = fuzz(minutes * 60, seed, only or list(TARGETS))
    print(f"{tried:,} inputs, each used or refused with one message")


if __name__ == "__main__":
    app()
