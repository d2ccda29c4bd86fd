"""Samplers: from noise to an image, as generators of the states on the way.

A sampler goes down the times T-1 = t_0 > t_1 > ... > t_n = -1 (the clean image), evenly spaced and rounded
("trailing" in Lin et al. 2024, arXiv 2305.08891). At t it asks `denoise(x_t, t)` for x_0, then goes to s < t:

- DDIM (Song et al. 2021, eq. 12, 16, arXiv 2010.02502), eps = (x_t - alpha_t x_0) / sigma_t, z fresh noise,

      x_s = alpha_s x_0 + sigma_s sqrt(1 - eta^2 tau) eps + sigma_s eta sqrt(tau) z,  tau = 1 - SNR_t / SNR_s;

  eta = 1 through every t is ancestral DDPM with the posterior's variance (Ho et al. 2020, eq. 6 and 7);
- DPM-Solver++(2M) (Lu et al. 2022, algorithm 2, arXiv 2211.01095), lambda = log(alpha / sigma),
  h = lambda_s - lambda_t, with h' and x_0' those of the step before,

      x_s = sigma_s / sigma_t x_t - alpha_s (exp(-h) - 1) D,   D = x_0 + h / (2 h') (x_0 - x_0'),

  where D = x_0 at the first step and at the last, where h is infinite.

- Euler and Heun, for flow matching, where dx_u/du = eps - x_0 (Karras et al. 2022, algorithm 1, arXiv 2206.00364).
  Euler is DDIM there: with alpha = 1 - u and sigma = u, x_s = x_t + (s - t)(eps - x_0). Heun goes there, looks again, and
  takes the mean of the two velocities; to the clean image it goes as Euler does.

Gradients are off while `denoise` computes, and as the caller left them between.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from phasescope.models.families.base import SamplingState
from phasescope.models.families.diffusion.schedule import Schedule

Denoise = Callable[[Tensor, int], Tensor]
"""estimates x_0, (B, C, H, W), from x_t at t"""


class Estimate(NamedTuple):
    """The estimate of x_0 at t. A sampler keeps the last one, and not its state: memory holds few images of a size."""

    t: int
    x_0: Tensor


def sampling_times(schedule_steps: int, steps: int) -> list[int]:
    """Return the n + 1 times from T-1 down to -1, n = `steps` <= T = `schedule_steps`."""
    return (torch.linspace(schedule_steps, 0, steps + 1, dtype=torch.float64).round().long() - 1).tolist()


@dataclass(frozen=True, eq=False)
class Sampler(ABC):
    """Base of all samplers: n = `steps` steps of a schedule."""

    schedule: Schedule
    steps: int

    def states(
        self, denoise: Denoise, x_t: Float[Tensor, "B C H W"], generator: torch.Generator
    ) -> Iterator[SamplingState]:
        """Yield the n + 1 states from the noise `x_t` at t = T-1 to the images.

        Args:
            x_t: unit normal noise, (B, C, H, W).
            generator: of the noise of every step; drawn on its own device.
        """
        before = None
        for step, (t, s) in enumerate(pairwise(sampling_times(self.schedule.steps, self.steps))):
            with torch.no_grad():
                x_0 = denoise(x_t, t)
            state = SamplingState(step, t, x_t, x_0)
            yield state

            x_t = self.step_to(s, state, before=before, denoise=denoise, generator=generator)
            before = Estimate(t, x_0)
        yield SamplingState(self.steps, -1, x_t, x_t)

    @abstractmethod
    def step_to(
        self,
        s: int,
        state: SamplingState,
        *,
        before: Estimate | None,
        denoise: Denoise,
        generator: torch.Generator,
    ) -> Float[Tensor, "B C H W"]:
        """Return x_s from the state at t > s.

        Args:
            before: the estimate of the step before; None at the first step.
            denoise: for samplers that ask for a second estimate.
            generator: of fresh noise, if a sampler adds any.
        """


@dataclass(frozen=True, eq=False)
class DDIM(Sampler):
    """DDIM, with the share `eta` of the ancestral noise."""

    eta: float = 0.0

    def step_to(
        self,
        s: int,
        state: SamplingState,
        *,
        before: Estimate | None,
        denoise: Denoise,
        generator: torch.Generator,
    ) -> Float[Tensor, "B C H W"]:
        alpha_t, sigma_t, log_snr_t = self.schedule.at(state.t)
        alpha_s, sigma_s, log_snr_s = self.schedule.at(s)
        tau = -math.expm1(log_snr_t - log_snr_s)

        eps = (state.x_t - alpha_t * state.x_0) / sigma_t
        x_s = alpha_s * state.x_0 + sigma_s * math.sqrt(1 - self.eta**2 * tau) * eps

        # Without noise to add none is drawn, so DDIM with eta = 0 depends on nothing but its first noise.
        if self.eta > 0 and sigma_s > 0:
            z = torch.randn(x_s.shape, generator=generator, device=generator.device, dtype=x_s.dtype)
            x_s = x_s + sigma_s * self.eta * math.sqrt(tau) * z.to(x_s.device)
        return x_s


@dataclass(frozen=True, eq=False)
class Heun(Sampler):
    """Heun's method of flow matching: deterministic, second order, two evaluations per step but for the last."""

    def step_to(
        self,
        s: int,
        state: SamplingState,
        *,
        before: Estimate | None,
        denoise: Denoise,
        generator: torch.Generator,
    ) -> Float[Tensor, "B C H W"]:
        _, sigma_t, _ = self.schedule.at(state.t)
        _, sigma_s, _ = self.schedule.at(s)

        # Euler's step, with the velocity at its beginning.
        velocity_t = self._velocity(state.x_t, state.x_0, state.t)
        x_s = state.x_t + (sigma_s - sigma_t) * velocity_t
        if s < 0:
            return x_s

        # The same step again, with the mean of the velocities at both ends.
        with torch.no_grad():
            x_0_at_s = denoise(x_s, s)
        velocity_s = self._velocity(x_s, x_0_at_s, s)
        return state.x_t + (sigma_s - sigma_t) / 2 * (velocity_t + velocity_s)

    def _velocity(self, x_t: Tensor, x_0: Tensor, t: int) -> Tensor:
        """Return the velocity eps - x_0 at x_t."""
        alpha, sigma, _ = self.schedule.at(t)
        return (x_t - alpha * x_0) / sigma - x_0


