"""The study of tori: what goes along with what, over pairs of runs; and what made records must say."""

from __future__ import annotations

import numpy as np
import pytest

from least import LEAST
from phasescope.runs.config import RunConfig
from phasescope.runs.execution import train
from phasescope.studies.found import _tori_made as made_by
from phasescope.studies.found import tori as study
from phasescope.studies.found._code import ASKED
from phasescope.studies.found._composition import excess_of
from phasescope.studies.found._tori_cells import HELD_OUT, SPLIT, index

PLACE = ASKED[0]


@pytest.mark.parametrize(("own", "least", "most"), [(0.95, 0.6, 1), (0.0, -0.3, 0.3), (-0.95, -1, -0.6)])
def test_tau_within_cells_knows_nothing_of_what_differs_between_them(own: float, least: float, most: float):
    frame = made_by.made_along(lambda: study.STUDY, PLACE, own, np.random.default_rng(0))
    assert least <= study.goes_along(PLACE, frame).value <= most


def test_each_cell_is_read_by_the_split_that_it_holds_out():
    frame = made_by.made_along(lambda: study.STUDY, PLACE, 0.0, np.random.default_rng(0))
    for cell in HELD_OUT:
        world = cell.config(0, "lean").world
        side = int(cell.name.split()[-1])
        assert {SPLIT: len(world.held_out()[SPLIT])} == {SPLIT: side**2}
        own = frame[frame["cell"] == cell.name]
        assert own[excess_of(SPLIT)].notna().any()
    assert frame[index(PLACE)].notna().sum() == 2 * frame["digest"].nunique()


def test_loops_are_counted_by_run():
    frame = made_by.looped(
        lambda: study.STUDY, study.WHOLE["stripes"].name, PLACE, 1.0, np.random.default_rng(0)
    )
    found = study.two_loops(study.WHOLE["stripes"].name, PLACE, frame)
    assert (found.value, found.n) == (1.0, study.SEEDS)


@pytest.mark.slow
def test_shapes_are_read_of_latents_and_images(tmp_path, monkeypatch):
    """Images of two stripes are a sum: additive R^2 of 1, and nearer to a Clifford torus than to a 3D torus."""
    monkeypatch.setattr(study, "VALUES", 8)
    tree = study.WHOLE["stripes"].config(0, "lean").tree()
    tree["training"] |= {"steps": 1, "warmup": 0}
    tree["probing"] |= {
        **LEAST,
        "images": {"grid": 16, "off_grid": 16},
        "snapshots": {"dense_every": 1, "dense_until": 1, "every": 1},
    }
    first, last = study.read_shape(train(RunConfig.of(tree), tmp_path))
    assert (first["step"], last["step"]) == (0, 1)
    assert last["images.additive"] == pytest.approx(1, abs=1e-3)
    assert last["images.index"] > 0.8
    assert {f"{place}.{name}" for place in ASKED for name in ("additive", "loops")} <= first.keys()
    assert -1 < first[f"{PLACE}.additive"] <= 1
