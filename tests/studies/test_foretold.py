"""R' of every objective, which the study's design states, is what its configuration gives."""

import pytest

from phasescope.studies import find_study


@pytest.mark.parametrize("name", ["eps, cosine", "x, flow", "eps, logit-normal of 2", "v, linear to 0.04"])
def test_r_prime(name: str) -> None:
    study, _ = find_study("foretold")
    cell = next(cell for cell in study.cells if cell.name == name)
    config = cell.config(0, study.base)
    assert config.family.analysis(config.task()).forecast(errors=False)["r_prime"] == pytest.approx(
        cell.axes["r_prime"], rel=0.02
    )
