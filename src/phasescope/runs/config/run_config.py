"""The configuration of a run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from phasescope.core.config import Config
from phasescope.core.kinds import Kind, is_reference, reference_to
from phasescope.core.randomness import Streams, numpy_generator
from phasescope.measures.condition_readings import PASSES_OF_A_GRADIENT
from phasescope.models.families import USUAL as USUAL_FAMILY
from phasescope.models.families import AnyFamily, Task
from phasescope.models.networks import USUAL as USUAL_NETWORK
from phasescope.models.networks import AnyNetwork
from phasescope.models.training.config import TrainingConfig
from phasescope.runs.config.probing_config import ProbingConfig, resolved
from phasescope.worlds import LEAST_LABELS, AnyWorld, ImageWorld, check_world
from phasescope.worlds import USUAL as USUAL_WORLD

if TYPE_CHECKING:
    from torch import Tensor

    from phasescope.worlds import World


METER_SHARE = 0.016
"""of training's passes that the condition meter takes by default: below 2 % of its time, because a pass forward takes
a little more than a third of a step's time by image (`python -m benchmarks.meter`)"""


Seed = Annotated[int, Field(ge=0, lt=2**63)]


class SeedsConfig(Config):
    """Seeds of single streams of random numbers; null: the run's `seed`."""

    data: Seed | None = None
    """order of the images"""
    noise: Seed | None = None
    """noise and noise levels in training, and which labels are withheld"""
    network: Seed | None = None
    """initial weights and dropout"""
    samples: Seed | None = None
    """noise and labels of what is observed"""


class ForkConfig(Config):
    """The state of another run with which this one begins."""

    run: str = Field(pattern=r"^[0-9a-f]{16}$")
    """identity of that run: the first 16 digits of its hash"""
    step: int = Field(ge=0)
    """steps after which that state was kept"""
    reset: tuple[str, ...] = ()
    """parts of the network that begin with fresh weights, and `optimiser`, whose memory is dropped"""


