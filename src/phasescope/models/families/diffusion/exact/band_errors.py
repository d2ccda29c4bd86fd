"""The error of a network's estimate of the noise, by band of noise levels, on fixed training images."""

from itertools import pairwise

import torch

from phasescope.core.randomness import torch_generator
from phasescope.models.families.diffusion.family import Diffusion
from phasescope.models.families.task import Examples, Network


@torch.no_grad()
def band_errors(diffusion: Diffusion, network: Network, examples: Examples) -> list[float]:
    """Return the mean squared error of eps per pixel in each band of t, over the examples' labels."""
    errors, task = [], examples.task
    for band, (low, high) in enumerate(bands(diffusion, len(examples.labels))):
        generator = torch_generator(examples.seed, "probe band", band)
        labels = torch.from_numpy(examples.labels[band])
        t = torch.randint(low, high, (len(labels),), generator=generator)
        noise = torch.randn(len(labels), *examples.shape, generator=generator)

        t, noise, labels = t.to(examples.device), noise.to(examples.device), labels.to(examples.device)
        x_0, visible = task.render(labels), task.factors.visible_columns(labels)
        error = diffusion.eps_error(network, x_0, visible, t=t, noise=noise)
        errors.append(error.mean())
    return torch.stack(errors).tolist()  # one wait for a GPU instead of one a band


def bands(diffusion: Diffusion, count: int) -> list[tuple[int, int]]:
    """Return [low, high) of t of `count` equal bands; fewer if there are not as many noise levels."""
    edges = torch.linspace(0, diffusion.schedule.steps, count + 1, dtype=torch.float64).round().long()
    return list(pairwise(dict.fromkeys(edges.tolist())))
