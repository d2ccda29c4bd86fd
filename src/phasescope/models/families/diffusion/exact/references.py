"""The reference denoisers of a task, named, and ordered by their information."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from phasescope.models.families.diffusion.exact.noisy_images import NoisyImages
from phasescope.models.families.diffusion.exact.optimum import (
    ConditionalOptimum,
    Optimum,
    PartialOptimum,
    Posterior,
    UnconditionalOptimum,
    label_optimum,
)
from phasescope.models.families.diffusion.exact.reference_denoisers import (
    MeanImage,
    OrbitOptimum,
    PatchLocalOptimum,
    Wiener,
    wiener_mmse,
)
from phasescope.models.families.diffusion.family import Diffusion
from phasescope.models.families.task import Task

MOST_PIXELS = 4096
"""of an image whose covariance is decomposed"""
MOST_PATCH_LOCAL_WORK = 1e8
"""draws x images x pixels of the patch-local optimum, which weights all images for each pixel separately"""


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference denoiser of a task, by its name; `hidden` are the numbers of the factors that it is not given."""

    name: str
    optimum: Optimum
    hidden: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class References:
    """The reference denoisers of a task."""

    denoisers: tuple[Reference, ...]
    """mean image, Wiener, patch-local optimum, posterior mean, one factor given, label up to shifts, label"""
    left_out: dict[str, str]
    """why others do not exist, by name"""
    posterior_mean: UnconditionalOptimum
    wiener: Wiener
    patch_local: PatchLocalOptimum

    @classmethod
    def from_optimum(cls, posterior_mean: UnconditionalOptimum, task: Task) -> References:
        """Return all reference denoisers that a task has, from the posterior mean over its training images.

        Raises:
            ValueError: there is one image, or none; images have too many pixels; a patch has no middle or is larger than
                the canvas.
        """
        diffusion = posterior_mean.diffusion
        _check_images(posterior_mean)
        patch_local = PatchLocalOptimum(diffusion, posterior_mean, task.patch_px, task.periodic)
        wiener = Wiener.from_optimum(posterior_mean)
        label = label_optimum(diffusion, task, task.training)

        factors, left_out = _factors_known(diffusion, task, label)
        denoisers = [
            Reference("mean image", MeanImage(diffusion, wiener.mean)),
            Reference("Wiener", wiener),
            Reference(f"patch-local optimum, {task.patch_px} px", patch_local),
            Reference("posterior mean", posterior_mean),
            *factors,
        ]
        if task.shift_px is not None:
            name = f"label up to shifts by {task.shift_px} px"
            if isinstance(label, ConditionalOptimum):
                denoisers.append(Reference(name, OrbitOptimum(diffusion, label, task.shift_px)))
            else:
                left_out[name] = "a label names several images"
        denoisers.append(Reference("label", label, task.factors.hidden))
        return cls(
            denoisers=tuple(denoisers),
            left_out=left_out,
            posterior_mean=posterior_mean,
            wiener=wiener,
            patch_local=patch_local,
        )

    def by_name(self, name: str) -> Reference | None:
        """Return the reference of that name, if the task has it."""
        return next((reference for reference in self.denoisers if reference.name == name), None)

    @property
    def variance(self) -> float:
        """E|x_0 - mean image|^2, summed over pixels."""
        return float(self.wiener.variances.sum())

    @property
    def work(self) -> int:
        """Images x pixels: what one answer that weighs all images costs."""
        return len(self.posterior_mean.labels) * self.wiener.mean.numel()

    def affords_patch_local(self, noisy: NoisyImages) -> bool:
        """Return whether the patch-local optimum can answer so many noisy images at an affordable cost."""
        return len(noisy.labels) * self.work <= 2 * MOST_PATCH_LOCAL_WORK

    def errors(
        self,
        noisy: NoisyImages,
        posterior_error: Float[np.ndarray, " L"],
        patch_local_excess: Float[np.ndarray, " L"] | None,
    ) -> tuple[dict[str, Float[np.ndarray, " L"]], dict[str, str]]:
        """Return E|x_0 - answer|^2 of each by level, summed over an image's pixels; and why some are left out.

        Args:
            noisy: images over which an error without a closed form is averaged.
            posterior_error: of the posterior mean.
            patch_local_excess: |patch-local optimum - posterior mean|^2, its further error; None if it costs too much.
        """
        errors, left_out = {}, dict(self.left_out)
        for reference in self.denoisers:
            if reference.optimum is self.patch_local and patch_local_excess is None:
                images = len(self.posterior_mean.labels)
                left_out[reference.name] = f"it would weigh {images:,} images for each pixel"
            elif reference.optimum is self.patch_local:
                errors[reference.name] = posterior_error + patch_local_excess
            elif reference.optimum is self.posterior_mean:
                errors[reference.name] = posterior_error
            else:
                errors[reference.name] = self._error(reference, noisy)
        return errors, left_out

    def _error(self, reference: Reference, noisy: NoisyImages) -> Float[np.ndarray, " L"]:
        """Return E|x_0 - answer|^2 by level of a reference, by its closed form if there is one."""
        if reference.optimum is self.wiener:
            snr = self.wiener.diffusion.schedule.log_snr.exp()[noisy.levels]
            return wiener_mmse(self.wiener.variances, snr).numpy()
        if isinstance(reference.optimum, Posterior):
            return noisy.error(reference.optimum, reference.hidden)
        # The label's image, or the mean image: what it errs by does not depend on the noise.
        return np.full(len(noisy.levels), 0.0 if reference.name == "label" else self.variance)


def _check_images(posterior_mean: UnconditionalOptimum) -> None:
    """Raise ValueError if a training set has one image, or none, or images of too many pixels."""
    training = posterior_mean.labels
    first = posterior_mean.render(training[:1])
    if len(training) < 2:
        raise ValueError(
            f"`design` (of {len(training)} images) must have at least two, between which a denoiser must distinguish"
        )
    if first.numel() > MOST_PIXELS:
        raise ValueError(
            f"`world.shape` (={tuple(first.shape[1:])}) must have at most {MOST_PIXELS} numbers: "
            "its covariance is decomposed"
        )


def _factors_known(
    diffusion: Diffusion, task: Task, label: Optimum
) -> tuple[list[Reference], dict[str, str]]:
    """Return the references that are given one factor, and why others do not exist; `label` is given all."""
    hidden, K = task.factors.hidden, len(task.factors)
    partial = label if hidden else PartialOptimum.of_grid(diffusion, task.render, task.training)

    known, left_out = [], {}
    for k, name in enumerate(task.factors.names if len(task.factors.visible) > 1 else ()):
        if k in hidden:
            continue
        if partial is None:
            left_out[f"{name} known"] = "its training set lacks combinations of its factors' values"
        else:
            others = tuple(i for i in range(K) if i != k)
            known.append(Reference(f"{name} known", partial, others))
    return known, left_out
