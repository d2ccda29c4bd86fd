"""Where it is decided what is painted: how clones of a run are read, and what hand-made readings must say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from phasescope.families import Clones
from phasescope.studies.core.criteria import runs_of
from phasescope.studies.found import decided as study


def test_what_is_read_are_the_curves_and_where_they_pass_a_half(monkeypatch):
    share, exact = np.array([0.9, 0.4]), np.array([1.0, 0.2])

    def clones(run, levels, images, each, seed):
        assert (levels, images, each, seed) == (study.LEVELS, study.IMAGES, study.EACH, 3)
        return Clones((200, 300), share, share, share, exact, (280.0, 260.0, 290.0), 265.0, images, each)

    monkeypatch.setattr(study, "clones", clones)
    run = type("Made", (), {"snapshots": [type("Snapshot", (), {"step": 7})], "config": {"seed": 3}})()
    assert study.read_clones(run) == [
        {"step": 7, "half": 280.0, "exact_half": 265.0,
         "share.200": 0.9, "share.300": 0.4, "exact.200": 1.0, "exact.300": 0.2}
    ]  # fmt: skip


@pytest.mark.parametrize("apart", [-60.0, 0.0, 60.0])
def test_how_much_later_is_what_it_was_made_to_be(apart):
    found = study.later(1.0, study.made(study.UNTOLD[1.0].name, apart, np.random.default_rng(0)))
    assert found.value == pytest.approx(apart, abs=15)
    assert found.n == 8


@pytest.mark.parametrize(("first", "open_end"), [(0.9, "high"), (0.1, "low")])
def test_a_run_of_which_half_come_back_at_no_level_leaves_an_end_open(first, open_end):
    """At none where all do, or none does: beyond the last level that was asked, or before the first."""
    frame = study.made(study.UNTOLD[1.0].name, 0.0, np.random.default_rng(0))
    one = runs_of(frame, [study.UNTOLD[1.0].name])[0]
    frame.loc[one.index, "clones.half"] = math.nan
    frame.loc[one.index, f"clones.share.{study.LEVELS[0]}"] = first
    found = study.later(1.0, frame)
    assert math.isinf(getattr(found, open_end))
    assert math.isfinite(getattr(found, {"high": "low", "low": "high"}[open_end]))


def test_cells_hear_no_label():
    for sigma, cell in study.UNTOLD.items():
        config = cell.config(0, "lean")
        assert config.training.withheld == "label"
        assert config.training.label_dropout == 1.0
        assert config.world.sigma_px == sigma
