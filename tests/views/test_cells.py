"""Cells of label space, where the right answers are known."""

import numpy as np
import pytest
from runs_of_any_world import FOUR, ONE, write_made_run
from written_run import about, write_run

from phasescope.core.factors import Factor, Factors
from phasescope.views.cells import IMAGES_A_CELL, MOST_CELLS, binned, cells, factors_shown, worst
from phasescope.views.record import Record
from phasescope.views.style import PALETTE, held_out_colours

NOTHING = np.zeros((0, 2))


def lattice(side: int, each: int) -> np.ndarray:
    """`each` times the middles of side x side cells, x fastest."""
    middles = (np.arange(side) + 0.5) / side
    return np.tile(np.stack(np.meshgrid(middles, middles), -1).reshape(-1, 2), (each, 1))


def told(record, snapshot):
    stored = snapshot.samples()
    return cells(record, stored["labels"], stored["split"].astype(str), record.readings(snapshot))


def test_images_that_are_right_in_one_half_of_label_space_fill_that_half():
    at = lattice(8, IMAGES_A_CELL)
    found = binned(at, at[:, 0] < 0.5, np.zeros(len(at)), [at])
    assert found.n.shape == (8, 8)
    assert (found.n == IMAGES_A_CELL).all()
    assert (found.share[:, :4] == 1).all(), "columns are the first factor"
    assert (found.share[:, 4:] == 0).all()
    assert found.right == 0.5
    down = binned(at, at[:, 1] < 0.5, np.zeros(len(at)), [at])
    np.testing.assert_array_equal(down.share, found.share.T)


def test_a_cell_tells_the_median_of_the_errors_that_are_read_and_an_empty_one_nothing():
    at = np.array([[0.1, 0.1]] * 5 + [[0.9, 0.1]] * 4 + [[0.9, 0.9]] * 3)
    error = np.array([1.0, 2.0, 30.0, np.nan, np.nan, 1.0, 2.0, 4.0, 8.0, np.nan, np.nan, np.nan])
    found = binned(at, np.arange(12) % 2 == 0, error, [at])
    np.testing.assert_array_equal(found.n, [[5, 4], [0, 3]])
    np.testing.assert_array_equal(found.error, [[2.0, 3.0], [np.nan, np.nan]])
    np.testing.assert_allclose(found.share, [[3 / 5, 2 / 4], [np.nan, 1 / 3]])
    assert found.off == 2.0


@pytest.mark.parametrize(
    ("images", "side"), [(1, 1), (11, 1), (12, 2), (26, 2), (27, 3), (497, 12), (10_000, MOST_CELLS)]
)
def test_cells_are_as_fine_as_the_images_allow(images, side):
    at = np.random.default_rng(0).random((images, 2))
    found = binned(at, np.ones(images, bool), np.zeros(images), [at])
    assert found.n.shape == (side, side)
    assert found.n.sum() == images


def test_one_factor_is_a_strip_and_the_ends_of_a_range_lie_in_the_last_cells():
    at = np.array([[0.0], [0.1], [0.2], [0.6], [1.0], [1.0]])
    found = binned(at, np.array([1, 1, 1, 0, 0, 0], bool), np.arange(6.0), [at])
    np.testing.assert_array_equal(found.n, [[3, 3]])
    np.testing.assert_array_equal(found.share, [[1, 0]])
    np.testing.assert_array_equal(found.error, [[1, 4]])


def test_a_cell_is_held_out_where_a_split_has_more_labels_than_are_trained_on():
    at = lattice(2, IMAGES_A_CELL)
    corner, opposite = np.array([[0.2, 0.2]]), np.array([[0.8, 0.8]])
    trained = np.repeat([[0.2, 0.8], [0.8, 0.2], [0.8, 0.8]], 2, axis=0)
    sets = [trained, np.repeat(corner, 3, axis=0), np.concatenate([corner, np.repeat(opposite, 3, axis=0)])]
    np.testing.assert_array_equal(binned(at, at[:, 0] < 2, at[:, 0], sets).held, [[1, 0], [0, 2]])
    assert not binned(at, at[:, 0] < 2, at[:, 0], [trained, opposite, NOTHING]).held.any()


def held_out(labels: list[list[float]] | None, count: int = 9) -> dict:
    return {"middle": {"count": count, "labels": labels, "values": [[1.0], [2.0]]}}


def test_held_out_labels_are_those_that_the_run_tells_or_where_they_are_too_many_those_painted(tmp_path):
    run = write_run(tmp_path / "run", [0, 4000], latents=False)
    record, snapshot = Record(run), run.snapshots[-1]
    assert not told(record, snapshot).held.any(), "a run that tells of none, as those of before"
    stored, side = snapshot.samples(), told(record, snapshot).n.shape[0]
    inside = [label for label in about()["training"]["labels"] if max(label) < 32 / side]
    record.about["held_out"] = held_out(inside * 2)
    expected = np.zeros((side, side), int)
    expected[0, 0] = 1
    np.testing.assert_array_equal(told(record, snapshot).held, expected)
    record.about["held_out"] = held_out(None, 5000)
    near = (stored["labels"] < 32 / side).all(axis=1)
    split = np.where(near, "middle", "grid")
    found = cells(record, stored["labels"], split, record.readings(snapshot))
    np.testing.assert_array_equal(found.held, expected)


def test_factors_shown_are_a_place_or_the_first_two_that_are_no_names(tmp_path):
    made = [
        (FOUR, False, [0, 1]),
        (ONE, False, [0]),
        (Factors([FOUR[2], FOUR[3], FOUR[0]]), False, [1, 2]),
        (Factors([FOUR[2]]), False, []),
        (Factors([Factor("x", 0, 8), Factor("y", 0, 8), Factor("z", 0, 8)]), True, [0, 1]),
    ]
    for index, (factors, position, axes) in enumerate(made):
        run = write_made_run(tmp_path / f"run{index}", factors=factors, position=position, reads=True)
        assert factors_shown(Record(run)) == axes
        assert (told(Record(run), run.snapshots[0]) is None) == (not axes)


def test_an_error_is_in_the_factors_unit_or_of_their_range_and_is_the_larger_of_both(tmp_path):
    run = write_made_run(tmp_path / "run", reads=True)
    record, snapshot = Record(run), run.snapshots[0]
    read = {**record.readings(snapshot), "error_size": np.full(20, -0.1), "error_turn": np.full(20, 18.0)}
    stored = snapshot.samples()
    found = cells(record, stored["labels"], stored["split"], read)
    assert found.off == pytest.approx(10), "0.1 of 1 mm is more than 18 of 360 deg"
    assert worst(record) == (12.5, "% of range")
    record = Record(write_run(tmp_path / "px", [0], latents=False))
    assert worst(record) == (4.0, "px")


def test_held_out_splits_have_different_colours_of_the_palette():
    colours = held_out_colours(["x_arm", "y_arm", "intersection"])
    assert len(set(colours.values())) == 3
    assert set(colours.values()) <= set(PALETTE)
    assert len(held_out_colours(map(str, range(9)))) == 9
