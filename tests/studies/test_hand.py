"""Beyond a copier with a network's own hand: 0 of whoever copies, 1 of whoever composes, however they scatter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from phasescope.probing.behaviour import in_every_way
from phasescope.probing.copier import nearest_labels
from phasescope.studies.core.claim import NotEnough
from phasescope.studies.found import _hand as by
from phasescope.studies.found import _tori_cells, interpolate
from phasescope.studies.found._composition import EVERY_WAY, accuracy_of
from phasescope.studies.found._images_needed import CELLS

ASKED = 256
CASES = {
    "lesion": interpolate.LESIONS[8.0],
    "square of bumps": interpolate.SQUARES["bumps", "inside", 8],
    "corner of stripes": interpolate.SQUARES["stripes", "corner", 8],
    "periodic stripes": next(cell for cell in _tori_cells.HELD_OUT if cell.name.startswith("stripes")),
    "subset": CELLS["bumps", 32, 0.08],
    "subset beside stripes": CELLS["bumps and stripes", 32, 0.08],
}


def _read(case: str, paint, generator: np.random.Generator) -> tuple[str, dict[str, float]]:
    """Of a painter, (world, labels) to images, the columns of a run at its end."""
    world = CASES[case].config(0, "lean").world
    ((split, asked),) = world.held_out().items()
    asked = asked[generator.integers(len(asked), size=ASKED)]
    trained = by._of_both(world)
    again = trained[generator.integers(len(trained), size=ASKED)]
    reader = world.reader()
    columns = {
        accuracy_of(split, "joint", way): float(right.all(axis=1).mean())
        for way, (right, _) in in_every_way(reader, reader.read(paint(world, asked)), asked).items()
    }
    for name, value in by.hand(world, again, paint(world, again)).items():
        columns[f"hand.{name}"] = value
    return split, columns


def _beyond(read: tuple[str, dict[str, float]], way: str) -> float:
    split, columns = read
    return by.beyond(pd.DataFrame([columns]), split, way)


def _scattered(world, labels: np.ndarray, scatter: float, broken: float, generator) -> np.ndarray:
    """Images of labels, off by as much in each factor, of which some are of any label."""
    side = world.shape[-1]
    moved = labels + scatter * generator.standard_normal(labels.shape)
    moved = np.where(world.factors.periodic, np.mod(moved, side), np.clip(moved, 0, side))
    lost = generator.random(len(labels)) < broken
    moved[lost] = generator.uniform(0, side, size=(int(lost.sum()), labels.shape[1]))
    return world.render(torch.from_numpy(moved.astype(np.float32))).numpy()


@pytest.mark.parametrize("way", EVERY_WAY)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("scatter", "broken"), [(0.0, 0.0), (0.3, 0.1)])
def test_a_copier_is_at_0_and_a_composer_at_1(case: str, way: str, scatter: float, broken: float):
    generator = np.random.default_rng(1)

    def composes(world, labels):
        return _scattered(world, labels, scatter, broken, generator)

    def copies(world, labels):
        return composes(world, nearest_labels(by._of_both(world), labels, world.factors))

    assert _beyond(_read(case, copies, generator), way) == pytest.approx(0, abs=0.15)
    assert _beyond(_read(case, composes, generator), way) == pytest.approx(1, abs=0.15)


def test_of_what_was_not_learnt_nothing_is_told():
    generator = np.random.default_rng(0)

    def paints_any(world, labels):
        return _scattered(world, labels, 0.0, 0.9, generator)

    read = _read("square of bumps", paints_any, generator)
    assert np.isnan(_beyond(read, "formed"))


def test_what_a_copier_has_right_as_well_says_nothing():
    columns = {"accuracy.square.joint": 0.9, "hand.formed.trained": 0.9, "hand.formed.copier": 0.85}
    assert np.isnan(_beyond(("square", columns), "formed"))


def test_of_fewer_runs_than_four_nothing_is_told():
    cell = interpolate.LESIONS[8.0].name
    made = by.made_hand(lambda: interpolate.STUDY, "lesion", {cell: 0.5}, np.random.default_rng(0), 0.1)
    assert by.filled(cell, "lesion", made).value == pytest.approx(0.5, abs=0.15)
    name = by.of_hand("trained")
    learnt = made["digest"].isin(made["digest"].unique()[: by.FEWEST - 1])
    with pytest.raises(NotEnough, match="fewer than 4 runs"):
        by.filled(cell, "lesion", made.assign(**{name: made[name].where(learnt, 0.3)}))
