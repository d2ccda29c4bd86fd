"""Settings of the processor and of its memory, under which a step of training takes least time."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import torch

SHARED = 2**18
"""numbers that torch shares among its threads"""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
# Bytes; glibc takes no more.
LARGEST_KEPT_BLOCK = 32 * 2**20
# mallopt takes an int: so many bytes of free memory at the heap's top are kept at most.
LARGEST_KEPT_HEAP = 2**31 - 1


@contextmanager
def subnormals_as_zero(device: torch.device) -> Iterator[None]:
    """Flush float32 numbers below 1.2e-38 to 0 on this CPU thread within the block, and restore the mode afterwards."""
    # A CPU takes many times as long over a number below 1.2e-38 as over any other. A network may come to have many: of one
    # with self-attention, trained by AdamW, a step took twice as long from the 900th on.
    if device.type != "cpu" or _takes_subnormals_for_zero():
        yield
        return
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def start_threads() -> None:
    """Start the threads that torch shares its work with, so that they take subnormals for zero."""
    # They keep the setting of the thread that starts them, which must be the same in a resumed run as in any other.
    with subnormals_as_zero(torch.device("cpu")):
        torch.ones(SHARED).add_(1)


def _takes_subnormals_for_zero() -> bool:
    # torch can set the mode but not report it, so a number shows it that would be subnormal.
    return bool(torch.finfo(torch.float32).tiny * torch.ones(()) / 2 == 0)


def keep_freed_memory() -> bool:
    """Have this process keep what it frees, from now on; return whether its C library can (glibc can).

    This alone stays after a training. glibc does not say what its thresholds were, and by itself moves them as a program
    runs until somebody sets one: put back to any number, they would be slower for the rest of the process than before.
    No result depends on it; up to `LARGEST_KEPT_HEAP` bytes of freed memory stay with the process.
    """
    # Each step allocates and frees the same activations. glibc gives large blocks back to the kernel at once and pays a
    # page fault for each page when it asks for them again: a quarter of a small network's step. Kept blocks are found
    # again.
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, LARGEST_KEPT_BLOCK) and mallopt(_M_TRIM_THRESHOLD, LARGEST_KEPT_HEAP)
    )
