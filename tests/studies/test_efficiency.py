"""The study of sample efficiency: what copiers need, slopes and their bounds, and what made records must say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from phasescope.studies.core.claim import NotEnough
from phasescope.studies.found import _images_needed as sets
from phasescope.studies.found import efficiency as study


@pytest.mark.parametrize("canvas", sets.CANVASES)
def test_copiers_have_what_they_need(canvas: int):
    """Of many random parts of the grid, as large as the closed forms say, copiers get 60 % right within 1 px."""
    near, apart = [], []
    every = np.stack(np.meshgrid(*[np.arange(canvas)] * 2), axis=-1).reshape(-1, 2)
    rng = np.random.default_rng(0)
    for _ in range(60):
        kept = every[rng.permutation(len(every))[: round(sets.copier_needs(canvas))]]
        near.append((np.abs(every[:, None] - kept).max(axis=2).min(axis=1) <= 1).mean())
        few = every[rng.permutation(len(every))[: round(sets.factorized_copier_needs(canvas))]]
        apart.append((np.abs(every[:, None] - few).min(axis=1) <= 1).all(axis=1).mean())
    # the canvas' edges, which the closed forms leave out, cost the more the smaller it is
    assert np.mean(near) == pytest.approx(sets.RIGHT, abs=0.03 + 0.8 / canvas)
    assert np.mean(apart) == pytest.approx(sets.RIGHT, abs=0.06 + 0.8 / canvas)


def test_every_set_holds_what_its_name_says():
    for (arm, canvas, share), cell in sets.CELLS.items():
        world = cell.config(0, "lean").world
        assert len(world.training_labels()) == sets.images_of(arm, canvas, share)
        assert set(world.held_out()) == {"left_out"}


def test_slopes_are_of_logs_and_bounded_where_a_count_is():
    bounds = {n: (2 * math.log(n), 2 * math.log(n)) for n in sets.CANVASES}
    assert study.slope_of(bounds) == pytest.approx((2, 2))
    low, high = study.slope_of({**bounds, 48: (2 * math.log(48), math.inf)})
    assert (low, high) == (pytest.approx(2), math.inf)
    low, high = study.slope_of({**bounds, 16: (math.log(64), 2 * math.log(16))})
    assert low == pytest.approx(2)
    assert high > 2.3


def test_stripes_bound_what_is_needed_from_below():
    frame = study.made({"bumps and stripes": lambda canvas: 1.0}, np.random.default_rng(0))
    for of_canvas in sets.needed(frame, "bumps and stripes").values():
        for canvas, (low, high) in of_canvas.items():
            assert low == pytest.approx(math.log(2 * canvas))
            assert high == pytest.approx(math.log(2 * canvas + sets.bumps_of(canvas, 0.01)))


@pytest.mark.parametrize("of", [1.0, 1.5, 2.0])
def test_a_power_is_read_from_made_records(of: float):
    frame = study.made({"bumps": study.power(of, 50)}, np.random.default_rng(0))
    assert study.slope("bumps", 0.0, frame).value == pytest.approx(of, abs=0.3)
    below = study.over_copier(frame).value
    assert below == pytest.approx(
        np.mean([math.log(study.power(of, 50)(n) / sets.copier_needs(n)) for n in sets.CANVASES]), abs=0.15
    )


def test_what_is_right_nowhere_decides_nothing():
    frame = study.made({"bumps": lambda canvas: 1e9}, np.random.default_rng(0))
    with pytest.raises(NotEnough, match="at each set that was tried, or at none"):
        study.slope("bumps", 0.0, frame)
    with pytest.raises(NotEnough, match="at least 2 of them, not 0"):
        study.saved(48, frame)
