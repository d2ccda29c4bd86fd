"""Linear-probe R^2: how well a ridge regression reads each factor from raw latents that it was not fitted to.

The regression (`ridge`) chooses alpha by generalised cross-validation for each target and fold. A linear probe is Alain &
Bengio's (2016).

Features are centred and not rescaled one by one: the score then belongs to the geometry of the latents, the
same under rotation, shift and scaling of all, and a channel that is all but dead is not blown up.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.anova import share_between_bounds
from phasescope.measures.arguments import with_counts
from phasescope.measures.checks import (
    Labels,
    check_labels,
    check_latents,
    check_pairs,
    in_parts,
    random_folds,
)
from phasescope.measures.columns import Column, measure
from phasescope.measures.explained import explained, misclassified
from phasescope.measures.latents.ridge import RidgeFit, numbers_of_fits, out_of_fold, ridge_fits
from phasescope.measures.scores import Score, baseline_level, basic_interval, bootstrap_weights

# log(1 - R^2), no mean of which is larger, since alpha may leave the mean; intervals end there.
WORST = float(np.log(2))
# The least share of squared errors that is taken to be left without one row, though it be all that erred.
ALL_LEFT = 1e-6


@measure(
    Column(
        name="probe_r2",
        words="probe R² (ridge), minimum over factors",
        meaning="linear-probe R², minimum over factors; `.detail.FACTOR` is each factor's",
        unit="R²",
        high=1.0,
        better="higher",
        section="probe",
        needs=frozenset({"latents"}),
        baselines=("permuted",),
        core=True,
        usual=True,
        by_factor=True,
        gain="probe_gain",
        headline="probe R²",
        axis="share",
        terms=("probe_r2", "baseline", "untrained"),
    )
)
@with_counts()
def probe_r2(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    folds: int = 5,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Return cross-validated ridge R^2 of the factor that is read worst; `detail` has each factor's.

    R^2 is 1 - sum e^2 / sum (y - mean)^2 over all out-of-fold predictions; a periodic factor is its (sin, cos), errors
    and variances summed. A categorical factor has its accuracy instead: the share of labels whose class has the largest
    prediction (a ridge classifier); the baseline `majority` is then that of always answering the most common class.

    The interval is one for the least of the factors' mean R^2 over data sets of n labels; it resamples the labels'
    influences, refits included (not for an accuracy), each fit's alpha fixed. In each of twelve scenarios
    (docs/measures/interval_coverage.png) 183 to 194 of 200 such intervals held that mean. The baseline `permuted` is the
    level that the same statistic stays below in 95 % of permutations of the labels. The caller attaches others with
    `Score.with_baselines`: `untrained` (the same layer before training) and `pixels` (the x_t that were put in) are floors,
    `label_embedding` (the network's encoding of the label) is an upper reference, about 1 by construction.

    Args:
        latents: one row per label. Rows of equal labels, such as noise draws, are in one fold and count as one label, unless
            all factors are categorical, or fewer than two labels a fold differ: then folds share labels.
    """
    x = check_latents(latents, 2 * folds, f"{folds} folds hold two rows each")
    n, features = x.shape
    check_pairs(n, tables=2.4, numbers=numbers_of_fits(n, features, folds))
    known = check_labels(labels, n, factors)
    y, owner = known.targets()
    K = len(known.factors.names)

    group = known.repeated(2 * folds)

    rng = numpy_generator(seed, "order")
    # Permuted labels are further targets of the same fits, which decompose the latents once for all.
    shuffled = [permuted(y, rng, group) for _ in range(permutations)]
    targets = np.concatenate([y, *shuffled], axis=1)
    owners = np.concatenate([owner + K * p for p in range(permutations + 1)])
    fits = ridge_fits(x, targets, random_folds(n, folds, rng, group))
    predictions = out_of_fold(fits, n)

    classes = np.flatnonzero(known.factors.categorical).tolist()
    every = [k + K * p for p in range(permutations + 1) for k in classes]
    r2 = explained(targets, predictions, owners, np.ones((1, n)), every).reshape(permutations + 1, K)
    # What is estimated is the mean of R^2 over data sets of n labels, refits included: an interval which holds the
    # predictions is too narrow (Bates, Hastie & Tibshirani 2023). Its width is therefore that of the jackknife of the whole
    # of cross-validation, on log(1 - R^2). No fit is repeated for that: leaving out training row i moves the error e_t of
    # test row t by z_ti (`ridge`), and the sum of squared errors by sum_t 2 e_t z_ti + z_ti^2; leaving out j too, by about
    # 2 sum_t z_ti z_tj beyond that. The jackknife counts what rows do together once for each of them: `anova` says what
    # share of its variance is to stay. That is never less than with sqrt(1 - H_ii) in place of 1 - H_ii, which is unbiased
    # for a fit whose errors are alike (MacKinnon & White 1985).
    influence = influences(y, predictions[:, : y.shape[1]], owner, fits)
    for k in classes:
        wrong = misclassified(targets, predictions, owners == k)
        influence[:, k] = (wrong / max(wrong.mean(), 1 / n) - wrong.any()) / n
    if group is not None:  # rows of one label are not independent: the label is what is resampled
        influence = np.stack([np.bincount(group, of_factor) for of_factor in influence.T], axis=1)
    weights = bootstrap_weights(len(influence), resamples, rng)
    split = f"{folds}-fold" if group is None else f"{folds}-fold, equal labels in one fold"
    value = float(r2[0].min())
    unexplained = np.log(np.maximum(1 - r2[0], np.finfo(float).tiny))
    # The mean of lognormal errors lies above what their logarithms' mean says by half the variance.
    replicates = unexplained + (weights - 1) @ influence + weights @ influence**2 / 2
    unexplained += (influence**2).sum(axis=0) / 2
    low, high = basic_interval(float(unexplained.max()), replicates.max(axis=1))
    if classes and value == 1:  # no error to resample: 95 % lie below three of n (Hanley & Lippman-Hand 1983)
        high = math.log(3 / n)
    return Score(
        value=value,
        low=min(-math.expm1(min(high, WORST)), value),
        high=max(-math.expm1(low), value),
        n=n,
        estimator=f"{estimated(known)}, {split}, alpha by GCV, {features} raw features, "
        f"least of {', '.join(known.factors.names)}",
        baselines={"permuted": baseline_level(r2[1:].min(axis=1)), **majority(known)},
        detail=dict(zip(known.factors.names, r2[0].tolist(), strict=True)),
    )


