"""DCI (Eastwood & Williams 2018): does each dimension serve one factor, each factor need one dimension, and how
well are factors read?

R_jk >= 0 is how important dimension j is for reading factor k, P_jk = R_jk / sum_k R_jk, Q_jk = R_jk / sum_j R_jk, and
H_b the entropy to base b:

    disentanglement = sum_j rho_j (1 - H_K(P_j.)),    rho_j = sum_k R_jk / sum_jk R_jk,
    completeness    = mean_k (1 - H_d(Q_.k)),                         for a factor that is open,
    informativeness = mean_k R^2_k on the test rows.

Factors are continuous, so the probe is a regression: Lasso, dimensions and targets at unit variance over the training rows,
R_jk = |w_jk| as in the source; for a periodic factor, whose targets are sin and cos, R_jk = sqrt(w_j,sin^2 + w_j,cos^2), and
for a categorical one likewise over the columns of its values. A circle takes two dimensions and m categories m - 1, before a
linear probe reads them, so their completeness is 1 on as many that share them alike:

    completeness_k = min(1, (log d - H(Q_.k)) / (log d - log s_k)),   s_k = 1 if open, 2 if periodic, m - 1.

Shares say nothing of size: the weights that a probe gives to noise are shared as unequally as any. So a factor that is not
read has no importance, R_jk = 0 and completeness 0: one whose R^2 on the test rows is at most 0, or at most what the best
factor's stays below in 95 % of permutations of the labels. On held-out combinations that a code does not generalise to,
disentanglement and completeness are then 0 too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from phasescope.measures.checks import Labels, check_draws
from phasescope.measures.latents.disentanglement.code import Code, scored, standardised
from phasescope.measures.latents.disentanglement.lasso import (
    FOLDS,
    cross_validated_penalty,
    lasso,
    resampled_products,
)
from phasescope.measures.latents.order import explained
from phasescope.measures.scores import Score, bootstrap_weights, null_level
from phasescope.randomness import numpy_generator


@dataclass(frozen=True)
class DCI:
    disentanglement: Score
    completeness: Score
    informativeness: Score


def dci(code: Code, permutations: int = 20, resamples: int = 200, seed: int = 0) -> DCI:
    """Disentanglement and completeness of the probe that was fitted to the training rows, informativeness on the test rows.

    The intervals are bootstraps over training rows, each resample refitted with the penalties and the factors that are
    read held; for informativeness the test rows are resampled too. In the nulls penalties are held. `detail` has each
    factor's, where there is one.

    Args:
        permutations: draws of each null.

    Raises:
        ValueError: `permutations` < 1 or `resamples` < 2.
    """
    check_draws(permutations, resamples)
    rng = numpy_generator(seed, "dci")
    targets, owner = code.labels.targets()
    y = standardised(targets, code.train)
    z = standardised(code.z, code.train)
    needed = dimensions_needed(code.labels)

    penalty = cross_validated_penalty(z[code.train], y[code.train], rng)
    w = _fit(z, y, code.train, penalty)
    R2_k = _test_r2(code, z, y, owner, w)

    drawn = bootstrap_weights(len(code.train), resamples, rng)
    # Centred on each resample's means, whose intercept moves predictions too.
    gram, cross = resampled_products(z[code.train], y[code.train], drawn)
    w_drawn = lasso(gram, cross, penalty, start=w)
    refitted = importance(w_drawn, owner)
    offset = drawn @ y[code.train] / len(code.train) - np.einsum(
        "rd,rdc->rc", drawn @ z[code.train] / len(code.train), w_drawn
    )
    R2_drawn = np.stack(
        [
            explained(y[code.test], offset[i] + z[code.test] @ w_drawn[i], owner, weights[None])[0]
            for i, weights in enumerate(bootstrap_weights(len(code.test), resamples, rng))
        ]
    )

    permuted = [_refit(code.permuted(rng), y, penalty, owner) for _ in range(permutations)]
    R2_permuted = np.stack([R2 for _, R2 in permuted])
    chance = max(null_level(R2_permuted.max(axis=1)), 0.0)
    rotated = [_refit(code.turned(rng), y, penalty, owner) for _ in range(permutations)]
    R, refitted = importance(w, owner) * (R2_k > chance), refitted * (R2_k > chance)
    of_nulls = {
        name: np.stack([R_null * (chance < R2) for R_null, R2 in fits])
        for name, fits in (("permuted", permuted), ("rotated", rotated))
    }
    C_k = completeness_of(R, needed)

    probe = f"Lasso |weights|, penalty by {FOLDS}-fold CV, {code.name}"
    return DCI(
        disentanglement=scored(
            f"DCI disentanglement, {probe}",
            float(disentanglement_of(R)),
            disentanglement_of(refitted),
            len(code.train),
            {name: disentanglement_of(draws) for name, draws in of_nulls.items()},
        ),
        completeness=scored(
            f"DCI completeness, {probe}",
            float(C_k.mean()),
            completeness_of(refitted, needed).mean(axis=1),
            len(code.train),
            {name: completeness_of(draws, needed).mean(axis=1) for name, draws in of_nulls.items()},
            code.by_factor(C_k),
        ),
        informativeness=scored(
            f"DCI informativeness, R^2 of a Lasso, penalty by {FOLDS}-fold CV, {code.name}",
            float(R2_k.mean()),
            R2_drawn.mean(axis=1),
            len(code.test),
            {"permuted": R2_permuted.mean(axis=1)},
            code.by_factor(R2_k),
            least=-np.inf,
        ),
    )


def _fit(
    z: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "n C"],
    train: Int[np.ndarray, " m"],
    penalty: Float[np.ndarray, " C"],
) -> Float[np.ndarray, "d C"]:
    """Weights of the training rows."""
    a, b = z[train], y[train]
    return lasso(a.T @ a / len(a), a.T @ b / len(a), penalty)


def _refit(
    code: Code, y: Float[np.ndarray, "n C"], penalty: Float[np.ndarray, " C"], owner: Int[np.ndarray, " C"]
) -> tuple[Float[np.ndarray, "d K"], Float[np.ndarray, " K"]]:
    """(R, R^2) of a null's code."""
    z = standardised(code.z, code.train)
    w = _fit(z, y, code.train, penalty)
    return importance(w, owner), _test_r2(code, z, y, owner, w)


