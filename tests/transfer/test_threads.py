"""Threads that wait, on idle and on busy machines."""

from __future__ import annotations

import os
import sys

import pytest

from transfer.threads import share_cores


@pytest.fixture
def spins(monkeypatch):
    """Return a function from a load and settings of the user to the setting that is made."""
    monkeypatch.setattr("os.cpu_count", lambda: 4)

    def made(load, **variables):
        monkeypatch.setattr("os.environ", variables)
        monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0), raising=False)
        share_cores()
        return os.environ.get("GOMP_SPINCOUNT")

    return made


@pytest.mark.skipif(sys.platform != "linux", reason="settings of GNU OpenMP on Linux")
def test_threads_sleep_soon_on_a_busy_machine_alone(spins):
    assert spins(2.1) == "1000"
    assert spins(1.9) is None
    assert spins(9.0, OMP_WAIT_POLICY="active") is None
    assert spins(9.0, GOMP_SPINCOUNT="7") == "7"
