"""Monitors: a run's numbers and images in TensorBoard or in Weights & Biases while it trains (extra `monitors`).

    phasescope.train(config, monitors=[phasescope.TensorBoard("logs"), phasescope.WandB("mine")])

Both use the packages' own writers. Phases are 0, 1, 2 for A, B, C. A run that is resumed is written again from its start, so
that a log says what the run says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from phasescope.core.errors import UserError
from phasescope.measures.learning.phases import LETTERS
from phasescope.runs.store import Run
from phasescope.runs.store.flat import numbered
from phasescope.views.figures.pixels import sheet

if TYPE_CHECKING:
    from PIL import Image

MOST_IMAGES = 64
"""of a split at a snapshot"""


class TensorBoard:
    """Events in <folder>/<run>/, as ``tensorboard --logdir FOLDER`` takes them."""

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)

    def begin(self, run: Run) -> None:
        module = _installed("torch.utils.tensorboard", "TensorBoard")
        for earlier in (self.folder / run.name).glob("events.*"):
            earlier.unlink()
        self._writer = module.SummaryWriter(self.folder / run.name)
        self.log_scalars(run, run.scalar_lines)
        for line in run.metrics:
            self.log(run, line)

    def log_scalars(self, run: Run, lines: Sequence[Mapping[str, float]]) -> None:
        began = _began(run)
        for line in lines:
            for tag, value in _dense(line):
                self._writer.add_scalar(tag, value, line["step"], began + line["wall_s"])
        self._writer.flush()

    def log(self, run: Run, metrics: Mapping[str, Any]) -> None:
        step, at = metrics["step"], _began(run) + (metrics.get("wall_s") or 0.0)
        for tag, value in _scalars(metrics):
            self._writer.add_scalar(tag, value, step, at)
        for tag, picture in _pictures(run, step):
            self._writer.add_image(tag, np.asarray(picture.convert("RGB")), step, at, dataformats="HWC")
        self._writer.flush()

    def end(self, run: Run) -> None:
        self._writer.close()


class WandB:
    """A run of Weights & Biases, offline unless `mode` or WANDB_MODE says otherwise: nothing leaves before `wandb sync`.

    A run that is resumed is logged under the same id.

    Args:
        project: of Weights & Biases.
        folder: that holds ``wandb/``.
        mode: offline, or online where one is logged in; as WANDB_MODE says if None.
        options: of `wandb.init`, as `tags`, `notes` or `entity`.
    """

    def __init__(
        self,
        project: str = "phasescope",
        folder: Path | str = ".",
        mode: Literal["offline", "online"] | None = None,
        **options: Any,
    ):
        mode = mode or ("online" if os.environ.get("WANDB_MODE") == "online" else "offline")
        if mode not in ("offline", "online"):
            raise UserError(f"`mode` (={mode}) must be offline or online")
        self.setup = {"project": project, "dir": str(folder), "mode": mode, "reinit": "create_new", **options}

    def begin(self, run: Run) -> None:
        self._wandb = _installed("wandb", "Weights & Biases")
        Path(self.setup["dir"]).mkdir(parents=True, exist_ok=True)
        resume = "allow" if self.setup["mode"] == "online" else None
        self._run = self._wandb.init(
            name=run.name, id=run.name, config=run.config, resume=resume, **self.setup
        )
        lines = run.scalar_lines  # steps of Weights & Biases must not decrease
        for snapshot in run.metrics:
            self.log_scalars(run, [line for line in lines if line["step"] <= snapshot["step"]])
            self.log(run, snapshot)
            lines = [line for line in lines if line["step"] > snapshot["step"]]
        self.log_scalars(run, lines)

    def log_scalars(self, run: Run, lines: Sequence[Mapping[str, float]]) -> None:
        for line in lines:
            self._run.log(dict(_dense(line)), step=line["step"])

    def log(self, run: Run, metrics: Mapping[str, Any]) -> None:
        step = metrics["step"]
        pictures = {tag: self._wandb.Image(picture) for tag, picture in _pictures(run, step)}
        self._run.log({**dict(_scalars(metrics)), **pictures}, step=step)

    def end(self, run: Run) -> None:
        self._run.finish()


def write_events(run: Run, folder: Path) -> Path:
    """Write a run's scalars and images to <folder>/<run>/, replacing what was written there before; return the file's path.

    Raises:
        UserError: TensorBoard is not installed; the run recorded nothing yet, or what it recorded is damaged.
    """
    if not run.metrics:
        raise UserError(f"`RUN` (={run.name}) must have a snapshot to be exported, and has none yet")
    board = TensorBoard(folder)
    board.begin(run)
    board.end(run)
    return next((folder / run.name).glob("events.*"))


def _installed(module: str, name: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        where = "./lab setup, or pip install '.[monitors]' in a clone"
        raise UserError(f"{name} must be installed: {where}") from None


def _scalars(line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Give (tag, number): `order/mid.600.value` of `order.mid.600.value`, as TensorBoard groups by what precedes a slash."""
    for column, value in numbered(line).items():
        if column.startswith("phase."):
            value = LETTERS.index(value) if value in LETTERS else None
        if isinstance(value, int | float) and not isinstance(value, bool) and column != "step":
            yield column.replace(".", "/", 1), float(value)


def _dense(line: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Give (tag, number) of a line of scalars: `train/loss` beside the snapshots' own `loss`, a mean since the last one."""
    for name, value in line.items():
        if name not in ("step", "wall_s") and value is not None:
            yield f"train/{name}", value


def _began(run: Run) -> float:
    started = run.status.get("started")
    return datetime.fromisoformat(started).timestamp() if started else 0.0


def _pictures(run: Run, step: int) -> Iterator[tuple[str, Image.Image]]:
    """Give (tag, picture) of what was generated for each split at a step."""
    for snapshot in run.snapshots:
        if snapshot.step == step and (snapshot.path / "samples.npz").is_file():
            samples = snapshot.samples()
            for split in dict.fromkeys(samples["split"].tolist()):
                yield f"painted/{split}", sheet(samples["images"][samples["split"] == split][:MOST_IMAGES])
