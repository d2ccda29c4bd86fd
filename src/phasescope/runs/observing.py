"""Observing again what a run stored: other taps, timesteps, labels or measures of the same weights, without training.

    RUN/observations/<digest of the plan>/      a run folder of its own: config.yaml, status.json, metrics.jsonl, snapshots

So `show`, `report` and `measure` take it as they take a run. Weights are linked from the run's own snapshots, which are left
as they are; the step-0 snapshot gives the untrained network's null. What is there already is not observed twice.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from phasescope.core.config import merge, parse_overrides, set_overrides
from phasescope.core.errors import UserError
from phasescope.runs.about import about
from phasescope.runs.config import RunConfig
from phasescope.runs.loading import config_of, load_network, plan_of
from phasescope.runs.probing.config import ProbingConfig
from phasescope.runs.probing.own_measures import load_measures
from phasescope.runs.recorder import Recorder
from phasescope.runs.store import Run, Snapshot, as_run
from phasescope.runs.store.folder import now
from phasescope.runs.store.writer import RunWriter, hold

FROM_TRAINING = (
    "step", "images_seen", "epochs", "loss", "learning_rate", "gradient_norm", "wall_s", "cpu_s", "observing_s",
)  # fmt: skip
"""of a snapshot's metrics: what training told"""


def observe(
    run: Run | str, words: Sequence[str] = (), on_snapshot: Callable[[int, int], None] = lambda done, of: None
) -> Run:
    """Observe the stored weights of a run by another plan; the observation, a run folder.

    Args:
        words: what changes of the plan, as in ``probing.taps=[up1]``; ``taps=[up1]`` says the same.
        on_snapshot: told how many snapshots are observed, and of how many.

    Raises:
        UserError: a word is none of the plan; the run has no weights; a source of somebody's own has changed.
    """
    run = as_run(run)
    config = config_of(run)
    plan = plan_with(config, words)
    if plan == config.probing:
        return run
    with_weights = [one for one in run.snapshots if (one.path / "weights.safetensors").is_file()]
    if not with_weights:
        raise UserError(
            f"`RUN` (={run.name}) must have snapshots with weights to be observed again: it has none"
        )
    again = config.model_copy(update={"probing": plan})
    load_measures(plan.measures)
    whole = plan_of(again, load_network(run, with_weights[0]).network)
    path = run.path / "observations" / plan.digest()
    with hold(path, again.tree()) as folder:
        folder.check_sources()
        _observe_all(run, with_weights, again, whole, folder, on_snapshot)
    return Run(path)


def plan_with(config: RunConfig, words: Sequence[str]) -> ProbingConfig:
    """The run's plan with words changed.

    Raises:
        UserError: a word is none of the plan.
    """
    overrides = []
    for keys, value in parse_overrides(words):
        inner = keys[1:] if keys[0] == "probing" else keys
        if not inner:
            raise UserError(f"`{keys[0]}` (={value}) must be a field of the plan, as in probing.taps=[mid]")
        overrides.append((["probing", *inner], value))
    tree = config.tree()
    changed = set_overrides({"probing": {}}, overrides)
    return RunConfig.of(merge(tree, changed)).probing


def _observe_all(
    run: Run,
    snapshots: Sequence[Snapshot],
    config: RunConfig,
    plan: ProbingConfig,
    folder: RunWriter,
    on_snapshot: Callable[[int, int], None],
) -> None:
    import torch

    trained = {entry["step"]: entry for entry in run.metrics}
    done = {entry["step"] for entry in folder.metrics}
    folder.forget_after(max(done, default=-1))
    recorder = Recorder(config, plan, folder, torch.device("cpu"))
    if not {snapshot.step for snapshot in snapshots} <= done:
        folder.write_json("about.json", about(config, plan))
    for number, snapshot in enumerate(snapshots, 1):
        if snapshot.step not in done:
            network = load_network(folder, snapshot).network
            if all(weights.ndim <= 4 for weights in network.parameters()):
                # Kernels lie in memory as they do in training: the network then gives the same bits.
                network.to(memory_format=torch.channels_last)  # pyrefly: ignore[no-matching-overload]
            seen = recorder.observer.record(network, snapshot.step)
            _link_weights(snapshot, folder)
            learnt = {key: trained.get(snapshot.step, {}).get(key) for key in FROM_TRAINING}
            folder.append_metrics({**learnt, "step": snapshot.step, **seen})
        on_snapshot(number, len(snapshots))
        recorder.summarise()
        whole = number == len(snapshots) and run.status["state"] == "done"
        step = folder.metrics[-1]["step"] if folder.metrics else 0
        told = {"state": "done" if whole else "stopped", "step": step, "updated": now()}
        folder.write_status({**run.status, **told, "summary": recorder.summary})


def _link_weights(snapshot: Snapshot, folder: RunWriter) -> None:
    # The same file under another name where the disk can do that, else a copy.
    own = snapshot.path / "weights.safetensors"
    other: Path = folder.path / "snapshots" / snapshot.path.name / own.name
    with suppress(FileNotFoundError):
        other.unlink()
    try:
        os.link(own, other)
    except OSError:
        shutil.copy2(own, other)
