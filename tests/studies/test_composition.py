"""The studies of held-out combinations: what their cells train on and test, and what made records must say."""

from __future__ import annotations

import numpy as np
import pytest

from phasescope.studies.core.claim import NotEnough
from phasescope.studies.found import _composition as sets
from phasescope.studies.found import compose, interpolate
from phasescope.studies.found._core import made_cores


@pytest.mark.parametrize("study", [compose, interpolate])
def test_each_claim_reads_a_split_that_its_cells_test(study):
    cells = {cell.name: cell for cell in study.STUDY.cells}
    for claim in study.STUDY.claims:
        split = claim.statistic.split("`")[1]
        for name in claim.cells:
            assert split in cells[name].config(0, "lean").world.splits()


@pytest.mark.parametrize("world", sets.WORLDS)
def test_with_1d_images_every_value_is_trained_on_and_without_none_of_the_band(world: str):
    band = set(np.arange(13.0, 20.0))

    def values(held: str, kind: str) -> set[float]:
        cells = {cell.name: cell for cell in compose.CELLS}
        return set(cells[compose.name_of(world, held, kind)].config(0, "lean").world.training_labels()[:, 0])

    assert not band & values("cross", "2D")
    assert band < values("cross", "2D and 1D")
    assert band < values("square", "2D")  # beside the square, below and above it
    assert band < values("cross", "1D")


def test_the_cell_of_1d_images_tests_what_the_others_hold_out():
    cells = {cell.name: cell for cell in compose.CELLS}
    own = cells["bumps, 1D"].config(0, "lean").world
    assert len(own.training_labels()) == 64
    for held, (_, split) in compose.HELD.items():
        other = cells[compose.name_of("bumps", held, "2D and 1D")].config(0, "lean").world
        np.testing.assert_array_equal(
            np.unique(own.held_out()[split], axis=0), np.unique(other.held_out()[split], axis=0)
        )


def test_the_difference_is_of_runs_of_one_seed():
    cell, less = "stripes, cross, 2D and 1D", "stripes, cross, 2D"
    study, split = (lambda: compose.STUDY), "intersection"
    made = sets.made_excess(study, split, {cell: 0.7, less: 0.1}, np.random.default_rng(0))
    found = sets.more_excess(cell, less, split, made)
    assert found.n == 6
    assert found.value == pytest.approx(0.6, abs=0.15)
    one, other = (
        made[made["cell"] == name].groupby("seed")[sets.excess_of(split)].last() for name in (cell, less)
    )
    assert found.value == pytest.approx((one - other).mean())
    assert sets.excess(cell, split, made).value == pytest.approx(one.mean())
    with pytest.raises(NotEnough, match="the records lack"):
        sets.excess(cell, "square", made)


def test_a_verdict_is_of_all_ways_in_which_images_are_read():
    """Were every image right and none well formed, nothing could be said."""
    cell, split = "stripes, cross, 2D and 1D", "intersection"
    made = sets.made_excess(lambda: compose.STUDY, split, {cell: 0.9}, np.random.default_rng(0))
    ungated = made.assign(**{sets.excess_of(split): made[sets.excess_of(split)] - 0.9})
    claim = next(one for one in compose.STUDY.claims if one.name == "composes_stripes_cross")
    assert claim.judge(made).outcome == "supported"
    assert claim.judge(ungated).outcome == "undecided"
    alone = sets.excess(cell, split, ungated)
    assert alone.high < compose.COMPOSES


def test_each_square_has_its_side_and_lies_where_it_says():
    for (name, where, side), cell in interpolate.SQUARES.items():
        world = cell.config(0, "lean").world
        held = world.held_out()["square"]
        assert len(held) == side**2, (name, where)
        touched = {axis: bool((held[:, axis] == 1).any()) for axis in (0, 1)}
        assert sum(touched.values()) == {"inside": 0, "edge": 1, "corner": 2}[where]
    for width, cell in interpolate.LESIONS.items():
        away = np.abs(cell.config(0, "lean").world.held_out()["lesion"][:, 0] - 16)
        assert away.max() < width / 2


def test_what_is_filled_of_larger_squares_is_told_by_place():
    """Places differ by more than sides do: only pairs at one place count."""
    cells = {key: cell.name for key, cell in interpolate.SQUARES.items() if key[0] == "bumps"}
    by_place = {"inside": 0.95, "edge": 0.65, "corner": 0.35}
    of = {name: by_place[where] - side / 40 for (_, where, side), name in cells.items()}
    frame = made_cores(lambda: interpolate.STUDY, of, np.random.default_rng(0), spread=0.01)
    assert interpolate.falls_with_side("bumps", frame).value < -0.9
