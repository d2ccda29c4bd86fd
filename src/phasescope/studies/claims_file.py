"""The claims of a study as they were judged, in claims.json beside its records; read without the study itself."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from phasescope.core.errors import reading
from phasescope.runs.store.files import read_json, sha256

RECORDS, CLAIMS = "records.parquet", "claims.json"
Verdict = Literal["supported", "refuted", "undecided", "not reached"]


class Asked(StrEnum):
    """Time at which a claim got its present form, relative to looks at runs.

    Changing its bar, its direction or the number that it reads gives it a new form. If nobody recorded whether runs
    that existed had been looked at, they count as looked at.
    """

    BEFORE = "before a look"
    """nobody had looked at runs of it, nor at others from which its answer could be guessed"""
    AFTER = "after a look"
    """some of the runs that it reads had been looked at, in whatever way"""
    AFTER_OTHERS = "after a look at other runs"
    """pilots, other cells of the study, or the same question on other systems had been looked at"""


class OverAll(BaseModel):
    """The estimate of a claim from all recorded runs, those of its second analysis included."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class RecordedClaim(BaseModel):
    """A claim in claims.json. A number that is not finite is its name, as in "inf"; None if there is none."""

    name: str
    verdict: Verdict
    analysis: int
    why: str
    sentence: str
    source: str
    answers: str
    limits: str
    asked: Asked | None = None
    """None in files that were written before claims said so"""
    check: bool
    unreachable: str = ""
    uninformative: str = ""
    """why its verdict tells nothing, if that was seen after its runs"""
    threshold: float
    direction: Literal["above", "below"]
    unit: str = ""
    log: bool = False
    no_effect: float | None = None
    """value that means no effect, on the scale of `value`; None if there is none, or if the file is older than the field"""
    value: float | None
    low: float | None
    high: float | None
    n: int
    counted: str = ""
    """what the sentence is about, with its number, if that is not runs, as in "4 objectives"; `n` runs are of these"""
    detail: dict[str, float | None]
    spread: float
    effect: float | tuple[float, float]
    observed_spread: float | None = None
    """standard deviation between the recorded runs, in the unit of `spread`"""
    observed_power: float | None = None
    """power for the claim's effect at that spread"""
    detectable: float | None = None
    """smallest effect with power 0.8 at that spread"""
    over_all: OverAll | None = None
    """where the first analysis decided and further runs are recorded, the estimate from all of them; it decides nothing"""


class Judged(BaseModel):
    """The contents of claims.json."""

    study: str
    question: str
    sha256: str
    """of the records"""
    runs: int
    core_minutes: float
    processors: list[str]
    failed: list[str] = []
    """identities of runs that failed for good"""
    claims: list[RecordedClaim]
    stale: bool = False
    """whether the records have changed since; never written"""


def read_claims(folder: Path) -> Judged | None:
    """Return the contents of claims.json; None if there is none. UserError if it or its records cannot be read."""
    if not (path := folder / CLAIMS).exists():
        return None
    with reading(path):
        judged = Judged.model_validate(read_json(path))
        return judged.model_copy(update={"stale": judged.sha256 != sha256(folder / RECORDS)})
