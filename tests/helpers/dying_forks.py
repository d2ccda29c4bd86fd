"""Forks runs at random steps, and kills the unchanged child at random moments, until it ends.

    python dying_forks.py SYSTEM FORKS KILLS SEED FOLDER

Prints a line for each fork: its step, at which steps SIGKILL came, and `equal` or the step at which the control departs from
its parent. The parent of every other fork is gone, or is changed, once the child has begun: a copy of it is compared.
"""

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from helpers.own_kinds import OWN, RINGS
from helpers.training_runs import TINY, run_config
from phasescope import Run, RunConfig, train
from phasescope.runs.training.forking import departed_at, plan_fork

STEPS, LAST_AT = 30, 15
"""of a parent, and the last step that is forked"""
SYSTEMS = {
    "own kinds": RINGS,
    "flow matching": {
        "family": {"schedule": "flow", "predict": "velocity", "sampler": {"kind": "heun", "steps": 2}}
    },
    "Muon": {"training": {"optimiser": {"kind": "muon"}}},
    "label dropout": {"training": {"label_dropout": 0.3}},
    "bfloat16": {"training": {"precision": "bfloat16"}},
}


def parent_of(system: str, folder: Path) -> Run:
    """Return a finished run that kept the state of each step up to `LAST_AT`, with a checkpoint at almost each step."""
    own = {"training": {"steps": STEPS, "states": [*range(1, LAST_AT + 1)], "checkpoint_every_s": 0.01}}
    base = RunConfig().tree() if system == "own kinds" else TINY
    return train(run_config(base, SYSTEMS[system], own), folder)


def begin(config: RunConfig, runs: Path, parent: Run | None) -> int:
    """Return the process of a child in which a run is trained, or resumed if it has begun."""
    process = os.fork()
    if process == 0:
        train(config, runs, extend=parent)
        os._exit(0)
    return process


def killed_on_its_way(
    config: RunConfig, runs: Path, parent: Run, kills: int, lasts_s: float, rng: random.Random
) -> list[int | None]:
    """Train a run that is killed at random moments, `kills` times at most if it does not end before; return the step of its
    checkpoint at each kill, None if it had not begun."""
    run, steps = Run(runs / config.folder), []
    for _ in range(kills):
        process = begin(config, runs, None if (run.path / "config.yaml").exists() else parent)
        time.sleep(rng.uniform(0, lasts_s / 3))
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
        if not os.WIFSIGNALED(status):
            break
        steps.append(run.status.get("step") if (run.path / "config.yaml").exists() else None)
    return steps


def spoil(parent: Run, how: str) -> None:
    """Remove a parent, or change what it holds."""
    if how == "gone":
        shutil.rmtree(parent.path)
    elif how == "changed":
        for file in (*parent.path.glob("metrics.jsonl"), *parent.path.glob("checkpoint/*")):
            file.write_bytes(b"")


def main(system: str, forks: str, kills: str, seed: str, folder: str) -> int:
    rng = random.Random(f"{system} {seed}")
    parent = parent_of(system, Path(folder) / "whole")
    began = time.perf_counter()
    train(plan_fork(parent, 1, [{}]).control, Path(folder) / "undisturbed", extend=parent)
    lasts_s = time.perf_counter() - began

    departed = 0
    for number in range(int(forks)):
        at, how = rng.randrange(1, LAST_AT + 1), ("kept", "gone", "changed")[number % 3]
        runs = Path(folder) / f"fork{number}"
        own = Run(shutil.copytree(parent.path, runs / parent.path.name))
        config = plan_fork(own, at, [{}]).control
        steps = killed_on_its_way(config, runs, parent=own, kills=int(kills), lasts_s=lasts_s, rng=rng)
        if not (runs / config.folder / "config.yaml").exists():
            os.waitpid(begin(config, runs, own), 0)  # it had never begun
        spoil(own, how)
        control = train(config, runs)
        step = departed_at(parent, control, since=at)
        departed += step is not None
        end = "equal" if step is None else f"departs at {step}"
        print(f"{system}: at {at}, parent {how}, checkpoints when killed {steps}: {end}", flush=True)
    return departed


if __name__ == "__main__":
    os.chdir(OWN)
    sys.exit(main(*sys.argv[1:]))
