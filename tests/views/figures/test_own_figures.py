"""Figures with options of one's own: panels, layers, snapshots, size, axes, style; several runs as one figure."""

import html
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import phasescope
from phasescope import Run, UserError
from phasescope.studies.finding import find_study
from phasescope.views.figures.courses import Course, curves_of, limits_of, mean_course, near_columns
from phasescope.views.style import RC, styled, with_style
from phasescope.views.terminal.printing import Result, Table


def titles(plot) -> list[str]:
    return [ax.get_title(loc="left") for ax in plot.figure.axes]


def test_panels_are_those_that_are_named_in_their_order(run):
    plot = run.plot.timeline(panels=["loss", "outcomes"])
    first, second = titles(plot)
    assert first == "Loss"
    assert second.startswith("Outcomes")
    assert len(run.plot.timeline().figure.axes) > 2


def test_a_layer_is_that_of_the_panel_and_of_the_caption(run):
    usual, other = (run.plot.timeline(["probe_r2"], layer=layer) for layer in (None, "down3.50"))
    drawn = [ax.lines[0].get_ydata() for plot in (usual, other) for ax in plot.figure.axes[:1]]
    assert not np.array_equal(*drawn)
    assert "down3, t = 50" in run.plot.manifold(layer="down3.50").caption


def test_snapshots_are_a_number_or_steps(run):
    def rows(plot) -> list[str]:
        return [text.get_text() for text in plot.figure.axes[0].get_yticklabels()]

    assert len(rows(run.plot.samples(snapshots=[211]))) == 1
    assert len(rows(run.plot.samples(snapshots=[0, 4000]))) == 2
    assert len(rows(run.plot.samples(snapshots=2))) == 2


def test_size_is_that_of_the_figure(run):
    for plot in (run.plot.timeline(size=(5, 4)), run.plot.panel("loss", size=(5, 4))):
        assert plot.figure.get_size_inches().tolist() == [5, 4]


def test_a_panel_is_drawn_on_axes_of_ones_own_which_keep_their_settings(run):
    with matplotlib.rc_context({"axes.facecolor": "#123456"}):
        figure = Figure()
        left, right = figure.subplots(1, 2)
        plot = run.plot.panel("loss", ax=left)
    assert plot.figure is figure
    assert left.lines
    assert left.get_facecolor() == right.get_facecolor()
    assert left.get_xlabel() == "images seen"
    assert not right.lines


def test_a_style_is_that_of_the_figure_and_of_nothing_else(run):
    before = dict(matplotlib.rcParams)
    plain, dark = (run.plot.panel("loss", style=style).figure for style in (None, "dark_background"))
    assert plain.get_facecolor() != dark.get_facecolor()
    with matplotlib.rc_context({"figure.facecolor": "#abcdef"}):
        current = run.plot.panel("loss", style="current").figure
    assert matplotlib.colors.to_hex(current.get_facecolor()) == "#abcdef"
    assert dict(matplotlib.rcParams) == before


def test_after_a_style_figures_look_as_before():
    with pytest.raises(RuntimeError), with_style("ggplot"):
        raise RuntimeError
    with styled():
        assert matplotlib.rcParams["figure.facecolor"] == RC["figure.facecolor"]


