"""A run that is killed at random moments and started again leaves, byte for byte, what an undisturbed one leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(os.name != "posix", reason="forks")
def test_a_few_kills_change_no_byte():
    # In a process of its own: a fork of this one would have the threads of other tests' libraries cut off.
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kills", "--count", "3"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(3 of 3," in done.stdout
