"""Statistics of tables of runs: simulations have the truth they say, estimates find it, intervals err as stated."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from phasescope.measures.over_runs import fixed_resamples
from phasescope.studies import (
    Agreement,
    Difference,
    ForkDifference,
    Mean,
    MeanOverUnits,
    NotEnough,
    OnsetRatio,
    Rank,
    Share,
)
from phasescope.studies.readings.surfaces import Crossing, Surface


def design(seeds: int = 8, **axes: list) -> pd.DataFrame:
    names, values = list(axes), list(axes.values())
    points = [dict(zip(names, point, strict=True)) for point in itertools.product(*values)]
    rows = [
        {"cell": str(p), "seed": s, "steps": 1000, "every": 10, **p} for p in points for s in range(seeds)
    ]
    table = pd.DataFrame(rows)
    for name in ("u", "v"):
        if name in table:
            table[name] = table[name].astype(float)
    return table


TWO = design(sigma=[1.0, 2.0])
SYSTEMS = design(4, system=list("abcdefgh"))
GRID = design(6, u=[-1, -0.5, 0, 0.5, 1], v=[-0.5, 0, 0.5])
ALONG = design(6, along=[0.1, 0.2, 0.4, 0.8], by=[1.0, 2.0, 3.0]).assign(reference=0.3)
CASES = [
    (Share(), design(8), (0.2, 0.8), 0.0, 0.06),
    (Mean(), design(8), (-1.0, 0.5), 0.3, 0.06),
    (Mean(absolute=True), design(8), (0.5, 2.0), 0.3, 0.06),
    (Mean(strata="cell"), TWO, (0.3,), 0.3, 0.06),
    (MeanOverUnits("system"), SYSTEMS, (-1.0, 0.5), 0.3, 0.06),
    (Difference("sigma", 2.0, 1.0), TWO, (-0.5, 0.5), 0.3, 0.1),
    (Difference("sigma", 2.0, 1.0, paired=True), TWO, (-0.5, 0.5), 0.3, 0.08),
    (OnsetRatio("sigma", 2.0, 1.0), TWO, (0.5, 1.0, 2.0), 0.2, 0.1),
    (
        OnsetRatio("sigma", 2.0, 1.0),
        TWO.assign(steps=1000 + 500 * (TWO["sigma"] == 1.0)),
        (0.5, 1.0, 2.0),
        0.2,
        0.1,
    ),
    (OnsetRatio(), design(8), (0.5, 1.0, 2.0), 0.2, 0.15),
    (Rank("sigma"), TWO, (-0.6, 0.0, 0.6), 1.0, 0.08),
    (Rank("x", kind="spearman"), design(40), (-0.5, 0.0, 0.5), 1.0, 0.08),
    (Agreement(), design(16), (0.1, 0.3), 0.6, 0.08),
    (Surface("u", "v"), GRID, (-1.0, 0.0, 1.0), 0.05, 0.06),
    (Crossing("along", "by", "reference"), ALONG, (0.2, 0.4), 0.03, 0.06),
]


@pytest.mark.some(6)
@pytest.mark.parametrize(("statistic", "table", "truths", "spread", "tolerance"), CASES)
def test_a_simulation_has_the_truth_that_it_is_given(statistic, table, truths, spread, tolerance):
    """A wrong sign, a factor of 2 or a lost column fails: the mean of estimates is the truth, in its order."""
    for truth in truths:
        with fixed_resamples(20):
            drawn = [statistic.simulate(table, truth, spread, np.random.default_rng(i)) for i in range(60)]
            values = [statistic.estimate(one).value for one in drawn]
        scale = abs(truth) if isinstance(statistic, OnsetRatio) else 1.0
        assert np.nanmean(values) == pytest.approx(truth, abs=tolerance * scale), truth


@pytest.mark.parametrize(
    ("statistic", "table", "spread"),
    [(case[0], case[1], case[3]) for case in CASES if not isinstance(case[0], Share | Rank | Agreement | Crossing)],
)  # fmt: skip
def test_the_spread_of_a_simulation_is_found(statistic, table, spread):
    if isinstance(statistic, OnsetRatio):
        table = table.assign(every=1)
    found = [
        statistic.spread_of(statistic.simulate(table, 0.5, spread, np.random.default_rng(i)))
        for i in range(40)
    ]
    assert np.mean(found) == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize(
    ("statistic", "table", "spread"),
    [(c[0], c[1], c[3]) for c in CASES if isinstance(c[0], Mean | MeanOverUnits | Difference)],
)
def test_an_interval_misses_the_truth_about_as_often_as_it_says(statistic, table, spread):
    with fixed_resamples():
        found = [
            statistic.estimate(statistic.simulate(table, 0.5, spread, np.random.default_rng(i)))
            for i in range(200)
        ]
    missed = np.mean([not estimate.low <= 0.5 <= estimate.high for estimate in found])
    assert missed <= 0.08  # 2.5 % are meant; of few runs it is up to 4 %


def test_runs_of_one_system_are_no_replications_of_it():
    """The interval is that of eight systems' means, however many runs they have, and each system counts alike."""
    table = SYSTEMS.assign(y=[float(name in "ab") for name in SYSTEMS["system"]])
    estimate = MeanOverUnits("system").estimate(table)
    assert (estimate.value, estimate.n) == (0.25, 8)
    more = pd.concat([table, *[table[table["system"] == "a"]] * 20])
    again = MeanOverUnits("system").estimate(more)
    assert (again.value, again.low, again.high) == (estimate.value, estimate.low, estimate.high)
    by_runs = Mean().estimate(table)
    assert by_runs.high - by_runs.low < (estimate.high - estimate.low) * 0.7


