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
from phasescope.views.record import Record, number, score
from phasescope.views.scores import probe_r2
from phasescope.views.terms import READINGS, place_words, split_words

LEAST, MOST = 2, 16
"""runs of a comparison"""
ABSENT = NOTHING
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
            texts = [_plain(row[column]) if column in row else ABSENT for row in fields]
            name = column.removeprefix("config.")
            yield Row(name, name, values, texts)


def _plain(value: Any) -> str:
    return "none" if value is None else f"{value}".lower() if isinstance(value, bool) else f"{value}"


def _standing(records: Sequence[Record]) -> Iterator[Row]:
    def row(name: str, label: str, of: Callable[[Record], Any], text: Callable = format_count) -> Row:
        values = [of(record) for record in records]
        return Row(name, label, values, [ABSENT if value is None else text(value) for value in values])

    yield row("state", "state", lambda one: "broken" if one.faults else one.status["state"], str)
    yield row("step", "step", lambda one: _last(one).get("step", 0))
    yield row("images_seen", "images seen", lambda one: _last(one).get("images_seen", 0))
    for reading, words in READINGS.items():
        if any(any(record.phases(reading)) for record in records):
            yield row(reading, words, lambda one, of=reading: one.sequence(of) or None, " ".join)
            for phase in ("B", "C"):
                yield row(
                    f"{reading}.{phase}",
                    f"{phase} from step (images)",
                    lambda one, of=reading, phase=phase: _onset(one, of, phase),
                    lambda at: f"{at['step']:,} ({at['images_seen']:,})",
                )
    for split in dict.fromkeys(split for record in records for split in record.splits):
        yield row(
            f"success.{split}",
            f"success, {split_words(split)} (of images)",
            lambda one, of=split: _success(one, of),
            lambda success: f"{format_share(success['share'])} ({success['n']:,})",
        )
    for measure, reading, words in PROBES:
        place = common_place(records, measure, reading)
        probed = [_probed(record, measure, place or record.declared_place(reading)) for record in records]
        if any(probed):
            label = f"{words}, at {place_words(place)}" if place else f"{words}, each at its own layer"
            texts = [_beside(one, place is None) if one else ABSENT for one in probed]
            yield Row(measure, label, list(probed), texts)
    yield row("loss", "loss", lambda one: _last(one).get("loss"), lambda loss: f"{loss:.4g}")
    yield row("parameters", "parameters", lambda one: one.status.get("parameters"))
    yield row("cpu_s", "CPU seconds", lambda one: one.status.get("cpu_s"))


def _last(record: Record) -> dict[str, Any]:
    return record.metrics[-1] if record.metrics else {}


def _onset(record: Record, reading: str, phase: str) -> dict[str, int] | None:
    """Return where a phase begins for good: at the first snapshot from which on it is that phase, or a later one."""
    images = record.onsets(reading)[phase]
    steps = {int(line["images_seen"]): int(line["step"]) for line in record.metrics}
    return None if images is None else {"step": steps[images], "images_seen": images}


def _success(record: Record, split: str) -> dict[str, Any] | None:
    """Return the share of the images generated for labels of a split that are correct."""
    shares = (_last(record).get("outcomes") or {}).get(split)
    share = number(shares.get(record.outcomes[-1].name)) if shares and record.outcomes else float("nan")
    return None if not shares or share != share else {"share": share, "n": shares.get("n", 0)}


def common_place(records: Sequence[Record], measure: str, reading: str) -> Place | None:
    """Return the one layer and condition at which all runs with scores of `measure` are compared; None if they share none.

    It is that at which most of them read their phases, else the first that all have; of equals that of the first run.
    """
    measured = [(record.places(measure), record.declared_place(reading)) for record in records]
    measured = [(places, declared) for places, declared in measured if places]
    declared = [place for _, place in measured]
    shared = (
        [one for one in measured[0][0] if all(one in places for places, _ in measured)] if measured else []
    )
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
    return f"{probed.text if probed else ABSENT}{place}"


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
