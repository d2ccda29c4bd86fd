"""An observation of a network: its generated images, its latents and its family's own metrics.

All inputs are fixed for a run: the labels, the noise that sampling starts from, the noise in every x_t. Successive
observations therefore differ only by training.
"""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from phasescope.core.randomness import numpy_generator
from phasescope.models.families.analysis import Analysis
from phasescope.models.families.base import Family, evaluating
from phasescope.models.families.task import Examples, Task
from phasescope.runs.config.probing_config import ProbingConfig
from phasescope.runs.probing.images import sample_labels
from phasescope.runs.probing.inputs import Inputs, Latents
from phasescope.worlds.base import World


class Observation(NamedTuple):
    """The images of a probe set's `sample_labels`, the latents of its `latent_labels`, and the family's own metrics."""

    images: Float[np.ndarray, "n C *spatial"]
    latents: Latents
    family: Mapping[str, Any]


@dataclass(eq=False)
class ProbeSet:
    """The fixed inputs of all observations of a run.

    Args:
        plan: as returned by `probing.config.resolved`.
        task: the training task; by default that of the world.
        analysis: the family's exact theory of that task, if it has one.

    Attributes:
        labels: by split, the labels for which images are sampled, (m, K).
        latent_labels: (n, K), trained on or not.
    """

    plan: ProbingConfig
    world: World
    family: Family
    seed: int
    device: torch.device
    task: InitVar[Task | None] = None
    analysis: Analysis | None = None

    def __post_init__(self, task: Task | None) -> None:
        plan, world, family, seed = self.plan, self.world, self.family, self.seed
        generator = numpy_generator(seed, "probe labels")

        splits = world.splits()
        counts = plan.images_of(splits)
        visible = world.factors.visible_columns
        self.labels = {
            name: visible(split(counts[name], generator)) for name, split in splits.items() if name in counts
        }
        labels = world.draw_labels(plan.latent_labels, generator)
        self.latent_labels = visible(labels)
        self.inputs = Inputs(
            world=world,
            family=family,
            labels=labels,
            t=() if plan.t == "usual" else plan.t,
            draws=plan.variance_draws,
            shared=min(plan.variance_labels, len(labels)),
            seed=seed,
            device=self.device,
            batch=plan.batch,
            crossed=min(plan.crossed_labels, len(labels)),
            most_features=plan.most_features,
        )

        task = task or Task.from_world(world)
        chosen = generator.integers(len(task.training), size=(plan.bands, plan.band_images))
        self.examples = Examples(
            task=task, shape=world.shape, labels=task.training[chosen], seed=seed, device=self.device
        )

    @property
    def sample_labels(self) -> Float[np.ndarray, "n K"]:
        """The labels of the generated images, split by split."""
        return np.concatenate(list(self.labels.values()))

    @property
    def split(self) -> np.ndarray:
        """The split of each generated image, (n,) of str."""
        return np.repeat(list(self.labels), [len(labels) for labels in self.labels.values()])

    def family_references(self) -> dict[str, Any]:
        """Return what `observe` needs of the family and its exact theory, JSON-ready, computed once per run."""
        exact = self.analysis.references(self.examples) if self.analysis else {}
        return {**self.family.references(self.examples), **exact}

    def observe(self, network: nn.Module, references: Mapping[str, Any]) -> Observation:
        """Observe `network`, which is not changed; `references` are those of `family_references`."""
        latents = Latents({}, {}, {})
        if self.plan.reads_latents:
            latents = self.inputs.latents(network, self.plan.layers)

        with evaluating(network), torch.no_grad():
            images = sample_labels(
                network,
                self.family,
                self.world,
                self.sample_labels,
                batch=self.plan.batch,
                purpose="probe sampling",
                seed=self.seed,
                device=self.device,
            )
            metrics = self._family_metrics(network, references) if "references" in self.plan.observe else {}
        return Observation(images, latents, metrics)

    def _family_metrics(self, network: nn.Module, references: Mapping[str, Any]) -> dict[str, Any]:
        exact = self.analysis.examine(network, self.examples, references) if self.analysis else {}
        return {**self.family.examine(network, self.examples, references), **exact}
