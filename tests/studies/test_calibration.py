"""Stumps of the study `calibration`: known answers."""

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def stumps(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return pytest.importorskip("studies.calibration.stumps")


@pytest.mark.parametrize("sign", [1, -1])
def test_a_stump_lies_in_the_widest_gap_between_before_and_after(stumps, sign: int):
    values = sign * np.array([0.0, 1.0, 2.0, 5.0, 6.0])
    begun = np.array([False, False, False, True, True])
    stump = stumps.fit_stump(values, begun)
    assert (stump.threshold, stump.sign) == (3.5 * sign, sign)
    assert (stump.begun(values) == begun).all()
    with pytest.raises(ValueError, match="3 of 3"):
        stumps.fit_stump(values[:3], np.ones(3, dtype=bool))


def test_a_measure_is_judged_on_runs_that_its_stump_was_not_fitted_to(stumps):
    rng = np.random.default_rng(0)
    run, step = np.repeat(np.arange(12), 10), np.tile(np.arange(10), 12)
    begun = step >= rng.integers(3, 8, 12)[run]
    own_scale = (
        begun + 100.0 * rng.standard_normal(12)[run]
    )  # separates within a run, at a threshold of its own
    candidates = {"follows": begun + 0.1 * rng.standard_normal(120), "noise": rng.standard_normal(120)}
    rows = {
        row["candidate"]: row for row in stumps.separation(candidates | {"own scale": own_scale}, begun, run)
    }
    assert rows["follows"]["value"] == 1.0
    for name in ("noise", "own scale"):
        assert rows[name]["low"] < 0.5 < rows[name]["high"] + 0.1
        assert rows[name]["value"] < 0.65
