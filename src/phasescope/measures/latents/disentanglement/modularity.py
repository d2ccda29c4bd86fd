"""Modularity (Ridgeway & Mozer 2018): does each dimension know of one factor only?

With I_jk the mutual information of dimension j with factor k, 0 where its estimate is negative, and k* the factor that it
knows most of, the source has

    modularity_j = 1 - sum_{k != k*} I_jk^2 / (I_jk*^2 (K - 1))

and takes the plain mean over dimensions. Here, with F_k*k the information that factor k* itself has of k,

    modularity   = sum_j m_j (1 - sum_{k != k*} r_jk^2 / (K - 1)) / sum_j m_j,
    r_jk         = max(I_jk - F_k*k, 0) / (I_jk* - F_k*k),
    m_j          = max(I_jk* - max(c, F_k*k of k != k*), 0).

Dimensions that know nothing have no modularity, and a reduction may leave many: hence the weights, 0 up to c, which the
largest of all I_jk stays below in 95 % of permutations of the labels. A dimension that knows of k* alone has
I_jk <= F_k*k, for information is lost on the way (the data processing inequality): hence F, which is about 0 where no
combination is missing, and leaves modularity 1 to a code of one factor a dimension where some are.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from phasescope.measures.checks import check_draws
from phasescope.measures.latents.disentanglement.code import Code, scored
from phasescope.measures.latents.disentanglement.information import binned, influences, mutual_information
from phasescope.measures.scores import Score, bootstrap_weights, null_level
from phasescope.randomness import numpy_generator


def modularity(
    code: Code, bins: int = 10, permutations: int = 20, resamples: int = 200, seed: int = 0
) -> Score:
    """Modularity over the rows that are counted; 0 where no dimension knows anything.

    The interval is a bootstrap over these rows, of their influences on I to first order, bins and c held.

    Args:
        bins: of equal counts, of each dimension and each factor.
        permutations: draws of each null.

    Raises:
        ValueError: as `binned` and `check_draws` say.
    """
    check_draws(permutations, resamples)
    rows = binned(code, bins)
    t, d = rows.a.shape
    rng = numpy_generator(seed, "modularity")
    between = mutual_information(rows.b, rows.b, rows.cells)[0]

    def information_of(a: Int[np.ndarray, "t d"]) -> Float[np.ndarray, "d K"]:
        return mutual_information(a, rows.b, rows.cells)[0]

    of_code = information_of(rows.a)
    permuted = np.stack([information_of(rows.a[rng.permutation(t)]) for _ in range(permutations)])
    rotated = np.stack([information_of(binned(code.turned(rng), bins).a) for _ in range(permutations)])
    chance = null_level(permuted.max(axis=(1, 2)))

    by_row = influences(np.concatenate([rows.a, rows.b], axis=1), rows.b, rows.cells)[0]
    moved = np.tensordot(bootstrap_weights(t, resamples, rng) / t, by_row, axes=1)
    replicates = modularity_of(of_code + moved[:, :d], between + moved[:, d:], chance)
    return scored(
        f"modularity, dimensions weighted by their information, {bins} equal-count bins, Miller-Madow, "
        f"{code.counted_name}",
        float(modularity_of(of_code, between, chance)),
        replicates,
        t,
        {
            name: modularity_of(codes, between, chance)
            for name, codes in (("permuted", permuted), ("rotated", rotated))
        },
    )


def modularity_of(
    of_code: Float[np.ndarray, "*draws d K"], between: Float[np.ndarray, "*#draws K K"], chance: float
) -> Float[np.ndarray, "*draws"]:
    """The weighted mean over dimensions from I, F and c; 0 where no weight is above 0."""
    information = np.maximum(of_code, 0)
    between = np.broadcast_to(np.maximum(between, 0), (*information.shape[:-2], *between.shape[-2:]))
    K = information.shape[-1]
    of_best, best = information.max(axis=-1, keepdims=True), information.argmax(axis=-1)
    of_rival = np.take_along_axis(between, best[..., None], axis=-2)
    is_best = np.arange(K) == best[..., None]
    needed = np.maximum(np.where(is_best, 0, of_rival).max(axis=-1), chance)
    weight = np.maximum(of_best[..., 0] - needed, 0)
    left = of_best - of_rival
    r = np.where(is_best, 0, np.maximum(information - of_rival, 0)) / np.where(left > 0, left, np.inf)
    of_dimension = 1 - (r**2).sum(axis=-1) / (K - 1)
    total = weight.sum(axis=-1)
    return np.asarray((weight * of_dimension).sum(axis=-1) / np.where(total > 0, total, 1))
