"""Ctrl-C and SIGTERM: stop at once, keep what is finished, say so once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import threading
from types import FrameType
from typing import Any, Self

INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C and after SIGTERM, as shells know them."""
GRACE = 1.5
"""Seconds that Python may take to obey before the process ends without it: a long computation in C does not listen."""
MESSAGE = "Stopped. What was finished is kept: the same command goes on from there."


class Interrupts:
    """Turns both signals into KeyboardInterrupt, and ends the process if that is not heard in time.

    Ending at once is safe: files are written under temporary names and renamed.
    """

    def __init__(self) -> None:
        self.code = INTERRUPTED
        self._stopped = threading.Event()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Handle the signals from now on; only the main thread of a process can."""
        if threading.current_thread() is not threading.main_thread():
            return self
        self._before = {number: signal.signal(number, self._heard) for number in (signal.SIGTERM, signal.SIGINT)}
        # The interpreter writes each signal's number here at once, also while the main thread computes in C.
        self._listener, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._watch, daemon=True, name="interrupts").start()
        return self

    def __exit__(self, *_: object) -> None:
        """Handle them as before."""
        self._stopped.set()
        if not self._before:
            return
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._writer.close()

    def _heard(self, number: int, _: FrameType | None) -> None:
        self.code = TERMINATED if number == signal.SIGTERM else INTERRUPTED
        raise KeyboardInterrupt

    def _watch(self) -> None:
        with self._listener:
            while numbers := self._listener.recv(16):
                heard = {signal.SIGTERM, signal.SIGINT} & set(numbers)
                if heard and not self._stopped.wait(GRACE):
                    for child in multiprocessing.active_children():
                        child.terminate()
                    os.write(2, f"{MESSAGE}\n".encode())
                    os._exit(TERMINATED if signal.SIGTERM in heard else INTERRUPTED)

    def finish(self) -> int:
        """Say that the command was stopped; return the exit code."""
        self._stopped.set()
        print(MESSAGE, file=sys.stderr)
        return self.code
