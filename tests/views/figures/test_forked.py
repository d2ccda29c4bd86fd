"""The figure of a fork: paired differences, 0 until the fork, as tables of them have at the end."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import phasescope
from helpers.tiny import config_of
from phasescope import Run, UserError
from phasescope.views.facts.forks import fork_group, paired, paired_courses

AT = 10
FASTER = {"training": {"optimiser": {"lr": 0.05}}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Run]:
    """A parent; then the control, two twins and two children of a fork of it."""
    folder = tmp_path_factory.mktemp("forks")
    parent = phasescope.train(config_of(training={"steps": 20, "states": [AT]}), folder)
    return [parent, *phasescope.fork(parent, AT, FASTER, children=2)]


def test_a_course_is_zero_until_the_fork_and_ends_as_the_table_says(runs):
    control, others = fork_group(runs)
    courses = {course.changed: course for course in paired_courses(control, others, "loss")}
    course = courses["training.optimiser.lr=0.05"]
    assert course.n == 2
    assert course.low is None, "two pairs have no interval"
    assert not course.value[course.steps <= AT].any()
    assert course.value[course.steps > AT].all()

    at_end = {(row.changed, row.quantity): row.value for row in paired(control, others)}
    assert course.value[-1] == pytest.approx(at_end[course.changed, "loss at the end"])


def test_differences_at_a_step_are_those_of_the_course(runs):
    control, others = fork_group(runs)
    (course, *_) = paired_courses(control, others, "loss")
    for step, value in zip(course.steps, course.value, strict=True):
        rows = {
            row.quantity: row for row in paired(control, others, int(step)) if row.changed == course.changed
        }
        assert rows[f"loss at step {step:,}"].value == pytest.approx(value)
        assert "images until C" not in rows


@pytest.mark.slow
def test_the_figure_has_a_curve_for_each_change_and_says_where_the_fork_is(runs):
    plot = phasescope.plot_fork(runs[1:])
    (ax,) = plot.figure.axes
    labels = ax.get_legend_handles_labels()[1]
    assert "training.optimiser.lr=0.05 (n = 2)" in labels
    assert f"forked at step {AT}" in plot.caption
    verticals = [line for line in ax.lines if np.array_equal(line.get_xdata(), [AT, AT])]
    assert len(verticals) == 1

    axes = Figure().subplots()
    assert phasescope.plot_fork(runs, ax=axes).figure is axes.figure


@pytest.mark.parametrize(
    ("chosen", "column", "rule"),
    [
        ([], "loss", r"`runs` \(=none\) must be those of one fork"),
        ([0], "loss", r"`runs` \(=run-.*\) must be those of one fork, with its control and a child"),
        ([0, 2, 3], "loss", r"`runs` \(=run-.*\) must be those of one fork, with its control and a child"),
        ([1, 2, 3, 4, 5], "los", r"`column` \(=los\) must be a column of .*; like it: loss"),
    ],
)
def test_bad_input_of_the_figure_is_refused_by_name(runs, chosen, column, rule):
    with pytest.raises(UserError, match=rule):
        phasescope.plot_fork([runs[number] for number in chosen], column)
