"""Sentences and headline numbers about a run, computed from its data."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from phasescope.core.formats import format_number
from phasescope.measures.columns import COLUMNS, in_order
from phasescope.measures.gain import LEAST_LEFT, floors
from phasescope.runs.store.sites import Site
from phasescope.views.facts.numbers import format_count, format_score, format_share
from phasescope.views.facts.onsets import delay_words, onsets
from phasescope.views.facts.record import Record, score
from phasescope.views.facts.scores import probe_summary
from phasescope.views.facts.terms import (
    NOT_READ,
    OTHER_READINGS,
    READINGS,
    baseline_words,
    probed,
    site_words,
    split_words,
)

MEANINGS = {"B": "low-dimensional, not ordered", "C": "ordered"}
"""of the phases of activations"""
HEADLINES = {column.name: column for column in in_order(COLUMNS) if column.headline}
"""the scores of activations among the few numbers that a run is known by"""
STATES = {"running": "is still running", "stopped": "was stopped", "failed": "failed", "killed": "was killed"}


class Fact(NamedTuple):
    """A headline number of a run, as text and as data; `term` explains it."""

    key: str
    name: str
    value: str
    term: str
    data: dict[str, Any]


def verdict(record: Record) -> list[str]:
    """Return what was measured: how far the run is, the phases of samples and activations, which came first, what other
    readings say, and what limits it."""
    passages = [_passage_of(record, reading) for reading in READINGS] if record.metrics else []
    return [
        *_progress(record),
        *_formed(record),
        *passages,
        *_precedence(record),
        *_other_readings(record),
        *_caveats(record),
    ]


def subject(record: Record) -> str:
    """Return the run in one line: what is learned, by what, from which seed, how long, where."""
    return "; ".join(filter(None, (record.about.get("sentence"), learner(record), hardware(record))))


def learner(record: Record) -> str:
    """Return by what it is learned, from which seed, how long."""
    config, status = record.config, record.status
    kinds = (
        str((config.get(key) or {}).get("kind") or "").replace("_", " ") for key in ("family", "network")
    )

    batch = (config.get("training") or {}).get("batch")
    given = (config.get("network") or {}).get("hyperparameters") or {}

    parts = [
        ", ".join(filter(None, kinds)),
        f"{format_count(status['parameters'])} parameters" if "parameters" in status else "",
        "" if record.is_watched else f"seed {config.get('seed', '?')}",
        ", ".join(f"{name} {value}" for name, value in given.items()),
        "averaged weights (EMA)" if record.about.get("weights") == "ema" else "",
        f"batch {batch}" if batch else "",
    ]

    for last in record.metrics[-1:]:
        parts.append(f"{format_count(last['step'])} steps, {format_count(last['images_seen'])} images seen")
    return "; ".join(filter(None, parts))


def hardware(record: Record) -> str:
    """Return threads, processor, device and the time spent."""
    status = record.status
    parts = []
    if threads := status.get("threads"):
        parts.append(f"{threads} {'thread' if threads == 1 else 'threads'} of {status.get('cpu', 'a CPU')}")
    if status.get("device", "cpu") != "cpu":
        parts.append(str(status["device"]))
    if "wall_s" in status:
        wall_s, cpu_s = format_count(status["wall_s"]), format_count(status.get("cpu_s"))
        parts.append(f"{wall_s} s of wall time, {cpu_s} s of CPU time")
    return ", ".join(parts)


def meaning(record: Record, reading: str, phase: str) -> str:
    """Return what it is to be in phase B or C of a reading."""
    if reading != "behaviour":
        return MEANINGS[phase]
    names = [outcome.name for outcome in record.outcomes if outcome.phase == phase]
    names = names or [outcome.name for outcome in record.outcomes[-1:] if phase == "C"]
    return f"mostly {' or '.join(names)}" if names else "on the way"


def labels_of(record: Record, measure: str) -> int:
    """Return how many labels the scores of `measure` rest on."""
    scores = (score(line, measure, site) for line in record.metrics for site in record.sites(measure))
    return max((value["n"] for value in scores if value and value.get("n")), default=0)


def _progress(record: Record) -> list[str]:
    status = record.status
    state, step = status.get("state"), status.get("step")
    if state == "done" or step is None:
        return []
    error = f" ({status['error']})" if status.get("error") else ""
    reached = f"step {format_count(step)} of {format_count(status.get('steps'))}"
    return [f"This run {STATES.get(str(state), state)} at {reached}{error}."]


def _formed(record: Record) -> list[str]:
    """Return how many images of an unconditional network are well formed."""
    if not (record.is_unconditional and record.splits and record.outcomes):
        return []
    split, name = record.splits[0], record.outcomes[-1].name
    share = format_share(record.outcome_shares(split)[name][-1], 1)
    return [f"The network gets no label; {share} of its images (n = {record.count(split)}) are {name}."]


def _passage_of(record: Record, reading: str) -> str:
    """Return which phases samples or activations passed, or that and why their phase was not read."""
    subject = READINGS[reading]
    if any(record.phases(reading)):
        site = record.phase_site(reading) if reading == "sheet" else None
        where = f" ({site_words(site)})" if site else ""
        return _passage(record, reading, f"{subject.capitalize()}{where}")

    reason = ""
    if reading == "behaviour" and record.is_unconditional:
        reason = ": the network gets no label"
    if reading == "sheet" and record.factors.categorical.any():
        reason = ": labels that are classes have no order"
    return f"The phase of the {subject} was {NOT_READ}{reason}."


def _passage(record: Record, reading: str, subject: str) -> str:
    passed, began = record.sequence(reading), onsets(record, reading)
    if not passed:
        return f"{subject} were undecided at all of {len(record.metrics)} snapshots."

    undecided = record.phases(reading).count("undecided")
    doubt = f" (undecided at {undecided} of {len(record.metrics)} snapshots)" if undecided else ""
    alone = f"were in phase {passed[0]}" + (" wherever it was decided" if undecided else " throughout")
    passage = f"went through phases {', '.join(passed)}" if len(passed) > 1 else alone

    marks = [
        f"{phase} ({meaning(record, reading, phase)}) began {onset.words}"
        for phase, onset in began.items()
        if phase in passed and onset is not None
    ]

    if began["C"] is None:
        never = f"was not reached within {format_count(record.images_seen[-1])} images"
        fate = "was reached and did not last" if "C" in passed else never
        marks.append(f"C ({meaning(record, reading, 'C')}) {fate}")
    return f"{subject} {passage}{doubt}: {'; '.join(marks)}."


def _precedence(record: Record) -> list[str]:
    clause = _which_first(record, "sheet")
    return [f"Which came first? {clause[0].upper()}{clause[1:]}."] if clause else []


def _other_readings(record: Record) -> list[str]:
    """Return what further rules read of the activations: a paragraph each, apart from the letters of the run."""
    sentences = []
    for reading, rule in OTHER_READINGS.items():
        if not any(record.phases(reading)):
            continue
        site = record.phase_site(reading)
        where = f" ({site_words(site)})" if site else ""
        passage = _passage(record, reading, f"by {rule}{where}, activations")
        clause = _which_first(record, reading)
        order = f" By it, {clause}." if clause else ""
        sentences.append(f"Other readings: {passage}{order}")
    return sentences


def _which_first(record: Record, reading: str) -> str:
    """Return whether activations, by one reading, were ordered before samples were correct; empty if one was not read."""
    if not (any(record.phases("behaviour")) and any(record.phases(reading))):
        return ""
    success = f"mostly {record.outcomes[-1].name}"
    correct, ordered = onsets(record, "behaviour")["C"], onsets(record, reading)["C"]
    become = "stay" if "C" in record.sequence(reading) else "become"
    remain = "stay" if "C" in record.sequence("behaviour") else "become"

    first, then = "activations became ordered", f"samples became {success}"
    if ordered is None and correct is None:
        return f"activations did not {become} ordered, nor did samples {remain} {success}"
    if ordered is None:
        return f"{then}, but activations did not {become} ordered"
    if correct is None:
        return f"{first}, but samples did not {remain} {success}"

    if delay := delay_words(ordered, correct):
        return f"{first} first; {then} {delay} later"
    if delay := delay_words(correct, ordered):
        return f"{then} first; {first} {delay} later"
    return f"{first} {ordered.words}, {then} {correct.words}: the snapshots do not settle it"


def _caveats(record: Record) -> list[str]:
    """Return a sentence for each baseline of the last snapshot that is too close to 1 for a probe's R² to be judged."""
    sentences = []
    for measure, column in HEADLINES.items():
        site = record.phase_site(column.phase or "sheet")
        stored = score(record.metrics[-1], measure, site) if site and record.metrics else None
        for name, level in floors((stored or {}).get("baselines") or {}).items():
            if site and level is not None and 1 - level < LEAST_LEFT:
                sentences.append(
                    f"{probed('Probe R²', record.factors)} at {site_words(site)} is no evidence of learning: for the "
                    f"{baseline_words(name)} it is {format_score(level)}, which leaves too little to be gained."
                )
    return sentences


