"""The nats of its label that a network has learned, in all and by factor.

For a network that was trained with labels left out, with a set S of factors given and with none
(Kong et al. 2023, arXiv 2302.03792),

    1/2 int (E|x_0 - f_none|^2 - E|x_0 - f_S|^2) dSNR

is ln of the number of S's values if the network is perfect, and 0 if it ignores them. It is the network's own gap: one that
is far from perfect may have more, or less than 0. The interval is that of the bootstrap over all images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtri, stdtrit
from torch import Tensor

from phasescope.core.randomness import numpy_generator
from phasescope.measures.scores import TAIL, percentile_interval
from phasescope.models.families.diffusion.exact.information import information, label_nats, sets_of_factors
from phasescope.models.families.diffusion.exact.noisy_images import NoisyImages, affordable, squared_norms
from phasescope.models.families.diffusion.exact.optimum import Posterior
from phasescope.models.families.diffusion.exact.references import Reference, References
from phasescope.models.families.task import Task

DRAWS = 24
"""images at each noise level"""
# The mean gain of the exact optimum needs more images: errors are rare where labels are most informative.
EXACT_DRAWS = 64
RESAMPLES = 200
# A bootstrap interval is too narrow by this factor for means of so few (Hesterberg 2015, arXiv 1411.5279).
WIDER = float(stdtrit(DRAWS - 1, 1 - TAIL) / ndtri(1 - TAIL) * math.sqrt(DRAWS / (DRAWS - 1)))

Answer = Callable[[Float[Tensor, "R C *spatial"], Tensor, Float[Tensor, "R K"]], Tensor]
"""A network's estimates of x_0 from x_t, t and labels."""


@dataclass(frozen=True, eq=False)
class Nats:
    """Fixed noisy images, and what the exact optimum gains on them by each set of factors."""

    noisy: NoisyImages
    snr: Float[np.ndarray, " L"]
    sets: Mapping[str, tuple[int, ...]]
    """the numbers of the factors that may be given, by name"""
    most: Mapping[str, float]
    """the nats of information in each"""
    exact_gain: Mapping[str, Float[np.ndarray, "L n"]]
    """of the exact optimum of each set on each image, if it is known"""
    mean_exact_gain: Mapping[str, Float[np.ndarray, "resamples L"]]
    """the mean of that: as drawn, then of resampled images"""

    @classmethod
    def from_references(
        cls,
        references: References,
        task: Task,
        levels: Int[np.ndarray, " L"],
        posterior_error: Float[np.ndarray, " L"],
        seed: int,
    ) -> Nats:
        """Return the estimator for a task; `posterior_error` is the error of its posterior mean at these levels."""
        posterior_mean = references.posterior_mean
        snr = posterior_mean.diffusion.schedule.log_snr.exp().numpy()
        levels = importance_levels(snr, levels, posterior_error)
        noisy = NoisyImages.draw(posterior_mean, levels, DRAWS, seed=seed, purpose="nats")

        # The exact gain's mean is averaged over more images than networks are asked about.
        _, draws = affordable(posterior_mean, len(levels), len(levels), EXACT_DRAWS)
        draws = max(draws, DRAWS)
        more = NoisyImages.draw(posterior_mean, levels, draws, seed=seed, purpose="nats of the optimum")
        resample = resampling(len(levels), draws, seed, "nats of the optimum")

        sets = sets_of_factors(task)
        of_sets = {name: references.by_name(name if name == "label" else f"{name} known") for name in sets}
        known = {name: reference for name, reference in of_sets.items() if reference is not None}
        nothing_known = Reference("posterior mean", posterior_mean)
        error, variance = _squared_errors(noisy, nothing_known), _variances(more, nothing_known)
        return cls(
            noisy=noisy,
            snr=snr[levels],
            sets=sets,
            most={name: label_nats(task, columns) for name, columns in sets.items()},
            exact_gain={name: error - _squared_errors(noisy, known[name]) for name in known},
            mean_exact_gain={
                name: resample(variance - _variances(more, known[name])).mean(-1) for name in known
            },
        )

    def learned(self, answer: Answer, names: Sequence[str], seed: int = 0) -> dict[str, dict[str, float]]:
        """Return the nats that a network has learned of each of `names` in `sets`: `value`, and by resampled images its 95 %
        interval, `low` and `high`.

        Scaled so that the exact optimum has `most`: on a few noise levels its integral errs by some percent.
        """
        error_without = self._squared_errors(answer, given=())
        resample = resampling(len(self.snr), DRAWS, seed, "nats")

        intervals = {}
        for name in names:
            gain = resample(error_without - self._squared_errors(answer, given=self.sets[name]))
            chance, scale = np.zeros(gain.shape), 1.0
            if name in self.exact_gain:
                chance = resample(self.exact_gain[name]) - self.mean_exact_gain[name][..., None]
                scale = self.most[name] / information(self.snr, self.mean_exact_gain[name])

            value, *replicates = scale * information(self.snr, with_control_variate(gain, chance, self.snr))
            low, high = percentile_interval(np.array(replicates))
            intervals[name] = {
                "value": float(value),
                "low": float(value + WIDER * (low - value)),
                "high": float(value + WIDER * (high - value)),
            }
        return intervals

    def _squared_errors(self, answer: Answer, given: Sequence[int]) -> Float[np.ndarray, "L n"]:
        """Return |x_0 - answer|^2 of each image, of a network that is given these factors."""
        hidden = [k for k in range(self.noisy.labels.shape[1]) if k not in given]
        x_0 = answer(self.noisy.x_t, self.noisy.t, self.noisy.labels_without(hidden))
        return self.noisy.by_level(squared_norms(x_0 - self.noisy.x_0))


