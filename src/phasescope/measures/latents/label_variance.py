"""The share of latent variance that labels explain.

One-way random-effects analysis of variance (Searle, Casella & McCulloch 1992, chapter 3), summed over features. With z_di
the latent of label i under noise draw d, m_i its mean over D draws and m the mean of all,

    MS_between = D / (n - 1) sum_i ||m_i - m||^2,      MS_within = 1 / (n (D - 1)) sum_di ||z_di - m_i||^2,
    V_label = (MS_between - MS_within) / D,            share = V_label / (V_label + MS_within).

Both variances are unbiased, so the share is about 0, on either side of it, if labels explain nothing.
"""

import numpy as np
from jaxtyping import Float

from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import with_counts
from phasescope.measures.checks import check_latents
from phasescope.measures.columns import Column, measure
from phasescope.measures.scores import Score, baseline_level, basic_interval, bootstrap_weights, ratio


@measure(
    Column(
        name="label_variance",
        words="variance explained by the label",
        meaning="share of the variance that the label explains",
        unit="share",
        high=1.0,
        better="higher",
        section="variance",
        needs=frozenset({"latents", "draws"}),
        baselines=("permuted",),
        core=True,
        usual=True,
        phase="sheet",
        axis="share",
        terms=("label_variance", "sheet", "baseline"),
    ),
    take=lambda given: label_variance(given.draws),
)
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
