"""What the study `ancestral` reads of runs that are known: where it samples, and what it counts."""

from types import SimpleNamespace

import numpy as np
import pytest

from helpers.learner import records, run
from phasescope.studies import Cell, Runs
from phasescope.studies.readings.outcomes import gained
from studies.ancestral.readings import hidden, misplaced_at_onset, read_samples, wanted


def test_samples_are_read_early_until_half_are_correct_and_at_the_end():
    correct = {step: float(step >= 3200) for step in range(0, 6001, 100)}
    assert wanted(correct) == {400, 2000, 2300, 2600, 2900, 3200, 6000}
    assert wanted(dict.fromkeys(range(0, 1001, 100), 0.0)) == {400, 700, 1000}  # never half


def test_readings_go_back_until_a_tenth_is_correct_and_one_further(monkeypatch):
    steps = range(0, 6001, 100)
    rows = [{"step": step, "correct": float(step >= 3200)} for step in steps]
    monkeypatch.setattr("studies.ancestral.readings.read_object", lambda run: rows)
    run = SimpleNamespace(snapshots=[SimpleNamespace(step=step) for step in steps])
    read_at = "studies.ancestral.readings.ancestral_shares"
    monkeypatch.setattr(read_at, lambda run, snapshot, *_: {"correct": snapshot.step / 15500, "phase": "A"})
    read = {row["step"] for row in read_samples(run) if row["phase"] == "A"}
    assert read == {400, 1100, 1400, 1700, 2000, 2300, 2600, 2900, 3200, 6000}  # at 1,400 a tenth


def test_what_is_misplaced_is_counted_where_it_was_read():
    rows = records(run("a", 0)).reset_index(drop=True)
    reads = rows["step"] % 200 == 0
    for name, course in {"correct": rows["step"] / 1000, "misplaced": 0.6 - rows["step"] / 2000}.items():
        rows[f"ancestral.stored.{name}"] = course - rows["step"] / 10000 * (name == "misplaced")
        rows[f"ancestral.{name}"] = np.where(reads, course, np.nan)
    runs = Runs(rows, [Cell("a", {})])
    assert misplaced_at_onset(runs) == pytest.approx([0.6])  # at step 0: at 200 a fifth are correct
    assert (*hidden(runs), *hidden(runs, at_onset=True)) == pytest.approx((0.02, 0))


def test_failures_are_compared_between_phases_of_the_sheet():
    rows = records(run("a", 0)).reset_index(drop=True)
    late = rows["step"] > 700
    rows["s.misplaced"], rows["s.none"] = np.where(late, 0.3, 0.2), np.where(late, 0.1, 0.6)
    for sheet, expected in ((np.where(late, "C", "A"), 0.5), ("A", np.nan)):
        runs = Runs(rows.assign(**{"phase.sheet": sheet}), [Cell("a", {})])
        assert gained(runs, "misplaced", of="s", wrong=("none", "misplaced")) == pytest.approx(
            [expected], nan_ok=True
        )
