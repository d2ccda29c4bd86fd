"""Input of all disentanglement measures: a code's dimensions, the factors, and the rows for fitting and for testing.

Probes are fitted to the training rows and judged on the test rows, which are random. Mutual information is counted in all.

Activations become dimensions by a reduction that sees no label and is fitted to the training rows. `none` takes the
features as they are. `ica` takes as many leading principal components as hold 95 % of the variance, and turns them, at
unit variance, to where they are least Gaussian (symmetric FastICA, Hyvarinen 1999, g = tanh): if latents are a linear map
of independent factors, at most one of them Gaussian, those are its axes (Comon 1994).

Every score that asks for axes has two baselines, each the level that it stays below in 95 % of draws: `permuted`, the
code's rows with other rows' labels, and `rotated`, the same code about random axes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import with_counts
from phasescope.measures.checks import Labels, check_labels, check_latents
from phasescope.measures.scores import Score, baseline_level, basic_interval

Reduction = Literal["none", "ica"]

TEST_SHARE = 0.25
"""of the rows, drawn at random"""
# With fewer rows in training or in test a correlation is mostly chance.
LEAST_ROWS = 20
# Fewer different labels, with several rows each, cannot be split: a quarter of them is for the test.
LEAST_LABELS = 8
VARIANCE = 0.95
"""of the training rows, that principal components are to hold"""
MOST_AXES = 32
"""that are taken as they are"""
ICA_STEPS = 200


@dataclass(frozen=True)
class Code:
    """n rows of d dimensions with their labels."""

    z: Float[np.ndarray, "n d"]
    labels: Labels
    train: Int[np.ndarray, " m"]
    test: Int[np.ndarray, " t"]
    reduced: str
    """how latents became dimensions, in words"""

    @property
    def name(self) -> str:
        """The reduction and the split, in words."""
        return f"{self.reduced}, random rows ({len(self.test)} of {len(self.z)})"

    @property
    def d(self) -> int:
        return self.z.shape[1]

    @property
    def K(self) -> int:
        return len(self.labels.factors.names)

    def permuted(self, rng: np.random.Generator) -> Code:
        """Return the same labels with another row's code each: nothing to find."""
        return replace(self, z=self.z[rng.permutation(len(self.z))])

    def turned(self, rng: np.random.Generator) -> Code:
        """Return the same code about random axes, its dimensions first brought to unit variance."""
        q, r = np.linalg.qr(rng.normal(size=(self.d, self.d)))
        return replace(self, z=standardised(self.z, self.train) @ (q * np.sign(np.diag(r))))

    def by_factor(self, values: Float[np.ndarray, " K"]) -> dict[str, float]:
        return dict(zip(self.labels.factors.names, values.tolist(), strict=True))


@with_counts()
def code_of(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    *,
    reduction: Reduction = "none",
    dimensions: int = 10,
    seed: int = 0,
) -> Code:
    """Return the code of latents, split into training and test rows and reduced.

    Args:
        latents: one row per label. Rows of equal labels, such as noise draws, are all in training or all in the test, unless
            all factors are categorical, or too few labels differ.
        reduction: "none" or "ica", fitted to the training rows.
        dimensions: the most that a reduction keeps.

    Raises:
        ValueError: as `check_latents` and `check_labels` say; fewer than 2 factors; fewer than 80 rows, or a
            factor that is constant in the test rows; no such reduction; `none` with more than 32 features; fewer than 2
            directions that vary.
    """
    x = check_latents(latents, 4 * LEAST_ROWS, "a quarter of them is for the test")
    known = check_labels(labels, len(x), factors)
    if len(known.factors.names) < 2:
        raise ValueError("`labels` (K=1) must have at least 2 factors: disentanglement is between them")
    train, test = split(known, numpy_generator(seed, "disentanglement split"))
    z, reduced = reduce(x, train, reduction, dimensions)
    return Code(z, known, train, test, reduced)


def split(labels: Labels, rng: np.random.Generator) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " t"]]:
    """Return training and test rows; rows of equal labels, such as noise draws, are on one side.

    Raises:
        ValueError: a factor does not vary in one of the two.
    """
    n = len(labels.values)
    group = labels.repeated(LEAST_LABELS)
    if group is None:
        test = np.sort(rng.permutation(n)[: round(TEST_SHARE * n)])
    else:
        different = int(group.max()) + 1
        chosen = rng.permutation(different)[: round(TEST_SHARE * different)]
        test = np.flatnonzero(np.isin(group, chosen))

    train = np.setdiff1d(np.arange(n), test)
    targets, owner = labels.targets()
    for side, rows in (("training", train), ("test", test)):
        varying = set(owner[np.ptp(targets[rows], axis=0) > 0])
        for k, factor in enumerate(labels.factors.names):
            if k not in varying:
                raise ValueError(
                    f"`labels` ({factor} is the same in all {len(rows)} {side} rows) must vary in both parts of the split"
                )

    return train, test


