"""How many loops known spaces have."""

import sys

import numpy as np
import pytest

from helpers.known_spaces import circle, clifford, disc, gaussian, sphere, torus_3d, two_circles
from phasescope import UserError
from studies.tori.homology import loops


@pytest.mark.parametrize(
    ("space", "n", "expected"),
    [
        (circle, 100, 1),
        (two_circles, 200, 2),
        (clifford, 400, 2),
        (disc, 300, 0),
        (gaussian, 300, 0),
        (sphere, 200, 0),
        (torus_3d, 200, 0),  # too few rows for its loops
    ],
)
def test_loops_of_known_spaces_in_any_unit_and_place(space, n, expected):
    x = space(np.random.default_rng(0), n)
    assert loops(x, landmarks=160, halves=30) == expected
    assert loops(1e3 * x[:, ::-1] + 50, landmarks=160, halves=30) == expected


def test_what_to_install_is_said_in_a_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ripser", None)
    with pytest.raises(UserError, match=r"`ripser` \(=not installed\) must be there .* '.\[homology\]'"):
        loops(circle(np.random.default_rng(0), 50))
