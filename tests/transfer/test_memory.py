"""Large tensors reuse memory, and settings of the user stay."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="settings of Linux and glibc")
FAULTS = """
import resource
from transfer.memory import reuse_memory
{first}
import torch
for turn in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.empty(1 << 24).fill_(1.0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def ran(code, **variables):
    kept = {name: value for name, value in os.environ.items() if name != "THP_MEM_ALLOC_ENABLE"} | variables
    done = subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@linux
def test_a_second_large_tensor_needs_no_new_memory():
    assert int(ran(FAULTS.format(first=""))) > 10_000, "64 MB in pages of 4 kB"
    assert int(ran(FAULTS.format(first="reuse_memory()"))) < 1_000


@linux
@pytest.mark.parametrize("set_by_user", [{}, {"THP_MEM_ALLOC_ENABLE": "0"}])
def test_settings_of_the_user_stay(set_by_user):
    code = (
        "import os; from transfer.memory import reuse_memory; reuse_memory(); print(os.environ['THP_MEM_ALLOC_ENABLE'])"
    )
    assert ran(code, **set_by_user) == set_by_user.get("THP_MEM_ALLOC_ENABLE", "1")
    assert (
        int(ran(FAULTS.format(first="reuse_memory()"), MALLOC_TRIM_THRESHOLD_="1000", THP_MEM_ALLOC_ENABLE="0")) > 1_000
    )
