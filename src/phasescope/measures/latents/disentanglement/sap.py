"""SAP (Kumar et al. 2018): `gap` of the R^2 of linear regressions on the test rows, 0 where negative, with W_k = 1.

A periodic factor is regressed as (sin, cos), and of a categorical one the dimension is regressed on the factor's values.
"""

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import check_is, with_counts
from phasescope.measures.columns import Column, measure
from phasescope.measures.latents.disentanglement.code import Code, moments, scored, standardised
from phasescope.measures.latents.disentanglement.gap import gap, units_of
from phasescope.measures.scores import Score, bootstrap_weights, ratio


@measure(
    Column(
        name="sap",
        words="SAP",
        meaning="whether one dimension predicts a factor linearly much better than the next",
        unit="share",
        low=0.0,
        high=1.0,
        better="higher",
        section="disentanglement",
        needs=frozenset({"latents"}),
        baselines=("permuted", "rotated"),
    ),
    take=lambda given: sap(given.code),
)
@with_counts()
def sap(code: Code, permutations: int = 20, resamples: int = 200, seed: int = 0) -> Score:
    """Return SAP over the test rows; `detail` has each factor's.

    The interval is a bootstrap over test rows and, separately, over the training rows that regressions are refitted to.
    """
    check_is("code", code, Code, "code_of")
    rng = numpy_generator(seed, "sap")
    once = np.ones((1, len(code.train))), np.ones((1, len(code.test)))
    of_factor = _regression_gaps(code, *once)[0]

    drawn = [bootstrap_weights(len(rows), resamples, rng) for rows in (code.train, code.test)]
    replicates = _regression_gaps(code, *drawn).mean(axis=1)

    return scored(
        estimator=f"SAP, R^2 of a linear regression on each dimension, {code.name}",
        value=float(of_factor.mean()),
        replicates=replicates,
        n=len(code.test),
        baselines={
            "permuted": [_regression_gaps(code.permuted(rng), *once).mean() for _ in range(permutations)],
            "rotated": [_regression_gaps(code.turned(rng), *once).mean() for _ in range(permutations)],
        },
        detail=code.by_factor(of_factor),
    )


def _regression_gaps(
    code: Code, train_weights: Float[np.ndarray, "draws m"], test_weights: Float[np.ndarray, "draws t"]
) -> Float[np.ndarray, "draws K"]:
    """Return each factor's gap under each draw's weights of training and test rows."""
    targets, owner = code.labels.targets()
    y = standardised(targets, code.train)
    z = standardised(code.z, code.train)

    columns = np.concatenate([z, y], axis=1)
    train = moments(columns[code.train], train_weights)
    test = moments(columns[code.test], test_weights)

    information = np.ones(len(train))  # W_k = 1
    gaps = []
    columns_of = [code.d + np.flatnonzero(owner == k) for k in range(code.K)]

    for k, name in enumerate(code.labels.factors.names):
        units = units_of(code.d, bool(code.labels.factors.periodic[k]))
        others = [columns for other, columns in enumerate(columns_of) if other != k]

        if code.labels.factors.categorical[k]:
            values = columns_of[k][None]
            of_unit = [single_r2(train, test, values, unit) for unit in np.arange(code.d)[:, None]]
            of_others = [single_r2(train, test, values, columns) for columns in others]
        else:
            of_unit = [single_r2(train, test, units, columns_of[k])]
            pairs = [columns if len(columns) > 1 else columns[[0, 0]] for columns in others]
            of_others = [single_r2(train, test, columns[None], columns_of[k]) for columns in pairs]

        gaps.append(
            gap(np.concatenate(of_unit, axis=1), np.concatenate(of_others, axis=1), information, units, name)
        )
    return np.stack(gaps, axis=1)


def single_r2(
    train: Float[np.ndarray, "draws q q"],
    test: Float[np.ndarray, "draws q q"],
    units: Int[np.ndarray, "U width"],
    predicted: Int[np.ndarray, " C"],
) -> Float[np.ndarray, "draws U"]:
    """Return R^2, at least 0, of regressions on each unit, fitted to `train` and read on `test`, targets pooled."""
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
