"""The study of percolation: where half is right, dated; and what made records must say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from phasescope.studies.core.claim import NotEnough
from phasescope.studies.found import percolate as study
from phasescope.studies.found._composition import dated
from phasescope.studies.found._percolation import ends_of

AT = np.array([1.0, 2.0, 4.0, 8.0])


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([0.0, 0.0, 1.0, 1.0], math.sqrt(8), math.sqrt(8)),
        ([0.0, 0.6, 0.2, 0.9], 4 * 2 ** (3 / 7), 4 * 2 ** (3 / 7)),  # for good
        ([0.6, 0.7, 0.8, 0.9], 0, 1),
        ([0.0, 0.1, 0.2, 0.3], 8, math.inf),
        ([0.0, 0.1, np.nan, 0.9], None, None),
    ],
)
def test_a_level_is_dated_in_logs_and_bounded_where_it_is_not_passed(values, low, high):
    found = dated(AT, np.array(values), 0.5)
    if low is None:
        assert all(map(math.isnan, found))
    else:
        assert np.exp(found) == pytest.approx((low, high))


def test_levels_of_many_resamples_are_dated_as_each_alone():
    values = np.random.default_rng(0).random((50, 4))
    together = dated(AT, values, 0.5)
    for row, low, high in zip(values, *together, strict=True):
        assert dated(AT, row, 0.5) == pytest.approx((low, high))


def test_accuracy_that_does_not_know_sigma_has_no_trend_and_follows_nothing():
    flat = study.made(dict.fromkeys(study.SIGMA_PX, 0.05), np.random.default_rng(0))
    assert abs(study.every_way(study.grows_with_sigma, flat).value) < 0.15
    assert abs(study.every_way(study.follows, flat).value) < 0.15


@pytest.mark.parametrize("power", [-0.5, 0.5, 1.0])
def test_the_power_of_the_critical_share_is_what_runs_were_made_with(power: float):
    found = study.every_way(study.follows, study.powers(power)(np.random.default_rng(0)))
    assert found.value == pytest.approx(power, abs=0.15)
    assert found.low < power < found.high


def test_half_at_the_critical_share_is_read_there_at_every_sigma():
    rng = np.random.default_rng(0)
    assert study.every_way(study.farthest, study.at_critical({}, rng)).value < 0.2
    aside = study.every_way(study.farthest, study.at_critical({1.3: 0.5}, rng))
    assert aside.value == pytest.approx(math.log(2), abs=0.15)
    assert aside.low > math.log(study.FACTOR), "one sigma is enough"


def test_a_copier_has_half_right_near_one_sigmas_critical_share_and_is_refuted_by_the_others():
    """1 - (1 - share)^9 is a half at 7 % of the labels, whatever sigma."""
    copied = study.made(dict.fromkeys(study.SIGMA_PX, 1 - 0.5 ** (1 / 9)), np.random.default_rng(0))
    claims = {claim.name: claim for claim in study.STUDY.claims}
    assert claims["half_at_critical"].judge(copied).outcome == "refuted"
    assert claims["follows_critical"].judge(copied).outcome == "refuted"


def test_runs_that_have_not_learnt_what_they_saw_say_nothing():
    frame = study.made(dict.fromkeys(study.SIGMA_PX, 0.05), np.random.default_rng(0))
    narrow = [cell.name for (sigma, _), cell in study.CELLS.items() if sigma == study.SIGMA_PX[0]]
    for way in study.EVERY_WAY:
        name = study.right(way, "grid")
        frame.loc[frame["cell"].isin(narrow) & frame[name].notna(), name] = 0.5
    assert study.SIGMA_PX[0] not in ends_of(frame, "formed").sigma
    with pytest.raises(NotEnough, match=r"sigma 1 px have learnt .* at 0 shares"):
        study.every_way(study.farthest, frame)


def test_every_run_draws_labels_of_its_own():
    cell = study.CELLS[1.0, 0.06]
    kept = [{tuple(row) for row in cell.config(seed, "lean").world.training_labels()} for seed in (0, 1)]
    assert len(kept[0]) == len(kept[1]) == 61
    assert len(kept[0] & kept[1]) < 15


def test_so_few_images_that_a_component_says_nothing_have_no_critical_share():
    assert math.isnan(study.critical(2.0, study.LOWER))
    for sigma in study.SIGMA_PX:
        assert 0.01 < study.critical(sigma) < 0.25
