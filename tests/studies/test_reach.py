"""Which values a claim's number can take, from where the records of its score start."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from phasescope.core.errors import UserError
from phasescope.studies import Asked, Cell, Claim, Difference, Mean, Runs, Share, end, ever, reads, rises_from
from phasescope.studies.reach import out_of_reach, reach_of


@rises_from(lambda runs, column: runs.start(column), within=(0, 1))
@reads("{column}")
def gain(runs: Runs, column: str) -> np.ndarray:
    return runs.end(column) - runs.start(column)


def runs_from(start: float, stop: float) -> Runs:
    rows = [("a", seed, step, score) for seed in range(8) for step, score in ((0, start), (10, stop))]
    return Runs(pd.DataFrame(rows, columns=["cell", "seed", "step", "order"]), [Cell("a", {})])


def rise(effect, direction="above", threshold=0.0) -> Claim:
    number = partial(gain, column="order")
    return Claim(
        "rises",
        "It rises.",
        Mean(),
        number,
        threshold,
        effect,
        spread=0.1,
        direction=direction,
        asked=Asked.BEFORE,
    )


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (rise((0.1, 0.1)), "cannot be won by its effect (=0.1), which must be at most 0.02 on that side"),
        (rise((0.01, 0.1)), ""),
        (
            rise((0.5, 0.1), "below"),
            "cannot be lost by its effect (=0.1), which must be at most 0.02 on that",
        ),
        (rise((0.1, 0.1), threshold=0.3), "on that side: its score starts at 0.98, and lies between 0 and 1"),
    ],
)
def test_a_rise_goes_from_where_the_records_start_to_the_end_of_its_score(claim, words):
    said = out_of_reach(claim, runs_from(0.98, 0.99))
    assert words in said
    assert bool(said) == bool(words)
    assert out_of_reach(claim) == ""  # without records it may start anywhere


def test_other_numbers_have_the_range_of_their_column_or_none():
    share = Claim("s", "S.", Share(), ever("phase.behaviour", "C"), 0.5, 0.2, asked=Asked.BEFORE)
    level = Claim("l", "L.", Mean(), end("accuracy.grid.joint"), 0.5, 0.2, spread=0.1, asked=Asked.BEFORE)
    apart = Claim(
        "d",
        "D.",
        Difference("cell", "a", "b"),
        end("accuracy.grid.joint"),
        0.0,
        0.2,
        spread=0.1,
        asked=Asked.BEFORE,
    )
    own = Claim("o", "O.", Mean(), end("mine.score"), 0.5, 0.2, spread=0.1, asked=Asked.BEFORE)
    assert [(reach_of(c).low, reach_of(c).high) for c in (share, level, apart)] == [(0, 1), (0, 1), (-1, 1)]
    assert reach_of(own).high == np.inf
    assert "accuracy lies between 0 and 1" in out_of_reach(
        Claim("l", "L.", Mean(), end("accuracy.grid.joint"), 0.5, 0.6, spread=0.1, asked=Asked.BEFORE)
    )


def test_an_empty_range_is_refused():
    with pytest.raises(
        UserError, match=r"`within` \(=\(1, 1\)\) must be the least and the largest value of a score"
    ):
        rises_from(gain, within=(1, 1))
