"""What engines on clusters share: a call elsewhere as a worker, and the library that makes it."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from phasescope.core.errors import UserError
from phasescope.runs.engines.engine import LOST


@dataclass(frozen=True)
class Future:
    """A call of `run_process` elsewhere, as a worker.

    Args:
        future: with `done`, `exception` and `result`, as those of concurrent.futures.
        cancel: ends the call, at once if its argument says so.
    """

    future: Any
    cancel: Callable[[bool], object]

    def poll(self) -> int | None:
        if not self.future.done():
            return None
        # A call that was cancelled, preempted or killed has no result.
        return LOST if self.future.exception() is not None else self.future.result()

    def terminate(self) -> None:
        self.cancel(False)

    def kill(self) -> None:
        self.cancel(True)


def library(engine: str, name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise UserError(
            f"`engine` (={engine}) needs {name}: ./lab setup, or pip install '.[{engine}]' in a clone"
        ) from None
