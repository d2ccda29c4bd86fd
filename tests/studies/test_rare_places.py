"""The study `rare_places`: one half of the canvas is trained on more often, and both are asked."""

from types import SimpleNamespace as Made

import numpy as np
import pytest
import torch

from phasescope.studies.readings.halves import HALVES, delay, read_halves
from studies.rare_places.kinds import UnevenBumps


@pytest.mark.parametrize(("along", "half"), [("x", "low"), ("x", "high"), ("y", "low"), ("y", "high")])
def test_one_half_is_trained_on_four_times_as_often(along, half):
    world = UnevenBumps(canvas=16, along=along, half=half)
    labels, counts = np.unique(world.training_labels(), axis=0, return_counts=True)
    assert (len(labels), counts.sum()) == (256, 5 * 128)
    assert np.array_equal(counts == 4, (labels[:, "xy".index(along)] > 8.5) == (half == "high"))
    for name in HALVES:
        places = world.splits()[name](40, np.random.default_rng(0))
        assert world.is_often(places).tolist() == [name == "often"] * 40


def test_the_reading_tells_halves_and_factors_apart(monkeypatch):
    world, labels = UnevenBumps(along="y"), np.array([[20.2, 8.4], [8.3, 20.7]])
    images = world.render(torch.tensor([[20.2, 8.4], [10.3, 20.7]])).numpy()  # x is wrong at the rare place
    samples = {"images": images, "labels": labels, "split": np.array(HALVES)}
    monkeypatch.setattr("phasescope.studies.readings.halves.config_of", lambda run: Made(world=world))
    (row,) = read_halves(Made(snapshots=[Made(step=5, samples=lambda: samples)]))
    assert [row[f"{half}.{x}"] for half in HALVES for x in ("along", "across", "both")] == [1, 1, 1, 1, 0, 0]


def test_a_delay_is_a_share_of_the_steps():
    courses = {"step": [0, 100, 200], "halves.often.both": [0, 1, 1], "halves.rarely.both": [0, 0, 1]}
    assert delay(Made(courses=lambda name: [np.array(courses[name])]), "both") == [2.0]
