"""The local machine's study: counts and agreement of images that are known, and what made runs must say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from phasescope.runs.config import over_defaults
from phasescope.runs.execution import train
from phasescope.runs.sampling import Beside
from phasescope.studies.core.claim import NotEnough
from phasescope.studies.core.controls import try_controls
from phasescope.studies.core.criteria import runs_of
from phasescope.studies.found import _local_runs as runs_read
from phasescope.studies.found import local as study
from phasescope.worlds import GaussianBump

WORLD = GaussianBump(boundary="periodic")
PLACES = np.array([[4, 4], [4, 20], [20, 4], [20, 20], [12, 28]], np.float32)
"""far enough from one another to be told apart"""


def holding(counts: list[int]) -> np.ndarray:
    """Images with as many objects each: contrasts of single ones added."""
    images = WORLD.render(torch.from_numpy(PLACES)).numpy()
    return np.stack([1 + (images[:k] - 1).sum(axis=0) for k in counts]).astype(np.float32)


@pytest.mark.parametrize("counts", [[0, 1, 2, 5, 1, 0], [1, 1, 1, 1], [0, 2] * 4, [3, 3, 4]])
def test_images_of_so_many_objects_have_the_factor_that_they_must(counts):
    reader = WORLD.reader()
    objects = reader.objects(reader.read(holding(counts)))
    np.testing.assert_array_equal(objects, counts)
    told = study.told_of(objects)
    assert told["objects"] == pytest.approx(np.mean(counts))
    assert told["fano"] == pytest.approx(np.var(counts, ddof=1) / np.mean(counts))


def test_what_cannot_be_read_is_not_counted():
    images = holding([1, 2, 3])
    images[1, 0, 0, 0] = np.nan
    reader = WORLD.reader()
    objects = reader.objects(reader.read(images))
    assert np.isnan(objects).tolist() == [False, True, False]
    assert study.told_of(objects) == {"objects": 2.0, "fano": 1.0, "one": 1 / 3}
    assert study.told_of(np.zeros(5)) == {"objects": 0.0, "fano": 0.0, "one": 0.0}
    assert math.isnan(runs_read.fano(np.array([1.0, math.nan])))


def test_counts_by_chance_have_a_factor_of_one():
    rng = np.random.default_rng(0)
    assert runs_read.fano(rng.poisson(1.0, 20_000).astype(float)) == pytest.approx(1, abs=0.05)
    assert runs_read.fano(np.ones(100)) == 0


def test_images_that_are_an_optimums_own_agree_with_it_and_mean_images_do_not():
    images = WORLD.render(torch.from_numpy(WORLD.training_labels())).numpy()
    mean = np.broadcast_to(images.mean(axis=0), images.shape)
    variance = float(((images - mean) ** 2).sum(axis=(1, 2, 3)).mean())
    found = Beside(images, {"own": images, "mean": mean}, variance)
    np.testing.assert_allclose(found.r2("own"), 1)
    np.testing.assert_allclose(found.r2("mean"), 0, atol=1e-5)


def test_cells_see_what_they_are_named_for_and_hear_nothing():
    for side, cell in study.CONV.items():
        config = cell.config(0, "lean")
        assert config.task().patch_px == config.network.sees_px() == side
        assert config.network.commutes_with(config.world.shape) == 1
    for cell in study.CELLS:
        config = cell.config(0, "lean")
        assert config.training.unheard is True
        assert config.world.periodic
    assert study.DEEP.config(0, "lean").task().patch_px == 7
    assert study.ATTENTIVE.config(0, "lean").network.attention
    plain, attentive = (cell.config(0, "lean").network for cell in (study.SHALLOW, study.SHALLOW_ATTENTIVE))
    assert attentive.attention
    assert len(plain.widths) == 1
    assert attentive.model_copy(update={"attention": plain.attention}) == plain


TINY = {
    "world": {"canvas": 12, "boundary": "periodic"},
    "family": {"schedule": {"steps": 50}, "sampler": {"kind": "ddim", "steps": 4}},
    "network": {"kind": "convnet", "width": 8, "receptive_px": 5, "embedding": {"width": 8}},
    "training": {"steps": 4, "batch": 8, "warmup": 1, "threads": 1, "device": "cpu", "label_dropout": 1.0},
    "probing": {
        **runs_read.LITTLE,
        "timesteps": [30],
        "snapshots": {"dense_until": 0, "every": 4},
        "taps": ["layer1"],
        "images": {"grid": 16, "off_grid": 16},
    },
}


def test_a_reading_of_a_run_is_of_its_end_and_of_every_snapshot(tmp_path, monkeypatch):
    monkeypatch.setattr(runs_read, "IMAGES", 20)
    run = train(over_defaults(TINY), tmp_path)
    (row,) = study.read_beside(run)
    assert row["step"] == 4
    painted = {
        f"{short}.{name}" for short in ("network", *study.OPTIMA) for name in ("objects", "fano", "one")
    }
    assert set(row) == {"step", *painted, *(f"{short}.r2" for short in study.OPTIMA)}
    assert row["machine.r2"] < 0.5, "after four steps it paints nothing that a machine would"
    assert row["posterior.fano"] < 0.5 < row["posterior.objects"], "the posterior mean paints one object"
    assert study.read_beside(run) == [row]
    counts = study.read_counts(run)
    assert [one["step"] for one in counts] == [0, 4]
    reader = run_world(run).reader()
    assert counts[-1]["objects"] == reader.objects(run.snapshots[-1].readings()).mean()


def run_world(run):
    return over_defaults(run.config).world


@pytest.mark.parametrize(("r2", "factor"), [(0.95, 0.9), (0.7, 0.2)])
def test_what_is_read_is_what_it_was_made_to_be(r2, factor):
    cell = study.CONV[9].name
    frame = study.made(cell, r2, factor, 1.0, np.random.default_rng(0))
    assert study.mean_at_end(cell, "machine.r2", frame).value == pytest.approx(r2, abs=0.03)
    assert study.mean_at_end(cell, "network.fano", frame).value == pytest.approx(factor, abs=0.08)
    assert study.mean_at_end(cell, "network.fano", frame, less=1.0).value == pytest.approx(
        factor - 1, abs=0.08
    )


def test_a_run_that_was_not_read_leaves_it_open():
    cell = study.CONV[9].name
    frame = study.made(cell, 0.95, 0.9, 1.0, np.random.default_rng(0))
    first = runs_of(frame, [cell])[0]
    frame.loc[first.index, "local.network.fano"] = math.nan
    with pytest.raises(NotEnough, match=r"of 1 of 8 runs `local.network.fano` is not known"):
        study.mean_at_end(cell, "network.fano", frame)


def test_networks_that_paint_nothing_count_neither_as_chance_does_nor_one():
    claims = {claim.name: claim for claim in study.STUDY.claims}
    cell, blank = study.CONV[9].name, study.told_of(np.zeros(study.IMAGES))
    frame = study.made(cell, 0.95, 0.9, 1.0, np.random.default_rng(0))
    ends = frame["local.network.one"].notna()
    for name, value in blank.items():
        frame.loc[ends, f"local.network.{name}"] = value
    assert claims["poisson_9"].judge(frame).outcome == "refuted"
    assert claims["one_on_average_9"].judge(frame).outcome == "refuted"
    deep = frame.assign(cell=study.DEEP.name)
    assert claims["one_depth"].judge(deep).outcome == "refuted"


@pytest.mark.parametrize("claim", study.STUDY.claims, ids=[claim.name for claim in study.STUDY.claims])
def test_controls_reach_their_power_with_few_tries(claim):
    found = try_controls(claim, 10, study="local")
    assert found.power_supported >= 0.8
    assert found.power_refuted >= 0.8
    assert found.wrong <= 0.3
