"""Painting with a run's network, and asking what it represents: the only module here that computes with torch.

One seed is one noise, whatever the label: as the target moves the image moves, and nothing else. Guidance w mixes the
prediction for the label with the one for no label (Ho & Salimans 2022, arXiv 2207.12598, eq. 6),

    prediction = none + (1 + w) (label - none),

which is the same for noise, image and v, as each is an affine function of the other at a given x_t.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.errors import UserError
from phasescope.loading import load_network, snapshot_of
from phasescope.run import RunConfig
from phasescope.store.folder import Run
from phasescope.views.explorer.packets import packet, pixels

if TYPE_CHECKING:
    from torch import nn

    from phasescope.families.diffusion.family import Diffusion

SAMPLERS = ("ddim", "ddpm", "dpm_solver")
MOST_STEPS = 1000
STRIP = 8
"""states of the way from noise to image that are shown"""
SMALL_NETWORK = 2_000_000
"""parameters up to which a second thread costs more than it brings"""


@dataclass(frozen=True)
class Wish:
    """What is to be painted, and how."""

    x: float
    y: float
    sampler: str
    steps: int
    guidance: float = 0.0
    seed: int = 0
    strip: bool = True


@dataclass(frozen=True)
class Loaded:
    """A network with one snapshot's weights."""

    config: RunConfig
    network: nn.Module
    family: Diffusion
    threads: int


class Painter:
    """Networks out of snapshots, the last few of them kept; one thing is painted at a time."""

    def __init__(self, capacity: int = 12):
        self.capacity = capacity
        self._kept: OrderedDict[tuple, Loaded] = OrderedDict()

    def load(self, run: Run, step: int | None) -> Loaded:
        """The network of a snapshot, of the last one without `step`.

        Raises:
            UserError: there is no such snapshot, or its weights cannot be read.
        """
        import torch

        snapshot = snapshot_of(run, step)
        try:
            stat = (snapshot.path / "weights.safetensors").stat()
        except OSError:
            raise UserError(
                f"`{run.path.name}`, step {snapshot.step}: its weights are not stored, so nothing can be painted"
            ) from None
        key = (str(snapshot.path), stat.st_mtime_ns, stat.st_size)
        if key not in self._kept:
            config, network = load_network(run, snapshot)
            small = sum(p.numel() for p in network.parameters()) <= SMALL_NETWORK
            threads = 1 if small else max(torch.get_num_threads(), 2)
            self._kept[key] = Loaded(config, network.requires_grad_(False), config.family.build(), threads)
            while len(self._kept) > self.capacity:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        loaded = self._kept[key]
        torch.set_num_threads(loaded.threads)
        return loaded

    def paint(self, run: Run, step: int | None, wish: Wish) -> bytes:
        """The image of a label, what is read in it, and the way to it from noise.

        Raises:
            UserError: a label off the canvas, a sampler that is not there, more steps than the schedule has, guidance of a
                network that was never trained without labels.
        """
        import torch

        from phasescope.randomness import torch_generator

        loaded = self.load(run, step)
        config, world = loaded.config, loaded.config.world
        if len(world.factors) != 2:
            raise UserError(
                f"`RUN` (={run.path.name}) must have a world of two factors, and has {len(world.factors)}"
            )
        label = np.array([[wish.x, wish.y]], np.float32)
        _check(config, label)
        family = _family(config, wish)
        network = _guided(loaded.network, wish.guidance) if wish.guidance else loaded.network
        shape = (world.channels, world.canvas, world.canvas)
        with torch.inference_mode():
            states = list(
                family.trajectory(
                    network, torch.from_numpy(label), shape, torch_generator(wish.seed, "explorer paint", 0)
                )
            )
        image = states[-1].x_t[:, 0].numpy()
        header: dict[str, Any] = {"step": step, **read(config, image, label)}
        frames = [states[i] for i in strip_of(len(states))] if wish.strip else []
        header["strip"] = [state.t for state in frames]
        noisy = [state.x_t[0, 0].numpy() for state in frames]
        estimates = [state.x_0[0, 0].numpy() for state in frames]
        empty = np.zeros((0, *image.shape[1:]), np.float32)
        return packet(
            header,
            image=pixels(image[0]),
            noisy=pixels(np.stack(noisy) if noisy else empty),
            estimates=pixels(np.stack(estimates) if estimates else empty),
        )

    def latents(self, run: Run, step: int | None, labels: np.ndarray, tap: str, t: int) -> np.ndarray:
        """Latents (m, F) at a tap for the images of `labels` (m, K), each with a noise of its own at timestep t.

        Raises:
            UserError: the network has no such tap, the schedule no such t, or a label is off the canvas.
        """
        import torch

        from phasescope.probing.capture import activations
        from phasescope.randomness import torch_generator

        loaded = self.load(run, step)
        world, family = loaded.config.world, loaded.family
        if not 0 <= t < family.schedule.steps:
            raise UserError(f"`t` (={t}) must be from 0 to {family.schedule.steps - 1}")
        if tap not in loaded.config.network.taps:
            raise UserError(f"`tap` (={tap}) must be one of {', '.join(loaded.config.network.taps)}")
        _check(loaded.config, labels)
        given = torch.from_numpy(np.asarray(labels, np.float32))
        x_0 = world.render(given)
        noise = torch.randn(x_0.shape, generator=torch_generator(loaded.config.seed, f"explorer noise {t}"))
        times = torch.full((len(given),), t)
        found = []
        for part in torch.arange(len(given)).split(loaded.config.probing.batch):
            x_t = family.noisy(x_0[part], times[part], noise[part])
            found.append(activations(loaded.network, [tap], x_t, times[part], given[part])[tap].numpy())
        return np.concatenate(found)


