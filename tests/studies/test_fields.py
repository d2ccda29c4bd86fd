"""What the fields of a sweep do to its numbers, as panels: against each field, and across parallel axes."""

import itertools
from functools import partial

import numpy as np
import pandas as pd
import pytest

from phasescope import UserError
from phasescope.studies import Cell, Runs, Scatter, Study, came, end, reads
from phasescope.studies.fields import (
    AgainstFields,
    ParallelCoordinates,
    ParallelPanel,
    scale_of,
    values_of_field,
)
from phasescope.studies.importance import Importance
from phasescope.studies.plots import BasePlot
from phasescope.studies.points import Interval
from phasescope.studies.runs_table import Number, as_table
from phasescope.studies.sweep import sweep_of
from phasescope.views.facts.palette import MUTED
from phasescope.views.figures.parallel import heights, ticks_of
from phasescope.views.figures.studies import draw

WORDS = ["preset=fast", "training.optimiser.lr=1e-3..1e-1:log", "training.batch=8..64"]
MUON = "training.optimiser.momentum=.9,.95 if training.optimiser.kind=muon"


def recorded(sweep: Study, unfinished: int = 0) -> Runs:
    """Return records of a sweep whose success rises with the logarithm of the learning rate."""
    rows = []
    for number, cell in enumerate(sweep.cells):
        fields = cell.fields["training"]
        rate = fields["optimiser"].get("lr", 0.01)
        correct = np.clip((np.log10(rate) + 3) / 2, 0, 1)
        for step in (0, 500, 1000):
            rows.append(
                {
                    "cell": cell.name,
                    "seed": 0,
                    "step": step,
                    "config.training.steps": 1000,
                    "config.training.optimiser.lr": rate,
                    "config.training.batch": fields.get("batch", 16),
                    "config.training.optimiser.kind": fields["optimiser"].get("kind", "adamw"),
                    "config.training.optimiser.momentum": fields["optimiser"].get("momentum", np.nan),
                    "outcomes.grid.correct": np.nan if number < unfinished else correct * step / 1000,
                    "probe_r2.mid.600.value": 0.99 + 1e-4 * number,
                    "probe_r2.mid.600.baselines.untrained": 0.9,
                    "loss": np.exp(-3 * correct) if step else np.nan,
                    "phase.behaviour": "C",
                }
            )
    return Runs(pd.DataFrame(rows), sweep.cells)


def plot_of(sweep: Study, name: str) -> BasePlot:
    return next(plot for plot in sweep.plots if plot.name == name)


@pytest.mark.parametrize("count", [16, 128])
def test_the_ends_of_many_points_stand_against_each_field_that_was_drawn(count):
    sweep = sweep_of(WORDS, drawn=count)
    panels = plot_of(sweep, "ends").panels(recorded(sweep))

    assert [(panel.xlabel, panel.ylabel, panel.xscale) for panel in panels] == [
        (name, number, scale)
        for name, scale in (("training.batch", "linear"), ("training.optimiser.lr", "log"))
        for number in ("share correct", "probe R²", "loss")
    ]
    for panel in panels:
        (points,) = panel.curves
        assert len(points.x) == count
        assert panel.ticks is None
    assert "Bars" not in plot_of(sweep, "ends").caption(recorded(sweep))
    assert plot_of(sweep, "probe_r2").title == "Probe R² through training"
    rate = panels[3].curves[0]
    np.testing.assert_allclose(rate.y, (np.log10(rate.x) + 3) / 2, atol=1e-6)


def test_the_ends_of_few_cells_stand_by_cell():
    sweep = sweep_of(["preset=fast", "training.batch=8,16"])
    (panel, *_) = plot_of(sweep, "ends").panels(recorded_batches(sweep))
    assert list(panel.ticks.values()) == ["training.batch=8", "training.batch=16"]
    assert "parallel" not in [plot.name for plot in sweep.plots]


def test_the_courses_of_many_cells_have_no_legend_and_those_of_few_have_one():
    few, many = (sweep_of(WORDS, drawn=count) for count in (8, 64))
    for sweep, drawn, named in ((few, 8, 8), (many, 40, 0)):
        (panel,) = plot_of(sweep, "loss").panels(recorded(sweep))
        assert len(panel.curves) == drawn
        assert sum(bool(curve.label) for curve in panel.curves) == named
    assert "only the table names" in plot_of(many, "loss").caption(recorded(many))


def recorded_batches(sweep: Study) -> Runs:
    frame = pd.DataFrame(
        {
            "cell": [cell.name for cell in sweep.cells] * 2,
            "seed": 0,
            "step": [0, 0, 1000, 1000],
            "config.training.steps": 1000,
            "outcomes.grid.correct": 1.0,
            "probe_r2.mid.600.value": 0.9,
            "loss": 0.1,
        }
    )
    return Runs(frame, sweep.cells)


