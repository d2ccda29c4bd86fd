from __future__ import annotations

import json

import numpy as np
import pytest
from written_run import ALL_STEPS, LEVELS, OUTCOMES, references, write_run

from phasescope.core.factors import Factor
from phasescope.core.places import Place
from phasescope.measures import Score, gain
from phasescope.runs.store import Run
from phasescope.views.explorer.details import details
from phasescope.views.explorer.rows import row_of
from phasescope.views.export import run_files
from phasescope.views.figures.curves import denoising, routed, timeline, told_and_seen
from phasescope.views.figures.painted import border_px, painted, spread_over, tile
from phasescope.views.figures.pixels import GAP_PX, pixels, sheet
from phasescope.views.figures.standing import described, ladder, standing
from phasescope.views.record import Record
from phasescope.views.style import PALETTE, scale_of
from phasescope.views.terms import NULLS, ROUTES, place_words


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes]


def panel(figure, begins):
    return next(ax for ax in figure.axes if ax.get_title(loc="left").startswith(begins))


def test_timeline_has_every_panel_on_one_axis_of_images(run):
    figure = timeline(Record(run))
    for begins in (
        "Outcomes, labels on the grid", "Outcomes, labels off the grid", "Probe R² (ridge), minimum", "P1's R²",
        "Dimension of label means", "Variance explained", "Gain of probe R² at every layer",
    ):  # fmt: skip
        assert any(title.startswith(begins) for title in titles(figure))
        assert panel(figure, begins).get_xlim() == (0, run.metrics[-1]["images_seen"])


def test_a_score_is_drawn_with_its_nulls_interval_and_threshold(run):
    ax = panel(timeline(Record(run)), "Probe R² (ridge)")
    threshold = f"threshold: gain {Record(run).thresholds['order']:g}"
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {
        "this network",
        threshold,
        *(words for null, words in NULLS.items() if null != "majority"),  # bumps have no classes
    }
    curve = next(line for line in ax.lines if line.get_label() == "this network")
    np.testing.assert_allclose(curve.get_ydata(), Record(run).series("order", Place("mid", 600)))
    level = next(line for line in ax.lines if line.get_label() == threshold).get_ydata()
    gains = [
        gain(Score.from_dict({**line["order"]["mid.600"], "value": at})).value
        for line, at in zip(run.metrics, level, strict=True)
    ]
    np.testing.assert_allclose(gains, Record(run).thresholds["order"])
    assert len(ax.collections) == 1


def test_a_score_without_nulls_is_not_drawn(run):
    record = Record(run)
    for line in record.metrics:
        line["p1_order"]["down3.600"]["nulls"] = {}
    assert not any(title.startswith("P1's R²") for title in titles(timeline(record)))


def test_stacked_shares_fill_the_panel(run):
    ax = panel(timeline(Record(run)), "Outcomes, labels on the grid")
    tops = [collection.get_paths()[0].vertices[:, 1].max() for collection in ax.collections]
    assert max(tops) == pytest.approx(1)
    assert len(tops) == len(OUTCOMES)


def test_denoising_has_a_panel_a_band_with_the_unconditional_optimum(run):
    figure = denoising(Record(run))
    bands = run.metrics[-1]["denoising"]
    assert titles(figure) == [f"t in [{band['low']}, {band['high']})" for band in bands]
    for ax, band in zip(figure.axes, bands, strict=True):
        assert ax.get_yscale() == "log"
        network, unconditional = ax.lines
        assert network.get_ydata()[-1] == pytest.approx(band["network"])
        assert unconditional.get_ydata()[-1] == pytest.approx(band["unconditional"])


def test_standing_draws_the_rung_at_each_level_the_exact_errors_and_the_nats(run):
    record = Record(run)
    rungs, errors, nats = standing(record).axes
    names = [name for name in references()["family"]["ladder"]["mmse"] if name != "t"]
    drawn = np.asarray(rungs.collections[0].get_array()).reshape(len(LEVELS), len(run.metrics))
    told = [[names.index(one["rung"]) for one in line["ladder"]] for line in run.metrics]
    assert (drawn == np.array(told).T).all()
    *exact_errors, network = errors.lines
    known = references()["family"]["ladder"]
    for name, line in zip(names, exact_errors, strict=True):
        assert np.asarray(line.get_ydata()) == pytest.approx(
            np.array(known["mmse"][name]) / known["variance"]
        )
    assert np.asarray(network.get_ydata()) == pytest.approx(
        [one["error"] for one in run.metrics[-1]["ladder"]]
    )
    learnt = {line.get_label(): line.get_ydata()[-1] for line in nats.lines}
    assert learnt["label"] == pytest.approx(run.metrics[-1]["nats"]["label"]["value"])
    assert "Left out: x known: no grid." in described(record)


