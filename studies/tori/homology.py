"""How many loops has a cloud of latents, and would another half of it have them too?

Vietoris-Rips persistence (Carlsson 2009) of maxmin landmarks (de Silva & Carlsson 2004): p_1 >= p_2 >= ... are those of
degree 1. The support of k is the share of half-samples whose p_k exceeds the 95 % quantile over halves of p_{k+1}.
"""

import numpy as np

from phasescope import UserError
from phasescope.studies import numpy_generator

CONFIDENCE = 0.95


def loops(latents: np.ndarray, landmarks: int = 256, halves: int = 100) -> int:
    """Return the largest k that 95 % of the halves support and whose p_k, in all of latents (n, features), exceeds that
    quantile too; 0 if there is none."""
    from sklearn.metrics.pairwise import euclidean_distances

    rng, x = numpy_generator(0, "persistent homology"), latents - latents.mean(axis=0)
    distances, L = euclidean_distances(x / np.sqrt((x**2).sum(axis=1).mean())), min(landmarks, len(x))
    some = [np.sort(rng.permutation(len(x))[: len(x) // 2]) for _ in range(halves)]
    table = np.array([persistences(distances[np.ix_(half, half)], L // 2, L // 4 + 1) for half in some])
    noise = np.quantile(table[:, 1:], CONFIDENCE, axis=0, method="inverted_cdf")
    supported = (table[:, :-1] > noise).mean(axis=0) >= CONFIDENCE
    exceeds = persistences(distances, L, L // 4 + 1)[:-1] > noise
    return max(np.flatnonzero((supported & exceeds)[:-1]) + 1, default=0)


def persistences(distances: np.ndarray, landmarks: int, most: int) -> np.ndarray:
    """Return the `most` longest of death - birth of loops, descending, zeros if there are fewer."""
    try:
        from ripser import ripser
    except ModuleNotFoundError:
        raise UserError(
            "`ripser` (=not installed) must be there to count loops: pip install -e '.[homology]' in the clone"
        ) from None

    births, deaths = ripser(distances, distance_matrix=True, maxdim=1, n_perm=landmarks)["dgms"][1].T
    longest = np.sort(deaths.astype(float) - births)[::-1][:most]
    return np.pad(longest, (0, most - len(longest)))
