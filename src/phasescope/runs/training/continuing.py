"""Beginning a run with the state of another one, which its user names: a longer run, or a fork.

Two runs have the same state after a step if their configurations differ only in their number of steps, their sources are the
same files, and the learning rates of all earlier steps are the same: always with a constant rate, otherwise only during
warm-up. Such a longer run is the same run as one that was trained from its start, and has its identity.

A fork differs from its parent in what its user names, from a step on. Its identity holds the parent's, the step and its own
configuration. Configurations are first compared as plain trees: no source is imported that only the other run names.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasescope.core.config import Tree
from phasescope.core.errors import UserError, as_user_error
from phasescope.core.kinds import source_digests
from phasescope.runs.config import RunConfig
from phasescope.runs.store.files import folder_aside
from phasescope.runs.store.folder import RunFolder, shown
from phasescope.runs.store.layout import FORK, names
from phasescope.runs.store.writer import RunWriter, differences, hold, read_state

if TYPE_CHECKING:
    import numpy as np

    from phasescope.models.training.loop import Learner

OPTIMISER = "optimiser"
"""names what the optimiser remembers in `fork.reset`"""
KEPT = ("probing", "name", "fork", "preset")
"""fields of which a fork's differences from its parent are no changes of training"""


def begin_from(
    run: RunFolder, config: RunConfig, target: Path, learner: Learner, restart: bool = False
) -> None:
    """Fill the folder `target` of `config` with the records of another `run`, which is not changed, and with its state.

    Nothing is done if the folder is not empty: the same command then resumes it.

    Args:
        learner: a fresh one of `config`.

    Raises:
        UserError: the run cannot be continued as `config`; the message names the field and both values.
    """
    given = "--extend" if config.fork is None else "fork"
    if restart:
        raise UserError(f"`{given}` (={run.name}) must be left out with --restart, which starts again")
    if target.exists() and any(target.iterdir()):
        return
    if config.fork is None:
        _check_same(run, config)
        _check_longer(run, config)
    else:
        _check_forkable(run, config)

    if config.fork is not None and config.fork.step == 0 and not config.fork.reset:
        # Nothing is learned yet: a fork there is a run from its start.
        with folder_aside(target) as folder:
            (folder / "snapshots").mkdir()
            _write_description(RunWriter(folder), run, config)
        return

    with hold(run.path, run.config) as source:
        tensors, state = _state_of(source, config)
        tensors, state = _taken_up(learner, config, tensors, state)

        with folder_aside(target) as folder:
            for name in names(lambda part: part.is_inherited):
                if (source.path / name).exists():
                    shutil.copy2(source.path / name, folder / name)
            (folder / "snapshots").mkdir()
            for snapshot in source.snapshots:
                if snapshot.step <= state["step"]:
                    shutil.copytree(snapshot.path, folder / "snapshots" / snapshot.path.name)

            writer = RunWriter(folder)
            _write_description(writer, run, config)
            writer.forget_after(state["step"])
            writer.write_checkpoint(tensors, {**state, "run": config.digest()})


def check_begins(run: RunFolder, config: RunConfig, learner: Learner) -> None:
    """Raise UserError if a fork's configuration could not begin with its state of a run; nothing is written.

    Args:
        learner: a fresh one of `config`, which takes the state up.
    """
    _check_forkable(run, config)
    assert config.fork is not None
    if config.fork.step == 0 and not config.fork.reset:
        return
    with hold(run.path, run.config) as source:
        tensors, state = _state_of(source, config)
    _taken_up(learner, config, tensors, state)


def _write_description(writer: RunWriter, parent: RunFolder, config: RunConfig) -> None:
    """Write the configuration, and of a fork what it continues and what is changed."""
    if config.fork is not None:
        changes = changes_of(complete_tree(parent), config.tree())
        described = {
            "run": config.fork.run,
            "name": parent.name,
            "step": config.fork.step,
            "changes": changes,
        }
        writer.write_json(FORK, described, indent=1)
    writer.write_config(config.tree())


def _state_of(source: RunWriter, config: RunConfig) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the state with which a run begins: the last one of a run that is extended, or that of a fork's step."""
    last = source.read_checkpoint()
    if config.fork is None:
        if last is None:
            raise UserError(f"`--extend` (={source.name}) must have a checkpoint")
        return last

    step = config.fork.step
    if step in source.states:
        tensors, state = read_state(source.states[step])
        if state.get("step") != step:
            file, own = shown(str(source.states[step])), f"{state.get('step')!r:.20}"
            raise UserError(f"`{file}` must be the state of step {step}, and is that of {own}")
        return tensors, state
    if last is not None and last[1]["step"] == step:
        return last
    known = [*source.states, *([last[1]["step"]] if last else [])]
    raise UserError(
        f"`--at` (={step}) must be a step whose state `{source.name}` kept: "
        f"{', '.join(map(str, dict.fromkeys(known))) or 'it kept none'}; `training.states` says at which steps it is kept"
    )