class RunConfig(Config):
    """All that determines a run. Its name and what is observed of it are not part of its identity."""

    OUTSIDE_DIGEST: ClassVar[frozenset[str]] = frozenset({"name", "probing"})
    BESIDE: ClassVar[tuple[str, ...]] = ("preset",)
    ALWAYS_WRITTEN: ClassVar[frozenset[str]] = frozenset(
        {"name", "seed", "world", "family", "network", "training", "probing"}
    )
    """fields that the file of every run has; those of later versions have their defaults in earlier runs"""

    name: str = Field("run", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    """name of the run's folder, before the hash"""
    seed: int = Field(0, ge=0, lt=2**63)
    """seed from which all randomness derives"""
    seeds: SeedsConfig = SeedsConfig()
    """seeds of single streams, where they are not `seed`"""
    world: AnyWorld = USUAL_WORLD
    """images, their factors, and which labels are trained on"""
    family: AnyFamily = USUAL_FAMILY
    """what is learned, and how images are sampled"""
    network: AnyNetwork = USUAL_NETWORK
    """the network that is trained"""
    training: TrainingConfig = TrainingConfig()
    """steps, batches, optimiser"""
    fork: ForkConfig | None = None
    """the state of another run with which this one begins; `phasescope fork` fills it in"""
    probing: ProbingConfig = ProbingConfig()
    """what is recorded, and when"""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if is_reference(self.world.kind):
            check_world(self.world)

        factors = self.world.factors.visible
        if not factors:
            raise ValueError(
                f"`world.factors` (={', '.join(self.world.factors.names)}) must have a visible one: all are hidden"
            )
        self.network.check(self.world.shape, factors)
        if not self.world.continuous:
            _check_labels(self.world)

        dropout = self.training.label_dropout
        if isinstance(dropout, tuple) and len(dropout) != len(factors):
            raise ValueError(
                f"`training.label_dropout` (={list(dropout)}) must be one share, or one for each of "
                f"{', '.join(factors.names)}"
            )

        splits = self.world.splits()
        for name, count in self.probing.images.items():
            if name not in splits:
                raise ValueError(
                    f"`probing.images.{name}` (={count}) must be of a split of the world: "
                    + ", ".join(splits)
                )
            if count == 0 and name == next(iter(splits)):
                raise ValueError(f"`probing.images.{name}` (=0) must be at least 16: it is trained on")

        if self.reads_meter:
            self._check_meter()
        if self.network.layer_names is not None:
            self.plan_of(self.network.layer_names, self.network.usual_layers)
        return self

    def _check_meter(self) -> None:
        """Raise ValueError if there is nothing that the condition meter could read."""
        field = f"`probing.meter.every` (={self.probing.meter.every})"
        if np.all(self.training.always_withheld):
            raise ValueError(
                f"{field} must be 0: this network is given no condition (`training.label_dropout`)"
            )
        if self.family.noise_levels is None:
            raise ValueError(
                f"{field} must be 0: `family.kind` (={self.family.kind}) has no noise levels, in which the meter reads"
            )
        if self.probing.meter.label_gradient and self.world.factors.hidden:
            raise ValueError(
                "`probing.meter.label_gradient` (=true) must be false: with hidden factors there is no exact answer, beyond "
                "which the force would be read"
            )

    @property
    def streams(self) -> Streams:
        """The seed of each stream of random numbers."""
        own = self.seeds.model_dump(exclude_none=True)
        return dataclasses.replace(Streams.from_seed(self.seed), **own)

    @property
    def reads_meter(self) -> bool:
        """Whether the condition meter is read."""
        return self.probing.meter.every != 0

    @property
    def meter_every(self) -> int:
        """Steps between readings of the condition meter; 0: none."""
        every = self.probing.meter.every
        if every != "usual":
            return every
        # A pass forward is a third of a step's work on an image: backward takes twice as much.
        images = self.meter_evaluations / 3
        return math.ceil(images / (METER_SHARE * self.training.batch))

    @property
    def meter_evaluations(self) -> int:
        """Images that the network answers in one reading of the condition meter."""
        meter = self.probing.meter
        exchanges = 1 + (len(self.world.factors.visible) if meter.factors else 0)
        answers = 1 + exchanges + (self.training.withheld != "never")
        sets = 2 if meter.trained and len(self.world.rendered_splits()) > 1 else 1
        of_gradient = PASSES_OF_A_GRADIENT if meter.label_gradient else 0
        return meter.bands * meter.draws * (answers * sets + of_gradient)

    def plan_of(self, layers: Sequence[str] | None, usual_layers: Sequence[str]) -> ProbingConfig:
        """Return the plan with every `usual` resolved, for a network with these layers; None allows any submodule.

        Raises:
            ValueError: a layer or a timestep does not exist.
        """
        return resolved(self.probing, layers, usual_layers, self.family)

    def with_kinds(self, **kinds: Any) -> Self:
        """Return a copy with another world, family or network, as `train` takes them; None keeps the present one.

        Raises:
            UserError: a class cannot be found again, or does not fit the other fields.
        """
        given = {field: kind_tree(value) for field, value in kinds.items() if value is not None}
        # Images in memory are not in the tree.
        return type(self).from_tree({**self.tree(), "world": self.world, **given})

    def encode(self, labels: Tensor) -> Tensor | None:
        """Return the network's encodings (n, features) of visible labels (n, K); None if they are not known."""
        return self.network.encode(labels, self.world.factors.visible)

    def task(self, world: World | None = None) -> Task:
        """Return the training task, as the family needs it; that of `world` instead of the configuration's, if given."""
        world, network = world or self.world, self.network
        symmetries = network.commutes_with(world.shape), network.sees_px()
        return Task.from_world(world, *symmetries, self.training.withheld)

    @property
    def folder(self) -> str:
        """The name of the run's folder: <name>-<first 8 digits of the hash>."""
        return f"{self.name}-{self.digest()}"


def kind_tree(given: Any) -> Any:
    """Return a world, family or network as `train` takes them as the value of its field: a class and a configuration as
    trees with their kinds; a tree, and a world of images in memory, as they are.

    Raises:
        UserError: a class cannot be found again.
    """
    if isinstance(given, type):
        return {"kind": reference_to(given)}
    in_memory = isinstance(given, ImageWorld) and not given.file
    return given.tree_with_kind() if isinstance(given, Kind) and not in_memory else given


def _check_labels(world: World) -> None:
    """Raise ValueError if a world of single labels has too few of them."""
    drawn = len(world.draw_labels(LEAST_LABELS, numpy_generator(0, "labels counted")))
    if drawn < LEAST_LABELS:
        raise ValueError(
            f"`world.kind` (={world.kind}) must have {LEAST_LABELS} different labels at least, and has {drawn}: "
            "measures compare their latents"
        )
