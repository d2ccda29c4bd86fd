"""The study of tori: what goes along with what, over pairs of runs; and what made records must say."""

from __future__ import annotations

import numpy as np
import pytest

from least import LEAST
from phasescope.runs.config import RunConfig
from phasescope.runs.execution import train
from phasescope.studies.core.claim import NotEnough
from phasescope.studies.found import _tori_made as made_by
from phasescope.studies.found import tori as study
from phasescope.studies.found._code import ASKED
from phasescope.studies.found._hand import of_hand
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
        assert own[of_hand("copier")].notna().any()
    assert frame[index(PLACE)].notna().sum() == 2 * frame["digest"].nunique()


def test_runs_of_which_nothing_is_told_are_left_out():
    frame = made_by.made_along(lambda: study.STUDY, PLACE, 0.5, np.random.default_rng(0))
    runs = frame["digest"].unique()
    unlearnt = frame.assign(
        **{of_hand("trained"): frame[of_hand("trained")].where(frame["digest"] != runs[0], 0.2)}
    )
    assert study.goes_along(PLACE, unlearnt).n == len(runs) - 1
    with pytest.raises(NotEnough, match="no run has learnt"):
        study.goes_along(PLACE, frame.assign(**{of_hand("trained"): 0.2}))


def test_gains_are_compared_and_not_ends():
    """Untrained stripes are more factorized: that they end so is no gain."""
    frame = made_by.two_worlds(
        lambda: study.STUDY, PLACE, {"stripes": 0.0, "bumps": 0.1}, np.random.default_rng(0)
    )
    ends = {
        shown: frame[frame["cell"] == cell.name].groupby("digest")[index(PLACE)].last().mean()
        for shown, cell in study.WHOLE.items()
    }
    gain = study.more_gained(PLACE, frame).value
    assert gain < ends["stripes"] - ends["bumps"]
    assert gain == pytest.approx(-0.1, abs=0.35)


@pytest.mark.parametrize("by", [0.6, 0.0, -0.6])
def test_what_is_no_sum_is_told_by_its_log(by: float):
    cell = study.WHOLE["bumps"].name
    found = study.summed(cell, PLACE, made_by.sums(PLACE, [cell], by, study.STUDY, np.random.default_rng(0)))
    assert found.value == pytest.approx(by, abs=0.4)


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
