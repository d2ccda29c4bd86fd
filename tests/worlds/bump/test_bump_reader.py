from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.optimize import least_squares
from scipy.stats import norm

from helpers.bumps import N, noisy, paint, reader_of, world
from phasescope import UserError
from phasescope.core.randomness import numpy_generator
from phasescope.worlds import GaussianBump

NOISE = 0.2


def wrap(difference_px: np.ndarray, period_px: float | None) -> np.ndarray:
    """Return the difference the short way round."""
    return (
        difference_px
        if period_px is None
        else difference_px - period_px * np.round(difference_px / period_px)
    )


def noise_of(g: np.ndarray) -> np.ndarray:
    """Return each image's white noise: its fourth differences along both axes, which have a norm of 6, are mostly noise."""
    seconds = np.diff(np.diff(g, n=2, axis=1), n=2, axis=2)
    return np.median(np.abs(seconds), axis=(1, 2)) / (6 * norm.ppf(0.75))


def read(reader: Any, images: np.ndarray) -> dict[str, np.ndarray]:
    return dict(reader.read(images[:, None]))


def paint_together(w: GaussianBump, labels: np.ndarray) -> np.ndarray:
    return 1 + (paint(w, labels) - 1).sum(axis=0)


def resolution_px(sigma_px: float, noise: float, deviations: float) -> float:
    """The separation beyond which noise leaves a dip below half between two bumps (derived in `reading`)."""
    return 4 * sigma_px * np.sqrt(np.log(2 / (0.5 - deviations * noise / (sigma_px * np.sqrt(np.pi)))))


def apart(count: int, separation_px: float, period_px: float | None, rng: np.random.Generator) -> np.ndarray:
    """`count` places drawn from the whole canvas, no two nearer than `separation_px`."""
    while True:
        places = rng.uniform(0, N, size=(count, 2))
        difference = wrap(places[:, None] - places, period_px)
        distance = np.hypot(difference[..., 0], difference[..., 1])
        if (distance[np.triu_indices(count, 1)] >= separation_px).all():
            return places


@pytest.mark.some(1)
@pytest.mark.parametrize("boundary", ["open", "periodic"])
def test_none_one_and_several_are_told_apart_in_noise(boundary):
    w, rng, each = world(1.0, boundary), numpy_generator(0, "told apart " + boundary), 1000
    separation_px = resolution_px(1.0, NOISE, deviations=3)
    labels = rng.uniform(0, N, size=(each, 2))
    several = [
        paint_together(w, apart(int(rng.integers(2, 5)), separation_px, N if w.periodic else None, rng))
        for _ in range(each)
    ]
    images = np.concatenate([np.ones((each, N, N)), paint(w, labels), several])
    truth = np.repeat([0, 1, 2], each)

    readings = read(reader_of(w), noisy(images, rng.uniform(0, NOISE, 3 * each), rng).astype(np.float32))

    counts = np.clip(readings["bumps"], 0, 2)
    assert np.mean(counts == truth) >= 0.99
    single = slice(each, 2 * each)
    error_px = np.hypot(readings["x"][single] - labels[:, 0], readings["y"][single] - labels[:, 1])
    assert np.nanmedian(error_px) <= 0.1


