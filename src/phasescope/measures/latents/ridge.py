"""Ridge regressions of many targets on some rows, read on the others, alpha by generalised cross-validation.

With X the training rows and Y their targets, both centred, and X X^T = U diag(s) U^T,

    Y_hat_test = X_test X^T U diag(1 / (s + alpha)) U^T Y,

and alpha minimises, for each target by itself, the generalised cross-validation error (Golub, Heath & Wahba
1979)

    GCV(alpha) = m ||U diag(alpha / (s + alpha)) U^T Y||^2 / (sum_i alpha / (s_i + alpha) - 1)^2

over the m training rows; the 1 is the degree of freedom that the mean takes. Penalties that leave next to no degrees of
freedom are not tried (`LEAST_FREE`): there GCV is decided by chance.

With H the hat matrix of the training rows, G that of the test rows (Y_hat_test = G Y), both with the mean's 1 / m, and
alpha held, leaving out training row i moves the error of test row t

    e_t to e_t + z_ti,        z_ti = G_ti (y_i - (H Y)_i) / (1 - H_ii),

without a fit being repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

# Ridge penalties tried, in units of ||X||^2 over all rows: from next to none to one that leaves the mean.
ALPHAS = np.logspace(-12, 3, 31)
# Degrees of freedom that a penalty must leave for GCV to judge it (`choose_alpha`). Where about as many directions as rows
# are fitted one or two are left, in which a target may have next to nothing by chance: no penalty at all then looks best,
# and errors on other rows are hundreds of times the target's variance.
LEAST_FREE = 10


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
        """Return those of the test rows."""
        return self.y_mean + self.to_test @ (self.projected / (self.s[:, None] + self.alpha))

    def left_out(self, c: int) -> tuple[Float[np.ndarray, "t m"], Float[np.ndarray, " m"]]:
        """Return how each test row's error of target c grows as each training row is left out, alpha fixed; and 1 - H_ii."""
        m, weight = len(self.train), 1 / (self.s + self.alpha[c])
        # A row that alone spans a direction has a leverage of 1, and would be divided by 0.
        free = np.maximum(1 - 1 / m - self.leverage @ weight, np.finfo(float).eps)
        left = self.y[:, c] - self.to_train @ (self.projected[:, c] * weight)
        moved = (self.to_test * weight) @ self.from_targets.T
        moved += 1 / m
        moved *= left / free
        return moved, free

    @cached_property
    def leverage(self) -> Float[np.ndarray, "m r"]:
        """The unshrunk value of the training rows in each direction."""
        return self.to_train * self.from_targets


def ridge_fits(
    x: Float[np.ndarray, "n features"],
    targets: Float[np.ndarray, "n C"],
    folds: Sequence[Int[np.ndarray, " _"]],
) -> list[RidgeFit]:
    """Return for each fold the fits to the other rows, alpha chosen per target."""
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

        # Both Gram matrices have the same eigenvalues but for zeros: the smaller one is decomposed.
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

        fits.append(
            RidgeFit(
                test=test,
                train=train,
                s=s,
                alpha=alpha,
                from_targets=from_targets,
                to_train=to_train,
                to_test=to_test,
                projected=projected,
                y=y,
                y_mean=y_mean,
            )
        )
    return fits


def numbers_of_fits(n: int, features: int, folds: int) -> int:
    """Return how many float64 numbers the fits of `ridge_fits` hold, once they were asked what is `left_out`."""
    train, test = n - n // folds, n // folds
    of_train = (
        2 if features < train else 3
    )  # one table fewer where the rows' projections are those of the directions
    return folds * min(features, train) * (of_train * train + test)


def out_of_fold(fits: Sequence[RidgeFit], n: int) -> Float[np.ndarray, "n C"]:
    """Return predictions of each of n rows by the fit that tests it; NaN without one."""
    predictions = np.full((n, len(fits[0].alpha)), np.nan)
    for fit in fits:
        predictions[fit.test] = fit.predictions()
    return predictions


def eigh(gram: Float[np.ndarray, "r r"]) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, "r r"]]:
    """Return eigenvalues, rounding errors set to 0, and eigenvectors."""
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
    """Return the alpha that minimises GCV (Golub, Heath & Wahba 1979), for each of C centred targets of m rows.

    The part `explicable` of a target's square along a principal direction of variance s is shrunk by alpha / (s + alpha)
    twice; the part `outside` all directions stays whole. Of m degrees of freedom the mean takes one. Of noise a weighted
    sum of squares is left, with the shrinkages' squares as weights w^2: as good as (sum w^2)^2 / sum w^4 equal squares
    (Satterthwaite 1946). Penalties that leave fewer than `LEAST_FREE`, or half of few rows, are not tried.
    """
    shrink = alphas[:, None] / (s + alphas[:, None])
    of_rows = shrink[:, max(len(s) - m + 1, 0) :]  # as many directions as rows: the first is the mean's
    full = max(m - len(s) - 1, 0)
    free = of_rows.sum(axis=1) + full
    alike = ((of_rows**2).sum(axis=1) + full) ** 2 / ((of_rows**4).sum(axis=1) + full)
    may = alike >= min(LEAST_FREE, (m - 1) / 2)
    gcv = (shrink[may] ** 2 @ explicable + outside) / free[may, None] ** 2
    return alphas[may][gcv.argmin(axis=0)]
