"""When a snapshot passes, when a contender is there, and what censored seeds say."""

import pytest

from benchmarks.criterion import condense, passes, reached, reached_phase_c
from phasescope import Site
from phasescope.worlds import GaussianBump

BASELINES = {"untrained": 0.3, "pixels": 0.1, "permuted": 0.0, "label_embedding": 1.0}


def line(step: int, correct: float = 1.0, low: float | None = 0.9, phase: str = "C", **nulls) -> dict:
    """A line of metrics as a run writes it."""
    score = {"value": 0.95, "low": low, "high": 0.99, "baselines": {**BASELINES, **nulls}}
    shares = {
        **dict.fromkeys([outcome.name for outcome in GaussianBump().reader().outcomes], 0.0),
        "misplaced": 1 - correct,
        "correct": correct,
    }
    return {
        "step": step,
        "images_seen": 64 * step,
        "wall_s": 0.1 * step,
        "cpu_s": 0.2 * step,
        "outcomes": {"grid": {"n": 128, **shares}, "off_grid": {"n": 128, **shares}},
        "probe_r2": {"mid.600": score},
        "phase": {"behaviour": phase},
    }


def snapshot(*args, **more) -> dict:
    return condense(line(*args, **more), Site("mid", 600))


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
    del metrics["probe_r2"]["mid.600"]["baselines"]["untrained"]
    with pytest.raises(ValueError, match="untrained"):
        condense(metrics, Site("mid", 600))


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
