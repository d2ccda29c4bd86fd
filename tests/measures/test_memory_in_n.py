"""Measures that compare rows in pairs: how much memory a pair takes, what is kept, and where they refuse."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from phasescope.measures import (
    additivity,
    battery,
    factorization,
    p1_r2,
    participation_ratio,
    probe_r2,
    trustworthiness,
    two_nn,
)
from phasescope.measures.checks import MOST_ROWS

N = 1200
RNG = np.random.default_rng(0)
LABELS = RNG.uniform(0, 32, (N, 2))
LATENTS = LABELS @ RNG.normal(size=(2, 8)) + RNG.normal(size=(N, 8))


def peak_and_kept(measure: Callable[[], object]) -> tuple[float, float]:
    """Return the most memory that a call takes, and what is left after it, in float64 numbers a pair of rows."""
    measure()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    measure()
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (most - before) / 8 / N**2, (kept - before) / 8 / N**2


@pytest.mark.parametrize(
    ("measure", "most"),
    [
        (lambda: participation_ratio(LATENTS), 3.5),
        (lambda: two_nn(LATENTS), 1.5),
        (lambda: trustworthiness(LATENTS, LABELS), 3.5),
        (lambda: probe_r2(LATENTS, LABELS), 4.5),
        (lambda: probe_r2(LATENTS, RNG.uniform(size=(N, 6))), 4.5),
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
        ValueError, match=rf"`latents` \(n=\d+\) must have at most {MOST_ROWS} rows: .* in pairs"
    ):
        measure()


def test_more_rows_leave_out_only_what_compares_pairs():
    scores = battery(MANY, MANY)
    assert "probe_r2" in scores.left_out
    assert "dci_informativeness" in scores
