"""Watching a user's own training loop: the loop records snapshots into a run folder like any other.

    watcher = phasescope.watch(world, layers=["mid_block"], family=phasescope.families.USUAL, folder="runs/mine", batch=64)
    for step, batch in enumerate(loader):
        if step % 500 == 0:
            watcher.record(network, step)    # a snapshot; the first one is the untrained network's baseline
        ...
        watcher.log({"loss": loss, "lr": lr}, step)

Recording advances no random stream and does not change the network's mode, gradients or device. Phases, report, explorer
and `measure` read the folder as that of any run.
"""

from __future__ import annotations

import math
import operator
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error, log_once
from phasescope.models.families import USUAL, FamilyConfig
from phasescope.runs.config import RunConfig
from phasescope.runs.probing.trial import check_forward, device_of
from phasescope.runs.probing.work import snapshot_work
from phasescope.runs.store.folder import RunFolder, is_run, now
from phasescope.runs.store.layout import SCALARS, WORLD
from phasescope.runs.store.writer import RunWriter, hold
from phasescope.runs.trained.run import Run
from phasescope.runs.training.description import describe
from phasescope.runs.training.monitor import Monitor, check_monitors
from phasescope.runs.training.recorder import Recorder
from phasescope.runs.training.snapshot_cost import seconds_an_image, snapshot_bar
from phasescope.worlds import ImageWorld, World

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from phasescope.runs.config.probing_config import ProbingConfig, Usual

LABELS, DRAWN_LABELS, FEATURES = 256, 64, 1024
"""of a watched run by default: labels whose activations are read, those under several draws of noise, and features"""
IMAGES, OTHER_IMAGES, BAND_IMAGES = 64, 32, 16
"""sampled images of the training split and of each other split, and noisy images in each band of the denoising error"""
SLOW_S = 2.0
"""from which a snapshot's time is announced"""
CHEAPER = "fewer `images` (sampled), `latent_labels`, `t`, `layers` or `most_features` make it cheaper, or fewer snapshots"
# Scalars are kept for so many seconds before they are written: each writing locks the folder.
FLUSH_EVERY_S = 2.0


def watch(
    world: World,
    layers: Sequence[str],
    *,
    family: FamilyConfig | None = None,
    folder: Path | str = "runs/watched",
    batch: int,
    t: Sequence[int] | Usual | None = None,
    encode: Callable[[Tensor], Tensor | None] = lambda labels: None,
    seed: int = 0,
    hyperparameters: Mapping[str, Any] | None = None,
    monitors: Sequence[Monitor] = (),
    **probing: Any,
) -> Watcher:
    """Watch a network that is trained by your own loop.

    Args:
        world: provides the labels for which images are sampled and latents are read.
        layers: names of the network's submodules.
        family: the family that it is trained and sampled with; by default the usual one (`families.USUAL`).
        folder: of the run; it is created if it does not exist, and continued otherwise.
        batch: images per step, from which images seen are counted unless `record` is given them.
        t: noise levels at which latents are read; by default the family's lowest usual one, and that at which the phase is
            read.
        encode: maps labels (B, K) to the network's encoding of them: the upper reference of probe R².
        seed: of all labels and noise of the observations.
        hyperparameters: of the loop, such as `{"optimiser": "AdamW", "lr": 1e-3}`: the run records only these and `batch`
            as its training settings.
        monitors: log records as they come, such as `phasescope.TensorBoard("logs")`.
        probing: further fields of the plan, such as `latent_labels=512`.

    A snapshot is meant to cost seconds: by default it reads 256 labels and at most 1,024 features of a layer, drawn once
    at random, and leaves out UMAP. If it will take longer, that is said before the first one, and after it what it took,
    with the fields that make it cheaper; meanwhile a bar is shown in a terminal or a notebook. `Watcher.costs` has the
    time and size of each. `latent_labels=512, most_features=None, p1="usual", t="usual"` read as `train` does. Of a folder
    that exists already the plan is kept, but for the fields that are named.

    Raises:
        UserError: a field of the plan is unknown or invalid, or the folder holds another run.
    """
    if family is not None and not isinstance(family, FamilyConfig):
        raise UserError(f"`family` (={family!r:.80}) must be a configuration, as phasescope.families.USUAL")
    if batch < 1:
        raise UserError(f"`batch` (={batch}) must be at least 1")
    if not isinstance(hyperparameters, Mapping | None):
        raise UserError(f"`hyperparameters` (={hyperparameters!r:.40}) must map names to values")
    if not isinstance(world, World):
        raise UserError(f"`world` (={world!r}) must be a World")

    path = Path(folder)
    config = RunConfig.from_tree(
        {
            "name": path.name,
            "seed": seed,
            "world": _kept(world, path).tree_with_kind(),
            "family": (family or USUAL).tree_with_kind(),
            "network": {"kind": "watched", "hyperparameters": dict(hyperparameters or {})},
            "training": {"batch": batch},
            "probing": {
                **_plan_of_folder(path, family or USUAL, world),
                "layers": [layers] if isinstance(layers, str) else list(layers),
                **({} if t is None else {"t": t if t == "usual" else list(t)}),
                **probing,
            },
        }
    )
    if config.reads_meter:
        raise UserError(
            f"`meter.every` (={config.probing.meter.every}) must be 0 in your own loop: "
            "a phasescope.ConditionMeter reads there"
        )
    return Watcher(config=config, world=world, path=path, encode=encode, batch=batch, monitors=monitors)


