from pathlib import Path

import numpy as np
import pytest

from helpers.explored import page_of
from helpers.written_run import ALL_STEPS, LEVELS, OUTCOMES, references, write_run
from phasescope import Factor, Site
from phasescope.cli import main
from phasescope.measures import Score, gain
from phasescope.views.facts.palette import PALETTE
from phasescope.views.facts.record import Record
from phasescope.views.facts.terms import BASELINES, ROUTES
from phasescope.views.figures.plots import plot_of
from phasescope.views.figures.samples import border_px, tile
from phasescope.views.pixels import GAP_PX, pixels, sheet
from phasescope.views.style import scale_of


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes]


def panel(figure, begins):
    return next(ax for ax in figure.axes if ax.get_title(loc="left").startswith(begins))


def test_timeline_has_every_panel_on_one_axis_of_images(run):
    figure = run.plot.timeline().figure
    for begins in (
        "Outcomes, labels on the grid", "Outcomes, labels off the grid", "Probe R² (ridge), minimum", "P1's R²",
        "Dimension of label means", "Variance explained", "Probe R² by route", "Loss",
    ):  # fmt: skip
        assert any(title.startswith(begins) for title in titles(figure))
        assert panel(figure, begins).get_xlim() == (0, run.metrics[-1]["images_seen"])


def test_a_score_is_drawn_with_its_nulls_interval_and_threshold(run):
    ax = panel(run.plot.timeline().figure, "P1's R²")
    threshold = f"threshold: gain {Record(run).thresholds['p1_r2']:g}"
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {
        "this network",
        "ridge R², same activations",
        threshold,
        *(words for null, words in BASELINES.items() if null != "majority"),  # bumps have no classes
    }
    curve = next(line for line in ax.lines if line.get_label() == "this network")
    np.testing.assert_allclose(curve.get_ydata(), Record(run).series("p1_r2", Site("down3", 600)))
    level = next(line for line in ax.lines if line.get_label() == threshold).get_ydata()
    gains = [
        gain(Score.from_dict({**line["p1_r2"]["down3.600"], "value": at})).value
        for line, at in zip(run.metrics, level, strict=True)
    ]
    np.testing.assert_allclose(gains, Record(run).thresholds["p1_r2"])
    assert len(ax.collections) == 1


def test_probe_r2_has_no_threshold_and_label_variance_that_of_the_sheet(run):
    figure = run.plot.timeline().figure
    legend = {text.get_text() for text in panel(figure, "Probe R² (ridge)").get_legend().get_texts()}
    assert not any(text.startswith("threshold") for text in legend)
    ax = panel(figure, "Variance explained")
    level = next(line for line in ax.lines if line.get_label() == "threshold").get_ydata()
    assert set(level) == {Record(run).thresholds["label_variance"]}


def test_a_score_without_nulls_is_not_drawn(run):
    record = Record(run)
    for line in record.metrics:
        line["p1_r2"]["down3.600"]["baselines"] = {}
    assert not any(title.startswith("P1's R²") for title in titles(plot_of(record, "timeline").figure))


def test_stacked_shares_fill_the_panel(run):
    ax = panel(run.plot.timeline().figure, "Outcomes, labels on the grid")
    tops = [collection.get_paths()[0].vertices[:, 1].max() for collection in ax.collections]
    assert max(tops) == pytest.approx(1)
    assert len(tops) == len(OUTCOMES)


def test_denoising_errors_closest_denoisers_and_nats_are_those_recorded(run):
    errors, closest, nats = run.plot.denoising().figure.axes
    last = run.metrics[-1]
    drawn = [line.get_ydata()[-1] for line in errors.lines]
    bands = last["denoising"]
    assert drawn == pytest.approx([band[name] for band in bands for name in ("network", "unconditional")])
    assert errors.get_yscale() == "log"
    names = [name for name in references()["family"]["reference_denoisers"]["mmse"] if name != "t"][::-1]
    assert closest.get_ylabel() == "noise level t"
    shown = np.asarray(closest.collections[0].get_array()).reshape(len(LEVELS), len(run.metrics))
    levels = [line["closest_reference"] for line in run.metrics]
    recorded = [[names.index(level["reference"]) for level in line] for line in levels]
    assert (shown == np.array(recorded).T).all()
    learned = {line.get_label(): line.get_ydata()[-1] for line in nats.lines}
    assert learned["label"] == pytest.approx(last["nats"]["label"]["value"])


