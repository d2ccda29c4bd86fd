"""What the study `condition` reads, on courses whose answer is known."""

import numpy as np
import pandas as pd
import pytest

from phasescope.studies import Cell, Runs
from studies.designs import condition as readings

STEPS = np.arange(0, 4_001, 50)
RUNS = 6


def records(use, correct, system: str = "lean", seed_from: int = 0) -> pd.DataFrame:
    """Return records of runs whose use and samples are given as functions of the step and the run's number."""
    rows = []
    for run in range(RUNS):
        for step in STEPS:
            share = correct(step, run)
            rows.append(
                {
                    "cell": system,
                    "seed": seed_from + run,
                    "step": step,
                    readings.USE: use(step, run),
                    readings.ADVANTAGE: use(step, run),
                    readings.ERROR: 0.01,
                    readings.LOSS: 1.0 - 0.1 * step / STEPS[-1],
                    readings.CORRECT: share,
                    readings.PHASE: "C" if share > 0.6 else "B" if step else "A",
                }
            )
    return pd.DataFrame(rows)


def cells(*systems: str) -> tuple[Cell, ...]:
    return tuple(Cell(system, {}, {"system": system}) for system in systems)


def onset_of(run: int) -> int:
    return 600 + 200 * run


def logistic(step: float, run: int, width: float = 0.3) -> float:
    return float(1 / (1 + np.exp(-np.log(max(step, 1.0) / onset_of(run)) / width)))


def jump(step: float, run: int) -> float:
    return float(step > onset_of(run))


def steep(use: float) -> float:
    return float(use**4 / (use**4 + 0.5**4))


def test_two_rules_that_err_alike_have_a_log_ratio_of_nought():
    """Use that is the step itself errs as the clock does."""
    table = records(lambda step, run: step / STEPS[-1], logistic)
    runs = Runs(table, cells("lean"))
    assert readings.log_error_of_use(runs, use=readings.USE) == pytest.approx(np.zeros(RUNS), abs=1e-9)


def test_use_that_the_samples_follow_errs_less_than_the_clock():
    follows = Runs(records(logistic, lambda step, run: steep(logistic(step, run))), cells("lean"))
    assert readings.log_error_of_use(follows, use=readings.USE).max() < np.log(0.2)
    alike = Runs(records(lambda step, run: logistic(step, 2), logistic), cells("lean"))
    assert readings.log_error_of_use(alike, use=readings.USE).mean() >= -0.05


def test_a_jump_falls_at_the_change_and_a_growth_with_the_logarithm_does_not():
    at_half = [
        (jump, 1.0),
        (lambda step, run: float(np.log(max(step, 1.0))), np.log(readings.NEAR) / np.log(readings.AROUND)),
    ]
    for use, share in at_half:
        runs = Runs(records(use, jump), cells("lean"))
        np.testing.assert_allclose(readings.share_at_change(runs, readings.USE), share, atol=0.02)


def test_runs_that_never_come_to_a_phase_have_no_change():
    runs = Runs(records(logistic, lambda step, run: 0.0), cells("lean"))
    assert np.isnan(readings.share_at_change(runs, readings.USE)).all()


def test_samples_that_follow_use_alone_are_foretold_by_it_and_not_by_the_clock():
    runs = Runs(records(logistic, lambda step, run: steep(logistic(step, run))), cells("lean"))
    assert readings.foretold_by_use(runs).max() < 0.2
    assert readings.foretold_by_use(runs, foil=readings.LOSS, sign=-1.0).max() < 0.2


def test_use_of_another_run_foretells_no_better_than_the_clock():
    """Its use is that of the run with the opposite onset."""
    runs = Runs(
        records(
            lambda step, run: logistic(step, RUNS - 1 - run), lambda step, run: steep(logistic(step, run))
        ),
        cells("lean"),
    )
    assert readings.foretold_by_use(runs).mean() > 1.0


@pytest.mark.parametrize(("scale", "better"), [(1.0, True), (0.3, False)])
def test_the_curve_of_another_system_foretells_if_it_is_the_same(scale, better):
    one = records(logistic, lambda step, run: steep(logistic(step, run)))
    other = records(
        lambda step, run: scale * logistic(step, run), lambda step, run: steep(logistic(step, run)), "flow"
    )
    runs = Runs(pd.concat([one, other]), cells("lean", "flow"))

    ratios = readings.foretold_by_curve_of(runs, system="flow", of="lean")
    assert len(ratios) == RUNS
    assert bool(ratios["y"].mean() < 1.0) == better


def test_an_advantage_counts_from_the_snapshot_at_which_it_stays_above_its_noise():
    runs = Runs(records(lambda step, run: 0.02 + 0.02 * (step >= 200), jump), cells("lean"))
    onsets = readings.samples_after_advantage(runs, level=0.5)
    assert onsets["y_second"].tolist() == [200.0] * RUNS
    assert onsets["y"].tolist() == [onset_of(run) + 50.0 for run in range(RUNS)]


def test_an_advantage_before_training_counts_as_of_the_first_snapshot_after_it():
    runs = Runs(records(lambda step, run: 1.0, jump), cells("lean"))
    assert readings.samples_after_advantage(runs, level=0.5)["y_second"].tolist() == [50.0] * RUNS


def test_use_is_read_when_half_of_the_samples_are_correct():
    runs = Runs(records(logistic, lambda step, run: steep(logistic(step, run))), cells("lean"))
    np.testing.assert_allclose(readings.at_half(runs), 0.5, atol=0.03)
