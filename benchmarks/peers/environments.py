"""Virtual environments for peers, made once under a cache folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.peers.job import Job, Measured

SCRIPTS = Path(__file__).parent
TORCH = "torch>=2.6,<2.14"
"""Named in the same command, so that a peer gets the same tensor library as this project."""
REQUIREMENTS = {
    "rectools": ("rectools[torch]==0.19.0",),
    # RecBole 1.2.1 uses names that newer NumPy, pandas and SciPy have dropped.
    "recbole": ("recbole==1.2.1", "numpy<2", "pandas<2.3", "scipy<1.13", "setuptools<80"),
}


def environment(name: str, cache: Path) -> Path:
    """The Python of a peer's environment; made on first use.

    Args:
        name: key of `REQUIREMENTS`.
        cache: folder of all environments.
    """
    folder = cache / name
    python, done = folder / "bin" / "python", folder / "requirements.json"
    wanted = json.dumps([*REQUIREMENTS[name], TORCH])
    if not done.exists() or done.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS[name], TORCH], check=True)
        done.write_text(wanted)
    return python


def run_peer(python: Path, script: str, job: Job, scratch: Path) -> Measured:
    """Run a peer's script in a process of its own.

    Args:
        python: of its environment.
        script: file name beside this module.
        job: what to do.
        scratch: folder for question and answer.

    Raises:
        RuntimeError: it failed; the message ends in what it said.
    """
    return Measured(**answered(python, script, asdict(job), scratch, job.threads))


def answered(python: Path, script: str, job: dict[str, Any], scratch: Path, threads: int) -> dict[str, Any]:
    """What a peer's script answers to a job; see `run_peer`."""
    question, answer = scratch / "job.json", scratch / "measured.json"
    question.write_text(json.dumps(job))
    limits = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    command = [str(python), "-W", "ignore", str(SCRIPTS / script), str(question), str(answer)]
    done = subprocess.run(command, cwd=scratch, env={**os.environ, **limits}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{script} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(answer.read_text())
    return found
