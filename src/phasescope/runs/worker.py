"""`phasescope exec RUN_DIR`: the one command by which engines have a run executed, and the folder that it takes.

It does nothing if the run is done or another process holds its folder. To the folder's attempts.jsonl it appends a line when
work begins, and one when it ends, so that what a crash interrupted, and that nothing was done twice, can be read afterwards.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

from phasescope.core.errors import UserError
from phasescope.core.stopping import Stop
from phasescope.runs.config import RunConfig
from phasescope.runs.engines.workers import BUSY
from phasescope.runs.execution import Start, execute
from phasescope.runs.store import Run, open_run
from phasescope.runs.store.files import append_json_lines, read_json_lines
from phasescope.runs.store.folder import now
from phasescope.runs.store.writer import Held, differences, hold

ATTEMPTS = "attempts.jsonl"


def prepare(config: RunConfig, runs: Path) -> Path:
    """Make the folder of a run, with its config.yaml, for an engine to execute; return the folder's path.

    A folder that is there is left as it is.

    Raises:
        UserError: it holds another configuration, or something that is no run; it cannot be written.
    """
    path, tree = runs / config.folder, config.tree()
    if (path / "status.json").is_file() and not any(differences(Run(path).config, tree)):
        return path
    with hold(path, tree) as folder:
        if not (path / "status.json").exists():
            folder.write_status({"state": "prepared", "step": 0, "steps": config.training.steps})
    return path


def work(folder: Path) -> int:
    """Execute the run of a folder to its end, or to a signal, in one thread unless its configuration says otherwise.

    Returns the exit code: 0, or BUSY where another process executes it.

    Raises:
        UserError: it is no run's folder, or not of its configuration's name; its configuration or checkpoint is at fault.
        RunFailed: the loss is not finite any more.
    """
    run = open_run(folder)
    config = RunConfig.of(run.config)
    if run.name != config.folder:
        raise UserError(f"`RUN_DIR` (={folder}) must have its configuration's name: {config.folder}")
    if run.status["state"] == "done":
        return 0
    try:
        _attempt(run, config)
    except Held as error:
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
    step, began, why = 0, False, None

    def append(event: str, **more: Any) -> None:
        line = {"event": event, "attempt": number, "step": step, "at": now(), **more}
        append_json_lines(run.path / ATTEMPTS, line)

    try:
        with Stop().on_signals() as stop:
            for event in execute(config, run.path.resolve().parent, stop):
                step = event.step
                if isinstance(event, Start):
                    began = True
                    append("began", host=socket.gethostname(), pid=os.getpid())
    except BaseException as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise
    finally:
        if began:
            append("ended", state=run.status["state"], **({"error": why} if why else {}))