def _plan_of_folder(path: Path, family: FamilyConfig, world: World) -> dict[str, Any]:
    """Return the plan by which a folder's snapshots were taken, or the one of new folders."""
    if is_run(path):
        return dict(RunFolder(path).config.get("probing") or {})

    levels = (family.usual_t[0], family.phase_t) if family.usual_t and family.phase_t is not None else None
    counts = {name: OTHER_IMAGES if number else IMAGES for number, name in enumerate(world.splits())}
    return {
        "t": "usual" if levels is None else sorted({*levels}),
        "images": counts,
        "latent_labels": LABELS,
        "variance_labels": DRAWN_LABELS,
        "variance_draws": 2,
        "crossed_labels": DRAWN_LABELS,
        "most_features": FEATURES,
        "band_images": BAND_IMAGES,
        "p1": None,
    }


class Cost(NamedTuple):
    """What a snapshot took: of the wall clock, and of the disk."""

    step: int
    seconds: float
    megabytes: float


@dataclass(eq=False)
class Watcher:
    """Records snapshots of a network in one run folder; created by `watch`."""

    config: RunConfig
    world: World
    path: Path
    encode: Callable[[Tensor], Tensor | None]
    batch: int
    monitors: Sequence[Monitor] = ()
    weights: str = "raw"
    """which are recorded, as about.json says: `raw`, the network's own, or `ema`, averaged ones"""

    def __post_init__(self) -> None:
        check_monitors(self.monitors)
        self._started = now()
        self._clock = time.perf_counter(), time.process_time()
        self._recorder: Recorder | None = None
        self.costs: list[Cost] = []
        self._last_logged = -1
        self._flush_due = 0.0

    @property
    def is_recording(self) -> bool:
        """Whether `record` was called, so that scalars can be logged."""
        return self._recorder is not None

    @property
    def recorded_steps(self) -> list[int]:
        """The steps of the snapshots that the folder has; none if there is no folder yet."""
        return [line["step"] for line in RunFolder(self.path).metrics] if is_run(self.path) else []

    @property
    def run(self) -> Run:
        return Run(self.path)

    def record(
        self, network: torch.nn.Module, step: int, images_seen: int | None = None, loss: float | None = None
    ) -> dict[str, Any]:
        """Take a snapshot of `network` after `step` steps and return its metrics.

        A step that is already recorded is not recorded again, so that a loop may be restarted.

        Args:
            images_seen: so far; by default `batch` per step.
            loss: recorded with the scores.

        Raises:
            UserError: the step is earlier than a recorded one; a layer or a timestep does not exist; `network` does not
                return float32 images, or changes what it is given.
        """
        step, seen = self._counts(step, images_seen)
        from torch import nn

        if not isinstance(network, nn.Module):
            raise UserError(f"`network` (={network!r:.40}) must be a torch.nn.Module")
        if loss is not None and not _is_number(loss):
            raise UserError(f"`loss` (={loss!r:.40}) must be a number, or a tensor of one number")
        with own_arithmetic(device_of(network)):
            plan = self._plan_for(network)
            return self._record(network=network, step=step, images_seen=seen, loss=loss, plan=plan)

    def _record(
        self, network: torch.nn.Module, step: int, images_seen: int, loss: float | None, plan: ProbingConfig
    ) -> dict[str, Any]:
        with self._held() as folder:
            _check_same_network(folder, network)
            recorder = self._recorder_of(folder, plan, network)
            self._flush(recorder)
            known = {entry["step"]: entry for entry in folder.metrics}
            if step in known:
                return known[step]
            if known:
                _check_later(folder.metrics[-1], step, images_seen)

            if loss is not None:
                loss = float(loss.detach() if hasattr(loss, "detach") else loss)
            images = snapshot_work(plan, self.config.family, self.world).images
            self._announce_cost(network, images, plan.batch)
            began = time.perf_counter()
            with snapshot_bar(network, self.path.name, images):
                line = recorder.record(network, step, images_seen, loss=loss)
            self._count_cost(step, time.perf_counter() - began)
            recorder.summarise()
            recorder.write_status(
                state="done", network=network, step=step, steps=step, images_seen=images_seen
            )
            return line

    def _announce_cost(self, network: torch.nn.Module, images: int | None, batch: int) -> None:
        """Say once, before the first snapshot, what one will take if that is long, and which fields are to be turned."""
        if self.costs or images is None:
            return
        seconds = images * seconds_an_image(network, self.world, self.config.family, batch)
        if seconds > SLOW_S:
            log_once(
                f"a snapshot of `{self.path.name}` will take about {seconds:.0f} s and more, in which the network answers "
                f"{images:,} images: {CHEAPER}"
            )

    def _count_cost(self, step: int, seconds: float) -> None:
        """Keep what a snapshot took; say it once if it took long, and which fields are to be turned."""
        size = sum(file.stat().st_size for file in self.run.snapshot(step).path.iterdir())
        self.costs.append(Cost(step, seconds, size / 1e6))
        if seconds > SLOW_S and len(self.costs) == 1:
            log_once(
                f"a snapshot of `{self.path.name}` took {seconds:.1f} s and {size / 1e6:.1f} MB: {CHEAPER}"
            )

    def log(self, scalars: Mapping[str, Any], step: int, images_seen: int | None = None) -> None:
        """Log scalars of your loop after `step` steps, as often as you like: `run.scalars()` has a column for each.

        Steps up to the last one logged are ignored, so that a loop may be restarted.

        Args:
            scalars: numbers, or tensors of one number; tensors are read every few seconds, so that no step waits for a GPU.
            images_seen: so far; by default `batch` per step.

        Raises:
            UserError: `record` was not called before; a name or a value is invalid.
        """
        if self._recorder is None:
            raise UserError(f"`step` (={step}) must be logged after the first `record`")
        for name, value in scalars.items():
            if not isinstance(name, str) or not name or not name.isprintable():
                raise UserError(f"`scalars` (={name!r:.40}) must have printable names: each is a column")
            if name in ("step", "images_seen", "wall_s", "images_per_s"):
                raise UserError(f"`scalars` (={name}) must have names of their own: phasescope sets this one")
            if not _is_number(value):
                raise UserError(f"`{name}` (={value!r:.40}) must be a number, or a tensor of one number")

        step, seen = self._counts(step, images_seen)
        if step <= self._last_logged:
            return

        self._last_logged = step
        kept = {k: v.detach() if hasattr(v, "detach") else v for k, v in scalars.items()}
        self._recorder.log(step, seen, **kept)

        if time.monotonic() >= self._flush_due:
            with self._held() as self._recorder.folder:
                self._flush(self._recorder)

    def close(self) -> None:
        """Write logged scalars and close the monitors; recording may still continue."""
        if self._recorder is not None:
            with self._held() as self._recorder.folder:
                self._flush(self._recorder)
            self._recorder.close()

    def _counts(self, step: int, images_seen: int | None) -> tuple[int, int]:
        """Return steps and images seen so far.

        Raises:
            UserError: one of them is no whole number from 0 on, or too large for a table.
        """
        step = _count("step", step)
        return step, _count("images_seen", step * self.batch if images_seen is None else images_seen)

    def _held(self) -> AbstractContextManager[RunWriter]:
        """Hold the run's folder; its training settings are those that `watch` was given."""
        return hold(self.path, self.config.tree() | {"training": {"batch": self.batch}})

    def _flush(self, recorder: Recorder) -> None:
        """Write logged scalars, within a block that holds the folder, and update the monitors."""
        self._flush_due = time.monotonic() + FLUSH_EVERY_S
        recorder.flush()
        recorder.update_monitors()

    def _recorder_of(self, folder: RunWriter, plan: ProbingConfig, network: torch.nn.Module) -> Recorder:
        """Return the recorder, which the first snapshot creates, with the folder as it is held now."""
        if self._recorder is None:
            device = device_of(network)
            recorder = Recorder(
                config=self.config,
                plan=plan,
                folder=folder,
                device=device,
                world=self.world,
                encode=self.encode,
                monitors=self.monitors,
            )
            recorder.started, recorder.clock = self._started, self._clock

            if folder.metrics:  # the loop was restarted
                before = folder.about.get("weights", "raw")
                if before != self.weights:
                    raise UserError(
                        f"`weights` (={self.weights}) must be those of the run's earlier snapshots ({before}): give another "
                        "`folder`"
                    )
                folder.check_sources()
                recorder.add(folder.metrics[-1])
                recorder.start_clock(folder.metrics[-1]["images_seen"])

            self._last_logged = folder.keep_lines(SCALARS)
            description = {
                **describe(self.config, plan, self.world),
                "watched": type(network).__name__,
                "weights": self.weights,
            }
            folder.write_json("about.json", description)
            self._recorder = recorder
        self._recorder.folder = self._recorder.observer.folder = folder
        return self._recorder

    def _plan_for(self, network: torch.nn.Module) -> ProbingConfig:
        from phasescope.runs.probing.capture import find_layer

        # Missing layers must raise before anything is written, and so must a network that does not take float32 images.
        with as_user_error():
            plan = self.config.plan_of(None, ())
            for layer in plan.layers:
                find_layer(network, layer)
        if self._recorder is None:
            name, call = f"`network` (={type(network).__name__})", "network(x, t, labels) for float32 images"
            check_forward(network=network, name=name, call=call, world=self.world, family=self.config.family)
        return plan


