"""A run for TensorBoard: every number of its metrics over gradient steps, and what it painted at each snapshot.

    tensorboard --logdir FOLDER

Phases are 0, 1, 2 for A, B, C. It is written by the `tensorboard` package's own writer (extra `monitors`).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from PIL import Image

from phasescope.errors import UserError
from phasescope.measures.learning.phases import LETTERS
from phasescope.store import Run, Snapshot
from phasescope.store.files import write_aside
from phasescope.store.flat import numbered
from phasescope.store.folder import damage_told
from phasescope.views.figures.pixels import sheet
from phasescope.views.report.sound import sound_record

MISSING = "TensorBoard must be installed: ./lab setup, or pip install '.[monitors]' in a clone"
FILE = "events.out.tfevents.0.phasescope"
MOST_IMAGES = 64
"""of a split at a snapshot"""


def write_events(run: Run, folder: Path) -> Path:
    """Write a run's scalars and images to <folder>/<run>/, in the place of what was written there before; the
    file's path.

    Raises:
        UserError: TensorBoard is not installed; the run recorded nothing yet, or what it recorded is damaged.
    """
    buffer = io.BytesIO()
    events = Events(buffer)
    with damage_told(run):
        record = sound_record(run)
        if not record.metrics:
            raise UserError(f"`RUN` (={run.name}) must have a snapshot to be exported, and has none yet")
        began = begin_of(record.status)
        events.begin(began + (record.metrics[0].get("wall_s") or 0.0))
        for line in record.metrics:
            events.scalars(line, began)
        times = {line["step"]: line for line in record.metrics}
        for snapshot in record.snapshots:
            if (snapshot.path / "samples.npz").is_file():
                events.images(snapshot, times[snapshot.step], began)
    path = folder / run.name / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_aside(path, buffer.getvalue())
    return path


class Events:
    """Writes TensorBoard's events to a file that is open for bytes.

    Raises:
        UserError: TensorBoard is not installed.
    """

    def __init__(self, file: IO[bytes]):
        try:
            self._event = import_module("tensorboard.compat.proto.event_pb2").Event
            self._summary = import_module("tensorboard.compat.proto.summary_pb2").Summary
            self._records = import_module("tensorboard.summary.writer.record_writer").RecordWriter(file)
        except ModuleNotFoundError:
            raise UserError(MISSING) from None

    def begin(self, at: float) -> None:
        """A file's first event, with its time in seconds since 1970."""
        self._write(wall_time=at, file_version="brain.Event:2")

    def scalars(self, line: Mapping[str, Any], began: float) -> None:
        """The numbers of a line of the metrics of a run that began then."""
        values = [self._summary.Value(tag=tag, simple_value=value) for tag, value in scalars_of(line)]
        self._told(line, began, values)

    def images(self, snapshot: Snapshot, line: Mapping[str, Any], began: float) -> None:
        """What was painted at a snapshot, of which `line` are the metrics."""
        values = [
            self._summary.Value(
                tag=f"painted/{split}",
                image=self._summary.Image(
                    height=picture.height, width=picture.width, encoded_image_string=as_png(picture)
                ),
            )
            for split, picture in sheets_of(snapshot)
        ]
        self._told(line, began, values)

    def _told(self, line: Mapping[str, Any], began: float, values: list[Any]) -> None:
        at = began + (line.get("wall_s") or 0.0)
        self._write(wall_time=at, step=line["step"], summary=self._summary(value=values))

    def _write(self, **fields: Any) -> None:
        self._records.write(self._event(**fields).SerializeToString())


def begin_of(status: Mapping[str, Any]) -> float:
    """When a run began, in seconds since 1970; 0 where that is unknown."""
    started = status.get("started")
    return datetime.fromisoformat(started).timestamp() if isinstance(started, str) else 0.0


def scalars_of(line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """(tag, number): `order/mid.600.value` of `order.mid.600.value`, for TensorBoard groups what is before a
    stroke."""
    for column, value in numbered(line):
        if isinstance(value, str) and column.startswith("phase."):
            value = LETTERS.index(value) if value in LETTERS else None
        if isinstance(value, int | float) and not isinstance(value, bool) and column != "step":
            yield column.replace(".", "/", 1), float(value)


def sheets_of(snapshot: Snapshot) -> Iterator[tuple[str, Image.Image]]:
    """(split, picture) of what was painted for each split."""
    samples = snapshot.samples()
    for split in dict.fromkeys(samples["split"].tolist()):
        yield split, sheet(samples["images"][samples["split"] == split][:MOST_IMAGES])


def as_png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()