def test_the_explorer_is_sent_the_panels_that_figures_draw(run):
    panels = page_of(run)["panels"]
    known = {(panel["key"], panel["split"] or panel["site"]): panel for panel in panels}
    assert len(known) == len(panels)
    order = known["probe_r2", "mid.600"]
    assert order["lines"][0]["y"] == pytest.approx(Record(run).series("probe_r2", Site("mid", 600)), rel=1e-3)
    assert {line["name"] for line in order["lines"]} >= {"this network", "untrained network", "raw pixels"}
    assert {line["colour"] for line in order["lines"]} == {"var(--probe)", "var(--muted)"}
    tops = [line["area"][1] for line in known["outcomes", "grid"]["lines"] if "area" in line]
    assert tops[-1] == pytest.approx([1.0] * len(run.metrics))
    assert known["closest", None]["mesh"]["ylabel"] == "noise level t"
    fills = [cell["title"] for cell in known["closest", None]["mesh"]["columns"][-1]]
    assert fills == [level["reference"] for level in run.metrics[-1]["closest_reference"]]
    assert "trustworthiness" not in {panel["key"] for panel in panels}


def test_without_nats_or_references_less_is_drawn(tmp_path):
    run = write_run(tmp_path / "run", ALL_STEPS[:3])
    (run.path / "references.json").unlink()
    record = Record(run)
    for line in record.metrics:
        del line["nats"]
    assert len(plot_of(record, "denoising").figure.axes) == 1


