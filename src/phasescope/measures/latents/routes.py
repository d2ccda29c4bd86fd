"""The share of latent variance that labels explain, and the route by which a factor reaches a latent: condition or input.

**Label variance.** One-way random-effects analysis of variance (Searle, Casella & McCulloch 1992, chapter 3), summed over
features. With z_di the latent of label i under noise draw d, m_i its mean over D draws and m the mean of all,

    MS_between = D / (n - 1) sum_i ||m_i - m||^2,      MS_within = 1 / (n (D - 1)) sum_di ||z_di - m_i||^2,
    V_label = (MS_between - MS_within) / D,            share = V_label / (V_label + MS_within).

Both variances are unbiased, so the share is about 0, on either side of it, if labels explain nothing.

**Routes.** Labels are crossed with images: a network is given the label l and the image of another label m, drawn
independently of l. Its information about l comes from the condition, that about m from the input. Each label is combined
with D images, and each image with D labels:

    condition_probe_r2, input_probe_r2    linear probe R^2 (`probe_r2`) of l, and of m, from the first crossing
    condition_label_variance              share of variance between labels (label variance, whose draws are the D images)
    input_label_variance                  share of variance between images (the same, sorted by image)

The sum of the shares is less than 1, because of noise and of interactions between label and image.

**Probe gain over the untrained network** (`probe_gain`): log((1 - R0^2) / (1 - R^2)), with R0^2 of the untrained network.
It is twice the nats by which a Gaussian's errors shrink: 0 without learning, and the same for 0 to 0.9 as for 0.9 to 0.99.
"""

import math
from itertools import combinations
from numbers import Real

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import check_is, real_array, with_counts
from phasescope.measures.checks import check_latents
from phasescope.measures.latents.probe_r2 import probe_r2
from phasescope.measures.scores import Score, baseline_level, basic_interval, bootstrap_weights, ratio

ROUTES = ("condition_probe_r2", "input_probe_r2", "condition_label_variance", "input_label_variance")
# 1 - R^2 below this is numerical noise, whose logarithm would be arbitrary.
LEAST_ERROR = 1e-9


