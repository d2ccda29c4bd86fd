"""Some runs side by side: in what their configurations differ, and the results of each.

A field that an older run does not state has its default there. A number stands beside what it is of: a share beside how many
images, a probe's R² of each factor beside the untrained network's, an onset in steps beside images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from phasescope.errors import UserError
from phasescope.places import Place
from phasescope.store.flat import config_columns
from phasescope.views.numbers import NOTHING, format_count, format_share
from phasescope.views.record import Record, score
from phasescope.views.scores import probe_r2
from phasescope.views.terms import READINGS, place_words, split_words

LEAST, MOST = 2, 16
"""runs of a comparison"""
PROBES = (("order", "representation", "probe R²"), ("p1_order", "representation_p1", "R² P1's way"))


@dataclass(frozen=True)
class Row:
    """One property of each run.

    Attributes:
        name: a dotted field, or the property, in a word.
        label: the same in words.
        values: JSON-ready, one a run; None where it is missing.
        texts: the values as they are printed.
    """

    name: str
    label: str
    values: list[Any]
    texts: list[str]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
        names: of the runs, one a column.
        differs: fields of the configuration that are not the same in all.
        stands: the results of each run.
        notes: what must be known to read it, a sentence each.
    """

    names: list[str]
    differs: list[Row]
    stands: list[Row]
    notes: list[str]


def compared(records: Sequence[Record]) -> Comparison:
    """Return runs side by side, in their order.

    Raises:
        UserError: they are too few or too many, or one is given twice, or has no configuration.
    """
    names = [record.run.name for record in records]
    if not LEAST <= len(names) <= MOST:
        raise UserError(f"`RUN` (={len(names)} of them) must be from {LEAST} to {MOST} runs to compare")
    for record in records:
        if names.count(record.run.name) > 1:
            raise UserError(f"`RUN` (={record.run.name}) must be given once")
        if not record.config:
            raise UserError(
                f"`RUN` (={record.run.name}) must have a configuration, and its config.yaml is empty"
            )
    differs = list(_differing(records))
    return Comparison(names, differs, list(_standing(records)), list(_notes(records, differs)))


def _differing(records: Sequence[Record]) -> Iterator[Row]:
    fields = [config_columns(record.complete_config) for record in records]
    columns = dict.fromkeys(column for row in fields for column in row if column != "config.name")
    # fields of one part of the configuration stand together
    parts = list(dict.fromkeys(column.split(".")[1] for column in columns))
    for column in sorted(columns, key=lambda column: parts.index(column.split(".")[1])):
        values = [row.get(column) for row in fields]
        if any(value != values[0] for value in values):
            texts = [_plain(row[column]) if column in row else NOTHING for row in fields]
            name = column.removeprefix("config.")
            yield Row(name, name, values, texts)


def _plain(value: Any) -> str:
    return "none" if value is None else f"{value}".lower() if isinstance(value, bool) else f"{value}"


def _standing(records: Sequence[Record]) -> Iterator[Row]:
    def row(name: str, label: str, values: list[Any], write: Callable[[Any], str] = format_count) -> Row:
        return Row(name, label, values, [NOTHING if value is None else write(value) for value in values])

    last = [_last(record) for record in records]
    states = ["broken" if record.faults else record.status["state"] for record in records]
    yield row("state", "state", states, str)
    yield row("step", "step", [line.get("step", 0) for line in last])
    yield row("images_seen", "images seen", [line.get("images_seen", 0) for line in last])
    for reading, words in READINGS.items():
        if any(any(record.phases(reading)) for record in records):
            yield row(reading, words, [record.sequence(reading) or None for record in records], " ".join)
            for phase in ("B", "C"):
                onsets = [_onset(record, reading, phase) for record in records]
                label = f"{phase} from step (images)"
                yield row(
                    f"{reading}.{phase}", label, onsets, lambda at: f"{at['step']:,} ({at['images_seen']:,})"
                )
    for split in dict.fromkeys(split for record in records for split in record.splits):
        shares = [_success(record, split) for record in records]
        label = f"success, {split_words(split)} (of images)"
        yield row(f"success.{split}", label, shares, lambda of: f"{format_share(of['share'])} ({of['n']:,})")
    for measure, reading, words in PROBES:
        place = common_place(records, measure, reading)
        probed = [_probed(record, measure, place or record.declared_place(reading)) for record in records]
        label = f"{words}, at {place_words(place)}" if place else f"{words}, each at its own layer"
        if any(probed):
            yield row(measure, label, probed, lambda score, named=place is None: _beside(score, named))
    yield row("loss", "loss", [line.get("loss") for line in last], lambda loss: f"{loss:.4g}")
    for name, label in (("parameters", "parameters"), ("cpu_s", "CPU seconds")):
        yield row(name, label, [record.status.get(name) for record in records])


def _last(record: Record) -> dict[str, Any]:
    return record.metrics[-1] if record.metrics else {}


def _onset(record: Record, reading: str, phase: str) -> dict[str, int] | None:
    """Return where a phase begins for good: at the first snapshot from which on it is that phase, or a later one."""
    images = record.onsets(reading)[phase]
    line = next((line for line in record.metrics if line["images_seen"] == images), None)
    return line and {name: int(line[name]) for name in ("step", "images_seen")}


def _success(record: Record, split: str) -> dict[str, Any] | None:
    """Return the share of the images generated for labels of a split that are correct."""
    shares = (_last(record).get("outcomes") or {}).get(split) or {}
    share = shares.get(record.outcomes[-1].name) if record.outcomes else None
    return None if share is None else {"share": share, "n": shares.get("n", 0)}


def common_place(records: Sequence[Record], measure: str, reading: str) -> Place | None:
    """Return the one layer and condition at which all runs with scores of `measure` are compared; None if they share none.

    It is that at which most of them read their phases, else the first that all have; of equals that of the first run.
    """
    measured = [(places, record) for record in records if (places := record.places(measure))]
    shared = (
        [place for place in measured[0][0] if all(place in places for places, _ in measured)]
        if measured
        else []
    )
    declared = [record.declared_place(reading) for _, record in measured]
    return max(shared, key=declared.count, default=None)


def _probed(record: Record, measure: str, place: Place | None) -> dict[str, Any] | None:
    """Return a score with every factor's, its baselines and its place, at the last snapshot."""
    stored = score(_last(record), measure, place) if place else None
    if not stored or stored.get("value") is None:
        return None
    return {"place": str(place)} | {
        name: stored.get(name) for name in ("value", "low", "high", "n", "nulls", "detail")
    }


def _beside(stored: dict[str, Any], with_place: bool) -> str:
    place = f", {place_words(Place.parse(stored['place']))}" if with_place else ""
    probed = probe_r2(stored)
    return f"{probed.text if probed else NOTHING}{place}"


def _notes(records: Sequence[Record], differs: Sequence[Row]) -> Iterator[str]:
    fields = [row.name for row in differs]
    if not fields:
        yield "Their configurations are the same."
    if any(name.partition(".")[0] in ("world", "family") for name in fields):
        yield "Losses of different worlds or families are not on one scale."
    if any(one.places() for one in records) and common_place(records, "order", "representation") is None:
        yield "No layer was read in all of them: scores of different layers are not comparable."
    if len({_last(record).get("step") for record in records}) > 1:
        yield "Their last snapshots are at different steps."
    if fields != ["seed"]:
        yield "Each is one run: only several seeds of each show how far apart seeds alone are (phasescope sweep)."
