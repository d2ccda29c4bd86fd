"""DCI: what probes of a code read, and from which dimensions.

DCI (Eastwood & Williams 2018): with R_jk >= 0 the importance of dimension j for reading factor k, P_jk = R_jk / sum_k R_jk,
Q_jk = R_jk / sum_j R_jk, and H_b the entropy to base b,

    disentanglement = sum_j rho_j (1 - H_K(P_j.)),    rho_j = sum_k R_jk / sum_jk R_jk,
    completeness    = mean_k min(1, (log d - H(Q_.k)) / (log d - log s_k)),
    informativeness = mean_k R^2_k on the test rows.

The probe is a Lasso, dimensions and targets at unit variance over the training rows, R_jk = |w_jk| as in the source; for a
factor with several target columns (sin and cos, or one per category) the root of their summed squares. s_k is the number of
dimensions that a linear probe needs: 1, 2 for a circle, m - 1 for m categories. A factor that is not read has no importance,
R_jk = 0 and completeness 0: one whose R^2 on the test rows is at most 0, or at most what the best factor's stays below in
95 % of permutations of the labels.

Each Lasso minimises w^T G w / 2 - c^T w + alpha |w|_1 (Tibshirani 1996), G = Z^T Z / m and c = Z^T y / m of centred data, by
accelerated proximal gradients (Beck & Teboulle 2009), restarted where momentum points uphill (O'Donoghue & Candes 2015).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import check_is, with_counts
from phasescope.measures.checks import Labels
from phasescope.measures.columns import Column, register
from phasescope.measures.explained import explained
from phasescope.measures.latents.disentanglement.code import Code, moments, scored, standardised
from phasescope.measures.scores import Score, baseline_level, bootstrap_weights

FOLDS = 5
PENALTIES = np.logspace(0, -3, 16)
"""that are tried, in units of the least penalty that leaves no weight"""
MOST_STEPS = 2000
SETTLED = 1e-7


@dataclass(frozen=True)
class DCI:
    """The three scores of a code."""

    disentanglement: Score
    completeness: Score
    informativeness: Score

    def by_name(self) -> dict[str, Score]:
        """Return `dci_disentanglement`, `dci_completeness` and `dci_informativeness`."""
        return {f"dci_{name}": score for name, score in vars(self).items()}


@with_counts()
def dci(code: Code, permutations: int = 20, resamples: int = 200, seed: int = 0) -> DCI:
    """Return disentanglement and completeness of the probe that is fitted to the training rows, and its informativeness on
    the test rows.

    The intervals are bootstraps over training rows, each resample refitted with the penalties, and the factors that are
    read, fixed; for informativeness the test rows are resampled too. `detail` has each factor's value.

    Args:
        permutations: draws of each baseline.
    """
    check_is("code", code, Code, "code_of")
    rng = numpy_generator(seed, "dci")
    train, test, d = code.train, code.test, code.d
    targets, owner = code.labels.targets()
    y, z = standardised(targets, train), standardised(code.z, train)
    needed = dimensions_needed(code.labels)

    penalty = cross_validated_penalty(z[train], y[train], rng)
    w, R2_k = _fit(code, y, penalty, owner)

    # About each resample's own means, whose intercept moves predictions too.
    means = moments(np.hstack([z, y])[train], bootstrap_weights(len(train), resamples, rng))
    of_z, of_y = means[:, -1, :d], means[:, -1, d:-1]
    gram = means[:, :d, :d] - of_z[:, :, None] * of_z[:, None]
    cross = means[:, :d, d:-1] - of_z[:, :, None] * of_y[:, None]
    w_drawn = lasso(gram, cross, penalty, start=w)
    offset = of_y - np.einsum("rd,rdc->rc", of_z, w_drawn)
    R2_drawn = np.stack(
        [
            explained(y[test], offset[i] + z[test] @ w_drawn[i], owner, weights[None])[0]
            for i, weights in enumerate(bootstrap_weights(len(test), resamples, rng))
        ]
    )

    permuted = [_fit(code.permuted(rng), y, penalty, owner) for _ in range(permutations)]
    R2_permuted = np.stack([R2 for _, R2 in permuted])
    chance = max(baseline_level(R2_permuted.max(axis=1)), 0.0)
    rotated = [_fit(code.turned(rng), y, penalty, owner) for _ in range(permutations)]
    R, refitted = (importance(weights, owner) * (R2_k > chance) for weights in (w, w_drawn))
    of_baselines = {
        name: np.stack([importance(w_baseline, owner) * (chance < R2) for w_baseline, R2 in fits])
        for name, fits in (("permuted", permuted), ("rotated", rotated))
    }
    C_k = completeness_of(R, needed)

    probe = f"Lasso |weights|, penalty by {FOLDS}-fold CV, {code.name}"
    return DCI(
        disentanglement=scored(
            estimator=f"DCI disentanglement, {probe}",
            value=float(disentanglement_of(R)),
            replicates=disentanglement_of(refitted),
            n=len(train),
            baselines={name: disentanglement_of(draws) for name, draws in of_baselines.items()},
        ),
        completeness=scored(
            estimator=f"DCI completeness, {probe}",
            value=float(C_k.mean()),
            replicates=completeness_of(refitted, needed).mean(axis=1),
            n=len(train),
            baselines={
                name: completeness_of(draws, needed).mean(axis=1) for name, draws in of_baselines.items()
            },
            detail=code.by_factor(C_k),
        ),
        informativeness=scored(
            estimator=f"DCI informativeness, R^2 of a Lasso, penalty by {FOLDS}-fold CV, {code.name}",
            value=float(R2_k.mean()),
            replicates=R2_drawn.mean(axis=1),
            n=len(test),
            baselines={"permuted": R2_permuted.mean(axis=1)},
            detail=code.by_factor(R2_k),
            least=-np.inf,
        ),
    )


def _fit(
    code: Code, y: Float[np.ndarray, "n C"], penalty: Float[np.ndarray, " C"], owner: Int[np.ndarray, " C"]
) -> tuple[Float[np.ndarray, "d C"], Float[np.ndarray, " K"]]:
    """Return the weights that are fitted to a code's training rows, and each factor's R^2 on its test rows."""
    z = standardised(code.z, code.train)
    a, b = z[code.train], y[code.train]
    w = lasso(a.T @ a / len(a), a.T @ b / len(a), penalty)
    return w, explained(y[code.test], z[code.test] @ w, owner, np.ones((1, len(code.test))))[0]


def importance(
    weights: Float[np.ndarray, "*problems d C"], owner: Int[np.ndarray, " C"]
) -> Float[np.ndarray, "*problems d K"]:
    """Return R: |w|, for a factor of several columns the root of their summed squares."""
    return np.sqrt(weights**2 @ (owner[:, None] == np.arange(owner.max() + 1)))


def disentanglement_of(R: Float[np.ndarray, "*problems d K"]) -> Float[np.ndarray, "*problems"]:
    """Return D: the mean over dimensions, each weighted by its importance, of 1 - H_K; 0 where there is none."""
    of_dimension = R.sum(axis=-1)
    total = of_dimension.sum(axis=-1)
    concentration = 1 - _entropy(R, axis=-1) / np.log(R.shape[-1])
    return np.asarray((of_dimension * concentration).sum(axis=-1) / np.where(total > 0, total, 1))


def dimensions_needed(labels: Labels) -> Int[np.ndarray, " K"]:
    """Return s_k: how many dimensions a linear probe needs to read each factor."""
    categories = [max(len(np.unique(values)) - 1, 1) for values in labels.values.T]
    return np.where(labels.factors.categorical, categories, np.where(labels.factors.periodic, 2, 1))


def completeness_of(
    R: Float[np.ndarray, "*problems d K"], needed: Int[np.ndarray, " K"]
) -> Float[np.ndarray, "*problems K"]:
    """Return C of each factor; 0 where it has no importance."""
    d = R.shape[-2]
    spare = np.log(d) - np.log(needed)
    # What takes all dimensions cannot be spread over more of them.
    concentration = np.where(spare > 0, (np.log(d) - _entropy(R, axis=-2)) / np.where(spare > 0, spare, 1), 1)
    return np.where(R.sum(axis=-2) > 0, np.minimum(concentration, 1), 0)


def _entropy(R: Float[np.ndarray, "*shape"], axis: int) -> Float[np.ndarray, "*reduced"]:
    """Return the entropy of the shares along `axis`, in nats; 0 where all are 0."""
    total = R.sum(axis=axis, keepdims=True)
    share = R / np.where(total > 0, total, 1)
    return -(share * np.log(np.where(share > 0, share, 1))).sum(axis=axis)


def lasso(
    gram: Float[np.ndarray, "*problems d d"],
    cross: Float[np.ndarray, "*problems d C"],
    penalty: Float[np.ndarray, "*penalties C"],
    start: Float[np.ndarray, "d C"] | None = None,
) -> Float[np.ndarray, "*problems d C"]:
    """Return the weights of each problem and target; `penalty` is alpha, broadcast over problems.

    Descent begins at `start`, by default at 0; from there equal dimensions stay equal.
    """
    step = 1 / np.maximum(np.linalg.eigvalsh(gram)[..., -1:, None], 1e-12)
    threshold = step * penalty[..., None, :]
    w = ahead = np.zeros_like(cross) if start is None else np.broadcast_to(start, cross.shape)
    t = np.ones((*cross.shape[:-2], 1, cross.shape[-1]))

    for _ in range(MOST_STEPS):
        moved = ahead - step * (gram @ ahead - cross)
        following = np.sign(moved) * np.maximum(np.abs(moved) - threshold, 0)
        change = following - w

        # Momentum that points uphill is restarted. All dimensions move at once, so equal ones share their weight equally:
        # coordinate descent would prefer the first.
        uphill = ((ahead - following) * change).sum(axis=-2, keepdims=True) > 0
        t = np.where(uphill, 1, t)
        t_next = (1 + np.sqrt(1 + 4 * t**2)) / 2
        ahead = following + (t - 1) / t_next * change
        w, t = following, t_next

        if np.abs(change).max() < SETTLED:
            break
    return w


def cross_validated_penalty(
    z: Float[np.ndarray, "m d"], y: Float[np.ndarray, "m C"], rng: np.random.Generator
) -> Float[np.ndarray, " C"]:
    """Return for each target the penalty of least squared error over 5 folds, columns of z and y being centred."""
    m, C = y.shape
    cross = z.T @ y / m
    penalties = np.abs(cross).max(axis=0) * PENALTIES[:, None]
    error = np.zeros(penalties.shape)
    for test in np.array_split(rng.permutation(m), FOLDS):
        fitted = np.setdiff1d(np.arange(m), test)
        z_mean, y_mean = z[fitted].mean(axis=0), y[fitted].mean(axis=0)
        a, b = z[fitted] - z_mean, y[fitted] - y_mean
        products = np.tile(a.T @ b / len(fitted), len(PENALTIES))
        w = lasso(a.T @ a / len(fitted), products, penalties.ravel())
        residual = np.tile(y[test] - y_mean, len(PENALTIES)) - (z[test] - z_mean) @ w
        error += (residual**2).sum(axis=0).reshape(error.shape)
    return penalties[error.argmin(axis=0), np.arange(C)]


register(
    Column(
        name="dci_disentanglement",
        words="DCI disentanglement",
        meaning="whether each dimension serves one factor",
        unit="share",
        low=0.0,
        high=1.0,
        better="higher",
        section="disentanglement",
        needs=frozenset({"latents"}),
        baselines=("permuted", "rotated"),
    ),
    take=lambda given: given.dci.disentanglement,
)
register(
    Column(
        name="dci_completeness",
        words="DCI completeness",
        meaning="whether each factor needs one dimension",
        unit="share",
        low=0.0,
        high=1.0,
        better="higher",
        section="disentanglement",
        needs=frozenset({"latents"}),
        baselines=("permuted", "rotated"),
    ),
    take=lambda given: given.dci.completeness,
)
register(
    Column(
        name="dci_informativeness",
        words="DCI informativeness",
        meaning="whether factors are predicted from the code",
        unit="share",
        high=1.0,
        better="higher",
        section="disentanglement",
        needs=frozenset({"latents"}),
        baselines=("permuted",),
    ),
    take=lambda given: given.dci.informativeness,
)
