"""Some runs side by side: in what their configurations differ, and the results of each.

A field that an older run does not state has its default there. A number stands beside what it is of: a share beside how many
images, a probe's R² of each factor beside the untrained network's, an onset in steps beside images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from phasescope.core.errors import UserError
from phasescope.core.places import Place
from phasescope.runs.store.flat import config_columns
from phasescope.views.numbers import NOTHING, format_count
from phasescope.views.record import Record
from phasescope.views.report.words import PROBES, headline
from phasescope.views.terms import READINGS, place_words

LEAST, MOST = 2, 16
"""runs of a comparison"""


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
    yield from _facts(records)
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


def _facts(records: Sequence[Record]) -> Iterator[Row]:
    """Give the numbers that each run is known by; a probe at a common layer, or else each at its own."""
    common = {measure: common_place(records, measure, reading) for measure, (reading, _) in PROBES.items()}
    places = {measure: place for measure, place in common.items() if place}
    facts = [{fact.key: fact for fact in headline(record, places=places)} for record in records]
    for key in dict.fromkeys(key for each in facts for key in each):
        several = [each.get(key) for each in facts]
        label = next(fact.name for fact in several if fact)
        texts = [fact.value if fact else NOTHING for fact in several]
        if key in PROBES and key not in places:
            label = f"{PROBES[key][1]}, each at its own layer"
            own = [place_words(Place.parse(fact.data["place"])) if fact else "" for fact in several]
            texts = [f"{text}, {place}" if place else text for text, place in zip(texts, own, strict=True)]
        yield Row(key, label, [fact and fact.data for fact in several], texts)


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
