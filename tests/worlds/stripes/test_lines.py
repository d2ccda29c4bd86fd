"""Stripes in profiles: what noise alone does, runs that come round, and a fit against a library's."""

import math

import numpy as np
import pytest
from scipy.optimize import least_squares

from phasescope.worlds.plane import count_regions, wrap
from phasescope.worlds.stripes import reader as lines
from phasescope.worlds.stripes.reader import Axis, find_lines


@pytest.mark.parametrize("sigma_px", [1.0, 2.0])
@pytest.mark.parametrize("expected", [0.05, 0.2])
def test_noise_rises_through_the_chance_level_as_often_as_is_said(sigma_px: float, expected: float):
    axis = Axis(32, periodic=True, width_px=sigma_px)
    h = axis.stripe(axis.candidates, np.full(len(axis.candidates), sigma_px))
    noise = np.random.default_rng(0).standard_normal((20_000, 32))
    above = noise @ h.T / np.sqrt((h**2).sum(axis=1)) >= axis.chance_level(expected)
    rises = above & ~np.roll(above, 1, axis=1)
    assert rises.sum(axis=1).mean() == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize(("periodic", "count"), [(True, 1), (False, 2)])
def test_a_run_comes_round_a_torus(periodic: bool, count: int):
    inside = np.array([1, 1, 0, 0, 1, 1], dtype=bool)
    peak = np.array([0, 1, 0, 0, 0, 1], dtype=bool)
    assert count_regions(inside[None, None], peak[None, None], periodic).tolist() == [count]
    assert count_regions(np.ones((1, 1, 6), dtype=bool), peak[None, None], periodic).tolist() == [1]


def test_what_is_a_peak_of_no_run_is_not_counted():
    inside, peak = np.array([1, 0, 1, 1], dtype=bool), np.array([0, 0, 0, 1], dtype=bool)
    assert count_regions(inside[None, None], peak[None, None], periodic=False).tolist() == [1]


@pytest.mark.parametrize("periodic", [True, False])
def test_a_fit_is_that_of_a_library(periodic: bool):
    """The same sum of squares, prior and all, by scipy; of stripes of other widths than the nominal, in noise."""
    axis, sigma = Axis(32, periodic, 1.5), 1.5
    rng = np.random.default_rng(0)
    centres = np.array([0.6, 7.3, 16.0, 25.8])
    clean = 0.8 * axis.stripe(centres, np.array([1.5, 1.1, 2.0, 1.5])) + 0.1
    profiles = clean + 0.03 * rng.standard_normal(clean.shape)
    score = np.full(len(profiles), 0.03 * axis.chance_level(0.01))
    found = find_lines(profiles, axis, 0.4, score)
    assert found.count.tolist() == [1] * 4
    level = profiles - np.median(profiles, axis=1, keepdims=True)
    ridge = 0.03 / lines.PRIOR_DEVIATION
    for row, centre in enumerate(centres):

        def left(p: np.ndarray, row: int = row) -> np.ndarray:
            amplitude, at, log_width, offset = p
            away = wrap(axis.pixels - at, axis.size if periodic else None)
            told = level[row] - amplitude * np.exp(-0.5 * (away / math.exp(log_width)) ** 2) - offset
            return np.concatenate([told, ridge * np.array([amplitude - 1, log_width - math.log(sigma)])])

        best = least_squares(left, [0.8, centre, math.log(sigma), 0.0], xtol=1e-12, ftol=1e-12, gtol=1e-12).x
        own = np.array([found.amplitude[row], found.centre[row], math.log(found.width_px[row])])
        away = own - best[:3]
        away[1] = wrap(away[1], axis.size if periodic else None)
        np.testing.assert_allclose(away, 0, atol=1e-4)
