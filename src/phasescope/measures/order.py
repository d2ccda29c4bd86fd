"""Linear order: how well a ridge regression reads each factor from raw latents that it was not fitted to.

With X the training fold's latents and Y its targets, both centred, and X X^T = U diag(s) U^T,

    Y_hat_test = X_test X^T U diag(1 / (s + alpha)) U^T Y,

and alpha minimises, for each target by itself, the generalised cross-validation error (Golub, Heath & Wahba
1979)

    GCV(alpha) = m ||U diag(alpha / (s + alpha)) U^T Y||^2 / (sum_i alpha / (s_i + alpha) - 1)^2

over the training fold's m rows; the 1 is the degree of freedom that the mean takes. A linear probe is Alain &
Bengio's (2016).

Features are centred and not rescaled one by one: the score then belongs to the geometry of the latents, the
same under rotation, shift and scaling of all, and a channel that is all but dead is not blown up.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    cos), errors and variances summed. The interval resamples labels, with predictions held: what refitting
    would change is not in it, so it is too narrow where features are many and noisy (it then held the mean
    over data sets in 76 to 89 % of simulations, not 95). The null `permuted` is the level that the same
    statistic stays below in 95 % of permutations of the labels.

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
    predictions = ridge_out_of_fold(x, targets, np.array_split(rng.permutation(n), folds))

    r2 = explained(targets, predictions, owners, np.ones((1, n))).reshape(permutations + 1, K)
    weights = bootstrap_weights(n, resamples, rng)
    replicates = explained(y, predictions[:, : y.shape[1]], owner, weights).min(axis=1)
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


def ridge_out_of_fold(
    x: Float[np.ndarray, "n features"],
    targets: Float[np.ndarray, "n C"],
    folds: Sequence[Int[np.ndarray, " _"]],
) -> Float[np.ndarray, "n C"]:
    """Each target's ridge prediction for each fold's rows from the other rows, alpha chosen per target."""
    x = x - x.mean(axis=0)
    if x.shape[1] > len(x):
        x = np.asarray(np.linalg.qr(x.T, mode="r")).T  # the same inner products, in n dimensions
    alphas = ALPHAS * (x**2).sum()
    predictions = np.empty_like(targets)
    for test in folds:
        train = np.setdiff1d(np.arange(len(x)), test)
        x_mean, y_mean = x[train].mean(axis=0), targets[train].mean(axis=0)
        a, y = x[train] - x_mean, targets[train] - y_mean
        m, features = a.shape
        if features < m:
            s, directions = eigh(a.T @ a)
            projected = directions.T @ (a.T @ y)
            explicable = np.divide(
                projected**2, s[:, None], out=np.zeros_like(projected), where=s[:, None] > 0
            )
        else:
            s, u = eigh(a @ a.T)
            directions = a.T @ u
            projected = u.T @ y
            explicable = projected**2
        outside = np.maximum((y**2).sum(axis=0) - explicable.sum(axis=0), 0)
        alpha = choose_alpha(s, explicable, outside, m, alphas)
        predictions[test] = y_mean + (x[test] - x_mean) @ directions @ (projected / (s[:, None] + alpha))
    return predictions


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