def permuted(
    y: Float[np.ndarray, "n C"], rng: np.random.Generator, group: Int[np.ndarray, " n"] | None
) -> Float[np.ndarray, "n C"]:
    """Return targets of rows in another order; those of one group get those of another."""
    if group is None:
        return y[rng.permutation(len(y))]
    first = np.unique(group, return_index=True)[1]
    return y[first][rng.permutation(len(first))][group]


def estimated(known: Labels) -> str:
    """Return what is read of the factors, for an estimator's name."""
    classes = [factor.name for factor in known.factors if factor.categorical]
    if not classes:
        return "ridge R^2"
    accuracy = f"ridge classifier's accuracy of {', '.join(classes)}"
    return accuracy if len(classes) == len(known.factors.names) else f"ridge R^2, {accuracy}"


def majority(known: Labels) -> dict[str, float]:
    """Return the baseline of always answering the most common class, and the mean of other factors: the least."""
    if not known.factors.categorical.any():
        return {}
    shares = [
        float(known.categories(k).mean(axis=0).max()) if categorical else 0.0
        for k, categorical in enumerate(known.factors.categorical)
    ]
    return {"majority": min(shares)}


def influences(
    targets: Float[np.ndarray, "n C"],
    predictions: Float[np.ndarray, "n C"],
    owner: Int[np.ndarray, " C"],
    fits: Sequence[RidgeFit],
) -> Float[np.ndarray, "n K"]:
    """Return those of each row on each factor's log(1 - R^2), their squares summing to its variance."""
    n, K = len(targets), owner.max() + 1
    error = targets - predictions
    columns_of = owner[:, None] == np.arange(K)
    lost = (error**2) @ columns_of
    centred = (targets - targets.mean(axis=0)) ** 2 @ columns_of
    jackknife, hc2 = -lost, -lost
    # Tables of all pairs are large: these two serve every factor and every target.
    together, z = np.empty((n, n)), np.empty((n, n))
    of_factors = []
    for k in range(K):
        together.fill(0)
        for c in np.flatnonzero(owner == k).tolist():
            z.fill(0)
            for fit in fits:
                moved, free = fit.left_out(c)
                z[np.ix_(fit.test, fit.train)] = moved
                linear, square = 2 * error[fit.test, c] @ moved, (moved**2).sum(axis=0)
                jackknife[fit.train, k] += linear + square
                hc2[fit.train, k] += np.sqrt(free) * linear + free * square

            for part in in_parts(n):
                together[part] += z[:, part].T @ z
            for part in in_parts(n):
                z[part] *= z[part] / 2 + error[part, c : c + 1]
            together -= z
            together -= z.T
        together *= 2
        of_factor = _scaled(
            jackknife=jackknife[:, k],
            hc2=hc2[:, k],
            together=together,
            error=lost[:, k].sum(),
            centred=centred[:, k],
        )
        of_factors.append(of_factor)
    return np.stack(of_factors, axis=1)


def _scaled(
    jackknife: Float[np.ndarray, " n"],
    hc2: Float[np.ndarray, " n"],
    together: Float[np.ndarray, "n n"],
    error: float,
    centred: Float[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """Return one factor's influences from its gains in squared error, `error` in all, and the squares of its targets.

    `together`, the gains of pairs, is overwritten.
    """
    if error <= 0:
        return np.zeros_like(centred)
    n = len(centred)
    of_targets = _log1p(-centred * n / (n - 1) / centred.sum())
    jackknife, hc2 = _log1p(jackknife / error), _log1p(hc2 / error)

    gain = np.expm1(jackknife)
    for part in in_parts(n):
        rows = together[part]
        rows /= error
        rows += np.add.outer(gain[part], gain)
        _log1p(rows, out=rows)
        rows -= np.add.outer(jackknife[part], jackknife)

    d, least = jackknife - of_targets, hc2 - of_targets
    d, least = d - d.mean(), least - least.mean()
    of_rows = float(d @ d)
    if of_rows == 0:
        return np.zeros_like(d)
    variance = max(share_between_bounds(d, together) * of_rows, float(least @ least))
    return -d * math.sqrt(variance / of_rows)


def _log1p(
    gain: Float[np.ndarray, "*shape"], out: Float[np.ndarray, "*shape"] | None = None
) -> Float[np.ndarray, "*shape"]:
    # Some error is left though one row made all of it: the log of nothing is not finite.
    left = np.maximum(gain, ALL_LEFT - 1, out=out)
    return np.log1p(left, out=left)
