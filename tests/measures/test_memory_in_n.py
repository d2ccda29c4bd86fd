"""Measures that compare rows in pairs: how much memory a pair takes, what is kept, and where they refuse."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from phasescope.measures import (
    additivity,
    battery,
    checks,
    factorization,
    p1_r2,
    participation_ratio,
    probe_r2,
    trustworthiness,
    two_nn,
)
from phasescope.measures.checks import AT_ONCE, MOST_ROWS, random_folds
from phasescope.measures.latents.ridge import numbers_of_fits, ridge_fits

N = 2000
RNG = np.random.default_rng(0)
LABELS = RNG.uniform(0, 32, (N, 2))
LATENTS = LABELS @ RNG.normal(size=(2, 8)) + RNG.normal(size=(N, 8))


def peak_and_kept(measure: Callable[[], object]) -> tuple[float, float]:
    """Return the most memory that a call takes beside three parts of `in_parts`, and what is left after it, in float64
    numbers a pair of rows."""
    measure()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    measure()
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return ((most - before) / 8 - 3 * AT_ONCE) / N**2, (kept - before) / 8 / N**2


@pytest.mark.some(1)
@pytest.mark.parametrize(
    ("measure", "most"),
    [
        (lambda: participation_ratio(LATENTS), 1.8),
        (lambda: two_nn(LATENTS), 0.2),
        (lambda: trustworthiness(LATENTS, LABELS), 1.0),
        (lambda: probe_r2(LATENTS, LABELS), 2.4),
        pytest.param(
            lambda: probe_r2(LATENTS, RNG.uniform(size=(N, 6)), permutations=2), 2.5, marks=pytest.mark.slow
        ),
    ],
    ids=["participation_ratio", "two_nn", "trustworthiness", "probe_r2", "probe_r2 of six factors"],
)
def test_a_pair_of_rows_takes_few_numbers_and_none_afterwards(measure, most):
    peak, kept = peak_and_kept(measure)
    assert peak < most
    assert kept < 0.1


MANY = np.random.default_rng(1).normal(size=(MOST_ROWS + 1, 2))
SIDE = 129
LATTICE = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), axis=-1).reshape(-1, 2) + 0.0


@pytest.mark.parametrize(
    "measure",
    [
        lambda: participation_ratio(MANY),
        lambda: two_nn(MANY),
        lambda: trustworthiness(MANY, MANY),
        lambda: probe_r2(MANY, MANY),
        lambda: p1_r2(MANY, MANY),
        lambda: additivity(LATTICE, LATTICE),
        lambda: factorization(LATTICE, LATTICE),
        lambda: battery(MANY, MANY, chosen=["two_nn"]),
    ],
)
def test_bad_input_of_more_rows_than_memory_has_pairs_for(measure):
    with pytest.raises(
        ValueError,
        match=rf"`latents` \(n=\d+\) must have at most {MOST_ROWS} rows: .* in pairs",
    ):
        measure()


@pytest.mark.slow
def test_more_rows_leave_out_only_what_compares_pairs():
    scores = battery(MANY, MANY)
    assert "probe_r2" in scores.left_out
    assert "dci_informativeness" in scores


def test_how_much_too_many_rows_would_take_is_said():
    for measure, most in ((participation_ratio, 4.0), (probe_r2, 4.8), (trustworthiness, 3.0)):
        with pytest.raises(ValueError, match=f"for which these take about {most:.1f} GiB"):
            measure(MANY) if measure is participation_ratio else measure(MANY, MANY)


def test_what_it_would_take_is_said_before_it_is_taken(monkeypatch):
    monkeypatch.setattr(checks, "MOST_MEMORY", 2**24)
    some = slice(500)
    assert probe_r2(LATENTS[some], LABELS[some]).n == 500
    wide = np.random.default_rng(2).normal(size=(500, 400))
    with pytest.raises(
        ValueError,
        match=r"`latents` \(n=500\) must take at most 0\.015625 GiB: .* about 0\.0 GiB; give fewer",
    ):
        probe_r2(wide, LABELS[some])


@pytest.mark.parametrize("features", [8, 300, 500])
def test_fits_hold_what_their_estimate_says(features):
    n, folds = 500, 5
    x, y = np.random.default_rng(3).normal(size=(n, features)), LABELS[:n]
    fits = ridge_fits(x, y, random_folds(n, folds, np.random.default_rng(4)))
    held = 0
    for fit in fits:
        fit.left_out(0)
        tables = {id(t): t.size for t in (fit.from_targets, fit.to_train, fit.to_test, fit.leverage)}
        held += sum(tables.values())
    assert held == numbers_of_fits(n, features, folds)
