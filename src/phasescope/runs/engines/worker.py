"""`phasescope exec RUN_DIR`: the one command by which engines have a run executed, and the folder that it takes."""

import sys
from collections.abc import Sequence
from pathlib import Path

from phasescope.core.errors import UserError
from phasescope.runs.config import RunConfig
from phasescope.runs.engines.engine import BUSY
from phasescope.runs.store import RunFolder
from phasescope.runs.store.writer import Held, differences, hold
from phasescope.runs.trained.catalogue import open_run
from phasescope.runs.training.execution import begin, execute
from phasescope.runs.training.monitor import Monitor
from phasescope.runs.training.stopping import Stop


def prepare(config: RunConfig, runs: Path, parent: RunFolder | None = None) -> Path:
    """Make the folder of a run, with its config.yaml, for an engine to execute; return the folder's path.

    An existing folder is not changed.

    Args:
        parent: the run whose state a fork begins with.

    Raises:
        UserError: it holds another configuration, or something that is no run; it cannot be written.
    """
    path, tree = runs / config.folder, config.tree()
    if (path / "status.json").is_file() and not any(differences(RunFolder(path).config, tree)):
        return path
    if parent is not None:
        begin(config, runs, parent)
    with hold(path, tree) as folder:
        if not (path / "status.json").exists():
            folder.write_status({"state": "prepared", "step": 0, "steps": config.training.steps})
    return path


def work(folder: Path, monitors: Sequence[Monitor] = ()) -> int:
    """Execute the run of a folder to its end, or to a signal, in one thread unless its configuration says otherwise;
    monitors log it.

    Returns the exit code: 0, or BUSY if another process executes it. A run that is done is left alone.

    Raises:
        UserError: it is no run's folder, or not of its configuration's name; its configuration or checkpoint is at fault.
        RunFailed: the loss is not finite any more.
    """
    run = open_run(folder)
    config = RunConfig.from_tree(run.config)
    if run.name != config.folder:
        raise UserError(f"`RUN_DIR` (={folder}) must have its configuration's name: {config.folder}")
    if run.status["state"] == "done":
        return 0
    import torch

    if not config.training.threads:
        torch.set_num_threads(1)
    try:
        with Stop().on_signals() as stop:
            for _ in execute(config, run.path.resolve().parent, stop, monitors=monitors):
                pass
    except Held as error:
        print(f"phasescope: {error}", file=sys.stderr)
        return BUSY
    return 0
