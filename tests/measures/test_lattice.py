"""Labels on a lattice, as the factorization index sees them: which are one value, and what counts as noise."""

import numpy as np
import pytest

from phasescope import Factors
from phasescope.measures import factorization


def grid(*values):
    return np.stack(np.meshgrid(*values, indexing="ij"), axis=-1).reshape(-1, len(values))


def test_float32_labels_and_both_ends_of_a_period_are_one_value():
    labels = grid(np.linspace(0, 1, 11)[:-1].astype(np.float32), np.arange(3.0))
    factors = Factors.named(("x", "y"), [1.0, 1.0], ("x",))
    latents = np.random.default_rng(0).normal(size=(30, 5))
    moved = labels.copy()
    moved[moved[:, 0] == 0, 0] = 1 - 1e-7
    plain, off = (factorization(latents, given, factors) for given in (labels, moved))
    assert off.detail["F"] == pytest.approx(plain.detail["F"], abs=1e-9)


@pytest.mark.parametrize("periodic", [True, False])
def test_what_is_linear_along_a_factor_is_no_noise_however_uneven_its_values(periodic):
    """Noise is estimated by differences of neighbours that annul what is linear: its interval has no width."""
    labels = grid(np.array([0.0, 1.0, 3.0, 4.0, 6.5]), np.arange(3.0))
    factors = Factors.named(("x", "y"), [8.0, 1.0], ())
    coupled = np.column_stack([labels, labels.prod(axis=1)])
    if periodic:
        labels, factors = labels[:, ::-1], Factors.named(("y", "x"), [3.0, 8.0], ("y",))
        coupled = labels[:, 1:] * np.column_stack([np.ones(15), labels[:, 0] == 1])
    score = factorization(coupled, labels, factors)
    assert score.low == pytest.approx(score.value, abs=1e-6)
    assert score.high == pytest.approx(score.value, abs=1e-6)
