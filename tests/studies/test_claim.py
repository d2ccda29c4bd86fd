"""A verdict is where the interval lies, and nothing else."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from phasescope.errors import UserError
from phasescope.studies.core.claim import Claim, Estimate, NotEnough, from_plain, plain

NOTHING = pd.DataFrame()


def claim(estimate, threshold: float = 0.5, direction="above", minimum_n: int = 6) -> Claim:
    return Claim(
        "c",
        "It is so.",
        "P1",
        "a number",
        threshold,
        estimate,
        "f",
        "All else.",
        direction=direction,
        minimum_n=minimum_n,
    )


def judged(low: float, high: float, n: int = 10, direction="above", value: float = 0.5) -> str:
    return claim(lambda _: Estimate(value, low, high, n), direction=direction).judge(NOTHING).outcome


@pytest.mark.parametrize(
    ("low", "high", "above"),
    [
        (0.51, 0.9, "supported"),
        (0.1, 0.49, "refuted"),
        (0.4, 0.6, "undecided"),
        (0.5, 0.9, "undecided"),
        (0.1, 0.5, "undecided"),
        (0.6, math.inf, "supported"),
        (-math.inf, 0.4, "refuted"),
        (math.nan, 0.9, "undecided"),
    ],
)
def test_the_whole_interval_decides_and_directions_mirror_each_other(low, high, above):
    below = {"supported": "refuted", "refuted": "supported", "undecided": "undecided"}[above]
    assert judged(low, high, direction="above") == above
    assert judged(low, high, direction="below") == below


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"threshold": "0.9"}, r"`threshold` \(=0.9\) of the claim `c` must be a finite number"),
        ({"threshold": float("nan")}, r"`threshold` \(=nan\)"),
        ({"direction": "over"}, r"`direction` \(=over\) of the claim `c` must be above or below"),
    ],
)
def test_a_claim_that_could_not_be_decided_is_refused(fields, message):
    with pytest.raises(UserError, match=message):
        claim(lambda _: Estimate(0.5, 0, 1, 10), **fields)


def test_the_value_alone_decides_nothing():
    assert judged(0.4, 0.9, value=0.89) == "undecided"


def test_too_few_runs_decide_nothing_and_it_is_said():
    found = claim(lambda _: Estimate(0.9, 0.8, 1.0, 5)).judge(NOTHING)
    assert found.outcome == "undecided"
    assert "5" in found.why
    assert "6" in found.why


def test_what_records_lack_is_said():
    def estimate(_):
        raise NotEnough("no run in the records is of eps")

    found = claim(estimate).judge(NOTHING)
    assert (found.outcome, found.estimate, found.why) == (
        "undecided",
        None,
        "no run in the records is of eps",
    )
    assert found.to_dict()["value"] is None


def test_a_fault_in_the_statistic_is_not_taken_for_missing_records():
    def estimate(_):
        raise KeyError("step")

    with pytest.raises(KeyError):
        claim(estimate).judge(NOTHING)


def test_json_holds_open_intervals():
    found = claim(lambda _: Estimate(math.nan, 0.6, math.inf, 8, {"x": math.inf})).judge(NOTHING)
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert math.isnan(from_plain(told["value"]))
    assert from_plain(told["high"]) == math.inf
    assert from_plain(told["low"]) == 0.6
    assert told["verdict"] == "supported"
    assert from_plain(plain(-math.inf)) == -math.inf