def _test_r2(
    code: Code,
    z: Float[np.ndarray, "n d"],
    y: Float[np.ndarray, "n C"],
    owner: Int[np.ndarray, " C"],
    w: Float[np.ndarray, "d C"],
) -> Float[np.ndarray, " K"]:
    """Of each factor; z and y are centred on the training rows."""
    return explained(y[code.test], z[code.test] @ w, owner, np.ones((1, len(code.test))))[0]


def importance(
    weights: Float[np.ndarray, "*problems d C"], owner: Int[np.ndarray, " C"]
) -> Float[np.ndarray, "*problems d K"]:
    """R: |w|, for a factor of several columns the root of their summed squares."""
    return np.sqrt(weights**2 @ (owner[:, None] == np.arange(owner.max() + 1)))


def disentanglement_of(R: Float[np.ndarray, "*problems d K"]) -> Float[np.ndarray, "*problems"]:
    """D: the mean over dimensions, each weighted by its importance, of 1 - H_K; 0 where there is none."""
    of_dimension = R.sum(axis=-1)
    total = of_dimension.sum(axis=-1)
    concentration = 1 - _entropy(R, axis=-1) / np.log(R.shape[-1])
    return np.asarray((of_dimension * concentration).sum(axis=-1) / np.where(total > 0, total, 1))


def dimensions_needed(labels: Labels) -> Int[np.ndarray, " K"]:
    """s_k: of how many dimensions a linear probe can read each factor."""
    categories = [max(len(np.unique(values)) - 1, 1) for values in labels.values.T]
    return np.where(labels.categorical, categories, np.where(labels.periodic, 2, 1))


def completeness_of(
    R: Float[np.ndarray, "*problems d K"], needed: Int[np.ndarray, " K"]
) -> Float[np.ndarray, "*problems K"]:
    """C of each factor; 0 where it has no importance."""
    d = R.shape[-2]
    spare = np.log(d) - np.log(needed)
    # What takes all dimensions cannot be spread over more of them.
    concentration = np.where(spare > 0, (np.log(d) - _entropy(R, axis=-2)) / np.where(spare > 0, spare, 1), 1)
    return np.where(R.sum(axis=-2) > 0, np.minimum(concentration, 1), 0)


def _entropy(R: Float[np.ndarray, "*shape"], axis: int) -> Float[np.ndarray, "*reduced"]:
    """Of the shares along `axis`, in nats; 0 where all are 0."""
    total = R.sum(axis=axis, keepdims=True)
    share = R / np.where(total > 0, total, 1)
    return -(share * np.log(np.where(share > 0, share, 1))).sum(axis=axis)
