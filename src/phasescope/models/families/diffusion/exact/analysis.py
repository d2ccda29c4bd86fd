"""The exact theory of learning a task with a diffusion, from one posterior mean and one set of reference denoisers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from phasescope.models.families.analysis import Analysis, Clones
from phasescope.models.families.diffusion.exact.band_errors import band_errors, bands
from phasescope.models.families.diffusion.exact.clones import clones
from phasescope.models.families.diffusion.exact.closest_reference import Comparison
from phasescope.models.families.diffusion.exact.forecast import forecast
from phasescope.models.families.diffusion.exact.nats import Answer
from phasescope.models.families.diffusion.exact.optimum import UnconditionalOptimum, label_optimum
from phasescope.models.families.diffusion.exact.references import References
from phasescope.models.families.diffusion.exact.task_meter import TaskMeter
from phasescope.models.families.diffusion.family import Diffusion
from phasescope.models.families.task import Examples, Network, Task

BATCH = 64
"""images in one pass of a network that is compared with reference denoisers"""


@dataclass(frozen=True, eq=False)
class DiffusionAnalysis(Analysis):
    """What is known exactly of learning `task` with `diffusion`; each part is computed when it is first asked for.

    Args:
        seed: of the noisy images on which networks are compared with reference denoisers.
    """

    diffusion: Diffusion
    task: Task
    seed: int = 0

    @cached_property
    def posterior_mean(self) -> UnconditionalOptimum:
        """The best denoiser without the label."""
        return UnconditionalOptimum(self.diffusion, self.task.render, torch.from_numpy(self.task.training))

    @cached_property
    def reference_denoisers(self) -> References:
        """All reference denoisers of the task; ValueError as `References.from_optimum` says."""
        return References.from_optimum(self.posterior_mean, self.task)

    @cached_property
    def comparison(self) -> Comparison:
        """Fixed noisy images, and what the reference denoisers answer to them; errors as `reference_denoisers`."""
        return Comparison.from_references(self.reference_denoisers, self.task, self.seed)

    def forecast(self, errors: bool = True) -> dict[str, Any]:
        """Return the prediction of `exact.forecast` from the reference denoisers."""
        return forecast(self.reference_denoisers, self.task, errors)

    def optima(self) -> dict[str, Network]:
        """Return the patch-local optimal denoiser, and the posterior mean."""
        known = self.reference_denoisers
        return {"patch-local optimum": known.patch_local, "posterior mean": known.posterior_mean}

    @torch.no_grad()
    def clones(
        self,
        network: Network,
        t: Sequence[int],
        images: int,
        each: int,
        seed: int = 0,
        notify: Callable[[int, int], None] = lambda done, total: None,
    ) -> Clones:
        """Return the share of clones that come back, as `Analysis.clones` says."""
        return clones(
            posterior_mean=self.posterior_mean,
            denoiser=partial(self.diffusion.denoiser, network),
            factors=len(self.task.factors.visible),
            times=t,
            images=images,
            each=each,
            seed=seed,
            notify=notify,
        )

    def condition_meter(
        self,
        labels: Mapping[str, Float[np.ndarray, "n K"]],
        *,
        draws: int,
        bands: int,
        batch: int,
        factors: bool,
        label_gradient: bool,
    ) -> TaskMeter:
        """Return the meter of the task, as `Analysis.condition_meter` says."""
        return TaskMeter(
            diffusion=self.diffusion,
            task=self.task,
            labels=dict(labels),
            draws=draws,
            bands=bands,
            seed=self.seed,
            batch=batch,
            factors=factors,
            label_gradient=label_gradient,
        )

    def references(self, examples: Examples) -> dict[str, Any]:
        """Return the exact results by which `examine` judges.

        `unconditional`: the band errors of the posterior mean over the training set. `reference_denoisers`: the summary of
        the comparison, or why there is none. `conditional`, if a label names several images: the band errors of the
        posterior mean given the label.
        """
        # Optima compute in float64, in which GPUs but those of data centres are many times slower than in float32.
        on_cpu = replace(examples, device=torch.device("cpu"))
        known = {
            "unconditional": band_errors(self.diffusion, self.posterior_mean, on_cpu),
            "reference_denoisers": self._summary(),
        }
        if self.task.factors.hidden:
            visible = self.task.factors.visible_columns(self.task.training)
            given_label = label_optimum(self.diffusion, self.task, visible)
            known["conditional"] = band_errors(self.diffusion, given_label, on_cpu)
        return known

    def _summary(self) -> dict[str, Any]:
        try:
            return self.comparison.summary()
        except ValueError as error:  # the world has no reference denoisers
            return {"left_out": {"closest_reference": str(error)}}

    def examine(self, network: Network, examples: Examples, references: Mapping[str, Any]) -> dict[str, Any]:
        """Return `denoising`: the error of eps by band of t, the exact conditional optimum's (0 if a label names one image)
        and the unconditional one's; if known, `closest_reference`, and `nats` if labels were left out in training."""
        error = band_errors(self.diffusion, network, examples)
        floor = references.get("conditional", [0.0] * len(error))
        unconditional = references["unconditional"]
        denoising = [
            {
                "low": low,
                "high": high,
                "network": error[band],
                "floor": floor[band],
                "unconditional": unconditional[band],
            }
            for band, (low, high) in enumerate(bands(self.diffusion, len(examples.labels)))
        ]

        # A run that began before references were recorded, or whose world has none, resumes without.
        if "mmse" not in references.get("reference_denoisers", {}):
            return {"denoising": denoising}
        answer = self._answers_of(network, examples.device)
        return {"denoising": denoising, **self.comparison.metrics(answer)}

    def _answers_of(self, network: Network, device: torch.device) -> Answer:
        """Return the function from noisy images to a network's estimates of x_0, batch by batch on its device."""

        @torch.no_grad()
        def answer(x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
            visible = self.task.factors.visible_columns(labels)
            batches = zip(x_t.float().split(BATCH), t.split(BATCH), visible.split(BATCH), strict=True)
            estimates = [
                self.diffusion.estimate(network, x.to(device), times.to(device), given.to(device)).cpu()
                for x, times, given in batches
            ]
            return torch.cat(estimates)

        return answer
