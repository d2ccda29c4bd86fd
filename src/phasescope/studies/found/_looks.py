"""The snapshots of a run at which costly readings are taken: the middle one of each phase of behaviour."""

from __future__ import annotations

from phasescope.measures.learning.phases import LETTERS
from phasescope.store import Run, Snapshot


def middles(run: Run) -> dict[str, Snapshot]:
    """By phase the middle one of the trained snapshots whose images are in it; phases that none is in are left out."""
    told = {entry["step"]: entry["phase"]["behaviour"] for entry in run.metrics}
    found = {}
    for letter in LETTERS:
        there = [one for one in run.snapshots if one.step > 0 and told[one.step] == letter]
        if there:
            found[letter] = there[len(there) // 2]
    return found
