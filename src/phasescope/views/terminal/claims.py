"""Claims in a terminal: their verdicts, and how often simulated studies of known truth are judged correctly."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasescope.core.errors import UserError
from phasescope.core.formats import format_number
from phasescope.measures.over_runs import LEVEL
from phasescope.studies.claims_file import RECORDS, Judged, read_claims
from phasescope.studies.finding import STUDY_FILE
from phasescope.views.facts.numbers import (
    amendment_lines,
    criterion,
    format_cell,
    format_interval,
    format_none,
    format_value,
    runs_cell,
    verdict_cell,
)
from phasescope.views.facts.verdicts import count_words
from phasescope.views.terminal.printing import Result, Table

if TYPE_CHECKING:
    from pandas import DataFrame

    from phasescope.studies.claim import Claim
    from phasescope.studies.runs_table import Runs
    from phasescope.studies.study import Study

BELOW = "below the rule"


def verdicts(studies: Sequence[tuple[str, Path]], in_full: bool = False) -> Result:
    """Return the verdict of every claim, a row each under its study; a study whose claims.json is invalid is a note.

    Args:
        studies: name of each and the folder of its records: what is recorded is printed, and no study is imported.
        in_full: below the rows also each study's question, what its claims say, and its amendments.
    """
    judged: list[tuple[Path, Judged]] = []
    tree: list[dict[str, Any]] = []
    lines, notes = [], []

    for name, folder in studies:
        try:
            known = read_claims(folder)
        except UserError as error:
            notes.append(str(error))
            tree.append({"study": name, "error": str(error)})
            continue
        tree.append({"study": name, "claims": None} if known is None else known.model_dump())
        if known is None:
            lines.append(f"{name}: no records yet: phasescope study {name}")
        else:
            judged.append((folder, known))
            if known.stale:
                lines.append(f"{name}: the records have changed since: --judge judges them")

    lines += _changed_code(studies)
    return Result(_blocks(judged, lines, in_full), lambda: tree, notes=notes, code=2 if notes else 0)


def _changed_code(studies: Sequence[tuple[str, Path]]) -> list[str]:
    """Return a line for each file that studies share and that has changed since they recorded it, with their names.

    What has changed in a study's own files stands on its page.
    """
    from phasescope.studies.preregistration import changed_sources, read_preregistration

    changed: dict[str, list[str]] = {}
    for study, folder in studies:
        file = folder / STUDY_FILE
        if file.is_file() and (preregistered := read_preregistration(folder)):
            shared = [name for name in preregistered.sources[-1].sha256 if "/" in name]
            for name in changed_sources(file, preregistered):
                if name in shared:
                    changed.setdefault(name, []).append(study)
    return [
        f"{name} has changed since these studies recorded it: {', '.join(readers)}"
        for name, readers in sorted(changed.items())
    ]


def _blocks(
    judged: Sequence[tuple[Path, Judged]], lines: Sequence[str], in_full: bool
) -> Iterator[str | Table]:
    if judged:
        heads = ("claim", f"estimate [{LEVEL}] unit", "none", "bar", "verdict", "n")
        yield Table(heads, (row for _, known in judged for row in _rows(known)), fixed=1)
    if counts := count_words(claim for _, known in judged for claim in known.claims):
        yield f"\n{counts}"
    yield from lines
    if not in_full:
        return

    from phasescope.studies.preregistration import read_preregistration

    for folder, known in judged:
        yield f"\n{known.study}: {known.question}"
        for claim in known.claims:
            about = f"; {claim.counted}" if claim.counted else ""
            yield f"{claim.name} (power {format_number(claim.observed_power)}{about}): {claim.sentence}"
        if preregistration := read_preregistration(folder):
            yield from (f"amended {line}" for line in amendment_lines(preregistration))


def _rows(known: Judged) -> Iterator[tuple[str, ...]]:
    if known.claims:
        yield (f"{known.study}, {known.runs} runs", "", "", "", "", "")
    for claim in known.claims:
        number = format_value(claim).removesuffix(claim.unit).strip()
        # The interval stands before the unit, so that a narrow terminal wraps the unit and no interval.
        shown = f"{number} {format_interval(claim)} {claim.unit if claim.n else ''}"
        yield (
            f"  {claim.name}",
            shown,
            format_none(claim),
            criterion(claim),
            verdict_cell(claim),
            f"{runs_cell(claim)}",
        )


def controls(
    studies: Sequence[tuple[Study, Path]], trials: int, notify: Callable[[int, int], None]
) -> Result:
    """Return the power of every claim on simulated runs of its own design, on either side, and how often it is decided with
    the truth at its threshold; of a claim that may not be shipped also why, and with which seeds or effect it might be."""
    from phasescope.studies.claim import POWER, WRONG
    from phasescope.studies.reach import out_of_reach

    for study, _ in studies:
        study.check_columns()  # the power of a number that no run records says nothing

    claims = [(study, claim) for study, _ in studies for claim in study.claims]
    recorded = {study.name: _recorded_runs(study, folder) for study, folder in studies}
    tree: list[dict[str, Any]] = []
    rows: list[tuple[str, ...]] = []
    for done, (study, claim) in enumerate(claims):
        notify(done, len(claims))
        design = study.design_of(claim)
        power = claim.power(design, trials=trials)
        cannot = claim.unreachable or out_of_reach(claim, recorded[study.name])

        row = {"study": study.name, "name": claim.name, "times": trials, "power_supported": power.supported}
        row |= {"power_refuted": power.refuted, "wrong": power.wrong}
        mark = cannot
        if not cannot and not power.is_enough:
            mark = f"{BELOW}: {claim.lacks_runs(len(design)) or _what_would_do(claim, design)}"
        elif cannot and not claim.unreachable:
            mark = f"{BELOW}: {cannot}"
        tree.append(row | {"cannot": cannot, "why": mark})
        rows.append((*map(format_cell, row.values()), *_effect_and_spread(claim), mark))
    meaning = (
        f"\n{len(tree)} claims. supported, refuted: how often a simulated study is judged so if the truth lies at the "
        f"claim's effect from the threshold, on its side or on the other; both {POWER:g} at least. wrong: how often it is "
        f"decided if the truth lies at the threshold, {WRONG:g} at most. effect: the distances from the threshold that "
        "must be detected; spread: the standard deviation between runs, on the same scale (of ratios both are factors)."
    )
    heads = ("study", "claim", "trials", "supported", "refuted", "wrong", "effect", "spread", "")
    below = sum(row[-1].startswith(BELOW) for row in rows)
    count = f"{below} of {len(tree)} claims {'is' if below == 1 else 'are'} {BELOW}"
    return Result([Table(heads, rows), meaning, count], lambda: tree)


def _recorded_runs(study: Study, folder: Path) -> Runs | None:
    """Return all recorded runs of a study; None if there are no records."""
    from phasescope.studies.records import Recorded, read_rows

    if not (folder / RECORDS).exists():
        return None
    return Recorded(study, read_rows(study, folder)).runs(study.more)


def _effect_and_spread(claim: Claim) -> tuple[str, str]:
    """Return a claim's effects and its spread on one scale: of a ratio whose logarithm varies, all are factors."""
    if not claim.statistic.SPREAD_OF_LOGS:
        effects = dict.fromkeys(format_number(effect) for effect in claim.effects)
        return " or ".join(effects), format_number(claim.spread or None)

    sign = 1 if claim.direction == "above" else -1
    toward, away = (claim.threshold + sign * effect for effect in (claim.effects[0], -claim.effects[1]))
    factors = [f"x {format_number(truth / claim.threshold)}" for truth in (toward, away)]
    return " or ".join(factors), f"x {format_number(math.exp(claim.spread))}"


def _what_would_do(claim: Claim, design: DataFrame) -> str:
    """Return with how many seeds a claim's effect would be detected, and which effect its own seeds detect."""
    from phasescope.studies.claim import MOST_TIMES, planned_seeds

    planned = planned_seeds(design)
    smallest = claim.detectable(design, claim.spread)
    sign = 1 if claim.direction == "above" else -1

    detected = f"{planned} seeds detect no effect on its side up to 16 times its own"
    if math.isfinite(smallest):
        detected = f"{planned} seeds detect {format_number(claim.threshold + sign * smallest)} on its side"
    wanted = format_number(claim.threshold + sign * claim.effects[0])
    if (needed := claim.seeds_needed(design)) is None:
        return f"{detected}; for {wanted}, {MOST_TIMES} times as many would not do"
    return f"{detected}; for {wanted} it takes {needed}"
