"""The mutual information gap (Chen et al. 2018): how far one dimension leads in what it knows of a factor.

    MIG = mean_k (I(j1; k) - I(j2; k)) / H(k),     j1 and j2 the two dimensions that know most of factor k.

It is 1 where one dimension says a factor's bin and no other knows of it, and 0 where two know alike. Two departures, both
void where factors are open and vary apart, are `units`' subject: a periodic factor may be known by two dimensions as an
angle, and what factors tell of each other where combinations are missing is no code's fault.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from phasescope.measures.checks import check_draws
from phasescope.measures.latents.disentanglement.code import Code, scored
from phasescope.measures.latents.disentanglement.information import (
    Binned,
    binned,
    influences,
    mutual_information,
)
from phasescope.measures.latents.disentanglement.units import gap, units_of
from phasescope.measures.scores import Score, bootstrap_weights
from phasescope.randomness import numpy_generator


def mig(code: Code, bins: int = 10, permutations: int = 20, resamples: int = 200, seed: int = 0) -> Score:
    """MIG over the rows that are counted; `detail` has each factor's gap.

    The interval is a bootstrap over these rows, of their influences on I and H to first order, bins held.

    Args:
        bins: of equal counts, of each dimension and each factor.
        permutations: draws of each null.

    Raises:
        ValueError: as `binned`, `check_draws` and `gap` say.
    """
    check_draws(permutations, resamples)
    rows = binned(code, bins)
    t = len(rows.b)
    rng = numpy_generator(seed, "mig")
    in_order = np.arange(t)
    of_factor, moved = gaps(code, rows, in_order, bootstrap_weights(t, resamples, rng) / t)
    permuted = [gaps(code, rows, rng.permutation(t))[0].mean() for _ in range(permutations)]
    turned = [code.turned(rng) for _ in range(permutations)]
    rotated = [gaps(other, binned(other, bins), in_order)[0].mean() for other in turned]
    return scored(
        f"MIG, {bins} equal-count bins, Miller-Madow, {code.counted_name}",
        float(of_factor.mean()),
        moved.mean(axis=1),
        t,
        {"permuted": permuted, "rotated": rotated},
        code.by_factor(of_factor),
    )


def gaps(
    code: Code,
    rows: Binned,
    order: Int[np.ndarray, " t"],
    weights: Float[np.ndarray, "resamples t"] | None = None,
) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, "resamples K"]]:
    """Each factor's gap with the code's rows reordered, and under weights of the rows, which sum to 1; none by default."""
    weights = np.empty((0, len(order))) if weights is None else weights
    of_factor, moved = np.empty(code.K), np.empty((len(weights), code.K))
    for k, name in enumerate(code.labels.names):
        periodic = bool(code.labels.periodic[k])
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
