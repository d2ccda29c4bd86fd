"""How often the intervals of `probe_r2` and `participation_ratio` hold the truth: simulated data sets whose truth is known.

The truth of a participation ratio is that of the population's covariance, which each case states. The truth of order is
what its docstring says: the least of the factors' mean R^2 over data sets of n labels, here over data sets of their own,
none of which lends its interval.

    python -m docs.figures.coverage FILE.json        minutes, on one core
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Float

from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures import Score, participation_ratio, probe_r2
from phasescope.measures.checks import check_labels
from phasescope.measures.explained import explained
from phasescope.measures.latents.ideal import clifford_torus
from phasescope.measures.latents.ridge import out_of_fold, ridge_fits

COUNTED = Path(__file__).parents[2] / "results" / "measures" / "interval_coverage.json"
"""What was counted, as the docs show it."""
CASES = 200
"""Data sets whose intervals are counted."""
TRUTH_CASES = 400
"""Further data sets whose mean R^2 is the truth."""
SEED = 1
"""Of the data sets: the intervals were devised on those of seed 0."""
PERIOD = 32.0
BOTH_PERIODIC = Factors.named(("x", "y"), (PERIOD, PERIOD), ("x", "y"))


@dataclass(frozen=True)
class Coverage:
    """How many of `cases` intervals held the truth."""

    measure: str
    scenario: str
    n: int
    features: int
    truth: float
    held: int
    cases: int
    width: float
    """Of the intervals, their mean."""


class Coded(Protocol):
    """Labels and the latents that code for them."""

    n: int
    features: int

    @property
    def name(self) -> str: ...
    @property
    def factors(self) -> Factors | None: ...
    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]: ...


@dataclass
class Linear:
    """Labels, or their sines and cosines, times a fixed code of Gaussian numbers, and noise of variance 1 in each feature.

    A factor has variance 1 (sine and cosine together, where it is periodic); `loudness` is about the length of its code.
    """

    n: int
    features: int
    loudness: float
    periodic: bool = False

    @property
    def name(self) -> str:
        return f"{'periodic' if self.periodic else 'linear'}, loudness {self.loudness:g}"

    @property
    def factors(self) -> Factors | None:
        return BOTH_PERIODIC if self.periodic else None

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.uniform(0, PERIOD, (self.n, 2))
        angle = 2 * np.pi * labels / PERIOD
        signal = (
            np.hstack([np.sin(angle), np.cos(angle)]) if self.periodic else 12**0.5 * (labels / PERIOD - 0.5)
        )
        code = numpy_generator(0, f"code of {self}").normal(size=(signal.shape[1], self.features))
        code *= self.loudness / self.features**0.5
        return signal @ code + rng.normal(size=(self.n, self.features)), labels


@dataclass
class Curved:
    """No noise: sines of random phase over the square of labels, of about `frequency` waves from edge to edge."""

    n: int
    features: int
    frequency: float
    factors: Factors | None = None

    @property
    def name(self) -> str:
        return f"noise-free, {self.frequency:g} waves"

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        fixed = numpy_generator(0, f"code of {self}")
        waves, phase = fixed.normal(size=(2, self.features)), fixed.uniform(0, 2 * np.pi, self.features)
        labels = rng.uniform(0, PERIOD, (self.n, 2))
        return np.sin(2 * np.pi * self.frequency * labels / PERIOD @ waves + phase), labels


ORDERS: tuple[Coded, ...] = (
    Linear(256, 64, 0.5),
    Linear(256, 64, 3.0),
    Linear(256, 64, 2.0, periodic=True),
    Linear(256, 512, 2.0),
    Linear(256, 512, 10.0),
    Linear(256, 512, 6.0, periodic=True),
    Linear(512, 64, 1.0),
    Linear(512, 256, 6.0, periodic=True),
    Linear(512, 1024, 4.0),
    Curved(256, 64, 2.0),
    Curved(256, 512, 2.0),
    Curved(256, 512, 6.0),
)


@dataclass
class Cloud:
    """Gaussian latents whose covariance has these eigenvalues."""

    name: str
    n: int
    variances: Float[np.ndarray, " features"]

    @property
    def truth(self) -> float:
        return float(self.variances.sum() ** 2 / (self.variances**2).sum())

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        return rng.normal(size=(self.n, len(self.variances))) * self.variances**0.5


@dataclass
class Torus:
    """A Clifford torus, whose eigenvalues are four halves, in noise."""

    n: int
    features: int
    noise: float

    @property
    def name(self) -> str:
        return f"Clifford torus, noise {self.noise:g}" if self.noise else "Clifford torus"

    @property
    def truth(self) -> float:
        variances = np.full(self.features, self.noise**2)
        variances[:4] += 0.5
        return float(variances.sum() ** 2 / (variances**2).sum())

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        torus = clifford_torus(rng.uniform(0, PERIOD, (self.n, 2)), BOTH_PERIODIC)
        latents = self.noise * rng.normal(size=(self.n, self.features))
        latents[:, :4] += torus
        return latents


@dataclass
class Bumps:
    """Periodic Gaussian bumps on a canvas, as pixels: theory gives N^2 / (2 pi sigma^2)."""

    n: int
    canvas: int
    sigma_px: float

    @property
    def name(self) -> str:
        return f"bumps, sigma {self.sigma_px:g}"

    @property
    def truth(self) -> float:
        return self.canvas**2 / (2 * np.pi * self.sigma_px**2)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        half = self.canvas / 2
        at = np.arange(1, self.canvas + 1)
        x, y = rng.uniform(0, self.canvas, (2, self.n, 1))
        column, row = (
            np.exp(-(((at - c + half) % self.canvas - half) ** 2) / (2 * self.sigma_px**2)) for c in (x, y)
        )
        return (row[:, :, None] * column[:, None]).reshape(self.n, -1)


def slope(features: int, power: float) -> Float[np.ndarray, " features"]:
    """Variances that fall as a power of their rank, as networks' do."""
    return np.arange(1, features + 1) ** -power


