"""Noise levels and targets of models that are trained outside phasescope, in their own conventions of time.

    target        the model predicts               its time
    epsilon       the noise n                      t = 0 ... T-1 (int64) of `alphas_cumprod`, or t in [0, 1] of `log_snr`
    sample        the image x_0                    likewise
    v             alpha n - sigma x_0              likewise
    flow          the velocity n - x_0             t in [0, 1], x_t = (1 - t) x_0 + t n: noise at t = 1 (diffusers)
    flow_to_data  the velocity x_0 - n             t in [0, 1], x_t = t x_0 + (1 - t) n: noise at t = 0 (torchcfm)

In all of them x_t = alpha x_0 + sigma n, and the log SNR is log(alpha^2 / sigma^2).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from phasescope.core.errors import UserError
from phasescope.models.families.diffusion import Predict, parametrization
from phasescope.models.families.diffusion.meter.conditions import as_tensor
from phasescope.models.families.diffusion.schedule import Schedule

Target = Literal["epsilon", "sample", "v", "flow", "flow_to_data"]
TARGETS: tuple[Target, ...] = get_args(Target)
ALIASES: dict[str, Target] = {
    "eps": "epsilon",
    "noise": "epsilon",
    "x": "sample",
    "x_0": "sample",
    "x0": "sample",
    "image": "sample",
    "velocity": "flow",
}
"""names of targets elsewhere"""
FLOWS: tuple[Target, ...] = ("flow", "flow_to_data")
PREDICTED: dict[Target, Predict] = {
    "epsilon": "eps",
    "sample": "x",
    "v": "v",
    "flow": "velocity",
    "flow_to_data": "velocity",
}
MOST_LOG_SNR = 10.0
"""bands of a continuous time end here: beyond it next to nothing of the image, or of the noise, is left"""
GRID = 4096
"""times at which a log SNR of the user's is tabulated, to find the time of a level"""


@dataclass(frozen=True)
class Levels:
    """The noise levels of n draws."""

    time: Tensor
    """as the model is given it, (n,): int64 or float32"""
    log_snr: Tensor
    """(n,), float64"""
    alpha: Tensor
    """(n,), float64"""
    sigma: Tensor
    """(n,), float64"""


