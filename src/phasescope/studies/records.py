"""A study's records and verdicts on disk: records.parquet (a row per snapshot of every run) and claims.json.

A row's `cells` names the cells that its run belongs to, as a JSON list. Records keep the columns that the study's
claims, plots and tables read, and core columns (`kept`). claims.json holds the SHA-256 of the records that it was
computed from, so that a reader or a test sees when the two no longer belong together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.core.errors import UserError
from phasescope.core.kinds import source_digests
from phasescope.measures.over_runs import NotEnough
from phasescope.runs.store.files import sha256, to_json, with_leaves
from phasescope.runs.store.records import HEAD, read_records
from phasescope.studies.claim import Claim, Judgement
from phasescope.studies.claims_file import RECORDS, Judged, OverAll, RecordedClaim
from phasescope.studies.finding import named_on_command_line
from phasescope.studies.observing import column_of, site_of
from phasescope.studies.recorded_runs import SOURCES
from phasescope.studies.runs_table import Runs
from phasescope.studies.study import Study

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.runs.store.folder import Notify

DECIDED = ("supported", "refuted")


def read_rows(study: Study, folder: Path) -> pd.DataFrame:
    """Return the study's rows, one per snapshot and cell that its run belongs to, with the cell's name in `cell`.

    A row counts only if its run has the identity that the study gives to that cell and seed, and executed the
    sources that the cell names as they are now.

    Raises:
        UserError: there are no records, or they are no records of a study.
    """
    path = folder / RECORDS
    if not path.exists():
        raise UserError(
            f"`STUDY` (={study.name}) must have records: there is no `{path}`; "
            f"phasescope study {named_on_command_line(study)} makes them"
        )

    frame = read_records(path)
    if missing := {"cells", *HEAD} - {*frame}:
        raise UserError(f"`{path}` must be the records of a study: it has no column `{min(missing)}`")

    frame = frame.assign(cell=frame["cells"].map(json.loads)).explode("cell", ignore_index=True)
    cells = {cell.name: cell for cell in study.cells}
    frame = frame[frame["cell"].isin(cells)].reset_index(drop=True)

    # What the rest of a study calls a seed is the run's number in its cell, from 0 on.
    frame["seed"] -= frame["cell"].map({name: cell.first_seed for name, cell in cells.items()}).astype(int)
    frame = _numbered_forks(study, frame)

    executed = frame[SOURCES].fillna("{}") if SOURCES in frame else "{}"
    sources = {
        name: json.dumps(source_digests(study.config(cell, 0).tree()), sort_keys=True)
        for name, cell in cells.items()
    }

    expected = [study.digest(cells[c], int(s)) for c, s in zip(frame["cell"], frame["seed"], strict=True)]
    own = (frame["digest"] == expected) & (frame["cell"].map(sources) == executed)
    return frame[own].reset_index(drop=True)


def _numbered_forks(study: Study, frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows in which the runs that continue others have their numbers in their cells, which no seed tells; a run that
    the cell does not have keeps its own."""
    forks = [cell for cell in study.cells if cell.fork is not None]
    if not forks:
        return frame
    numbers = {
        (cell.name, study.digest(cell, number)): number
        for cell in forks
        for number in range(study.first(cell) + study.more)
    }
    keys = zip(frame["cell"], frame["digest"], frame["seed"], strict=True)
    return frame.assign(seed=[numbers.get((cell, digest), seed) for cell, digest, seed in keys])


def kept(study: Study) -> Callable[[str], bool]:
    """Return a function that says whether a study's records keep a column: what it reads, its readings, and core columns.

    Core columns (`Column.core`) are kept of every run whatever its study reads: what it cost, its configuration, outcomes,
    accuracy and error, phases, and the scores of activations at the study's `core_sites`.
    """
    readings = tuple(f"{reading.name}." for reading in study.readings)
    sites = study.core_sites

    def is_core(name: str) -> bool:
        column = column_of(name)
        site = site_of(name)
        return column is not None and column.core and (site is None or site in sites)

    return lambda name: name in study.columns or name.startswith(readings) or is_core(name)


class Recorded:
    """Which runs of a study are recorded, and the rows of each interim analysis."""

    def __init__(self, study: Study, rows: pd.DataFrame, failed: Collection[str] = ()):
        self.study, self.rows, self.failed = study, rows, set(failed)
        runs = rows[["cell", "seed"]].drop_duplicates()
        self.present = {(str(c), int(s)) for c, s in runs.itertuples(index=False, name=None)}
        self._runs: dict[int, Runs] = {}

    def runs(self, more: int = 0) -> Runs:
        """Return the runs of the first analysis, with `more` seeds per cell added."""
        if more not in self._runs:  # every claim asks
            wanted = {cell.name: self.study.first(cell) + more for cell in self.study.cells}
            first = self.rows["seed"] < self.rows["cell"].map(wanted).astype(int)
            self._runs[more] = Runs(self.rows[first], self.study.cells)
        return self._runs[more]

    def missing(self, claim: Claim, more: int = 0) -> str:
        """Return what an analysis of a claim lacks of its runs, in words; empty if it has all."""
        wanted: dict[str, bool] = {}
        for cell in self.study.cells_of(claim.where):
            first = self.study.first(cell)
            for seed in range(first if more else 0, first + more):
                wanted[self.study.digest(cell, seed)] = (cell.name, seed) in self.present
        lacking = {digest for digest, present in wanted.items() if not present}
        failed = f", {len(lacking & self.failed)} failed" if lacking & self.failed else ""
        runs = f"{len(wanted)} further runs" if more else f"{len(wanted)} runs"
        return f"{len(wanted) - len(lacking)} of {runs} are recorded{failed}" if lacking else ""

    def judge(self, claim: Claim) -> Judgement:
        """Return the verdict of a claim at the analysis that its runs allow."""
        first = claim.judge(self.runs())
        if lacking := self.missing(claim):
            return Judgement("undecided", first.estimate, f"first analysis: {lacking}")
        if first.verdict in DECIDED or not self.study.more:
            return replace(first, analysis=1)
        if lacking := self.missing(claim, self.study.more):
            return replace(first, why=f"{first.why}; final analysis: {lacking}", analysis=1)
        return replace(claim.judge(self.runs(self.study.more)), analysis=2)

    def undecided_cells(self) -> set[str]:
        """Return the names of the cells to which the final analysis adds runs."""
        runs = self.runs()
        undecided = [claim for claim in self.study.claims if claim.judge(runs).verdict not in DECIDED]
        return {cell.name for claim in undecided for cell in self.study.cells_of(claim.where)}