DIMENSIONS: tuple[Cloud | Torus | Bumps, ...] = (
    Cloud("variances 1/i^2", 256, slope(512, 2.0)),
    Cloud("variances 1/i^2", 512, slope(64, 2.0)),
    Cloud("variances 1/i", 256, slope(512, 1.0)),
    Cloud("variances 1/i", 512, slope(64, 1.0)),
    Cloud("20 alike of 64", 256, np.repeat([1.0, 0.0], [20, 44])),
    Cloud("512 alike", 256, np.ones(512)),
    Torus(256, 64, 0.0),
    Torus(256, 512, 0.1),
    Bumps(256, 32, 1.0),
    Bumps(512, 32, 2.0),
)


def order_coverage(coded: Coded, cases: int = CASES, truth_cases: int = TRUTH_CASES) -> Coverage:
    """Of `probe_r2`'s intervals, over data sets that the scenario draws."""
    rng = numpy_generator(SEED, f"coverage of order: {coded}")
    r2 = [out_of_fold_r2(*coded.draw(rng), coded.factors, rng) for _ in range(truth_cases)]
    truth = float(np.mean(r2, axis=0).min())
    scores = [probe_r2(*coded.draw(rng), permutations=1, seed=i, factors=coded.factors) for i in range(cases)]
    return counted("probe_r2", coded.name, coded.features, truth, scores)


def out_of_fold_r2(
    latents: np.ndarray, labels: np.ndarray, factors: Factors | None, rng: np.random.Generator
) -> Float[np.ndarray, " K"]:
    """Each factor's, as `probe_r2` has it."""
    targets, owner = check_labels(labels, len(labels), factors).targets()
    folds = np.array_split(rng.permutation(len(labels)), 5)
    return explained(
        targets,
        out_of_fold(ridge_fits(latents, targets, folds), len(labels)),
        owner,
        np.ones((1, len(labels))),
    )[0]


def dimension_coverage(cloud: Cloud | Torus | Bumps, cases: int = CASES) -> Coverage:
    """Of `participation_ratio`'s intervals, over data sets that the scenario draws."""
    rng = numpy_generator(SEED, f"coverage of dimension: {cloud.name}, {cloud.n}")
    draws = (cloud.draw(rng) for _ in range(cases))
    features = cloud.draw(numpy_generator(SEED, "once")).shape[1]
    scores = [participation_ratio(latents, seed=i) for i, latents in enumerate(draws)]
    return counted("participation_ratio", cloud.name, features, cloud.truth, scores)


def counted(measure: str, scenario: str, features: int, truth: float, scores: list[Score]) -> Coverage:
    """The scores' intervals against the truth."""
    return Coverage(
        measure=measure,
        scenario=scenario,
        n=scores[0].n,
        features=features,
        truth=truth,
        held=sum(score.low <= truth <= score.high for score in scores),
        cases=len(scores),
        width=float(np.mean([score.high - score.low for score in scores])),
    )


def main(path: Path) -> None:
    """Simulate all and write what was counted."""
    found = [order_coverage(coded) for coded in ORDERS]
    found += [dimension_coverage(cloud) for cloud in DIMENSIONS]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(coverage) for coverage in found], indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
