"""Does a network's prediction take its factors apart? Read off the prediction itself, eps(x_t, t, label).

**Interaction.** Of factors i and j, with steps h about a label and a, b, c, d = eps(+,+), eps(+,-), eps(-,+), eps(-,-) for
one x_t,

    A = (a + b - c - d) / 4,    B = (a - b + c - d) / 4,    I = (a - b - c + d) / 4,

the effects of i, of j, and what neither has by itself (h^2 times the mixed derivative, as h goes to 0). The share
|I|^2 / (|A|^2 + |B|^2 + |I|^2) is 0 where eps = f(i) + g(j), and 1/3 where the four have nothing to do with one another.
A perfect network's is not 0: images interact themselves, most where they are products. That share stands beside it.

**Composition.** If factors were independent given x_t, Bayes' rule would make scores add up (Liu et al. 2022, arXiv
2206.01714):

    eps(i, j) = eps(i) + eps(j) - eps(none).

The residual is |eps(i, j) + eps(none) - eps(i) - eps(j)|^2 / |eps(i, j) - eps(none)|^2: 0 where they add up, 1 for a network
that ignores a label of which a factor is missing. It takes a network that was trained with factors withheld one by one.
A perfect network's is not 0 either, for what one factor shows alone, and what the other does, seldom add up to what both
show: the exact posterior mean's stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from phasescope.errors import UserError
from phasescope.factors import Factors
from phasescope.families.base import Network, evaluating
from phasescope.families.diffusion.family import Diffusion
from phasescope.families.diffusion.optimum import ConditionalOptimum, PartialOptimum
from phasescope.measures import Score
from phasescope.measures.scores import basic_interval, bootstrap_weights
from phasescope.randomness import numpy_generator, torch_generator

RESAMPLES = 200
Parts = Callable[[Network], tuple[np.ndarray, np.ndarray]]
"""Of a network, what a share's numerator and denominator are at each label, (n,) each."""


