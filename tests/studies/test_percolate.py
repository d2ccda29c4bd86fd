"""The study of percolation: where half is right, dated; and what made records must say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from phasescope.studies.core.claim import NotEnough
from phasescope.studies.found import percolate as study
from phasescope.studies.found._composition import dated

AT = np.array([1.0, 2.0, 4.0, 8.0])


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([0.0, 0.0, 1.0, 1.0], math.sqrt(8), math.sqrt(8)),
        ([0.0, 0.6, 0.2, 0.9], 4 * 2 ** (3 / 7), 4 * 2 ** (3 / 7)),  # for good
        ([0.6, 0.7, 0.8, 0.9], 0, 1),
        ([0.0, 0.1, 0.2, 0.3], 8, math.inf),
        ([0.0, 0.1, np.nan, 0.9], None, None),
    ],
)
def test_a_level_is_dated_in_logs_and_bounded_where_it_is_not_passed(values, low, high):
    found = dated(AT, np.array(values), 0.5)
    if low is None:
        assert all(map(math.isnan, found))
    else:
        assert np.exp(found) == pytest.approx((low, high))


def test_accuracy_that_does_not_know_sigma_has_no_trend():
    flat = study.made(dict.fromkeys(study.SIGMA_PX, 0.15), np.random.default_rng(0))
    assert abs(study.grows_with_sigma(flat).value) < 0.15
    growing = study.made({sigma: 0.15 / sigma for sigma in study.SIGMA_PX}, np.random.default_rng(0))
    assert study.grows_with_sigma(growing).value > 0.6


@pytest.mark.parametrize("sigma", study.ELSEWHERE)
def test_half_at_the_critical_share_is_read_there(sigma: float):
    made = study.made({sigma: study.critical(sigma)}, np.random.default_rng(0))
    assert study.apart(sigma, made).value == pytest.approx(0, abs=0.1)
    twice = study.made({sigma: study.critical(sigma) * 1.4}, np.random.default_rng(0))
    assert study.apart(sigma, twice).value == pytest.approx(math.log(1.4), abs=0.12)


def test_what_never_hangs_together_has_no_critical_share():
    assert math.isnan(study.critical(0.25))
    made = study.made({0.25: 0.1}, np.random.default_rng(0))
    with pytest.raises(NotEnough, match="never hang together"):
        study.apart(0.25, made)
