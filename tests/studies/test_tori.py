"""The study of tori: what goes along with what, over pairs of runs; and what made records must say."""

from __future__ import annotations

import numpy as np
import pytest

from least import LEAST
from phasescope.runs.config import RunConfig
from phasescope.runs.execution import train
from phasescope.studies.core.claim import NotEnough
from phasescope.studies.found import _tori_latents
from phasescope.studies.found import _tori_made as made_by
from phasescope.studies.found import tori as study
from phasescope.studies.found._code import ASKED, held_out
from phasescope.studies.found._composition import EVERY_WAY, LEARNT
from phasescope.studies.found._core import of_core, read_core
from phasescope.studies.found._tori_cells import HELD_OUT, SPLIT, index
from phasescope.studies.found._tori_latents import leading_share

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
        assert own[of_core("core")].notna().any()
    assert frame[index(PLACE)].notna().sum() == 2 * frame["digest"].nunique()


def test_runs_of_which_nothing_is_told_are_left_out():
    frame = made_by.made_along(lambda: study.STUDY, PLACE, 0.5, np.random.default_rng(0))
    runs = frame["digest"].unique()
    unlearnt = frame.assign(
        **{of_core("trained"): frame[of_core("trained")].where(frame["digest"] != runs[0], 0.2)}
    )
    learnt = (unlearnt.groupby("digest")[of_core("trained")].last() > LEARNT).sum()
    assert len(runs) * 0.8 < learnt < len(runs)
    assert study.goes_along(PLACE, unlearnt).n == learnt
    with pytest.raises(NotEnough, match="that have learnt"):
        study.goes_along(PLACE, frame.assign(**{of_core("trained"): 0.2}))


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


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize(("others", "expected"), [(0.0, 1.0), (1.0, 0.5), (2.0, 0.8)])
def test_of_two_circles_four_components_hold_all_and_noise_is_no_part_of_it(
    others: float, expected: float, noise: float
):
    """Circles of the second harmonic beside those of the first, so many times as large, in 40 dimensions."""
    rng = np.random.default_rng(0)
    angle = np.stack(np.meshgrid(*[2 * np.pi * np.arange(16) / 16] * 2), axis=-1).reshape(-1, 2)
    circles = [scale * wave(k * angle) for k, scale in ((1, 1.0), (2, others)) for wave in (np.sin, np.cos)]
    turned = np.linalg.qr(rng.standard_normal((40, 8)))[0]
    clean = np.concatenate(circles, axis=1) @ turned.T
    draws = clean + noise * rng.standard_normal((4, *clean.shape))
    assert leading_share(draws) == pytest.approx(expected, abs=0.01 + 0.2 * noise)


def _least_run(cell, folder):
    """Of a cell of the study a run of one step."""
    tree = cell.config(0, "lean").tree()
    tree["training"] |= {"steps": 1, "warmup": 0}
    tree["probing"] |= {
        **LEAST,
        "images": {"grid": 16, "off_grid": 16},
        "snapshots": {"dense_every": 1, "dense_until": 1, "every": 1},
    }
    return train(RunConfig.of(tree), folder)


@pytest.mark.slow
def test_shapes_are_read_of_latents_and_images(tmp_path, monkeypatch):
    """Images of two stripes are a sum: additive R^2 of 1, and nearer to a Clifford torus than to a 3D torus."""
    monkeypatch.setattr(_tori_latents, "VALUES", 8)
    run = _least_run(study.WHOLE["stripes"], tmp_path)
    first, last = study.read_shape(run)
    *_, spectrum = study.read_spectrum(run)
    assert 0 < spectrum["images.value"] < 1
    assert all(0 < spectrum[f"{place}.value"] <= 1.05 for place in ASKED)
    assert (first["step"], last["step"]) == (0, 1)
    assert last["images.additive"] == pytest.approx(1, abs=1e-3)
    assert last["images.index"] > 0.8
    assert {f"{place}.{name}" for place in ASKED for name in ("additive", "loops")} <= first.keys()
    assert -1 < first[f"{PLACE}.additive"] <= 1


@pytest.mark.slow
def test_what_is_held_out_is_neither_in_the_index_nor_painted_as_trained(tmp_path):
    run = _least_run(HELD_OUT[0], tmp_path)
    world = HELD_OUT[0].config(0, "lean").world
    held = world.held_out()[SPLIT]
    assert held_out(run, held).all()
    assert not held_out(run, world.training_labels()).any()
    (row,) = read_core(run)
    assert row["step"] == 1
    assert {f"{way}.{what}" for way in EVERY_WAY for what in ("trained", "core", "near")} == row.keys() - {
        "step"
    }
    assert all(0 <= row[name] <= 1 for name in row if name != "step")
