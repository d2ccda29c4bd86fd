"""The reference denoisers of a task, named and ordered by their information, and fixed noisy training images that they and
a network denoise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import isotonic_regression
from torch import Tensor

from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.models.families.base import Task
from phasescope.models.families.diffusion.optimum import (
    Answering,
    ConditionalOptimum,
    Optimum,
    PartialOptimum,
    Posterior,
    UnconditionalOptimum,
    label_optimum,
)
from phasescope.models.families.diffusion.reference_denoisers import (
    MeanImage,
    OrbitOptimum,
    PatchLocalOptimum,
    Wiener,
    wiener_mmse,
)

AT_ONCE = 512
"""images in a chunk"""
MOST_PIXELS = 4096
"""of an image whose covariance is decomposed"""


@dataclass(frozen=True)
class Drawn:
    """Noisy training images at L noise levels, n at each."""

    levels: Int[np.ndarray, " L"]
    """t"""
    labels: Float[Tensor, "R K"]
    """R = L n, level by level"""
    x_0: Tensor
    x_t: Tensor
    """(R, C, *spatial), float64"""
    alpha: Tensor
    sigma: Tensor
    """(R, 1, ...)"""

    @property
    def t(self) -> Int[Tensor, " R"]:
        return torch.from_numpy(self.levels).repeat_interleave(len(self.labels) // len(self.levels))

    def given(self, hidden: Sequence[int] = ()) -> Float[Tensor, "R K"]:
        """Return the labels, `hidden` factors NaN."""
        labels = self.labels.clone()
        labels[:, list(hidden)] = torch.nan
        return labels

    def by_level(self, rows: Float[Tensor, " R"]) -> Float[np.ndarray, "L n"]:
        """Return a number per image, level by level."""
        return rows.view(len(self.levels), -1).double().numpy()

    def posterior(
        self, optimum: Posterior, hidden: Sequence[int] = ()
    ) -> tuple[Float[Tensor, "R C *spatial"], Float[Tensor, " R"]]:
        """Return mean and variance, summed over pixels, of each image's x_0; `hidden` factors are not given."""
        labels, parts = self.given(hidden), []
        for some in torch.arange(len(labels)).split(AT_ONCE):
            parts.append(optimum.posterior(self.x_t[some], self.alpha[some], self.sigma[some], labels[some]))
        means, variances = zip(*parts, strict=True)
        return torch.cat(means), torch.cat(variances)

    def error(self, optimum: Posterior, hidden: Sequence[int] = ()) -> Float[np.ndarray, " L"]:
        """Return E|x_0 - answer|^2, summed over pixels, by level; `hidden` factors are not given.

        It is the mean of the posterior's variance, which varies less from draw to draw than the error; made to grow with t,
        as it must (less noise tells more).
        """
        variances = self.posterior(optimum, hidden)[1]
        return isotonic_regression(self.by_level(variances).mean(1)).x


def evenly(steps: int, levels: int) -> Int[np.ndarray, " L"]:
    """Return levels t, the first and the last of `steps` among them."""
    return np.unique(np.linspace(0, steps - 1, min(levels, steps)).round().astype(int))


def draw(
    diffusion: Answering,
    knows_all: UnconditionalOptimum,
    levels: Int[np.ndarray, " L"],
    draws: int,
    seed: int,
    purpose: str,
) -> Drawn:
    """Return `draws` training images at each level, with noise, all from (seed, purpose)."""
    training = knows_all.labels
    which = numpy_generator(seed, purpose).integers(len(training), size=len(levels) * draws)
    labels = training[torch.from_numpy(which)]
    x_0 = knows_all.render(labels).double()
    noise = torch.randn(x_0.shape, generator=torch_generator(seed, purpose), dtype=torch.float64)
    at = torch.from_numpy(levels).repeat_interleave(draws)
    shape = (-1, *[1] * (x_0.ndim - 1))
    alpha, sigma = (scale[at].view(shape) for scale in (diffusion.schedule.alpha, diffusion.schedule.sigma))
    return Drawn(levels, labels, x_0, alpha * x_0 + sigma * noise, alpha, sigma)


