"""`phasescope exec RUN_DIR`: the one command by which engines have a run executed.

It holds the lease on the folder while it works, does nothing where the run is done, and keeps the folder's attempts.jsonl,
to which it only appends: a line when work begins, and one when it ends. So what a crash interrupted, and that nothing was
done twice, can be read afterwards.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

from phasescope.engines.leases import EXPIRES_S, Leased, leased
from phasescope.engines.workers import BUSY
from phasescope.errors import UserError
from phasescope.runs.config import RunConfig
from phasescope.runs.execution import Start, execute
from phasescope.stopping import Stop
from phasescope.store import Run, open_run
from phasescope.store.files import append_json_line, read_json_lines
from phasescope.store.folder import now

DAY_S = 86_400
ATTEMPTS = "attempts.jsonl"


def work(folder: Path, expires_s: float = EXPIRES_S) -> int:
    """Execute the run of a folder to its end, or to a signal, in one thread unless its configuration says otherwise.

    Returns the exit code: 0, or BUSY where another process executes it.

    Raises:
        UserError: it is no run's folder, or not of its configuration's name; its configuration or checkpoint is at fault.
        RunFailed: the loss is not finite any more.
    """
    if not 0 < expires_s <= DAY_S:
        raise UserError(
            f"`--expires-s` (={expires_s:g}) must be greater than 0 and at most {DAY_S}: a heart beats within it"
        )
    run = open_run(folder)
    config = RunConfig.of(run.config)
    if run.name != config.folder:
        raise UserError(f"`RUN_DIR` (={folder}) must have its configuration's name: {config.folder}")
    if run.status["state"] == "done":
        return 0
    try:
        with leased(folder, expires_s, _leave):
            if run.status["state"] != "done":
                _attempt(run, config)
    except Leased as error:
        print(f"phasescope: {error}", file=sys.stderr)
        return BUSY
    return 0


def attempts(run: Run) -> list[dict[str, Any]]:
    """The lines of `attempts.jsonl`: `event` (began or ended), attempt, step, at; host and pid, or state and error."""
    return read_json_lines(run.path / ATTEMPTS)


def _attempt(run: Run, config: RunConfig) -> None:
    import torch

    if not config.training.threads:
        torch.set_num_threads(1)
    number = 1 + sum(line.get("event") == "began" for line in attempts(run))
    step, told = 0, None

    def append(event: str, **more: Any) -> None:
        line = {"event": event, "attempt": number, "step": step, "at": now(), **more}
        append_json_line(run.path / ATTEMPTS, line)

    try:
        with Stop().on_signals() as stop:
            for event in execute(config, run.path.resolve().parent, stop):
                step = event.step
                if isinstance(event, Start):
                    append("began", host=socket.gethostname(), pid=os.getpid())
    except BaseException as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise
    finally:
        append("ended", state=run.status["state"], **({"error": told} if told else {}))


def _leave() -> None:
    """The lease is another's, for this process was silent too long: not a byte more is written."""
    print("phasescope: the lease on this run was taken over", file=sys.stderr, flush=True)
    os._exit(BUSY)
