"""More steps of a run: a longer run begins with the state of a shorter one, which its user names.

Two runs have the same state after a step if their configurations differ in their number of steps alone, their sources are
the same files, and the learning rates of all earlier steps are the same. A run with constant rates can therefore be extended
at any step, and one whose rates fall to its end only within its warm-up. Configurations are compared as plain trees: no
source that the shorter run names is imported.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from phasescope.core.errors import UserError
from phasescope.core.kinds import source_digests
from phasescope.runs.config import RunConfig
from phasescope.runs.store import Run, find_run
from phasescope.runs.store.files import folder_aside
from phasescope.runs.store.folder import SCALARS
from phasescope.runs.store.writer import CHECKPOINT, RunWriter, differences, hold

Extend = Run | Path | str | None
"""a run, its folder, or its name or hash in the folder of runs; None extends no run"""


def begin_from(extend: Extend, config: RunConfig, runs: Path, anew: bool = False) -> str | None:
    """Begin the folder of `config` with what the run `extend` holds, which is left as it is; returns that run's name.

    Returns None if the folder is there already: the same command then resumes it.

    Raises:
        UserError: the run cannot be extended to `config`; the message names the field and both values.
    """
    if extend is None:
        return None
    if anew:
        raise UserError(f"`--extend` (={extend}) must be left out with --anew, which trains from the start")
    target = runs / config.folder
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        return None
    run = extend if isinstance(extend, Run) else find_run(str(extend), runs)
    _check(config, run)
    _copy(run, target, config)
    return run.name


def _check(config: RunConfig, run: Run) -> None:
    """Raises UserError if the state of `run` is not the one that `config` has after as many steps."""
    longer, tree, state = config.training, run.config, run.status["state"]
    if state not in ("done", "stopped", "killed"):
        raise UserError(f"`--extend` (={run.name}) must be a run that is done or was stopped, and is {state}")
    if not (run.path / CHECKPOINT).is_file():
        raise UserError(f"`--extend` (={run.name}) must have a checkpoint: there is no {CHECKPOINT} in it")
    step, steps = int(run.status["step"]), int(tree["training"]["steps"])
    as_long = {**tree, "name": config.name, "training": {**tree["training"], "steps": longer.steps}}
    for field, old, new in differences(as_long, config.tree()):
        raise UserError(
            f"`{field}` (={new}) must be what `{run.name}` has, {old}: a run is extended in `training.steps` alone"
        )
    if step >= longer.steps:
        raise UserError(
            f"`training.steps` (={longer.steps}) must be greater than {step}, the step that `{run.name}` has reached"
        )
    own, sources = source_digests(config.tree()), run.sources
    for name in {**own, **sources}:
        if own.get(name) != sources.get(name):
            raise UserError(
                f"`{name}` (SHA-256 {own.get(name, 'absent')[:12]}) must be what `{run.name}` was made with, "
                f"{sources.get(name, 'absent')[:12]}: a run is extended by the same sources"
            )
    shorter = longer.model_copy(update={"steps": steps})
    for i in range(step):
        if (old := shorter.lr_factor(i)) != (new := longer.lr_factor(i)):
            raise UserError(
                f"`training.steps` (={longer.steps}) must leave the learning rates up to step {step} as they were in "
                f"`{run.name}` (training.steps={steps}): with training.decay={longer.decay} that of step {i} would be "
                f"{new:.6g} of `lr`, and was {old:.6g}"
            )


def _copy(run: Run, target: Path, config: RunConfig) -> None:
    with hold(run.path, run.config) as source:
        checkpoint = source.read_checkpoint()
        assert checkpoint is not None
        tensors, state = checkpoint
        with folder_aside(target) as folder:
            for name in ("metrics.jsonl", SCALARS, "references.json", "sources.json"):
                if (source.path / name).exists():
                    shutil.copy2(source.path / name, folder / name)
            shutil.copytree(source.path / "snapshots", folder / "snapshots")
            writer = RunWriter(folder)
            writer.write_config(config.tree())
            writer.write_checkpoint(tensors, {**state, "run": config.digest()})
