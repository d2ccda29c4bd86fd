"""`Runs`: one row per run, and what it reads of courses that are known."""

from dataclasses import replace

import numpy as np
import pytest

import phasescope.studies as ps
from helpers.learner import STEPS, records, run
from phasescope.studies.preregistration import describe

CELLS = [ps.Cell("early", {}, {"sigma": 2.0}), ps.Cell("late", {}, {"sigma": 1.0})]


def made() -> ps.Runs:
    rows = records(
        run("late", 1, onset=500),
        run("late", 0, onset=700),
        run("early", 0, onset=200),
        run("early", 1, onset=300),
    )
    return ps.Runs(rows.sample(frac=1, random_state=0), CELLS)


def test_one_row_per_run_by_cell_and_seed_with_the_axes():
    table = made().table
    assert table[["cell", "seed"]].values.tolist() == [["early", 0], ["early", 1], ["late", 0], ["late", 1]]
    assert table["sigma"].tolist() == [2, 2, 1, 1]
    assert set(table["steps"]) == {1000}
    assert set(table["every"]) == {50}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (ps.end("accuracy.grid.joint"), [1, 1, 1, 1]),
        (ps.end("loss", last=2), [(1 / 1001 + 1 / 951) / 2] * 4),
        (ps.start("loss"), [1, 1, 1, 1]),
        (ps.mean("step", after=500), [STEPS[STEPS > 500].mean()] * 4),
        (ps.ever("phase.behaviour", "C"), [True] * 4),
        (ps.ever("phase.behaviour", "undecided"), [False] * 4),
    ],
)  # fmt: skip
def test_numbers_of_known_courses(number, expected):
    found = ps.as_table(made(), number)["y"].astype(float).tolist()
    assert found == pytest.approx([float(x) for x in expected])


def test_an_onset_is_where_a_level_is_passed_for_good():
    """The ramp from `onset` is above 0.5 first at the snapshot after onset + 100."""
    found = ps.as_table(made(), ps.onset("accuracy.grid.joint", 0.5))
    assert found["y"].tolist() == [350, 450, 850, 650]
    assert found["without"].tolist() == [300, 400, 800, 600]
    assert found["came"].all()
    by_images = ps.as_table(made(), ps.onset("accuracy.grid.joint", 0.5, counting="images_seen"))
    assert by_images["y"].tolist() == [16 * step for step in found["y"]]


def test_an_onset_of_accuracy_needs_the_interval_above_one_half():
    """Of 128 samples 59 % are needed, so the snapshot at 0.5 + 0.0 does not count and that at 0.75 does."""
    assert ps.as_table(made(), ps.onset_of_accuracy("grid"))["y"].tolist() == [350, 450, 850, 650]


def test_a_snapshot_without_samples_is_not_accurate():
    rows = records(run("early", 0, onset=200))
    rows.loc[rows["step"] == 1000, "outcomes.grid.n"] = 0
    (passed,) = ps.Runs(rows, CELLS).accurate("grid")
    assert passed[-2]
    assert not passed[-1]


def test_a_level_that_is_lost_again_does_not_count():
    rows = run("early", 0, onset=200)
    rows.loc[rows["step"] == 800, "accuracy.grid.joint"] = 0.1
    found = ps.as_table(ps.Runs(rows, CELLS), ps.onset("accuracy.grid.joint", 0.5))
    assert found["y"].tolist() == [850]
    never = ps.as_table(ps.Runs(run("early", 0, onset=5000), CELLS), ps.onset("accuracy.grid.joint", 0.5))
    assert (never["came"].tolist(), never["last"].tolist()) == ([False], [1000])
    assert np.isnan(never["y"]).all()


def test_a_table_says_of_how_many_runs_its_mean_is_if_some_never_came():
    rows = records(run("early", 0, onset=200), run("early", 1, onset=5000), run("late", 0, onset=300))
    columns = {"step": ps.onset("accuracy.grid.joint", 0.5), "end": ps.end("accuracy.grid.joint")}
    share = ps.reads()(lambda runs: np.where(np.arange(len(runs)) == 1, np.nan, 1.0))
    table = ps.Table("", columns | {"share": share})
    assert [row["step"] for row in table.rows(ps.Runs(rows, CELLS))] == [350, 450]
    early, late = table.rows(ps.Runs(rows, CELLS), counted=True)
    assert (early["step"], early["end"], late["step"]) == ("350 (1 of 2 runs)", 0.5, 450)
    assert (early["share"], late["share"]) == ("0.5 to 1 (1 of 2 runs)", 1)
    rows = records(rows, *(run("early", seed, onset=300) for seed in range(2, 8)))
    early, late = replace(table, interval=True).rows(ps.Runs(rows, CELLS), counted=True)
    assert (early["step"][-15:], early["share"][:10], late["step"]) == ("] (7 of 8 runs)", "1 [0.535, ", 450)


def test_a_run_that_still_improves_is_censored_and_one_on_a_plateau_is_not():
    number = ps.reaches("phase.behaviour", "C", "accuracy.grid.joint")
    rows = records(run("early", 0, onset=100), run("early", 1, onset=880), run("early", 2, onset=5000))
    found = ps.as_table(ps.Runs(rows, CELLS), number)["y"].tolist()
    assert found == pytest.approx([1, np.nan, 0], nan_ok=True)


def test_where_selects_by_axis_cell_and_several_values():
    runs = made()
    assert runs.where(sigma=2.0).table["cell"].tolist() == ["early", "early"]
    assert len(runs.where(cell=("early", "late"))) == 4
    with pytest.raises(ps.NotEnough, match="no axis `width`"):
        runs.where(width=1)
    with pytest.raises(ps.NotEnough, match="no run"):
        runs.where(sigma=3.0)


def test_a_missing_column_is_named():
    with pytest.raises(ps.NotEnough, match="the records lack"):
        made().end("probe_r2.mid.600.value")


def test_a_number_is_described_by_its_name_and_arguments():
    assert describe(ps.end("loss", last=3)) == {"function": "Runs.end", "column": "loss", "last": 3}
    assert describe({"a": (1, CELLS[0])})["a"][1]["name"] == "early"
