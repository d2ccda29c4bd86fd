"""The mutual information gap (Chen et al. 2018): `gap` of informations, with W_k = H(k)."""

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import check_is, with_counts
from phasescope.measures.columns import Column, measure
from phasescope.measures.latents.disentanglement.code import Code, scored
from phasescope.measures.latents.disentanglement.gap import gap, units_of
from phasescope.measures.latents.disentanglement.information import (
    Binned,
    binned,
    influences,
    mutual_information,
)
from phasescope.measures.scores import Score, bootstrap_weights


@measure(
    Column(
        name="mig",
        words="mutual information gap",
        meaning="whether one dimension carries information about a factor that no other carries",
        unit="share",
        low=0.0,
        high=1.0,
        better="higher",
        section="disentanglement",
        needs=frozenset({"latents"}),
        baselines=("permuted", "rotated"),
    ),
    take=lambda given: mig(given.code),
)
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
        estimator=f"MIG, {bins} equal-count bins, Miller-Madow, {code.reduced}, all {t} rows",
        value=float(of_factor.mean()),
        replicates=moved.mean(axis=1),
        n=t,
        baselines={"permuted": permuted, "rotated": rotated},
        detail=code.by_factor(of_factor),
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
