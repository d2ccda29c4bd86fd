"""Whether a claim can be lost: how often it is decided as it should be, on records of which the truth is known.

    positive      the sentence is true:               the share of times that it is supported is its power to be right
    negative      it is false:                        the share of times that it is refuted is its power to be lost
    borderline    the truth lies at the threshold:    the share of times that it is decided at all is how often it is wrong

A claim is shipped with a power of 0.8 on both sides (or says which side cannot be reached, and why) and is wrong in 0.05
at most: its intervals of 97.5 % leave 0.025.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from phasescope.randomness import numpy_generator
from phasescope.store.files import to_json
from phasescope.studies.core.claim import Claim, Made, Outcome
from phasescope.studies.core.statistics import rehearsed
from phasescope.studies.core.study import Study

POWER = 0.8
"""the least that a claim is shipped with"""
WRONG = 0.05
"""the most"""
TIMES = 200


@dataclass(frozen=True)
class Tried:
    """What a claim's controls gave."""

    name: str
    times: int
    """that each was judged"""
    power_supported: float
    power_refuted: float
    wrong: float
    cannot: str
    """why one side cannot be reached, in the claim's own words"""

    @property
    def shipped(self) -> bool:
        """Whether it can be lost and won, as a claim that is shipped must; one side suffices where it says why."""
        reached = [power >= POWER for power in (self.power_supported, self.power_refuted)]
        return (any if self.cannot else all)(reached) and self.wrong <= WRONG


def try_controls(claim: Claim, times: int = TIMES, seed: int = 0, study: str = "") -> Tried:
    """Judge each of a claim's controls many times, each time on data made anew.

    Args:
        times: that each is judged.
        seed: all that is drawn derives from it, the study's name, the claim's, and the control's.
        study: its name.

    Raises:
        ValueError: the claim has no controls, or `times` is less than 1.
    """
    controls = claim.controls
    if controls is None or times < 1:
        raise ValueError(f"`claim` (={claim.name}) must have controls, and `times` (={times}) be at least 1")

    def outcomes(name: str, made: Made) -> list[Outcome]:
        purpose = f"control {study} {claim.name} {name}"
        with rehearsed():
            return [claim.judge(made(numpy_generator(seed, purpose, i))).outcome for i in range(times)]

    positive, negative, borderline = (
        outcomes(name, getattr(controls, name)) for name in ("positive", "negative", "borderline")
    )
    return Tried(
        claim.name,
        times,
        positive.count("supported") / times,
        negative.count("refuted") / times,
        (times - borderline.count("undecided")) / times,
        controls.cannot,
    )


def entry(study: Study, claim: Claim, times: int = TIMES, seed: int = 0) -> dict[str, Any]:
    """A claim's controls as controls.json tells them; powers are None where it has none.

    `declared` is the SHA-256 of what was declared of the claim and of its cells: where it differs, the entry is of another
    claim.
    """
    told: Mapping[str, Any] = {
        "name": claim.name,
        "times": 0,
        "power_supported": None,
        "power_refuted": None,
        "wrong": None,
        "cannot": "",
    }
    if claim.controls is not None:
        told = asdict(try_controls(claim, times, seed, study.name))
    return {"study": study.name, **told, "seed": seed, "declared": digest(study, claim)}


def digest(study: Study, claim: Claim) -> str:
    """The SHA-256 of what is declared of a claim and of the cells that it reads."""
    cells = [
        [cell.name, cell.preset or study.preset, study.first(cell), cell.tree, *cell.anew]
        for cell in study.read_by(claim)
    ]
    return hashlib.sha256(to_json([claim.declared(), cells]).encode()).hexdigest()