@pytest.mark.parametrize(
    ("changed", "unchanged", "open_ends"),
    [
        (True, True, (False, False)),
        (False, True, (False, True)),
        (True, False, (True, False)),
        (False, False, (True, True)),
    ],
)
def test_an_onset_that_had_not_come_gives_a_difference_no_end(changed, unchanged, open_ends):
    """Of a changed child the difference may then be larger, of an unchanged one smaller."""
    rng = np.random.default_rng(1)
    table = pd.concat(
        [
            pd.DataFrame({"arm": arm, "parent": range(8), "seed": range(8), "came": True})
            for arm in ("changed", "unchanged")
        ],
        ignore_index=True,
    ).assign(y=rng.standard_normal(16))
    statistic = ForkDifference("arm", "changed", "unchanged", over="parents")
    whole = statistic.estimate(table)
    table.loc[0, "came"], table.loc[8, "came"] = changed, unchanged

    estimate = statistic.estimate(table)
    assert (math.isinf(estimate.low), math.isinf(estimate.high)) == open_ends
    assert estimate.value == whole.value
    assert statistic.estimate(table.drop(columns="came")).high == whole.high


def onsets(values: list[float], others: list[float] | None = None) -> pd.DataFrame:
    y = np.array(values, dtype=float)
    table = pd.DataFrame(
        {"cell": "a", "seed": range(len(y)), "y": y, "last": 100.0, "without": 0.0, "came": np.isfinite(y)}
    )
    if others is None:
        return table
    z = np.array(others, dtype=float)
    return table.assign(y_second=z, last_second=100.0, without_second=0.0, came_second=np.isfinite(z))


NEVER = math.nan


def test_a_ratio_within_runs_is_the_median_with_the_sign_tests_ends():
    found = OnsetRatio().estimate(onsets([20, 30, 30, 40, 50, 60, 60, 70], [10] * 8))
    assert found.value == pytest.approx(math.exp((math.log(4) + math.log(5)) / 2))
    assert (found.low, found.high) == pytest.approx((2, 7))


def test_a_missing_onset_bounds_the_ratio_and_half_of_them_decide_nothing():
    few = OnsetRatio().estimate(onsets([90] * 6 + [NEVER] * 2, [30] * 8))
    assert few.low == pytest.approx(3)
    assert few.high == math.inf
    assert few.censored == ""
    half = OnsetRatio().estimate(onsets([90] * 4 + [NEVER] * 4, [30] * 8))
    assert (half.low, half.high) == (0, math.inf)
    assert "50% of the runs (the first onset)" in half.censored


def test_a_ratio_between_cells_in_which_half_are_censored_is_not_decided():
    table = pd.concat([onsets([10] * 8).assign(sigma=2.0), onsets([50] * 4 + [NEVER] * 4).assign(sigma=1.0)])
    found = OnsetRatio("sigma", 2.0, 1.0).estimate(table)
    assert (found.low, found.high) == (0, math.inf)
    assert "50% of the runs (sigma = 1.0)" in found.censored
    assert math.isnan(OnsetRatio("sigma", 2.0, 1.0).estimate(table.assign(came=False)).value)


