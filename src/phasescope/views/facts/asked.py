"""When a claim was asked: before its runs were looked at, or after, as its limits and its study's preregistration say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phasescope.studies.claim import Claim
    from phasescope.studies.claims_file import RecordedClaim
    from phasescope.studies.preregistration import Preregistration

BEFORE, AFTER, AFTER_OTHERS = "before a look", "after a look", "after a look at other runs"

OWN_RUNS_LATER = re.compile(r"before any run of|\b[Pp]ilots?\b|the result on `\w+` was known")
LOOKED = re.compile(
    r"had been (?:looked at|read before)|^(?:Asked|Corrected|Added) after |\b(?:was|were) known (?:before|when)\b"
    r"|\b[Pp]ilots?\b|the result on `\w+` was known"
)
SENTENCE_END = re.compile(r"(?<=[.;:]) ")


def asked(claim: Claim | RecordedClaim, known: Preregistration | None) -> str:
    """Return whether a claim was asked before or after a look at runs.

    A claim whose limits and amendments name no look was asked before one. Where runs existed already when the study was
    preregistered, and nobody says whether they had been looked at, the answer is how many there were.
    """
    for sentence in SENTENCE_END.split(claim.limits):
        if LOOKED.search(sentence):
            return _after(sentence)
    if known is None:
        return BEFORE

    name = re.escape(claim.name)
    added_or_moved = re.compile(
        rf"`claims\.{name}` is new|the claim `{name}` was not declared"
        rf"|`claims\.{name}\.(?:threshold|direction)`|`(?:threshold|direction)` of the claim `{name}`"
        rf"|`claims\.{name}\.(?:numbers|statistic)\.[\w.]+` was [-\d.]+ and is [-\d.]+$"
    )
    for amendment in known.amendments:
        if amendment.looked and any(added_or_moved.search(change) for change in amendment.changed):
            return _after(amendment.reason)
    return f"{known.recorded} runs existed" if known.recorded else BEFORE


def _after(sentence: str) -> str:
    return AFTER_OTHERS if OWN_RUNS_LATER.search(sentence) else AFTER
