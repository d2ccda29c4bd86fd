"""The number of phases of simulated courses in which it is known, and what the models are made of."""

from itertools import pairwise, product

import numpy as np
import pytest

from benchmarks.phase_count import COURSES, SHARES, STEPS, drawn, recorded, simulated
from phasescope.measures.phase_count import (
    Shares,
    _clock,
    _forward_backward,
    _log_probability,
    _rho,
    _shares,
    count_phases,
)


@pytest.mark.some(1)
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_abrupt_phases_at_random_times_are_counted(number):
    count = simulated(str(number), runs=8)
    assert count.number == number
    assert count.paths.max() == number - 1
    assert count.backward == 0


@pytest.mark.slow
@pytest.mark.parametrize("course", [name for name in COURSES if not name.isdigit()])
def test_a_gradual_course_has_one_phase_however_many_states_describe_it(course):
    count = simulated(course, runs=8, most=4)
    assert count.number == 1
    assert count.states >= 3
    assert count.rival.startswith("gradual")


@pytest.mark.slow
def test_phases_that_begin_at_the_same_snapshot_in_all_runs_are_no_more_than_the_clock():
    rng = np.random.default_rng(0)
    state = np.repeat([0, 2, 3], [12, 14, 14])
    count = count_phases(drawn(np.stack([SHARES[state]] * 8), rng), np.log(STEPS), most=4)
    assert (count.number, count.states, count.rival) == (1, 3, "clock of 3")


@pytest.mark.slow
def test_hidden_states_of_recorded_runs_are_fitted_no_worse_than_the_clock_they_begin_with():
    count, _ = recorded("entry", "hidden=0", "outcomes.grid", most=3)
    for number in (2, 3):
        assert count.scores[f"{number} states"].mean() > count.scores[f"clock of {number}"].mean()


@pytest.mark.slow
def test_shares_of_the_phases_are_recovered():
    count = simulated("3", runs=16)
    np.testing.assert_allclose(count.shares, SHARES[[0, 2, 3]], atol=0.03)
    assert 0.015 < count.rho < 0.06


def test_a_dirichlet_multinomial_probability_is_that_of_scipy():
    from scipy.stats import dirichlet_multinomial

    rng = np.random.default_rng(0)
    counts = rng.multinomial(10, [0.2, 0.5, 0.3], size=(3, 4))
    mean = np.array([[[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]]])
    logs = _log_probability(counts, Shares(mean, np.array([0.2])))
    for state, run, at in np.ndindex(2, 3, 4):
        expected = dirichlet_multinomial.logpmf(counts[run, at], mean[0, state] * 0.8 / 0.2, 10)
        assert logs[0, state, run, at] == pytest.approx(expected)


def test_states_are_summed_over_every_path():
    rng = np.random.default_rng(0)
    logs = rng.normal(size=(1, 2, 1, 4))
    first, stay = np.array([[0.3, 0.7]]), np.array([[[0.9, 0.1], [0.4, 0.6]]])
    paths = list(product(range(2), repeat=4))
    chances = []
    for path in paths:
        steps = [first[0, path[0]], *(stay[0, a, b] for a, b in pairwise(path))]
        seen = [logs[0, state, 0, t] for t, state in enumerate(path)]
        chances.append(np.prod(steps) * np.exp(np.sum(seen)))

    total, occupied, changes = _forward_backward(logs, first=first, stay=stay, weights=np.ones((1, 1)))
    assert total[0, 0] == pytest.approx(np.log(np.sum(chances)))
    at_2 = sum(chance for path, chance in zip(paths, chances, strict=True) if path[2] == 1)
    assert occupied[0, 1, 0, 2] == pytest.approx(at_2 / np.sum(chances))
    assert changes.sum() == pytest.approx(3)


def test_a_clock_begins_its_states_at_the_best_snapshots():
    rng = np.random.default_rng(0)
    state = np.repeat([0, 2, 3], [12, 14, 14])
    counts = drawn(np.stack([SHARES[state]] * 8), rng)
    _, begins = _clock(counts, np.ones((1, 8)), 3)
    np.testing.assert_array_equal(begins[0], np.repeat([0, 1, 2], [12, 14, 14]))


def test_the_correlation_within_a_snapshot_is_estimated():
    counts = drawn(np.broadcast_to(SHARES[0], (40, 40, 5)), np.random.default_rng(0))
    mean = _shares(counts.sum(axis=(0, 1))[None, None].astype(float))
    rho = _rho(counts, mean, np.ones((1, 1, 40, 40)), np.array([40.0]))
    assert rho[0] == pytest.approx(0.03, abs=0.006)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": np.ones((3, 4, 2))}, r"`counts` \(shape \(3, 4, 2\)\) must be"),
        ({"counts": np.full((4, 4, 2), -1)}, "`counts` must be integers"),
        ({"counts": np.full((4, 4, 2), 0.5)}, "`counts` must be integers"),
        ({"counts": np.arange(32).reshape(4, 4, 2)}, r"`counts` \(sums from 1 to 61\) must have one sum"),
        ({"times": np.arange(3)}, r"`times` \(shape \(3,\)\) must be one for each of 4"),
        ({"times": [0, 1, 1, 2]}, "`times` must be finite and rise"),
        ({"times": [-np.inf, 0, 1, 2]}, "`times` must be finite and rise"),
        ({"most": 0}, r"`most` \(=0\) must be an integer of at least 1"),
        ({"abrupt": 0.0}, r"`abrupt` \(=0.0\) must be greater than 0"),
    ],
)
def test_what_cannot_be_counted_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        count_phases(**{"counts": np.ones((4, 4, 2)), "times": np.arange(4.0), **change})
