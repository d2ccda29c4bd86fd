"""Sampling with a run's network and reading its latents, repeatedly: the last few networks stay in memory.

The noise depends only on the seed, not on the label, so that an image changes only with its label.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.runs.store.folder import RunFolder
from phasescope.runs.store.sites import Site
from phasescope.runs.trained.activations import latents_at
from phasescope.runs.trained.change import Change, changed, target_of, went
from phasescope.runs.trained.guidance import check_guidance, guided, sampling_by
from phasescope.runs.trained.labels import check_labels
from phasescope.runs.trained.limits import IMAGES, MOST_PARAMETERS, MOST_VALUES, MOST_WORK, most_steps
from phasescope.runs.trained.load import Loaded, config_of, load_network
from phasescope.runs.trained.trust import not_imported

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from phasescope.models.families.base import Family
    from phasescope.runs.config import RunConfig
    from phasescope.worlds.base import World

STRIP = 8
"""states of the sampling trajectory that are shown"""
KEPT = 12
"""networks that stay in memory"""
# Up to this number of parameters one thread is faster than two.
SMALL_NETWORK = 2_000_000


@dataclass(frozen=True)
class SampleRequest:
    """A request for one sample.

    Attributes:
        label: a value for each factor of the world.
        sampler, steps: among those that the family offers; None if it has only one sampler.
        change: an intervention at a layer; None for the network as it is.
    """

    label: tuple[float, ...]
    sampler: str | None = None
    steps: int = 0
    guidance: float = 0.0
    seed: int = 0
    strip: bool = True
    change: Change | None = None


@dataclass(frozen=True)
class Sample:
    """A generated image and its trajectory.

    Attributes:
        reading: `step`, the times `strip` of the shown states, the reader's estimates, and the layers (`layers`) that can be
            changed; for a changed network also the `target` that was put in, and where the image `went`.
        image: (1, C, *spatial).
        noisy, estimates: the states x_t and their estimates of x_0, (n, C, *spatial); empty if a state is no image.
    """

    reading: dict[str, Any]
    image: np.ndarray
    noisy: np.ndarray
    estimates: np.ndarray


class SnapshotSampler:
    """Samples single images with the networks of snapshots, the last few of which stay in memory."""

    def __init__(self, trust: bool = False) -> None:
        self.trust, self._loaded = trust, lru_cache(KEPT)(self._load)

    def load(self, run: RunFolder, step: int | None) -> Loaded:
        """Return the network of a snapshot, by default of the last one.

        Raises:
            UserError: its sources are not trusted, or have changed; there is no such snapshot, or no weights of it.
        """
        import torch

        if reason := not_imported(run, self.trust):
            raise UserError(reason)
        snapshot = run.snapshot(step)
        try:
            stat = (snapshot.path / "weights.safetensors").stat()
        except OSError:
            raise UserError(f"`{run.name}`, step {snapshot.step}: its weights are not stored") from None
        loaded = self._loaded(run.path, snapshot.step, stat.st_mtime_ns)
        small = sum(weights.numel() for weights in loaded.network.parameters()) <= SMALL_NETWORK
        torch.set_num_threads(1 if small else max(torch.get_num_threads(), 2))
        return loaded

    def _load(self, path: Path, step: int, written_ns: int) -> Loaded:
        # `written_ns` only serves as a part of the cache's key: rewritten weights are another network.
        import torch

        run = RunFolder(path)
        config = config_of(run)
        # The parameters are counted before anything is allocated, since the run may come from anyone.
        with as_user_error(), torch.device("meta"):
            network = config.network.build(config.world.shape, config.world.factors.visible)
        values, parameters = math.prod(config.world.shape), sum(w.numel() for w in network.parameters())
        if values > MOST_VALUES or parameters > MOST_PARAMETERS:
            size = f"{parameters:,} parameters, images of {values:,} values"
            raise UserError(f"`network` (={size}) must be at most {MOST_PARAMETERS:,} and {MOST_VALUES:,}")
        loaded = load_network(run, run.snapshot(step))
        loaded.network.requires_grad_(False)
        return loaded

    @own_arithmetic()
    def sample(self, run: RunFolder, step: int | None, request: SampleRequest) -> Sample:
        """Return the image generated for a label, the reader's estimates and the trajectory.

        Raises:
            UserError: this run's network cannot fulfil the request.
        """
        import torch

        from phasescope.core.randomness import torch_generator

        loaded = self.load(run, step)
        config, world, network = loaded.config, loaded.config.world, loaded.network
        label = np.array([request.label], np.float32)
        check_labels(world, label)
        family, target = _family(config, request), None
        if request.change:
            target = target_of(world, label[0], request.change)
            network = changed(loaded, family, request.change, target, request.seed)
        if request.guidance:
            network = guided(network, request.guidance)
        generator = torch_generator(request.seed, "explorer paint", 0)
        with torch.inference_mode():
            states = list(family.trajectory(network, torch.from_numpy(label), world.shape, generator))
        image = states[-1].x_0
        frames = [states[i] for i in strip_of(len(states))] if request.strip else []
        reading = {"step": step, "strip": [state.t for state in frames], **read(world, image.numpy(), label)}
        reading["layers"] = list(config.network.layer_names or loaded.plan.layers)
        if request.change:
            reading["target"] = None if target is None else target.tolist()
            reading["went"] = went(world, image.numpy(), label[0], target)
        noisy, estimates = ([getattr(state, name) for state in frames] for name in ("x_t", "x_0"))
        return Sample(reading, image.numpy(), _images(noisy, world), _images(estimates, world))

    @own_arithmetic()
    def latents(
        self, run: RunFolder, step: int | None, labels: Float[np.ndarray, "m K"], site: Site
    ) -> Float[np.ndarray, "m features"]:
        """Return the latents at a site for the images of `labels`, each with its own noise, as snapshots record them.

        Raises:
            UserError: there is no such site, or a label lies outside the world.
        """
        loaded = self.load(run, step)
        check_work("labels", len(labels), loaded.config.world)
        with as_user_error():
            return latents_at(loaded, labels, site)


def check_work(name: str, count: int, world: World, images: int = 1) -> None:
    """Raise UserError if `count` times the values of `images` exceed the limit of one request, `MOST_WORK`."""
    most = most_steps(world.shape, images)
    if count > most:
        raise UserError(f"`{name}` (={count}) must be at most {most}: a request has {MOST_WORK:,} values")


def read(world: World, image: Float[np.ndarray, "1 C *spatial"], label: np.ndarray) -> dict[str, Any]:
    """Return the reader's outcome of one image, and each factor's estimate and error; empty without a reader."""
    reader = world.reader()
    if reader is None:
        return {"outcome": None, "read": {}, "error": {}}
    columns, names = reader.read(image), world.factors.visible.names
    return {
        "outcome": str(reader.outcome(columns, label)[0]),
        "read": {name: float(columns[name][0]) for name in names if name in columns},
        "error": dict(zip(names, reader.errors(columns, label)[0].tolist(), strict=True)),
    }


def strip_of(states: int) -> list[int]:
    """Return the indices of about `STRIP` states, evenly spaced from the first one to the image."""
    return sorted({int(index) for index in np.linspace(0, states - 1, min(STRIP, states)).round()})


def _images(states: list[Tensor], world: World) -> np.ndarray:
    """Return the states (1, C, *spatial) as one array of images; an empty one if they do not have an image's shape."""
    if not states or states[0].shape[1:] != world.shape:
        return np.zeros((0, *world.shape), np.float32)
    return np.concatenate([state.numpy() for state in states])


def _family(config: RunConfig, request: SampleRequest) -> Family:
    check_guidance(config, request.guidance)
    if not 0 <= request.seed < 2**32:
        raise UserError(f"`seed` (={request.seed}) must be from 0 to 4294967295")

    # A browser sends 0 steps if its family has only one sampler.
    steps = None if request.sampler is None else request.steps
    family = sampling_by(config.family, request.sampler, steps)
    images = IMAGES if request.change else 1
    check_work("steps", (family.sampling_choices() or {}).get("steps", 1), config.world, images)
    return family.build()
