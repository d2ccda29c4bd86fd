"""Orthogonality and parallelism: which way a step along a factor moves the latents, and whether it does everywhere.

A step of a given length along factor x moves the latents by d_x(x, y) = z(x + step, y) - z(x, y). After Liang et al.
(NeurIPS 2024, arXiv 2408.13256), with cos between two such differences,

    x-on-y = mean |cos(d_x, d_y)|,   over all pairs of an x-step and a y-step that share no label
    x-on-x = mean cos(d_x(x, y), d_x(x, y')),   over all pairs of x-steps from the same x, y' not y

and y-on-y. The second is the parallelism score of Bernardi et al. (2020; Johnston & Fusi 2023), for factors of more
than two values. A factorized code has x-on-y 0 and x-on-x 1. Neither is enough alone: random latents in many
dimensions are orthogonal, z = x + y is parallel. So both stand beside what random latents, permuted labels and the
two ideal tori give with the same labels and the same step; the choice of step matters, and is in the estimator's
name.

Noise. Differences of neighbours are short, so noise in each label, of variance s^2 over all features, lengthens them:
with |d|^2 that of the latents without noise, a cosine is drawn towards 0 by about |d|^2 / (|d|^2 + 2 s^2). A longer
step suffers less. Several draws are averaged, which divides s^2 by their number. `detail` has, under "pooled", ratios
of sums instead of means of ratios,

    x-on-x = sum <d, d'> / sum (|d|^2 + |d'|^2) / 2,      x-on-y = sum <d_x, d_y>^2 / sum |d_x|^2 |d_y|^2,

a mean squared cosine, each pair weighted by its lengths. They can be had without bias from several draws, and then
are: inner products from steps that share no label have no bias; squares of them are products of two different draws;
from |d|^2 the draws' own variance is taken off.

A step that moves nothing is parallel to nothing: its cosines are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from phasescope.factors import Factors
from phasescope.measures.checks import check_count
from phasescope.measures.latents.displacements import (
    Moves,
    Pairs,
    apart,
    check_moves,
    from_one_value,
    from_other_values,
)
from phasescope.measures.latents.ideal import RADII, clifford_torus, random_latents, torus_3d
from phasescope.measures.latents.lattice import Lattice, jackknife
from phasescope.measures.scores import Score, null_level
from phasescope.randomness import numpy_generator


def orthogonality(
    latents: Float[np.ndarray, "*draws n features"],
    labels: Float[np.ndarray, "n K"],
    step: Sequence[float] | None = None,
    factors: Factors | None = None,
    permutations: int = 10,
    radii: tuple[float, float] = RADII,
    seed: int = 0,
) -> Score:
    """Mean |cos| between steps along different factors: of the pair of factors that is least orthogonal; 0 is orthogonal.

    The interval leaves out whole values of factors (see `lattice`): it speaks for values drawn at random, and is wide on a
    full even lattice. The null `permuted` is the level that chance stays above in 95 % of permutations of the labels:
    orthogonal is what is below. `random` is that of Gaussian latents of the same shape, `clifford` (0) and, for two factors,
    `torus_3d` those of the ideal tori with the same steps.

    Args:
        latents: one row a label, or several noise draws of such rows, which are averaged.
        labels: on a lattice, in the world's units; some may be missing.
        step: along each factor, in its units; by default the smallest distance between two of its values.
        factors: what is known of the K factors; by default open, of span 1, named label1, label2, ...
        radii: of the 3D torus.

    Raises:
        ValueError: as `check_moves` and `check_radii` say.
    """
    check_count("permutations", permutations, 1, "a score needs its null")
    moves, lengths = check_moves(latents, labels, step, factors)
    pairs = {f"{moves.name(p)}-on-{moves.name(q)}": apart(p, q) for p, q in combinations(moves.steps, 2)}

    def mean(of: Moves) -> list[float]:
        return [float(np.abs(of.cosines(pair)).mean()) for pair in pairs.values()]

    each = mean(moves)
    worst = int(np.argmax(each))
    pair = list(pairs.values())[worst]
    half = half_width(np.abs(moves.cosines(pair)), pair, moves.lattice)
    pooled = {f"{name} pooled": moves.pooled_square(pair) for name, pair in pairs.items()}
    return Score(
        value=each[worst],
        low=max(each[worst] - half, 0.0),
        high=min(each[worst] + half, 1.0),
        n=len(moves.gram),
        estimator=moves.says("orthogonality, mean |cos|", lengths),
        nulls=nulls(lambda of: max(mean(of)), moves, permutations, radii, seed, chance_is="above"),
        detail={**dict(zip(pairs, each, strict=True)), **pooled},
    )


def parallelism(
    latents: Float[np.ndarray, "*draws n features"],
    labels: Float[np.ndarray, "n K"],
    step: Sequence[float] | None = None,
    factors: Factors | None = None,
    permutations: int = 20,
    radii: tuple[float, float] = RADII,
    seed: int = 0,
) -> Score:
    """Mean cosine between steps along a factor from the same value of it: of the factor that is least parallel.

    Arguments, interval and nulls are those of `orthogonality`, but that `permuted` is the level that chance stays below.
    `detail` has also the mean |cos| of steps along a factor from different values of it ("x-on-other-x"): 2 / pi on
    a circle, 1 on a line, about 0 where each value has a direction of its own, which Liang et al. call hyper-factorized.

    Raises:
        ValueError: as `check_moves` and `check_radii` say; no two steps along some factor from one value of it.
    """
    check_count("permutations", permutations, 1, "a score needs its null")
    moves, lengths = check_moves(latents, labels, step, factors)
    pairs = {f"{moves.name(s)}-on-{moves.name(s)}": from_one_value(s, moves.lattice) for s in moves.steps}

    def mean(of: Moves) -> list[float]:
        return [float(of.cosines(pair).mean()) for pair in pairs.values()]

    each = mean(moves)
    worst = int(np.argmin(each))
    pair = list(pairs.values())[worst]
    half = half_width(moves.cosines(pair), pair, moves.lattice)
    pooled = {f"{name} pooled": moves.pooled(pair) for name, pair in pairs.items()}
    others = {
        f"{moves.name(s)}-on-other-{moves.name(s)}": from_other_values(s, moves.lattice) for s in moves.steps
    }
    elsewhere = {name: float(np.abs(moves.cosines(pair)).mean()) for name, pair in others.items()}
    return Score(
        value=each[worst],
        low=max(each[worst] - half, -1.0),
        high=min(each[worst] + half, 1.0),
        n=len(moves.gram),
        estimator=moves.says("parallelism, mean cos", lengths),
        nulls=nulls(lambda of: min(mean(of)), moves, permutations, radii, seed, chance_is="below"),
        detail={**dict(zip(pairs, each, strict=True)), **pooled, **elsewhere},
    )


def nulls(
    of: Callable[[Moves], float],
    moves: Moves,
    permutations: int,
    radii: tuple[float, float],
    seed: int,
    chance_is: Literal["above", "below"],
) -> dict[str, float]:
    """A statistic of permuted labels, of random latents and of ideal tori, with the same labels and steps."""
    known = moves.lattice.labels
    n, K = known.values.shape
    rng = numpy_generator(seed, "directions")
    chance = np.array([of(moves.permuted(rng.permutation(n))) for _ in range(permutations)])
    ideal = {
        "random": random_latents(n, moves.features, seed),
        "clifford": clifford_torus(known.values, known.factors),
    }
    if K == 2:
        ideal["torus_3d"] = torus_3d(known.values, known.factors, radii)
    level = null_level(chance) if chance_is == "below" else -null_level(-chance)
    return {"permuted": level, **{name: of(moves.of(latents)) for name, latents in ideal.items()}}


def half_width(value: Float[np.ndarray, " P"], pairs: Pairs, lattice: Lattice) -> float:
    """Of the interval of a mean over pairs, by the jackknife over the labels that the steps set out from."""
    i, j = pairs.p.start[pairs.i], pairs.q.start[pairs.j]

    def without(group: Int[np.ndarray, " n"]) -> Float[np.ndarray, "groups 1"]:
        a, b = group[i], group[j]
        both = a == b
        groups = group.max() + 1

        def left(weight: Float[np.ndarray, " P"]) -> Float[np.ndarray, " groups"]:
            within = np.bincount(a[both], weight[both], groups)
            return weight.sum() - np.bincount(a, weight, groups) - np.bincount(b, weight, groups) + within

        return (left(value) / np.maximum(left(np.ones_like(value)), 1))[:, None]

    return float(jackknife(lattice.index, without)[0])
