"""When a snapshot passes, when a contender is there, and what censored seeds say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasescope.benchmarks.criterion import (
    Costs,
    condense,
    passes,
    ratio,
    reached,
    reached_phase_c,
    summary,
    told,
)
from phasescope.measures.phases import OUTCOMES

NULLS = {"untrained": 0.3, "pixels": 0.1, "permuted": 0.0, "label_embedding": 1.0}


def line(step: int, correct: float = 1.0, low: float | None = 0.9, phase: str = "C", **nulls) -> dict:
    """A line of metrics as a run writes it."""
    score = {"value": 0.95, "low": low, "high": 0.99, "nulls": {**NULLS, **nulls}}
    shares = {**dict.fromkeys(OUTCOMES, 0.0), "misplaced": 1 - correct, "correct": correct}
    return {
        "step": step,
        "images_seen": 64 * step,
        "wall_s": 0.1 * step,
        "cpu_s": 0.2 * step,
        "outcomes": {"grid": {"n": 128, **shares}, "off_grid": {"n": 128, **shares}},
        "order": {"mid": {"600": score}},
        "phase": {"behaviour": phase},
    }


def snapshot(*args, **more) -> dict:
    return condense(line(*args, **more), "mid", 600)


def test_accuracy_must_reach_its_threshold():
    assert passes(snapshot(1, correct=0.95))
    assert not passes(snapshot(1, correct=0.9499))


@pytest.mark.parametrize("null", ["untrained", "pixels", "permuted"])
def test_order_must_lie_above_each_null(null):
    assert not passes(snapshot(1, **{null: 0.9}))
    assert passes(snapshot(1, **{null: 0.8999}))


def test_order_need_not_lie_above_its_ceiling():
    assert passes(snapshot(1, label_embedding=1.0))


@pytest.mark.parametrize("change", [{"low": None}, {"untrained": None}])
def test_what_is_not_finite_does_not_pass(change):
    assert not passes(snapshot(1, **change))


def test_order_without_a_null_is_refused():
    metrics = line(1)
    del metrics["order"]["mid"]["600"]["nulls"]["untrained"]
    with pytest.raises(ValueError, match="untrained"):
        condense(metrics, "mid", 600)


def step_of(cost: dict | None) -> float | None:
    return None if cost is None else cost["step"]


def test_there_is_the_first_snapshot_from_which_on_each_one_passes():
    course = [snapshot(0, correct=0), snapshot(1), snapshot(2, correct=0.5), snapshot(3), snapshot(4)]
    assert reached(course) == {key: course[3][key] for key in ("step", "images_seen", "wall_s", "cpu_s")}
    assert step_of(reached(course[:2])) == 1
    assert reached(course[:3]) is None
    assert reached([]) is None


def test_phase_c_may_be_there_before_order():
    course = [
        snapshot(0, phase="A"),
        snapshot(1, phase="C", correct=0.8),
        snapshot(2, phase="undecided", correct=0.6),
        snapshot(3),
    ]
    assert step_of(reached_phase_c(course)) == 1
    assert step_of(reached(course)) == 3
    assert reached_phase_c([*course, snapshot(4, phase="B")]) is None


def costs(*values: float, more_than: tuple[float, ...] = ()) -> Costs:
    """Of seeds that took `values`, and of others that took more than something."""
    records = [{"goal": {"s": value}, "spent": {"s": 2 * value}} for value in values]
    records += [{"goal": None, "spent": {"s": value}} for value in more_than]
    found = Costs.of(records, "goal", "s")
    assert found is not None
    return found


def test_the_median_is_exact_where_no_censored_seed_can_move_it():
    found = summary(costs(10, 12, more_than=(1800,)))
    assert (found["n"], found["censored"], found["median"], found["exact"]) == (3, 1, 12, True)
    assert found["range"] == [10, None]
    assert told(found, "s") == "12 s"
    assert told({"median": 17.3456, "exact": True}, "s") == "17.3 s"


def test_the_median_is_a_lower_limit_where_most_are_censored():
    found = summary(costs(1700, more_than=(1800, 1800)))
    assert (found["median"], found["exact"]) == (1800, False)
    assert told(found, "s") == "> 1,800 s"


def test_a_seed_censored_below_the_median_makes_it_a_lower_limit():
    found = summary(costs(10, 12, more_than=(5,)))
    assert (found["median"], found["exact"]) == (10, False)


@given(
    st.lists(st.floats(1, 1e4), min_size=1, max_size=9),
    st.lists(st.floats(1, 1e4), max_size=9),
    st.data(),
)
def test_the_median_of_what_censored_seeds_would_have_taken_lies_within_the_limits(came, limits, data):
    truth = [data.draw(st.floats(limit, 1e6)) for limit in limits]
    low, high = costs(*came, more_than=tuple(limits)).medians()
    assert low <= np.median([*came, *truth]) <= high


def test_the_interval_of_the_median_covers_it_as_often_as_it_says():
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        low, high = summary(costs(*generator.lognormal(size=15)))["interval"]
        covered += low <= 1 <= high
    assert covered >= 90


def test_an_interval_has_no_upper_end_where_a_median_may_be_censored():
    low, high = summary(costs(10, more_than=(1800, 1800)))["interval"]
    assert (low, high) == (10, None)


def test_a_ratio_is_that_of_the_medians():
    found = ratio(costs(900, 1000, 1100), costs(9, 10, 20))
    assert (found["median"], found["exact"], found["n"]) == (100, True, [3, 3])
    assert found["interval"][0] <= 100 <= found["interval"][1]


def test_a_ratio_over_a_censored_time_is_a_lower_limit():
    found = ratio(costs(more_than=(1800, 1800, 1800)), costs(17, 18, 19))
    assert (found["median"], found["exact"], found["interval"][1]) == (100, False, None)
    assert told(found) == "> 100"


def test_a_ratio_to_a_contender_that_may_never_come_says_nothing():
    assert ratio(costs(1800), costs(more_than=(20,)))["median"] == 0


def test_what_one_seed_cannot_tell_is_not_told():
    assert Costs.of([{"goal": {"s": None}}], "goal", "s") is None
    assert Costs.of([], "goal", "s") is None
