"""The losses of the steps since a run's last snapshot, read from their device as seldom as may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from phasescope.errors import RunFailed

READ_EVERY = 16
"""steps between readings of the loss from a GPU: each waits for all that the GPU has been given"""


class Losses:
    """Losses, in the order of their steps.

    Args:
        lr: the run's learning rate, which an error names.
        read: those that a checkpoint kept.
        check: raises the error of a step whose images, and not its weights, are why its loss is not finite.
    """

    def __init__(
        self, lr: float, read: Sequence[float] = (), check: Callable[[int], None] = lambda step: None
    ):
        self.lr, self._check = lr, check
        self.values = list(read)
        """those that have been read"""
        self.last: float | None = None
        """the last one known, of whatever step"""
        self._unread: list[Tensor] = []
        self._step = 0

    def add(self, loss: Float[Tensor, ""], step: int) -> None:
        """Keep the loss of `step`; it is read at once where that makes nobody wait.

        Raises:
            RunFailed: as `read` says.
        """
        self._unread.append(loss)
        self._step = step
        if at_hand(loss) or len(self._unread) == READ_EVERY:
            self.read()

    def read(self) -> None:
        """Read what is not read yet.

        Raises:
            RunFailed: a loss is not finite; names the first step of which that is so.
        """
        if not self._unread:
            return
        found, self._unread = read_together(self._unread), []
        for step, loss in enumerate(found, self._step - len(found) + 1):
            if not math.isfinite(loss):
                raise self.diverged(f"`loss` (={loss}) must be finite", step)
        self.values += found
        self.last = found[-1]

    def diverged(self, what: str, step: int) -> RunFailed:
        """The error of a run in which `what` must be, and is not any more."""
        self._check(step)
        return RunFailed(f"{what}, and is not at step {step}: lower `training.optimiser.lr` (={self.lr})")

    def mean(self) -> float | None:
        """Of all since the last call of `clear`; None where there is none."""
        self.read()
        return sum(self.values) / len(self.values) if self.values else None

    def clear(self) -> None:
        self.values = []


def at_hand(loss: Tensor) -> bool:
    """Whether to read it makes nobody wait."""
    return loss.device.type == "cpu"


def read_together(losses: list[Tensor]) -> list[float]:
    """The values of all, for which a GPU is waited for once."""
    return torch.stack(losses).tolist()
