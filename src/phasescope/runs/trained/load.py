"""Loading a stored run: its configuration, its world, its network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error, log_once, reading
from phasescope.core.kinds import Constructed, is_reference, references, source_digests
from phasescope.core.sources import failing
from phasescope.runs.config import RunConfig
from phasescope.runs.config.probing_config import ProbingConfig, SnapshotPlanConfig
from phasescope.runs.store import Run, Snapshot
from phasescope.runs.store.writer import OR_RESTART

if TYPE_CHECKING:
    import torch
    from jaxtyping import Float
    from torch import Tensor, nn

    from phasescope.models.families import Family, FamilyConfig
    from phasescope.models.training.config import TrainingConfig
    from phasescope.worlds.base import World

# Most values that the explorer computes per request: those of an image times the sampling steps, or times the images.
MOST_WORK = 2**22


@dataclass(frozen=True)
class Loaded:
    """A run's network with its configuration.

    Attributes:
        network: with the snapshot's averaged weights, in evaluation mode, on the CPU.
        plan: the plan of observation, in which every `usual` is resolved.
    """

    config: RunConfig
    network: nn.Module
    plan: ProbingConfig

    @cached_property
    def family(self) -> Family:
        return self.config.family.build()

    def layer(self, name: str) -> nn.Module:
        """Return the module of a layer.

        Raises:
            UserError: the network has no such layer.
        """
        from phasescope.runs.probing.capture import find_layer

        known = self.config.network.layer_names
        if known is not None and name not in known:
            raise UserError(f"`layer` (={name}) must be one of the network's layers: {', '.join(known)}")
        with as_user_error():
            return find_layer(self.network, name)


def check_whole(run: Run, last: int) -> None:
    """Raise UserError if a snapshot or a line of metrics that is due up to the step `last` is missing."""
    with reading(run.path / "config.yaml"):
        plan = SnapshotPlanConfig.from_tree(run.config["probing"]["snapshots"])
        steps = int(run.config["training"]["steps"])
    lines = {entry["step"] for entry in run.metrics}
    snapshots = {snapshot.step for snapshot in run.snapshots}
    for step in range(last + 1):
        if plan.due(step, steps) and not (step in lines and step in snapshots):
            missing = "the snapshot" if step in lines else "a line of metrics.jsonl"
            raise UserError(
                f"`{run.path}` must hold all up to step {last}: {missing} of step {step} is missing; {OR_RESTART}"
            )


def config_of(run: Run) -> RunConfig:
    """Return the run's configuration, and import the user's source files that it names.

    Raises:
        UserError: it cannot be read, or a source file has changed since the run was made.
    """
    tree = run.config
    if missing := RunConfig.model_fields.keys() - tree.keys():
        raise UserError(f"`{run.path}/config.yaml` must be complete: no `{min(missing)}` is there")
    run.check_sources()
    try:
        return RunConfig.from_tree(tree)
    except UserError as error:
        raise UserError(f"`{run.path}/config.yaml` must be a run's configuration: {error}") from None


@own_arithmetic()
def load_network(run: Run, snapshot: Snapshot) -> Loaded:
    """Return the network of a snapshot.

    Raises:
        UserError: the configuration or the weights cannot be read, or the weights belong to another network.
    """
    import torch

    config = config_of(run)
    with as_user_error(), torch.random.fork_rng(devices=[]):  # the initial weights are overwritten
        network = config.network.build(config.world.shape, config.world.factors.visible)
    path = snapshot.path / "weights.safetensors"
    weights = {name: torch.from_numpy(array) for name, array in snapshot.weights().items()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(
            f"`{path}` must hold this run's weights: {' '.join(str(error).split())[:120]}"
        ) from None
    withhold_as_trained(network, config.training)
    return Loaded(config, network.eval(), plan_of(config, network))


def load_unconditional(run: Run, step: int | None) -> Loaded:
    """Return the network of a snapshot, by default the last one, for sampling without a label.

    Raises:
        UserError: the network was never trained without a label; or as `load_network` says.
    """
    loaded = load_network(run, run.snapshot(step))
    if loaded.config.training.withheld == "never":
        raise UserError(f"`RUN` (={run.name}) must be trained with labels left out (label_dropout)")
    return loaded


def withhold_as_trained(network: nn.Module, training: TrainingConfig) -> None:
    """Hide from a network the factors that were never given in training: its response to them would be arbitrary."""
    import torch

    if not np.any(training.always_withheld):
        return
    hidden = torch.tensor(training.always_withheld)

    def hide(module: nn.Module, given: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        x, t, labels = given
        return x, t, labels.masked_fill(hidden.to(labels.device), torch.nan)

    network.register_forward_pre_hook(hide)


@own_arithmetic()
def plan_of(config: RunConfig, network: nn.Module) -> ProbingConfig:
    """Return the resolved plan of observation of a network; a forward pass finds layers that the network does not list.

    Raises:
        UserError: a layer or a timestep does not exist.
    """
    from phasescope.runs.probing.capture import reached_layers

    layers, usual = config.network.layer_names, config.network.usual_layers
    with as_user_error():
        if layers is None:
            known = config.probing.layers
            usual = (
                reached_layers(network, *inputs_of(network, config.world, config.family))
                if known == "usual"
                else known
            )
        return config.plan_of(layers, usual)


@own_arithmetic()
def check_answer(config: RunConfig, network: nn.Module) -> None:
    """Raise UserError if the user's own network does not accept its family's inputs, or returns another shape."""
    if not isinstance(config.network, Constructed):
        return
    import torch

    kind, given = config.network.kind, inputs_of(network, config.world, config.family)
    with trying_out(network, f"`network.kind` (={kind}) must answer forward(x_t, t, labels)"):
        answer, wanted = network(*(changed := [tensor.clone() for tensor in given])), tuple(given[0].shape)
    if not all(torch.allclose(*pair, 0, 0, equal_nan=True) for pair in zip(given, changed, strict=True)):
        raise UserError(f"`network.kind` (={kind}) must leave x_t, t and labels as they are")
    shape = getattr(answer, "shape", None)
    # A family of one's own may ask for a tuple, which has no shape.
    is_image = wanted[1:] == config.world.shape and (shape or not is_reference(config.family.kind))
    if is_image and shape != wanted:
        raise UserError(f"`network.kind` (={kind}) must return the shape {wanted}, not {shape and (*shape,)}")
    if is_image and not (isinstance(answer, torch.Tensor) and answer.is_floating_point()):
        raise UserError(
            f"`network.kind` (={kind}) must return real numbers, not {getattr(answer, 'dtype', type(answer))}"
        )


@contextmanager
def trying_out(network: nn.Module, rule: str) -> Iterator[None]:
    """Run a network within the block without a trace; what it raises is one line that begins with `rule`."""
    import torch

    from phasescope.models.families.base import evaluating

    with failing(rule), torch.random.fork_rng(devices=[]), evaluating(network), torch.no_grad():
        yield


def device_of(network: nn.Module) -> torch.device:
    """Return the device of a network's weights; the CPU if it has none."""
    import torch

    return next((weights.device for weights in network.parameters()), torch.device("cpu"))


