"""Some runs side by side: in what their configurations differ, and the results of each.

A number stands beside what it is of: a share beside how many images, a probe's R² beside the untrained network's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from phasescope.core.errors import UserError
from phasescope.core.formats import NOTHING
from phasescope.runs.store import RunFolder
from phasescope.runs.store.flat import config_columns
from phasescope.runs.store.sites import Site
from phasescope.views.facts.forks import fork_group, paired
from phasescope.views.facts.numbers import format_count, format_score
from phasescope.views.facts.onsets import onsets
from phasescope.views.facts.record import Record
from phasescope.views.facts.terms import OTHER_READINGS, READINGS, sequence_words
from phasescope.views.facts.words import HEADLINES, headline
from phasescope.views.terminal.forks import paired_table
from phasescope.views.terminal.printing import Result, Table

LEAST, MOST = 2, 16
"""runs of a comparison"""


class Row(NamedTuple):
    """One property of each run: its name, the same in words, its values JSON-ready (None where missing), and as printed."""

    name: str
    label: str
    values: list[Any]
    texts: list[str]


def comparison(runs: Sequence[RunFolder]) -> Result:
    """Return a column for each run: fields of the configuration that differ, then results.

    Raises:
        UserError: there are too few or too many runs, or one is given twice.
    """
    names = [run.name for run in runs]
    if not LEAST <= len(names) <= MOST:
        raise UserError(f"`RUN` (={len(names)} of them) must be from {LEAST} to {MOST} runs to compare")
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"`RUN` (={twice[0]}) must be given once")
    records = [Record(run) for run in runs]
    sites = {
        measure: _common_site(records, measure, column.phase or "sheet")
        for measure, column in HEADLINES.items()
    }
    differs = list(_differing(records))
    results = list(_results(records, {measure: site for measure, site in sites.items() if site}))
    notes = list(_notes(records, [row.name for row in differs], sites["probe_r2"]))
    rows = [(row.label, *row.texts) for row in [*differs, *results]]

    def to_dict() -> dict[str, Any]:
        parts = {"differs": differs, "stands": results}
        values = {part: {row.name: row.values for row in rows} for part, rows in parts.items()}
        forked = fork_group(runs)
        pairs = {"paired": [asdict(line) for line in paired(*forked)]} if forked else {}
        return {"runs": names, **values, "notes": notes, **pairs}

    blocks: list[str | Table] = [Table(("", *names), rows), *notes]
    if group := fork_group(runs):
        control, children = group
        blocks += [
            f"Paired with {control.name}, the unchanged child:",
            paired_table([*paired(control, children)]),
        ]
    return Result(blocks, to_dict)


def _row(name: str, label: str, values: list[Any], write: Callable[[Any], str] = format_count) -> Row:
    return Row(name, label, values, [NOTHING if value is None else write(value) for value in values])


def _differing(records: Sequence[Record]) -> Iterator[Row]:
    fields = [config_columns(record.complete_config) for record in records]
    columns = dict.fromkeys(column for row in fields for column in row if column != "config.name")
    # fields of one part of the configuration stand together
    parts = list(dict.fromkeys(column.split(".")[1] for column in columns))
    for column in sorted(columns, key=lambda column: parts.index(column.split(".")[1])):
        values = [row.get(column) for row in fields]
        if any(value != values[0] for value in values):
            name = column.removeprefix("config.")
            yield _row(name, name, values, str)


def _results(records: Sequence[Record], sites: dict[str, Site]) -> Iterator[Row]:
    last = [_last(record) for record in records]
    yield _row("state", "state", [record.status["state"] for record in records], str)
    yield _row("step", "step", [line.get("step", 0) for line in last])
    yield _row("images_seen", "images seen", [line.get("images_seen", 0) for line in last])

    others = {reading: f"other reading: {words}" for reading, words in OTHER_READINGS.items()}
    for reading, words in (READINGS | others).items():
        if reading in READINGS or any(any(record.phases(reading)) for record in records):
            yield from _phases(records, reading, words)

    facts = [{fact.key: fact for fact in headline(record, sites=sites)} for record in records]
    for key in dict.fromkeys(key for each in facts for key in each if key not in HEADLINES or key in sites):
        known = [each.get(key) for each in facts]
        label = next(fact.name for fact in known if fact)
        texts = [fact.value if fact else NOTHING for fact in known]
        yield Row(key, label, [fact and fact.data for fact in known], texts)

    losses = [record.loss(line) for record, line in zip(records, last, strict=True)]
    yield _row("loss", "loss", losses, lambda loss: format_score(loss, 4))
    for name, label in (("parameters", "parameters"), ("cpu_s", "CPU seconds")):
        yield _row(name, label, [record.status.get(name) for record in records])


def _phases(records: Sequence[Record], reading: str, words: str) -> Iterator[Row]:
    """Yield the phases that each run passed by one reading, and when B and C began; of no run, that they were not read."""
    passed = [record.sequence(reading) if any(record.phases(reading)) else None for record in records]
    yield Row(reading, words, [sequence or None for sequence in passed], list(map(sequence_words, passed)))
    if not any(passed):
        return

    began = [onsets(record, reading) for record in records]
    for phase, label in (("B", "B or C"), ("C", "C")):
        # The data are what is recorded, the later end; the text says the stretch.
        values = [onset and onset.images_seen for onset in (each[phase] for each in began)]
        texts = [onset.images if onset else NOTHING for onset in (each[phase] for each in began)]
        yield Row(f"{reading}.{phase}", f"{words}: {label} from image", values, texts)


def _last(record: Record) -> dict[str, Any]:
    return record.metrics[-1] if record.metrics else {}


def _common_site(records: Sequence[Record], measure: str, reading: str) -> Site | None:
    """Return the one site at which all runs with scores of `measure` are compared; None if they share none."""
    measured = [(sites, record) for record in records if (sites := record.sites(measure))]
    chosen = [record.phase_site(reading) for _, record in measured]
    first = measured[0][0] if measured else []
    shared = [site for site in first if all(site in sites for sites, _ in measured)]
    # That at which most of them read their phases, else the first that all have; of equals that of the first run.
    return max(shared, key=chosen.count, default=None)


def _notes(records: Sequence[Record], fields: list[str], common: Site | None) -> Iterator[str]:
    if not fields:
        yield "Their configurations are the same."
    if any(name.partition(".")[0] in ("world", "family") for name in fields):
        yield "Losses of different worlds or families are not on one scale."
    if common is None and any(record.sites() for record in records):
        yield "No layer was read in all of them: scores of different layers are not comparable."
    if len({_last(record).get("step") for record in records}) > 1:
        yield "Their last snapshots are at different steps."
    if fields == ["seed"]:
        yield "Only their seeds differ: how far apart they are is chance."
        if len(records) == LEAST:
            how = "phasescope sweep ... seed=0..7"
            yield f"A pair shows that the seed matters, not by how much: that takes more seeds ({how})."
    elif fields:
        yield "Each is one run: only several seeds of each show how far apart seeds alone are (phasescope sweep)."
