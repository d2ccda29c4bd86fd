"""Linear dimension: over how many directions is the latents' variance spread?

The participation ratio of the covariance's eigenvalues (Gao et al. 2017),

    PR = (sum lambda)^2 / sum lambda^2 = tr(C)^2 / tr(C^2),

is d for an isotropic cloud in d dimensions, 2 for a flat square sheet, 4 for the ideal Clifford torus.
Estimated from n rows, 1/PR comes out too large by about 1/n (PR 128 instead of 163 for n = 600), as does 1/PR
of a bootstrap resample against that of the sample: so the bias is seen, and taken off 1/PR.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from phasescope.measures.checks import check_count, check_latents
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, ratio
from phasescope.randomness import numpy_generator


def participation_ratio(
    latents: Float[np.ndarray, "n features"], resamples: int = 200, seed: int = 0
) -> Score:
    """The participation ratio, in dimensions, less its finite-sample bias; `detail` has it `uncorrected`.

    The interval resamples labels. It has no null of its own: the caller attaches the untrained network's and
    the pixels' with `Score.with_nulls`.

    Raises:
        ValueError: as `check_latents` says, or n < 3.
    """
    check_count("resamples", resamples, 2, "an interval needs replicates")
    x = check_latents(latents, 3, "a covariance needs them")
    n, features = x.shape
    x = x - x.mean(axis=0)
    gram = x @ x.T
    inverse = float(inverse_ratio(gram, np.ones((1, n)))[0])
    replicates = inverse_ratio(
        gram, bootstrap_weights(n, resamples, numpy_generator(seed, "participation ratio"))
    )
    corrected = 2 * inverse - replicates.mean()
    low, high = basic_interval(inverse, replicates)
    value, low, high = (1 / np.clip([corrected, high, low], 1 / features, 1)).tolist()
    return Score(
        value=value,
        low=low,
        high=high,
        n=n,
        estimator=f"participation ratio, {features} features, bias-corrected",
        detail={"uncorrected": 1 / inverse},
    )


def inverse_ratio(
    gram: Float[np.ndarray, "n n"], weights: Float[np.ndarray, "resamples n"]
) -> Float[np.ndarray, " resamples"]:
    """1/PR of each weighted sample, from inner products g_ij; weights w sum to n.

    With a = g w / n and b = w^T g w / n^2, the weighted mean's removal turns g_ij into g_ij - a_i - a_j + b,
    so that

        n tr(C) = sum_i w_i g_ii - n b,
        n^2 tr(C^2) = sum_ij w_i w_j g_ij^2 - 2 n sum_i w_i a_i^2 + n^2 b^2.
    """
    n = len(gram)
    a = weights @ gram / n
    b = (weights * a).sum(axis=1) / n
    trace = weights @ gram.diagonal() - n * b
    squares = (weights @ gram**2 * weights).sum(axis=1)
    trace_of_square = squares - 2 * n * (weights * a**2).sum(axis=1) + n**2 * b**2
    return ratio(trace_of_square, trace**2, otherwise=1.0)
