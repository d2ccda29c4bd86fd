"""A run for TensorBoard: every number of its metrics over gradient steps, and what it painted at each snapshot.

    tensorboard --logdir FOLDER

Phases are 0, 1, 2 for A, B, C. It is written by the `tensorboard` package's own writer (extra `monitors`).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from phasescope.errors import UserError
from phasescope.measures.learning.phases import LETTERS
from phasescope.store import Run
from phasescope.store.files import write_aside
from phasescope.store.flat import numbered
from phasescope.store.folder import damage_told
from phasescope.views.figures.pixels import sheet
from phasescope.views.record import Record
from phasescope.views.report.sound import sound_record

FILE = "events.out.tfevents.0.phasescope"
MOST_IMAGES = 64
"""of a split at a snapshot"""


def write_events(run: Run, folder: Path) -> Path:
    """Write a run's scalars and images to <folder>/<run>/, in the place of what was written there before; the file's path.

    Raises:
        UserError: TensorBoard is not installed; the run recorded nothing yet, or what it recorded is damaged.
    """
    try:
        Event = import_module("tensorboard.compat.proto.event_pb2").Event
        Summary = import_module("tensorboard.compat.proto.summary_pb2").Summary
        RecordWriter = import_module("tensorboard.summary.writer.record_writer").RecordWriter
    except ModuleNotFoundError:
        raise UserError("`--tensorboard` needs TensorBoard: pip install 'phasescope[monitors]'") from None
    buffer = io.BytesIO()
    events = RecordWriter(buffer)
    with damage_told(run):
        record = sound_record(run)
        if not record.metrics:
            raise UserError(f"`RUN` (={run.name}) must have a snapshot to be exported, and has none yet")
        at = dict(_clock(record))
        events.write(
            Event(wall_time=at[record.metrics[0]["step"]], file_version="brain.Event:2").SerializeToString()
        )
        for line in record.metrics:
            values = [Summary.Value(tag=tag, simple_value=value) for tag, value in _scalars(line)]
            told = Event(wall_time=at[line["step"]], step=line["step"], summary=Summary(value=values))
            events.write(told.SerializeToString())
        for snapshot in record.snapshots:
            if not (snapshot.path / "samples.npz").is_file():
                continue
            values = [
                Summary.Value(
                    tag=f"painted/{split}",
                    image=Summary.Image(height=high, width=wide, encoded_image_string=png),
                )
                for split, high, wide, png in _sheets(snapshot.samples())
            ]
            told = Event(wall_time=at[snapshot.step], step=snapshot.step, summary=Summary(value=values))
            events.write(told.SerializeToString())
    path = folder / run.name / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_aside(path, buffer.getvalue())
    return path


def _clock(record: Record) -> Iterator[tuple[int, float]]:
    """The time of each line of the metrics, by its step: seconds since 1970; since the run began where that is unknown."""
    started = record.status.get("started")
    begin = datetime.fromisoformat(started).timestamp() if isinstance(started, str) else 0.0
    for line in record.metrics:
        yield line["step"], begin + (line.get("wall_s") or 0.0)


def _scalars(line: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """(tag, number): `order/mid.600.value` of `order.mid.600.value`, for TensorBoard groups what is before a stroke."""
    for column, value in numbered(line):
        if isinstance(value, str) and column.startswith("phase."):
            value = LETTERS.index(value) if value in LETTERS else None
        if isinstance(value, int | float) and not isinstance(value, bool) and column != "step":
            yield column.replace(".", "/", 1), float(value)


def _sheets(samples: dict[str, Any]) -> Iterator[tuple[str, int, int, bytes]]:
    """(split, height and width in px, PNG) of what was painted for each split."""
    for split in dict.fromkeys(samples["split"].tolist()):
        picture, file = sheet(samples["images"][samples["split"] == split][:MOST_IMAGES]), io.BytesIO()
        picture.save(file, format="PNG")
        yield split, picture.height, picture.width, file.getvalue()
