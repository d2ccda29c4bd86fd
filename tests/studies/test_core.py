"""Of a hole's core a copier has nothing, though it scatters and leans; who composes has as much as of what it saw."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch

from phasescope.probing.copier import nearest_labels
from phasescope.studies.core.claim import NotEnough
from phasescope.studies.found import _core as by
from phasescope.studies.found import _tori_cells, interpolate
from phasescope.studies.found._composition import EVERY_WAY, FEWEST
from phasescope.studies.found._images_needed import CELLS
from phasescope.worlds import World

CASES = {
    "lesion": interpolate.LESIONS[8.0],
    "square of bumps": interpolate.SQUARES["bumps", "inside", 8],
    "corner of stripes": interpolate.SQUARES["stripes", "corner", 12],
    "periodic stripes": next(cell for cell in _tori_cells.HELD_OUT if cell.name.startswith("stripes")),
    "subset": CELLS["bumps", 32, 0.08],
    "subset beside stripes": CELLS["bumps and stripes", 32, 0.08],
}
Painter = Callable[[World, np.ndarray], np.ndarray]


def _world(case: str) -> World:
    return CASES[case].config(0, "lean").world


def _read(case: str, paint: Painter) -> dict[str, float]:
    """Of a painter, (world, labels) to images, the columns of a run at its end."""
    world = _world(case)
    core, _, trained = by.asked_of(world, np.random.default_rng(0))
    told = by.right_of(world, "core", core, paint(world, core))
    told |= by.right_of(world, "trained", trained, paint(world, trained))
    return {f"core.{name}": value for name, value in told.items()}


def _composed(columns: dict[str, float], way: str) -> float:
    return by.composed(pd.DataFrame([columns]), way)


def _drawn(world: World, labels: np.ndarray, scatter: float, broken: np.ndarray, generator) -> np.ndarray:
    """Images of labels, off by as much in each factor, of which some are of any label."""
    side = world.shape[-1]
    moved = labels + scatter * generator.standard_normal(labels.shape)
    moved = np.where(world.factors.periodic, np.mod(moved, side), np.clip(moved, 0, side))
    lost = generator.random(len(labels)) < broken
    moved[lost] = generator.uniform(0, side, size=(int(lost.sum()), labels.shape[1]))
    return world.render(torch.from_numpy(moved.astype(np.float32))).numpy()


@pytest.mark.parametrize("way", EVERY_WAY)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("scatter", "lean", "broken"), [(0.0, 0.0, 0.0), (0.2, 0.1, 0.1)])
def test_a_copier_is_at_0_and_a_composer_at_1(
    case: str, way: str, scatter: float, lean: float, broken: float
):
    generator = np.random.default_rng(1)

    def composes(world: World, labels: np.ndarray) -> np.ndarray:
        return _drawn(world, labels, scatter, np.full(len(labels), broken), generator)

    def copies(world: World, labels: np.ndarray) -> np.ndarray:
        nearest = nearest_labels(by.of_both(world), labels, world.factors)
        return composes(world, nearest + lean * world.factors.difference(labels, nearest))

    assert _composed(_read(case, copies), way) == pytest.approx(0, abs=0.1)
    assert _composed(_read(case, composes), way) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("where", interpolate.FROM)
@pytest.mark.parametrize("side", interpolate.SIDES)
def test_a_composer_whose_images_fail_near_the_canvas_edges_is_at_1_wherever_a_hole_lies(
    where: str, side: int
):
    generator, found = np.random.default_rng(0), []
    world = interpolate.SQUARES["bumps", where, side].config(0, "lean").world

    def paint(labels: np.ndarray) -> np.ndarray:
        near = np.minimum(labels - 0.5, 32.5 - labels).min(axis=1) < 2
        return _drawn(world, labels, 0.1, np.where(near, 0.3, 0.05), generator)

    for _ in range(4):
        core, _, trained = by.asked_of(world, generator)
        told = by.right_of(world, "core", core, paint(core)) | by.right_of(
            world, "trained", trained, paint(trained)
        )
        found.append(told["formed.core"] / told["formed.trained"])
    assert np.mean(found) == pytest.approx(1, abs=0.06)


def test_a_core_is_what_lies_farther_than_1_px_from_what_was_trained_on():
    for case in CASES:
        world = _world(case)
        core, away, trained = by.asked_of(world, np.random.default_rng(0))
        assert len(core) == len(trained) == by.IMAGES
        both = by.of_both(world)
        apart = np.abs(world.factors.difference(both[None], core[:, None])).max(axis=2).min(axis=1)
        np.testing.assert_allclose(apart, away)
        assert apart.min() == by.NEAR
        assert {tuple(row) for row in trained} <= {tuple(row) for row in both}


def test_of_a_hole_without_a_core_only_what_was_trained_on_is_asked():
    world = interpolate.LESIONS[2.0].config(0, "lean").world
    core, away, trained = by.asked_of(world, np.random.default_rng(0))
    assert (len(core), len(away), len(trained)) == (0, 0, by.IMAGES)


@pytest.mark.parametrize("where", interpolate.FROM)
def test_what_reaches_1_px_farther_is_counted(where: str):
    side = 12
    world = interpolate.SQUARES["bumps", where, side].config(0, "lean").world
    held = world.held_out()["square"]
    away = np.abs(held[:, None] - world.training_labels()).max(axis=2).min(axis=1)
    assert interpolate.reached(where, side) == pytest.approx((away[away > 1] <= 2).mean())


def test_of_what_was_not_learnt_nothing_is_told():
    generator = np.random.default_rng(0)

    def paints_any(world: World, labels: np.ndarray) -> np.ndarray:
        return _drawn(world, labels, 0.0, np.full(len(labels), 0.9), generator)

    assert np.isnan(_composed(_read("square of bumps", paints_any), "formed"))


def test_of_fewer_runs_than_four_nothing_is_told():
    cell = interpolate.LESIONS[8.0].name
    made = by.made_cores(lambda: interpolate.STUDY, {cell: 0.5}, np.random.default_rng(0), 0.1)
    assert by.filled(cell, made, ("formed",)).value == pytest.approx(0.5, abs=0.15)
    name = by.of_core("trained")
    learnt = made["digest"].isin(made["digest"].unique()[: FEWEST - 1])
    with pytest.raises(NotEnough, match="no cell has 4 runs"):
        by.filled(cell, made.assign(**{name: made[name].where(learnt, 0.3)}))
