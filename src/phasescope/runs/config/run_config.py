"""The configuration of a run, from presets, YAML and `key=value` overrides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field, model_validator

from phasescope.core.config import Config, Tree, check_once, merge, parse_overrides, read_yaml, set_overrides
from phasescope.core.errors import UserError, log_once
from phasescope.core.kinds import Kind, is_reference, reference_to
from phasescope.core.randomness import numpy_generator
from phasescope.models.families import USUAL as USUAL_FAMILY
from phasescope.models.families import AnyFamily, Task
from phasescope.models.networks import USUAL as USUAL_NETWORK
from phasescope.models.networks import AnyNetwork
from phasescope.models.training.config import TrainingConfig
from phasescope.runs.config.probing_config import ProbingConfig, resolved
from phasescope.worlds import LEAST_LABELS, AnyWorld, check_world
from phasescope.worlds import USUAL as USUAL_WORLD

if TYPE_CHECKING:
    from torch import Tensor

    from phasescope.worlds import World


@dataclass(frozen=True)
class Preset:
    """A named set of defaults; presets.yaml explains its fields."""

    fields: Tree
    studied: Tree


PRESETS = {
    name: Preset(**{"studied": {}} | tree)
    for name, tree in read_yaml(Path(__file__).with_name("presets.yaml")).items()
}


def preset(name: str) -> Preset:
    """Return the preset of a name.

    Raises:
        UserError: there is no such preset.
    """
    if name not in PRESETS:
        raise UserError(f"`preset` (={name}) must be one of {', '.join(PRESETS)}")
    return PRESETS[name]


class RunConfig(Config):
    """All that determines a run. Its name and what is observed of it are not part of its identity."""

    OUTSIDE_DIGEST: ClassVar[frozenset[str]] = frozenset({"name", "probing"})
    BESIDE: ClassVar[tuple[str, ...]] = ("preset",)

    name: str = Field("run", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    """name of the run's folder, before the hash"""
    seed: int = Field(0, ge=0, lt=2**63)
    """seed from which all randomness derives"""
    world: AnyWorld = USUAL_WORLD
    """images, their factors, and which labels are trained on"""
    family: AnyFamily = USUAL_FAMILY
    """what is learned, and how images are sampled"""
    network: AnyNetwork = USUAL_NETWORK
    """the network that is trained"""
    training: TrainingConfig = TrainingConfig()
    """steps, batches, optimiser"""
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
        world, generator = self.world, numpy_generator(0, "labels counted")
        if not world.continuous and (drawn := len(world.draw_labels(LEAST_LABELS, generator))) < LEAST_LABELS:
            raise ValueError(
                f"`world.kind` (={self.world.kind}) must have {LEAST_LABELS} different labels at least, and has {drawn}: "
                "measures compare their latents"
            )
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
        if self.network.layer_names is not None:
            self.plan_of(self.network.layer_names, self.network.usual_layers)
        return self

    def plan_of(self, layers: Sequence[str] | None, usual_layers: Sequence[str]) -> ProbingConfig:
        """Return the plan with every `usual` resolved, for a network with these layers; None allows any submodule.

        Raises:
            ValueError: a layer or a timestep does not exist.
        """
        return resolved(self.probing, layers, usual_layers, self.family)

    def with_kinds(self, **kinds: Any) -> Self:
        """Return a copy with another world, family or network, as `execution.train` takes them; None keeps the present one.

        Raises:
            UserError: a class cannot be found again, or does not fit the other fields.
        """
        tree = self.tree()
        for field, given in kinds.items():
            if given is None:
                continue
            if isinstance(given, type):
                given = {"kind": reference_to(given)}
            elif isinstance(given, Kind):
                given = given.tree_with_kind()
            tree[field] = given
        return type(self).from_tree(tree)

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


def load_config(file: Path | str | None = None, overrides: Iterable[str] = ()) -> RunConfig:
    """Return the configuration of a YAML file and `key=value` overrides, on top of the preset that either names.

    Raises:
        UserError: names the field, its value and the rule.
    """
    if isinstance(overrides, str):
        raise UserError(f"`overrides` (={overrides}) must be a list of key=value texts")
    tree = with_overrides(read_yaml(Path(file), by_hand=True) if file else {}, parse_overrides(overrides))
    name = tree.pop("preset", None)
    return over_defaults(*([] if name is None else [preset(str(name)).fields]), tree)


def with_overrides(tree: Tree, overrides: Iterable[tuple[list[str], Any]]) -> Tree:
    """Return a file's tree with overrides set. A kind that the file leaves out is that of the preset which either names.

    Raises:
        UserError: an override is below what holds no fields; there is no such preset.
    """
    overrides = list(overrides)
    named = [value for path, value in overrides if path == ["preset"]] or [tree.get("preset")]
    base = defaults() if named[0] is None else merge(defaults(), preset(str(named[0])).fields)
    return set_overrides(tree, overrides, base)


def over_defaults(*trees: Tree) -> RunConfig:
    """Return the configuration that results from merging trees, in order, into the defaults.

    If the last tree sets fewer steps than the warm-up has, the warm-up becomes a tenth of them, and this is logged.

    Raises:
        UserError: names the field, its value and the rule.
    """
    for tree in trees:
        if not isinstance(tree, Mapping):
            raise UserError(
                f"`config` (={tree!r:.80}) must be a RunConfig or a tree of its fields; load_config takes overrides"
            )
    merged = reduce(merge, trees, defaults())
    own, training = trees[-1].get("training"), merged["training"]
    if isinstance(own, Mapping) and "steps" in own and "warmup" not in own:
        steps, warmup = training["steps"], training["warmup"]
        if isinstance(steps, int) and 0 < steps < warmup:
            merged = merge(merged, {"training": {"warmup": steps // 10}})
            log_once(f"`training.warmup` (={warmup}) becomes {steps // 10}: there are {steps} steps")
    return RunConfig.from_tree(merged)


@cache
def defaults() -> Tree:
    """Return the default of every field, as one shared tree, which `merge` does not modify."""
    return RunConfig().tree()


def load_arguments(arguments: Sequence[str]) -> RunConfig:
    """Return the configuration of a command line's ``[FILE.yaml] [key=value ...]``.

    Raises:
        UserError: names the field or the word, its value and the rule.
    """
    return load_config(*split_arguments(arguments))


def split_arguments(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    """Return the file, and the arguments that are ``key=value``.

    Raises:
        UserError: a word is neither, or a key or a file is given twice.
    """
    overrides = [word for word in arguments if re.match("[^/=]*=", word)]
    files = [word for word in arguments if word not in overrides]
    check_once([word.partition("=")[0] for word in overrides])
    for word in files:
        if not word.endswith((".yaml", ".yml")):
            raise UserError(f"`{word}` must be FILE.yaml or key=value, as in training.batch=32")
    if len(files) > 1:
        raise UserError(f"`FILE` (={files[1]}) must be the only file: {files[0]} is given already")
    return Path(files[0]) if files else None, overrides
