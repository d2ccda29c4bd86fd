"""A claim is decided when its runs are all there, once at each of two looks, and never by who stops when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tiny_study import ENDING, LOSABLE, ONE, OTHER, ends_right

from phasescope.errors import UserError
from phasescope.studies.core.claim import Claim
from phasescope.studies.core.looks import judge, undecided_cells
from phasescope.studies.core.made import flat, made_records
from phasescope.studies.core.statistics import CONFIDENCE
from phasescope.studies.core.study import Study

FIRST, MORE = 8, 6
CELL, SECOND_CELL = replace(ONE, seeds=FIRST), replace(OTHER, seeds=FIRST)


def of_cell(cell: str) -> Claim:
    return replace(ENDING, name=cell, cells=(cell,))


STUDY = replace(
    LOSABLE,
    cells=(CELL, SECOND_CELL),
    claims=(of_cell("one"), of_cell("other"), replace(ENDING, name="both")),
    more=MORE,
)


def records(study: Study, ends: dict[str, list[float]]) -> pd.DataFrame:
    """By cell, accuracy in the end of each seed."""
    frames = []
    for name, values in ends.items():
        left = iter(values)
        cells = [cell.name for cell in study.cells if cell.name == name]
        frames.append(
            made_records(
                study,
                lambda *of, left=left: {"formed": flat(1.0), "x": flat(next(left)), "y": flat(1.0)},
                np.random.default_rng(0),
                cells,
                len(values),
                noise=False,
            )
        )
    return pd.concat(frames, ignore_index=True)


HIGH = [0.9, 0.8, 0.85, 0.95, 0.9, 0.8, 0.9, 0.85]
MIXED = [0.4, 0.6, 0.45, 0.55, 0.5, 0.52, 0.48, 0.5]
HIGHER = [0.95] * MORE


def told(frame: pd.DataFrame, study: Study = STUDY, failed: tuple[str, ...] = ()):
    return {verdict.claim.name: verdict for verdict in judge(study, frame, failed)}


def test_a_claim_is_decided_when_each_run_of_the_cells_that_it_reads_is_there():
    found = told(records(STUDY, {"one": HIGH, "other": HIGH[:-1]}))
    assert (found["one"].outcome, found["one"].look) == ("supported", 1)
    for name in ("other", "both"):
        assert (found[name].outcome, found[name].look) == ("undecided", 0)
    assert found["other"].why == "look 1 has 7 of 8 runs"
    assert found["both"].why == "look 1 has 15 of 16 runs"


def test_before_the_first_look_numbers_are_shown():
    (found, *_) = judge(STUDY, records(STUDY, {"one": HIGH[:5]}))
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(np.mean(HIGH[:5]))
    assert found.to_dict()["n"] == 5


def test_a_run_that_failed_is_told_of():
    frame = records(STUDY, {"one": HIGH[:-2]})
    failed = STUDY.member(CELL, FIRST - 1).config.digest()
    assert told(frame, failed=(failed,))["one"].why == "look 1 has 6 of 8 runs; 1 failed"
    assert told(records(STUDY, {"one": HIGH}), failed=(failed,))["one"].outcome == "supported"


def test_seeds_beyond_the_first_look_change_nothing_of_it():
    """What the first look decides stands, whatever else is recorded."""
    alone = told(records(STUDY, {"one": HIGH, "other": HIGH}))
    more = told(records(STUDY, {"one": [*HIGH, *[0.0] * MORE], "other": [*HIGH, 0.0]}))
    assert more == alone


def test_the_second_look_is_judged_when_it_is_whole_and_on_all_seeds():
    first = told(records(STUDY, {"one": MIXED, "other": HIGH}))
    assert (first["one"].outcome, first["one"].look) == ("undecided", 1)
    assert first["one"].why.endswith("; look 2 has 0 of 6 runs")
    within = told(records(STUDY, {"one": MIXED + HIGHER[:-1], "other": HIGH}))["one"]
    assert within.why.endswith("; look 2 has 5 of 6 runs")
    assert (within.outcome, within.look, within.estimate) == ("undecided", 1, first["one"].estimate)
    whole = told(records(STUDY, {"one": MIXED + HIGHER, "other": HIGH}))["one"]
    assert (whole.outcome, whole.look) == ("supported", 2)
    assert whole.estimate is not None
    assert whole.estimate.n == FIRST + MORE
    beyond = told(records(STUDY, {"one": [*MIXED, *HIGHER, 0.0, 0.0], "other": HIGH}))["one"]
    assert beyond == whole


def test_without_a_second_look_the_first_is_the_last():
    found = told(records(STUDY, {"one": MIXED + HIGHER, "other": HIGH}), replace(STUDY, more=0))["one"]
    assert (found.outcome, found.look) == ("undecided", 1)
    assert "look 2" not in found.why


def test_a_second_look_adds_seeds_to_the_cells_of_undecided_claims_alone():
    only = replace(STUDY, claims=STUDY.claims[:2])
    frame = records(STUDY, {"one": MIXED, "other": HIGH})
    assert undecided_cells(only, frame) == {"one"}
    low = records(STUDY, {"one": MIXED, "other": MIXED})
    assert undecided_cells(STUDY, low) == {"one", "other"}
    members = [(member.cell.name, member.seed) for member in only.members(second={"one"})]
    assert [seed for name, seed in members if name == "one"] == list(range(FIRST + MORE))
    assert [seed for name, seed in members if name == "other"] == list(range(FIRST))
    assert [seed for _, seed in members] == sorted(seed for _, seed in members)


def test_a_claim_is_given_its_cells_alone():
    frame = records(STUDY, {"one": HIGH, "other": MIXED})
    found = told(frame)
    assert found["one"].estimate == ends_right(frame[frame["cell"] == "one"])
    assert found["both"].estimate == ends_right(frame)


@pytest.mark.slow
def test_two_looks_err_in_no_more_than_one_claim_in_twenty():
    """Of runs whose truth lies at the threshold, whoever looks twice decides wrongly in at most 1 - CONFIDENCE of cases a
    look; who added a run at a time until the interval lies well would not."""
    generator = np.random.default_rng(0)
    claim = replace(STUDY, cells=(CELL,), claims=(of_cell("one"),))
    wrong = peeking = 0
    for _ in range(50):
        ends = np.clip(0.5 + 0.2 * generator.standard_normal(FIRST + MORE), 0, 1).tolist()
        frame = records(claim, {"one": ends})
        wrong += told(frame, claim)["one"].outcome != "undecided"
        peeking += any(
            claim.claims[0].judge(frame[frame["seed"] < n]).outcome != "undecided"
            for n in range(6, FIRST + MORE + 1)
        )
    assert wrong / 50 <= 2 * (1 - CONFIDENCE) + 0.06
    assert peeking > wrong


def test_a_study_that_adds_no_whole_number_of_seeds_is_refused():
    with pytest.raises(UserError, match=r"`more` \(=-1\) of `losable` must be from 0"):
        replace(STUDY, more=-1)
    with pytest.raises(
        UserError, match=r"`cells` \(=third\) of the claim `third` must be the study's: one, other"
    ):
        replace(STUDY, claims=(of_cell("third"),))
    with pytest.raises(UserError, match=r"`--seeds` \(=9\) must be at most 8: a study's seeds are declared"):
        list(STUDY.members(9))
