"""How a page on a run begins: what is generated and learned, what A, B and C look like, and the numbers it is known by."""

from __future__ import annotations

from typing import Any, NamedTuple

from phasescope.views.names import place_words, probed, split_words
from phasescope.views.numbers import format_percent
from phasescope.views.probe_r2 import probe_r2
from phasescope.views.record import Record, number, score
from phasescope.views.report import words
from phasescope.views.terms import OF, PHASES, pictogram


class Fact(NamedTuple):
    """A number that a run is known by, in words; `term` explains it."""

    name: str
    value: str
    term: str


def begins(record: Record) -> list[tuple[str, str]]:
    """Return (heading, sentence): what is generated, and what learns it."""
    label = ", ".join(record.factors.names)
    task = "without a label" if record.is_unconditional else f"from a label{f' ({label})' if label else ''}"
    return [
        ("Images", f"{words.world_words(record)}."),
        ("Model", f"Generates such images {task}: {words.learner(record)}."),
    ]


def phase_key(record: Record) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return what A, B and C are: a pictogram and a sentence of images, where they are read, and of latents."""
    kinds = [kind for kind in OF if kind == "latents" or (record.outcomes and not record.is_unconditional)]

    def outcomes(letter: str, kind: str) -> str:
        return ", ".join(one.name for one in record.outcomes if one.phase == letter and kind == "images")

    return [
        (
            letter,
            [
                {
                    "name": kind,
                    "svg": pictogram(letter, kind),
                    "sentence": PHASES[letter][kind],
                    "outcomes": outcomes(letter, kind),
                }
                for kind in kinds
            ],
        )
        for letter in PHASES
    ]


def headline(record: Record, index: int = -1) -> list[Fact]:
    """Return the few numbers that a run is known by, at a line of its metrics: by default the last.

    The probe's R² of each factor stands beside the untrained network's.
    """
    if not record.metrics:
        return []
    line = record.metrics[index]
    facts = []
    for split in record.splits:
        shares = (line.get("outcomes") or {}).get(split)
        if shares and record.outcomes:
            success = record.outcomes[-1].name
            name = f"{success}, {split_words(split, record.is_unconditional)} (n = {record.count(split)})"
            facts.append(Fact(name, f"{format_percent(number(shares.get(success)), 1)} %", "success"))
    for split in record.splits:
        if errors := _errors(record, (line.get("error") or {}).get(split) or {}):
            facts.append(Fact(f"median error, {split_words(split)}", errors, "error"))
    for reading, measure, name in (
        ("representation", "order", "probe R²"),
        ("representation_p1", "p1_order", "P1's R²"),
    ):
        place = record.declared_place(reading)
        if place and (value := probe_r2(score(line, measure, place))):
            facts.append(Fact(f"{probed(name, record.factors)} ({place_words(place)})", value.text, measure))
    return facts


def _errors(record: Record, errors: dict[str, float | None]) -> str:
    """Return each factor's error with its unit, which is written once if it is the same for all."""
    known = [(factor, error) for factor in record.factors if (error := errors.get(factor.name)) is not None]
    units = {factor.unit for factor, _ in known}
    shared = units.pop() if len(units) == 1 else ""
    parts = (f"{one.name} {error:.2g} {'' if shared else one.unit}".rstrip() for one, error in known)
    return f"{', '.join(parts)} {shared}".strip()