@with_counts()
def label_variance(
    latents: Float[np.ndarray, "draws n features"],
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Return the share of latent variance that labels explain, at most 1.

    The interval resamples labels, each with all its draws. The baseline `permuted` is the level that the share
    stays below in 95 % of cases if labels are permuted within each draw.

    Args:
        latents: row i of each draw belongs to label i; draws differ in their noise.
    """
    z = check_latents(latents, 3, "a variance between labels needs them", axes=3)
    draws, n, features = z.shape
    z = z - z.mean(axis=(0, 1))
    m = z.mean(axis=0)
    square = (z**2).sum(axis=(0, 2))
    square_of_mean = (m**2).sum(axis=1)

    rng = numpy_generator(seed, "label share")
    weights = np.concatenate([np.ones((1, n)), bootstrap_weights(n, resamples, rng)])
    between = draws * (weights @ square_of_mean - ((weights @ m) ** 2).sum(axis=1) / n)
    share = _share(between, weights @ (square - draws * square_of_mean), draws, n)

    between_permuted = np.array([_between_permuted(z, rng) for _ in range(permutations)])
    permuted = _share(between_permuted, square.sum() - between_permuted, draws, n)
    low, high = basic_interval(float(share[0]), share[1:])
    return Score(
        value=float(share[0]),
        low=low,
        high=min(high, 1.0),
        n=n,
        estimator=f"variance explained by the label, random-effects ANOVA, {draws} draws, {features} features",
        baselines={"permuted": baseline_level(permuted)},
    )


def _between_permuted(z: Float[np.ndarray, "draws n features"], rng: np.random.Generator) -> float:
    """Return the sum of squares between labels, of centred latents whose labels are permuted within each draw."""
    draws, n, _ = z.shape
    m = z[0].copy()
    # The first draw keeps its order: only how the others lie to it matters.
    for draw in z[1:]:
        m += draw[rng.permutation(n)]
    m /= draws
    return draws * float(np.vdot(m, m))


def _share(
    between: Float[np.ndarray, " S"], within: Float[np.ndarray, " S"], draws: int, n: int
) -> Float[np.ndarray, " S"]:
    ms_between = between / (n - 1)
    ms_within = within / (n * (draws - 1))
    v_label = (ms_between - ms_within) / draws
    return ratio(v_label, v_label + ms_within, otherwise=0.0)


def routes(
    latents: Float[np.ndarray, "D n features"],
    labels: Float[np.ndarray, "n K"],
    shown: Int[np.ndarray, "D n"],
    factors: Factors | None = None,
) -> dict[str, Score]:
    """Return the four scores of `ROUTES`, by name.

    Args:
        latents: entry (d, i) of a network that is given label i and the image of label `shown[d, i]`.
        labels: in the world's units; those of the images are the same, in another order.
        shown: D permutations of the labels, in which no label meets its own image, or one image twice: see `crossing`.

    Raises:
        ValueError: as `probe_r2` and `label_variance` say; `shown` are no such permutations.
    """
    z, y, rows = real_array("latents", latents), real_array("labels", labels), np.asarray(shown)
    _check_shown(rows, z.shape)
    by_image = np.stack([draw[np.argsort(row)] for draw, row in zip(z, rows, strict=True)])
    return {
        "condition_probe_r2": probe_r2(z[0], y, factors=factors),
        "input_probe_r2": probe_r2(z[0], y[rows[0]], factors=factors),
        "condition_label_variance": label_variance(z),
        "input_label_variance": label_variance(by_image),
    }


def _check_shown(rows: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless the rows of `shown`, for latents of this shape, are permutations that differ everywhere from
    one another and from the identity: else routes are confounded."""
    if len(shape) != 3 or rows.shape != shape[:2]:
        raise ValueError(
            f"`shown` (shape {rows.shape}) must be (D, n), as `latents` of shape {shape} have rows"
        )
    if rows.dtype.kind not in "iu":
        raise ValueError(
            f"`shown` (of {rows.dtype}) must be of integers: rows of the labels whose images are shown"
        )

    draws, n = rows.shape
    own = np.arange(n)
    for d, row in enumerate(rows):
        if not np.array_equal(np.sort(row), own):
            raise ValueError(f"`shown` (row {d} repeats images) must be permutations of the {n} labels")
        if (row == own).any():
            label = int(np.argmax(row == own))
            raise ValueError(f"`shown` (row {d} gives label {label} its own image) must give it another's")
    for first, second in combinations(range(draws), 2):
        same = rows[first] == rows[second]
        if same.any():
            raise ValueError(
                f"`shown` (rows {first} and {second} give label {int(same.argmax())} the same image) must differ everywhere"
            )


@with_counts(draws=1)
def crossing(n: int, draws: int, generator: np.random.Generator) -> Int[np.ndarray, "D n"]:
    """Return which image each of n > D labels is combined with: D permutations that differ everywhere from one another and
    from the identity.

    Raises:
        ValueError: n is not greater than D.
    """
    check_is("generator", generator, np.random.Generator, "numpy.random.default_rng")
    if n <= draws:
        raise ValueError(f"`n` (={n}) must be greater than `draws` (={draws}): no label meets its own image")
    place = generator.permutation(n)
    shifts = 1 + generator.permutation(n - 1)[:draws]
    at = np.argsort(place)
    return np.stack([place[(at + shift) % n] for shift in shifts])


def probe_gain(score: Score, untrained: float) -> Score:
    """Return the probe gain over the untrained network, from a probe R^2 and the untrained one, R0^2, with its interval.

    Its baseline is the untrained network, 0. Permuted labels are no baseline: if their R^2 is below R0^2, the logarithm
    measures how much training could lose, not chance.

    Raises:
        ValueError: `score` is no Score, or `untrained` no R^2.
    """
    check_is("score", score, Score, "probe_r2")
    if isinstance(untrained, bool) or not isinstance(untrained, Real) or untrained > 1:
        raise ValueError(f"`untrained` (={untrained!r:.60}) must be an R^2 of at most 1, as `score.value` is")

    def gain(r2: float) -> float:
        return math.log(max(1 - untrained, LEAST_ERROR)) - math.log(max(1 - r2, LEAST_ERROR))

    return score.through(gain, "log((1 - R0^2) / (1 - R^2)), R0 untrained", {"untrained": 0.0})