def test_routes_are_drawn_with_thin_baselines(run):
    record, place = Record(run), Site("mid", 600)
    ax = panel(run.plot.timeline().figure, "Probe R² by route")
    lines = {line.get_label(): line for line in ax.lines}
    for route, words in ROUTES.items():
        curve, share = lines[words], lines[f"{words}: share of variance"]
        for line, measure in ((curve, f"{route}_probe_r2"), (share, f"{route}_label_variance")):
            expected = np.maximum(record.series(measure, place), ax.get_ylim()[0])
            np.testing.assert_allclose(line.get_ydata(), expected)
        for null in ("raw pixels", "untrained network"):
            floor = lines[f"{words}: {null}"]
            assert floor.get_linewidth() < curve.get_linewidth()
            assert floor.get_color() == curve.get_color()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_mosaic_holds_each_image_in_the_colour_of_its_border(channels):
    rng = np.random.default_rng(0)
    images, borders = rng.integers(0, 256, (2, 3, 8, 12, channels), np.uint8), rng.random((2, 3, 4))
    mosaic = tile(images, borders)
    border = border_px(12)
    high, wide = 8 + 2 * border, 12 + 2 * border
    for row in range(2):
        for column in range(3):
            top, left = row * (high + GAP_PX), column * (wide + GAP_PX)
            frame = mosaic[top : top + high, left : left + wide]
            np.testing.assert_allclose(frame[0, 0], borders[row, column], atol=1e-6)
            np.testing.assert_allclose(frame[-1, -1], borders[row, column], atol=1e-6)
            inside = frame[border:-border, border:-border, :3]
            shown = np.broadcast_to(images[row, column], inside.shape)
            np.testing.assert_allclose(255 * inside, shown, atol=1e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_shows_every_image_once(channels):
    images = np.random.default_rng(0).uniform(-1, 1, (5, channels, 8, 6)).astype(np.float32)
    whole = np.asarray(sheet(images, enlarge=2), float)[::2, ::2]
    assert whole.shape[:2] == (2 * (8 + GAP_PX) - GAP_PX, 3 * (6 + GAP_PX) - GAP_PX)
    for index, image in enumerate(images):
        row, column = divmod(index, 3)
        shown = whole[row * (8 + GAP_PX) :, column * (6 + GAP_PX) :][:8, :6].reshape(8, 6, channels)
        np.testing.assert_allclose(shown / 127.5 - 1, np.moveaxis(image, 0, -1), atol=0.005)


def test_pixels_span_the_screen_and_hold_what_lies_beyond():
    row = np.array([-5.0, -1.0, 0.0, 1.0, 5.0, np.nan], np.float32)
    assert pixels(row[None, None]).ravel().tolist() == [0, 0, 128, 255, 255, 0]


@pytest.mark.parametrize(
    ("shape", "shown"),
    [((4, 1, 8, 6), (4, 8, 6, 1)), ((4, 3, 8, 6), (4, 8, 6, 3)), ((4, 2, 8, 6), (4, 8, 6, 1)), ((4, 3, 9), (4, 1, 9, 3)),
     ((4, 1, 5, 8, 6), (4, 8, 6, 1))],
)  # fmt: skip
def test_images_of_any_shape_can_be_shown(shape, shown):
    assert pixels(np.zeros(shape, np.float32), len(shape) - 2).shape == shown


def test_a_factor_whose_values_are_names_has_a_colour_for_each_and_one_that_comes_round_closes():
    named = scale_of(Factor("kind", 0, 2, categorical=True))
    stops = named.stops()
    assert len({colour for _, colour in stops}) == 3
    assert [at for at, _ in stops] == sorted(at for at, _ in stops)
    assert (named.low, named.high) == (-0.5, 2.5)
    closed, open_ = (scale_of(Factor("a", 0, 1, periodic=periodic)).stops() for periodic in (True, False))

    def apart(scale):
        ends = [[int(scale[end][1][i : i + 2], 16) for i in (1, 3, 5)] for end in (0, -1)]
        return np.abs(np.subtract(*ends)).max()

    assert apart(closed) < 10 < apart(open_)


def test_a_target_stands_on_the_bump_that_was_asked_for(run):
    """At the last snapshot of the synthetic run every bump is at its label: the darkest pixel is close."""
    ax = run.plot.samples().figure.axes[0]
    mosaic = np.asarray(ax.images[0].get_array())
    side, border = 32, border_px(32)
    columns = (mosaic.shape[1] + GAP_PX) // (side + 2 * border + GAP_PX)
    arms = np.asarray(ax.collections[0].get_segments()).reshape(-1, columns, 4, 2, 2)
    for column in range(columns):
        row, (x, y) = len(arms) - 1, (arms[-1, column, 2, 0, 0], arms[-1, column, 0, 0, 1])
        top, left = (border + index * (side + 2 * border + GAP_PX) for index in (row, column))
        image = mosaic[top : top + side, left : left + side, 0]
        darkest = np.unravel_index(image.argmin(), image.shape)
        assert abs(left + darkest[1] - x) <= 0.51
        assert abs(top + darkest[0] - y) <= 0.51
        from_corner = arms[-1, column] - [left - border - 0.5, top - border - 0.5]
        assert ((from_corner >= 0) & (from_corner <= side + 2 * border)).all(), "on its own tile"


def test_light_colours_differ_so_that_each_becomes_one_variable():
    light = [pair[0] for pair in PALETTE.values()] + [outcome["colour"] for outcome in OUTCOMES]
    assert len(set(light)) == len(light)


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "latents"), [(ALL_STEPS[:1], True), (ALL_STEPS[:3], False)])
def test_pictures_of_a_run_that_has_just_begun(tmp_path, capsys, steps, latents):
    run = write_run(tmp_path / "run", steps, state="running", latents=latents)
    assert main(["export", str(run.path), "--figures", str(tmp_path / "out"), "--svg"]) == 0
    names = [Path(line).stem for line in capsys.readouterr().out.splitlines()]
    assert names == ["timeline", "samples", *(["manifold"] if latents else []), "denoising", "captions"]
