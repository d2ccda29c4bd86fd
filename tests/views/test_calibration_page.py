"""The page of the calibration says what calibration.json says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from phasescope.errors import UserError
from phasescope.store.files import to_json
from phasescope.views.calibration_page import PAGE, PICTURE, draw, named, ratios_of, write_calibration

ROW = {
    "candidate": "order.mid.600",
    "balanced_accuracy": 0.9,
    "low": 0.8,
    "high": 0.95,
    "threshold": 0.5,
    "sign": 1,
}
GROUP = {
    "runs": 3,
    "snapshots": 30,
    "undecided": 2,
    "of_phase": {"A": 10, "B": 8, "C": 12},
    "separation": {"B": [ROW | {"sign": -1}], "C": [ROW]},
    "rule": {boundary: {"candidate": "order.mid.600", "threshold": 0.5, "sign": 1} for boundary in "BC"},
    "confusion": [[10, 0, 0], [0, 8, 0], [0, 0, 12]],
    "confusion_held_out": [[9, 1, 0], [2, 6, 0], [0, 1, 11]],
    "onsets": [
        {"boundary": boundary, "ratio": ratio, "reversals": int(ratio is None)}
        for boundary in "BC"
        for ratio in (0.5, 2.0, None)
    ],
}


def test_the_page_says_what_the_file_says(tmp_path: Path):
    found = {"all cells": GROUP, "x": {**GROUP, "why": "a phase is missing"}}
    del found["x"]["rule"]
    (tmp_path / "calibration.json").write_text(to_json(found))
    paths = write_calibration(tmp_path)
    assert [path.name for path in paths] == [PAGE, PICTURE]
    text = (tmp_path / PAGE).read_text()
    assert "| B | order (ridge R²), mid, t = 600 < 0.5 | 0.900 | [0.800, 0.950] |" in text
    assert "right at 26 of 30 snapshots" in text
    assert "| B | 2 | 6 | 0 |" in text
    assert "median 1.25, from 0.50 to 2.00 (n = 2 of 3 runs); the rule goes back at least once in 1." in text
    assert "No rule: a phase is missing." in text
    before = text, (tmp_path / PICTURE).read_bytes()
    write_calibration(tmp_path)
    assert ((tmp_path / PAGE).read_text(), (tmp_path / PICTURE).read_bytes()) == before


def test_a_row_of_panels_a_group():
    figure = draw({"all cells": GROUP, "eps": GROUP, "x": json.loads(to_json({"runs": 1}))})
    assert len(figure.axes) == 8


def test_only_runs_with_both_onsets_have_a_ratio():
    np.testing.assert_array_equal(ratios_of(GROUP["onsets"], "B"), [0.5, 2.0])
    assert named("label_share.down3.50") == "label share of variance, down3, t = 50"


def test_bad_input_no_calibration(tmp_path: Path):
    with pytest.raises(UserError, match=r"calibration.json` must be there"):
        write_calibration(tmp_path)