class World(Protocol):
    """What is asked of a world: a `worlds.World`."""

    continuous: ClassVar[bool]

    @property
    def factors(self) -> Factors: ...

    def training_labels(self) -> np.ndarray: ...

    def draw_labels(self, n: int, generator: np.random.Generator) -> np.ndarray: ...

    def render(self, labels: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Noisy:
    """x_t of n labels, each under one noise draw."""

    world: World
    family: Diffusion
    labels: Float[np.ndarray, "n K"]
    seed: int
    device: torch.device
    batch: int

    def at(self, t: int) -> tuple[Float[Tensor, "n C H W"], Float[Tensor, "n K"]]:
        """x_t and labels."""
        labels = torch.from_numpy(self.labels).to(self.device)
        x_0 = self.world.render(labels)
        noise = torch.randn(x_0.shape, generator=torch_generator(self.seed, f"probe noise {t}")).to(
            self.device
        )
        return self.family.noisy(x_0, torch.full((len(labels),), t, device=self.device), noise), labels


def interaction_share(
    network: Network,
    world: World,
    family: Diffusion,
    t: int,
    *,
    step: float | Sequence[float] = 0.5,
    labels: Float[np.ndarray, "n K"] | int = 128,
    seed: int = 0,
    device: torch.device | str = "cpu",
    batch: int = 64,
) -> Score:
    """Share of the factors' effects on eps that is interaction, over all pairs of factors; `detail` has each pair's.

    `detail` also has the `optimum`, the share of the exact conditional optimum, where the world has an image of every label.
    The null `unrelated` is 1/3, that of predictions that have nothing to do with one another. The interval resamples labels.

    Args:
        step: h, in the labels' units, one for all factors or one each; labels stay h away from the ends of open factors.
        labels: (n, K), or how many to draw off the grid.

    Raises:
        UserError: fewer than two factors, a step that is not positive, or too wide for its factor.
    """
    steps = _steps(step, world)
    inputs = _inputs(world, family, labels, seed, device, batch, steps)
    pairs = list(combinations(range(len(steps)), 2))

    def parts_of(pair: tuple[int, int]) -> Parts:
        return lambda predictor: _effects(predictor, inputs, family, t, pair, steps)

    names = {pair: " and ".join(world.factors[k].name for k in pair) for pair in pairs}
    with evaluating(network):
        learnt = {pair: parts_of(pair)(network) for pair in pairs}
    detail = {names[pair]: _share(*parts) for pair, parts in learnt.items()}
    if world.continuous:
        optimum = ConditionalOptimum(family, world.render)
        perfect = [parts_of(pair)(optimum) for pair in pairs]
        detail["optimum"] = _share(*(np.sum([parts[i] for parts in perfect], axis=0) for i in (0, 1)))
    return _scored(
        np.sum([parts[0] for parts in learnt.values()], axis=0),
        np.sum([parts[1] for parts in learnt.values()], axis=0),
        f"interaction share of eps, t={t}, steps {', '.join(f'{one:g}' for one in steps)}",
        {"unrelated": 1 / 3},
        detail,
        seed,
    )


def composition_residual(
    network: Network,
    world: World,
    family: Diffusion,
    t: int,
    *,
    labels: Float[np.ndarray, "n K"] | int = 128,
    seed: int = 0,
    device: torch.device | str = "cpu",
    batch: int = 64,
) -> Score:
    """How far eps of a whole label is from the sum of what its factors add by themselves; 0 where scores compose.

    The null `ignored` is 1: a network that ignores a label of which a factor is missing. `detail` has the `optimum`, the
    residual of the exact posterior mean under what is told, where the world has an image of every label and trains on all
    combinations of its factors' values. The interval resamples labels.

    Args:
        network: trained with factors withheld one by one; a factor that is NaN is withheld.
        labels: (n, K), or how many to draw off the grid.

    Raises:
        UserError: fewer than two factors.
    """
    K = len(world.factors)
    if K < 2:
        raise UserError(f"`world` (factors: {K}) must have at least 2 factors: a composition")
    inputs = _inputs(world, family, labels, seed, device, batch, [0.0] * K)

    def only(kept: Sequence[int]) -> Callable[[Tensor], Tensor]:
        gone = torch.ones(K, dtype=torch.bool)
        gone[list(kept)] = False
        return lambda given: given.masked_fill(gone.to(given.device), torch.nan)

    def parts_of(predictor: Network) -> tuple[np.ndarray, np.ndarray]:
        whole, none = (_eps(predictor, inputs, family, t, only(kept)) for kept in (range(K), ()))
        alone = [_eps(predictor, inputs, family, t, only([k])) - none for k in range(K)]
        squares = (whole - none - sum(alone)).square().sum(dim=1), (whole - none).square().sum(dim=1)
        return squares[0].numpy(), squares[1].numpy()

    with evaluating(network):
        residual, told = parts_of(network)
    best = _best_of_grid(world, family)
    return _scored(
        residual,
        told,
        f"composition residual of eps, t={t}",
        {"ignored": 1.0},
        {"optimum": _share(*parts_of(best))} if best else {},
        seed,
    )


def _best_of_grid(world: World, family: Diffusion) -> PartialOptimum | None:
    """The exact optimum of a world that trains on all combinations of its factors' values, and paints any."""
    return PartialOptimum.of_grid(family, world.render, world.training_labels()) if world.continuous else None


def _steps(step: float | Sequence[float], world: World) -> list[float]:
    factors = world.factors
    if len(factors) < 2:
        raise UserError(f"`world` (factors: {len(factors)}) must have at least 2 factors: an interaction")
    steps = [float(step)] * len(factors) if isinstance(step, int | float) else [float(one) for one in step]
    if len(steps) != len(factors):
        raise UserError(f"`step` (={steps}) must be one number, or one for each of {len(factors)} factors")
    for one, factor in zip(steps, factors, strict=True):
        if not 0 < one < factor.span / 2:
            raise UserError(
                f"`step` (={one:g}) must be greater than 0 and less than half of {factor.name}'s span (={factor.span:g})"
            )
    return steps


def _inputs(
    world: World,
    family: Diffusion,
    labels: Float[np.ndarray, "n K"] | int,
    seed: int,
    device: torch.device | str,
    batch: int,
    margins: Sequence[float],
) -> Noisy:
    """Noisy images of labels that keep `margins` from the ends of open factors."""
    if isinstance(labels, int):
        labels = world.draw_labels(labels, numpy_generator(seed, "independence labels"))
    labels = np.array(labels, dtype=np.float32)
    for k, (factor, margin) in enumerate(zip(world.factors, margins, strict=True)):
        if not factor.periodic:
            labels[:, k] = labels[:, k].clip(factor.low + margin, factor.high - margin)
    return Noisy(world, family, labels, seed, torch.device(device), batch)


def _effects(
    predictor: Network,
    inputs: Noisy,
    family: Diffusion,
    t: int,
    pair: tuple[int, int],
    steps: Sequence[float],
) -> tuple[np.ndarray, np.ndarray]:
    """|I|^2 and |A|^2 + |B|^2 + |I|^2 at each label."""

    def at(sign_i: int, sign_j: int) -> Tensor:
        offset = torch.zeros(len(steps))
        offset[pair[0]], offset[pair[1]] = sign_i * steps[pair[0]], sign_j * steps[pair[1]]
        return _eps(predictor, inputs, family, t, lambda given: given + offset.to(given.device))

    a, b, c, d = at(1, 1), at(1, -1), at(-1, 1), at(-1, -1)
    effects = (a + b - c - d) / 4, (a - b + c - d) / 4, (a - b - c + d) / 4
    squares = [effect.square().sum(dim=1).numpy() for effect in effects]
    return squares[2], np.sum(squares, axis=0)


@torch.no_grad()
def _eps(
    predictor: Network, inputs: Noisy, family: Diffusion, t: int, told: Callable[[Tensor], Tensor]
) -> Float[Tensor, "n pixels"]:
    """eps in float64 for the x_t of each label, where the network is told `told(labels)`."""
    x_t, labels = inputs.at(t)
    parts = [
        family.eps_of(predictor, part, torch.full((len(part),), t, device=part.device), given)
        for part, given in zip(x_t.split(inputs.batch), told(labels).split(inputs.batch), strict=True)
    ]
    return torch.cat(parts).flatten(1).double().cpu()


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    """Sum over sum.

    Raises:
        UserError: the prediction does not depend on the label at all.
    """
    if not whole.sum() > 0:
        raise UserError("`network` must depend on the label: its predictions are all the same")
    return float(part.sum() / whole.sum())


def _scored(
    part: np.ndarray,
    whole: np.ndarray,
    estimator: str,
    nulls: dict[str, float],
    detail: dict[str, float],
    seed: int,
) -> Score:
    """The ratio of sums over labels, with the interval of resampled labels."""
    value = _share(part, whole)
    weights = bootstrap_weights(len(part), RESAMPLES, numpy_generator(seed, "independence"))
    low, high = basic_interval(value, (weights @ part) / (weights @ whole))
    return Score(value, max(low, 0.0), high, len(part), estimator, nulls, detail)