@pytest.mark.parametrize(
    ("ask", "rule"),
    [
        (
            lambda plot: plot.timeline(["los"]),
            r"`panels` \(=los\) must be among those of .*: phases, outcomes",
        ),
        (lambda plot: plot.timeline([]), r"`panels` must name one at least"),
        (lambda plot: plot.manifold(layer="nowhere"), r"`layer` \(=nowhere\) must be read in .*mid\.600"),
        (
            lambda plot: plot.samples(snapshots=[7]),
            r"`snapshots` \(=7\) must be steps .* near it: 0, 211, 421",
        ),
        (lambda plot: plot.samples(snapshots=0), r"`snapshots` \(=0\) must be at least 1"),
        (lambda plot: plot.timeline(size=(0, 3)), r"`size` \(=\(0, 3\)\) must be width and height"),
        (lambda plot: plot.timeline(size=5), r"`size` \(=5\) must be width and height"),
        (
            lambda plot: plot.timeline(style="ggplt"),
            r"`style` \(=ggplt\) must be .*; the most similar one is ggplot",
        ),
        (
            lambda plot: plot.panel("loss", ax=Figure().subplots(), size=(1, 1)),
            r"`size` and `style` must be left",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(run, ask, rule):
    with pytest.raises(UserError, match=rule):
        ask(run.plot)


def course(x, y, group=""):
    return Course("run", group, np.array(x, float), np.array(y, float))


def test_a_mean_is_of_all_runs_where_all_have_a_value_and_its_interval_students():
    three = [course([0, 2, 4], [0, 2, 4]), course([1, 3], [3, 5]), course([0, 4], [1, 5])]
    curve = mean_course(three, series=0, name="")
    assert curve.x.tolist() == [1, 2, 3]
    assert curve.y.tolist() == [2, 3, 4]
    # Three runs, 1 apart: the standard error is 1 / sqrt(3), and Student's .975 quantile with two degrees of freedom 4.3027.
    np.testing.assert_allclose(curve.high - curve.y, 4.30265 / 3**0.5, rtol=1e-5)
    assert curve.label == "n = 3"
    assert mean_course([course([0, 1], [0, 1])], series=0, name="a").low is None


def test_an_interval_ends_where_the_numbers_do():
    shares = [course([0, 1], [0, share]) for share in (0.0, 0.0, 0.4)]
    assert limits_of("outcomes.grid.correct", shares) == (0, 1)
    (curve,) = curves_of(shares, 0, "", limits_of("outcomes.grid.correct", shares))
    assert curve.low.tolist() == [0, 0]
    assert curve.high[1] == pytest.approx(0.4 / 3 + 4.30265 * 0.4 / 3, rel=1e-5)

    # A count stands beside shares, and is none; a loss has no limits.
    assert limits_of("outcomes.grid.n", [course([0, 1], [64, 64])]) == (-np.inf, np.inf)
    assert limits_of("loss", shares) == (-np.inf, np.inf)
    assert limits_of("probe_r2.mid.600.value", shares) == (-np.inf, 1)


def test_two_runs_are_drawn_themselves_and_have_no_interval(run):
    first, second, mean = curves_of([course([0, 2], [0, 1]), course([0, 1, 2], [0, 3, 3])], 4, "a")
    assert (first.y.tolist(), second.y.tolist(), mean.y.tolist()) == ([0, 1], [0, 3, 3], [0, 1.75, 2])
    assert mean.low is None
    assert mean.label == "a (n = 2), thin: each run"
    (ax,) = phasescope.plot_runs([run, run], "loss").figure.axes
    thin, _, thick = ax.lines
    assert thin.get_linewidth() < thick.get_linewidth()
    assert thin.get_color() == thick.get_color()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["n = 2, thin: each run"]


def with_frame(run, frame) -> Run:
    """The run, with another table of snapshots."""
    return type("Changed", (Run,), {"to_frame": lambda self: frame})(run.path)


def test_several_runs_are_grouped_by_a_field(run):
    frame = run.to_frame()
    batch = int(frame["config.training.batch"].iloc[0])
    larger = with_frame(run, frame.assign(**{"config.training.batch": 2 * batch}))

    plot = phasescope.plot_runs([run, larger, larger], "loss", by="training.batch")
    (ax,) = plot.figure.axes
    expected = [f"training.batch = {batch} (n = 1)", f"training.batch = {2 * batch} (n = 2), thin: each run"]
    assert ax.get_legend_handles_labels()[1] == expected
    assert "3 runs, by training.batch" in plot.caption

    axes = Figure().subplots()
    assert phasescope.plot_runs([run], "loss", x="step", ax=axes).figure is axes.figure


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"column": "los"}, r"`column` \(=los\) must be a column of .*; like it: loss"),
        ({"column": "name"}, r"`column` \(=name\) must hold numbers"),
        ({"by": "training.bach"}, r"`by` \(=training.bach\) must be a column .* like it: .*training\.batch"),
        ({"x": "epoch"}, r"`x` \(=epoch\) must be one of images_seen, step"),
        ({"runs": []}, r"`runs` must name one run at least"),
    ],
)
def test_runs_that_cannot_be_drawn_together_are_refused_by_name(run, options, rule):
    with pytest.raises(UserError, match=rule):
        phasescope.plot_runs(**{"runs": [run], "column": "loss", **options})


def test_a_near_column_is_one_of_the_same_last_word_first():
    columns = ["host.cores", "outcomes.grid.correct", "loss"]
    assert near_columns("corect", columns)[0] == "outcomes.grid.correct"


def test_a_column_without_a_number_is_refused(run):
    empty = with_frame(run, run.to_frame().assign(loss=np.nan))
    with pytest.raises(UserError, match=r"`column` \(=loss\) must have a number"):
        phasescope.plot_runs([empty], "loss")


def test_a_run_shows_itself_in_a_notebook_as_in_a_terminal(run):
    shown = run._repr_html_()
    assert shown.startswith(f"<div>{run.name}")
    assert "<table>" in shown


def test_a_study_shows_its_claims_in_a_notebook():
    study, _ = find_study("p1")
    shown = study._repr_html_()
    assert html.escape(study.question) in shown
    assert all(claim.name in shown for claim in study.claims)
    # One that is not recorded says what it claims.
    unrecorded = replace(study, file=None)._repr_html_()
    assert html.escape(study.claims[0].sentence) in unrecorded


def test_what_a_notebook_shows_is_no_markup_of_a_users_words():
    assert Result(["<script>"])._repr_html_() == "<div>&lt;script&gt;</div>"
    assert "<b>" not in Result([Table(("<b>",), [("<b>",)])])._repr_html_()
