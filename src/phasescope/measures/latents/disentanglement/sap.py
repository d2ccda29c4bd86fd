"""The SAP score, separated attribute predictability (Kumar et al. 2018): how far one dimension leads in reading a factor.

    SAP = mean_k (S_j1,k - S_j2,k),     j1 and j2 the two dimensions that read factor k best.

For a continuous factor S_jk is the R^2 of a linear regression on dimension j alone: here fitted to the training rows, of the
test rows, and 0 where it is negative. A periodic factor is regressed as (sin, cos), each at unit variance, errors and
variances summed, and may be read by two dimensions together. That, and what factors tell of each other where combinations
are missing, is `units`' subject. Of a categorical factor S_jk is the correlation ratio: R^2 of a regression the other way
round, of dimension j on the factor's values, 1 where they say all of it.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from phasescope.measures.checks import check_draws
from phasescope.measures.latents.disentanglement.code import Code, scored, standardised
from phasescope.measures.latents.disentanglement.units import gap, units_of
from phasescope.measures.scores import Score, bootstrap_weights, ratio
from phasescope.randomness import numpy_generator


def sap(code: Code, permutations: int = 20, resamples: int = 200, seed: int = 0) -> Score:
    """SAP over the test rows; `detail` has each factor's.

    The interval is a bootstrap over test rows and, separately, over the training rows that regressions are refitted to.

    Args:
        permutations: draws of each null.

    Raises:
        ValueError: as `check_draws` and `gap` say.
    """
    check_draws(permutations, resamples)
    rng = numpy_generator(seed, "sap")
    once = np.ones((1, len(code.train))), np.ones((1, len(code.test)))
    of_factor = _gaps(code, *once)[0]
    drawn = [bootstrap_weights(len(rows), resamples, rng) for rows in (code.train, code.test)]
    replicates = _gaps(code, *drawn).mean(axis=1)
    return scored(
        f"SAP, R^2 of a linear regression on each dimension, {code.name}",
        float(of_factor.mean()),
        replicates,
        len(code.test),
        {
            "permuted": [_gaps(code.permuted(rng), *once).mean() for _ in range(permutations)],
            "rotated": [_gaps(code.turned(rng), *once).mean() for _ in range(permutations)],
        },
        code.by_factor(of_factor),
    )


def _gaps(
    code: Code, train_weights: Float[np.ndarray, "draws m"], test_weights: Float[np.ndarray, "draws t"]
) -> Float[np.ndarray, "draws K"]:
    """Each factor's gap under each draw's weights of training and test rows."""
    targets, owner = code.labels.targets()
    y = standardised(targets, code.train)
    z = standardised(code.z, code.train)
    columns = np.concatenate([z, y], axis=1)
    train = moments(columns[code.train], train_weights)
    test = moments(columns[code.test], test_weights)
    most, gaps = np.ones(len(train)), []
    columns_of = [code.d + np.flatnonzero(owner == k) for k in range(code.K)]
    for k, name in enumerate(code.labels.names):
        units = units_of(code.d, bool(code.labels.periodic[k]))
        others = [columns for other, columns in enumerate(columns_of) if other != k]
        if code.labels.categorical[k]:
            of_unit, of_others = (
                [single_r2(train, test, columns_of[k][None], unit) for unit in some]
                for some in (np.arange(code.d)[:, None], others)
            )
        else:
            of_unit = [single_r2(train, test, units, columns_of[k])]
            of_others = [single_r2(train, test, _as_unit(columns), columns_of[k]) for columns in others]
        gaps.append(
            gap(np.concatenate(of_unit, axis=1), np.concatenate(of_others, axis=1), most, units, name)
        )
    return np.stack(gaps, axis=1)


def _as_unit(columns: Int[np.ndarray, " C"]) -> Int[np.ndarray, "1 width"]:
    """A factor's targets as a unit, of two columns at least."""
    return columns[None, [0, -1]] if len(columns) <= 2 else columns[None]


def moments(
    x: Float[np.ndarray, "rows p"], weights: Float[np.ndarray, "draws rows"]
) -> Float[np.ndarray, "draws p_plus_1 p_plus_1"]:
    """Weighted means of the products of all columns, the last one being 1."""
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    products = (x[:, :, None] * x[:, None]).reshape(len(x), -1)
    mean = weights @ products / weights.sum(axis=1, keepdims=True)
    return mean.reshape(-1, x.shape[1], x.shape[1])


def single_r2(
    train: Float[np.ndarray, "draws q q"],
    test: Float[np.ndarray, "draws q q"],
    units: Int[np.ndarray, "U width"],
    predicted: Int[np.ndarray, " C"],
) -> Float[np.ndarray, "draws U"]:
    """R^2, at least 0, on the test rows of regressions with intercept on each unit of the training rows, targets pooled."""
    pair = np.concatenate([units, np.full((len(units), 1), -1)], axis=1)
    # The minimum-norm solution: of a unit's dimension that is there twice, half of its slope each.
    inverse = np.linalg.pinv(train[:, pair[:, :, None], pair[:, None]], rcond=1e-10, hermitian=True)
    slopes = inverse @ train[:, pair[:, :, None], predicted]
    error = total = np.zeros(())
    for c, column in enumerate(predicted):
        w = slopes[..., c]
        quadratic = np.einsum("bui,buij,buj->bu", w, test[:, pair[:, :, None], pair[:, None]], w)
        crossed = (w * test[:, pair, column]).sum(axis=-1)
        error = error + test[:, None, column, column] - 2 * crossed + quadratic
        total = total + test[:, None, column, column] - test[:, None, column, -1] ** 2
    return np.maximum(1 - ratio(error, np.broadcast_to(total, error.shape), otherwise=1.0), 0)