@dataclass(frozen=True)
class Noising(ABC):
    """The noise levels of a model, and what it predicts."""

    target: Target

    @property
    @abstractmethod
    def ends(self) -> tuple[float, float]:
        """The least and the greatest log SNR that are read."""

    @abstractmethod
    def draw(self, low: float, high: float, n: int, generator: torch.Generator) -> Levels | None:
        """Return `n` noise levels with a log SNR from `low` to `high`; None if the model has none there."""

    def target_of(self, x_0: Tensor, noise: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Return the target of the model, (n, ...); `alpha` and `sigma` broadcast with the images."""
        prediction = parametrization.prediction_of(PREDICTED[self.target], x_0, noise, alpha, sigma)
        return -prediction if self.target == "flow_to_data" else prediction

    def as_noise(self, levels: Levels) -> Tensor:
        """Return the squared error of the noise over that of the target, (n,): x_t is known, so one gives the other."""
        snr = levels.log_snr.exp()
        return snr / parametrization.error_ratio(PREDICTED[self.target], snr)


@dataclass(frozen=True, eq=False)
class Discrete(Noising):
    """The levels t = 0 ... T-1 of `alphas_cumprod`, as `scheduler.alphas_cumprod` of diffusers has them."""

    alphas_cumprod: Tensor
    """(T,), float64, in (0, 1)"""

    @property
    def log_snr(self) -> Tensor:
        return torch.log(self.alphas_cumprod) - torch.log1p(-self.alphas_cumprod)

    @property
    def ends(self) -> tuple[float, float]:
        return float(self.log_snr.min()), float(self.log_snr.max())

    def draw(self, low: float, high: float, n: int, generator: torch.Generator) -> Levels | None:
        log_snr = self.log_snr
        t = times_within(log_snr, low=low, high=high, n=n, generator=generator)
        if t is None:
            return None
        return Levels(
            time=t,
            log_snr=log_snr[t],
            alpha=self.alphas_cumprod[t].sqrt(),
            sigma=(1 - self.alphas_cumprod[t]).sqrt(),
        )


@dataclass(frozen=True, eq=False)
class Scheduled(Noising):
    """The levels t = 0 ... T-1 of a schedule of phasescope, whose alpha^2 + sigma^2 need not be 1."""

    schedule: Schedule

    @property
    def ends(self) -> tuple[float, float]:
        return float(self.schedule.log_snr.min()), float(self.schedule.log_snr.max())

    def draw(self, low: float, high: float, n: int, generator: torch.Generator) -> Levels | None:
        schedule = self.schedule
        t = times_within(schedule.log_snr, low=low, high=high, n=n, generator=generator)
        if t is None:
            return None
        return Levels(time=t, log_snr=schedule.log_snr[t], alpha=schedule.alpha[t], sigma=schedule.sigma[t])


@dataclass(frozen=True, eq=False)
class Flow(Noising):
    """The straight path between image and noise, t in [0, 1]."""

    @property
    def ends(self) -> tuple[float, float]:
        return -MOST_LOG_SNR, MOST_LOG_SNR

    def draw(self, low: float, high: float, n: int, generator: torch.Generator) -> Levels:
        log_snr = evenly(low, high, n, generator)
        sigma = torch.sigmoid(-log_snr / 2)  # log SNR = 2 log((1 - sigma) / sigma)
        time = sigma if self.target == "flow" else 1 - sigma
        return Levels(time=time.float(), log_snr=log_snr, alpha=1 - sigma, sigma=sigma)


@dataclass(frozen=True, eq=False)
class Continuous(Noising):
    """A log SNR of the user's as a function of t in [0, 1], falling or rising; alpha^2 + sigma^2 = 1."""

    times: Tensor
    """(GRID,), float64, such that the log SNR rises"""
    values: Tensor
    """(GRID,), the log SNR there, float64"""

    NAME: ClassVar[str] = "log_snr"

    @classmethod
    def from_function(cls, target: Target, log_snr: Callable[[Tensor], Tensor]) -> Continuous:
        """Return the levels of a function of times (n,).

        Raises:
            UserError: its answer is not (n,), or neither rises nor falls throughout.
        """
        if not callable(log_snr):
            raise UserError(f"`log_snr` (={log_snr!r}) must be a function of t in [0, 1]")
        times = torch.linspace(0, 1, GRID, dtype=torch.float64)
        answer = log_snr(times)
        values = (
            as_tensor("the answer of `log_snr`", answer) if isinstance(answer, Tensor | np.ndarray) else None
        )
        if values is None or values.shape != times.shape:
            shape = type(answer).__name__ if values is None else tuple(values.shape)
            raise UserError(f"`log_snr` must answer one number a time, (n,), not {shape}")
        values = values.double()

        known = ~values.isnan()
        times, values = times[known], values[known].clamp(-1e6, 1e6)
        if len(values) > 1 and values[0] > values[-1]:
            times, values = times.flip(0), values.flip(0)
        if len(values) < 2 or (values.diff() < 0).any() or values[0] == values[-1]:
            raise UserError("`log_snr` must rise, or fall, from t = 0 to t = 1")
        return cls(target, times, values)

    @property
    def ends(self) -> tuple[float, float]:
        return max(float(self.values[0]), -MOST_LOG_SNR), min(float(self.values[-1]), MOST_LOG_SNR)

    def draw(self, low: float, high: float, n: int, generator: torch.Generator) -> Levels:
        log_snr = evenly(low, high, n, generator)
        time = np.interp(log_snr.numpy(), self.values.numpy(), self.times.numpy())
        return Levels(
            time=torch.from_numpy(time).float(),
            log_snr=log_snr,
            alpha=torch.sigmoid(log_snr).sqrt(),
            sigma=torch.sigmoid(-log_snr).sqrt(),
        )


def times_within(
    log_snr: Tensor, *, low: float, high: float, n: int, generator: torch.Generator
) -> Tensor | None:
    """Return n of the times t of a table of log SNR (T,) that lie from `low` to `high`, (n,) int64; None if none does."""
    inside = ((log_snr >= low) & (log_snr <= high)).nonzero().flatten()
    if not len(inside):
        return None
    return inside[torch.randint(len(inside), (n,), generator=generator)]


def evenly(low: float, high: float, n: int, generator: torch.Generator) -> Tensor:
    """Return n draws that are spread evenly from `low` to `high`, one in each n-th of it, float64."""
    at = (torch.arange(n, dtype=torch.float64) + torch.rand(n, generator=generator, dtype=torch.float64)) / n
    order = torch.randperm(n, generator=generator)
    return low + (high - low) * at[order]


def noising(
    target: str,
    alphas_cumprod: Tensor | np.ndarray | None,
    log_snr: Callable[[Tensor], Tensor] | None,
) -> Noising:
    """Return the noise levels of a target and of the schedule that belongs to it.

    Raises:
        UserError: the target is unknown; a schedule is missing, is one too many, or is invalid.
    """
    ours = target.removesuffix("_prediction") if isinstance(target, str) else target
    if target != ours and ours in TARGETS:
        raise UserError(f"`target` (={target}) must be {ours}: so it is called here")
    if target not in TARGETS:
        near = f"; did you mean {ALIASES[target]}?" if isinstance(target, str) and target in ALIASES else ""
        raise UserError(
            f"`target` (={target}) must be one of {', '.join(TARGETS)}: what the model predicts{near}"
        )
    if target in FLOWS:
        for name, given in (("alphas_cumprod", alphas_cumprod), ("log_snr", log_snr)):
            if given is not None:
                raise UserError(f"`{name}` must be left out with `target` (={target}): its path is straight")
        return Flow(target)
    if (alphas_cumprod is None) == (log_snr is None):
        raise UserError(
            f"`target` (={target}) must come with one schedule: `alphas_cumprod` (scheduler.alphas_cumprod) or `log_snr`"
        )
    if log_snr is not None:
        return Continuous.from_function(target, log_snr)

    if hasattr(alphas_cumprod, "alphas_cumprod"):
        raise UserError(
            f"`alphas_cumprod` (={type(alphas_cumprod).__name__}) must be its table: `scheduler.alphas_cumprod`"
        )
    table = as_tensor("`alphas_cumprod`", alphas_cumprod).double()
    valid = table.ndim == 1 and len(table) > 1 and bool(((table >= 0) & (table <= 1)).all())
    if not valid:
        raise UserError(
            f"`alphas_cumprod` (of shape {tuple(table.shape)}) must be (T,), from 0 to 1: alpha squared of each t"
        )
    inside = table[(table > 0) & (table < 1)]
    if len(inside) < 2 or bool((table.diff() > 0).any()):
        raise UserError("`alphas_cumprod` must fall with t, between 1 and 0: products of 1 - beta, no betas")
    return Discrete(target, table)
