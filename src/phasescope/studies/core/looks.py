"""When a claim is judged, and on which seeds: two looks at most, each once.

The first look is whole when each of the declared seeds of each cell that the claim reads is recorded. Before, the claim is
undecided whatever its interval: who stops when it lies well stops by the data. What the first look decides stands for good.
What it leaves undecided is judged once more, on the seeds of both looks, when those that the second adds are all there.
Each look has intervals of 97.5 % (see `statistics`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phasescope.studies.core.claim import Claim, Verdict
from phasescope.studies.core.study import Study

if TYPE_CHECKING:
    import pandas as pd

Run = tuple[str, int]
"""name of the cell, seed"""


@dataclass(frozen=True)
class _There:
    """Of a study's runs, which are recorded, which failed, and which are one run in several cells."""

    digests: dict[Run, str]
    recorded: frozenset[Run]
    failed: frozenset[str]

    @classmethod
    def of(cls, study: Study, frame: pd.DataFrame, failed: Collection[str]) -> _There:
        members = study.members(second=[cell.name for cell in study.cells])
        there = frame[["cell", "seed"]].drop_duplicates().itertuples(index=False, name=None)
        return cls(
            {(member.cell.name, member.seed): member.config.digest() for member in members},
            frozenset((str(cell), int(seed)) for cell, seed in there),
            frozenset(failed),
        )

    def lacking(self, look: int, runs: Collection[Run]) -> str | None:
        """What a look lacks of its runs, in words; None where it is whole."""
        missing = {self.digests[run] for run in runs if run not in self.recorded}
        if not missing:
            return None
        every = {self.digests[run] for run in runs}
        failed = len(missing & self.failed)
        return f"look {look} has {len(every - missing)} of {len(every)} runs" + (
            f"; {failed} failed" if failed else ""
        )


def judge(study: Study, frame: pd.DataFrame, failed: Collection[str] = ()) -> list[Verdict]:
    """The verdict of each claim.

    Args:
        frame: the study's rows, as `records.read_frame` gives them.
        failed: identities of runs that failed for good.
    """
    there = _There.of(study, frame, failed)
    return [_verdict(study, claim, frame, there) for claim in study.claims]


def undecided_cells(study: Study, frame: pd.DataFrame) -> set[str]:
    """Names of the cells that a second look adds seeds to: those read by a claim that the first leaves undecided."""
    return {
        cell.name
        for claim in study.claims
        if claim.judge(_seeds_of(study, frame, more=0)).outcome == "undecided"
        for cell in study.read_by(claim)
    }


def _verdict(study: Study, claim: Claim, frame: pd.DataFrame, there: _There) -> Verdict:
    cells = study.read_by(claim)
    found = claim.judge(_seeds_of(study, frame, more=0))
    first = [(cell.name, seed) for cell in cells for seed in range(study.first(cell))]
    if lacks := there.lacking(1, first):
        return replace(found, outcome="undecided", why=lacks)
    if found.outcome != "undecided" or not study.more:
        return replace(found, look=1)
    added = [(cell.name, study.first(cell) + seed) for cell in cells for seed in range(study.more)]
    if lacks := there.lacking(2, added):
        return replace(found, look=1, why=f"{found.why}; {lacks}")
    return replace(claim.judge(_seeds_of(study, frame, study.more)), look=2)


def _seeds_of(study: Study, frame: pd.DataFrame, more: int) -> pd.DataFrame:
    """The rows of the first look's seeds, and of `more` after them."""
    least = {cell.name: study.first(cell) + more for cell in study.cells}
    return frame[frame["seed"] < frame["cell"].map(least)]