def test_the_explorer_is_told_the_same_rungs_errors_and_nats(run):
    told = json.loads(details(Record(run), row_of(run)))
    known, ladder = references()["family"]["ladder"], told["ladder"]
    assert ladder["levels"] == LEVELS
    assert ladder["nats"] == known["nats"]
    assert (
        list(ladder["colours"]) == list(ladder["errors"]) == [name for name in known["mmse"] if name != "t"]
    )
    assert len(set(ladder["colours"].values())) == len(ladder["colours"])
    for line, recorded in zip(told["lines"], run.metrics, strict=True):
        assert [one[0] for one in line["ladder"]] == [one["rung"] for one in recorded["ladder"]]
        assert line["nats"]["x"]["value"] == pytest.approx(recorded["nats"]["x"]["value"], abs=1e-3)


def test_without_nats_or_references_less_is_drawn(tmp_path):
    run = write_run(tmp_path / "run", ALL_STEPS[:3])
    record = Record(run)
    for line in record.metrics:
        del line["nats"]
    assert len(standing(record).axes) == 2
    (run.path / "references.json").unlink()
    assert standing(Record(Run(run.path))) is None
    assert json.loads(details(Record(Run(run.path)), row_of(run)))["ladder"] is None


def test_told_and_seen_have_a_panel_a_place_with_thin_nulls(run):
    figure, record = told_and_seen(Record(run)), Record(run)
    places = routed(record)
    assert [title for title in titles(figure) if title] == [place_words(place) for place in places]
    assert [place.tap for place in places] == ["down3", "down3", "mid", "mid"]
    ax = figure.axes[0]
    lines = {line.get_label(): line for line in ax.lines}
    for route, words in ROUTES.items():
        curve, share = lines[words], lines[f"{words}: share of variance"]
        for line, measure in ((curve, f"order_{route}"), (share, f"share_{route}")):
            expected = np.maximum(record.series(measure, places[0]), ax.get_ylim()[0])
            np.testing.assert_allclose(line.get_ydata(), expected)
        for null in ("raw pixels", "untrained network"):
            floor = lines[f"{words}: {null}"]
            assert floor.get_linewidth() < curve.get_linewidth()
            assert floor.get_color() == curve.get_color()
    assert len(figure.legends[0].get_texts()) == 8


def test_told_and_seen_of_one_snapshot_is_drawn_and_without_routes_it_is_not(tmp_path, run):
    one = told_and_seen(Record(write_run(tmp_path / "one", [0])))
    assert {len(line.get_xdata()) for line in one.axes[0].lines} == {2}
    record = Record(run)
    for line in record.metrics:
        del line["order_told"]
    assert told_and_seen(record) is None


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
    """At the last snapshot of the synthetic run every bump is at its label: the darkest pixel lies within
    half a pixel."""
    figure = painted(Record(run), columns=8, rows=3)
    ax = figure.axes[0]
    mosaic = np.asarray(ax.images[0].get_array())
    marks = np.asarray(ax.collections[0].get_offsets()).reshape(3, 8, 2)[-1]
    side, border = 32, border_px(32)
    for x, y in marks:
        column, row = (int((value - border + 0.5) // (side + 2 * border + GAP_PX)) for value in (x, y))
        top, left = (border + index * (side + 2 * border + GAP_PX) for index in (row, column))
        image = mosaic[top : top + side, left : left + side, 0]
        darkest = np.unravel_index(image.argmin(), image.shape)
        assert abs(left + darkest[1] - x) <= 0.51
        assert abs(top + darkest[0] - y) <= 0.51


def test_farthest_points_are_distinct_and_spread():
    labels = np.random.default_rng(1).uniform(0, 32, (200, 2))
    chosen = spread_over(labels, 9)
    assert len(set(chosen.tolist())) == 9
    gaps = np.linalg.norm(labels[chosen][:, None] - labels[chosen], axis=-1) + 99 * np.eye(9)
    assert gaps.min() > 32 / 4


def test_light_colours_differ_so_that_each_becomes_one_variable():
    light = [pair[0] for pair in PALETTE.values()] + [outcome["colour"] for outcome in OUTCOMES]
    assert len(set(light)) == len(light)


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "latents"), [(ALL_STEPS[:1], True), (ALL_STEPS[:3], False)])
def test_pictures_of_a_run_that_has_just_begun(tmp_path, steps, latents):
    run = write_run(tmp_path / "run", steps, state="running", latents=latents)
    names = [path.stem for path in run_files(run, tmp_path / "out", "png")]
    assert names == [
        "timeline",
        "label_space",
        "told_and_seen",
        "painted",
        *(["manifold"] if latents else []),
        "denoising",
        "standing",
    ]


def test_the_figure_of_a_prediction_has_one_title():
    mmse = {"t": [0, 500, 999], "mean image": [1.0, 1.0, 1.0], "label": [0.0, 0.0, 0.0]}
    told = {"images": 4, "ln_m": 1.39, "r_prime": 0.1, "phases": "A, B, C", "mmse": mmse}
    ax = ladder({**told, "t_condensation": 300, "t_instability": None}, "a world").axes[0]
    assert (ax.get_title("center"), ax.get_title("left").splitlines()[0]) == ("", "a world")
