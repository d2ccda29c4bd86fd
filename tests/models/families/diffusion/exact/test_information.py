import numpy as np
import pytest

from phasescope.models.families.diffusion.exact.information import information


def test_the_integral_of_a_gaussian_channel():
    """x_0 ~ N(0, v) has MMSE v / (1 + v SNR): 1/2 ln(1 + v SNR) nats up to the largest SNR (Guo et al. 2005).

    And a constant error's, most of which may lie below the lowest SNR: dropping that fails, as does any factor.
    """
    v = np.array([0.5, 4.0])[:, None]
    for lowest in (1e-4, 0.02):
        snr = np.geomspace(100, lowest, 2000)
        found = information(snr, v / (1 + v * snr))
        assert found == pytest.approx(0.5 * np.log1p(v[:, 0] * 100), rel=1e-3)
    flat = information(np.geomspace(100, 40, 2000), np.full(2000, 3.0))
    assert flat == pytest.approx(0.5 * 3 * 100, rel=1e-3), "40 % of it below the lowest SNR"
