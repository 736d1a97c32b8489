"""How the threads of the process wait for each other. It changes no result."""

from __future__ import annotations

import os
import sys

BUSY = 0.5
"""Load of each core, averaged over a minute, from which on other programs are said to keep the cores busy."""
TURNS = 1000
"""Turns of a loop that a thread waits before it sleeps: some microseconds. The default of GNU OpenMP is 300,000."""


def share_cores() -> None:
    """Let waiting threads sleep soon where other programs use the cores. It works on Linux, before torch is imported.

    PyTorch's threads wait in a loop, which is fastest on an idle machine. On a busy one they keep each other from the
    cores: training by two threads beside two other jobs on two cores takes many times as long. Settings of the user are
    left alone.
    """
    if sys.platform != "linux" or {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
        return
    if os.getloadavg()[0] > BUSY * (os.cpu_count() or 1):
        os.environ["GOMP_SPINCOUNT"] = str(TURNS)
