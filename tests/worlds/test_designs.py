from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from phasescope import UserError
from phasescope.worlds import GaussianBump


def grid_world(dx, dy, ends="high", **fields):
    return GaussianBump.from_tree({"design": {"kind": "grid", "dx": dx, "dy": dy, "ends": ends}, **fields})


@pytest.mark.parametrize(
    ("dx", "dy", "one_end", "both_ends"),
    [(1, 1, 1_024, 1_089), (0.1, 1, 10_240, 10_593), (1, 0.1, 10_240, 10_593), (0.1, 0.1, 102_400, 103_041)],
)
def test_numbers_of_images_of_liang_et_al(dx, dy, one_end, both_ends):
    for ends, images in (("low", one_end), ("high", one_end), ("both", both_ends)):
        labels = grid_world(dx, dy, ends).training_labels()
        assert labels.shape == (images, 2)
        assert labels.dtype == np.float32
        assert len(np.unique(labels, axis=0)) == images
        assert labels.min() >= 0
        assert labels.max() <= 32
        assert (labels.min() == 0) == (ends != "high")
        assert (labels.max() == 32) == (ends != "low")


@given(
    st.integers(8, 40),
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(1, 20),
    st.sampled_from(["low", "high", "both"]),
)
def test_the_grid_holds_every_multiple_in_the_range_and_nothing_else(canvas, p_x, p_y, q, ends):
    steps = Fraction(p_x, q), Fraction(p_y, q)
    assume(all(step <= Fraction(canvas, 2) for step in steps))

    def values(step: Fraction) -> list[float]:
        multiples = [i * step for i in range(canvas * 20 + 2)]
        return [
            float(m)
            for m in multiples
            if (m < canvas or (m == canvas and ends != "low")) and (m > 0 or ends != "high")
        ]

    x, y = map(values, steps)
    labels = grid_world(float(steps[0]), float(steps[1]), ends, canvas=canvas).training_labels()
    expected = np.array([(a, b) for a in x for b in y])
    np.testing.assert_allclose(labels, expected, rtol=1e-6)
    assert labels.max() <= canvas


def test_increments_belong_to_their_factors():
    labels = grid_world(0.5, 2).training_labels()
    for column, step in enumerate((0.5, 2)):
        np.testing.assert_allclose(np.diff(np.unique(labels[:, column])), step)


@pytest.mark.parametrize("field", ["dx", "dy"])
@pytest.mark.parametrize("step", [0, -1, float("nan"), float("inf"), 16.5, 32 / 10_000 * 0.99, 1e-12])
def test_an_impossible_increment_is_named(field, step):
    fields = {"dx": 1, "dy": 1, field: step}
    with pytest.raises(UserError, match=field):
        grid_world(**fields)


@pytest.mark.parametrize("step", [16, 0.5, 7.3])
@pytest.mark.parametrize("ends", ["low", "high", "both"])
def test_a_grid_that_is_let_in_has_two_values_of_each_factor(step, ends):
    labels = grid_world(step, step, ends).training_labels()
    assert (np.ptp(labels, axis=0) > 0).all()


def test_both_ends_of_a_torus_are_one_place():
    with pytest.raises(UserError, match="ends"):
        grid_world(1, 1, "both", boundary="periodic")


def test_of_a_grid_a_number_of_labels_is_kept_and_more_hold_fewer():
    whole = grid_world(1, 1)
    kept = {
        (n, shuffle): {
            tuple(label)
            for label in GaussianBump.from_tree({"design": {"keep": n, "shuffle": shuffle}})
            .training_labels()
            .tolist()
        }
        for n in (64, 256, 1024)
        for shuffle in (0, 1)
    }
    everything = {tuple(label) for label in whole.training_labels().tolist()}
    assert [len(labels) for labels in kept.values()] == [64, 64, 256, 256, 1024, 1024]
    assert kept[64, 0] < kept[256, 0] < kept[1024, 0] == kept[1024, 1] == everything
    assert kept[64, 0] != kept[64, 1]
    assert "64 labels of a grid of 1 x 1 px" in GaussianBump.from_tree({"design": {"keep": 64}}).sentence()


def test_more_labels_than_the_grid_has_cannot_be_kept():
    with pytest.raises(UserError, match=r"design.keep` \(=1025\) must be at most 1024"):
        GaussianBump.from_tree({"design": {"keep": 1025}})


LESION = {"hold_out": {"kind": "lesion", "axis": "x", "width": 4, "middle": 0}}


def test_where_a_factor_comes_round_its_ends_are_one_place_for_a_union():
    world = GaussianBump.from_tree(
        {
            "canvas": 8,
            "boundary": "periodic",
            "design": {"kind": "union", "parts": [LESION, {"at": {"x": 0}}]},
        }
    )
    (held,) = world.held_out().values()
    trained = {tuple(label) for label in (world.training_labels() % 8).tolist()}
    tested = {tuple(label) for label in (held % 8).tolist()}
    assert len(world.training_labels()) == len(trained) == 6 * 8
    assert len(held) == len(tested) == 2 * 8
    assert not trained & tested
    with pytest.raises(UserError, match="ends"):
        GaussianBump.from_tree(
            {"boundary": "periodic", "design": {"ends": "both", "within": {"x": [0, 32], "y": [0, 32]}}}
        )


@pytest.mark.parametrize("boundary", ["open", "periodic"])
@pytest.mark.parametrize(
    "design", [{"at": {"x": 4}}, {"hold_out": {"kind": "subset", "count": 1}}, {"at": {"x": 4, "y": 4}}]
)
def test_labels_are_drawn_from_all_of_a_factor_that_is_trained_on_at_one_value(boundary, design):
    """So that there is a range of it to read off latents."""
    drawn = GaussianBump.from_tree({"boundary": boundary, "design": design}).draw_labels(
        256, np.random.default_rng(0)
    )
    assert (np.ptp(drawn, axis=0) > 25).all()
