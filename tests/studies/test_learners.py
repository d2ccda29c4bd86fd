"""Two learners of known equations: one axis knows nothing of the other, or the two are one. Claims tell them apart."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from phasescope.randomness import numpy_generator
from phasescope.studies.core.made import made_records, rise
from phasescope.studies.found import density, imbalance
from phasescope.studies.found._sets import copier

STUDY = imbalance.STUDY
CLAIMS = {claim.name: claim for claim in STUDY.claims}
COUPLED = ("together_coarse", "right_together_equal", "right_together_unequal")
TIMES = 10


def learner(cell, config, generator, coupled: float, slope: float = 0.5):
    """The onset of one axis alone is t(d), flat up to 1 px and then as d^slope; coupled axes share the geometric mean.

    Args:
        coupled: 0 where each axis has its own t(d), 1 where both have the mean and are right in the same images.
    """
    T = config.training.steps
    own = [0.35 * max(config.world.design.model_extra[name], 1.0) ** slope for name in ("dx", "dy")]
    mean = math.sqrt(own[0] * own[1])
    of_run = 0.08 * generator.standard_normal()
    x, y = (
        rise(T * t ** (1 - coupled) * mean**coupled * math.exp(of_run + 0.03 * own_luck), T / 12)
        for t, own_luck in zip(own, generator.standard_normal(2), strict=True)
    )
    both = (lambda steps: np.minimum(x(steps), y(steps))) if coupled == 1 else None
    return {"formed": lambda steps: np.ones(len(steps)), "x": x, "y": y, "joint": both, "seen_joint": both}


def outcomes(name: str, **known) -> list[str]:
    """A claim's verdicts of a learner at the study's own seeds, snapshots and images, each time drawn anew."""
    claim = CLAIMS[name]
    frames = (
        made_records(
            STUDY,
            partial(learner, **known),
            numpy_generator(0, f"learner {name}", i),
            cells=claim.cells,
            reads=imbalance.READS,
        )
        for i in range(TIMES)
    )
    return [claim.judge(frame).outcome for frame in frames]


@pytest.mark.parametrize("name", COUPLED)
def test_a_coupled_learner_supports_what_a_factorized_one_refutes(name):
    assert outcomes(name, coupled=1.0) == ["supported"] * TIMES
    assert outcomes(name, coupled=0.0) == ["refuted"] * TIMES


def test_two_learners_that_do_not_mind_density_set_in_together_too():
    """Onsets cannot tell the two learners apart then, as the claim says."""
    assert outcomes("together_coarse", coupled=0.0, slope=0.0) == ["supported"] * TIMES
    assert "if density does not matter to either" in CLAIMS["together_coarse"].does_not_show


@pytest.mark.parametrize("slope", [0.6, -0.6])
def test_axes_that_are_apart_are_not_together_whichever_is_first(slope):
    """Where the sparser axis takes half the steps, too."""
    assert outcomes("together_coarse", coupled=0.0, slope=slope) == ["refuted"] * TIMES


def test_the_denser_axis_is_first_of_a_factorized_learner():
    """Where the sparser axis takes twice the steps by itself."""
    assert outcomes("denser_first_coarse", coupled=0.0) == ["supported"] * TIMES


def late(sparse: float, dense: float = 0.9):
    """On imbalanced grids the denser axis sets in at a part of the run, the sparser one at another; balanced ones early."""

    def courses(cell, config, generator):
        T, (dx, dy) = config.training.steps, (config.world.design.model_extra[one] for one in ("dx", "dy"))
        at = {axis: (sparse if own > other else dense if own < other else 0.3) for axis, own, other in
              (("x", dx, dy), ("y", dy, dx))}  # fmt: skip
        of_run = math.exp(0.02 * generator.standard_normal())
        x, y = (rise(T * at[axis] * of_run, T / 60) for axis in "xy")
        return {"formed": lambda steps: np.ones(len(steps)), "x": x, "y": y}

    return courses


@pytest.mark.parametrize("sparse", [math.inf, 3.3, 1.8])
def test_an_axis_that_never_sets_in_is_not_together_with_one_that_does(sparse):
    """The denser one sets in near the run's end, where a ratio with the end would be nearly 1."""
    claim = CLAIMS["together_coarse"]
    for i in range(3):
        frame = made_records(
            STUDY, late(sparse), numpy_generator(0, "late", i), claim.cells, reads=imbalance.READS
        )
        assert claim.judge(frame).outcome != "supported"


def test_onsets_that_neither_came_tell_nothing():
    claim = CLAIMS["together_coarse"]
    frame = made_records(STUDY, late(3.3, 1.1), np.random.default_rng(0), claim.cells, reads=imbalance.READS)
    assert claim.judge(frame).outcome == "undecided"


def test_denser_data_twice_as_quick_are_not_refuted_since_the_others_never_came():
    claim = next(one for one in density.STUDY.claims if one.name == "denser_sooner_grid_eps")
    times = dict(zip(claim.cells, (0.9, 1.8), strict=True))
    for i in range(3):
        frame = made_records(
            density.STUDY,
            density.setting_in(times),
            numpy_generator(0, "late density", i),
            claim.cells,
            reads=density.READS,
        )
        assert claim.judge(frame).outcome != "refuted"


def test_a_copier_of_few_images_is_as_right_as_it_is_off_the_grid():
    """By brute force: a label is right where the nearest training label is within 1 px along both axes."""
    name = density.FEW
    cell = next(one for one in density.STUDY.cells if one.name == name)
    training = cell.config(0, "lean").world.training_labels()
    asked = np.random.default_rng(1).uniform(training.min(), training.max(), (4000, 2))
    away = np.abs(asked[:, None] - training[None])
    nearest = (away**2).sum(2).argmin(1)
    right = (away[np.arange(len(asked)), nearest] <= 1).all(1).mean()
    assert copier(name) == pytest.approx(right, abs=0.03)
    assert copier(name) < 1 - (1 - len(training) / 1024) ** 9 - 0.2, "not the share of labels on the grid"
