"""Loading a stored run: its configuration, its world, its network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error, similar
from phasescope.models.training.withholding import withhold_as_trained
from phasescope.runs.config import RunConfig
from phasescope.runs.config.probing_config import ProbingConfig
from phasescope.runs.probing.trial import plan_of
from phasescope.runs.store import RunFolder, Snapshot

if TYPE_CHECKING:
    from torch import nn

    from phasescope.models.families import Family


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
            guess = similar(name, known)
            raise UserError(
                f"`layer` (={name}) must be one of the network's layers: {', '.join(known)}{guess}"
            )
        with as_user_error():
            return find_layer(self.network, name)


def config_of(run: RunFolder) -> RunConfig:
    """Return the run's configuration, and import the user's source files that it names.

    Raises:
        UserError: it cannot be read, or a source file has changed since the run was made.
    """
    tree = run.config
    if missing := RunConfig.ALWAYS_WRITTEN - tree.keys():
        raise UserError(f"`{run.path}/config.yaml` must be complete: no `{min(missing)}` is there")
    run.check_sources()
    try:
        return RunConfig.from_tree(tree)
    except UserError as error:
        raise UserError(f"`{run.path}/config.yaml` must be a run's configuration: {error}") from None


@own_arithmetic()
def load_network(run: RunFolder, snapshot: Snapshot) -> Loaded:
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


def given_network(run: RunFolder, snapshot: Snapshot, network: nn.Module | None) -> Loaded:
    """Return the network of a snapshot, or one that its owner gives: a watched network, which only its own loop can build.

    Raises:
        UserError: as for `load_network`; what is given is no module.
    """
    from torch import nn

    if network is None:
        return load_network(run, snapshot)
    if not isinstance(network, nn.Module):
        raise UserError(f"`network` (={network!r:.40}) must be a torch.nn.Module, as it was watched")
    config = config_of(run)
    return Loaded(config, network, plan_of(config, network))


def load_unconditional(run: RunFolder, step: int | None) -> Loaded:
    """Return the network of a snapshot, by default the last one, for sampling without a label.

    Raises:
        UserError: the network was never trained without a label; or as `load_network` says.
    """
    loaded = load_network(run, run.snapshot(step))
    if loaded.config.training.withheld == "never":
        raise UserError(f"`RUN` (={run.name}) must be trained with labels left out (label_dropout)")
    return loaded