def budget(
    knows_all: UnconditionalOptimum, steps: int, levels: int, draws: int, most: float
) -> tuple[int, int]:
    """Return (levels, draws) with at most `most` draws x images x pixels; fewer images first, then fewer levels."""
    pixels = knows_all.render(knows_all.labels[:1]).numel()
    rows = max(int(most / (len(knows_all.labels) * pixels)), 8)
    levels = min(levels, steps, rows)
    return levels, max(min(draws, rows // levels), 1)


def squared(images: Tensor) -> Float[Tensor, " R"]:
    """Return the sum of squares of each image."""
    return images.double().square().flatten(1).sum(1)


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference denoiser of a task, by its name; `hidden` are the numbers of the factors that it is not given."""

    name: str
    optimum: Optimum
    hidden: tuple[int, ...] = ()


def nats_of(task: Task, columns: Sequence[int]) -> float:
    """Return the nats that these columns of a label tell of a training image: their entropy if a factor is hidden."""
    counts = np.unique(task.training[:, list(columns)], axis=0, return_counts=True)[1]
    if not task.factors.hidden:
        return math.log(len(counts))
    shares = counts / counts.sum()
    return float(-shares @ np.log(shares))


@dataclass(frozen=True, eq=False)
class References:
    """The reference denoisers of a task."""

    denoisers: tuple[Reference, ...]
    """mean image, Wiener, patch-local optimum, posterior mean, one factor given, label up to shifts, label"""
    left_out: dict[str, str]
    """why others do not exist, by name"""
    knows_all: UnconditionalOptimum
    wiener: Wiener
    machine: PatchLocalOptimum

    @classmethod
    def from_task(cls, diffusion: Answering, task: Task) -> References:
        """Return all that a task has, whatever they cost; ValueError if there is one image, or none, if images have too
        many pixels, or a patch has no middle or is larger than the canvas."""
        training = torch.from_numpy(task.training)
        knows_all = UnconditionalOptimum(diffusion, task.render, training)
        first = task.render(training[:1])
        if len(training) < 2:
            raise ValueError(
                f"`design` (of {len(training)} images) must have at least two, between which a denoiser must distinguish"
            )
        if first.numel() > MOST_PIXELS:
            raise ValueError(
                f"`world.shape` (={tuple(first.shape[1:])}) must have at most {MOST_PIXELS} numbers: "
                "its covariance is decomposed"
            )
        machine = PatchLocalOptimum(diffusion, knows_all, task.patch_px, task.periodic)
        wiener = Wiener.from_optimum(knows_all)
        hidden, K = task.factors.hidden, len(task.factors)
        knows_label = label_optimum(diffusion, task, task.training)
        partial = knows_label if hidden else PartialOptimum.of_grid(diffusion, task.render, task.training)
        denoisers = [
            Reference("mean image", MeanImage(diffusion, wiener.mean)),
            Reference("Wiener", wiener),
            Reference(f"patch-local optimum, {task.patch_px} px", machine),
            Reference("posterior mean", knows_all),
        ]
        left_out: dict[str, str] = {}
        for k, name in enumerate(task.factors.names if len(task.factors.visible) > 1 else ()):
            if k in hidden:
                continue
            if partial is None:
                left_out[f"{name} known"] = "its training set lacks combinations of its factors' values"
            else:
                denoisers.append(Reference(f"{name} known", partial, tuple(i for i in range(K) if i != k)))
        if task.shift_px is not None:
            name = f"label up to shifts by {task.shift_px} px"
            if isinstance(knows_label, ConditionalOptimum):
                denoisers.append(Reference(name, OrbitOptimum(diffusion, knows_label, task.shift_px)))
            else:
                left_out[name] = "a label names several images"
        denoisers.append(Reference("label", knows_label, hidden))
        return cls(tuple(denoisers), left_out, knows_all, wiener, machine)

    @property
    def variance(self) -> float:
        """E|x_0 - mean image|^2, summed over pixels."""
        return float(self.wiener.variances.sum())

    @property
    def work(self) -> int:
        """Images x pixels: what one answer that weighs all images costs."""
        return len(self.knows_all.labels) * self.wiener.mean.numel()

    def errors(
        self, drawn: Drawn, uncertain: Float[np.ndarray, " L"], excess: Float[np.ndarray, " L"] | None
    ) -> tuple[dict[str, Float[np.ndarray, " L"]], dict[str, str]]:
        """Return E|x_0 - answer|^2 of each by level, summed over an image's pixels; and why some are left out.

        Args:
            drawn: noisy images, over which an error without a closed form is averaged.
            uncertain: the posterior mean's error.
            excess: the patch-local optimum's further error, |its answer - the posterior mean|^2; None if it costs too much.
        """
        left_out, errors = dict(self.left_out), {}
        snr = self.wiener.diffusion.schedule.log_snr.exp()[drawn.levels]
        for reference in self.denoisers:
            if reference.optimum is self.machine and excess is None:
                left_out[reference.name] = (
                    f"it would weigh {len(self.knows_all.labels):,} images for each pixel"
                )
            elif reference.optimum is self.machine:
                errors[reference.name] = uncertain + excess
            elif reference.optimum is self.knows_all:
                errors[reference.name] = uncertain
            elif reference.optimum is self.wiener:
                errors[reference.name] = wiener_mmse(self.wiener.variances, snr).numpy()
            elif isinstance(reference.optimum, Posterior):
                errors[reference.name] = drawn.error(reference.optimum, reference.hidden)
            else:
                errors[reference.name] = np.full(
                    len(drawn.levels), 0.0 if reference.name == "label" else self.variance
                )
        return errors, left_out
