"""A diffusion: a network learns to remove noise, and a sampler goes from noise to an image.

Training (Ho et al. 2020, eq. 14, arXiv 2006.11239): t is uniform in 0 ... T-1, eps ~ N(0, I), and

    x_t = alpha_t x_0 + sigma_t eps,    loss = w_t |prediction(x_t, t, label) - target|^2 / pixels.

A network is any callable ``network(x_t, t, labels)`` that answers (B, C, H, W), for x_t (B, C, H, W), t (B,)
int64 and labels (B, K), where a row of NaN is no label.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from phasescope.core.errors import UserError
from phasescope.models.families.base import Family, SamplingState
from phasescope.models.families.diffusion import Predict, Times, parametrization
from phasescope.models.families.diffusion.parametrization import Weighting
from phasescope.models.families.diffusion.samplers import Denoise, Sampler
from phasescope.models.families.diffusion.schedule import LogitNormal, Schedule, per_image
from phasescope.models.families.task import Network


class Diffusion(Family):
    """A schedule, a parametrization, a weighting and a sampler.

    Args:
        weighting: from (predict, SNR (T,)) the weight w_t of the squared error of the prediction, (T,).
        clip: whether sampling holds each estimate of x_0 in [-1, 1]: an error of eps is sigma/alpha times larger in x_0,
            so without it a half-trained network's first steps shift the whole image.
        times: how a batch's t are drawn: independently, or spread evenly, `stratified`.
        density: how often each t is drawn; None: all equally often.
    """

    def __init__(
        self,
        schedule: Schedule,
        predict: Predict,
        weighting: Weighting,
        sampler: Sampler,
        clip: bool = False,
        times: Times = "independent",
        density: LogitNormal | None = None,
    ) -> None:
        self.schedule = schedule
        self.predict: Predict = predict
        self.sampler = sampler
        self.clip = clip
        self.times: Times = times
        self.density = density
        self._weight = weighting(predict, schedule.log_snr.exp())
        self._tables: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor, Tensor]] = {}

    def loss(
        self,
        network: Network,
        x_0: Float[Tensor, "B C H W"],
        labels: Float[Tensor, "B K"],
        generator: torch.Generator,
    ) -> Float[Tensor, " B"]:
        """Return the weighted squared error per pixel of each image, (B,), at a random t with random noise."""
        return self.loss_at(network, x_0, labels, *self.draw(x_0, generator))

    def draw(
        self, x_0: Float[Tensor, "B C H W"], generator: torch.Generator
    ) -> tuple[Int[Tensor, " B"], Float[Tensor, "B C H W"]]:
        """Draw t and the noise, the random part of a loss, on the generator's device.

        Stratified, t_i = floor(T ((u + i/B) mod 1)) with one uniform u for all: each t is uniform, and no two are near. With
        a density, T times its quantiles at the same numbers.
        """
        t = self._draw_times(len(x_0), generator)
        noise = torch.randn(x_0.shape, generator=generator, device=generator.device, dtype=x_0.dtype)
        self._table(x_0)  # made here: a compiled `loss_at` finds it
        return t.to(x_0.device), noise.to(x_0.device)

    def _draw_times(self, n: int, generator: torch.Generator) -> Int[Tensor, " n"]:
        """Return n times t, drawn on the generator's device."""
        device, steps = generator.device, self.schedule.steps
        if self.times == "independent" and self.density is None:
            return torch.randint(steps, (n,), generator=generator, device=device)

        if self.times == "stratified":
            u = torch.rand((), generator=generator, device=device, dtype=torch.float64)
            shares = (u + torch.arange(n, device=device, dtype=torch.float64) / n) % 1
        else:
            shares = torch.rand(n, generator=generator, device=device, dtype=torch.float64)

        if self.density is not None:
            shares = self.density.quantile(shares)
        return (shares * steps).long().clamp(max=steps - 1)

    def loss_at(
        self, network: Network, x_0: Float[Tensor, "B C H W"], labels: Float[Tensor, "B K"], *drawn: Tensor
    ) -> Float[Tensor, " B"]:
        """Return the weighted squared error per pixel of each image, at the t (B,) with the noise (B, C, H, W) of `draw`.

        Raises:
            UserError: the network's answer has another shape than an image's.
        """
        t, noise = drawn
        alpha, sigma = self._scales(t, x_0)
        target = parametrization.prediction_of(self.predict, x_0, noise, alpha, sigma)

        prediction = network(alpha * x_0 + sigma * noise, t, labels)
        if prediction.shape != target.shape:
            raise UserError(f"`network` must return the shape {(*target.shape,)}, not {(*prediction.shape,)}")
        return self._table(x_0)[2][t] * _mean_square(prediction - target)

    def noisy(
        self, x_0: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], noise: Float[Tensor, "B C H W"]
    ) -> Float[Tensor, "B C H W"]:
        """Return x_t = alpha_t x_0 + sigma_t noise."""
        alpha, sigma = self._scales(t, x_0)
        return alpha * x_0 + sigma * noise

    def x_0_of(
        self,
        network: Network,
        x_t: Float[Tensor, "B C H W"],
        t: Int[Tensor, " B"],
        labels: Float[Tensor, "B K"],
    ) -> Float[Tensor, "B C H W"]:
        """Return the network's estimate of the images in `x_t`."""
        return parametrization.x_0_of(self.predict, network(x_t, t, labels), x_t, *self._scales(t, x_t))

    def eps_error(
        self,
        network: Network,
        x_0: Float[Tensor, "B C H W"],
        labels: Float[Tensor, "B K"],
        t: Int[Tensor, " B"],
        noise: Float[Tensor, "B C H W"],
    ) -> Float[Tensor, " B"]:
        """Return the mean squared error per pixel, (B,), of the network's estimate of the noise, whatever it predicts."""
        x_t = self.noisy(x_0, t, noise)
        eps = parametrization.eps_of(self.predict, network(x_t, t, labels), x_t, *self._scales(t, x_t))
        return _mean_square(eps - noise)

    def trajectory(
        self,
        network: Network,
        labels: Float[Tensor, "B K"],
        shape: tuple[int, ...],
        generator: torch.Generator,
    ) -> Iterator[SamplingState]:
        """Yield the sampler's states from noise to the images of `labels`, on their device and in their dtype.

        Args:
            shape: (C, H, W).
            generator: of the first noise and of each step's; drawn on its own device.
        """
        x_t = torch.randn(
            (len(labels), *shape), generator=generator, device=generator.device, dtype=labels.dtype
        )
        return self.sampler.states(self.denoiser(network, labels), x_t.to(labels.device), generator)

    def denoiser(self, network: Network, labels: Float[Tensor, "B K"]) -> Denoise:
        """Return a sampler's `denoise(x_t, t)`: the network's `estimate`, given `labels`."""

        def denoise(x_t: Tensor, t: int) -> Tensor:
            times = torch.full((len(x_t),), t, device=x_t.device)
            return self.estimate(network, x_t, times, labels)

        return denoise

    def estimate(
        self,
        network: Network,
        x_t: Float[Tensor, "B C H W"],
        t: Int[Tensor, " B"],
        labels: Float[Tensor, "B K"],
    ) -> Float[Tensor, "B C H W"]:
        """Return the network's estimate of x_0 as samplers use it: `x_0_of`, clipped to [-1, 1] if `clip`."""
        x_0 = self.x_0_of(network, x_t, t, labels)
        return x_0.clamp(-1, 1) if self.clip else x_0

    @property
    def noise_levels(self) -> range:
        return range(self.schedule.steps)

    def inputs(
        self, x_0: Tensor, labels: Tensor, t: int | None, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return (x_t, t, labels) at the noise level t.

        Raises:
            ValueError: t is None, which families without noise levels take.
        """
        if t is None:
            raise ValueError(f"`t` (=None) must be from 0 to {self.schedule.steps - 1}: a noise level")
        times = torch.full((len(x_0),), t, device=x_0.device)
        return self.noisy(x_0, times, noise), times, labels

    @property
    def x_0_weight(self) -> Float[Tensor, " T"]:
        """The loss's weight of the squared error of x_0, times how often t is drawn, (T,) float64."""
        drawn = 1.0 if self.density is None else self.density.of_levels(self.schedule.steps)
        return self._weight * drawn * parametrization.error_ratio(self.predict, self.schedule.log_snr.exp())

    def _table(self, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # Kept, so that no training step copies alpha, sigma and weight, (T,) each, to where `like` is.
        key = (like.device, like.dtype)
        if key not in self._tables:
            alpha, sigma = self.schedule.alpha.to(like), self.schedule.sigma.to(like)
            self._tables[key] = alpha, sigma, self._weight.to(like)
        return self._tables[key]

    def _scales(self, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return alpha_t and sigma_t, (B, 1, ..., 1) each, with as many dimensions as the images."""
        alpha, sigma, _ = self._table(like)
        return per_image(alpha[t], like.ndim), per_image(sigma[t], like.ndim)


def _mean_square(error: Tensor) -> Tensor:
    return error.square().flatten(1).mean(1)