def test_words_are_named_with_their_means_and_a_field_that_a_run_lacks_is_left_out():
    sweep = sweep_of(["preset=fast", "training.optimiser.kind=adamw,muon", MUON, WORDS[1]], drawn=32)
    runs = recorded(sweep)
    panels = {(panel.xlabel, panel.ylabel): panel for panel in plot_of(sweep, "ends").panels(runs)}

    kinds = panels["training.optimiser.kind", "share correct"]
    assert kinds.ticks == {0.0: "adamw", 1.0: "muon"}
    points, bars = kinds.curves
    assert bars.y == pytest.approx([points.y[points.x == place].mean() for place in (0, 1)])
    assert "Bars, where a field holds words: mean over runs." in plot_of(sweep, "ends").caption(runs)

    is_muon = np.array([kind == "muon" for kind in runs.first("config.training.optimiser.kind")])
    momentum = panels["training.optimiser.momentum", "share correct"].curves[0]
    assert 0 < is_muon.sum() < 32
    assert (np.isfinite(momentum.x) == is_muon).all()


def test_logical_values_are_words():
    keys = {"cell": "one", "seed": [0, 0, 1, 1], "step": [0, 1] * 2, "config.training.steps": 1}
    values = {"config.a": [True, True, False, False], "config.b": [0, 0, 1, 1]}
    runs = Runs(pd.DataFrame(keys | values), [Cell("one", {})])
    assert values_of_field(runs, "a").words == ("False", "True")
    assert values_of_field(runs, "b").words == ()


@pytest.mark.parametrize("is_log", [False, True])
def test_an_axis_is_logarithmic_where_values_are_drawn_in_their_logarithm(is_log):
    shares = np.random.default_rng(0).random((50, 32))
    interval = Interval(1e-3, 1e-1, is_log=is_log, is_whole=False)
    scales = [scale_of(np.array([interval.at(share) for share in drawn])) for drawn in shares]
    assert scales.count("log" if is_log else "linear") >= 48


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([8, 16, 32, 64, 128], "log"),
        ([8, 9, 10, 11, 12, 13, 14, 15, 16], "linear"),
        ([0, 0.1, 0.2, 0.9], "linear"),
        ([-1, 1, 2, 100], "linear"),
        ([5, 5, 5], "linear"),
        ([np.nan, np.nan], "linear"),
    ],
)
def test_scales_of_listed_values(values, scale):
    assert scale_of(np.array(values, dtype=float)) == scale


def parallel(words=WORDS, drawn=128, unfinished=0) -> ParallelPanel:
    sweep = sweep_of(words, drawn=drawn)
    (panel,) = plot_of(sweep, "parallel").panels(recorded(sweep, unfinished))
    assert isinstance(panel, ParallelPanel)
    return panel


def test_each_run_crosses_an_axis_for_each_field_and_each_number():
    panel = parallel()
    labels = ["training.batch", "training.optimiser.lr", "share correct", "probe R²", "loss"]
    assert [axis.label for axis in panel.axes] == labels
    assert [axis.scale for axis in panel.axes[:2]] == ["linear", "log"]
    assert panel.coloured.label == "share correct"
    for axis in panel.axes:
        at = heights(axis)
        assert (at.min(), at.max()) == pytest.approx((0, 1))
        assert (np.argsort(at, kind="stable") == np.argsort(axis.values, kind="stable")).all()
    # Success is linear in the logarithm of the rate, so these lines are level.
    np.testing.assert_allclose(heights(panel.axes[1]), heights(panel.coloured), atol=1e-5)


def test_the_ticks_of_an_axis_differ_rise_and_lie_on_it():
    for axis in parallel().axes:
        ticks = ticks_of(axis)
        at, texts = zip(*ticks, strict=True)
        assert len(ticks) >= 3
        assert all(low < high for low, high in itertools.pairwise(at))
        assert at[0] >= -1e-6
        assert at[-1] <= 1 + 1e-6
        assert len(set(texts)) == len(texts)
        spread = axis.values.max() - axis.values.min()
        read = np.array([float(text) for text in texts])
        on_axis = np.interp(at, np.sort(heights(axis)), np.sort(axis.values))
        np.testing.assert_allclose(read, on_axis, atol=0.02 * spread)


def test_the_run_with_the_highest_outcome_is_drawn_last_and_one_without_it_first():
    panel = parallel(unfinished=3)
    figure = draw([panel])
    (ax,) = figure.axes
    lines = [line for line in ax.lines if len(np.unique(line.get_xdata())) == len(panel.axes)]
    assert len(lines) == 128
    assert [line.get_color() for line in lines[:4]].count(MUTED) == 3
    drawn = np.array([line.get_ydata()[2] for line in lines[3:]])
    assert (np.diff(drawn) >= 0).all()


