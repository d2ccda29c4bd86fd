from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.spatial.distance import cdist
from statsmodels.stats.proportion import proportion_confint

from phasescope.core.factors import Factors
from phasescope.measures.images.memorisation import gap_ratio, paired_difference_interval, snap_to_grid

N = 16
SIGMA = 1.0


def bumps(labels: np.ndarray, sigma: float = SIGMA, size: int = N) -> np.ndarray:
    """Bright bumps on black, (n, size, size) from 0 to 1."""
    pixels = np.arange(1, size + 1)
    x, y = (np.exp(-0.5 * ((label[:, None] - pixels) / sigma) ** 2) for label in np.asarray(labels, float).T)
    return y[:, :, None] * x[:, None, :]


def lattice(dx: float, dy: float, low: float = 4.0, high: float = 12.0) -> np.ndarray:
    grid = np.meshgrid(np.arange(low, high + dx / 2, dx), np.arange(low, high + dy / 2, dy), indexing="ij")
    return np.stack(grid, axis=-1).reshape(-1, 2)


def nearest(targets: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return labels[cdist(targets, labels).argmin(axis=1)]


def off_grid(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(4, 12, (n, 2))


TRAINING = lattice(1.0, 1.0)


def test_a_copier_is_caught_and_the_truth_is_not():
    targets = off_grid(200, 0)
    exact, training = bumps(targets), bumps(TRAINING)
    copier = gap_ratio(bumps(nearest(targets, TRAINING)), exact, training)
    assert (copier.share.value, copier.share.nulls["exact"] < 0.35) == (1, True)
    assert copier.excess.low > 0.5 > copier.excess.nulls["swapped"]
    truth = gap_ratio(exact, exact, training)
    assert truth.excess.value == 0
    assert truth.excess.low < 0 < truth.excess.high
    # An uncalibrated share calls the truth memorised in one case of five.
    assert truth.share.value == truth.share.nulls["exact"]
    assert truth.share.low > 0.1


def test_on_a_fine_lattice_the_exact_share_is_a_discs():
    """Where image distance is label distance, d1/d2 < 1/3 is 8 r^2 + 2 r cos(theta) < 1 about each lattice point."""
    share = 4 * quad(lambda angle: ((math.sqrt(math.cos(angle) ** 2 + 8) - math.cos(angle)) / 8) ** 2 / 2,
                     -math.pi / 4, math.pi / 4)[0]  # fmt: skip
    training = lattice(0.5, 0.5)
    found = gap_ratio(*[bumps(off_grid(1500, 1), sigma=2.5, size=20)] * 2, bumps(training, 2.5, 20))
    assert found.share.low < share < found.share.high


def test_noise_hides_copies():
    targets = off_grid(200, 18)
    noise = 0.3 * np.random.default_rng(18).normal(size=(200, N, N))
    found = gap_ratio(bumps(nearest(targets, TRAINING)) + noise, bumps(targets), bumps(TRAINING))
    assert found.excess.high < 0


def test_half_of_the_images_copied_is_half_of_the_way():
    targets = off_grid(300, 2)
    positions = targets.copy()
    positions[:150] = nearest(targets[:150], TRAINING)
    found = gap_ratio(bumps(positions), bumps(targets), bumps(TRAINING))
    expected = (1 - found.share.nulls["exact"]) / 2
    assert found.excess.low < expected < found.excess.high
    np.testing.assert_array_equal(found.ratios[150:], found.exact_ratios[150:])
    np.testing.assert_array_equal(found.ratios[:150], 0)


def test_the_gap_ratio_knows_no_scale_shift_rotation_order_or_duplicate():
    rng = np.random.default_rng(3)
    generated, exact, training = rng.normal(size=(3, 60, 12))
    training = np.concatenate([training, training + 0.1 * rng.normal(size=(60, 12))])
    turn = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    found = gap_ratio(generated, exact, training)
    moved = gap_ratio(*(5 * a @ turn + 3 for a in (generated, exact, training)))
    np.testing.assert_allclose(moved.ratios, found.ratios)
    doubled = gap_ratio(generated, exact, np.repeat(training, 3, axis=0)[rng.permutation(360)])
    np.testing.assert_allclose(doubled.ratios, found.ratios)
    assert (doubled.share, doubled.excess) == (found.share, found.excess)


def test_ratios_are_those_of_scipys_distances_and_exact_next_to_a_copy():
    rng = np.random.default_rng(4)
    training = 1000 + rng.normal(size=(37, 20))
    x = training[:10] + 1e-7 * rng.normal(size=(10, 20))
    nearest, second = np.sort(cdist(x, training), axis=1)[:, :2].T
    np.testing.assert_allclose(gap_ratio(x, x, training).ratios, nearest / second, rtol=1e-9)


def test_newcombes_interval_is_that_of_his_paper_and_of_wilson_at_the_edge():
    """Newcombe (1998), table III: 36, 12, 2, 0 of 50 in the four cells: 0.2, from 0.0569 to 0.3404 (method 10)."""
    a = np.repeat([True, True, False, False], [36, 12, 2, 0])
    b = np.repeat([True, False, True, False], [36, 12, 2, 0])
    assert paired_difference_interval(a, b) == pytest.approx((0.0569, 0.3404), abs=5e-5)
    none = np.zeros(30, dtype=bool)
    edge = proportion_confint(0, 30, method="wilson")[1]
    assert paired_difference_interval(none, none) == pytest.approx((-edge, edge))


def test_the_excess_is_in_its_interval():
    """Of paired shares 0.5 and 0.2, of which the second is part of the first."""
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        u = rng.random(60)
        low, high = paired_difference_interval(u < 0.5, u < 0.2)
        held += low <= 0.3 <= high
    assert held >= 182


@pytest.mark.parametrize(("dx", "dy"), [(1.0, 1.0), (0.5, 2.0)])
def test_copies_snap_the_truth_does_not_and_half_way_is_half(dx, dy):
    training, targets = lattice(dx, dy), off_grid(400, 6)
    grid = nearest(targets, training)
    for read, index in ((targets, 0), (grid, 1), ((grid + targets) / 2, 0.5), (2 * targets - grid, -1)):
        scores = snap_to_grid(read, targets, training)
        assert list(scores) == ["label1", "label2"]
        for score in scores.values():
            assert (score.value, score.low, score.high) == pytest.approx((index, index, index), abs=1e-9)
            assert (score.n, score.detail["dropped"]) == (400, 0)


def test_factors_have_an_index_each_and_a_shift_of_the_reader_does_not_matter():
    training, targets = lattice(0.5, 1.0), off_grid(400, 7)
    read = np.stack([targets[:, 0], nearest(targets, training)[:, 1]], axis=1) + np.array([0.1, -0.2])
    scores = snap_to_grid(read, targets, training, Factors.named(("across", "down")))
    assert scores["across"].value == pytest.approx(0, abs=1e-9)
    assert scores["down"].value == pytest.approx(1)
    scaled = snap_to_grid(
        32 * read, 32 * targets, 32 * training, Factors.named(("across", "down")), within=32.0
    )
    assert scaled["down"].value == pytest.approx(1)


def test_noise_is_unbiased_and_the_intervals_hold_the_truth():
    """Around the truth, around the grid, half way, and a share of copies: index 0, 1, 0.5 and that share."""
    rng = np.random.default_rng(8)
    truth = np.array([0, 1, 0.5, 0.3])
    held, values = np.zeros(4), np.zeros((4, 100))
    for i in range(100):
        targets = rng.uniform(4, 12, (80, 2))
        grid = np.round(targets)
        copied = np.where(rng.random((80, 2)) < 0.3, grid, targets)
        noise = 0.15 * rng.normal(size=targets.shape)
        for j, at in enumerate((targets, grid, (targets + grid) / 2, copied)):
            scores = snap_to_grid(
                at + noise, targets, TRAINING, within=2.0, permutations=1, resamples=300, seed=i
            )
            held[j] += sum(score.low <= truth[j] <= score.high for score in scores.values())
            values[j, i] = np.mean([score.value for score in scores.values()])
    assert (held >= 180).all()  # 90 % of 200, the least that is asked of a bootstrap of 80 images
    np.testing.assert_allclose(values.mean(axis=1), truth, atol=0.02)


def test_periodic_factors_snap_across_the_edge():
    rng = np.random.default_rng(9)
    targets = rng.uniform(0, 8, (300, 2))
    training = lattice(1.0, 1.0, 0.0, 7.0)
    grid = np.round(targets) % 8
    around = {"factors": Factors.named(("x", "y"), (8.0, 8.0), ("x", "y"))}
    for read, index in ((grid, 1), (targets + 8, 0)):
        for score in snap_to_grid(read, targets, training, **around).values():
            assert score.value == pytest.approx(index, abs=1e-9)
            assert score.detail["dropped"] == 0
            assert score.detail["largest_offset"] <= 0.5
    one = snap_to_grid(grid, np.stack([targets[:, 0], targets[:, 1].clip(0, 7)], axis=1), training,
                       factors=Factors.named(("x", "y"), (8.0, 8.0), ("x",)))  # fmt: skip
    assert one["x"].value == pytest.approx(1)


def test_images_without_a_bump_near_the_target_are_dropped_and_counted():
    targets = off_grid(200, 10)
    read = nearest(targets, TRAINING)
    read[:30] = np.nan
    read[30:50] += 5
    score = snap_to_grid(read, targets, TRAINING)["label2"]
    assert (score.n, score.detail["dropped"]) == (150, pytest.approx(0.25))
    assert score.value == pytest.approx(1)


def test_a_reader_that_snaps_by_itself_shows_in_the_null():
    targets = off_grid(200, 11)
    darkest = np.round(targets)  # the pixel nearest to the true centre
    score = snap_to_grid(darkest, targets, TRAINING, exact=darkest)["label1"]
    assert score.value == pytest.approx(score.nulls["exact"]) == pytest.approx(1)
    assert score.nulls["permuted"] < 0.3
    assert snap_to_grid(darkest, targets, TRAINING, exact=targets)["label1"].nulls["exact"] == pytest.approx(
        0, abs=1e-9
    )


def test_bad_input_of_images():
    x = np.random.default_rng(16).normal(size=(12, 5))
    for call, message in (
        (lambda: gap_ratio(x[0], x, x), r"`generated` \(shape \(5,\)\) must be \(n, ...\)"),
        (lambda: gap_ratio(x[:0], x[:0], x), r"with n of at least 1"),
        (lambda: gap_ratio(x, x[:5], x), r"`exact` \(\(5, 5\) pixels\) must be \(12, 5\)"),
        (lambda: gap_ratio(x, x[:, :4], x), r"`exact` \(\(12, 4\) pixels\) must be \(12, 5\)"),
        (lambda: gap_ratio(x, x, np.where(x > 2, np.nan, x) * np.nan), r"`training` .* must be finite"),
        (lambda: gap_ratio(x, x, x[[0, 0]]), "must hold 2 different"),
        (lambda: gap_ratio(x, x, x, threshold=1.0), r"`threshold` \(=1.0\) must be between"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_bad_input_of_positions():
    y = off_grid(50, 17)
    with_nan = np.where(y > 11, np.nan, y)
    for call, message in (
        (
            lambda: snap_to_grid(y[:40], y, TRAINING),
            r"`read` \(shape \(40, 2\)\) must be of the shape of `targets`",
        ),
        (lambda: snap_to_grid(y, with_nan, TRAINING), "must be finite"),
        (lambda: snap_to_grid(y[:, :0], y[:, :0], TRAINING), r"must be \(n, K\)"),
        (lambda: snap_to_grid(y, y, TRAINING[:, :1]), r"`training_labels` .* must be \(M, 2\)"),
        (lambda: snap_to_grid(y, y, TRAINING * np.nan), "`training_labels` .* must be finite"),
        (lambda: snap_to_grid(TRAINING, TRAINING, TRAINING), r"`targets` \(at one offset in label1\)"),
        (lambda: snap_to_grid(y, y, TRAINING, within=0.2), "of at least the largest offset"),
        (lambda: snap_to_grid(y, y, TRAINING, within=(1.0, 1.0, 1.0)), "one for each of 2 factors"),
        (lambda: snap_to_grid(y * np.nan, y, TRAINING), r"`read` \(n=0 near their targets\)"),
        (lambda: snap_to_grid(y, y, TRAINING, exact=y + 9), r"`exact` \(n=0 near their targets\)"),
        (
            lambda: snap_to_grid(y, y, TRAINING, Factors.named(("a", "b"), categorical=("b",))),
            r"b is categorical",
        ),
        (lambda: snap_to_grid(y, y, TRAINING, resamples=1), "`resamples`"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
