"""How much of latents lies in four dimensions: a known answer."""

import numpy as np
import pytest

from studies.tori.latents import leading_share


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize(("second", "expected"), [(0.0, 1.0), (1.0, 0.5), (2.0, 0.8)])
def test_two_circles_lie_in_four_components(second: float, expected: float, noise: float):
    """Circles of the second harmonic, `second` times as large, lie beside those of the first, in 40 dimensions."""
    rng = np.random.default_rng(0)
    angle = np.stack(np.meshgrid(*[2 * np.pi * np.arange(16) / 16] * 2), axis=-1).reshape(-1, 2)
    circles = [scale * wave(k * angle) for k, scale in ((1, 1.0), (2, second)) for wave in (np.sin, np.cos)]
    rotation = np.linalg.qr(rng.standard_normal((40, 8)))[0]
    clean = np.concatenate(circles, axis=1) @ rotation.T
    draws = clean + noise * rng.standard_normal((4, *clean.shape))
    assert leading_share(draws) == pytest.approx(expected, abs=0.01 + 0.2 * noise)
