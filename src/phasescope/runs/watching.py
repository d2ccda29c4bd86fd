"""Watching somebody's own training loop: a run folder like any other, written from outside.

    watcher = phasescope.watch(world, taps=["mid_block"], family=phasescope.families.USUAL, folder="runs/mine", batch=64)
    for step, batch in enumerate(loader):
        if step % 500 == 0:
            watcher.record(network, step)    # a snapshot; the first one is the untrained network's baseline
        ...
        watcher.log({"loss": loss, "lr": lr}, step)

Recording moves no random stream and leaves the network as it was: its mode, its gradients, its device. Phases, report,
explorer and `measure` take the folder as they take any.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.core.errors import UserError, as_user_error
from phasescope.models.families import USUAL, FamilyConfig
from phasescope.runs.about import about
from phasescope.runs.config import RunConfig
from phasescope.runs.recorder import Monitor, Recorder, check_monitors
from phasescope.runs.store import Run
from phasescope.runs.store.folder import now
from phasescope.runs.store.writer import RunWriter, hold
from phasescope.worlds import ArrayWorld, World

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from phasescope.runs.probing.config import ProbingConfig

# Scalars are kept for so many seconds before they are written: each writing locks the folder.
FLUSH_EVERY_S = 2.0


def watch(
    world: World,
    taps: Sequence[str],
    *,
    family: FamilyConfig | None = None,
    folder: Path | str = "runs/watched",
    batch: int,
    t: Sequence[int] | None = None,
    encode: Callable[[Tensor], Tensor | None] = lambda labels: None,
    seed: int = 0,
    hyperparameters: Mapping[str, Any] | None = None,
    monitors: Sequence[Monitor] = (),
    **probing: Any,
) -> Watcher:
    """Watch a network that somebody else trains.

    Args:
        world: whose labels are painted and whose latents are read.
        taps: names of the network's submodules.
        family: how it learns and paints; by default the usual one (`families.USUAL`).
        folder: of the run, made where it is not there; what it holds is gone on with.
        batch: images a step, by which images seen are counted unless `record` is given them.
        t: the family's conditions under which latents are read; the usual ones by default.
        encode: from labels (B, K) to what the network is told of them: the ceiling of order.
        seed: of all labels and noise with which it is looked at.
        hyperparameters: of the loop, as `{"optimiser": "AdamW", "lr": 1e-3}`: the run records these and `batch`, and no
            other setting of a training.
        monitors: log what is recorded as it comes, as `phasescope.TensorBoard("logs")`.
        probing: further fields of the plan, as `latent_labels=256`.

    Raises:
        UserError: a field of the plan is none, or the folder holds another run.
    """
    if family is not None and not isinstance(family, FamilyConfig):
        raise UserError(f"`family` (={family!r:.80}) must be a configuration, as phasescope.families.USUAL")
    if batch < 1:
        raise UserError(f"`batch` (={batch}) must be at least 1")
    if not isinstance(world, World):
        raise UserError(f"`world` (={world!r}) must be a World")
    path = Path(folder)
    config = RunConfig.of(
        {
            "name": path.name,
            "seed": seed,
            "world": _kept(world, path).told(),
            "family": (family or USUAL).told(),
            "network": {"kind": "watched", "hyperparameters": dict(hyperparameters or {})},
            "training": {"batch": batch},
            "probing": {
                "taps": [taps] if isinstance(taps, str) else list(taps),
                "timesteps": "usual" if t is None else list(t),
                **probing,
            },
        }
    )
    return Watcher(config, world, path, encode, batch, monitors)


@dataclass(eq=False)
class Watcher:
    """Records snapshots of a network in one run folder; made by `watch`."""

    config: RunConfig
    world: World
    path: Path
    encode: Callable[[Tensor], Tensor | None]
    batch: int
    monitors: Sequence[Monitor] = ()

    def __post_init__(self) -> None:
        check_monitors(self.monitors)
        self._started, self._clock = now(), (time.perf_counter(), time.process_time())
        self._recorder: Recorder | None = None
        self._last_logged, self._flush_due = -1, 0.0

    @property
    def run(self) -> Run:
        return Run(self.path)

    def record(
        self, network: torch.nn.Module, step: int, images_seen: int | None = None, loss: float | None = None
    ) -> dict[str, Any]:
        """Take a snapshot of `network` after `step` steps; its metrics.

        A step that is recorded already is left as it is, so that a loop may be started again.

        Args:
            images_seen: so far; by default `batch` a step.
            loss: recorded beside the scores.

        Raises:
            UserError: an earlier step after a later one; a tap or a timestep that is not there.
        """
        seen = step * self.batch if images_seen is None else images_seen
        for name, count in (("step", step), ("images_seen", seen)):
            if not isinstance(count, int) or count < 0:
                raise UserError(f"`{name}` (={count!r:.80}) must be a whole number from 0 on")
        plan = self._plan_for(network)
        with self._held() as folder:
            recorder = self._recorder_of(folder, plan, network)
            self._flush(recorder)
            known = {entry["step"]: entry for entry in folder.metrics}
            if step in known:
                return known[step]
            if known and step < max(known):
                raise UserError(
                    f"`step` (={step}) must come after the last one recorded (={max(known)}): give another `folder`"
                )
            line = recorder.record(network, step, seen, loss=None if loss is None else float(loss))
            recorder.summarise()
            recorder.write_status("done", network, step, step, seen)
            return line

    def log(self, scalars: Mapping[str, Any], step: int, images_seen: int | None = None) -> None:
        """Log scalars of your loop after `step` steps, as often as you like: `run.scalars()` has a column for each.

        A step up to the last one logged is left as it is, so that a loop may be started again.

        Args:
            scalars: numbers, or tensors of one number; these are read every few seconds, so that no step waits for a GPU.
            images_seen: so far; by default `batch` a step.

        Raises:
            UserError: `record` was not called before; a name or a value is invalid.
        """
        if self._recorder is None:
            raise UserError(
                f"`step` (={step}) must be logged after the first `record`, which begins the run's folder"
            )
        for name, value in scalars.items():
            if name in ("step", "images_seen", "wall_s", "images_per_s"):
                raise UserError(f"`scalars` (={name}) must have names of their own: phasescope sets this one")
            size = math.prod(getattr(value, "shape", ()))
            if size != 1 or isinstance(value, bool) or not hasattr(value, "__float__"):
                raise UserError(f"`{name}` (={value!r:.40}) must be a number, or a tensor of one number")
        if step <= self._last_logged:
            return
        self._last_logged = step
        kept = {k: v.detach() if hasattr(v, "detach") else v for k, v in scalars.items()}
        self._recorder.log(step, step * self.batch if images_seen is None else images_seen, **kept)
        if time.monotonic() >= self._flush_due:
            with self._held() as self._recorder.folder:
                self._flush(self._recorder)

    def close(self) -> None:
        """Write what was logged and end the monitors; recording may continue all the same."""
        if self._recorder is not None:
            with self._held() as self._recorder.folder:
                self._flush(self._recorder)
            self._recorder.close()

    def _held(self) -> AbstractContextManager[RunWriter]:
        """The run's folder; of the training it records what `watch` was given."""
        return hold(self.path, self.config.tree() | {"training": {"batch": self.batch}})

    def _flush(self, recorder: Recorder) -> None:
        """Write what was logged, within a block that holds the folder, and give it to the monitors."""
        self._flush_due = time.monotonic() + FLUSH_EVERY_S
        recorder.flush()
        recorder.update_monitors()

    def _recorder_of(self, folder: RunWriter, plan: ProbingConfig, network: torch.nn.Module) -> Recorder:
        """The recorder, which is made at the first snapshot, with the folder as it is held now."""
        import torch

        if self._recorder is None:
            weights = next(network.parameters(), None)
            device = torch.device("cpu") if weights is None else weights.device
            recorder = Recorder(self.config, plan, folder, device, self.world, self.encode, self.monitors)
            recorder.started, recorder.clock = self._started, self._clock
            if folder.metrics:  # a loop that was started again
                folder.check_sources()
                recorder.add(folder.metrics[-1])
                recorder.start_clock(folder.metrics[-1]["images_seen"])
            self._last_logged = folder.keep_scalars()
            described = {**about(self.config, plan, self.world), "watched": type(network).__name__}
            folder.write_json("about.json", described)
            self._recorder = recorder
        self._recorder.folder = self._recorder.observer.folder = folder
        return self._recorder

    def _plan_for(self, network: torch.nn.Module) -> ProbingConfig:
        from phasescope.runs.probing.capture import find_tap

        # Layers are looked for before anything is written.
        with as_user_error():
            plan = self.config.plan_of(None, ())
            for tap in plan.taps:
                find_tap(network, tap)
        return plan


def _kept(world: World, path: Path) -> World:
    """A world of arrays at hand, with its arrays kept in the run's folder; any other as it is.

    Raises:
        UserError: the folder holds other images.
    """
    if not isinstance(world, ArrayWorld) or world.file:
        return world
    kept = world.saved(path / "world.npz")
    given, there = world.data, kept.data
    if not (np.array_equal(given.images, there.images) and np.array_equal(given.labels, there.labels)):
        raise UserError(
            f"`folder` (={path}) must be that of these images: its world.npz holds others; give another `folder`"
        )
    return kept
