"""Linear order: how well a ridge regression reads each factor from raw latents that it was not fitted to.

With X the training fold's latents and Y its targets, both centred, and X X^T = U diag(s) U^T,

    Y_hat_test = X_test X^T U diag(1 / (s + alpha)) U^T Y,

and alpha minimises, for each target by itself, the generalised cross-validation error (Golub, Heath & Wahba
1979)

    GCV(alpha) = m ||U diag(alpha / (s + alpha)) U^T Y||^2 / (sum_i alpha / (s_i + alpha) - 1)^2

over the training fold's m rows; the 1 is the degree of freedom that the mean takes. A linear probe is Alain &
Bengio's (2016).

What is estimated is the mean of R^2 over data sets of n labels, refits included: errors of one fit hang together, so that
an interval which holds the predictions is too narrow (Bates, Hastie & Tibshirani 2023). Each label's influence is therefore
its jackknife's (Efron & Stein 1981), of the whole of cross-validation: a label left out is missing from its test fold and
from the other folds' fits. No fit is repeated for that. With H the hat matrix of a fold's training rows, G that of
its test rows (Y_hat_test = G Y), both with the mean's 1 / m, and alpha held, leaving out training row i moves

    e_test to e_test + G_i (y_i - (H Y)_i) / (1 - H_ii).

Features are centred and not rescaled one by one: the score then belongs to the geometry of the latents, the
same under rotation, shift and scaling of all, and a channel that is all but dead is not blown up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from phasescope.measures.checks import check_count, check_labels, check_latents
from phasescope.measures.scores import Score, basic_interval, bootstrap_weights, null_level, ratio
from phasescope.randomness import numpy_generator

ALPHAS = np.logspace(-12, 3, 31)
"""Ridge penalties tried, in units of ||X||^2 over all rows: from next to none to one that leaves the mean."""


def order(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    periodic: Sequence[bool] | None = None,
    span: Sequence[float] | None = None,
    folds: int = 5,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
    *,
    names: Sequence[str] | None = None,
) -> Score:
    """Cross-validated ridge R^2 of the factor that is read worst; `detail` has each factor's.

    R^2 is 1 - sum e^2 / sum (y - mean)^2 over all out-of-fold predictions; a periodic factor is its (sin,
    cos), errors and variances summed. The interval is one for the least of the factors' mean R^2 over data sets of n labels;
    it resamples the labels' jackknife influences, refits included, each fit's alpha held. The null `permuted` is the level
    that the same statistic stays below in 95 % of permutations of the labels.

    The other nulls are this function on other arrays, attached by the caller with `Score.with_nulls`:
    `untrained` (the same tap of the network before training) and `pixels` (the x_t that were put in) are
    floors, which order must exceed to mean anything. `label_embedding` (the network's encoding of the label)
    is a ceiling: R^2 about 1 by construction, and what a tap scores that does nothing but pass the label on.

    Args:
        latents: one row a label; several noise draws of one label must not be rows, for folds would share
            labels.
        labels: in the world's units.
        periodic: which of the K factors are; open by default.
        span: range of each factor, the period of a periodic one.
        names: of the factors, by default x, y, 3, 4, ...

    Raises:
        ValueError: shapes, counts or values as `check_latents` and `check_labels` say, or n < 2 `folds`.
    """
    check_count("folds", folds, 2, "each row is predicted from others")
    check_count("permutations", permutations, 1, "a score needs its null")
    check_count("resamples", resamples, 2, "an interval needs replicates")
    x = check_latents(latents, 2 * folds, f"{folds} folds hold two rows each")
    n, features = x.shape
    known = check_labels(labels, n, periodic, span, names)
    y, owner = known.targets()
    K = len(known.names)

    rng = numpy_generator(seed, "order")
    shuffled = [y[rng.permutation(n)] for _ in range(permutations)]
    targets = np.concatenate([y, *shuffled], axis=1)
    owners = np.concatenate([owner + K * p for p in range(permutations + 1)])
    fits = ridge_fits(x, targets, np.array_split(rng.permutation(n), folds))
    predictions = out_of_fold(fits, n)

    r2 = explained(targets, predictions, owners, np.ones((1, n))).reshape(permutations + 1, K)
    without = explained_without_each(y, predictions[:, : y.shape[1]], owner, fits)
    influence = (n - 1) * (without.mean(axis=0) - without)
    weights = bootstrap_weights(n, resamples, rng)
    replicates = (r2[0] + weights @ influence / n).min(axis=1)
    value = float(r2[0].min())
    low, high = basic_interval(value, replicates)
    return Score(
        value=value,
        low=low,
        high=min(high, 1.0),
        n=n,
        estimator=f"ridge R^2, {folds}-fold, alpha by GCV, {features} raw features, "
        f"least of {', '.join(known.names)}",
        nulls={"permuted": null_level(r2[1:].min(axis=1))},
        detail=dict(zip(known.names, r2[0].tolist(), strict=True)),
    )


@dataclass(frozen=True)
class RidgeFit:
    """Ridge regressions of C targets on one fold's training rows, in the r principal directions of these."""

    test: Int[np.ndarray, " t"]
    train: Int[np.ndarray, " m"]
    s: Float[np.ndarray, " r"]
    """Squared singular values of the training rows."""
    alpha: Float[np.ndarray, " C"]
    from_targets: Float[np.ndarray, "m r"]
    """L, and below A and B: with W = diag(1 / (s + alpha)), A W L^T is the training rows' hat matrix less the mean's 1 / m,
    B W L^T the test rows'."""
    to_train: Float[np.ndarray, "m r"]
    to_test: Float[np.ndarray, "t r"]
    projected: Float[np.ndarray, "r C"]
    """L^T Y, of centred targets."""
    y: Float[np.ndarray, "m C"]
    """Centred targets."""
    y_mean: Float[np.ndarray, " C"]

    def predictions(self) -> Float[np.ndarray, "t C"]:
        """Of the test rows."""
        return self.y_mean + self.to_test @ (self.projected / (self.s[:, None] + self.alpha))

    def changes(self, c: int, error: Float[np.ndarray, " t"]) -> Float[np.ndarray, " m"]:
        """By how much the sum of target c's squared test errors grows for each training row left out, alpha held."""
        m = len(self.train)
        shrunk = self.from_targets / (self.s + self.alpha[c])
        hat_test = self.to_test @ shrunk.T + 1 / m
        free = 1 - 1 / m - (self.to_train * shrunk).sum(axis=1)
        left = self.y[:, c] - self.to_train @ (self.projected[:, c] / (self.s + self.alpha[c]))
        step = left / np.maximum(free, np.finfo(float).eps)
        return 2 * step * (error @ hat_test) + step**2 * (hat_test**2).sum(axis=0)


def ridge_fits(
    x: Float[np.ndarray, "n features"],
    targets: Float[np.ndarray, "n C"],
    folds: Sequence[Int[np.ndarray, " _"]],
) -> list[RidgeFit]:
    """For each fold, the fits to the other rows, alpha chosen per target."""
    x = x - x.mean(axis=0)
    if x.shape[1] > len(x):
        x = np.asarray(np.linalg.qr(x.T, mode="r")).T  # the same inner products, in n dimensions
    alphas = ALPHAS * (x**2).sum()
    fits = []
    for test in folds:
        train = np.setdiff1d(np.arange(len(x)), test)
        x_mean, y_mean = x[train].mean(axis=0), targets[train].mean(axis=0)
        a, y = x[train] - x_mean, targets[train] - y_mean
        m, features = a.shape
        if features < m:
            s, directions = eigh(a.T @ a)
            from_targets = to_train = a @ directions
            projected = from_targets.T @ y
            explicable = np.divide(
                projected**2, s[:, None], out=np.zeros_like(projected), where=s[:, None] > 0
            )
        else:
            s, from_targets = eigh(a @ a.T)
            directions = a.T @ from_targets
            to_train = from_targets * s
            projected = from_targets.T @ y
            explicable = projected**2
        outside = np.maximum((y**2).sum(axis=0) - explicable.sum(axis=0), 0)
        alpha = choose_alpha(s, explicable, outside, m, alphas)
        to_test = (x[test] - x_mean) @ directions
        fits.append(RidgeFit(test, train, s, alpha, from_targets, to_train, to_test, projected, y, y_mean))
    return fits


def out_of_fold(fits: Sequence[RidgeFit], n: int) -> Float[np.ndarray, "n C"]:
    """Predictions of each of n rows by the fit that tests it; NaN where none does."""
    predictions = np.full((n, len(fits[0].alpha)), np.nan)
    for fit in fits:
        predictions[fit.test] = fit.predictions()
    return predictions


def ridge_out_of_fold(
    x: Float[np.ndarray, "n features"],
    targets: Float[np.ndarray, "n C"],
    folds: Sequence[Int[np.ndarray, " _"]],
) -> Float[np.ndarray, "n C"]:
    """Each target's ridge prediction for each fold's rows from the other rows, alpha chosen per target."""
    return out_of_fold(ridge_fits(x, targets, folds), len(x))


def eigh(gram: Float[np.ndarray, "r r"]) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, "r r"]]:
    """Eigenvalues, those that are rounding errors set to 0, and eigenvectors."""
    s, u = np.linalg.eigh(gram)
    s[s < len(s) * np.finfo(float).eps * s[-1]] = 0
    return s, u


