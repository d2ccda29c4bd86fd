"""Monitors, which log a run somewhere else while it is recorded."""

from collections.abc import Sequence
from typing import Protocol

from phasescope.core.errors import UserError
from phasescope.runs.trained.run import Run


class Monitor(Protocol):
    """Logs a run somewhere else; `phasescope.TensorBoard` and `phasescope.WandB` are two.

    A monitor changes nothing of what is learned. If one fails, a warning says so and it is left out from then on.
    """

    def update(self, run: Run) -> None:
        """Log what the run recorded since the last call; the first one is made when the run begins or resumes.

        Raises:
            UserError: it cannot log; at the first call the run is then not begun.
        """

    def close(self) -> None:
        """Finish: the run is done or was stopped, and nothing more is logged."""


def check_monitors(monitors: Sequence[Monitor]) -> None:
    """Raise UserError if one of them is no monitor."""
    for monitor in monitors:
        methods = (getattr(monitor, name, None) for name in ("update", "close"))
        if isinstance(monitor, type) or not all(map(callable, methods)):
            raise UserError(f"`monitors` (={monitor!r:.80}) must be monitors, with update and close")