@dataclass(frozen=True, eq=False)
class DPMSolver(Sampler):
    """DPM-Solver++(2M): deterministic, second order, one evaluation per step."""

    def step_to(
        self,
        s: int,
        state: SamplingState,
        *,
        before: Estimate | None,
        denoise: Denoise,
        generator: torch.Generator,
    ) -> Float[Tensor, "B C H W"]:
        _, sigma_t, log_snr_t = self.schedule.at(state.t)
        alpha_s, sigma_s, log_snr_s = self.schedule.at(s)
        h = (log_snr_s - log_snr_t) / 2

        direction = state.x_0
        # The last step has an infinite h, by which the correction would be multiplied.
        if before is not None and s >= 0:
            h_before = (log_snr_t - self.schedule.at(before.t)[2]) / 2
            direction = state.x_0 + h / (2 * h_before) * (state.x_0 - before.x_0)

        return sigma_s / sigma_t * state.x_t - alpha_s * math.expm1(-h) * direction


SAMPLERS: dict[str, Callable[..., Sampler]] = {
    # Ancestral sampling through all T times, with the variance of the posterior q(x_{t-1} | x_t, x_0).
    "ddpm": lambda schedule: DDIM(schedule, schedule.steps, eta=1.0),
    "ddim": DDIM,
    "dpm_solver": DPMSolver,
    "euler": DDIM,
    "heun": Heun,
}
"""by the kind of their configuration"""
