"""How a page on a run begins: what is painted and learnt, what A, B and C look like, and the few numbers it is known by."""

from __future__ import annotations

from typing import Any, NamedTuple

from phasescope.measures.learning.phases import LETTERS
from phasescope.views.names import place_words, probed, split_words
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
    """(what, sentence): what is painted, and what learns it."""
    painted, learner = words.painted_words(record), words.learner(record)
    label = ", ".join(record.factors.names)
    learnt = (
        f"such images, told no label; by {learner}."
        if record.is_unconditional
        else f"to paint the image of a label{f' ({label})' if label else ''}; by {learner}."
    )
    return [("What is painted", f"{painted}."), ("What is learnt", learnt)]


def phases_told(record: Record) -> list[dict[str, Any]]:
    """What A, B and C are: a pictogram and a sentence each of images, where they are read, and of latents."""
    read = [of for of in OF if of == "latents" or (record.outcomes and not record.is_unconditional)]
    return [
        {
            "letter": letter,
            "of": [
                {
                    "name": of,
                    "svg": pictogram(letter, of),
                    "sentence": PHASES[letter][of],
                    "here": _outcomes(record, letter) if of == "images" else "",
                }
                for of in read
            ],
        }
        for letter in LETTERS
    ]


def _outcomes(record: Record, letter: str) -> str:
    return ", ".join(outcome.name for outcome in record.outcomes if outcome.phase == letter)


def headline(record: Record, index: int = -1) -> list[Fact]:
    """The few numbers that a run is known by, at a line of its metrics: by default the last.

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
            facts.append(Fact(name, words.percent(number(shares.get(success))), "success"))
    for split in record.splits:
        errors = (line.get("error") or {}).get(split) or {}
        if told := _errors(record, errors):
            facts.append(Fact(f"median error, {split_words(split)}", told, "error"))
    for reading, measure, name in (
        ("representation", "order", "probe R²"),
        ("representation_p1", "p1_order", "P1's R²"),
    ):
        place = record.declared_place(reading)
        if place and (found := probe_r2(score(line, measure, place))):
            facts.append(Fact(f"{probed(name, record.factors)} ({place_words(place)})", found.text, measure))
    return facts


def _errors(record: Record, errors: dict[str, float | None]) -> str:
    """Each factor's error with its unit, which is told once where it is the same for all."""
    known = [(factor, error) for factor in record.factors if (error := errors.get(factor.name)) is not None]
    units = {factor.unit for factor, _ in known}
    apart = len(units) > 1
    parts = [
        f"{factor.name} {error:.2g}{f' {factor.unit}' if apart and factor.unit else ''}"
        for factor, error in known
    ]
    return ", ".join(parts) + (f" {units.pop()}" if len(units) == 1 else "")
