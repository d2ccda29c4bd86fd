"""Training a configuration from Python, with a progress bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from phasescope.core.config import Tree
from phasescope.core.errors import UserError
from phasescope.runs.config import RunConfig, over_defaults
from phasescope.runs.config.run_config import kind_tree
from phasescope.runs.store.folder import RunFolder
from phasescope.runs.store.layout import WORLD
from phasescope.runs.trained.run import Run
from phasescope.runs.training.execution import execute
from phasescope.runs.training.monitor import Monitor
from phasescope.worlds import ImageWorld


def train(
    config: RunConfig | Tree,
    runs: Path | str = "runs",
    *,
    restart: bool = False,
    extend: Run | None = None,
    world: Any = None,
    family: Any = None,
    network: Any = None,
    monitors: Sequence[Monitor] = (),
    progress: bool | None = None,
) -> Run:
    """Train `config` to its end, or resume it where it stopped, and return the run.

    Args:
        config: a configuration, or the tree of its fields, as in YAML.
        restart: restart from the beginning, and drop what the folder holds of this run.
        extend: a shorter run of the same configuration, from whose state this one begins.
        world, family, network: replace the configuration's: a configuration of that kind, your own class, or a tree of
            fields with its kind. A class must be defined in a file, from which a resumed run loads it. Of an `ImageWorld` in
            memory the run keeps the images in its folder.
        monitors: log records as they come, such as `phasescope.TensorBoard("logs")`.
        progress: whether a bar is shown; by default in a terminal and in a notebook.

    Raises:
        UserError: the folder or the device cannot be used; a class cannot be found again; `extend` is no run.
        RunFailed: the loss is no longer finite; another process took over the folder.
    """
    from rich.console import Console
    from rich.progress import Progress as Bar

    if not isinstance(extend, RunFolder | None):
        raise UserError(f"`extend` (={extend!r:.80}) must be a run, as phasescope.find_run returns")
    kinds = {"world": world, "family": family, "network": network}
    if isinstance(config, Mapping):
        # At once, because the tree's other fields may be of this world, as its splits are.
        config = {**config, **{name: kind_tree(value) for name, value in kinds.items() if value is not None}}
    config = config.with_kinds(**kinds) if isinstance(config, RunConfig) else over_defaults(config)
    config = _with_images(config, Path(runs))
    console = Console(stderr=True)
    shown = (console.is_terminal or console.is_jupyter) if progress is None else progress
    with (
        Bar(console=console, disable=not shown) as bar,
        closing(execute(config, Path(runs), restart=restart, extend=extend, monitors=monitors)) as events,
    ):
        task = bar.add_task(config.folder, total=config.training.steps)
        for event in events:
            bar.update(task, completed=event.step)
    return Run(Path(runs) / config.folder)


def _with_images(config: RunConfig, runs: Path) -> RunConfig:
    """Return the configuration; images in memory are written into the folder of its run.

    Raises:
        UserError: the folder holds other images.
    """
    world = config.world
    if not isinstance(world, ImageWorld) or world.file:
        return config

    runs.mkdir(parents=True, exist_ok=True)
    # The run's name has the SHA-256 of the file: it is written first, and then put where the name says.
    with TemporaryDirectory(dir=runs, prefix=".images.") as folder:
        aside = world.saved(Path(folder) / WORLD)
        kept = runs / config.model_copy(update={"world": aside}).folder / WORLD
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            Path(aside.file).replace(kept)
    return RunConfig.from_tree(config.tree() | {"world": {**aside.tree_with_kind(), "file": str(kept)}})
