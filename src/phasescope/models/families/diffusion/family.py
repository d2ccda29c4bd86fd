"""A diffusion: a network learns to remove noise, and a sampler goes from noise to an image.

Training (Ho et al. 2020, eq. 14, arXiv 2006.11239): t is uniform in 0 ... T-1, eps ~ N(0, I), and

    x_t = alpha_t x_0 + sigma_t eps,    loss = w_t |prediction(x_t, t, label) - target|^2 / pixels.

A network is any callable ``network(x_t, t, labels)`` that answers (B, C, H, W), for x_t (B, C, H, W), t (B,)
int64 and labels (B, K), where a row of NaN is no label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from phasescope.core.errors import UserError
from phasescope.core.randomness import torch_generator
from phasescope.models.families.base import Clones, Examples, Family, Network, SamplingState, Task
from phasescope.models.families.diffusion import Predict, Times, parametrization
from phasescope.models.families.diffusion.parametrization import Weighting
from phasescope.models.families.diffusion.samplers import Denoise, Sampler
from phasescope.models.families.diffusion.schedule import LogitNormal, Schedule

if TYPE_CHECKING:
    from phasescope.models.families.diffusion.closest_reference import Comparison

AT_ONCE = 64
"""images in one pass of a network that is compared with reference denoisers"""


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
        self._comparison: tuple[Examples, Comparison] | None = None
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
        """Return all that is random in a loss: t, then the noise; drawn on the generator's device.

        Stratified, t_i = floor(T ((u + i/B) mod 1)) with one uniform u for all: each t is uniform, and no two are near. With
        a density, T times its quantiles at the same numbers.
        """
        device, n, steps = generator.device, len(x_0), self.schedule.steps
        if self.times == "independent" and self.density is None:
            t = torch.randint(steps, (n,), generator=generator, device=device)
        else:
            if self.times == "stratified":
                u = torch.rand((), generator=generator, device=device, dtype=torch.float64)
                at = (u + torch.arange(n, device=device, dtype=torch.float64) / n) % 1
            else:
                at = torch.rand(n, generator=generator, device=device, dtype=torch.float64)
            t = ((self.density.quantile(at) if self.density else at) * steps).long().clamp(max=steps - 1)
        noise = torch.randn(x_0.shape, generator=generator, device=device, dtype=x_0.dtype)
        self._table(x_0)  # made here: a compiled `loss_at` finds it
        return t.to(x_0.device), noise.to(x_0.device)

    def loss_at(
        self, network: Network, x_0: Float[Tensor, "B C H W"], labels: Float[Tensor, "B K"], *drawn: Tensor
    ) -> Float[Tensor, " B"]:
        """Return the weighted squared error per pixel of each image, at the t (B,) with the noise (B, C, H, W) of `draw`."""
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
        return self.sampler.states(self._denoise(network, labels), x_t.to(labels.device), generator)

    def _denoise(self, network: Network, labels: Float[Tensor, "B K"]) -> Denoise:
        """Return the network's estimate of x_0 in sampling `labels`, held in [-1, 1] if `clip` says so."""

        def denoise(x_t: Tensor, t: int) -> Tensor:
            x_0 = self.x_0_of(network, x_t, torch.full((len(x_t),), t, device=x_t.device), labels)
            return x_0.clamp(-1, 1) if self.clip else x_0

        return denoise

    @property
    def noise_levels(self) -> range:
        return range(self.schedule.steps)

    def inputs(
        self, x_0: Tensor, labels: Tensor, t: int | None, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return (x_t, t, labels) at the noise level t."""
        if t is None:
            raise ValueError(f"`t` (=None) must be from 0 to {self.schedule.steps - 1}: a noise level")
        times = torch.full((len(x_0),), t, device=x_0.device)
        return self.noisy(x_0, times, noise), times, labels

    @torch.no_grad()
    def band_errors(self, network: Network, examples: Examples) -> list[float]:
        """Return the mean squared error of eps per pixel in each band of t, over the examples' labels."""
        errors, task = [], examples.task
        for band, (low, high) in enumerate(self.bands(len(examples.labels))):
            generator = torch_generator(examples.seed, "probe band", band)
            labels = torch.from_numpy(examples.labels[band])
            t = torch.randint(low, high, (len(labels),), generator=generator)
            noise = torch.randn(len(labels), *examples.shape, generator=generator)
            t, noise, labels = (tensor.to(examples.device) for tensor in (t, noise, labels))
            x_0, labels = task.render(labels), task.factors.visible_columns(labels)
            errors.append(self.eps_error(network, x_0, labels, t, noise).mean().item())
        return errors

    def bands(self, count: int) -> list[tuple[int, int]]:
        """Return [low, high) of t of `count` equal bands; fewer if there are not as many noise levels."""
        edges = torch.linspace(0, self.schedule.steps, count + 1, dtype=torch.float64).round().long().tolist()
        return list(pairwise(dict.fromkeys(edges)))

    @property
    def x_0_weight(self) -> Float[Tensor, " T"]:
        """The loss's weight of the squared error of x_0, times how often t is drawn, (T,) float64."""
        drawn = 1.0 if self.density is None else self.density.of_levels(self.schedule.steps)
        return self._weight * drawn * parametrization.error_ratio(self.predict, self.schedule.log_snr.exp())

    def forecast(self, task: Task, errors: bool = True) -> dict[str, Any]:
        """Return what the reference denoisers predict; see `forecast`."""
        from phasescope.models.families.diffusion.forecast import forecast

        return forecast(self, self.x_0_weight, task, errors)

    def optima(self, task: Task) -> dict[str, Network]:
        """Return the patch-local optimal denoiser, and the posterior mean."""
        from phasescope.models.families.diffusion.references import References

        known = References.from_task(self, task)
        return {"patch-local optimum": known.machine, "posterior mean": known.knows_all}

    def clones(
        self,
        network: Network,
        task: Task,
        t: Sequence[int],
        images: int,
        each: int,
        seed: int = 0,
        notify: Callable[[int, int], None] = lambda done, total: None,
    ) -> Clones:
        """See `Family.clones`."""
        from phasescope.models.families.diffusion.clones import clones

        with torch.no_grad():
            return clones(self, partial(self._denoise, network), task, t, images, each, seed, notify)

    def references(self, examples: Examples) -> dict[str, Any]:
        """Return the band errors of the exact posterior mean over the training set, `unconditional`, and, if a label names
        several images, of the one given the label, `conditional`; `reference_denoisers`: as `summary_of`."""
        from phasescope.models.families.diffusion.closest_reference import summary_of
        from phasescope.models.families.diffusion.optimum import UnconditionalOptimum, label_optimum

        task = examples.task
        optimum = UnconditionalOptimum(self, task.render, torch.from_numpy(task.training).to(examples.device))
        known, compared = summary_of(self, task, examples.seed)
        if compared is not None:
            self._comparison = examples, compared
        errors = {"unconditional": self.band_errors(optimum, examples), "reference_denoisers": known}
        if task.factors.hidden:
            given_label = label_optimum(self, task, task.factors.visible_columns(task.training))
            errors["conditional"] = self.band_errors(given_label, examples)
        return errors

    def examine(self, network: Network, examples: Examples, references: Mapping[str, Any]) -> dict[str, Any]:
        """Return `denoising`: the error of eps by band of t, the exact conditional optimum's (0 if a label names one image)
        and the unconditional one's; if known, `closest_reference`, and `nats` if labels were left out in training."""
        bands = self.bands(len(examples.labels))
        errors = {
            "network": self.band_errors(network, examples),
            "floor": references.get("conditional", [0.0] * len(bands)),
            "unconditional": references["unconditional"],
        }
        denoising = [
            {"low": low, "high": high, **{name: by_band[i] for name, by_band in errors.items()}}
            for i, (low, high) in enumerate(bands)
        ]
        known = references.get("reference_denoisers", {})
        return {"denoising": denoising, **self._stand(network, examples, known)}

    def _stand(self, network: Network, examples: Examples, known: Mapping[str, Any]) -> dict[str, Any]:
        from phasescope.models.families.diffusion.closest_reference import Comparison

        if "mmse" not in known:
            return {}
        if self._comparison is None or self._comparison[0] is not examples:
            self._comparison = examples, Comparison.from_task(self, examples.task, examples.seed)
        compared = self._comparison[1]

        @torch.no_grad()
        def answer(x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
            given = x_t.float(), t, examples.task.factors.visible_columns(labels)
            parts = zip(*(tensor.split(AT_ONCE) for tensor in given), strict=True)
            x_0 = torch.cat(
                [self.x_0_of(network, *(x.to(examples.device) for x in part)).cpu() for part in parts]
            )
            return x_0.clamp(-1, 1) if self.clip else x_0

        return compared.metrics(answer, examples.task.withheld)

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
        shape = (-1, *[1] * (like.ndim - 1))
        return alpha[t].view(shape), sigma[t].view(shape)


def _mean_square(error: Tensor) -> Tensor:
    return error.square().flatten(1).mean(1)
