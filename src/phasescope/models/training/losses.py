"""The losses of the steps since a run's last snapshot, read from their device as rarely as possible."""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from phasescope.core.errors import RunFailed

# The loss is read from a GPU every so many steps: each reading waits for all that the GPU has been given.
READ_EVERY = 16


class Losses:
    """Losses, in the order of their steps.

    Args:
        lr: the run's learning rate, which an error names.
        read: those that a checkpoint kept.
        check: raises the error of a step whose loss is not finite because of its images, not its weights.
    """

    def __init__(
        self, lr: float, read: Sequence[float] = (), check: Callable[[int], None] = lambda step: None
    ):
        self.lr, self._check = lr, check
        self.values = list(read)
        """those that have been read since the last `clear`"""
        self.last: float | None = None
        """the last one that was read"""
        self._unread: list[Tensor] = []
        self._step = 0

    def add(self, loss: Float[Tensor, ""], step: int) -> None:
        """Keep the loss of `step`; read it at once if that does not wait for a GPU."""
        self._unread.append(loss)
        self._step = step
        # On a CPU the loss is known at once, so a run that diverges stops at that very step.
        if is_on_cpu(loss) or len(self._unread) == READ_EVERY:
            self.read()

    def read(self) -> None:
        """Read what is not read yet; RunFailed names the first step whose loss is not finite."""
        if not self._unread:
            return
        losses, self._unread = read_together(self._unread), []
        for step, loss in enumerate(losses, self._step - len(losses) + 1):
            if not math.isfinite(loss):
                raise self.diverged(f"`loss` (={loss}) must be finite", step)
        self.values += losses
        self.last = losses[-1]

    def diverged(self, rule: str, step: int) -> RunFailed:
        """Return the error of a run that breaks a rule from a step on."""
        self._check(step)
        return RunFailed(f"{rule}, and is not at step {step}: lower `training.optimiser.lr` (={self.lr})")

    def mean(self) -> float | None:
        """Return the mean of all since the last `clear`; None if there is none."""
        self.read()
        return sum(self.values) / len(self.values) if self.values else None

    def clear(self) -> None:
        self.values = []


def is_on_cpu(loss: Tensor) -> bool:
    """Return whether a loss is on the CPU, where reading it waits for no GPU."""
    return loss.device.type == "cpu"


def read_together(losses: list[Tensor]) -> list[float]:
    """Return the values of all, for which a GPU is waited for once."""
    return torch.stack(losses).tolist()
