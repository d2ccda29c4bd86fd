"""What all of these measures are of: a code's dimensions, the factors, and the rows for fitting and for judging.

Probes are fitted to the training rows and judged on the test rows. Mutual information has no probe: it is counted in all
rows where the test rows are random ones, and in the test rows where they are held-out combinations.

Two nulls are of every score that asks for axes, each the level that the score stays below in 95 % of draws: `permuted`, the
code's rows against other rows' labels, says what chance reaches; `rotated`, the same code about random axes, what axes reach
that mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from phasescope.factors import Factors
from phasescope.measures.checks import Labels, check_count, check_labels, check_latents
from phasescope.measures.latents.disentanglement.reduction import Reduction, reduce
from phasescope.measures.latents.disentanglement.splits import LEAST_ROWS, split
from phasescope.measures.scores import Score, basic_interval, null_level
from phasescope.randomness import numpy_generator


@dataclass(frozen=True)
class Code:
    """n rows of d dimensions with their labels."""

    z: Float[np.ndarray, "n d"]
    labels: Labels
    train: Int[np.ndarray, " m"]
    test: Int[np.ndarray, " t"]
    counted: Int[np.ndarray, " c"]
    """Rows that information is counted in."""
    name: str
    """The reduction and the split."""
    counted_name: str
    """The reduction and the rows that are counted."""

    @property
    def d(self) -> int:
        return self.z.shape[1]

    @property
    def K(self) -> int:
        return len(self.labels.names)

    def permuted(self, rng: np.random.Generator) -> Code:
        """The same labels and rows with another row's code each: nothing to find."""
        return replace(self, z=self.z[rng.permutation(len(self.z))])

    def turned(self, rng: np.random.Generator) -> Code:
        """The same code about axes drawn at random, its dimensions first brought to unit variance."""
        q, r = np.linalg.qr(rng.normal(size=(self.d, self.d)))
        return replace(self, z=standardised(self.z, self.train) @ (q * np.sign(np.diag(r))))

    def by_factor(self, values: Float[np.ndarray, " K"]) -> dict[str, float]:
        return dict(zip(self.labels.names, values.tolist(), strict=True))


def code_of(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    *,
    held_out: Bool[np.ndarray, " n"] | Literal["box"] | None = None,
    reduction: Reduction = "none",
    dimensions: int = 10,
    seed: int = 0,
) -> Code:
    """The code that latents are, split into training and test rows and reduced.

    Args:
        latents: one row a label; several noise draws of one label must not be rows, for training and test
            would share labels.
        labels: in the world's units.
        factors: what is known of the K factors; by default open, of span 1, named label1, label2, ...
        held_out: None tests on a random quarter of the rows, "box" on the central box of factor values, a
            mask on the rows where it is true.
        reduction: "none", "pca" or "ica", fitted to the training rows.
        dimensions: the most that a reduction keeps.

    Raises:
        ValueError: as `check_latents`, `check_labels`, `split` and `reduce` say; fewer than 2 factors.
    """
    check_count("dimensions", dimensions, 2, "scores compare dimensions")
    x = check_latents(latents, 4 * LEAST_ROWS, "a quarter of them is for the test")
    known = check_labels(labels, len(x), factors)
    if len(known.names) < 2:
        raise ValueError("`labels` (K=1) must have at least 2 factors: disentanglement is between them")
    train, test, rows = split(known, held_out, numpy_generator(seed, "disentanglement split"))
    z, reduced = reduce(x, train, reduction, dimensions)
    counted, counted_rows = (np.arange(len(x)), f"all {len(x)} rows") if held_out is None else (test, rows)
    return Code(z, known, train, test, counted, f"{reduced}, {rows}", f"{reduced}, {counted_rows}")


def standardised(x: Float[np.ndarray, "n C"], train: Int[np.ndarray, " m"]) -> Float[np.ndarray, "n C"]:
    """Columns of mean 0 and variance 1 over the training rows; one that is constant there is 0 in them."""
    spread = x[train].std(axis=0)
    scale = np.abs(x[train]).max(axis=0)
    return (x - x[train].mean(axis=0)) / np.where(spread > 1e-12 * scale, spread, np.inf)


def scored(
    estimator: str,
    value: float,
    replicates: Float[np.ndarray, " resamples"],
    n: int,
    nulls: Mapping[str, Sequence[float] | np.ndarray],
    detail: Mapping[str, float] | None = None,
    least: float = 0.0,
) -> Score:
    """A score with its basic bootstrap interval, held within `least` and 1 and around the value.

    Args:
        nulls: by name the draws of each null, of which the score has the level.
    """
    low, high = basic_interval(value, replicates)
    return Score(
        value=value,
        low=float(np.clip(low, least, value)),
        high=float(np.clip(high, value, 1)),
        n=n,
        estimator=estimator,
        nulls={name: null_level(np.array(draws)) for name, draws in nulls.items()},
        detail=detail or {},
    )
