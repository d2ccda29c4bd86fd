"""Observing a run's stored weights again at other layers, timesteps or labels, or by other measures, without training.

    RUN/observations/<digest of the plan>/      a run folder of its own: config.yaml, status.json, metrics.jsonl, snapshots

`show`, `report` and `measure` therefore read it as they read a run. Weights are linked from the run's own snapshots, which
are not changed; the step-0 snapshot gives the baseline of the untrained network. Existing snapshots are not observed again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.config import merge, parse_overrides, set_overrides
from phasescope.core.errors import UserError
from phasescope.measures.columns import COLUMNS
from phasescope.runs.config import RunConfig
from phasescope.runs.config.probing_config import ProbingConfig
from phasescope.runs.probing.meter import meter_of
from phasescope.runs.probing.own_measures import load_measures
from phasescope.runs.probing.trial import plan_of
from phasescope.runs.store import Snapshot
from phasescope.runs.store.folder import now
from phasescope.runs.store.writer import RunWriter, hold
from phasescope.runs.trained.catalogue import as_run
from phasescope.runs.trained.load import config_of, load_network
from phasescope.runs.trained.run import Run
from phasescope.runs.training.description import describe
from phasescope.runs.training.recorder import Recorder

if TYPE_CHECKING:
    from torch import nn


@own_arithmetic()
def observe(
    run: Run | str,
    overrides: Sequence[str] = (),
    notify: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Observe the stored weights of a run by another plan, and return the observation, a run folder.

    Args:
        overrides: of the plan, such as ``probing.layers=[up1]`` or, in short, ``layers=[up1]``.
        notify: is called with the number of snapshots observed, and of all.

    Raises:
        UserError: an override is no field of the plan; the run has no weights; a source file of the user has changed; it is
            not done, and a measure compares with its last network.
    """
    run = as_run(run)
    config = config_of(run)
    plan = plan_with(config, overrides)
    if plan == config.probing:
        return run

    with_weights = [s for s in run.snapshots if (s.path / "weights.safetensors").is_file()]
    if not with_weights:
        raise UserError(f"`RUN` (={run.name}) must have snapshots with weights to be observed: it has none")

    again = config.model_copy(update={"probing": plan})
    for name, measure in load_measures(plan.measures).items():
        if "final" in measure.column.needs and run.status["state"] != "done":
            raise UserError(
                f"`RUN` (={run.name}) must be done: `{name}` compares with the network at the end of training"
            )

    if again.reads_meter:
        meter_of(again)
    resolved = plan_of(again, load_network(run, with_weights[0]).network)
    path = run.path / "observations" / plan.digest()
    with hold(path, again.tree()) as folder:
        folder.check_sources()
        _observe_all(
            run=run, snapshots=with_weights, config=again, plan=resolved, folder=folder, notify=notify
        )
    return Run(path)


def plan_with(config: RunConfig, overrides: Sequence[str]) -> ProbingConfig:
    """Return the run's plan with `overrides` applied.

    Raises:
        UserError: an override is no field of the plan.
    """
    within = []
    for keys, value in parse_overrides(overrides):
        inner = keys[1:] if keys[0] == "probing" else keys
        if not inner or inner[0] in RunConfig.model_fields:
            name = ".".join(keys)
            raise UserError(f"`{name}` (={value}) must be a key of `probing`, as in `probing.layers=[mid]`")
        within.append((["probing", *inner], value))

    changed = set_overrides({"probing": {}}, within)
    return RunConfig.from_tree(merge(config.tree(), changed)).probing


def _observe_all(
    run: Run,
    snapshots: Sequence[Snapshot],
    config: RunConfig,
    plan: ProbingConfig,
    folder: RunWriter,
    notify: Callable[[int, int], None],
) -> None:
    import torch

    trained = {entry["step"]: entry for entry in run.metrics}
    done = {entry["step"] for entry in folder.metrics}
    folder.forget_after(max(done, default=-1))

    recorder = Recorder(config, plan, folder, torch.device("cpu"))
    recorder.observer.compare_with(_prepared(folder, snapshots[-1]))
    if not {snapshot.step for snapshot in snapshots} <= done:
        folder.write_json("about.json", describe(config, plan))

    for number, snapshot in enumerate(snapshots, 1):
        if snapshot.step not in done:
            network = _prepared(folder, snapshot)
            if config.reads_meter:
                recorder.read_meter(network, snapshot.step, trained[snapshot.step]["images_seen"])
            observed = recorder.observer.record(network, snapshot.step)
            _link_weights(snapshot, folder)
            of_training = {
                name: trained.get(snapshot.step, {}).get(name)
                for name, column in COLUMNS.items()
                if "training" in column.needs
            }
            folder.append_metrics({**of_training, "step": snapshot.step, **observed})
        notify(number, len(snapshots))

        recorder.summarise()
        is_done = number == len(snapshots) and run.status["state"] == "done"
        step = folder.metrics[-1]["step"] if folder.metrics else 0
        status = {"state": "done" if is_done else "stopped", "step": step, "updated": now()}
        folder.write_status({**run.status, **status, "summary": recorder.summary})


def _prepared(folder: RunWriter, snapshot: Snapshot) -> nn.Module:
    """Return a snapshot's network, in the memory format of training, by which its outputs are bitwise the same."""
    import torch

    network = load_network(folder, snapshot).network
    if all(weights.ndim <= 4 for weights in network.parameters()):
        network.to(memory_format=torch.channels_last)  # pyrefly: ignore[no-matching-overload]
    return network


def _link_weights(snapshot: Snapshot, folder: RunWriter) -> None:
    # Weights are large: use a hard link if the disk supports it, and a copy otherwise.
    own = snapshot.path / "weights.safetensors"
    other = folder.path / "snapshots" / snapshot.path.name / own.name
    other.unlink(missing_ok=True)
    try:
        os.link(own, other)
    except OSError:
        shutil.copy2(own, other)