def reduce(
    x: Float[np.ndarray, "n features"], train: Int[np.ndarray, " m"], reduction: Reduction, dimensions: int
) -> tuple[Float[np.ndarray, "n d"], str]:
    """Return the code's d >= 2 dimensions, and the reduction's name, from latents without constant features.

    Raises:
        ValueError: fewer than two features vary in the training rows.
    """
    features = x.shape[1]
    varying = int((np.ptp(x[train], axis=0) > 0).sum())
    if varying < 2:
        raise ValueError(
            f"`latents` ({varying} features vary in the training rows) must have at least 2: scores compare dimensions"
        )
    if reduction == "none":
        if features > MOST_AXES:
            raise ValueError(
                f"`reduction` (='none') must be 'ica' for {features} features: "
                f"at most {MOST_AXES} are taken as axes"
            )
        return x, f"{features} raw features"
    if reduction != "ica":
        raise ValueError(f"`reduction` (={reduction!r}) must be 'none' or 'ica'")
    from sklearn.decomposition import PCA

    fitted = PCA(min(dimensions, len(train), features), svd_solver="full").fit(x[train])
    rank = int((fitted.explained_variance_ > 1e-12 * fitted.explained_variance_[0]).sum())
    if rank < 2:
        raise ValueError(
            "`latents` (one direction varies in the training rows) must have at least 2: scores compare dimensions"
        )
    held = np.cumsum(fitted.explained_variance_ratio_)
    d = min(max(1 + int(np.searchsorted(held, VARIANCE * (1 - 1e-12))), 2), rank)
    components = independent(fitted.transform(x)[:, :d], train)
    return components, f"ICA to {d} of {features} features with {100 * held[d - 1]:.1f} % of the variance"


def independent(z: Float[np.ndarray, "n d"], train: Int[np.ndarray, " m"]) -> Float[np.ndarray, "n d"]:
    """Return uncorrelated components at unit variance, turned by FastICA that is fitted to the training rows."""
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    z = z / z[train].std(axis=0)
    ica = FastICA(whiten=False, max_iter=ICA_STEPS, tol=1e-8, w_init=np.eye(z.shape[1]))
    with warnings.catch_warnings():
        # Directions of Gaussian noise have no axes to find: the last step's are as good as any.
        warnings.simplefilter("ignore", ConvergenceWarning)
        ica.fit(z[train])
    return z @ ica.components_.T


def standardised(x: Float[np.ndarray, "n C"], train: Int[np.ndarray, " m"]) -> Float[np.ndarray, "n C"]:
    """Return columns of mean 0 and variance 1 over the training rows; one that is constant there is 0 in them."""
    spread = x[train].std(axis=0)
    scale = np.abs(x[train]).max(axis=0)
    return (x - x[train].mean(axis=0)) / np.where(spread > 1e-12 * scale, spread, np.inf)


def moments(
    x: Float[np.ndarray, "rows p"], weights: Float[np.ndarray, "draws rows"]
) -> Float[np.ndarray, "draws p_plus_1 p_plus_1"]:
    """Return weighted means of the products of all columns, the last one being 1."""
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    mean = weights @ (x[:, :, None] * x[:, None]).reshape(len(x), -1) / weights.sum(axis=1, keepdims=True)
    return mean.reshape(-1, x.shape[1], x.shape[1])


def scored(
    estimator: str,
    value: float,
    replicates: Float[np.ndarray, " resamples"],
    n: int,
    baselines: Mapping[str, Sequence[float] | np.ndarray],
    detail: Mapping[str, float] | None = None,
    least: float = 0.0,
) -> Score:
    """Return a score with its basic bootstrap interval, held within `least` and 1 and around the value.

    Args:
        baselines: draws of each baseline by name; the score has their level.
    """
    low, high = basic_interval(value, replicates)
    return Score(
        value=value,
        low=float(np.clip(low, least, value)),
        high=float(np.clip(high, value, 1)),
        n=n,
        estimator=estimator,
        baselines={name: baseline_level(np.array(draws)) for name, draws in baselines.items()},
        detail=detail or {},
    )
