"""Painting with a run's network, and asking what it represents, again and again: networks are kept at hand.

One seed is one noise, whatever the label: as the target moves the image moves, and nothing else. Guidance w mixes the
prediction for the label with the one for no label (Ho & Salimans 2022, arXiv 2207.12598, eq. 6),

    prediction = none + (1 + w) (label - none),

which is the same whatever is predicted, as long as predictions are affine functions of one another.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.errors import UserError
from phasescope.kinds import references
from phasescope.places import Place
from phasescope.runs.about import hears_no_label
from phasescope.runs.inside import Inside, inputs_of, inside
from phasescope.runs.intervening import IMAGES, Change, changed, target_of, went
from phasescope.runs.loading import (
    Loaded,
    check_labels,
    check_size,
    check_work,
    config_of,
    load_network,
    snapshot_of,
)
from phasescope.store.folder import Run

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from phasescope.families.base import Family, Network
    from phasescope.runs.config import RunConfig
    from phasescope.worlds.base import World

STRIP = 8
"""states of the way to the image that are shown"""
SMALL_NETWORK = 2_000_000
"""parameters up to which a second thread costs more than it brings"""


class Unwanted(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Wish:
    """What is to be painted, and how.

    Attributes:
        label: a value for each factor of the world.
        sampler, steps: as the family offers them; None where it paints in one way.
        change: of what is at a tap; None where the network paints as it is.
    """

    label: tuple[float, ...]
    sampler: str | None = None
    steps: int = 0
    guidance: float = 0.0
    seed: int = 0
    strip: bool = True
    change: Change | None = None


@dataclass(frozen=True)
class Ready:
    """A network with one snapshot's weights, and how many threads it computes best with."""

    loaded: Loaded
    family: Family
    threads: int


@dataclass(frozen=True)
class Painted:
    """An image, and the way to it.

    Attributes:
        told: `step`, the times `strip` of what is shown of the way, what the world's reader reads in the image, the `taps`
            at which something can be changed; of a changed network the `target` that was put in, and where the image
            `went`.
        image: (1, C, *spatial).
        noisy, estimates: what was painted then, and the image that it was to become, (n, C, *spatial); none where what is
            painted is no image on its way.
    """

    told: dict[str, Any]
    image: np.ndarray
    noisy: np.ndarray
    estimates: np.ndarray


class Painter:
    """Networks out of snapshots, the last few of them kept; one thing is painted at a time."""

    def __init__(self, capacity: int = 12):
        self.capacity = capacity
        self._kept: OrderedDict[tuple, Ready] = OrderedDict()

    def load(self, run: Run, step: int | None) -> Ready:
        """The network of a snapshot, of the last one without `step`.

        Raises:
            UserError: the run is made with somebody's own source; there is no such snapshot, or its weights cannot be read;
                its images or its network are larger than what is loaded here.
        """
        import torch

        if reason := not_imported(run):
            raise UserError(reason)
        snapshot = snapshot_of(run, step)
        try:
            stat = (snapshot.path / "weights.safetensors").stat()
        except OSError:
            raise UserError(
                f"`{run.path.name}`, step {snapshot.step}: its weights are not stored, so nothing can be painted"
            ) from None
        key = (str(snapshot.path), stat.st_mtime_ns, stat.st_size)
        if key not in self._kept:
            check_size(config_of(run))
            loaded = load_network(run, snapshot)
            loaded.network.requires_grad_(False)
            small = sum(p.numel() for p in loaded.network.parameters()) <= SMALL_NETWORK
            threads = 1 if small else max(torch.get_num_threads(), 2)
            self._kept[key] = Ready(loaded, loaded.config.family.build(), threads)
            while len(self._kept) > self.capacity:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        ready = self._kept[key]
        torch.set_num_threads(ready.threads)
        return ready

    def painted(
        self, run: Run, step: int | None, wish: Wish, unwanted: Callable[[], bool] = lambda: False
    ) -> Painted:
        """The image of a label, what is read in it, and the way to it; `unwanted` is asked after each step.

        Raises:
            UserError: a label that is not of this world, a sampler or a tap that is not there, more steps than the family
                has, or than images of that size are painted in here; guidance of a network that was never trained without
                labels.
            Unwanted: it was so.
        """
        import torch

        from phasescope.randomness import torch_generator

        ready = self.load(run, step)
        config, world = ready.loaded.config, ready.loaded.config.world
        label = np.array([wish.label], np.float32)
        check_labels(world, label)
        family, network, target = _family(config, wish), ready.loaded.network, None
        if wish.change:
            target = target_of(world, label[0], wish.change)
            network = changed(network, config, family, wish.change, target, wish.seed)
        if wish.guidance:
            network = _guided(network, wish.guidance)
        generator = torch_generator(wish.seed, "explorer paint", 0)
        states = []
        with torch.inference_mode():
            for state in family.trajectory(network, torch.from_numpy(label), world.shape, generator):
                if unwanted():
                    raise Unwanted
                states.append(state)
        image = states[-1].x_0
        frames = [states[i] for i in strip_of(len(states))] if wish.strip else []
        told = {"step": step, "strip": [state.t for state in frames], **read(world, image.numpy(), label)}
        told["taps"] = list(config.network.taps or ready.loaded.plan.taps)
        if wish.change:
            told["target"] = None if target is None else target.tolist()
            told["went"] = went(world, image.numpy(), label[0], target)
        noisy, estimates = ([getattr(state, name) for state in frames] for name in ("x_t", "x_0"))
        return Painted(told, image.numpy(), _images(noisy, world), _images(estimates, world))

    def latents(
        self, run: Run, step: int | None, labels: Float[np.ndarray, "m K"], place: Place
    ) -> Float[np.ndarray, "m features"]:
        """Latents at a place for the images of `labels`, each with a noise of its own, as snapshots record them.

        Raises:
            UserError: there is no such place, or a label is not of this world.
        """
        ready = self.load(run, step)
        inputs = inputs_of(ready.loaded, ready.family, labels, place)
        try:
            return inputs.latents(ready.loaded.network, [place.tap]).single[place]
        except ValueError as error:  # a world that is a data set has no image of any other label
            raise UserError(str(error)) from None

    def looked_into(
        self, run: Run, step: int | None, label: tuple[float, ...], place: Place, query: tuple[int, int]
    ) -> Inside:
        """What is at a place while the network works on the image of `label`, noised as snapshots record it.

        Raises:
            UserError: there is no such place or position, or the label is not of this world.
        """
        import torch

        ready = self.load(run, step)
        inputs = inputs_of(ready.loaded, ready.family, np.array([label], np.float32), place)
        with torch.inference_mode():
            try:
                given = inputs.at(place.condition, 0)
            except ValueError as error:  # as above
                raise UserError(str(error)) from None
            found = inside(ready.loaded, given, place, query)
        conditions = ready.loaded.config.family.conditions
        found.told["taps"] = list(ready.loaded.config.network.taps or ready.loaded.plan.taps)
        found.told["conditions"] = None if conditions is None else [conditions[0], conditions[-1]]
        return found