def headline(record: Record, index: int = -1, sites: Mapping[str, Site] = MappingProxyType({})) -> list[Fact]:
    """Return the few numbers that a run is known by, at a line of its metrics: by default the last.

    The probe's R² of each factor stands beside the untrained network's.

    Args:
        sites: where each of `HEADLINES` is read, if not where the run's phases are.
    """
    if not record.metrics:
        return []

    line = record.metrics[index]
    facts = []
    for split in record.splits:
        shares = (line.get("outcomes") or {}).get(split) or {}
        share = shares.get(record.outcomes[-1].name) if record.outcomes else None
        if share is not None:
            name = f"{record.outcomes[-1].name}, {split_words(split, record.is_unconditional)}"
            text = f"{format_share(share, 1)} (n = {format_count(record.count(split))})"
            facts.append(
                Fact(
                    key=f"success.{split}",
                    name=name,
                    value=text,
                    term="success",
                    data={"share": share, "n": shares.get("n")},
                )
            )

    for split in record.splits:
        errors = (line.get("error") or {}).get(split) or {}
        if text := _errors(record, errors):
            facts.append(
                Fact(
                    key=f"error.{split}",
                    name=f"median error, {split_words(split)}",
                    value=text,
                    term="error",
                    data=errors,
                )
            )

    for measure, column in HEADLINES.items():
        site = sites.get(measure) or record.phase_site(column.phase or "sheet")
        stored = score(line, measure, site) if site else None
        if site and stored and (value := probe_summary(stored, record.factors)):
            data = {key: stored.get(key) for key in ("value", "low", "high", "n", "baselines", "detail")}
            name = f"{probed(column.headline, record.factors)} ({site_words(site)})"
            facts.append(
                Fact(key=measure, name=name, value=value.text, term=measure, data={"site": str(site)} | data)
            )
    return facts


def _errors(record: Record, errors: dict[str, float | None]) -> str:
    """Return each factor's error with its unit, which is written once if it is the same for all."""
    known = [(factor, error) for factor in record.factors if (error := errors.get(factor.name)) is not None]
    units = {factor.unit for factor, _ in known}
    shared = units.pop() if len(units) == 1 else ""
    parts = (
        f"{each.name} {format_number(error)} {'' if shared else each.unit}".rstrip() for each, error in known
    )
    return f"{', '.join(parts)} {shared}".strip()
