"""Runs that are on disk, as what they were: their configuration, their world, their network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from phasescope.core.errors import UserError, as_user_error, reading
from phasescope.core.kinds import Constructed, references
from phasescope.core.sources import failing
from phasescope.runs.config import RunConfig
from phasescope.runs.probing.config import ProbingConfig, SnapshotPlanConfig
from phasescope.runs.store import Run, Snapshot
from phasescope.runs.store.writer import OR_ANEW

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor, nn

    from phasescope.models.families import Family
    from phasescope.models.training.config import TrainingConfig
    from phasescope.worlds.base import World

# Values computed for one answer of the explorer: those of an image times the steps to it, or times the images.
MOST_WORK = 2**22


@dataclass(frozen=True)
class Loaded:
    """A network out of a run, with what it was trained as.

    Attributes:
        network: with the snapshot's averaged weights, in evaluation mode, on the CPU.
        plan: what was observed of it, with all that is usual said.
    """

    config: RunConfig
    network: nn.Module
    plan: ProbingConfig

    @cached_property
    def family(self) -> Family:
        return self.config.family.build()

    def layer(self, name: str) -> nn.Module:
        """The module of a layer.

        Raises:
            UserError: the network has no such layer.
        """
        from phasescope.runs.probing.capture import find_tap

        known = self.config.network.taps
        if known is not None and name not in known:
            raise UserError(f"`tap` (={name}) must be one of the network's: {', '.join(known)}")
        with as_user_error():
            return find_tap(self.network, name)


def check_whole(run: Run, last: int) -> None:
    """Raises UserError if a snapshot or a line of metrics that is due up to the step `last` is missing."""
    with reading(run.path / "config.yaml"):
        plan = SnapshotPlanConfig.of(run.config["probing"]["snapshots"])
        steps = int(run.config["training"]["steps"])
    lines = {entry["step"] for entry in run.metrics}
    snapshots = {snapshot.step for snapshot in run.snapshots}
    for step in range(last + 1):
        if plan.due(step, steps) and not (step in lines and step in snapshots):
            missing = "the snapshot" if step in lines else "a line of metrics.jsonl"
            raise UserError(
                f"`{run.path}` must hold all that is due up to step {last}: {missing} of step {step} is missing; {OR_ANEW}"
            )


def config_of(run: Run) -> RunConfig:
    """The run's configuration; sources of somebody's own that it names are imported.

    Raises:
        UserError: it cannot be read, or a source is not what the run was made with.
    """
    tree = run.config
    if missing := RunConfig.model_fields.keys() - tree.keys():
        raise UserError(
            f"`{run.path}/config.yaml` must be a run's configuration, whole: no `{min(missing)}` is there"
        )
    try:
        config = RunConfig.of(tree)
    except UserError as error:
        raise UserError(f"`{run.path}/config.yaml` must be a run's configuration: {error}") from None
    run.check_sources()
    return config


def load_network(run: Run, snapshot: Snapshot) -> Loaded:
    """The network of a snapshot.

    Raises:
        UserError: the configuration or the weights cannot be read, or the weights are of another network.
    """
    import torch

    config = config_of(run)
    with as_user_error(), torch.random.fork_rng(devices=[]):  # its fresh weights are drawn for nothing
        network = config.network.build(config.world.shape, config.world.factors.visible)
    path = snapshot.path / "weights.safetensors"
    weights = {name: torch.from_numpy(array) for name, array in snapshot.weights().items()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(
            f"`{path}` must hold this run's weights: {' '.join(str(error).split())[:120]}"
        ) from None
    hear_as_trained(network, config.training)
    return Loaded(config, network.eval(), plan_of(config, network))


def load_untold(run: Run, step: int | None) -> Loaded:
    """The network of a snapshot, or of the last one, that can be asked with no label told.

    Raises:
        UserError: it was never trained without one; or as `load_network` says.
    """
    loaded = load_network(run, run.snapshot(step))
    if loaded.config.training.withheld == "never":
        raise UserError(f"`RUN` (={run.name}) must be trained with labels left out (label_dropout)")
    return loaded


def hear_as_trained(network: nn.Module, training: TrainingConfig) -> None:
    """From now on a network is told nothing that it was never told in training: what it would make of it is chance."""
    import torch

    if not np.any(training.unheard):
        return
    unheard = torch.tensor(training.unheard)

    def hide(module: nn.Module, given: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        x, t, labels = given
        return x, t, labels.masked_fill(unheard.to(labels.device), torch.nan)

    network.register_forward_pre_hook(hide)


def plan_of(config: RunConfig, network: nn.Module) -> ProbingConfig:
    """What is observed of a network, with all that is usual said; taps that only the network knows are tried out.

    Raises:
        UserError: a tap or a timestep is not there.
    """
    taps, usual = config.network.taps, config.network.usual_taps
    with as_user_error():
        if taps is not None:
            return config.plan_of(taps, usual)
        return config.plan_of(None, _tried_out(config, network))


def check_answer(config: RunConfig, network: nn.Module) -> None:
    """Raises UserError where somebody's own network does not take what its family gives, or answers in another shape."""
    if not isinstance(config.network, Constructed):
        return
    import torch

    from phasescope.models.families.base import evaluating

    kind, given = config.network.kind, _given(config, network)
    with (
        failing(f"`network.kind` (={kind}) must answer forward(x_t, t, labels)"),
        torch.random.fork_rng(devices=[]),
        evaluating(network),
        torch.no_grad(),
    ):
        answer = network(*given)
    wanted = tuple(given[0].shape)
    if isinstance(answer, torch.Tensor) and wanted[1:] == config.world.shape and answer.shape != wanted:
        raise UserError(
            f"`network.kind` (={kind}) must answer in its images' shape, {wanted}, and does in {tuple(answer.shape)}"
        )


