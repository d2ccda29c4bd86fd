"""Columns as objects: they are the names of recorded columns, and a misspelt one fails where it is written."""

import pickle

import pytest

from phasescope.core.errors import UserError
from phasescope.studies import end, mean, onset, score, share, start
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
