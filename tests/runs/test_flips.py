"""Random flipped bits in all files of both artifacts: none is accepted in a file that is read, nothing crashes."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.flips import try_flips


def test_a_sample_of_flips(tiny, tmp_path):
    folders = [Path(shutil.copytree(getattr(tiny, kind), tmp_path / kind)) for kind in ("source", "target")]
    found = try_flips(folders, 80, seed=3)
    assert found["as it was: refused"] > 10
    assert "as it was: accepted" not in found
    assert found["listed by a stranger: refused"] > 5
