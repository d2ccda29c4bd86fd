"""How memory is kept and laid out.

Each step allocates and frees the same activations. glibc gives large blocks back to the kernel at once and pays a page
fault for each page when it asks for them again: a quarter of a small network's step. Kept blocks are found again.

The parameters of a network lie one after the other in one run of memory, and so do their gradients, moments and averages:
an update is then one operation on P numbers, not one on each parameter. A kernel (D, C, h, w) lies there with its channels
last, as convolutions on a CPU are quickest.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST_KEPT_BLOCK = 32 * 2**20
"""bytes; glibc takes no more"""
LARGEST_KEPT_HEAP = 2**31 - 1
"""bytes of free memory at the heap's top"""
SLOT = 16
"""float32 numbers, 64 bytes: each parameter begins at a multiple, as an allocation of its own would"""


def keep_freed_memory() -> bool:
    """Have this process keep what it frees, from now on; whether its C library could be told so (glibc can)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, LARGEST_KEPT_BLOCK) and mallopt(_M_TRIM_THRESHOLD, LARGEST_KEPT_HEAP)
    )


class Layout:
    """Where each of some named tensors lies in a run of `size` numbers, P; what is between them is zero and stays so."""

    def __init__(self, shapes: Mapping[str, Sequence[int]]):
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        ends = [0]
        for shape in self.shapes.values():
            ends.append(ends[-1] + slot_of(shape))
        self.offsets = dict(zip(self.shapes, ends, strict=False))
        self.size = ends[-1]

    def views(self, flat: Float[Tensor, " P"]) -> dict[str, Tensor]:
        """The tensors as views of `flat`."""
        return dict(self._views(flat))

    def _views(self, flat: Tensor) -> Iterator[tuple[str, Tensor]]:
        for name, shape in self.shapes.items():
            numbers = flat.narrow(0, self.offsets[name], math.prod(shape))
            if len(shape) == 4:
                d, c, h, w = shape
                yield name, numbers.view(d, h, w, c).permute(0, 3, 1, 2)
            else:
                yield name, numbers.view(shape)


def slot_of(shape: Sequence[int]) -> int:
    """Numbers that a tensor of this shape takes in a layout: its own, up to the next multiple of `SLOT`."""
    return -(-math.prod(shape) // SLOT) * SLOT


class FlatParameters:
    """The parameters of `network`, which are moved into one run of memory; their gradients lie in another.

    Attributes:
        layout: where each parameter lies.
        weights, gradients: (P,).
    """

    def __init__(self, network: nn.Module, layout: Layout):
        parameters = dict(network.named_parameters())
        self.layout = layout
        self.weights = torch.zeros(layout.size, device=next(network.parameters()).device)
        self.gradients = torch.zeros_like(self.weights)
        for name, view in layout.views(self.weights).items():
            parameters[name].data = view.copy_(parameters[name].detach())
        self._by = [parameters[name] for name in layout.shapes]
        self._gradients = list(layout.views(self.gradients).values())

    def differentiate(self, loss: Float[Tensor, ""]) -> None:
        """Set `gradients` to those of `loss`."""
        torch._foreach_copy_(
            self._gradients, list(torch.autograd.grad(loss, self._by, materialize_grads=True))
        )
