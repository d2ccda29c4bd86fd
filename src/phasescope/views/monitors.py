"""Monitors: a run's numbers and images in TensorBoard or in Weights & Biases while it trains (extra `monitors`).

    phasescope.train(config, monitors=[phasescope.TensorBoard("logs"), phasescope.WandB("mine")])

Both use the packages' own writers. Phases are 0, 1, 2 for A, B, C; the condition meter is named as by `ConditionMeter.log`.
A run that is resumed is written again from its start, so that a log says what the run says.
"""

import inspect
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from phasescope.core.errors import UserError, similar
from phasescope.core.sources import description_of
from phasescope.measures.condition_readings import scalars_of
from phasescope.measures.phases import LETTERS
from phasescope.runs.store import RunFolder
from phasescope.runs.store.flat import numbered
from phasescope.runs.store.folder import Notify
from phasescope.views.pixels import sheet

MOST_IMAGES = 64
"""of a split at a snapshot"""

OF_THE_RUN = {
    "config": "the run's configuration",
    "id": "the name of the run's folder as its id",
    "name": "the name of the run's folder",
    "resume": "a run that is resumed under its id",
}
"""options of `wandb.init` that WandB sets"""


class _Log(ABC):
    """Writes the lines of a run that are new at each `update`, by ascending step."""

    _opened = False

    def update(self, run: RunFolder) -> None:
        # Before the log is opened, so that a damaged run leaves none behind.
        kept = {"scalars": run.scalar_lines, "metrics": run.metrics, "meter": run.meter_lines}
        if not self._opened:
            self._open(run)
            self._opened, self._wall_s = True, 0.0
            self._written = dict.fromkeys(NUMBERS, -1)

        lines = [(name, line) for name in NUMBERS for line in kept[name]]
        for name, line in sorted(lines, key=lambda pair: pair[1]["step"]):
            if line["step"] <= self._written[name]:
                continue
            # The meter's own `wall_s` is what a reading took, and no time of the run.
            if name != "meter":
                self._wall_s = line.get("wall_s") or 0.0

            pictures = _pictures(run, line["step"]) if name == "metrics" else ()
            self._write(run, line["step"], dict(NUMBERS[name](line)), dict(pictures))
            self._written[name] = line["step"]

    def close(self) -> None:
        if self._opened:
            self._opened = False
            self._close()

    @abstractmethod
    def check(self) -> None:
        """Raise UserError if the package that it needs is not installed."""

    @abstractmethod
    def holds(self, run: RunFolder) -> bool:
        """Return whether there is a log of the run."""

    @abstractmethod
    def _open(self, run: RunFolder) -> None: ...

    @abstractmethod
    def _write(self, run: RunFolder, step: int, numbers: dict, pictures: dict) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...


class TensorBoard(_Log):
    """Events in <folder>/<run>/, as ``tensorboard --logdir FOLDER`` takes them."""

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)

    def check(self) -> None:
        _installed("torch.utils.tensorboard", "TensorBoard")

    def holds(self, run: RunFolder) -> bool:
        return any((self.folder / run.name).glob("events.*"))

    def _open(self, run: RunFolder) -> None:
        module = _installed("torch.utils.tensorboard", "TensorBoard")
        for earlier in (self.folder / run.name).glob("events.*"):
            earlier.unlink()
        started = run.status.get("started")
        self._began = datetime.fromisoformat(started).timestamp() if started else 0.0
        self._writer = module.SummaryWriter(self.folder / run.name)

    def _write(self, run: RunFolder, step: int, numbers: dict, pictures: dict) -> None:
        at = self._began + self._wall_s
        for tag, value in numbers.items():
            self._writer.add_scalar(tag, value, step, at)
        for tag, picture in pictures.items():
            self._writer.add_image(tag, np.asarray(picture.convert("RGB")), step, at, dataformats="HWC")

    def _close(self) -> None:
        self._writer.close()


