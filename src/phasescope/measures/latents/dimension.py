"""Linear dimension: over how many directions is the latents' variance spread?

The participation ratio of the covariance's eigenvalues (Gao et al. 2017),

    PR = (sum lambda)^2 / sum lambda^2 = tr(C)^2 / tr(C^2),

is d for an isotropic cloud in d dimensions, 2 for a flat square sheet, 4 for the ideal Clifford torus.
Read off n rows, 1/PR comes out too large by about 1/n (PR 128 instead of 163 for n = 600). So traces are taken from
their unbiased estimators, which ask nothing of the distribution (Himeno & Yamada 2014): with S the sample's covariance
and F = sum_i ||x_i - mean||^4 / (n - 1),

    tr(C^2)    from   (n - 1) / (n (n - 2) (n - 3))  ((n - 1) (n - 2) tr(S^2) + tr(S)^2 - n F),
    tr(C)^2    from   (n - 1) / (n (n - 2) (n - 3))  (2 tr(S^2) + (n^2 - 3 n + 1) tr(S)^2 - n F).

tr(C^2) is a mean over pairs of rows, so that a row by itself may say little and pairs all: of an isotropic cloud each row's
influence is 0 but for its pairs. A variance from rows' influences would count these twice; `anova` takes that off.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from phasescope.measures.anova import with_pairs_counted_once
from phasescope.measures.checks import check_count, check_latents
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, ratio
from phasescope.randomness import numpy_generator


def participation_ratio(
    latents: Float[np.ndarray, "n features"], resamples: int = 200, seed: int = 0
) -> Score:
    """The participation ratio, in dimensions, less its finite-sample bias; `detail` has it `uncorrected`.

    The interval resamples rows' influences on log PR, less what pairs of rows count twice. Value and interval lie
    between 1 and the number of features that vary, or the rows' rank where rows lie in fewer dimensions than n would
    fill. It has no null of its own: the caller attaches the untrained network's and the pixels' with `Score.with_nulls`.

    Raises:
        ValueError: as `check_latents` says, or n < 4.
    """
    check_count("resamples", resamples, 2, "an interval needs replicates")
    x = check_latents(latents, 4, "an unbiased estimate of tr(C^2) needs them")
    n, features = x.shape
    x = x - x.mean(axis=0)
    gram = x @ x.T
    inverse = math.log(max(inverse_ratio(gram), 1 / features))
    influence = influences(gram)
    weights = bootstrap_weights(n, resamples, numpy_generator(seed, "participation ratio"))
    low, high = basic_interval(inverse, inverse + studentised(influence, weights))
    value, low, high = np.exp([-inverse, -high, -low])
    uncorrected = float(np.trace(gram) ** 2 / (gram**2).sum())
    # What is near its uncorrected value cannot be far above the rank, which takes longer than all the rest.
    most = most_dimensions(gram, features) if high > 2 * uncorrected else features
    value, low, high = np.clip([value, low, high], 1, most).tolist()
    return Score(
        value=value,
        low=low,
        high=high,
        n=n,
        estimator=f"participation ratio, {features} features, bias-corrected",
        detail={"uncorrected": uncorrected},
    )


def most_dimensions(gram: Float[np.ndarray, "n n"], features: int) -> int:
    """The rank of n centred rows, if it is not the n - 1 that n rows of any dimension have; else all features."""
    rank = int(np.linalg.matrix_rank(gram, hermitian=True))
    return min(rank, features) if rank < len(gram) - 1 else features


def inverse_ratio(gram: Float[np.ndarray, "n n"]) -> float:
    """1/PR from the inner products of centred rows, each trace by its unbiased estimator; 0 at least."""
    n = len(gram)
    trace, square = np.trace(gram) / (n - 1), (gram**2).sum() / (n - 1) ** 2
    fourth = (gram.diagonal() ** 2).sum() / (n - 1)
    of_square = (n - 1) * (n - 2) * square + trace**2 - n * fourth
    square_of = 2 * square + (n**2 - 3 * n + 1) * trace**2 - n * fourth
    return float(max(of_square, 0) / square_of)


def influences(gram: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """Of each row on log(1/PR), scaled to have its variance as their sum of squares.

    With A the mean of g_ij^2 over pairs, h_i that over the pairs of row i, and B the mean of g_ii,

        d_i  = 2 (h_i - A) / (n A) - 2 (g_ii - B) / (n B),
        q_ij = 2 (g_ij^2 - h_i - h_j + A) / (n^2 A) - a_i a_j + 2 b_i b_j

    where a_i = 2 (h_i - A) / (n A) and b_i = (g_ii - B) / (n B) come from the logarithms' curvature.
    """
    n = len(gram)
    square = gram**2
    np.fill_diagonal(square, 0)
    h = square.sum(axis=1) / (n - 1)
    A, B = h.mean(), np.trace(gram) / n
    if A <= 1e-24 * B**2:
        return np.zeros(n)
    a, b = 2 * (h - A) / (n * A), (gram.diagonal() - B) / (n * B)
    d = a - 2 * b
    q = 2 * (square - h[:, None] - h + A) / (n**2 * A) - np.outer(a, a) + 2 * np.outer(b, b)
    return with_pairs_counted_once(d, q)


def studentised(
    influence: Float[np.ndarray, " n"], weights: Float[np.ndarray, "resamples n"]
) -> Float[np.ndarray, " resamples"]:
    """Sums of resampled influences, each in units of its own standard error, and these all in the sample's (bootstrap-t).

    An estimate that came out small by chance has a standard error that did too, where influences are skewed (Hall 1992).
    """
    total = (weights - 1) @ influence
    squares = weights @ influence**2 - total**2 / len(influence)
    return total * np.sqrt(ratio(np.full_like(total, influence @ influence), squares, otherwise=1.0))
