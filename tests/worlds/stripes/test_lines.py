"""Stripes in noise: how often noise alone passes for one, stripes across an edge, and a fit against a library's."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.stats import norm

from phasescope.worlds import Stripes

N = 32
PIXELS = np.arange(1.0, N + 1)


def across(profiles: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """Return dark images of profiles along x, in units of a stripe's contrast."""
    g = np.repeat(profiles[:, None, None, :], N, axis=2)
    return 1 - g - noise * np.random.default_rng(0).standard_normal(g.shape)


@pytest.mark.parametrize(("sigma_px", "expected"), [(1.0, 0.05), (2.0, 0.2)])
def test_noise_passes_for_a_stripe_as_often_as_is_said(sigma_px: float, expected: float):
    reader = Stripes.from_tree({"boundary": "periodic", "sigma_px": sigma_px}).reader()
    reader = replace(reader, thresholds=replace(reader.thresholds, half_contrast=0.0, false_objects=expected))
    columns = reader.read(across(np.zeros((5000, N)), noise=1.0))
    counts = np.concatenate([columns["stripes_x"], columns["stripes_y"]])
    assert counts.mean() == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize(("boundary", "count"), [("periodic", 1), ("open", 2)])
def test_a_stripe_across_the_edge_is_one_on_a_torus(boundary: str, count: int):
    profile = np.exp(-0.5 * (((PIXELS - 0.5 + N / 2) % N - N / 2) / 2.0) ** 2)
    world = Stripes.from_tree({"boundary": boundary, "sigma_px": 2.0})
    assert world.reader().read(across(profile[None]))["stripes_x"].tolist() == [count]


@pytest.mark.parametrize("boundary", ["periodic", "open"])
def test_a_fit_is_that_of_a_library(boundary: str):
    """The same sum of squares, prior and all, by scipy; of stripes of other widths than the nominal, in noise."""
    sigma, period = 1.5, N if boundary == "periodic" else math.inf
    centres, widths = np.array([0.6, 7.3, 16.0, 25.8]), np.array([1.5, 1.1, 2.0, 1.5])

    def away_from(centre: np.ndarray | float) -> np.ndarray:
        away = PIXELS - centre
        return away if period == math.inf else away - period * np.round(away / period)

    clean = 0.8 * np.exp(-0.5 * (away_from(centres[:, None]) / widths[:, None]) ** 2) + 0.1
    images = across(clean, noise=0.2)
    readings = Stripes.from_tree({"boundary": boundary, "sigma_px": sigma}).reader().read(images)
    assert readings["stripes_x"].tolist() == [1] * 4
    g = 1 - images[:, 0]
    seconds = np.diff(np.diff(g, n=2, axis=1), n=2, axis=2)
    noise = np.median(np.abs(seconds), axis=(1, 2)) / (6 * norm.ppf(0.75)) / math.sqrt(N)
    level = g.mean(axis=1)
    level -= np.median(level, axis=1, keepdims=True)
    for row, centre in enumerate(centres):

        def left(p: np.ndarray, row: int = row) -> np.ndarray:
            amplitude, at, log_width, offset = p
            rest = level[row] - amplitude * np.exp(-0.5 * (away_from(at) / math.exp(log_width)) ** 2) - offset
            prior = noise[row] / 0.5 * np.array([amplitude - 1, log_width - math.log(sigma)])
            return np.concatenate([rest, prior])

        best = least_squares(left, [0.8, centre, math.log(sigma), 0.0], xtol=1e-12, ftol=1e-12, gtol=1e-12).x
        own = [readings["contrast_x"][row], readings["x"][row], math.log(readings["width_x_px"][row])]
        off = np.array(own) - best[:3]
        off[1] = (off[1] + N / 2) % N - N / 2
        np.testing.assert_allclose(off, 0, atol=1e-4)