class WandB(_Log):
    """A run of Weights & Biases, offline unless WANDB_MODE says otherwise: nothing leaves before `wandb sync`.

    Its name and id are those of the run's folder; the run's whole configuration is logged as W&B's `config`, by which its
    pages group and filter. The trap: a run that is resumed is logged under the same id, from its start, and offline in a
    further folder ``wandb/offline-run-<time>-<id>``. Of several with one id, `wandb sync` the last.

        phasescope.train(config, monitors=[phasescope.WandB("mine", tags=["first"], group="rates")])

    Args:
        project: of Weights & Biases.
        folder: that holds ``wandb/``.
        options: further ones of `wandb.init`, such as `tags`, `notes`, `group`, `entity` or `mode`.

    Raises:
        UserError: an option is one that the run itself sets; when the run begins, if `wandb.init` has no such option.
    """

    def __init__(self, project: str = "phasescope", folder: Path | str = ".", **options: Any):
        for name in options:
            if name in OF_THE_RUN:
                raise UserError(
                    f"`{name}` (={options[name]!r:.40}) must be left out: WandB logs {OF_THE_RUN[name]} itself"
                )
        mode = os.environ.get("WANDB_MODE", "offline")
        self.setup = {"project": project, "dir": str(folder), "mode": mode, "reinit": "create_new", **options}

    def check(self) -> None:
        _installed("wandb", "Weights & Biases")

    def holds(self, run: RunFolder) -> bool:
        return any(Path(self.setup["dir"], "wandb").glob(f"*run-*-{run.name}"))

    def _open(self, run: RunFolder) -> None:
        self._wandb = _installed("wandb", "Weights & Biases")
        Path(self.setup["dir"]).mkdir(parents=True, exist_ok=True)
        known = inspect.signature(self._wandb.init).parameters
        for option in self.setup:
            if option not in known:
                raise UserError(f"`{option}` must be an option of wandb.init{similar(option, known)}")
        resume = "allow" if self.setup["mode"] == "online" else None
        named = {"name": run.name, "id": run.name, "config": run.config, "resume": resume}
        self._run = self._wandb.init(**named, **self.setup)

    def _write(self, run: RunFolder, step: int, numbers: dict, pictures: dict) -> None:
        images = {tag: self._wandb.Image(picture) for tag, picture in pictures.items()}
        self._run.log({**numbers, **images}, step=step)

    def _close(self) -> None:
        self._run.finish()


@dataclass(frozen=True)
class Logs:
    """The logs that a command writes of each of its runs: `--tensorboard FOLDER` and `--wandb PROJECT`."""

    tensorboard: Path | None = None
    wandb: str | None = None

    def monitors(self) -> list[_Log]:
        """Return new monitors, which log one run."""
        monitors: list[_Log] = []
        if self.tensorboard is not None:
            monitors.append(TensorBoard(self.tensorboard))
        if self.wandb is not None:
            monitors.append(WandB(self.wandb))
        return monitors

    def options(self) -> list[str]:
        """Return the same as options of `phasescope exec`, for a worker that may run in another folder."""
        folder = [] if self.tensorboard is None else [f"--tensorboard={self.tensorboard.absolute()}"]
        return folder + ([] if self.wandb is None else [f"--wandb={self.wandb}"])

    def check(self) -> None:
        """Raise UserError if a package is not installed: before any run is begun."""
        for monitor in self.monitors():
            monitor.check()

    def add_missing(self, runs: Sequence[RunFolder], notify: Notify) -> None:
        """Log finished runs of which there is no log; one that cannot be logged is left out with a warning.

        Args:
            notify: is called with the number of runs that are logged, and of those that lack a log.
        """
        for monitor in self.monitors():
            missing = [run for run in runs if not monitor.holds(run)]
            for done, run in enumerate(missing):
                notify(done, len(missing))
                try:
                    with closing(monitor):
                        monitor.update(run)
                # A damaged folder or somebody else's network: the other runs are logged, and what is missing is run.
                except Exception as error:
                    why = str(error) if isinstance(error, UserError) else description_of(error)
                    warnings.warn(f"{type(monitor).__name__} does not log {run.name}: {why}", stacklevel=2)


def _installed(module: str, name: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        where = "./lab setup, or pip install '.[monitors]' in a clone"
        raise UserError(f"{name} must be installed: {where}") from None


def _metrics(line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    # `probe_r2/mid.600.value` of `probe_r2.mid.600.value`: TensorBoard groups by what precedes a slash.
    for column, value in numbered(line).items():
        if column.startswith("phase."):
            value = LETTERS.index(value) if value in LETTERS else None
        if isinstance(value, int | float) and not isinstance(value, bool) and column != "step":
            yield column.replace(".", "/", 1), float(value)


def _scalars(line: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    # `train/loss` stands beside the snapshots' own `loss`, which is a mean since the last one.
    for name, value in line.items():
        if name not in ("step", "wall_s") and value is not None:
            yield f"train/{name}", value


def _meter(line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield from scalars_of(line["bands"]).items()


# At one step in this order, so that a reading of the meter has the time of its snapshot.
NUMBERS = {"scalars": _scalars, "metrics": _metrics, "meter": _meter}


def _pictures(run: RunFolder, step: int) -> Iterator[tuple[str, Any]]:
    """Give (tag, picture) of what was generated for each split at a step."""
    for snapshot in run.snapshots:
        if snapshot.step == step and (snapshot.path / "samples.npz").is_file():
            samples = snapshot.samples()
            for split in dict.fromkeys(samples["split"].tolist()):
                yield f"samples/{split}", sheet(samples["images"][samples["split"] == split][:MOST_IMAGES])