def test_a_run_without_a_field_has_a_gap_there():
    panel = parallel(["preset=fast", "training.optimiser.kind=adamw,muon", MUON, WORDS[1]], drawn=32)
    (momentum,) = [axis for axis in panel.axes if axis.label == "training.optimiser.momentum"]
    (kind,) = [axis for axis in panel.axes if axis.label == "training.optimiser.kind"]
    assert (np.isnan(heights(momentum)) == (heights(kind) == 0)).all()
    assert ticks_of(kind) == [(0.0, "adamw"), (1.0, "muon")]
    draw([panel])


def test_an_axis_whose_values_are_all_equal_has_one_tick_in_the_middle():
    panel = parallel(unfinished=0)
    axis = type(panel.axes[0])("constant", np.full(3, 7.0))
    assert heights(axis).tolist() == [0.5] * 3
    assert ticks_of(axis) == [(0.5, "7")]


def every(divisor: int, column: str, is_reversed: bool = False) -> Number:
    """A number that only every second, third, ... run has, as a table of these runs in some order."""

    @reads("{column}")
    def number(runs: Runs, column: str) -> pd.DataFrame:
        table = runs.table.assign(y=runs.end(column))[::divisor]
        return table[::-1] if is_reversed else table

    return partial(number, column=column)


def ends(runs: Runs, column: str, divisor: int) -> np.ndarray:
    """The same number by run, NaN where it is left out."""
    return np.where(np.arange(len(runs)) % divisor == 0, runs.end(column), np.nan)


def test_numbers_that_only_some_runs_have_stand_at_the_fields_of_these_runs():
    sweep = sweep_of(WORDS, drawn=32)
    runs, name = recorded(sweep), "training.optimiser.lr"
    plot = AgainstFields("a", "", numbers={"loss": every(3, "loss", is_reversed=True)}, fields=[name])
    (points,) = plot.panels(runs)[0].curves
    expected = zip(values_of_field(runs, name).places, ends(runs, "loss", 3), strict=True)
    assert {*zip(points.x, points.y, strict=True)} == {(x, y) for x, y in expected if np.isfinite(y)}

    parallel = ParallelCoordinates(
        "p", "", numbers={"loss": every(3, "loss", is_reversed=True)}, fields=[name]
    )
    (panel,) = parallel.panels(runs)
    np.testing.assert_array_equal(panel.coloured.values, ends(runs, "loss", 3))


def test_an_importance_of_a_number_that_only_some_runs_have_is_of_their_fields(monkeypatch):
    asked = []

    def importances(given, y, groups):
        asked.append((given, y, groups))
        return np.zeros((5, given.shape[1])), 0.0

    monkeypatch.setattr("phasescope.studies.importance.importances", importances)
    sweep = sweep_of(WORDS, drawn=32)
    runs, name = recorded(sweep), "training.optimiser.lr"
    plot = Importance("i", "", number=every(3, "loss", is_reversed=True), label="loss", fields=[name])
    assert plot.panels(runs)
    ((given, y, groups),) = asked
    known = np.isfinite(ends(runs, "loss", 3))
    np.testing.assert_array_equal(given[:, 0], values_of_field(runs, name).places[known])
    np.testing.assert_array_equal(y, runs.end("loss")[known])
    assert groups.tolist() == runs.table["cell"][known].tolist()


def test_a_scatter_has_a_mark_for_each_run_that_has_both_numbers():
    runs = recorded(sweep_of(WORDS, drawn=32))
    x, y = every(2, "loss"), every(3, "outcomes.grid.correct", is_reversed=True)
    (points,) = Scatter("s", "", x, y, "", "").panels(runs)[0].curves
    np.testing.assert_array_equal(points.x, runs.end("loss")[::6])
    np.testing.assert_array_equal(points.y, runs.end("outcomes.grid.correct")[::6])


def test_a_number_with_two_values_of_a_run_is_refused_where_runs_are_paired():
    @reads("loss")
    def twice(runs: Runs) -> pd.DataFrame:
        return pd.concat([runs.table.assign(y=runs.end("loss"))] * 2)

    runs = recorded(sweep_of(WORDS, drawn=16))
    with pytest.raises(UserError, match="one value of a run at most"):
        Scatter("s", "", twice, end("loss"), "", "").panels(runs)


def test_whether_an_onset_came_is_said_of_the_runs_that_have_the_onset():
    @reads("loss")
    def some(runs: Runs) -> pd.DataFrame:
        return runs.onsets([values < 0.5 for values in runs.courses("loss")])[::2]

    runs = recorded(sweep_of(WORDS, drawn=16))
    table = as_table(runs, came(some))
    assert table["y"].tolist() == some(runs)["came"].tolist()
    assert table["cell"].tolist() == some(runs)["cell"].tolist()