def _taken_up(
    learner: Learner, config: RunConfig, tensors: dict[str, np.ndarray], state: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return a state as a fork begins with it: parts are reset; UserError if the network or the optimiser is another one."""
    import torch

    from phasescope.models.training.loop import fresh_learner

    fork = config.fork
    if fork is None:
        return tensors, state
    resets_optimiser = OPTIMISER in fork.reset
    taken = {
        name: torch.from_numpy(array)
        for name, array in tensors.items()
        if not (resets_optimiser and name.startswith("optimiser."))
    }
    if resets_optimiser:
        taken |= {f"optimiser.{name}": tensor for name, tensor in learner.optimiser.tensors().items()}

    try:
        learner.load(taken, state["step"], state.get("images_seen"))
    except (KeyError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise UserError(
            f"`changes` must leave the network as it is, whose weights the state holds: {reason}"
        ) from None

    if parts := [part for part in fork.reset if part != OPTIMISER]:
        with as_user_error():
            fresh = fresh_learner(
                network_config=config.network,
                shape=config.world.shape,
                factors=config.world.factors.visible,
                config=config.training,
                seed=config.streams.network,
            )
        learner.reset(fresh, parts)

    arrays = {name: tensor.detach().cpu().numpy().copy() for name, tensor in learner.tensors().items()}
    return arrays, {**state, "images_seen": learner.images_seen}


def _check_forkable(run: RunFolder, config: RunConfig) -> None:
    """Raise UserError if a configuration cannot begin with a state of a run."""
    fork = config.fork
    assert fork is not None
    parent = RunConfig.from_tree(run.config)
    if parent.digest(16) != fork.run:
        raise UserError(f"`fork.run` (={fork.run}) must be `{run.name}`, which is {parent.digest(16)}")
    run.check_sources()

    if fork.step >= config.training.steps:
        raise UserError(
            f"`training.steps` (={config.training.steps}) must be above the step of the fork, {fork.step}"
        )
    if fork.step > (reached := int(run.status.get("step", 0))):
        raise UserError(f"`--at` (={fork.step}) must be at most the step of `{run.name}`, {reached}")

    check_same_readings(run, config)

    former, now = parent.training.optimiser.kind, config.training.optimiser.kind
    if former != now and OPTIMISER not in fork.reset:
        raise UserError(
            f"`training.optimiser.kind` (={now}) must be {former}, unless fork.reset=[{OPTIMISER}] drops what "
            "that one remembers"
        )
    if config.world.shape != parent.world.shape:
        raise UserError(
            f"`world` (images {config.world.shape}) must have the images of `{run.name}`, {parent.world.shape}"
        )
    if config.world.factors.visible.names != parent.world.factors.visible.names:
        raise UserError(f"`world.factors` must be those of `{run.name}`: its network is given their labels")


def check_same_readings(run: RunFolder, config: RunConfig) -> None:
    """Raise UserError if a fork would be observed otherwise than its parent."""
    for field, old, new in differences(run.config, config.tree()):
        if field.startswith("probing."):
            raise UserError(
                f"`{field}` (={new}) must be what `{run.name}` has, {old}: a fork is compared with its parent by the same "
                "readings; phasescope observe reads stored snapshots otherwise"
            )


def complete_tree(run: RunFolder) -> Tree:
    """Return the configuration of a run with the fields that came after it was made, at their defaults."""
    return RunConfig.from_tree(run.config).tree()


def changes_of(parent: Tree, child: Tree) -> dict[str, Any]:
    """Return by dotted field what a fork learns otherwise than its parent; empty for the unchanged child."""
    return {
        field: new for field, _, new in differences(parent, child) if field.partition(".")[0] not in KEPT
    } | ({"fork.reset": reset} if (reset := ((child.get("fork") or {}).get("reset"))) else {})


def is_seed(field: str) -> bool:
    """Return whether a field of a configuration is a seed: the run's, or that of one stream."""
    return field == "seed" or field.startswith("seeds.")


def _check_same(run: RunFolder, config: RunConfig) -> None:
    """Raise UserError if a run differs from a configuration in more than its number of steps."""
    tree = run.config
    as_long = {
        **tree,
        "name": config.name,
        "training": {**tree["training"], "steps": config.training.steps},
    }

    own, sources = source_digests(config.tree()), run.sources
    changed = [(name, sources.get(name), own.get(name)) for name in {**own, **sources}]

    # Identities are compared last: that imports what the run names, which is by now what the configuration names.
    for field, old, new in chain(
        differences(as_long, config.tree()), changed, _learned_otherwise(as_long, config)
    ):
        if old != new:
            raise UserError(
                f"`{field}` (={new}) must be what `{run.name}` has, {old}: a run is extended in `training.steps` alone"
            )


def _check_longer(run: RunFolder, config: RunConfig) -> None:
    """Raise UserError if a configuration has no more steps than a run, or other learning rates up to there."""
    training, step = config.training, int(run.status["step"])
    if step >= training.steps:
        raise UserError(f"`training.steps` (={training.steps}) must be above the {step} of `{run.name}`")

    shorter = training.model_copy(update={"steps": int(run.config["training"]["steps"])})
    other = next((i for i in range(step) if shorter.lr_factor(i) != training.lr_factor(i)), None)
    if other is not None:
        raise UserError(
            f"`training.steps` (={training.steps}) must leave the learning rates of `{run.name}` up to step {step}: that of "
            f"step {other} would be {training.lr_factor(other):.6g} of `lr`, and was {shorter.lr_factor(other):.6g}"
        )


def _learned_otherwise(tree: Tree, config: RunConfig) -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted field, old value, new value) where the identities of a tree and of a configuration differ.

    It is called only if both name the same sources. The trees of your own kinds leave out arguments at their defaults, so
    that trees do not show all that is learned otherwise.
    """
    former, now = RunConfig.from_tree(tree).identity(), config.identity()
    yield from differences(former, now)
    yield from ((field, old, new) for field, new, old in differences(now, former))
