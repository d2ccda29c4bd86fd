"""MIG and SAP: by how much does one dimension lead in what it says of a factor?

With S_uk what unit u says of factor k, F_lk what another factor l says of it, W_k all there is to say, u* the best unit and
0 for what is negative,

    gap_k = (S_u*k - max(S_uk of u apart from u*, F_lk of l != k)) / (W_k - max_l F_lk),

and a score is the mean of gap_k. For the mutual information gap (Chen et al. 2018) S and F are informations and W_k = H(k).
For SAP (Kumar et al. 2018) they are R^2 of linear regressions on the test rows, 0 where negative, and W_k = 1; a periodic
factor is regressed as (sin, cos), and of a categorical one the dimension is regressed on the factor's values.

A unit is one dimension or, for a periodic factor, two taken as a point in their plane.
"""

from itertools import combinations

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import check_is, with_counts
from phasescope.measures.latents.disentanglement.code import Code, moments, scored, standardised
from phasescope.measures.latents.disentanglement.information import (
    Binned,
    binned,
    influences,
    mutual_information,
)
from phasescope.measures.scores import Score, bootstrap_weights, ratio


@with_counts()
def mig(code: Code, bins: int = 10, permutations: int = 20, resamples: int = 200, seed: int = 0) -> Score:
    """Return MIG over all rows; `detail` has each factor's gap.

    The interval is a bootstrap over these rows, of their influences on I and H to first order, bins held.

    Args:
        bins: of equal counts, of each dimension and each factor.
        permutations: draws of each baseline.
    """
    check_is("code", code, Code, "code_of")
    rows = binned(code, bins)
    t = len(rows.b)
    rng = numpy_generator(seed, "mig")
    in_order = np.arange(t)
    of_factor, moved = _information_gaps(code, rows, in_order, bootstrap_weights(t, resamples, rng) / t)
    permuted = [_information_gaps(code, rows, rng.permutation(t))[0].mean() for _ in range(permutations)]
    turned = [code.turned(rng) for _ in range(permutations)]
    rotated = [_information_gaps(other, binned(other, bins), in_order)[0].mean() for other in turned]
    return scored(
        f"MIG, {bins} equal-count bins, Miller-Madow, {code.reduced}, all {t} rows",
        float(of_factor.mean()),
        moved.mean(axis=1),
        t,
        {"permuted": permuted, "rotated": rotated},
        code.by_factor(of_factor),
    )


def _information_gaps(
    code: Code,
    rows: Binned,
    order: Int[np.ndarray, " t"],
    weights: Float[np.ndarray, "resamples t"] | None = None,
) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, "resamples K"]]:
    """Return each factor's gap with the code's rows reordered, and under weights of the rows, which sum to 1."""
    weights = np.empty((0, len(order))) if weights is None else weights
    of_factor, moved = np.empty(code.K), np.empty((len(weights), code.K))
    for k, name in enumerate(code.labels.factors.names):
        periodic = bool(code.labels.factors.periodic[k])
        units = units_of(code.d, periodic)
        b_k, others = rows.b[:, [k]], np.delete(rows.b, k, axis=1)
        informants = np.concatenate([rows.units(k, periodic, order), others], axis=1)
        I, H = mutual_information(informants, b_k, rows.cells)  # noqa: E741
        U = len(units)
        of_factor[k] = gap(I[None, :U, 0], I[None, U:, 0], H, units, name)[0]
        if len(weights):
            of_I, of_H = influences(informants, b_k, rows.cells)
            drawn = I[:, 0] + weights @ of_I[:, :, 0]
            moved[:, k] = gap(drawn[:, :U], drawn[:, U:], H + weights @ of_H[:, 0], units, name)
    return of_factor, moved


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
        f"SAP, R^2 of a linear regression on each dimension, {code.name}",
        float(of_factor.mean()),
        replicates,
        len(code.test),
        {
            "permuted": [_regression_gaps(code.permuted(rng), *once).mean() for _ in range(permutations)],
            "rotated": [_regression_gaps(code.turned(rng), *once).mean() for _ in range(permutations)],
        },
        code.by_factor(of_factor),
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
    most, gaps = np.ones(len(train)), []
    columns_of = [code.d + np.flatnonzero(owner == k) for k in range(code.K)]
    for k, name in enumerate(code.labels.factors.names):
        units = units_of(code.d, bool(code.labels.factors.periodic[k]))
        others = [columns for other, columns in enumerate(columns_of) if other != k]
        if code.labels.factors.categorical[k]:
            of_unit, of_others = (
                [single_r2(train, test, columns_of[k][None], unit) for unit in some]
                for some in (np.arange(code.d)[:, None], others)
            )
        else:
            of_unit = [single_r2(train, test, units, columns_of[k])]
            pairs = [columns if len(columns) > 1 else columns[[0, 0]] for columns in others]
            of_others = [single_r2(train, test, columns[None], columns_of[k]) for columns in pairs]
        gaps.append(
            gap(np.concatenate(of_unit, axis=1), np.concatenate(of_others, axis=1), most, units, name)
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


def units_of(d: int, periodic: bool) -> Int[np.ndarray, "U 2"]:
    """Return the two dimensions of each unit, twice the same for single ones, which come first."""
    # A circle does not fit into one dimension.
    single = [(j, j) for j in range(d)]
    return np.array(single + list(combinations(range(d), 2)) if periodic else single)


def gap(
    of_unit: Float[np.ndarray, "draws U"],
    of_other: Float[np.ndarray, "draws others"],
    information: Float[np.ndarray, " draws"],
    units: Int[np.ndarray, "U 2"],
    factor: str,
) -> Float[np.ndarray, " draws"]:
    """Return the gap in each draw, from 0 to 1; 0 if no unit says more than another factor does.

    Raises:
        ValueError: another factor determines this one.
    """
    best = of_unit.argmax(axis=1)
    apart = (units[best][:, None, :, None] != units[:, None]).all(axis=(2, 3))
    runner_up = np.where(apart, of_unit, 0).max(axis=1)
    # If combinations of factor values are missing, factors say something of each other, and so does each dimension of a
    # code that keeps them apart; otherwise a rival says about nothing.
    rival = np.maximum(of_other.max(axis=1), 0)
    left = information - rival
    if (left <= 1e-9 * information).any():
        raise ValueError(
            f"`labels` (another factor determines {factor}) must vary apart: disentanglement is between factors"
        )
    lead = of_unit.max(axis=1) - np.maximum(np.maximum(runner_up, rival), 0)
    return np.clip(lead / left, 0, 1)
