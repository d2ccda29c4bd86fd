"""Representational similarity: do pairs of labels that are far apart have latents that are far apart?

The Spearman correlation, over pairs of rows, of label distances and latent distances (Kriegeskorte, Mur & Bandettini
2008), equal distances at their mid-rank. It asks for order among distances only: any monotone stretch of all of them is
allowed. Of all pairs most are far, so that a code can score high whose neighbourhoods are scrambled, and a torus of which
one sees the far side; pairs within a radius of each other in label space show that.

The interval comes from half-samples. A bootstrap would draw a row twice, whose copies are a pair at distance 0 in both
spaces; a half that is drawn without replacement has no copies, and its statistic varies about the whole's as the whole's
does about the truth (the delete-half jackknife, Shao & Wu 1989).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.checks import check_draws, check_labels, check_latents
from phasescope.measures.latents.neighbours import squared_distances
from phasescope.measures.scores import Score, basic_interval, null_level

STEPS = 1e5 * np.pi
"""in which latent distances are counted within a power of two, so that those tie which are equal but for rounding; their
number is irrational, so that no distance of a lattice lies at a step's edge"""


def rsa(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    radius: float = 1.0,
    factors: Factors | None = None,
    permutations: int = 20,
    resamples: int = 200,
    seed: int = 0,
) -> Score:
    """Return the Spearman correlation of label and latent distances, -1 to 1, over pairs of labels within `radius`.

    The interval is that of Fisher's z over half-samples of the labels. The baseline `permuted` is the level that the
    correlation stays below in 95 % of permutations of the labels.

    Args:
        radius: of pairs, as a share of the greatest distance between labels; 1 takes all.

    Raises:
        ValueError: shapes, counts or values as `check_latents` and `check_labels` say, n < 4; a radius that is not in
            (0, 1], or within which there are fewer pairs than labels, or pairs all equally far.
    """
    check_draws(permutations, resamples)
    x = check_latents(latents, 4, "pairs are compared")
    known, n = check_labels(labels, len(x), factors), len(x)
    if not 0 < radius <= 1:
        raise ValueError(f"`radius` (={radius}) must be in (0, 1]: a share of the greatest label distance")
    of_labels, of_latents = known.squared_distances(), latent_distances(x)
    near = of_labels <= radius**2
    if (pairs := int(np.triu(near, 1).sum())) < n:
        raise ValueError(
            f"`radius` (={radius}) must take in at least n={n} pairs, not {pairs}: a rank correlation needs them"
        )
    for space, distances in (("labels", of_labels), ("latents", of_latents)):
        if np.ptp(distances[np.triu(near, 1)]) == 0:
            raise ValueError(
                f"`{space}` (all {pairs} pairs equally far) must differ in distance: nothing to rank"
            )

    def correlation(rows: Int[np.ndarray, " m"], among: Int[np.ndarray, " m"]) -> float:
        """Spearman's of the labels `rows`, paired with the latents `among`; 0 if there is nothing to rank."""
        i, j = np.nonzero(np.triu(near[np.ix_(rows, rows)], 1))
        return spearman(of_labels[rows[i], rows[j]], of_latents[among[i], among[j]])

    name = "RSA, Spearman"
    if radius < 1:
        name += f", pairs within {radius:g} of the greatest label distance"
    rng, every = numpy_generator(seed, name), np.arange(n)
    rho = correlation(every, every)
    permuted = np.array([correlation(every, rng.permutation(n)) for _ in range(permutations)])
    halves = np.array([correlation(*[rng.permutation(n)[: n // 2]] * 2) for _ in range(resamples)])
    nearly = 1 - 1e-8  # beyond it a correlation differs from 1 by the rounding of distances
    z, *of_halves = np.arctanh(np.clip([rho, *halves], -nearly, nearly))
    low, high = np.tanh(basic_interval(z, np.array(of_halves))).tolist()
    return Score(
        value=rho,
        low=min(low, rho),
        high=max(high, rho),
        n=n,
        estimator=name,
        nulls={"permuted": null_level(permuted)},
    )


def spearman(first: Float[np.ndarray, " M"], second: Float[np.ndarray, " M"]) -> float:
    """Return the correlation of mid-ranks; 0 if one side is constant."""
    from scipy.stats import rankdata

    f, g = (rankdata(values) - (len(values) + 1) / 2 for values in (first, second))
    scale = np.sqrt((f @ f) * (g @ g))
    return float(f @ g / scale) if scale > 0 else 0.0


def latent_distances(x: Float[np.ndarray, "n features"]) -> Float[np.ndarray, "n n"]:
    """Return squared distances of all rows, rounded so that equal ones tie."""
    squared = squared_distances(x)
    squared[squared < 1e-12 * squared.max()] = 0
    mantissa, exponent = np.frexp(squared)
    return np.ldexp(np.rint(STEPS * mantissa), exponent)
