"""Put what the commands print into the README: `python docs/fill_readme.py [RUN_FOLDER]`.

Runs the bundled recipe into the folder (a finished run in it is reused) and asks it for recommendations.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
HISTORY = "Gravity (2013); Iron Man 3 (2013)"


def output_of(*arguments: str) -> str:
    """What `transfer` prints on standard output, 100 columns wide."""
    command = [str(Path(sys.executable).parent / "transfer"), *arguments]
    environment = {**os.environ, "COLUMNS": "100"}
    shown = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603
    return "\n".join(line.rstrip() for line in shown.stdout.rstrip().splitlines())


def filled(text: str, marker: str, content: str) -> str:
    """The text with a block between `<!-- marker -->` and `<!-- /marker -->` replaced."""
    pattern = re.compile(f"<!-- {marker} -->.*?<!-- /{marker} -->", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"the page has no block <!-- {marker} --> ... <!-- /{marker} -->")
    return pattern.sub(lambda _: f"<!-- {marker} -->\n{content}\n<!-- /{marker} -->", text, count=1)


def main() -> None:
    """Run, ask, write."""
    folder = sys.argv[1] if len(sys.argv) > 1 else "runs/book_to_film"
    began = time.perf_counter()
    table = output_of("run", "book_to_film", "--out", folder).replace(folder, "runs/book_to_film")
    minutes, seconds = divmod(round(time.perf_counter() - began), 60)
    answer = output_of("recommend", f"{folder}/target", "--history", HISTORY, "-k", "5")
    note = f"({datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPU cores, {minutes} min {seconds} s.)"
    text = README.read_text(encoding="utf-8")
    text = filled(text, "run", f"```\n{table}\n```\n\n{note}")
    command = f'transfer recommend runs/book_to_film/target --history "{HISTORY}" -k 5'
    text = filled(text, "recommend", f"```\n$ {command}\n{answer}\n```")
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
