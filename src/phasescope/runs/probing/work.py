"""How many images a network answers in a snapshot: the count from which its cost is estimated.

sampled   images of all splits, times the sampler's evaluations of the network
latents   labels, further noise draws of some, and combinations of labels and images, at each noise level
compared  noisy images in the bands of the denoising error
"""

from __future__ import annotations

from dataclasses import dataclass

from phasescope.models.families import FamilyConfig
from phasescope.runs.config import ProbingConfig
from phasescope.worlds import World


@dataclass(frozen=True)
class SnapshotWork:
    """Images that a network answers in a snapshot, by what they are answered for."""

    sampled: int | None
    """None if the family does not say how it samples"""
    latents: int
    compared: int

    @property
    def images(self) -> int | None:
        """All of them; None if the family does not say how it samples."""
        return None if self.sampled is None else self.sampled + self.latents + self.compared


def snapshot_work(plan: ProbingConfig, family: FamilyConfig, world: World) -> SnapshotWork:
    """Return how many images a network answers in a snapshot, about.

    Args:
        plan: what is read; its noise levels may still be `usual`.
    """
    from phasescope.runs.probing.inputs import CROSSINGS

    evaluations = family.evaluations_an_image()
    images = sum(plan.images_of(world.splits()).values())

    # The first draw of a label that has several is the one under which all labels are read.
    further, crossed = plan.variance_labels * (plan.variance_draws - 1), CROSSINGS * plan.crossed_labels
    levels = family.usual_t if plan.t == "usual" else plan.t
    at_a_level = plan.latent_labels + further + crossed if plan.reads_latents else 0

    return SnapshotWork(
        sampled=None if evaluations is None else images * evaluations,
        latents=max(len(levels), 1) * at_a_level,
        compared=plan.bands * plan.band_images if "references" in plan.observe else 0,
    )
