"""Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) on the kernels of convolutions.

With B the exponential mean of the gradients G of a matrix,

    W <- (1 - lr wd) W - lr sqrt(max(1, D/M)) NS(m B + (1 - m) G),    NS(U S V') = U s(S) V',  s(S) near 1,

as `torch.optim.Muon` has it, but on all matrices of one shape at once. A convolution's kernel (D, C, h, w) is a matrix
(D, M = h w C).
"""

from __future__ import annotations

import math
from itertools import groupby

import torch
from jaxtyping import Float
from torch import Tensor

from phasescope.models.training.config import MuonConfig
from phasescope.models.training.flat import FlatParameters, padded_size
from phasescope.models.training.update import Update

# The iterates of this odd polynomial bring singular values near 1, and small ones there fastest (Jordan et al. 2024).
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5
# A matrix of zeros has no norm to be divided by.
SMALLEST_NORM = 1e-7


class Muon(Update):
    """Muon on the kernels `names`, those of one shape side by side."""

    ENTRIES = ("momentum_buffer",)

    def __init__(self, flat: FlatParameters, names: list[str], config: MuonConfig):
        super().__init__(flat, names)
        self.config = config

    def step(self, lr_factor: float) -> None:
        lr, m = self.config.lr * lr_factor, self.config.momentum
        self.begin()
        momentum = self.moments["momentum_buffer"]
        momentum.lerp_(self.gradients, 1 - m)
        # Nesterov: the gradient enters the update a second time, ahead of the momentum.
        update = self.gradients.lerp(momentum, m)

        self.weights.mul_(1 - lr * self.config.weight_decay)
        for weights, direction in zip(self._by_shape(self.weights), self._by_shape(update), strict=True):
            rows, columns = weights.shape[-2:]
            weights.add_(orthogonalised(direction), alpha=-lr * math.sqrt(max(1, rows / columns)))

    def state(self) -> dict[str, list[Tensor]]:
        """Return kernels as (D, h, w, C), views in any layout; earlier checkpoints have their matrices (D, h w C)."""
        state = super().state().items()
        return {entry: [k.permute(0, 2, 3, 1) for k in kernels] for entry, kernels in state}

    def _by_shape(self, flat: Float[Tensor, " P"]) -> list[Float[Tensor, "n D M"]]:
        """Return views of all matrices of one shape, for each shape."""
        matrices, begin = [], 0
        for shape, same in groupby(self.layout.shapes.values()):
            count, slot, size = len(list(same)), padded_size(shape), math.prod(shape)
            slots = flat.narrow(0, begin, count * slot).view(count, slot)
            matrices.append(slots[:, :size].unflatten(1, (shape[0], size // shape[0])))
            begin += count * slot
        return matrices


def orthogonalised(matrices: Float[Tensor, "n D M"]) -> Float[Tensor, "n D M"]:
    """Return each matrix with its singular values brought near 1, by Newton-Schulz iteration; bfloat16 on a GPU."""
    a, b, c = NEWTON_SCHULZ
    x = matrices
    # The iteration multiplies by the Gram matrix of the rows, which is smallest for the shorter side.
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    # The Frobenius norm bounds the largest singular value, as the iteration needs to converge.
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp(min=SMALLEST_NORM)
    # The result need not be exact: singular values end up between about 0.7 and 1.2 anyway.
    if x.is_cuda:
        x = x.bfloat16()

    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype)
