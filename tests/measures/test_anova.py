"""What a jackknife counts twice, on statistics whose parts are known."""

import numpy as np
import pytest

from phasescope.measures.anova import pairs, share_between_bounds, with_pairs_counted_once


def pieces(x, alone):
    """sum_i alone x_i1 + sum_{i<j} <x_i, x_j>, what it loses without each row, and without each pair beyond that."""
    total, gram = x.sum(axis=0), x @ x.T
    value = alone * total[0] + (total @ total - np.trace(gram)) / 2
    return value, alone * x[:, 0] + x @ total - gram.diagonal(), gram


@pytest.mark.parametrize(("alone", "above"), [(0.0, 0.3), (10.0, 0.2), (50.0, 0.02)])
def test_a_statistic_of_rows_and_pairs_gets_its_variance(alone, above):
    rng = np.random.default_rng(0)
    draws = [pieces(rng.normal(size=(30, 50)), alone) for _ in range(3000)]
    of_pairs = 50 * 30 * 29 / 2
    variance = 30 * alone**2 + of_pairs
    assert np.var([value for value, _, _ in draws]) == pytest.approx(variance, rel=0.1)
    assert np.mean([pairs(q) for _, _, q in draws]) == pytest.approx(of_pairs, rel=0.02)
    assert np.mean([d @ d for _, d, _ in draws]) == pytest.approx(variance + of_pairs, rel=0.05)
    # Where pairs are most of it, the greater of two estimates is taken, which lies above their mean.
    once = np.mean([np.sum(with_pairs_counted_once(d, q) ** 2) for _, d, q in draws])
    assert 0.97 < once / variance < 1 + above
    between = np.mean([share_between_bounds(d, q) * (d @ d) for _, d, q in draws])
    assert variance * 0.98 < between < variance + of_pairs


def test_the_share_is_one_without_pairs_and_between_half_and_one_with_pairs_alone():
    x = np.random.default_rng(1).normal(size=300)
    assert share_between_bounds(x, np.zeros((300, 300))) == 1
    q = np.outer(x, x)
    d = np.full(300, np.sqrt(2 * pairs(q) / 300))  # of pairs alone S_1 is twice S_2
    assert share_between_bounds(d, q) == pytest.approx(np.sqrt(1 / 2))


def test_nothing_varies_where_no_row_matters():
    nothing = np.zeros(4)
    assert (with_pairs_counted_once(nothing, np.zeros((4, 4))) == 0).all()
    assert share_between_bounds(nothing, np.zeros((4, 4))) == 1