def choose_alpha(
    s: Float[np.ndarray, " r"],
    explicable: Float[np.ndarray, "r C"],
    outside: Float[np.ndarray, " C"],
    m: int,
    alphas: Float[np.ndarray, " some"],
) -> Float[np.ndarray, " C"]:
    """The alpha that minimises GCV (Golub, Heath & Wahba 1979), for each of C centred targets of m rows.

    Of a target's square the part `explicable` along a principal direction of variance s is shrunk by alpha / (s + alpha)
    twice; the part `outside` all directions stays whole. Of m degrees of freedom the mean takes one.
    """
    shrink = alphas[:, None] / (s + alphas[:, None])
    free = shrink.sum(axis=1) + m - len(s) - 1
    gcv = (shrink**2 @ explicable + outside) / free[:, None] ** 2
    return alphas[gcv.argmin(axis=0)]


def explained(
    targets: Float[np.ndarray, "n C"],
    predictions: Float[np.ndarray, "n C"],
    owner: Int[np.ndarray, " C"],
    weights: Float[np.ndarray, "resamples n"],
) -> Float[np.ndarray, "resamples K"]:
    """R^2 of each factor under each row of weights; a factor's columns are pooled."""
    error = weights @ (targets - predictions) ** 2
    centred = targets - targets.mean(axis=0)
    total = weights @ centred**2 - (weights @ centred) ** 2 / weights.sum(axis=1, keepdims=True)
    columns_of = owner[:, None] == np.arange(owner.max() + 1)
    return 1 - ratio(error @ columns_of, total @ columns_of, otherwise=1.0)


def explained_without_each(
    targets: Float[np.ndarray, "n C"],
    predictions: Float[np.ndarray, "n C"],
    owner: Int[np.ndarray, " C"],
    fits: Sequence[RidgeFit],
) -> Float[np.ndarray, "n K"]:
    """Out-of-fold R^2 of each factor, for each row left out of test and training, alpha held."""
    n = len(targets)
    error = targets - predictions
    without = (error**2).sum(axis=0) - error**2
    for fit in fits:
        for c in range(targets.shape[1]):
            without[fit.train, c] += fit.changes(c, error[fit.test, c])
    centred = (targets - targets.mean(axis=0)) ** 2
    total = centred.sum(axis=0) - centred * n / (n - 1)
    columns_of = owner[:, None] == np.arange(owner.max() + 1)
    return 1 - ratio(without @ columns_of, total @ columns_of, otherwise=1.0)
