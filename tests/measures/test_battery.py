from __future__ import annotations

import numpy as np
import pytest

from phasescope.measures import battery, two_nn
from phasescope.measures.battery import DISENTANGLEMENT, NAMES, OF_LATTICE
from phasescope.measures.ideal import clifford_torus

SIDE, PERIOD = 12, 12.0
OF_DRAWS = {"label_share", "label_dimension"}


def lattice() -> np.ndarray:
    return np.stack(np.meshgrid(*[np.arange(SIDE, dtype=float)] * 2), axis=-1).reshape(-1, 2)


def scattered(n: int, K: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, PERIOD, (n, K))


def torus(labels: np.ndarray) -> np.ndarray:
    """A Clifford torus with a little noise: no two neighbours tie."""
    ideal = clifford_torus(labels, [True, True], [PERIOD, PERIOD])
    return ideal + 0.01 * np.random.default_rng(1).normal(size=ideal.shape)


def test_all_measures_of_a_torus_on_a_lattice_with_draws():
    labels = lattice()
    latents = torus(labels)
    draws = np.stack([latents, torus(labels)])
    found = battery(latents, labels, draws=draws, periodic=[True, True], span=[PERIOD, PERIOD])
    assert set(found) == set(NAMES)
    assert found["order"].low > 0.9
    assert found["factorization"].low > 0.8
    assert found["participation_ratio"].value == pytest.approx(4, abs=0.2)
    assert found["label_share"].value == pytest.approx(1, abs=0.02)


def test_what_labels_do_not_suit_is_left_out():
    labels = scattered(120)
    found = battery(torus(labels), labels, periodic=[True, True], span=[PERIOD, PERIOD])
    assert set(found) == set(NAMES) - OF_DRAWS - set(OF_LATTICE)

    one = scattered(120, 1)
    found = battery(np.hstack([one, one**2]), one)
    assert not {*DISENTANGLEMENT, *OF_LATTICE, "additivity"} & set(found)
    assert found["order"].value > 0.9


def test_neighbours_are_fewer_where_rows_are():
    labels = scattered(40)
    found = battery(labels, labels)
    assert set(found["neighbour_overlap"].detail) == {"k=5", "k=10"}
    assert set(battery(scattered(100), scattered(100))["neighbour_overlap"].detail) == {
        "k=5",
        "k=10",
        "k=20",
        "k=40",
    }


def test_a_measure_without_value_is_left_out_unless_it_is_asked_for():
    labels = lattice()
    with pytest.raises(ValueError, match="`latents`"):
        two_nn(labels)
    assert "two_nn" not in battery(labels, labels)
    with pytest.raises(ValueError, match="`latents`"):
        battery(labels, labels, chosen=["two_nn"])


def test_bad_input_chosen_is_named_with_what_there_is():
    labels = scattered(100)
    with pytest.raises(ValueError, match=r"`chosen` \(=label_share\) must be one of order, trustworthiness"):
        battery(labels, labels, chosen=["order", "label_share"])
