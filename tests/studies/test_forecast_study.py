"""What the study `forecast` reads, on courses whose answer is known."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from phasescope.studies import Cell, Runs
from studies.forecast import readings
from studies.forecast.kinds import WrongLabels

STEPS = np.arange(0, 1_001, 20)
ONSET = 700.0


def logistic(onset: float) -> np.ndarray:
    return 1 / (1 + np.exp(-(STEPS - onset) / 100))


def records(courses: dict[str, list[np.ndarray]], correct: np.ndarray | None = None, loss=None) -> Runs:
    """Return the runs whose use is given, by system; samples follow at step 800, and the loss falls as use grows."""
    rows = [
        {
            "cell": system,
            "seed": seed,
            "step": step,
            readings.USE: use,
            readings.ERROR: 0.002,
            readings.LOSS: 2.0 - use if loss is None else loss[number],
            readings.CORRECT: float(step > 800) if correct is None else correct[number],
        }
        for system, runs in courses.items()
        for seed, course in enumerate(runs)
        for number, (step, use) in enumerate(zip(STEPS, course, strict=True))
    ]
    return Runs(pd.DataFrame(rows), tuple(Cell(system, {}, {"system": system}) for system in courses))


def runs_of(*onsets: float) -> Runs:
    """Return runs of one system with these onsets."""
    return records({"a": [logistic(onset) for onset in onsets]})


def test_the_onset_is_where_use_passes_a_half_and_nan_where_it_does_not():
    np.testing.assert_allclose(readings.onset(runs_of(ONSET, 2_000.0)), [ONSET, math.nan], atol=1.0)


def test_what_a_forecast_is_judged_by_does_not_know_the_future():
    """A course that jumps after half of its way has the forecast of one that grows on."""
    grows = logistic(ONSET)
    jumps = np.where(STEPS > ONSET / 2, np.maximum(grows, 0.9), grows)
    course = next(readings.courses(records({"a": [grows]})))
    other = next(readings.courses(records({"a": [jumps]})))
    assert course.last_forecast(340.0) == other.last_forecast(340.0) is not None


def test_the_last_forecast_is_one_that_was_made_by_then():
    course = next(readings.courses(runs_of(ONSET)))
    made = [step for step, _ in course.forecasts(ONSET / 2)]
    last = course.last_forecast(ONSET / 2)
    assert last is not None
    assert last[0] == max(made) <= ONSET / 2


def test_a_run_without_an_onset_is_left_out_and_its_forecasts_are_false():
    runs = runs_of(ONSET, 2_000.0)
    for number in (readings.is_in_time, readings.is_close, readings.share_held, readings.error_of_forecast):
        assert number(runs)["seed"].tolist() == [0], number
    assert readings.share_of_false_forecasts(records({"a": [np.zeros(len(STEPS))]})).tolist() == [0.0]


def test_a_forecast_is_close_up_to_a_quarter_on_either_side(monkeypatch):
    for factor, close in ((0.74, 0.0), (0.76, 1.0), (1.24, 1.0), (1.26, 0.0)):
        forecast = SimpleNamespace(answer="forecast", at=factor * ONSET, low=0.0, high=1.0)
        monkeypatch.setattr(
            readings.Course, "last_forecast", lambda course, until, made=forecast: (300.0, made)
        )
        assert readings.is_close(runs_of(ONSET))["y"].tolist() == [close], factor


def test_the_share_of_intervals_that_hold_counts_those_that_do(monkeypatch):
    def forecasts(course, until, backwards=False):
        for low, high in ((600, 800), (710, 800), (500, 690), (690, 710)):
            yield 100.0, SimpleNamespace(low=float(low), high=float(high))

    monkeypatch.setattr(readings.Course, "forecasts", forecasts)
    assert readings.share_held(runs_of(ONSET))["y"].tolist() == [0.5]


def test_the_clock_is_the_mean_of_other_runs_that_are_still_to_come():
    runs = list(readings.courses(runs_of(200.0, 400.0, 900.0)))
    assert readings.said_by_clock(100.0, runs) == pytest.approx((200 * 400 * 900) ** (1 / 3), rel=0.01)
    assert readings.said_by_clock(300.0, runs) == pytest.approx(600.0, rel=0.01)
    assert readings.said_by_clock(950.0, runs) == 950.0


def test_a_clock_has_the_runs_of_its_own_systems_alone_and_never_the_run_itself():
    runs = records(
        {"a": [logistic(300.0), logistic(500.0)], "b": [logistic(700.0), logistic(900.0)]},
    )
    known = list(readings.courses(runs))
    first = known[0]
    said = {
        rule: readings.said_by_rule(rule, first, step=100.0, known=known)
        for rule in ("clock of other systems", "clock of the same system")
    }
    assert said["clock of the same system"] == pytest.approx(500.0, rel=0.01)
    assert said["clock of other systems"] == pytest.approx((700 * 900) ** 0.5, rel=0.01)


def test_a_loss_that_says_the_onset_is_heard():
    """The loss is a power of the step over the onset, the same for all systems."""
    onsets = {"a": 300.0, "b": 500.0, "c": 900.0}
    runs = [
        readings.Course(
            name,
            step=STEPS,
            use=logistic(onset),
            se=np.full(len(STEPS), 0.002),
            loss=(np.maximum(STEPS, 1) / onset) ** -0.5 * onset**0.5,
            correct=np.zeros(len(STEPS)),
        )
        for name, onset in onsets.items()
    ]
    # The first loss tells the onset, too: that of the others is fitted without the run itself.
    runs = [
        readings.Course(
            each.system,
            step=each.step,
            use=each.use,
            se=each.se,
            loss=np.where(STEPS == 0, 1.0, each.loss / onsets[each.system] ** 0.5),
            correct=each.correct,
        )
        for each in runs
    ]
    assert readings.said_by_loss(runs[1], 200.0, [runs[0], runs[2]]) == pytest.approx(500.0, rel=0.01)


def test_a_loss_never_says_less_than_now_and_knows_nothing_later():
    flat = np.ones(len(STEPS))
    runs = list(readings.courses(records({"a": [logistic(100.0)], "b": [logistic(900.0)]}, loss=flat)))
    assert readings.said_by_loss(runs[1], 600.0, [runs[0]]) == 600.0

    later = np.where(STEPS > 400, 0.01, 1.0)
    changed = list(readings.courses(records({"a": [logistic(100.0)], "b": [logistic(900.0)]}, loss=later)))
    said = [readings.said_by_loss(each[1], 400.0, [runs[0]]) for each in (runs, changed)]
    assert said[0] == said[1]


def test_a_line_through_the_samples_is_exact_for_a_line_and_never_for_none():
    course = next(readings.courses(records({"a": [logistic(ONSET)]}, correct=STEPS / 1_600)))
    assert readings.said_by_line(course, 400.0) == pytest.approx(800.0)
    assert readings.said_by_line(course, 900.0) == 900.0

    blank = next(readings.courses(runs_of(ONSET)))
    assert readings.said_by_line(blank, 400.0) == math.inf


def test_a_forecast_is_nearer_than_a_line_that_says_never():
    assert readings.is_nearer_than_line(runs_of(ONSET))["y"].tolist() == [1.0]
    assert readings.is_said_by_line(runs_of(ONSET))["y"].tolist() == [0.0]


def test_nearer_means_by_a_fifth(monkeypatch):
    for own, nearer in ((0.79, 1.0), (0.81, 0.0)):
        monkeypatch.setattr(readings, "_errors", lambda *given, own=own: (-0.1, 0.1 * own))
        assert readings.is_nearer(runs_of(ONSET), rule="loss")["y"].tolist() == [nearer]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_so_many_labels_are_wrong(share):
    class Heard:
        """A family whose loss is how many labels differ from those of the images."""

        @staticmethod
        def loss_at(network, x_0, labels):
            return (labels[:, 0] != x_0).float()

    images = torch.arange(16.0)

    class Given(tuple):
        x_0, labels, drawn = images, images[:, None], ()

        def _replace(self, labels):
            return SimpleNamespace(x_0=images, labels=labels, drawn=())

    assert float(WrongLabels(kind="x", share=share)(None, Heard, Given())) == share
