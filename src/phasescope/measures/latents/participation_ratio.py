"""Linear dimension: over how many directions is the variance of latents spread?

The participation ratio of the covariance's eigenvalues (Gao et al. 2017),

    PR = (sum lambda)^2 / sum lambda^2 = tr(C)^2 / tr(C^2).

From n rows, 1/PR is too large by about 1/n (PR 128 instead of 163 for n = 600). So traces have their unbiased estimators,
which assume nothing of the distribution (Himeno & Yamada 2014): with S the sample's covariance and
F = sum_i ||x_i - mean||^4 / (n - 1),

    tr(C^2)    from   (n - 1) / (n (n - 2) (n - 3))  ((n - 1) (n - 2) tr(S^2) + tr(S)^2 - n F),
    tr(C)^2    from   (n - 1) / (n (n - 2) (n - 3))  (2 tr(S^2) + (n^2 - 3 n + 1) tr(S)^2 - n F).

A row by itself may have little influence on it, and pairs of rows all: `anova` corrects a variance that counts pairs twice.
"""

import math

import numpy as np
from jaxtyping import Float

from phasescope.core.randomness import numpy_generator
from phasescope.measures.anova import with_pairs_counted_once
from phasescope.measures.arguments import with_counts
from phasescope.measures.checks import check_latents, check_pairs, in_parts
from phasescope.measures.columns import Beside, Column, measure
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, ratio


@measure(
    Column(
        name="participation_ratio",
        words="participation ratio",
        meaning="participation ratio of single activations: over how many directions they spread",
        unit="dimensions",
        low=1.0,
        section="dimension",
        needs=frozenset({"latents"}),
        usual=True,
        panel=False,
    ),
    take=lambda given: participation_ratio(given.latents),
)
@with_counts()
def participation_ratio(
    latents: Float[np.ndarray, "n features"], resamples: int = 200, seed: int = 0
) -> Score:
    """Return the participation ratio, in dimensions, less its finite-sample bias; `detail` has it `uncorrected`.

    The interval resamples rows' influences on log PR, less what pairs of rows count twice. Value and interval lie
    between 1 and the number of features that vary, or the rows' rank where rows lie in fewer dimensions than n would
    fill. It has no baseline of its own: callers attach the untrained network's and the pixels' with `Score.with_baselines`.
    """
    x = check_latents(latents, 4, "an unbiased estimate of tr(C^2) needs them")
    n, features = x.shape
    check_pairs(n, tables=2)

    x = x - x.mean(axis=0)
    gram = x @ x.T
    log_inverse_pr = math.log(max(inverse_ratio(gram), 1 / features))

    influence = influences(gram)
    weights = bootstrap_weights(n, resamples, numpy_generator(seed, "participation ratio"))
    low, high = basic_interval(log_inverse_pr, log_inverse_pr + studentised(influence, weights))
    # The inverse falls, so that its upper end gives the lower one.
    value, low, high = np.exp([-log_inverse_pr, -high, -low])

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


@measure(
    Column(
        name="label_participation_ratio",
        words="participation ratio of label means",
        meaning="participation ratio of label means, once noise is averaged out",
        unit="dimensions",
        low=1.0,
        section="dimension",
        needs=frozenset({"latents", "draws"}),
        core=True,
        usual=True,
        phase="sheet",
        title="Dimension of label means",
        axis="log",
        beside=Beside("participation_ratio", "of single activations"),
        terms=("participation_ratio", "sheet", "baseline"),
    ),
    take=lambda given: label_participation_ratio(given.draws),
)
def label_participation_ratio(draws: Float[np.ndarray, "draws n features"]) -> Score:
    """Return the participation ratio of the labels' means over noise draws."""
    return participation_ratio(np.mean(draws, axis=0))


def most_dimensions(gram: Float[np.ndarray, "n n"], features: int) -> int:
    """Return the rank of n centred rows, if it is not the n - 1 that n rows of any dimension have; else all features."""
    rank = int(np.linalg.matrix_rank(gram, hermitian=True))
    return min(rank, features) if rank < len(gram) - 1 else features


def inverse_ratio(gram: Float[np.ndarray, "n n"]) -> float:
    """Return 1/PR from the inner products of centred rows, each trace by its unbiased estimator; 0 at least."""
    n = len(gram)
    trace, square = np.trace(gram) / (n - 1), (gram**2).sum() / (n - 1) ** 2
    fourth = (gram.diagonal() ** 2).sum() / (n - 1)
    of_square = (n - 1) * (n - 2) * square + trace**2 - n * fourth
    square_of = 2 * square + (n**2 - 3 * n + 1) * trace**2 - n * fourth
    return float(max(of_square, 0) / square_of)


def influences(gram: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " n"]:
    """Return each row's influence on log(1/PR), scaled to have its variance as their sum of squares.

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

    a = 2 * (h - A) / (n * A)
    b = (gram.diagonal() - B) / (n * B)
    d = a - 2 * b

    # In place and in parts, since a table of all pairs is large.
    q = square
    for part in in_parts(n):
        rows = q[part]
        rows -= h[part, None]
        rows -= h
        rows += A
        rows *= 2
        rows /= n**2 * A
        rows -= np.outer(a[part], a)
        rows += 2 * np.outer(b[part], b)
    return with_pairs_counted_once(d, q)


def studentised(
    influence: Float[np.ndarray, " n"], weights: Float[np.ndarray, "resamples n"]
) -> Float[np.ndarray, " resamples"]:
    """Return sums of resampled influences, each in units of its own standard error, times the sample's (bootstrap-t).

    An estimate that came out small by chance has a standard error that did too, where influences are skewed (Hall 1992).
    """
    total = (weights - 1) @ influence
    squares = weights @ influence**2 - total**2 / len(influence)
    return total * np.sqrt(ratio(np.full_like(total, influence @ influence), squares, otherwise=1.0))
