"""What the study `one_curve` reads, on courses whose answer is known."""

import numpy as np
import pandas as pd

from phasescope.studies import Cell, Runs
from studies.one_curve import readings

STEPS = np.arange(0, 3_001, 40)


def runs_of(use_of, correct_of, deciding_of=None) -> Runs:
    """Return three runs of each of three systems, whose onsets are 300, 600 and 1,200 steps and differ by a third within."""
    rows = []
    for system, onset in {"a": 300.0, "b": 600.0, "c": 1_200.0}.items():
        for seed, factor in enumerate((0.8, 1.0, 1.25)):
            use = use_of(STEPS / (onset * factor))
            deciding = use if deciding_of is None else deciding_of(STEPS / (onset * factor))
            correct = correct_of(use, STEPS / onset)
            rows += [
                {
                    "cell": system,
                    "seed": seed,
                    "step": step,
                    readings.BESIDE: use[at],
                    readings.DECIDING: deciding[at],
                    readings.CORRECT: correct[at],
                }
                for at, step in enumerate(STEPS)
            ]
    return Runs(pd.DataFrame(rows), tuple(Cell(name, {}, {"system": name}) for name in "abc"))


def rising(x: np.ndarray) -> np.ndarray:
    return x**2 / (1 + x**2)


def steep(use: np.ndarray, _: np.ndarray) -> np.ndarray:
    return use**6 / (use**6 + 0.7**6)


def test_samples_that_are_one_function_of_use_are_foretold_by_other_systems_and_not_by_the_clock():
    runs = runs_of(rising, steep)
    assert readings.against_own_clock(runs)["y"].max() < 0.3
    np.testing.assert_allclose(readings.at_half(runs), 0.7, atol=0.01)
    assert readings.is_near(runs, level=0.73, within=0.1)["y"].all()


def test_samples_that_follow_the_step_alone_are_foretold_by_the_clock_and_not_by_use():
    runs = runs_of(rising, lambda _, x: steep(rising(x), x))
    assert readings.against_own_clock(runs)["y"].min() > 3


def test_a_band_that_says_less_has_the_larger_error():
    runs = runs_of(rising, steep, deciding_of=lambda x: np.zeros_like(x))
    assert readings.against_deciding(runs)["y"].max() < 0.3


def test_a_level_of_each_systems_own_is_not_near_to_one():
    levels = {300: 0.3, 600: 0.5, 1200: 0.9}
    runs = runs_of(rising, lambda use, x: use**6 / (use**6 + levels[round(40 / x[1])] ** 6))
    near = readings.is_near(runs, level=0.73, within=0.1)
    assert not near["y"].any()
    assert readings.against_own_clock(runs)["y"].mean() > 1


def test_runs_whose_samples_never_follow_have_no_level_and_are_left_out():
    runs = runs_of(rising, lambda use, _: 0 * use)
    assert np.isnan(readings.at_half(runs)).all()
    assert readings.is_near(runs, level=0.73, within=0.1).empty
