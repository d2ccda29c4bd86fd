"""The study of nats under unequal density: what hand-made courses must say."""

from __future__ import annotations

import numpy as np
import pytest

from phasescope.studies.core.criteria import runs_of
from phasescope.studies.found import bits as study
from phasescope.studies.found._axes import axes_of


@pytest.mark.parametrize("apart", [-0.2, 0.0, 0.2])
@pytest.mark.parametrize("pair", study.PAIRS)
def test_by_how_much_the_denser_factor_is_ahead_is_read(pair: str, apart: float):
    cells = study.names_of(pair)
    found = study.denser_ahead(cells, study.made(cells, apart, np.random.default_rng(0)))
    assert found.value == pytest.approx(apart, abs=0.05)
    assert found.low < apart < found.high
    assert found.n == 12


def test_each_cell_is_read_by_its_own_denser_axis():
    cells = study.names_of("coarse")
    made = study.made(cells, 0.0, np.random.default_rng(0))
    runs = [runs_of(made, [cell])[0] for cell in cells]
    assert [axes_of(run).dense for run in runs] == ["x", "y"]
    assert study.names_of("coarse") == tuple(run["cell"].iloc[0] for run in runs)


def test_early_snapshots_and_what_is_not_told_do_not_count():
    cells = study.names_of("fourfold")
    run = runs_of(study.made(cells, 0.1, np.random.default_rng(0)), cells)[0]
    before = study.ahead(run)
    early = (run["step"] < study.FROM).to_numpy()
    assert (
        study.ahead(run.assign(**{study.share_of("x"): np.where(early, 99.0, run[study.share_of("x")])}))
        == before
    )
    untold = run.assign(**{study.share_of("x"): np.where(early, np.nan, run[study.share_of("x")])})
    assert study.ahead(untold) == before
    assert np.isnan(study.ahead(run.assign(**{study.share_of("x"): np.nan})))