def not_imported(run: Run) -> str | None:
    """Why the explorer does not load the run's network: it would have to run a source that is somebody's own."""
    own = references(run.config)
    if not own:
        return None
    return (
        f"`{run.path.name}` is made with a source of its owner's ({', '.join(own)}), which is not run here: "
        f"`phasescope sample {run.path.name}` paints with it"
    )


def read(world: World, image: Float[np.ndarray, "1 C *spatial"], label: np.ndarray) -> dict[str, Any]:
    """What the world's reader reads in one image: its outcome, each factor's estimate and error; nothing without one."""
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
    """Indices of about `STRIP` states, evenly from the first to the image."""
    return sorted({int(index) for index in np.linspace(0, states - 1, min(STRIP, states)).round()})


def _images(found: list[Tensor], world: World) -> np.ndarray:
    """Those of (1, C, *spatial) that are images, one after the other."""
    if not found or found[0].shape[1:] != world.shape:
        return np.zeros((0, *world.shape), np.float32)
    return np.concatenate([image.numpy() for image in found])


def _family(config: RunConfig, wish: Wish) -> Family:
    offered = config.family.painting()
    if wish.guidance and not (offered and hears_no_label(config)):
        raise UserError(
            f"`guidance` (={wish.guidance:g}) must be 0: this network was never trained without labels "
            "(training.label_dropout)"
        )
    if not abs(wish.guidance) <= 20:
        raise UserError(f"`guidance` (={wish.guidance:g}) must be from -20 to 20")
    if not 0 <= wish.seed < 2**32:
        raise UserError(f"`seed` (={wish.seed}) must be from 0 to 4294967295")
    try:
        way = config.family if wish.sampler is None else config.family.painted_by(wish.sampler, wish.steps)
    except ValueError as error:
        raise UserError(str(error)) from None
    images = IMAGES if wish.change else 1
    check_work("steps", (way.painting() or {}).get("steps", 1), config.world, images)
    return way.build()


def _guided(network: Network, guidance: float) -> Network:
    import torch

    def predict(x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        none = torch.full_like(labels, torch.nan)
        both = network(torch.cat((x_t, x_t)), torch.cat((t, t)), torch.cat((labels, none)))
        conditional, unconditional = both.chunk(2)
        return unconditional + (1 + guidance) * (conditional - unconditional)

    return predict
