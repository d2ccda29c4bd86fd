"""Forks: continuations of one state of a run, each with one thing changed, beside one in which nothing is.

The unchanged child, the *control*, must be bitwise equal to its parent, weights and metrics, to the parent's end: then all
that differs between it and another child is what was changed. A control that departs is no evidence, and says where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phasescope.core.config import Tree, merge
from phasescope.core.errors import RunFailed, UserError
from phasescope.runs.config import RunConfig, forked_tree
from phasescope.runs.store.files import sha256
from phasescope.runs.store.folder import RunFolder
from phasescope.runs.trained.run import Run
from phasescope.runs.training.continuing import changes_of, check_same_readings, is_seed
from phasescope.runs.training.execution import check_begin
from phasescope.runs.training.monitor import Monitor
from phasescope.runs.training.train import train

COSTS = ("wall_s", "cpu_s", "observing_s")
"""of a line of metrics: seconds, in which equal runs differ"""
MOST_CHILDREN = 1000


@dataclass(frozen=True)
class Fork:
    """The configurations of one fork."""

    step: int
    control: RunConfig
    """unchanged: bitwise the parent"""
    twins: tuple[RunConfig, ...]
    """unchanged but for the seeds of a child that has seeds of its own beside its change: what that child is paired with"""
    children: tuple[RunConfig, ...]

    @property
    def configs(self) -> tuple[RunConfig, ...]:
        """The control first, then the twins, then the children."""
        return (self.control, *self.twins, *self.children)


def fork(
    run: Run,
    at: int | Sequence[int],
    changes: Tree | Sequence[Tree] | None = None,
    *,
    children: int = 1,
    runs: Path | str | None = None,
    monitors: Sequence[Monitor] = (),
    progress: bool | None = None,
) -> list[Run]:
    """Continue a run from a state that it kept, with something changed, and return the runs: for each step the unchanged
    child first, then the twins of children with seeds of their own, then the children. The same call resumes it.

        control, warmer = phasescope.fork(run, at=750, changes={"training": {"optimiser": {"lr": 0.003}}})
        difference = warmer.to_frame().loss - control.to_frame().loss  # of the same snapshots

        _, *runs = phasescope.fork(run, at=750, changes={"training": {"batch": 64}}, children=8)
        twins, larger = runs[:8], runs[8:]  # each pair with one order of images and one noise

    The trap: a child whose seeds differ from the parent's is compared with its twin, not with the control, which has one
    order of images and one noise. Steps before `at` are the parent's in every child.

    Args:
        run: a finished one, with `training.states` at the steps. Its last state is always kept; step 0 needs none.
        at: step, or several.
        changes: a tree of fields that are changed, as in YAML, or one for each child. `seeds: {data: 1}` changes the order
            of the images alone; `fork: {reset: [mid, optimiser]}` gives a part fresh weights, and empties the optimiser.
        children: how many of each; with more than 1 each has an order of images and noise of its own, and a twin with the
            same ones in which nothing else is changed.
        runs: folder of runs; by default that in which `run` lies.
        monitors: log records as they come.
        progress: whether a bar is shown; by default in a terminal and in a notebook.

    Raises:
        UserError: a state was not kept, or a field cannot be changed; the message says why.
        RunFailed: the control is not bitwise equal to the parent.
    """
    if not isinstance(run, RunFolder):
        raise UserError(f"`run` (={run!r:.80}) must be a run, as phasescope.find_run returns")
    steps = [at] if isinstance(at, int) else list(at)
    every = [changes or {}] if isinstance(changes, Mapping) or changes is None else list(changes)
    folder = Path(runs) if runs is not None else run.path.parent

    planned = [plan_fork(run, step, every, children, folder) for step in steps]
    forked: list[Run] = []
    for plan in planned:
        control = train(plan.control, folder, extend=run, monitors=monitors, progress=progress)
        check_equal(run, control, since=plan.step)
        forked.append(control)
        forked += [
            train(child, folder, extend=run, monitors=monitors, progress=progress)
            for child in (*plan.twins, *plan.children)
        ]
    return forked


def plan_fork(
    run: RunFolder, at: int, changes: Sequence[Tree], children: int = 1, runs: Path | None = None
) -> Fork:
    """Return the configurations of a fork, each of which could be trained.

    Each change is tried on the state, before anything is trained: a wrong part of the last child would else be refused after
    the control's whole training. A child that has begun holds its own state, and is not tried again.

    Args:
        runs: folder in which children lie; by default that of `run`.

    Raises:
        UserError: nothing is changed, a field is wrong, or the state was not kept or does not fit what is changed.
    """
    if not 1 <= children <= MOST_CHILDREN:
        raise UserError(f"`children` (={children}) must be from 1 to {MOST_CHILDREN}")
    if (state := run.status["state"]) != "done":
        raise UserError(
            f"`RUN` (={run.name}) must be done, and is {state}: its control is compared to its end"
        )
    if isinstance(at, bool) or not isinstance(at, int) or at < 0:
        raise UserError(f"`at` (={at}) must be a step: a whole number, 0 at least")

    parent = RunConfig.from_tree(run.config)
    folder = run.path.parent if runs is None else runs
    tree = parent.tree()
    configs: list[RunConfig] = []
    for change in changes:
        for number in range(children):
            begins = forked_tree(parent, at, number if children > 1 else None)
            configs.append(RunConfig.from_tree(merge(begins, change)))
            check_same_readings(run, configs[-1])
            if number == 0 and not (folder / configs[-1].folder).exists():
                check_begin(configs[-1], run)

    control = RunConfig.from_tree(forked_tree(parent, at))
    unchanged = [config for config in configs if not changes_of(tree, config.tree())]
    if unchanged and children == 1 and len(changes) > 1:
        raise UserError("`changes` must change something in each child: the unchanged child is always there")
    distinct = {config.digest(16): config for config in configs if config.digest(16) != control.digest(16)}
    twins = [twin for config in distinct.values() if (twin := _twin_of(config, parent, at)) is not None]
    own = {twin.digest(16): twin for twin in twins if twin.digest(16) not in distinct}
    return Fork(at, control, twins=tuple(own.values()), children=tuple(distinct.values()))


def _twin_of(child: RunConfig, parent: RunConfig, at: int) -> RunConfig | None:
    """Return the child with the same seeds in which nothing else is changed; None of a child that needs none: its seeds are
    its parent's, or all that it changes."""
    changes = changes_of(parent.tree(), child.tree())
    seeds = {field for field in changes if is_seed(field)}
    if not seeds or seeds == {*changes}:
        return None
    own = {"seed": child.seed, "seeds": child.seeds.model_dump()}
    return RunConfig.from_tree(merge(forked_tree(parent, at), own))


def check_equal(parent: RunFolder, control: RunFolder, since: int) -> None:
    """Raise RunFailed if a fork's unchanged child departs from its parent after the step `since`."""
    if (step := departed_at(parent, control, since)) is not None:
        raise RunFailed(
            f"`{control.name}` must be bitwise equal to `{parent.name}`, and departs from it at step {step}: this fork is "
            "no evidence. Was it computed on another processor, with other threads, or with another version of torch?"
        )


def departed_at(parent: RunFolder, control: RunFolder, since: int) -> int | None:
    """Return the first step after `since` at which two runs differ in a snapshot's weights or in metrics; None if none."""
    snapshots = [{s.step: s for s in run.snapshots if s.step > since} for run in (parent, control)]
    lines = [
        {line["step"]: _without_costs(line) for line in run.metrics if line["step"] > since}
        for run in (parent, control)
    ]
    for step in sorted({*snapshots[0], *snapshots[1], *lines[0], *lines[1]}):
        if not all(step in steps for steps in (*snapshots, *lines)):
            return step
        weights = {sha256(of_run[step].path / "weights.safetensors") for of_run in snapshots}
        if len(weights) > 1 or lines[0][step] != lines[1][step]:
            return step
    return None


def _without_costs(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in COSTS}
