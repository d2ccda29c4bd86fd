"""The study of sample efficiency: what copiers need, slopes and their bounds, and what made records must say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from phasescope.studies.core.claim import NotEnough
from phasescope.studies.found import _images_needed as sets
from phasescope.studies.found import efficiency as study
from phasescope.studies.found._core import of_core


@pytest.mark.parametrize("canvas", [16, 32])
def test_copiers_have_right_what_counting_says(canvas: int):
    """Of a label that is left out, any of eight neighbours; at edges fewer. Of each factor, any of three values."""
    share = 0.08
    trained = sets.bumps_of(canvas, share)
    every = np.stack(np.meshgrid(*[np.arange(canvas)] * 2), axis=-1).reshape(-1, 2)
    neighbours = (np.abs(every[:, None] - every).max(axis=2) <= 1).sum(axis=1) - 1
    expected = np.mean(1 - (1 - trained / (canvas**2 - 1)) ** neighbours)
    assert sets.copied(canvas, share) == pytest.approx(expected, abs=0.05)
    assert sets.copied(canvas, share, "factorized copier") > sets.copied(canvas, share) + 0.3


def test_a_copier_needs_images_that_grow_as_all_labels():
    needs = [sets.copier_needs(canvas) / canvas**2 for canvas in sets.CANVASES]
    assert needs == pytest.approx([0.115] * 3, abs=0.015)


def test_every_set_holds_what_its_name_says():
    for (arm, canvas, share), cell in sets.CELLS.items():
        world = cell.config(0, "lean").world
        assert len(world.training_labels()) == sets.bumps_of(canvas, share) + (
            2 * canvas if arm == study.TOLD else 0
        )
        assert set(world.held_out()) == {"left_out"}


def test_every_run_draws_bumps_of_its_own():
    cell = sets.CELLS["bumps and stripes", 32, 0.08]
    kept = [{tuple(row) for row in cell.config(seed, "lean").world.training_labels()} for seed in (0, 1)]
    shared = kept[0] & kept[1]
    assert len(kept[0]) == len(kept[1])
    assert 64 <= len(shared) < 80, "stripes, and few bumps"


@pytest.mark.parametrize("of", [1.0, 1.5, 2.0])
def test_a_power_is_read_from_made_records(of: float):
    frame = study.made({study.BARE: study.power(of, 50)}, np.random.default_rng(0))
    found = study.exponent(study.BARE, frame)
    assert found.value == pytest.approx(of, abs=0.4)
    assert found.low < of < found.high


def test_what_is_right_nowhere_has_no_power():
    frame = study.made({study.BARE: lambda canvas: 1e9}, np.random.default_rng(0))
    with pytest.raises(NotEnough):
        study.exponent(study.BARE, frame)


def test_an_arm_that_needs_half_as_many_saves_half():
    needs = {study.BARE: study.power(2, 60), study.TOLD: study.power(2, 30)}
    frame = study.made(needs, np.random.default_rng(0))
    assert study.saved(frame).value == pytest.approx(-math.log(2), abs=0.2)


def test_canvases_that_are_learnt_less_well_do_not_seem_to_need_more():
    """What is right is set against what is right of what was trained on; runs that have not learnt it say nothing."""
    frame = study.made({study.BARE: study.power(1, 50)}, np.random.default_rng(0))
    worse = frame["cell"].isin(sets.names_of(study.BARE, [32]))
    for name in (sets.SPLIT, of_core("trained")):
        frame.loc[worse, name] *= 0.9
    found = study.exponent(study.BARE, frame)
    assert found.low < 1 < found.high
    frame.loc[worse & frame[of_core("trained")].notna(), of_core("trained")] = 0.3
    assert set(np.exp(study.Ends(frame, sets.names_of(study.BARE)).canvas).round()) == {16, 24}
    with pytest.raises(NotEnough, match="runs of 32 px have not learnt"):
        study.exponent(study.BARE, frame)


@pytest.mark.parametrize(("needs", "words"), [(1.0, "more than 60%"), (1e6, "less than 60%")])
def test_sets_that_lie_on_one_side_of_the_level_tell_no_power(needs: float, words: str):
    """Where all is right of every set, or too little, nothing moves along the level, and a power of 0 is no finding."""
    frame = study.made({study.TOLD: lambda canvas: needs}, np.random.default_rng(0))
    with pytest.raises(NotEnough, match=words):
        study.exponent(study.TOLD, frame)


@pytest.mark.parametrize(("bare", "told", "sign"), [(2, 1, 1), (1, 2, -1)])
def test_the_slower_arm_is_told_by_the_sign(bare: float, told: float, sign: int):
    needs = {study.BARE: study.power(bare, 50), study.TOLD: study.power(told, 40)}
    found = study.slower(study.made(needs, np.random.default_rng(0)))
    assert sign * found.value > 0.4


@pytest.mark.parametrize("right", [0.0, 0.2])
def test_what_is_beyond_a_copier_is_what_is_right_of_cores(right: float):
    found = study.beyond_copier(study.cores(right)(np.random.default_rng(0)))
    assert found.value == pytest.approx(right, abs=0.08)


def test_where_nothing_is_learnt_nothing_is_told():
    frame = study.made({study.BARE: study.power(1, 50)}, np.random.default_rng(0))
    with pytest.raises(NotEnough, match="no cell has 4 runs"):
        study.exponent(study.BARE, frame.assign(**{of_core("trained"): 0.3}))