def _given(config: RunConfig, network: nn.Module) -> tuple[Tensor, Tensor, Tensor]:
    """What the family gives a network of two labels."""
    import torch

    device = next((one.device for one in network.parameters()), torch.device("cpu"))
    labels = torch.from_numpy(config.world.training_labels()[:2]).to(device)
    x_0 = config.world.render(labels)
    labels = config.world.factors.visible_columns(labels)
    return config.family.build().inputs(x_0, labels, config.family.telling_condition, torch.zeros_like(x_0))


def _tried_out(config: RunConfig, network: nn.Module) -> list[str]:
    """Children of the network that a pass over two labels reaches."""
    from phasescope.runs.probing.capture import reached_taps

    if config.probing.taps != "usual":
        return list(config.probing.taps)
    return reached_taps(network, *_given(config, network))


def not_imported(run: Run) -> str | None:
    """Why the explorer does not load the run's network: it would have to run a source that is somebody's own."""
    own = references(run.config)
    if not own:
        return None
    return (
        f"`{run.path.name}` is made with a source of its owner's ({', '.join(own)}), which is not run here: "
        f"`phasescope sample {run.path.name}` paints with it"
    )


def check_labels(world: World, labels: Float[np.ndarray, "n K"], prefix: str = "") -> None:
    """Raises UserError, whose message begins with `prefix`, where a label is not of this world."""
    with as_user_error(prefix):
        world.factors.visible.check(labels)


def check_work(name: str, count: int, world: World, images: int = 1) -> None:
    """Raises UserError where `count` times the values of `images` are more than are computed for one answer."""
    values = images * math.prod(world.shape)
    if count * values > MOST_WORK:
        shown = "an image" if images == 1 else f"{images} images"
        raise UserError(
            f"`{name}` (={count}) must be at most {MOST_WORK // values}: each is of the {values:,} values of {shown}, "
            f"and one answer of at most {MOST_WORK:,}"
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Within the block one thread computes: the same bits come out, and as soon, whatever else keeps the machine busy."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