def _squared_errors(noisy: NoisyImages, reference: Reference) -> Float[np.ndarray, "L n"]:
    """Return |x_0 - answer|^2 of each image, of a reference denoiser."""
    return noisy.by_level(squared_norms(noisy.answer(reference.optimum, reference.hidden) - noisy.x_0))


def _variances(noisy: NoisyImages, reference: Reference) -> Float[np.ndarray, "L n"]:
    """Return the posterior variance of each image; 0 of a reference that is given the image itself."""
    if isinstance(reference.optimum, Posterior):
        return noisy.by_level(noisy.posterior_variance(reference.optimum, reference.hidden))
    return np.zeros((len(noisy.levels), len(noisy.labels) // len(noisy.levels)))


def with_control_variate(
    gain: Float[np.ndarray, "*many L n"],
    chance: Float[np.ndarray, "*many L n"],
    snr: Float[np.ndarray, " L"],
) -> Float[np.ndarray, "*many L"]:
    """Return the mean of `gain`, less as much of `chance`, whose mean is known to be 0, as is in it: none to all."""
    # The mean of what the exact optimum gains is known better, from the posterior's variance over more images; its
    # departure from that mean on these images, `chance`, is a control variate, whose share is fitted over all noise levels
    # as they weigh in the integral.
    weighted = (chance - chance.mean(-1, keepdims=True)) * snr[:, None]
    variance = (weighted**2).sum((-2, -1))
    covariance = (weighted * gain * snr[:, None]).sum((-2, -1))
    share = np.divide(covariance, variance, out=np.zeros_like(variance), where=variance > 0).clip(0, 1)
    return gain.mean(-1) - share[..., None] * chance.mean(-1)


def resampling(levels: int, draws: int, seed: int, purpose: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function from numbers (L, n) of images to those (1 + RESAMPLES, L, n) of the images as drawn, and
    resampled."""
    chosen = numpy_generator(seed, purpose).integers(draws, size=(1 + RESAMPLES, levels, draws))
    chosen[0] = np.arange(draws)
    return lambda numbers: np.take_along_axis(numbers[None], chosen, axis=2)


def importance_levels(
    snr: Float[np.ndarray, " T"], levels: Int[np.ndarray, " L"], posterior_error: Float[np.ndarray, " L"]
) -> Int[np.ndarray, " _"]:
    """Return levels as many as `levels`, half of them spread evenly over t and half as the information is, MMSE dSNR.

    Args:
        posterior_error: of the posterior mean, at `levels`.
    """
    t = np.arange(len(snr))
    density = np.interp(t, levels, posterior_error) * np.abs(np.gradient(snr))
    cumulative = (np.cumsum(density) / density.sum() + (t + 1) / len(t)) / 2
    return np.unique(np.searchsorted(cumulative, (np.arange(len(levels)) + 0.5) / len(levels)))
