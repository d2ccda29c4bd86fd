import numpy as np
import pytest

from phasescope import Factors
from phasescope.measures.checks import check_labels, check_lattice


def lattice_of(labels, factors=None):
    labels = np.asarray(labels, dtype=float)
    return check_lattice(check_labels(labels, len(labels), factors))


def grid(*values):
    return np.stack(np.meshgrid(*values, indexing="ij"), axis=-1).reshape(-1, len(values))


def test_float32_labels_and_both_ends_of_a_period_are_one_value():
    labels = grid(np.linspace(0, 1, 11)[:-1].astype(np.float32), np.arange(3.0))
    labels[labels[:, 0] == 0, 0] = 1 - 1e-7
    lattice = lattice_of(labels, Factors.named(("x", "y"), [1.0, 1.0], ("x",)))
    assert [len(values) for values in lattice.values] == [10, 3]


@pytest.mark.parametrize("periodic", [True, False])
def test_triples_see_nothing_of_what_is_linear_and_have_weight_one(periodic):
    values = np.array([0.0, 1.0, 3.0, 4.0, 6.5])
    labels = grid(values, np.arange(3.0))
    lattice = lattice_of(labels, Factors.named(("x", "y"), [8.0, 1.0], ("x",) if periodic else ()))
    rows, weights = lattice.triples(0)
    np.testing.assert_allclose((weights**2).sum(axis=1), 1)
    np.testing.assert_allclose(weights.sum(axis=1), 0, atol=1e-12)
    inside = (labels[rows[:, 0], 0] < labels[rows[:, 1], 0]) & (labels[rows[:, 1], 0] < labels[rows[:, 2], 0])
    linear = (weights * labels[rows, 0]).sum(axis=1)
    np.testing.assert_allclose(linear[inside], 0, atol=1e-12)
    assert inside.all() == (not periodic)
    assert (labels[rows, 1] == labels[:, None, 1]).all()
