"""Ctrl-C and SIGTERM are obeyed within two seconds, also while a long computation does not listen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

SCRIPT = """
import sys, time
import typer
import transfer.cli.main as main
app = typer.Typer()
@app.command()
def command():
    print("ready", flush=True)
    {work}
main.app = app
sys.argv = ["transfer"]
main.main()
"""
IN_PYTHON = "while True: time.sleep(0.01)"
# Waits inside C and takes up its wait again after every signal that Python handles later; holds no lock of Python.
IN_C = "import ctypes; lib = ctypes.CDLL(None); [lib.usleep(900_000) for _ in iter(int, 1)]"
DEAF = "import signal\n    while True:\n        try: time.sleep(30)\n        except KeyboardInterrupt: pass"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("work", [IN_PYTHON, IN_C, DEAF], ids=["python", "c", "deaf"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_are_obeyed(work, number, code):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(work=work)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    began = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert time.monotonic() - began < 4  # two seconds, and what a busy machine adds
    assert (process.returncode, said) == (
        code,
        "Stopped. Finished results are kept: run the same command to resume.\n",
    )
