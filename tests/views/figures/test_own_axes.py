"""Figures on axes of a user's own: nothing leaves them, no line crosses an image, and a notebook shows them once."""

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

import phasescope
from phasescope import UserError
from phasescope.studies.plots import Panel
from phasescope.views.figures.studies import draw
from phasescope.views.style import with_style

PANELS = ["phases", "outcomes", "probe_r2", "loss"]


@pytest.fixture
def grid():
    """Two by two axes in another style, as a notebook has them."""
    with matplotlib.style.context("ggplot"):
        figure = Figure(figsize=(9, 6))
        yield figure.subplots(2, 2).ravel()


def within(inner, outer, slack: float = 2.0) -> bool:
    """Return whether a box of a drawn figure is within another one, up to some pixels."""
    return bool(
        inner.x0 >= outer.x0 - slack
        and inner.x1 <= outer.x1 + slack
        and inner.y0 >= outer.y0 - slack
        and inner.y1 <= outer.y1 + slack
    )


def test_titles_and_legends_stay_within_the_axes_of_their_panels(run, grid):
    for key, ax in zip(PANELS, grid, strict=True):
        run.plot.panel(key, ax=ax)
    figure = grid[0].figure
    figure.draw_without_rendering()
    for key, ax in zip(PANELS, grid, strict=True):
        box = ax.get_window_extent()
        legend = ax.get_legend()
        assert legend is not None, key
        assert within(legend.get_window_extent(), box), key
        title = ax.title.get_window_extent()
        assert title.width <= 1.05 * box.width, key
    assert [text.get_text() for text in grid[1].get_legend().get_texts()][-1] == "correct"


def test_a_title_that_needs_many_lines_leaves_its_remark_to_the_caption(run):
    wide, narrow = Figure(figsize=(12, 3)).subplots(), Figure(figsize=(2, 3)).subplots()
    plots = [run.plot.panel("outcomes", ax=ax) for ax in (wide, narrow)]
    assert wide.get_title().startswith("Outcomes, labels on the grid (n = ")
    assert narrow.get_title() == "Outcomes"
    assert all("labels on the grid" in plot.caption for plot in plots)


def test_a_value_stays_beside_its_name_in_a_title(run):
    for width in np.linspace(2, 8, 13):
        ax = Figure(figsize=(width, 3)).subplots()
        run.plot.panel("probe_r2", ax=ax)
        assert all(not line.endswith(("=", " t")) for line in ax.get_title().split("\n"))


def test_many_runs_on_own_axes_have_their_legend_within(run, grid):
    frame = run.to_frame()
    runs = [
        type("Changed", (phasescope.Run,), {"to_frame": lambda self, k=k: frame.assign(k=k)})(run.path)
        for k in range(6)
    ]
    phasescope.plot_runs(runs, "loss", by="k", ax=grid[1])
    figure = grid[1].figure
    figure.draw_without_rendering()
    assert within(grid[1].get_legend().get_window_extent(), grid[1].get_window_extent())


def test_samples_and_their_legend_fit_axes_of_ones_own(run, grid):
    plot = run.plot.samples(snapshots=2, columns=4, ax=grid[0])
    assert plot.figure is grid[0].figure
    (image,) = grid[0].images
    own = run.plot.samples(snapshots=2, columns=4).figure.axes[0].images[0]
    np.testing.assert_array_equal(image.get_array(), own.get_array())
    plot.figure.draw_without_rendering()
    room = grid[0].get_tightbbox().width
    assert grid[0].get_legend().get_window_extent().width <= room
    assert not grid[1].images


@pytest.mark.parametrize("projection", ["3d", None])
def test_a_manifold_on_own_axes_is_the_last_snapshot_and_one_factor(run, projection):
    figure = Figure()
    ax = figure.add_subplot(projection=projection)
    plot = run.plot.manifold(layer="mid", ax=ax)
    assert plot.figure is figure
    assert f"{run.metrics[-1]['images_seen']:,} images" in ax.get_title()
    (points,) = ax.collections
    labels = run.snapshots[-1].latent_labels()
    assert len(points.get_offsets()) == len(labels)
    assert figure.axes[1].get_ylabel() == "x, px"

    other = Figure().add_subplot(projection=projection)
    run.plot.manifold(layer="mid", ax=other, factor="y", snapshots=[0])
    assert "0 images" in other.get_title()
    assert other.figure.axes[1].get_ylabel() == "y, px"


def test_a_factor_is_the_row_of_the_manifold(run):
    whole, row = run.plot.manifold(snapshots=2).figure, run.plot.manifold(snapshots=2, factor="y").figure
    # Beside the snapshots each row has the colours of its factor.
    assert (len(whole.axes), len(row.axes)) == (6, 3)
    assert row.axes[-1].get_ylabel() == "y, px"


@pytest.mark.parametrize(
    ("ask", "rule"),
    [
        (
            lambda plot: plot.manifold(ax=Figure().subplots(), snapshots=2),
            r"`snapshots` \(=2 of them\) must be one where `ax`",
        ),
        (lambda plot: plot.manifold(factor="z"), r"`factor` \(=z\) must be one of x, y"),
        (
            lambda plot: plot.samples(ax=Figure().subplots(1, 2)),
            r"`ax` \(=ndarray\) must be axes of matplotlib",
        ),
        (
            lambda plot: plot.samples(ax=Figure().subplots(), style="ggplot"),
            r"`size` and `style` must be left",
        ),
    ],
)
def test_what_own_axes_cannot_show_is_refused_by_name(run, ask, rule):
    with pytest.raises(UserError, match=rule):
        ask(run.plot)


def test_no_grid_crosses_an_image_whatever_the_style(run):
    with with_style("ggplot"):
        heatmap = draw([Panel("", "", "", grid=np.eye(3), rows="abc", columns="abc")])
    figures = [run.plot.samples(snapshots=2, style="ggplot").figure, heatmap]
    for figure in figures:
        figure.draw_without_rendering()
        (ax,) = [ax for ax in figure.axes if any(isinstance(child, AxesImage) for child in ax.get_children())]
        lines = [*ax.get_xgridlines(), *ax.get_ygridlines()]
        assert lines
        assert not [line for line in lines if line.get_visible()]


def test_a_notebook_shows_a_figure_of_pyplots_once(run):
    with matplotlib.rc_context({"interactive": True}):
        figure, ax = pyplot.subplots()
        try:
            plot = run.plot.panel("loss", ax=ax)
            assert plot._repr_png_() is None
            # In a later cell pyplot has closed it, and shows it no more.
            pyplot.close(figure)
            other = pyplot.figure()
            assert plot._repr_png_().startswith(b"\x89PNG")
            pyplot.close(other)
            assert run.plot.panel("loss")._repr_png_() is not None
        finally:
            pyplot.close("all")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the kernel's own packages
def test_a_kernel_shows_own_axes_once(run, tmp_path):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    begin = f"import phasescope, matplotlib.pyplot as plt\nrun = phasescope.open_run({str(run.path)!r})"
    cells = [
        begin,
        "figure, ax = plt.subplots()\nphasescope.plot_runs([run], 'loss', ax=ax)",
        "phasescope.plot_runs([run], 'loss')",
        "run.plot.panel('loss', ax=ax)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(
        notebook, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    pictures = [
        sum("image/png" in output.get("data", {}) for output in cell.outputs) for cell in notebook.cells
    ]
    assert pictures == [0, 1, 1, 1]