def test_a_simulated_ratio_is_at_least_a_small_one():
    """The search for the smallest detectable effect goes beyond a ratio of 0."""
    table = OnsetRatio().simulate(design(8), -0.4, 0.1, np.random.default_rng(0))
    assert table["came"].all()
    assert not table["came_second"].any()


def test_a_share_with_censored_runs_covers_both_extremes():
    found = Share().estimate(pd.DataFrame({"y": [1.0] * 5 + [NEVER] * 3}))
    all_of_them, none = (Share().estimate(pd.DataFrame({"y": [1.0] * 5 + [v] * 3})) for v in (1.0, 0.0))
    assert (found.low, found.high) == (none.low, all_of_them.high)
    assert "3 of 8 runs" in found.censored


def test_the_spread_of_a_mean_within_cells_is_no_difference_between_cells():
    """The interval resamples within cells, and the simulation varies there alone."""
    table = pd.DataFrame({"cell": ["a"] * 4 + ["b"] * 4, "y": [1.0, 2.0, 1.0, 2.0, 11.0, 12.0, 11.0, 12.0]})
    assert Mean(strata="cell").spread_of(table) == pytest.approx(math.sqrt(1 / 3))
    assert Mean().spread_of(table) > 5


def test_constants_are_left_out_and_counted():
    found = Mean().estimate(pd.DataFrame({"y": [1.0, 2.0, 3.0, NEVER]}))
    assert (found.value, found.n, found.detail["left_out"]) == (2.0, 3, 1.0)


def test_more_of_something_that_comes_earlier_has_a_positive_rank():
    table = pd.concat([onsets([10, 20]).assign(x=2.0), onsets([30, 40]).assign(x=1.0)], ignore_index=True)
    assert Rank("x").estimate(table).value == 1
    censored = pd.concat(
        [onsets([10, 20]).assign(x=2.0), onsets([NEVER] * 2).assign(x=1.0)], ignore_index=True
    )
    assert Rank("x").estimate(censored).value == 1
    with pytest.raises(NotEnough):
        Rank("x").estimate(onsets([NEVER] * 4).assign(x=[1.0, 1.0, 2.0, 2.0]))


def phases(*letters: str) -> list[list[str]]:
    return [list(run) for run in letters]


def test_kappa_is_scikit_learns():
    y, z = phases("AABBC", "ABBCC", "AAABC"), phases("ABBBC", "AABCC", "AABBC")
    table = pd.DataFrame({"cell": "a", "seed": range(3), "y": y, "z": z})
    flat = [[letter for run in column for letter in run] for column in (y, z)]
    assert Agreement(foils=False).estimate(table).value == pytest.approx(cohen_kappa_score(*flat))


def test_what_is_no_letter_is_not_counted():
    """Not even an empty one, which Python finds in every text."""
    y, z = phases("AABBCC", "AABBCC"), [["A", "", "B", "undecided", "C", "C"]] * 2
    table = pd.DataFrame({"cell": "a", "seed": range(2), "y": y, "z": z})
    assert Agreement(foils=False)._counts(*Agreement()._codes(y, z)).sum() == 8
    assert Agreement(foils=False).estimate(table).value == pytest.approx(1)


def test_agreement_that_the_clock_explains_is_none():
    """All runs share one course: whoever knows the step knows the phase, and another run says as much."""
    y = phases(*["AAABBBCCC"] * 6)
    found = Agreement().estimate(pd.DataFrame({"cell": "a", "seed": range(6), "y": y, "z": y}))
    assert found.detail["kappa"] == pytest.approx(1)
    assert (found.value, found.high) == (0, 0)


def test_agreement_of_each_run_with_itself_alone_goes_beyond_its_foils():
    y = phases("AAAAAAAAC", "ACCCCCCCC", "AAAACCCCC", "AACCCCCCC", "AAAAAAACC", "AAACCCCCC")
    found = Agreement().estimate(pd.DataFrame({"cell": "a", "seed": range(6), "y": y, "z": y}))
    assert found.low > 0.2


def test_a_foil_needs_a_second_run():
    with pytest.raises(NotEnough, match="a second run of the same cell"):
        Agreement().estimate(
            pd.DataFrame({"cell": ["a", "b"], "seed": 0, "y": phases("AB", "AB"), "z": phases("AB", "AB")})
        )