def judge(
    study: Study,
    folder: Path,
    rows: pd.DataFrame,
    failed: Collection[str] = (),
    power: bool = True,
    notify: Notify = lambda done, total: None,
) -> dict[str, Any]:
    """Return the new contents of claims.json.

    Args:
        failed: identities of runs that failed for good.
        power: simulate the power at the observed spread, which takes a second per claim.
        notify: as of `judge_records`.
    """
    recorded = Recorded(study, rows, failed)
    runs = rows.drop_duplicates("digest")
    ends = rows.sort_values("step").drop_duplicates("digest", keep="last")
    claims: list[RecordedClaim] = []

    for claim in study.claims:
        notify(len(claims), len(study.claims))
        claims.append(_recorded_claim(study, claim, recorded, power))

    content = Judged(
        study=study.name,
        question=study.question,
        sha256=sha256(folder / RECORDS),
        runs=len(runs),
        core_minutes=round(float(ends["cpu_s"].sum()) / 60, 1) if "cpu_s" in ends else 0.0,
        processors=sorted(set(runs["host.cpu"].dropna())) if "host.cpu" in runs else [],
        failed=sorted({*failed} - {*runs["digest"]}),
        claims=claims,
    )
    return plain(content.model_dump(exclude={"stale"}))


def _recorded_claim(study: Study, claim: Claim, recorded: Recorded, power: bool) -> RecordedClaim:
    judgement = recorded.judge(claim)
    numbers: dict[str, Any] = {"value": None, "low": None, "high": None, "n": 0, "detail": {}}
    if (estimate := judgement.estimate) is not None:
        numbers = {name: getattr(estimate, name) for name in numbers} | {"detail": dict(estimate.detail)}
        # Simulated runs are complete and reach their onsets: of missing or shorter runs it would be no power.
        if power and judgement.analysis and judgement.verdict != "not reached":
            numbers |= _at_observed_spread(study, claim, recorded, judgement.analysis)
    of_claim = {f.name: getattr(claim, f.name) for f in fields(claim) if f.name in RecordedClaim.model_fields}
    of_judgement = {"verdict": judgement.verdict, "analysis": judgement.analysis, "why": judgement.why}
    over_all = _over_all(study, claim, recorded, judgement)
    further = {
        "answers": study.answers,
        "unit": claim.unit or claim.statistic.UNIT,
        "no_effect": claim.null_value,
        "counted": _counted(study, claim, recorded, judgement),
        "over_all": over_all,
    }
    return RecordedClaim.model_validate(of_claim | of_judgement | further | numbers)


def _counted(study: Study, claim: Claim, recorded: Recorded, judgement: Judgement) -> str:
    """Return how many objectives, say, a claim is about, by the runs that judged it; empty if it is about runs."""
    if claim.over is None or judgement.estimate is None:
        return ""
    axis, words = claim.over
    table = claim.tables(recorded.runs(study.more if judgement.analysis == 2 else 0))[0]
    return f"{table[axis].nunique()} {words}"


def _over_all(study: Study, claim: Claim, recorded: Recorded, judgement: Judgement) -> OverAll | None:
    """Return the estimate from all recorded runs, if there are more than those that decided a claim."""
    if judgement.analysis != 1 or judgement.estimate is None or not study.more:
        return None
    estimate = claim.judge(recorded.runs(study.more)).estimate
    if estimate is None or estimate.n <= judgement.estimate.n:
        return None
    return OverAll(value=estimate.value, low=estimate.low, high=estimate.high, n=estimate.n)


def _at_observed_spread(study: Study, claim: Claim, recorded: Recorded, analysis: int) -> dict[str, float]:
    """Return the observed spread, the power at it, and the smallest detectable effect, on the design that was recorded."""
    runs = recorded.runs(study.more if analysis == 2 else 0)
    try:
        spread = max(claim.statistic.spread_of(table) for table in claim.tables(runs))
    except NotEnough:
        return {}
    design, used = runs.where(**claim.where).table, claim.spread if np.isnan(spread) else spread
    power, smallest = claim.power(design, used), claim.detectable(design, used)
    least = min(power.supported, power.refuted)
    return {"observed_spread": spread, "observed_power": least, "detectable": smallest}


def plain(value: Any) -> Any:
    """Return data as JSON holds it: a number that is not finite is its name."""
    return with_leaves(
        lambda leaf: str(leaf) if isinstance(leaf, float) and not np.isfinite(leaf) else leaf, value
    )


def claims_text(content: Mapping[str, Any]) -> str:
    """Return the text of claims.json."""
    return to_json(content, indent=1) + "\n"