def inputs_of(network: nn.Module, world: World, family: FamilyConfig) -> tuple[Tensor, Tensor, Tensor]:
    """Return the family's network inputs for two labels."""
    import torch

    labels = torch.from_numpy(world.training_labels()[:2]).to(device_of(network))
    x_0 = world.render(labels)
    labels = world.factors.visible_columns(labels)
    return family.build().inputs(x_0, labels, family.phase_t, torch.zeros_like(x_0))


def not_imported(run: Run, trust: bool = False) -> str | None:
    """Return why the explorer does not load a network: its owner's sources are not trusted, or are not as recorded."""
    own, name = references(run.config), run.path.name
    if not own:
        return None
    if not trust:
        return f"`{name}` has sources of its owner ({', '.join(own)}): `phasescope explore --trust` executes them"
    try:
        digests = source_digests(run.config)
    except UserError as error:  # a source that is not there
        return str(error)
    if changed := [key for key, digest in digests.items() if run.sources.get(key) != digest]:
        return f"`{changed[0]}` is not what `{name}` recorded, and is not executed"
    log_once(f"`{name}` is trusted: sampling from it executes {', '.join(own)}")
    return None


def check_labels(world: World, labels: Float[np.ndarray, "n K"], prefix: str = "") -> None:
    """Raise UserError, whose message begins with `prefix`, if a label lies outside the world."""
    with as_user_error(prefix):
        world.factors.visible.check(labels)


def check_work(name: str, count: int, world: World, images: int = 1) -> None:
    """Raise UserError if `count` times the values of `images` exceed the limit of one request, `MOST_WORK`."""
    if count > (most := MOST_WORK // (images * math.prod(world.shape))):
        raise UserError(f"`{name}` (={count}) must be at most {most}: a request has {MOST_WORK:,} values")


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread within the block: results are then bitwise the same, and as fast, whatever else runs."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
