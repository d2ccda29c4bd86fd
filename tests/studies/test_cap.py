"""The bound of symmetry: what made runs must say of it, and that the cells' networks have the symmetries of their names."""

from __future__ import annotations

import numpy as np
import pytest

from phasescope.studies.core.criteria import runs_of
from phasescope.studies.core.made import made_records
from phasescope.studies.found import cap as study


def runs(courses, cell: str):
    reads = ("phase.", "outcomes.", "order.")
    return runs_of(made_records(study.STUDY, courses, np.random.default_rng(0), [cell], reads=reads), [cell])


def test_cells_commute_with_the_shifts_that_they_are_named_for():
    def commutes_with(cell) -> int | None:
        config = cell.config(0, "lean")
        return config.network.commutes_with(config.world.shape)

    assert {f: commutes_with(cell) for f, cell in study.SHIFTS.items()} == {f: f for f in study.SHIFTS}
    assert study.BOUNDS[study.ONE_CELL.name] == study.bound(commutes_with(study.ONE_CELL))
    assert {commutes_with(cell) for _, cell in study.SOURCES.values()} == {None}


def test_the_bound_is_the_share_of_shifts_that_are_none():
    """By brute force: of all places that such a network may as well have meant, those in place."""
    for f in study.SHIFTS:
        steps = np.arange(0, study.CANVAS, f)
        away = np.minimum(steps, study.CANVAS - steps)
        in_place = np.mean(
            [(away[i] <= 1) & (away[j] <= 1) for i in range(len(steps)) for j in range(len(steps))]
        )
        assert study.bound(f) == pytest.approx(in_place)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.6])
def test_what_is_reached_is_the_share_at_the_end(share):
    found = [study.reached(run) for run in runs(study.ending_at(share), study.SHIFTS[16].name)]
    assert np.mean(found) == pytest.approx(share, abs=0.05)


def test_phases_at_the_end():
    name = study.SHIFTS[8].name
    for run in runs(study.ending_at(0.05), name):
        assert study.ends_in_b(run)
        assert not study.comes_to_c(run)
        assert study.is_ordered(run)
    for run in runs(study.as_p1_says, name):
        assert study.comes_to_c(run)
        assert not study.ends_in_b(run)
    assert not any(map(study.is_ordered, runs(study.ordered_to(0.5), name)))
