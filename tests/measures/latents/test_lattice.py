from __future__ import annotations

import numpy as np
import pytest

from phasescope.factors import Factors
from phasescope.measures.checks import check_labels
from phasescope.measures.latents.lattice import check_lattice, check_step, check_steps, jackknife


def lattice_of(labels, factors=None):
    labels = np.asarray(labels, dtype=float)
    return check_lattice(check_labels(labels, len(labels), factors))


def grid(*values):
    return np.stack(np.meshgrid(*values, indexing="ij"), axis=-1).reshape(-1, len(values))


PERIODIC = {"factors": Factors.named(("x", "y"), [8.0, 1.0], ("x",))}


def test_a_step_leads_to_the_label_that_differs_by_it_in_one_factor_alone():
    labels = np.random.default_rng(0).permutation(grid(np.arange(8.0), np.arange(5.0)))
    lattice = lattice_of(labels, **PERIODIC)
    for k, length in ((0, 3.0), (1, 2.0)):
        to = lattice.step(k, length)
        there = to >= 0
        moved = labels[to[there]] - labels[there]
        assert (moved[:, 1 - k] == 0).all()
        assert (moved[:, k] % 8 == length).all()
    assert (lattice.step(0, 3.0) >= 0).all()
    assert (lattice.step(1, 2.0) >= 0).sum() == 8 * 3


def test_missing_labels_end_the_steps_that_led_there():
    labels = grid(np.arange(4.0), np.arange(4.0))[:-1]
    rows = labels.tolist()
    to = lattice_of(labels).step(0, 1.0)
    assert to[rows.index([2.0, 3.0])] == -1
    assert to[rows.index([2.0, 2.0])] == rows.index([3.0, 2.0])


def test_float32_labels_and_both_ends_of_a_period_are_one_value():
    labels = grid(np.linspace(0, 1, 11)[:-1].astype(np.float32), np.arange(3.0))
    labels[labels[:, 0] == 0, 0] = 1 - 1e-7
    lattice = lattice_of(labels, Factors.named(("x", "y"), [1.0, 1.0], ("x",)))
    assert [len(values) for values in lattice.values] == [10, 3]
    assert lattice.shortest(0) == pytest.approx(0.1)
    assert (lattice.step(0, 0.1) >= 0).all()


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


def test_the_jackknife_of_a_mean_over_one_factor_is_students_interval():
    from scipy.stats import t

    rng = np.random.default_rng(1)
    values = rng.normal(size=9)
    index = np.stack(np.divmod(np.arange(9 * 2), 2), axis=1)
    y = values[index[:, 0]]

    def without(group):
        groups = group.max() + 1
        return np.array([[y[group != g].mean()] for g in range(groups)])

    # V_y is 0, and V_xy, of single labels that repeat each value twice, about half of V_x.
    one = values.var(ddof=1) / 9
    each = y.var(ddof=0) / (len(y) - 1)
    expected = t.ppf(0.975, 1) * np.sqrt(max(one - each, one))
    assert jackknife(index, without)[0] == pytest.approx(expected)


def test_steps_know_where_they_start_and_end():
    labels = grid(np.arange(8.0), np.arange(5.0))
    lattice = lattice_of(labels, **PERIODIC)
    x, y = check_steps(lattice, check_step(None, lattice))
    assert (len(x.start), len(y.start)) == (40, 32)
    assert ((labels[x.end] - labels[x.start]) % 8 == [1, 0]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lattice_of(np.arange(5.0)[:, None]), "`labels` .*K=1.* at least 2"),
        (lambda: lattice_of([[0, 0], [1, 1], [1, 1]]), "`labels` .*1 of 3 repeated"),
        (lambda: check_step([1.0], lattice_of(grid(np.arange(4.0), np.arange(4.0)))), "`step` .* each of 2"),
        (lambda: check_step([0.0, 1.0], lattice_of(grid(np.arange(4.0), np.arange(4.0)))), "`step` .*than 0"),
        (
            lambda: check_steps(lattice_of(np.random.default_rng(0).random((20, 2))), [0.1, 0.1]),
            "`labels` .*0 values of label1 .* at least 3",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