def hears_no_label(config: RunConfig) -> bool:
    """Whether the network was trained without labels too, so that guidance has something to guide away from."""
    return bool(np.all(np.asarray(config.training.label_dropout) > 0))


def read(config: RunConfig, image: np.ndarray, label: np.ndarray) -> dict[str, Any]:
    """What is read in one image, (1, N, N): bumps, centre, width, error along each axis, outcome."""
    from phasescope.probing.reading import BumpReader, errors_px, outcomes

    world = config.world
    found = BumpReader(world.canvas, world.sigma_px, world.polarity, world.periodic).read(image)
    dx, dy = errors_px(found, label)
    return {
        "bumps": int(found.bumps[0]),
        "x": float(found.x[0]),
        "y": float(found.y[0]),
        "width_px": float(found.width_px[0]),
        "dx": float(dx[0]),
        "dy": float(dy[0]),
        "outcome": str(outcomes(found, label)[0]),
    }


def strip_of(states: int) -> list[int]:
    """Indices of about `STRIP` states, evenly from the noise to the image."""
    return sorted({int(index) for index in np.linspace(0, states - 1, min(STRIP, states)).round()})


def _check(config: RunConfig, labels: np.ndarray) -> None:
    try:
        config.world.check_labels(labels)
    except ValueError as error:
        raise UserError(str(error)) from None


def _family(config: RunConfig, wish: Wish) -> Diffusion:
    if wish.sampler not in SAMPLERS:
        raise UserError(f"`sampler` (={wish.sampler}) must be one of {', '.join(SAMPLERS)}")
    if wish.guidance and not hears_no_label(config):
        raise UserError(
            f"`guidance` (={wish.guidance:g}) must be 0: this network was never trained without labels "
            "(training.label_dropout)"
        )
    if not abs(wish.guidance) <= 20:
        raise UserError(f"`guidance` (={wish.guidance:g}) must be from -20 to 20")
    if not 1 <= wish.steps <= min(MOST_STEPS, config.family.schedule.steps):
        raise UserError(
            f"`steps` (={wish.steps}) must be from 1 to {min(MOST_STEPS, config.family.schedule.steps)}"
        )
    if not 0 <= wish.seed < 2**32:
        raise UserError(f"`seed` (={wish.seed}) must be from 0 to 4294967295")
    if (
        wish.sampler == "ddpm"
    ):  # with fewer steps than the schedule: its noise on DDIM's way (Song et al. 2021)
        sampler: dict[str, Any] = {"kind": "ddim", "steps": wish.steps, "eta": 1.0}
    else:
        sampler = {"kind": wish.sampler, "steps": wish.steps}
    return type(config.family).of({**config.family.tree(), "sampler": sampler}).build()


def _guided(network: nn.Module, guidance: float):
    import torch

    def predict(x_t, t, labels):
        none = torch.full_like(labels, torch.nan)
        both = network(torch.cat((x_t, x_t)), torch.cat((t, t)), torch.cat((labels, none)))
        conditional, unconditional = both.chunk(2)
        return unconditional + (1 + guidance) * (conditional - unconditional)

    return predict
