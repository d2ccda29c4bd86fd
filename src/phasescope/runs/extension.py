"""More steps of a run that is there: a longer run begins with the state of a shorter one that learnt the same way so far.

Two runs learn the same way up to a step where they differ in their number of steps alone, are of the same sources of
somebody's own, and the learning rates of all steps before it are the same: so a run with constant rates can be made longer,
and one whose rates fall to its end cannot, past its warm-up.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from phasescope.errors import UserError
from phasescope.kinds import source_digests
from phasescope.runs.config import RunConfig
from phasescope.store import Run, list_runs
from phasescope.store.files import folder_aside
from phasescope.store.holding import hold
from phasescope.store.writer import CHECKPOINT, RunWriter
from phasescope.training.rates import lr_factor


def take_up_shorter(config: RunConfig, runs: Path) -> str | None:
    """Begin the folder of `config` with what the furthest shorter run holds; the name of that run.

    None where the folder is there already, or no run can be taken up. The shorter run is left as it is.

    Raises:
        UserError: another process writes the shorter run just now.
    """
    target = runs / config.folder
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        return None
    found = [(step, run) for run in list_runs(runs) if (step := _step_to_go_on_from(run, config)) is not None]
    if not found:
        return None
    step, run = max(found, key=lambda one: (one[0], one[1].name))
    _copy(run, target, config)
    return run.name


def _step_to_go_on_from(run: Run, config: RunConfig) -> int | None:
    """The step of the run's checkpoint, where `config` would have the same state after it."""
    longer, status = config.training, run.status
    try:
        step, steps = status.get("step"), status.get("steps")
        if (
            not (step and steps)
            or step >= longer.steps
            or status["state"] not in ("done", "stopped", "killed")
        ):
            return None
        shorter = longer.model_copy(update={"steps": steps})
        if any(lr_factor(i, shorter) != lr_factor(i, longer) for i in range(step)):
            return None  # most runs end here, before a configuration is checked
        tree = run.config
        as_long = {**tree, "name": config.name, "training": {**tree["training"], "steps": longer.steps}}
        same = RunConfig.of(as_long).tree() == config.tree() and run.sources == source_digests(config.tree())
    except (UserError, KeyError, TypeError):
        return None
    return step if same and (run.path / CHECKPOINT).exists() else None


def _copy(run: Run, target: Path, config: RunConfig) -> None:
    with hold(run.path, run.config) as source:
        found = source.read_checkpoint()
        assert found is not None
        tensors, state = found
        with folder_aside(target) as folder:
            for name in ("metrics.jsonl", "references.json", "sources.json"):
                if (source.path / name).exists():
                    shutil.copy2(source.path / name, folder / name)
            shutil.copytree(source.path / "snapshots", folder / "snapshots")
            writer = RunWriter(folder)
            writer.write_config(config.tree())
            writer.write_checkpoint(tensors, {**state, "run": config.digest()})
