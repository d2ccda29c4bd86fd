"""How memory is kept and laid out.

Each step allocates and frees the same activations. glibc gives large blocks back to the kernel at once and pays a page
fault for each page when it asks for them again: a quarter of a small network's step. Kept blocks are found again.
"""

from __future__ import annotations

import ctypes

import torch
from torch import nn

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST_KEPT_BLOCK = 32 * 2**20
"""bytes; glibc takes no more"""
LARGEST_KEPT_HEAP = 2**31 - 1
"""bytes of free memory at the heap's top"""


def keep_freed_memory() -> bool:
    """Have this process keep what it frees, from now on; whether its C library could be told so (glibc can)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, LARGEST_KEPT_BLOCK) and mallopt(_M_TRIM_THRESHOLD, LARGEST_KEPT_HEAP)
    )


def lay_channels_last(network: nn.Module) -> None:
    """Lay out each kernel (C_out, C_in, h, w) with its channels last in memory, as convolutions on a CPU are quickest."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
