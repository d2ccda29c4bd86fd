"""Monitors: a run's numbers and images in TensorBoard or in Weights & Biases while it trains (extra `monitors`).

    phasescope.train(config, monitors=[phasescope.TensorBoard("logs"), phasescope.WandB("mine")])

Both use the packages' own writers. Phases are 0, 1, 2 for A, B, C; the condition meter is named as by `ConditionMeter.log`.
A run that is resumed is written again from its start, so that a log says what the run says.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from phasescope.core.errors import UserError
from phasescope.measures.condition_readings import scalars_of
from phasescope.measures.phases import LETTERS
from phasescope.runs.store import RunFolder
from phasescope.runs.store.flat import numbered
from phasescope.views.pixels import sheet

MOST_IMAGES = 64
"""of a split at a snapshot"""


class _Log(ABC):
    """Writes the lines of a run that are new at each `update`, by ascending step."""

    _opened = False

    def update(self, run: RunFolder) -> None:
        if not self._opened:
            self._open(run)
            self._opened, self._wall_s = True, 0.0
            self._written = dict.fromkeys(NUMBERS, -1)

        kept = {"scalars": run.scalar_lines, "metrics": run.metrics, "meter": run.meter_lines}
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
    def _open(self, run: RunFolder) -> None: ...

    @abstractmethod
    def _write(self, run: RunFolder, step: int, numbers: dict, pictures: dict) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...


class TensorBoard(_Log):
    """Events in <folder>/<run>/, as ``tensorboard --logdir FOLDER`` takes them."""

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)

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

    A run that is resumed is logged under the same id.

    Args:
        project: of Weights & Biases.
        folder: that holds ``wandb/``.
        options: of `wandb.init`, as `tags`, `notes`, `entity` or `mode`.
    """

    def __init__(self, project: str = "phasescope", folder: Path | str = ".", **options: Any):
        mode = os.environ.get("WANDB_MODE", "offline")
        self.setup = {"project": project, "dir": str(folder), "mode": mode, "reinit": "create_new", **options}

    def _open(self, run: RunFolder) -> None:
        self._wandb = _installed("wandb", "Weights & Biases")
        Path(self.setup["dir"]).mkdir(parents=True, exist_ok=True)
        resume = "allow" if self.setup["mode"] == "online" else None
        named = {"name": run.name, "id": run.name, "config": run.config, "resume": resume}
        self._run = self._wandb.init(**named, **self.setup)

    def _write(self, run: RunFolder, step: int, numbers: dict, pictures: dict) -> None:
        images = {tag: self._wandb.Image(picture) for tag, picture in pictures.items()}
        self._run.log({**numbers, **images}, step=step)

    def _close(self) -> None:
        self._run.finish()


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
