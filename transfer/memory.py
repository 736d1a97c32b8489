"""Settings of the process's memory that make large tensors cheap. They change no result."""

from __future__ import annotations

import ctypes
import os
import sys

_HUGE_PAGES = "THP_MEM_ALLOC_ENABLE"
"""PyTorch reads this variable when it first needs memory."""
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_GLIBC_SETTINGS = frozenset({"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES"})


def reuse_memory() -> None:
    """Use large pages, and keep freed memory for the next tensor. It works on Linux, and best before the first tensor.

    By default every large tensor is new memory, which the kernel fills with zeros in pages of 4 kB when they are first
    written: a fifth of an epoch, and half the time in which all items are scored. Settings of the user are left alone.
    """
    if sys.platform != "linux":
        return
    os.environ.setdefault(_HUGE_PAGES, "1")
    options = getattr(ctypes.CDLL(None), "mallopt", None)
    if options is not None and not _GLIBC_SETTINGS & os.environ.keys():
        for option, value in ((_MMAP_THRESHOLD, 1 << 30), (_TRIM_THRESHOLD, 1 << 30), (_TOP_PAD, 1 << 26)):
            options(option, value)
