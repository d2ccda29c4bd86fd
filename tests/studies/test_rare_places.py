"""The study `rare_places`: one half of the canvas is trained on more often, and both are asked."""

import numpy as np
import pytest

from studies.rare_places.kinds import UnevenBumps


@pytest.mark.parametrize(("along", "half"), [("x", "low"), ("x", "high"), ("y", "low"), ("y", "high")])
def test_one_half_is_trained_on_four_times_as_often(along, half):
    world = UnevenBumps(canvas=16, along=along, half=half)
    labels, counts = np.unique(world.training_labels(), axis=0, return_counts=True)
    assert (len(labels), counts.sum()) == (256, 5 * 128)
    assert np.array_equal(counts == 4, (labels[:, "xy".index(along)] > 8.5) == (half == "high"))
    for name, often in (("often", True), ("rarely", False)):
        places = world.splits()[name](40, np.random.default_rng(0))
        assert np.array_equal(world.is_often(places), [often] * 40)
