"""Extending a run: a longer run begins with the state of a shorter one, which its user names.

Two runs have the same state after a step if their configurations differ only in their number of steps, their sources are the
same files, and the learning rates of all earlier steps are the same: always with a constant rate, otherwise only during
warm-up. Configurations are first compared as plain trees: no source is imported that only the shorter run names.
"""

import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from phasescope.core.config import Tree
from phasescope.core.errors import UserError
from phasescope.core.kinds import source_digests
from phasescope.runs.config import RunConfig
from phasescope.runs.store.files import folder_aside
from phasescope.runs.store.folder import METER, SCALARS, RunFolder
from phasescope.runs.store.writer import RunWriter, differences, hold


def begin_from(run: RunFolder, config: RunConfig, target: Path, restart: bool = False) -> None:
    """Fill the folder `target` of `config` with the records of the shorter `run`, which is not changed.

    Nothing is done if the folder is not empty: the same command then resumes it.

    Raises:
        UserError: the run cannot be extended to `config`; the message names the field and both values.
    """
    if restart:
        raise UserError(f"`--extend` (={run.name}) must be left out with --restart, which starts again")
    if target.exists() and any(target.iterdir()):
        return
    _check_same(run, config)
    _check_longer(run, config)

    with hold(run.path, run.config) as source:
        checkpoint = source.read_checkpoint()
        if checkpoint is None:
            raise UserError(f"`--extend` (={run.name}) must have a checkpoint")
        tensors, state = checkpoint

        with folder_aside(target) as folder:
            for name in ("metrics.jsonl", SCALARS, METER, "references.json", "sources.json"):
                if (source.path / name).exists():
                    shutil.copy2(source.path / name, folder / name)
            shutil.copytree(source.path / "snapshots", folder / "snapshots")
            writer = RunWriter(folder)
            writer.write_config(config.tree())
            writer.write_checkpoint(tensors, {**state, "run": config.digest()})


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