def _count(name: str, value: Any) -> int:
    if not isinstance(value, bool) and hasattr(value, "__index__"):
        with suppress(TypeError):  # of a tensor of several numbers
            if 0 <= operator.index(value) < 2**63:
                return operator.index(value)
    raise UserError(f"`{name}` (={value!r:.80}) must be a whole number from 0 on, below 2^63")


def _is_number(value: Any) -> bool:
    """Return whether a value is one real number, without waiting for the device that holds it."""
    if isinstance(value, bool | complex) or re.search("bool|complex", str(getattr(value, "dtype", ""))):
        return False
    if isinstance(value, int):
        return abs(value) < 2**1023  # a larger one is no float
    return hasattr(value, "__float__") and math.prod(getattr(value, "shape", ())) == 1


def _check_later(last: Mapping[str, Any], step: int, images_seen: int) -> None:
    """Raise UserError if a snapshot does not come after the last line of metrics."""
    if step < last["step"]:
        raise UserError(
            f"`step` (={step}) must come after the last one recorded (={last['step']}): give another `folder`"
        )
    if images_seen < last["images_seen"]:
        raise UserError(
            f"`images_seen` (={images_seen}) must be at least those of step {last['step']} (={last['images_seen']})"
        )


def _check_same_network(run: RunFolder, network: torch.nn.Module) -> None:
    """Raise UserError if the last snapshot of a run has weights of other names or shapes than a network.

    Wrappers of a network, as those of torch.compile and of data-parallel training, do not count, nor do new buffers.
    """
    last = max(run.snapshots, key=lambda snapshot: snapshot.step, default=None)
    if last is None:
        return

    known = {_unwrapped(name): shape for name, shape in last.shapes().items()}
    present = {_unwrapped(name): tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    required = {_unwrapped(name) for name, _ in network.named_parameters()}

    for name in dict.fromkeys([*present, *known]):
        old, new = known.get(name), present.get(name)
        if old == new or (old is None and name not in required):
            continue

        now = "is not there" if new is None else f"is {new}"
        before = "was not there" if old is None else f"was {old}"
        raise UserError(
            f"`network` (={type(network).__name__}) must be the one that was recorded at step {last.step}: `{name}` {now}, "
            f"and {before}; give another `folder`"
        )


def _unwrapped(name: str) -> str:
    """Return the name of a weight without the parts that wrappers of a network add to it."""
    return ".".join(part for part in name.split(".") if part not in ("_orig_mod", "module"))


def _kept(world: World, path: Path) -> World:
    """Return a world of arrays in memory with its arrays saved in the run's folder, and any other world as it is.

    Raises:
        UserError: the folder holds other images.
    """
    if not isinstance(world, ImageWorld) or world.file:
        return world
    kept = world.saved(path / WORLD)
    given, there = world.data, kept.data
    if not (np.array_equal(given.images, there.images) and np.array_equal(given.labels, there.labels)):
        raise UserError(
            f"`folder` (={path}) must be that of these images: its world.npz holds others; give another `folder`"
        )
    return kept
