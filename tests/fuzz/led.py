"""``python -m tests.fuzz.led TARGET``: fuzz one target, led by coverage, until a failure is found or it is stopped.

It needs atheris (``pip install atheris``). Further options are libFuzzer's: ``-max_total_time=3600``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["domains", "vocab", "recipes", "transfer"]):  # before anything imports them
    from tests.fuzz.targets import SEEDS, TARGETS


def main() -> None:
    """Start from the target's good inputs."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        raise SystemExit(f"name a target: {', '.join(TARGETS)}")
    name, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(SEEDS[name]):
            (Path(corpus) / str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *options, corpus], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
