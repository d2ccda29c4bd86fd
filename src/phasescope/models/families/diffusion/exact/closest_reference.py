"""The reference denoiser that is closest to a network.

On fixed noisy images of the training set, a network that is given the whole label answers at each noise level with an x_0.
The closest reference is the one with the largest

    r^2 = 1 - E|network - reference|^2 / E|x_0 - mean image|^2.

If even that is not above 0 there is none: the answer is as far from each as images are from their mean. Under noise
prediction that is so at high noise, where a small error of the noise is a large one of x_0.

References whose own answers differ by less than `ALIKE` of that variance cannot be distinguished there; ties go to the one
with the least information.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from phasescope.models.families.diffusion.exact.information import label_nats, sets_of_factors
from phasescope.models.families.diffusion.exact.nats import Answer, Nats
from phasescope.models.families.diffusion.exact.noisy_images import NoisyImages, affordable
from phasescope.models.families.diffusion.exact.references import References
from phasescope.models.families.task import Task

LEVELS, DRAWS = 12, 8
"""noise levels, and images at each"""
ALIKE = 0.01
"""of an image's variance: answers that differ by less are alike"""
CURVE_DRAWS = 48
"""images at each level over which the exact errors are averaged"""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Fixed noisy images, and what each reference denoiser answers to them."""

    task: Task
    seed: int
    references: References
    noisy: NoisyImages
    names: tuple[str, ...]
    """of the references, from the least information on"""
    answers: Float[Tensor, "references R pixels"]
    distinct: Bool[np.ndarray, "references L"]
    """whether a reference can be distinguished from all with less information"""
    errors: dict[str, Float[np.ndarray, " L"]]
    """the exact E|x_0 - answer|^2 of each"""
    left_out: dict[str, str]
    """why other references do not exist"""

    @classmethod
    def from_references(cls, references: References, task: Task, seed: int) -> Comparison:
        """Return the answers of a task's references, to noisy images from `seed`."""
        posterior_mean, patch_local = references.posterior_mean, references.patch_local
        steps = posterior_mean.diffusion.schedule.steps
        levels = np.unique(((np.arange(LEVELS) + 0.5) * steps / LEVELS).astype(int))
        noisy = NoisyImages.draw(posterior_mean, levels, DRAWS, seed=seed, purpose="standing")

        affords_patch_local = references.affords_patch_local(noisy)
        answering = [r for r in references.denoisers if affords_patch_local or r.optimum is not patch_local]
        answers = {r.name: noisy.answer(r.optimum, r.hidden) for r in answering}
        excess = None
        if affords_patch_local:
            (name,) = (r.name for r in answering if r.optimum is patch_local)
            excess = noisy.mean_square(answers[name] - answers["posterior mean"])

        # Exact errors are averaged over more images than networks answer.
        _, draws = affordable(posterior_mean, len(levels), len(levels), CURVE_DRAWS)
        more = NoisyImages.draw(posterior_mean, levels, draws, seed=0, purpose="exact errors")
        errors, left_out = references.errors(more, more.error(posterior_mean), excess)

        flat = torch.stack([answer.flatten(1) for answer in answers.values()])
        return cls(
            task=task,
            seed=seed,
            references=references,
            noisy=noisy,
            names=tuple(answers),
            answers=flat,
            distinct=_are_distinct(flat, noisy, references.variance),
            errors=errors,
            left_out=left_out,
        )

    @cached_property
    def nats(self) -> Nats:
        """The estimator of the nats that a network has learned."""
        posterior_error = self.errors["posterior mean"]
        return Nats.from_references(
            references=self.references,
            task=self.task,
            levels=self.noisy.levels,
            posterior_error=posterior_error,
            seed=self.seed,
        )

    def summary(self) -> dict[str, Any]:
        """Return the exact error of each reference by t, the nats of each factor, and what is left out; JSON-ready."""
        errors = {name: error.tolist() for name, error in self.errors.items()}
        sets = sets_of_factors(self.task)
        return {
            "mmse": {"t": self.noisy.levels.tolist(), **errors},
            "variance": self.references.variance,
            "nats": {name: label_nats(self.task, columns) for name, columns in sets.items()},
            "left_out": self.left_out,
        }

    def metrics(self, answer: Answer) -> dict[str, Any]:
        """Return a network's `closest_reference`; and its `nats` of what was left out of its labels in training."""
        closest = {"closest_reference": self.closest(answer)}
        match self.task.withheld:
            case "never":
                return closest
            case "label":
                names = ["label"]
            case "factors":
                names = list(sets_of_factors(self.task))
        return {**closest, "nats": self.nats.learned(answer, names)}

    def closest(self, answer: Answer) -> list[dict[str, Any]]:
        """Return at each `t` the closest `reference`, its `r2`, and the network's `error` of x_0 over images' variance."""
        noisy, variance = self.noisy, self.references.variance
        x_0 = answer(noisy.x_t, noisy.t, noisy.labels).double()
        error = noisy.mean_square(x_0 - noisy.x_0) / variance

        squared_distances = (x_0.flatten(1) - self.answers).square().sum(2)
        distance = np.stack([noisy.by_level(rows).mean(1) for rows in squared_distances]) / variance
        nearest = np.where(self.distinct, distance, np.inf).argmin(0)
        return [
            {
                "t": int(t),
                "reference": self.names[index],
                "r2": float(f"{1 - distance[index, level]:.4g}"),
                "error": float(f"{error[level]:.4g}"),
            }
            for level, (t, index) in enumerate(zip(noisy.levels, nearest, strict=True))
        ]


def _are_distinct(
    answers: Float[Tensor, "references R pixels"], noisy: NoisyImages, variance: float
) -> Bool[np.ndarray, "references L"]:
    """Return whether a reference's answers differ from those of every distinct one before it."""
    distinct = np.zeros((len(answers), len(noisy.levels)), dtype=bool)
    for index, own in enumerate(answers):
        distances = [
            noisy.by_level((own - other).square().sum(1)).mean(1) / variance for other in answers[:index]
        ]
        alike = np.array(distances).reshape(index, len(noisy.levels)) < ALIKE
        distinct[index] = ~(alike & distinct[:index]).any(0)
    return distinct
