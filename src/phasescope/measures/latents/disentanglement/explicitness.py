"""Explicitness (Ridgeway & Mozer 2018): can a linear probe read all factors?

The source's is the area under the ROC curve of a linear classifier, scaled to 0 at chance and 1 at best. For continuous
factors it is, with a ridge regression for the classifier and squared errors e for the area,

    explicitness = mean_k (1 - sum e^2 / sum (y - mean of the training rows)^2),     over the test rows:

0 for a probe that knows only the training labels, negative for one that is misled. A periodic factor is read as (sin, cos),
a categorical one as a column for each of its values, errors and squares summed: Brier's (1950) skill score.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from phasescope.measures.checks import check_draws
from phasescope.measures.latents.disentanglement.code import Code, scored
from phasescope.measures.latents.ridge import RidgeFit, ridge_fits
from phasescope.measures.scores import Score, bootstrap_weights, ratio
from phasescope.randomness import numpy_generator


def explicitness(code: Code, permutations: int = 20, resamples: int = 200, seed: int = 0) -> Score:
    """Explicitness over the test rows, by a ridge regression with alpha by GCV; `detail` has each factor's.

    The interval is a bootstrap over test rows and, separately, over training rows by their jackknife influences, each
    fit's alpha held. The null `permuted` is the level that it stays below in 95 % of permutations.

    Raises:
        ValueError: as `check_draws` says.
    """
    check_draws(permutations, resamples)
    rng = numpy_generator(seed, "explicitness")
    t, m = len(code.test), len(code.train)
    once = np.ones((1, t))
    fit = _fit(code)
    of_factor = skill(code, fit, once)[0]
    by_test_row = skill(code, fit, bootstrap_weights(t, resamples, rng)).mean(axis=1)
    by_training_row = bootstrap_weights(m, resamples, rng) @ training_influences(code, fit) / m
    null = []
    for _ in range(permutations):
        permuted = code.permuted(rng)
        null.append(skill(permuted, _fit(permuted), once).mean())
    return scored(
        f"explicitness, ridge, alpha by GCV, squared error against the training mean's, {code.name}",
        float(of_factor.mean()),
        by_test_row + by_training_row,
        t,
        {"permuted": null},
        code.by_factor(of_factor),
        least=-np.inf,
    )


def _fit(code: Code) -> RidgeFit:
    return ridge_fits(code.z, code.labels.targets()[0], [code.test])[0]


def skill(
    code: Code, fit: RidgeFit, weights: Float[np.ndarray, "resamples t"]
) -> Float[np.ndarray, "resamples K"]:
    """1 - squared error over that of the training rows' mean, of each factor, under each row of weights."""
    y, owner = code.labels.targets()
    columns_of = owner[:, None] == np.arange(code.K)
    error = weights @ (y[code.test] - fit.predictions()) ** 2 @ columns_of
    chance = weights @ (y[code.test] - fit.y_mean) ** 2 @ columns_of
    return 1 - ratio(error, chance, otherwise=1.0)


def training_influences(code: Code, fit: RidgeFit) -> Float[np.ndarray, " m"]:
    """Of each training row on explicitness, by leaving it out of the fit and of the mean: 0 on average."""
    y, owner = code.labels.targets()
    columns_of = owner[:, None] == np.arange(code.K)
    m = len(code.train)
    error, apart = y[code.test] - fit.predictions(), y[code.test] - fit.y_mean
    moved = -fit.y / (m - 1)  # of the mean, for each row left out
    grown = np.empty_like(fit.y)
    for c in range(y.shape[1]):
        moved_error = fit.left_out(c)[0]
        grown[:, c] = 2 * error[:, c] @ moved_error + (moved_error**2).sum(axis=0)
    chance_grown = len(code.test) * moved**2 - 2 * moved * apart.sum(axis=0)
    without = (
        ((error**2).sum(axis=0) + grown) @ columns_of / (((apart**2).sum(axis=0) + chance_grown) @ columns_of)
    )
    explicit = (1 - without).mean(axis=1)
    return (m - 1) * (explicit.mean() - explicit)
