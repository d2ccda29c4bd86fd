"""The flat memory of parameters.

The parameters of a network lie one after the other in one run of memory, and so do their gradients, moments and averages: an
update is then one operation on P numbers, not one on each parameter. On a CPU a kernel (D, C, h, w) lies there with its
channels last, as convolutions are fastest; on a GPU it does not, since normalisation takes channels first there.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

# float32 numbers, 64 bytes: each parameter begins at a multiple, as an allocation of its own would.
SLOT = 16


class Layout:
    """The offsets of named tensors in one flat array of `size` numbers, P; numbers between the tensors stay zero.

    Args:
        channels_last: whether kernels lie with their channels last.
    """

    def __init__(self, shapes: Mapping[str, Sequence[int]], channels_last: bool = True):
        self.channels_last = channels_last
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        ends = [0]
        for shape in self.shapes.values():
            ends.append(ends[-1] + padded_size(shape))
        self.offsets = dict(zip(self.shapes, ends, strict=False))
        self.size = ends[-1]

    def views(self, flat: Float[Tensor, " P"]) -> dict[str, Tensor]:
        """Return the tensors as views of `flat`."""
        views = {}
        for name, shape in self.shapes.items():
            numbers = flat.narrow(0, self.offsets[name], math.prod(shape))
            if len(shape) == 4 and self.channels_last:
                d, c, h, w = shape
                views[name] = numbers.view(d, h, w, c).permute(0, 3, 1, 2)
            else:
                views[name] = numbers.view(shape)
        return views


def padded_size(shape: Sequence[int]) -> int:
    """Return the size of a tensor of this shape in a layout: its numbers, up to the next multiple of `SLOT`."""
    return -(-math.prod(shape) // SLOT) * SLOT


class FlatParameters:
    """The parameters of `network`, moved into one stretch of memory, `weights` (P,); their `gradients` lie in another.

    Raises:
        ValueError: a parameter is not float32.
    """

    def __init__(self, network: nn.Module, layout: Layout):
        parameters = dict(network.named_parameters())
        for name in layout.shapes:
            dtype = parameters[name].dtype
            if dtype != torch.float32:
                raise ValueError(
                    f"`network` ({name} of {dtype}) must have float32 weights: training keeps them so, and "
                    "training.precision=bfloat16 computes in less"
                )

        self.layout = layout
        self.weights = torch.zeros(layout.size, device=next(network.parameters()).device)
        self.gradients = torch.zeros_like(self.weights)
        for name, view in layout.views(self.weights).items():
            parameters[name].data = view.copy_(parameters[name].detach())

        self._parameters = [parameters[name] for name in layout.shapes]
        self._gradients = list(layout.views(self.gradients).values())

    def differentiate(self, loss: Float[Tensor, ""]) -> None:
        """Set `gradients` to those of `loss`."""
        gradients = torch.autograd.grad(loss, self._parameters, materialize_grads=True)
        torch._foreach_copy_(self._gradients, list(gradients))
