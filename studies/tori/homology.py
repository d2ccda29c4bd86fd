"""Topology: how many pieces, loops and voids has the cloud of latents, and would another sample have them too?

Vietoris-Rips persistence (Carlsson 2009): join all rows that are nearer than r, and let r grow. A feature of degree 0
(piece), 1 (loop) or 2 (void) is born at one r and dies at another. Landmarks stand for the rows: each is the row farthest
from those before it (maxmin; de Silva & Carlsson 2004), so that L of them cover the cloud evenly.

**The Betti number** is what is stable in the sample. Each half-sample, with half as many landmarks, has persistences
p_1 >= p_2 >= ... The support of the number k is the share of halves whose p_k is above the 95 % quantile over halves of
p_{k+1}: the k-th feature stands out from the next. The Betti number is the largest k with a support of 95 % whose k-th
feature of the whole is beyond that quantile too, or 0. A feature smaller than the gaps between landmarks is not counted.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from phasescope.measures import Score
from phasescope.studies import numpy_generator

CONFIDENCE = 0.95
LIKELY = 0.5
"""support above which a number is within a Betti number's interval"""


@dataclass(frozen=True)
class Homology:
    """What persists in a cloud, by degree from 0."""

    betti: tuple[Score, ...]
    diagrams: tuple[Float[np.ndarray, "_ 2"], ...]
    """(birth, death) of finite features, most persistent first, in units of `scale`; one piece never dies"""
    scale: float
    """root mean square distance of a row from the mean, in the latents' units"""
    landmarks: int


def persistent_homology(
    latents: Float[np.ndarray, "n features"],
    degree: int = 1,
    landmarks: int = 256,
    resamples: int = 100,
    seed: int = 0,
) -> Homology:
    """Return Betti numbers with confidence, of degrees 0 to `degree`.

    A Score's interval goes from the value, which 95 % of the half-samples support, to the largest number that half of them
    support. Its `detail`: the `support` of the value (NaN for 0 features); the `rival`, the best supported larger number,
    and its `rival_support`; the `longest` persistence and the `next` after those that count. The baseline `gaussian` is the
    same measure of a Gaussian cloud with the latents' covariance and n.

    Args:
        degree: 2 takes some ten times longer than 1.
        landmarks: of the whole, or n if that is less. Distances between all rows are held in memory.
    """
    x = np.asarray(latents, dtype=float)
    rng = numpy_generator(seed, "persistent homology")
    own = _homology(x, degree, landmarks, resamples, rng)
    gaussian = rng.normal(size=(len(x), len(x))) @ (x - x.mean(axis=0)) / math.sqrt(len(x))
    null = _homology(gaussian, degree, landmarks, resamples, rng)
    pairs = zip(own.betti, null.betti, strict=True)
    return replace(own, betti=tuple(score.with_nulls(gaussian=chance) for score, chance in pairs))


def _homology(
    x: Float[np.ndarray, "n features"], degree: int, landmarks: int, resamples: int, rng: np.random.Generator
) -> Homology:
    scale, distances = scaled_distances(x)
    n, L = len(x), min(landmarks, len(x))
    whole = rips(distances, degree, L)
    halves = (np.sort(rng.permutation(n)[: n // 2]) for _ in range(resamples))
    halved = [rips(distances[np.ix_(half, half)], degree, L // 2) for half in halves]
    estimator = f"Rips, {L} maxmin landmarks of {n} rows, stable in {resamples} half-samples"
    betti = (
        betti_number(q, diagram, [half[q] for half in halved], L // 2, n, f"Betti number {q}, {estimator}")
        for q, diagram in enumerate(whole)
    )
    return Homology(tuple(betti), tuple(whole), scale, L)


def betti_number(
    degree: int,
    whole: Float[np.ndarray, "_ 2"],
    halves: Sequence[Float[np.ndarray, "_ 2"]],
    landmarks: int,
    n: int,
    estimator: str,
) -> Score:
    """Return the number of features that stand out from those that follow; up to half of a half-sample's `landmarks` are
    tried, since the rest are noise."""
    most = landmarks // 2
    table = persistences(halves, most + 1)
    own, noise = persistences([whole], most + 1)[0], level(table[:, 1:])
    support = (table[:, :-1] > noise).mean(axis=0)
    stands = np.flatnonzero(((support >= CONFIDENCE) & (own[:-1] > noise))[:-1])
    k = int(stands[-1]) + 1 if len(stands) else 0
    larger = support[k:]
    likely = k + 1 + np.flatnonzero(larger > LIKELY)
    piece = int(degree == 0)  # the one that never dies
    return Score(
        value=float(k + piece),
        low=float(k + piece),
        high=float(max(likely, default=k) + piece),
        n=n,
        estimator=estimator,
        detail={
            "support": float(support[k - 1]) if k else math.nan,
            "rival": float(k + 1 + int(larger.argmax()) + piece),
            "rival_support": float(larger.max()),
            "longest": float(own[0]),
            "next": float(own[k]),
        },
    )


def scaled_distances(x: Float[np.ndarray, "n features"]) -> tuple[float, Float[np.ndarray, "n n"]]:
    """Return the root mean square distance of rows from their mean, and Euclidean distances in units of it."""
    from sklearn.metrics.pairwise import euclidean_distances

    x = x - x.mean(axis=0)
    scale = float(np.sqrt((x**2).sum(axis=1).mean()))
    return scale, euclidean_distances(x / scale)


def rips(distances: Float[np.ndarray, "n n"], degree: int, landmarks: int) -> list[Float[np.ndarray, "_ 2"]]:
    """Return the diagram of each degree of some maxmin landmarks, finite features, most persistent first."""
    from ripser import ripser

    diagrams = ripser(distances, distance_matrix=True, maxdim=degree, n_perm=landmarks)["dgms"]
    finite = [diagram[np.isfinite(diagram[:, 1])].astype(float) for diagram in diagrams]
    return [diagram[np.argsort(diagram[:, 0] - diagram[:, 1], kind="stable")] for diagram in finite]


def persistences(diagrams: Sequence[Float[np.ndarray, "_ 2"]], most: int) -> Float[np.ndarray, "some most"]:
    """Return the `most` longest of death - birth in each diagram, descending; zeros if there are fewer."""
    table = np.zeros((len(diagrams), most))
    for row, diagram in zip(table, diagrams, strict=True):
        longest = (diagram[:, 1] - diagram[:, 0])[:most]
        row[: len(longest)] = longest
    return table


def level(values: Float[np.ndarray, "some columns"]) -> Float[np.ndarray, " columns"]:
    """Return the least value of each column that 95 % of its values do not exceed."""
    return np.quantile(values, CONFIDENCE, axis=0, method="inverted_cdf")
