"""The expansion of a bump's loss against differences of that loss itself."""

import numpy as np

from phasescope.worlds.bump.matched_filter import PRIOR_DEVIATION, _expansion
from phasescope.worlds.plane import Pixels

CANVAS = Pixels(12, False, 1.2)
NOISE = np.array([0.3, 0.1])
RIDGE = (NOISE / PRIOR_DEVIATION) ** 2


def loss(g: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Half of |g - A G|^2 - |g|^2, with the prior's term, straight from the formula."""
    amplitude, x, y, log_w = p.T[..., None, None]
    pixels = np.arange(1, 13)
    G = np.exp(-((pixels - x) ** 2 + (pixels[:, None] - y) ** 2) / (2 * np.exp(2 * log_w)))
    squares = ((g - amplitude * G) ** 2).sum((1, 2)) - (g**2).sum((1, 2))
    prior = (p[:, 0] - 1) ** 2 + (p[:, 3] - np.log(1.2)) ** 2
    return (squares + RIDGE * prior) / 2


def test_loss_slope_and_curvature_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    g = rng.normal(size=(2, 12, 12))
    p = np.array([[0.8, 5.3, 6.1, 0.2], [1.4, 8.2, 3.7, -0.1]])
    expansion = _expansion(g, CANVAS, p, RIDGE)
    np.testing.assert_allclose(expansion.loss, loss(g, p), rtol=1e-10)

    step = 1e-4
    for i in range(4):
        at = np.eye(4)[i] * step
        slope = (loss(g, p + at) - loss(g, p - at)) / (2 * step)
        np.testing.assert_allclose(-expansion.descent[:, i], slope, rtol=1e-5, atol=1e-5)
        up, down = _expansion(g, CANVAS, p + at, RIDGE), _expansion(g, CANVAS, p - at, RIDGE)
        curvature = (down.descent - up.descent) / (2 * step)
        np.testing.assert_allclose(expansion.hessian[:, i], curvature, rtol=1e-4, atol=1e-4)
