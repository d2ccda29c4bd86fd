"""The design of the study `screen`: balanced, of valid systems, with the R' that its family gives."""

import numpy as np
import pytest

from phasescope import load_config
from studies.screen.design import LEVELS, points
from studies.screen.study import R_PRIME, STUDY


def test_the_design_is_balanced_and_its_choices_hardly_correlate():
    drawn = points()
    assert len(drawn) == len(STUDY.cells) == len({cell.name for cell in STUDY.cells}) == 128
    ranks = np.array(
        [[values.index(point[name]) for name, values in LEVELS.items()] + [point["rate"]] for point in drawn]
    )
    correlation = np.corrcoef(ranks.T) - np.eye(len(LEVELS) + 1)
    assert np.abs(correlation).max() < 0.2
    for name, values in LEVELS.items():
        counts = [sum(point[name] == value for point in drawn) for value in values]
        assert max(counts) - min(counts) <= 2, name


@pytest.mark.parametrize("cell", STUDY.cells[::16], ids=lambda cell: cell.name)
def test_a_point_is_a_system_that_can_be_trained(cell):
    config = STUDY.config(cell, 0)
    assert config.training.steps == 2500
    assert config.network.depth == LEVELS["depth"][cell.axes["depth"]]


def test_r_prime_is_what_the_family_predicts():
    config = load_config(overrides=["preset=lean", "family.predict=x", "family.schedule.steps=200",
                                "family.schedule.beta_start=0.0005", "family.schedule.beta_end=0.1"])  # fmt: skip
    predicted = config.family.build().forecast(config.task(), False)["r_prime"]
    assert predicted == pytest.approx(R_PRIME["linear", "x", "plain"], rel=0.1)
