"""Columns as objects: they are the names of recorded columns, and a misspelt one fails where it is written."""

import pickle

import pandas as pd
import pytest

from phasescope.core.errors import UserError
from phasescope.studies import Cell, Courses, Runs, end, mean, onset, score, share, start
from phasescope.studies.preregistration import describe

LABEL_VARIANCE = score("label_variance").at("mid", t=600)


def test_a_column_is_the_name_that_records_have():
    assert LABEL_VARIANCE == "label_variance.mid.600.value"
    assert score("label_variance").at("mid") == "label_variance.mid.value"
    assert share("grid", "correct") == "outcomes.grid.correct"
    assert pickle.loads(pickle.dumps(LABEL_VARIANCE)).declared is LABEL_VARIANCE.declared


@pytest.mark.parametrize(
    ("number", "same"),
    [
        (LABEL_VARIANCE.start(), start("label_variance.mid.600.value")),
        (LABEL_VARIANCE.end(last=3), end("label_variance.mid.600.value", last=3)),
        (LABEL_VARIANCE.mean(after=100), mean("label_variance.mid.600.value", after=100)),
        (LABEL_VARIANCE.crosses(0.9), onset("label_variance.mid.600.value", 0.9)),
    ],
)
def test_its_numbers_are_preregistered_as_those_of_its_name(number, same):
    assert describe(number) == describe(same)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda: score("label_varience"), "the most similar one is `label_variance`"),
        (lambda: score("loss"), "it is one a snapshot"),
        (lambda: score("label_variance").at("mid", t=-1), "`t` (=-1) must be"),
        (lambda: score("label_variance").at("mid.600"), "`layer` (=mid.600) must be"),
        (lambda: LABEL_VARIANCE.crosses(1.2), "`level` (=1.2) must be below 1"),
        (lambda: share("grid", "outcomes.correct"), "`outcome` (=outcomes.correct) must be"),
    ],
)
def test_what_no_run_records_is_refused_where_it_is_written(write, message):
    with pytest.raises(UserError) as caught:
        write()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        ({"accuracy": "accuracy.grid.joint"}, "share"),
        ({"error": "error_px.grid"}, "px"),
        ({"accuracy": "accuracy.grid.joint", "error": "error_px.grid"}, ""),
        ({"mine": "reading_of_mine.value"}, ""),
    ],
)
def test_a_plot_of_courses_is_labelled_by_the_unit_of_its_columns(columns, label):
    rows = [{"cell": "a", "digest": "0", "seed": 0, "step": step, "images_seen": step} for step in (0, 10)]
    rows = [{**row, **dict.fromkeys(columns.values(), 0.5)} for row in rows]
    [panel] = Courses("courses", "Courses", columns).panels(Runs(pd.DataFrame(rows), [Cell("a", {})]))
    assert panel.ylabel == label
    [panel] = Courses("courses", "Courses", columns, ylabel="mine").panels(
        Runs(pd.DataFrame(rows), [Cell("a", {})])
    )
    assert panel.ylabel == "mine"
