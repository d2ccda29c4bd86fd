import math

import numpy as np
from scipy.integrate import quad
from scipy.spatial.distance import cdist

from phasescope.measures import gap_ratio

N = 16


def bumps(labels: np.ndarray, sigma: float = 1.0, size: int = N) -> np.ndarray:
    """Bright bumps on black, (n, size, size) from 0 to 1."""
    pixels = np.arange(1, size + 1)
    x, y = (np.exp(-0.5 * ((label[:, None] - pixels) / sigma) ** 2) for label in np.asarray(labels, float).T)
    return y[:, :, None] * x[:, None, :]


def lattice(step: float) -> np.ndarray:
    values = np.arange(4.0, 12 + step / 2, step)
    return np.stack(np.meshgrid(values, values, indexing="ij"), axis=-1).reshape(-1, 2)


def nearest(targets: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return labels[cdist(targets, labels).argmin(axis=1)]


def off_grid(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(4, 12, (n, 2))


def ratios_of(images: np.ndarray, training: np.ndarray) -> list[float]:
    """Return d_1 / d_2 of each image: the median of its own."""
    return [gap_ratio(image, image, training).detail["median"] for image in images[:, None]]


TRAINING = lattice(1.0)


def test_copies_are_counted_and_the_truth_scores_its_own_baseline():
    targets = off_grid(300, 0)
    half = targets.copy()
    half[:150] = nearest(targets[:150], TRAINING)
    exact, training = bumps(targets), bumps(TRAINING)
    copies = gap_ratio(bumps(nearest(targets, TRAINING)), exact, training)
    assert (copies.value, copies.baselines["exact"] < 0.35) == (1, True)
    truth = gap_ratio(exact, exact, training)
    assert truth.value == truth.baselines["exact"]
    assert truth.low > 0.1, "without its baseline the share calls the truth memorised"
    some = gap_ratio(bumps(half), exact, training)
    assert some.low < (1 + truth.value) / 2 < some.high


def test_on_a_fine_lattice_the_exact_share_is_a_discs():
    """Where image distance is label distance, d1/d2 < 1/3 is 8 r^2 + 2 r cos(theta) < 1 about each lattice point."""
    share = 4 * quad(lambda angle: ((math.sqrt(math.cos(angle) ** 2 + 8) - math.cos(angle)) / 8) ** 2 / 2,
                     -math.pi / 4, math.pi / 4)[0]  # fmt: skip
    exact = bumps(off_grid(1500, 1), sigma=2.5, size=20)
    score = gap_ratio(exact, exact, bumps(lattice(0.5), 2.5, 20))
    assert score.low < share < score.high


def test_ratios_are_those_of_scipys_distances_and_see_no_scale_shift_rotation_order_or_duplicate():
    rng = np.random.default_rng(4)
    training = 10 + rng.normal(size=(37, 20))
    x = training[:10] + 1e-7 * rng.normal(size=(10, 20))
    d_1, d_2 = np.sort(cdist(x, training), axis=1)[:, :2].T
    np.testing.assert_allclose(ratios_of(x, training), d_1 / d_2, rtol=1e-7)
    x, turn = rng.normal(size=(60, 20)), np.linalg.qr(rng.normal(size=(20, 20)))[0]
    doubled = np.repeat(training, 3, axis=0)[rng.permutation(111)]
    np.testing.assert_allclose(
        ratios_of(5 * x @ turn + 3, 5 * doubled @ turn + 3), ratios_of(x, training), rtol=1e-9
    )
