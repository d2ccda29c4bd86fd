"""The study of nats under unequal density: what hand-made courses must say."""

from __future__ import annotations

import numpy as np
import pytest

from phasescope.studies.core.claim import NotEnough
from phasescope.studies.core.criteria import runs_of
from phasescope.studies.found import bits as study
from phasescope.studies.found._axes import axes_of


@pytest.mark.parametrize("later", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("pair", study.PAIRS)
def test_the_ratio_of_factors_that_are_learnt_apart_is_read(pair: str, later: float):
    cells = study.names_of(pair)
    made = study.made(cells, 0.4, (later,), np.random.default_rng(0))
    found = study.together(cells, made)
    assert found.detail["ratio"] == pytest.approx(later, rel=0.15)
    assert found.value == max(found.detail["ratio"], 1 / found.detail["ratio"])
    if later != 1:
        assert study.denser_first(cells, made).value == float(later > 1)


def test_each_cell_is_read_by_its_own_denser_axis():
    cells = study.names_of("coarse")
    made = study.made(cells, 0.4, (1.0,), np.random.default_rng(0))
    runs = [runs_of(made, [cell])[0] for cell in cells]
    assert [axes_of(run).dense for run in runs] == ["x", "y"]
    assert study.names_of("coarse") == tuple(run["cell"].iloc[0] for run in runs)


def test_nats_that_are_never_learnt_are_bounded_on_one_side():
    cells = study.names_of("fourfold")
    made = study.made(cells, 0.4, (9.0,), np.random.default_rng(0))  # beyond the run's end
    found = study.together(cells, made)
    assert found.low > 1.5
    assert found.high == np.inf
    neither = study.made(cells, 9.0, (1.0,), np.random.default_rng(0))
    with pytest.raises(NotEnough, match="neither factor"):
        study.together(cells, neither)


def test_what_is_not_told_is_not_learnt():
    """A snapshot without the number does not pass."""
    cells = study.names_of("fourfold")
    run = runs_of(study.made(cells, 0.01, (1.0,), np.random.default_rng(0)), cells)[0]
    run = run.assign(**{study.share_of("x"): [np.nan, *[1.0] * (len(run) - 1)]})
    assert study.learnt("x")(run).tolist() == [False, *[True] * (len(run) - 1)]
