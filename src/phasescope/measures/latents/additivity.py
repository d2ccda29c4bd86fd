"""Additive R^2: how much of a code is z(x, y) = a(x) + b(y), and how much depends on the combination of x and y.

On a lattice, full or not, by least squares (`variance_components`): with r the residuals, f their degrees of freedom, w the
variance of noise in a latent if there are several draws, and z centred,

    interaction share = (sum |r|^2 / f - w) / (sum |z|^2 / (n - 1) - w),      additive R^2 = 1 - interaction share,

the adjusted R^2 (Theil 1961), less noise. The plain 1 - sum |r|^2 / sum |z|^2 is too high: a 10 x 10 lattice explains 18
% of noise. It is in `detail`.
"""

import numpy as np
from jaxtyping import Float

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import with_counts
from phasescope.measures.columns import Column, measure
from phasescope.measures.latents.ideal import clifford_torus, torus_3d
from phasescope.measures.latents.variance_components import Code, check_code, fieller_interval
from phasescope.measures.scores import Score, baseline_level


@measure(
    Column(
        name="additivity",
        words="additive R²",
        meaning="how much of the code is a sum of functions of one factor each",
        high=1.0,
        better="higher",
        section="factorization",
        needs=frozenset({"latents", "lattice", "ordered"}),
        baselines=("permuted",),
    ),
    take=lambda given: additivity(*given.on_lattice),
)
@with_counts()
def additivity(
    latents: Float[np.ndarray, "*draws n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    permutations: int = 20,
    seed: int = 0,
) -> Score:
    """Return additive R^2 of labels on a lattice; NaN, with everything as its interval, if several draws show that labels
    move nothing beyond noise.

    The interval is that of noise, at these labels. The baseline `permuted` is the level that the same
    statistic stays below in 95 % of permutations of the labels. `detail` has the interaction share, each factor's share
    (they add up to R^2 on a full lattice), the plain R^2, and the tori's additive R^2.

    Args:
        latents: one row per label, whose noise counts as interaction, or several noise draws of such rows, which are
            averaged and whose noise is subtracted.
    """
    code = check_code(latents, labels, factors)
    effects, z, w = code.effects, code.z, float(code.noises.mean())
    n = len(z)
    total = (z**2).sum() / (n - 1)
    residual = (effects.residual(z) ** 2).sum()
    part, variance = float(residual / effects.free - w), float(total - w)

    def gradients(y: Float[np.ndarray, "n c"]) -> tuple[np.ndarray, np.ndarray]:
        return 2 * effects.interaction(y), 2 * y / (n - 1)

    covariance = code.covariance(gradients, (-1.0, -1.0), seed)
    low, high = fieller_interval(part, variance, covariance, code.degrees)
    rng = numpy_generator(seed, "additivity")
    V = effects.basis
    # To permute the rows of the basis is to permute the labels, without fitting again.
    chance = [
        1 - (((z**2).sum() - ((V[rng.permutation(n)].T @ z) ** 2).sum()) / effects.free - w) / variance
        for _ in range(permutations)
    ]
    known = effects.lattice.labels
    tori = {"clifford": clifford_torus(known.values, known.factors)}
    if len(known.factors.names) == 2:
        tori["torus_3d"] = torus_3d(known.values, known.factors)
    of_factor = {
        name: (z * effects.main(k, z)).sum() / variance for k, name in enumerate(known.factors.names)
    }
    value = 1 - part / variance if np.isfinite(low) else np.nan
    return Score(
        value=value,
        low=1 - high,
        high=1 - low,
        n=n,
        estimator=f"additive R^2, adjusted, least squares on {' x '.join(str(len(v)) for v in effects.lattice.values)} "
        f"values, {z.shape[1]} raw features, {code.draws} {'draws, noise taken off' if code.draws > 1 else 'draw'}",
        baselines={"permuted": baseline_level(np.array(chance))},
        detail={
            "interaction": 1 - value,
            **{name: float(share) for name, share in of_factor.items()},
            "plain": float(1 - residual / (z**2).sum()),
            **{name: of_torus(ideal, code) for name, ideal in tori.items()},
        },
    )


def of_torus(torus: Float[np.ndarray, "n d"], code: Code) -> float:
    """Return additive R^2 of latents without noise, of the same labels as a code."""
    z = torus - torus.mean(axis=0)
    residual = (code.effects.residual(z) ** 2).sum() / code.effects.free
    return float(1 - residual / ((z**2).sum() / (len(z) - 1)))