@pytest.mark.some(3)
@pytest.mark.parametrize("boundary", ["open", "periodic"])
@pytest.mark.parametrize("sigma_px", [0.7, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("canvas", [16, 64])
def test_a_clean_bump_is_read_exactly_wherever_it_lies_even_cut_by_the_edge(sigma_px, boundary, canvas):
    w, rng = world(sigma_px, boundary, canvas=canvas), numpy_generator(1, "clean")
    corners = np.array([[0, 0], [0, canvas], [canvas, 0], [canvas, canvas], [0, canvas / 3]], dtype=float)
    labels = np.concatenate([rng.uniform(0, canvas, (100, 2)), corners, rng.uniform(0, 3, (100, 2))])

    readings = read(reader_of(w), paint(w, labels))

    assert (reader_of(w).outcome(readings, labels) == "correct").all()
    assert np.abs(reader_of(w).errors(readings, labels)).max() < 1e-3
    np.testing.assert_allclose(readings["width_px"], sigma_px, rtol=0.02)
    np.testing.assert_allclose(readings["amplitude"], 1, rtol=0.02)


def test_a_flank_below_the_noise_floor_is_no_bump_and_one_above_is():
    w = world(0.5)
    images = paint(w, np.array([[0.0, 0.0], [0.0, 9.0], [0.5, 0.5]]))
    assert read(reader_of(w), images)["bumps"].tolist() == [0, 1, 1]


@pytest.mark.parametrize("offset", [0.0, 0.25, 0.5, 0.75])
def test_the_centre_does_not_snap_to_the_pixel_grid_and_keeps_the_cramer_rao_bound(offset):
    w, rng, n, noise = world(), numpy_generator(2, "snap", int(100 * offset)), 1500, 0.1
    labels = rng.integers(6, N - 6, size=(n, 2)) + offset

    readings = read(reader_of(w), noisy(paint(w, labels), noise, rng))

    single = readings["bumps"] == 1
    assert single.mean() > 0.99
    errors = reader_of(w).errors(readings, labels).T[:, single]
    bound_px = noise * np.sqrt(2 / np.pi)
    assert (np.abs(errors.mean(axis=1)) < 4 * bound_px / np.sqrt(n)).all()
    assert (errors.std(axis=1) < 1.1 * bound_px).all()
    assert (errors.std(axis=1) > 0.9 * bound_px).all()
    assert readings["width_px"][single].std() == pytest.approx(noise / np.sqrt(np.pi), rel=0.1)


@pytest.mark.parametrize("noise", [0.0, NOISE])
@settings(max_examples=20, deadline=None)
@given(st.integers(-N, N), st.integers(-N, N))
def test_a_shift_on_the_torus_shifts_the_reading_and_nothing_else(noise, right, down):
    w, rng = world(1.3, "periodic"), numpy_generator(3, "shift")
    labels = np.stack([rng.uniform(0, N, 8), rng.uniform(0, N, 8)], axis=1)
    images = noisy(paint(w, labels), noise, rng)
    images[-1] = paint_together(w, labels[:3])

    here = read(reader_of(w), images)
    there = read(reader_of(w), np.roll(images, (down, right), axis=(1, 2)))

    assert (here["bumps"] == there["bumps"]).all()
    for moved, before, shift in ((there["x"], here["x"], right), (there["y"], here["y"], down)):
        np.testing.assert_allclose(wrap(moved - before - shift, N), 0 * before, atol=1e-3)
    np.testing.assert_allclose(there["width_px"], here["width_px"], rtol=1e-3)
    np.testing.assert_allclose(there["residual"], here["residual"], atol=1e-3)


@pytest.mark.parametrize("boundary", ["open", "periodic"])
def test_the_mirrored_polarity_reads_the_same_and_the_transpose_swaps_x_and_y(boundary):
    w, rng = world(1.0, boundary), numpy_generator(4, "mirror")
    labels = rng.uniform(0, N, (60, 2))
    images = noisy(paint(w, labels), 0.15, rng)
    images[::10] = paint_together(w, labels[:4])

    plain = read(reader_of(w), images)
    bright = read(reader_of(world(1.0, boundary, "bright")), -images)
    transposed = read(reader_of(w), images.transpose(0, 2, 1))

    for name in ("bumps", "x", "y", "width_px", "amplitude", "residual"):
        np.testing.assert_array_equal(bright[name], plain[name])
    assert (transposed["bumps"] == plain["bumps"]).all()
    np.testing.assert_allclose(transposed["x"], plain["y"], atol=1e-3)
    np.testing.assert_allclose(transposed["y"], plain["x"], atol=1e-3)


@pytest.mark.parametrize("sigma_px", [1.0, 2.0, 3.0])
def test_two_bumps_are_two_beyond_the_resolution_limit_and_never_one_good_bump_below_it(sigma_px):
    w, limit_px = world(sigma_px), resolution_px(sigma_px, 0, deviations=0)
    assert limit_px == pytest.approx(4.71 * sigma_px, rel=1e-3)
    for direction in (np.array([1.0, 0.0]), np.array([0.6, 0.8])):
        for share, outcome in (
            (1.04, "multiple"),
            (0.96, "malformed"),
            (0.8, "malformed"),
            (0.5, "malformed"),
        ):
            half_way = share * limit_px / 2 * direction
            image = paint_together(w, np.array([16.3 - half_way, 16.3 + half_way]))
            readings = read(reader_of(w), image[None])
            assert reader_of(w).outcome(readings, np.array([[16.3, 16.3]])) == [outcome]


def test_a_bump_across_the_corner_of_a_torus_is_one_and_each_further_one_counts():
    w = world(1.0, "periodic")
    places = np.array([[0.4, 31.8], [16.0, 0.2], [31.9, 16.0], [16.0, 16.0]])
    images = np.stack([paint_together(w, places[: k + 1]) for k in range(4)])
    assert read(reader_of(w), images)["bumps"].tolist() == [1, 2, 3, 4]


def test_the_fit_is_the_minimum_that_an_independent_optimizer_finds():
    w, rng = world(1.2), numpy_generator(5, "independent")
    labels = rng.uniform(1, N, (12, 2))
    images = noisy(paint(w, labels), 0.1, rng)
    g = (1 - images) / 2
    pixels = np.arange(1, N + 1)
    fit = read(reader_of(w), images)
    assert (fit["bumps"] == 1).all()

    for k, ((x, y), noise) in enumerate(zip(labels, noise_of(g), strict=True)):

        def left(p, image=g[k], noise=noise):
            amplitude, x, y, log_w = p
            squared = (pixels - x) ** 2 + (pixels[:, None] - y) ** 2
            prior = noise * np.array([amplitude - 1, log_w - np.log(1.2)]) / 0.5
            return np.append((image - amplitude * np.exp(-squared / (2 * np.exp(2 * log_w)))).ravel(), prior)

        best = least_squares(left, [1, x, y, np.log(1.2)], xtol=1e-12, ftol=1e-12, gtol=1e-12).x
        ours = [fit["amplitude"][k], fit["x"][k], fit["y"][k], np.log(fit["width_px"][k])]
        np.testing.assert_allclose(ours, best, atol=1e-3)


@pytest.mark.parametrize(("sigma_px", "expected"), [(1.0, 0.1), (2.0, 0.04)])
def test_noise_is_measured_and_makes_as_many_false_bumps_as_declared(sigma_px, expected):
    """An error of 5 % in the noise would change their number by half."""
    images = noisy(np.ones((2000, N, N)), 0.9, numpy_generator(6, "chance"))
    reader = reader_of(world(sigma_px, "periodic"), half_contrast=0.0, false_objects=expected)
    assert expected / 1.6 < read(reader, images)["bumps"].mean() < 1.6 * expected


X, Y = np.meshgrid(np.arange(1.0, N + 1), np.arange(1.0, N + 1))
AT = np.array([[16.3, 15.6]])


def gaussian(x=16.3, y=15.6, sigma_x=1.0, sigma_y=1.0, amplitude=1.0):
    return amplitude * np.exp(-0.5 * (((X - x) / sigma_x) ** 2 + ((Y - y) / sigma_y) ** 2))


def smooth_noise():
    field = gaussian_filter(numpy_generator(8, "smooth").normal(size=(N, N)), 2, mode="wrap")
    return field / field.std()


white_noise = numpy_generator(9, "white").normal(size=(N, N))
radius = np.hypot(X - 16.3, Y - 15.6)

SHARES_OF_CONTRAST = {
    "blank": (np.zeros((N, N)), "none"),
    "whiter than white": (np.full((N, N), -5.0), "none"),
    "a tint": (np.full((N, N), 0.1), "none"),
    "a faint bump": (gaussian(amplitude=0.45), "none"),
    "an inverted bump": (-gaussian(), "none"),
    "one bright pixel": (np.where((X == 9) & (Y == 20), 0.9, 0.0), "none"),
    "white noise, half the contrast": (0.5 * white_noise, "none"),
    "white noise, huge": (1e4 * white_noise, "none"),
    "white noise beyond squares": (1e300 * white_noise, "none"),
    "a checkerboard": (np.mod(X + Y, 2), "none"),
    "smooth noise": (smooth_noise(), "multiple"),
    "stripes": ((1 + np.sin(np.pi / 4 * X)) / 2, "multiple"),
    "a second, fainter bump": (gaussian() + gaussian(25, 24, amplitude=0.7), "multiple"),
    "grey": (np.full((N, N), 0.5), "malformed"),
    "black": (np.ones((N, N)), "malformed"),
    "a ramp": (X / N, "malformed"),
    "a streak": (gaussian(sigma_x=1e6), "malformed"),
    "a cross": (np.maximum(gaussian(sigma_x=1e6), gaussian(sigma_y=1e6)), "malformed"),
    "a smear": (gaussian(sigma_x=3), "malformed"),
    "an ellipse, axes 2 : 1": (gaussian(sigma_x=2**0.5, sigma_y=0.5**0.5), "malformed"),
    "a small ring": (np.exp(-0.5 * (radius - 3) ** 2), "malformed"),
    "a large ring": (np.exp(-0.5 * (radius - 9) ** 2), "malformed"),
    "a disc": ((radius < 3).astype(float), "malformed"),
    "too wide": (gaussian(sigma_x=2, sigma_y=2), "malformed"),
    "too strong": (gaussian(amplitude=1.7), "malformed"),
    "elsewhere in x": (gaussian(x=17.5), "misplaced"),
    "elsewhere in y": (gaussian(y=14.4), "misplaced"),
    "nearly there": (gaussian(x=17.2, y=14.7), "correct"),
    "a bump on a light tint": (gaussian() + 0.05, "correct"),
    "a bump with a speck": (gaussian() + gaussian(25, 24, 0.5, 0.5, amplitude=0.5), "correct"),
}


@pytest.mark.parametrize("name", SHARES_OF_CONTRAST)
@pytest.mark.parametrize("polarity", ["dark", "bright"])
def test_what_networks_paint_has_a_sensible_outcome(name, polarity):
    share, expected = SHARES_OF_CONTRAST[name]
    images = (1 - 2 * share if polarity == "dark" else 2 * share - 1)[None]
    reader = world(polarity=polarity).reader()
    assert reader.outcome(read(reader, images), AT) == [expected]


@pytest.mark.parametrize("periodic", [False, True])
def test_any_image_is_read_and_what_is_not_finite_is_malformed(periodic):
    rng = numpy_generator(10, "any")
    for sigma_px in (0.5, 1.0, 4.0):
        images = np.concatenate(
            [
                scale * gaussian_filter(rng.normal(size=(40, N, N)), (0, blur, blur))
                for blur in (0, 1, 4)
                for scale in (1, 9)
            ]
        )
        images[::40, 3, 4] = [np.nan, np.inf, -np.inf, 1e38, -1e38, np.nan]
        reader = world(sigma_px, "periodic" if periodic else "open").reader()
        readings = read(reader, images.astype(np.float32))
        outcomes = reader.outcome(readings, np.full((len(images), 2), 16.0))
        broken = ~np.isfinite(images).all(axis=(1, 2))
        assert (readings["bumps"][broken] == -1).all()
        assert (outcomes[broken] == "malformed").all()
        assert set(outcomes) <= {outcome.name for outcome in reader.outcomes}


READER = world().reader()


def a_reading(x: float, y: float, **others: float) -> dict[str, np.ndarray]:
    """Columns of one well-formed bump, but for `others`."""
    columns = {"bumps": 1, "x": x, "y": y, "width_px": 1, "amplitude": 1, "residual": 0, "left": 0, **others}
    return {name: np.array([value], dtype=np.float32) for name, value in columns.items()}


def test_one_pixel_is_the_largest_error_in_x_and_in_y():
    label = np.array([[10.0, 20.0]])
    cases = {(10.9, 19.1): (True, True), (11.1, 20): (False, True), (10, 18.9): (True, False)}
    for place, expected in cases.items():
        assert tuple(READER.correct(a_reading(*place), label)[0]) == expected
        assert READER.outcome(a_reading(*place), label)[0] == ("correct" if all(expected) else "misplaced")
    lenient = reader_of(world(), tolerance_px=1.2)
    assert lenient.outcome(a_reading(11.1, 20), label) == ["correct"]
    assert not READER.correct(a_reading(10, 20, bumps=2), label).any()


def test_errors_are_signed_and_go_the_short_way_around_a_torus():
    label, reading = np.array([[0.5, 31.5]]), a_reading(31.5, 0.25)
    assert world(boundary="periodic").reader().errors(reading, label)[0] == pytest.approx((-1.0, 0.75))
    assert READER.errors(reading, label)[0] == pytest.approx((31.0, -31.25))


def test_without_a_label_a_well_formed_bump_is_correct_wherever_it_is():
    assert READER.outcome(a_reading(3, 29), np.full((1, 2), np.nan)) == ["correct"]


def test_a_hidden_second_bump_or_a_failed_fit_is_not_well_formed():
    assert READER.formed(a_reading(3, 4)).all()
    for others in (
        {"left": 1.0},
        {"width_px": np.nan, "amplitude": np.nan, "residual": np.nan},
        {"amplitude": 1.6},
        {"width_px": 0.5},
    ):
        assert not READER.formed(a_reading(3, 4, **others)).any()


def test_no_images_give_no_readings():
    assert READER.outcome(read(READER, np.zeros((0, N, N))), np.zeros((0, 2))).shape == (0,)


def test_images_of_another_canvas_are_refused_by_name():
    with pytest.raises(UserError, match=r"`images` .*must have the shape \(n, 1, 32, 32\)"):
        READER.read(np.zeros((2, N, N)))


@pytest.mark.parametrize("boundary", ["open", "periodic"])
def test_the_refined_place_is_unbiased_between_pixels(boundary):
    bumps = world(boundary=boundary)
    labels = numpy_generator(0, "between pixels").uniform(2, 30, (600, 2)).astype(np.float32)
    reader = bumps.reader()
    off = reader.ungated(reader.read(bumps.render(torch.from_numpy(labels)).numpy()), labels)
    assert np.abs(off["refined"]).max() < 0.03
    assert np.abs(off["matched"]).max() > 0.2  # half-pixel steps


def test_the_refined_place_accepts_the_same_window_around_every_label():
    """A quantised reading accepts a wider window around labels on pixels: places up to 1.25 px away instead of 1 px."""
    bumps, reader = world(), world().reader()
    shares = {}
    for way in ("matched", "refined"):
        for start in (16.0, 16.3):
            offsets = np.linspace(-1.5, 1.5, 301)
            places = np.stack([start + offsets, np.full(301, 16.0)], axis=1).astype(np.float32)
            labels = np.tile([start, 16.0], (301, 1)).astype(np.float32)
            read = reader.read(bumps.render(torch.from_numpy(places)).numpy())
            within = np.abs(reader.ungated(read, labels)[way][:, 0]) <= 1
            shares[way, start] = 3 * within.mean()
    assert shares["refined", 16.0] == pytest.approx(2.0, abs=0.05)
    assert shares["refined", 16.3] == pytest.approx(2.0, abs=0.05)
    assert shares["matched", 16.0] - shares["matched", 16.3] > 0.2
