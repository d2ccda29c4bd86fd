"""The design of the study `screen`: balanced, of valid systems, with the R' that its family gives."""

import numpy as np
import pandas as pd
import pytest

from helpers.learner import records, run
from phasescope import load_config
from phasescope.studies import Cell, Runs
from studies.screen.design import LEVELS, points
from studies.screen.shares import share
from studies.screen.study import R_PRIME, STUDY, passed_through


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
    predicted = config.family.analysis(config.task()).forecast(errors=False)["r_prime"]
    assert predicted == pytest.approx(R_PRIME["linear", "x", "plain"], rel=0.1)


def test_what_a_run_passes_through_is_when_it_comes_for_good_or_after_the_end():
    rows = records(run("a", 0), run("a", 1)).reset_index(drop=True)
    steps = rows["step"]
    rows["outcomes.grid.correct"] = (steps > 400) * 1.0
    rows["outcomes.grid.misplaced"] = (steps == 400) * 0.6
    rows["phase.sheet"] = np.select([steps < 200, steps < 600], ["A", "B"], "C")
    never = rows["seed"] == 1
    rows.loc[never, ["outcomes.grid.correct", "phase.sheet"]] = [0.0, "A"]
    table = passed_through(Runs(rows, [Cell("a", {})])).set_index("seed")
    last = steps.max() + 1
    assert table.loc[0, ["formed", "sheet", "ordered"]].tolist() == [400, 200, 600]
    assert table.loc[0, "y"] == min(steps[steps > 400])
    assert table.loc[1, ["y", "formed", "sheet", "ordered"]].tolist() == [last] * 4


def test_a_choices_share_is_all_where_it_alone_decides_and_none_elsewhere():
    table = pd.DataFrame([cell.axes for cell in STUDY.cells])
    table["y"] = np.array([5.0, 1.0, 3.0])[table["predict"]]
    assert share(table, "predict").value == pytest.approx(1)
    table["y"] = table["rate"] ** 3
    assert share(table, "rate").value == pytest.approx(1)
    others = share(table, "batch")
    assert others.low <= 0 <= others.high < 0.2
