"""Monitors: a run's numbers and pictures in TensorBoard or in Weights & Biases while it goes on (extra `monitors`).

    phasescope.train(config, monitors=[phasescope.TensorBoard("logs"), phasescope.WandB("mine")])

Both are the packages' own writers. Phases are 0, 1, 2 for A, B, C.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Literal

from phasescope.errors import UserError
from phasescope.store import Run, Snapshot
from phasescope.store.folder import damage_told
from phasescope.views.export.tensorboard import FILE, Events, begin_of, scalars_of, sheets_of, write_events


class TensorBoard:
    """Events in <folder>/<run>/, as ``tensorboard --logdir FOLDER`` takes them.

    A run that is resumed is written again from its start, so that the file says what the run says.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        self._file: IO[bytes] | None = None
        self._events: Events | None = None
        self._began = 0.0

    def begin(self, run: Run) -> None:
        self._began = begin_of(run.status)
        path = self.folder / run.name / FILE
        if run.metrics:
            write_events(run, self.folder)
        else:
            first = io.BytesIO()
            Events(first).begin(self._began)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(first.getvalue())
        self._file = open(path, "ab")  # noqa: SIM115
        self._events = Events(self._file)

    def log(self, run: Run, metrics: Mapping[str, Any]) -> None:
        assert self._events
        assert self._file
        self._events.scalars(metrics, self._began)
        for snapshot in painted_at(run, metrics["step"]):
            self._events.images(snapshot, metrics, self._began)
        self._file.flush()

    def end(self, run: Run) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class WandB:
    """A run of Weights & Biases, offline unless `mode` or WANDB_MODE says otherwise: nothing leaves before `wandb sync`.

    A run that is resumed is logged again from its start, under the same id.

    Args:
        project: of Weights & Biases.
        folder: that holds ``wandb/``.
        mode: offline, or online where one is logged in; as WANDB_MODE says where None.
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
        self.project, self.folder, self.mode, self.options = project, Path(folder), mode, options
        self._run: Any = None

    def begin(self, run: Run) -> None:
        wandb = self._wandb()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._run = wandb.init(
            project=self.project,
            dir=str(self.folder),
            mode=self.mode,
            name=run.name,
            id=run.name,
            config=run.config,
            resume="allow" if self.mode == "online" else None,
            reinit="create_new",
            **self.options,
        )
        with damage_told(run):
            for line in run.metrics:
                self.log(run, line)

    def log(self, run: Run, metrics: Mapping[str, Any]) -> None:
        step = metrics["step"]
        pictures = {
            f"painted/{split}": self._wandb().Image(picture)
            for snapshot in painted_at(run, step)
            for split, picture in sheets_of(snapshot)
        }
        self._run.log({**dict(scalars_of(metrics)), **pictures}, step=step)

    def end(self, run: Run) -> None:
        self._run.finish()

    def _wandb(self) -> Any:
        try:
            return import_module("wandb")
        except ModuleNotFoundError:
            raise UserError(
                "Weights & Biases must be installed: ./lab setup, or pip install '.[monitors]' in a clone"
            ) from None


def painted_at(run: Run, step: int) -> list[Snapshot]:
    """The snapshot of a step, where it holds what was painted."""
    return [one for one in run.snapshots if one.step == step and (one.path / "samples.npz").is_file()]
