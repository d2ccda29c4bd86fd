"""Images from a run that is on disk: its configuration, a snapshot's averaged weights, its family's sampler."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phasescope.errors import UserError
from phasescope.randomness import numpy_generator, torch_generator
from phasescope.run import RunConfig
from phasescope.store import Run, Snapshot
from phasescope.store.files import write_aside

if TYPE_CHECKING:
    from torch import nn


def parse_label(text: str) -> list[float]:
    """``12.5,20`` -> [12.5, 20.0].

    Raises:
        UserError: it has not that form.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"`--at` (={text}) must be numbers with commas between, as in 12.5,20") from None


def snapshot_of(run: Run, step: int | None) -> Snapshot:
    """The snapshot of a step, or the last one.

    Raises:
        UserError: it is not there.
    """
    snapshots = run.snapshots
    if not snapshots:
        raise UserError(f"`RUN` (={run.name}) must have a snapshot, and has none yet")
    if step is None:
        return snapshots[-1]
    for snapshot in snapshots:
        if snapshot.step == step:
            return snapshot
    known = ", ".join(str(snapshot.step) for snapshot in snapshots)
    raise UserError(f"`--step` (={step}) must be one of the snapshots: {known}")


def load_network(run: Run, snapshot: Snapshot) -> tuple[RunConfig, nn.Module]:
    """(configuration, network with the snapshot's averaged weights, in evaluation mode, on the CPU).

    Raises:
        UserError: the configuration or the weights cannot be read, or the weights are of another network.
    """
    import torch
    from safetensors import SafetensorError

    try:
        config = RunConfig.of(run.config)
    except UserError as error:
        raise UserError(f"`{run.path}/config.yaml` must be a run's configuration: {error}") from None
    network = config.network.build(config.world.channels, len(config.world.factors))
    path = snapshot.path / "weights.safetensors"
    try:
        network.load_state_dict({name: torch.from_numpy(array) for name, array in snapshot.weights().items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise UserError(
            f"`{path}` must hold this run's weights: {' '.join(str(error).split())[:120]}"
        ) from None
    return config, network.eval()


def paint(run: Run, at: str | None, count: int, step: int | None, seed: int, out: Path) -> Path:
    """Sample `count` images and write them to `out`: a PNG grid, or an npz with `images` (n, N, N) and `labels` (n, K).

    Raises:
        UserError: a label off the canvas, a count below 1, an unknown kind of file, a folder that is not there.
    """
    import torch

    if out.suffix not in (".png", ".npz"):
        raise UserError(f"`--out` (={out}) must end in .png or .npz")
    if not out.parent.is_dir():
        raise UserError(f"`--out` (={out}) must be in a folder that is there: there is no {out.parent}")
    if not 1 <= count <= 100_000:
        raise UserError(f"`--count` (={count}) must be from 1 to 100000")
    config, network = load_network(run, snapshot_of(run, step))
    world, family = config.world, config.family.build()
    if at is None:
        labels = world.off_grid_labels(count, numpy_generator(seed, "sample labels"))
    else:
        label = parse_label(at)
        if len(label) != len(world.factors):
            names = ",".join(factor.name for factor in world.factors)
            raise UserError(f"`--at` (={at}) must give {names}: {len(world.factors)} numbers")
        labels = np.tile(np.array(label, dtype=np.float32), (count, 1))
    try:
        world.check_labels(labels)
    except ValueError as error:
        raise UserError(f"`--at` (={at}): {error}") from None
    images = []
    with torch.no_grad():
        for part, some in enumerate(torch.from_numpy(labels).split(config.probing.batch)):
            generator = torch_generator(seed, "sample", part)
            shape = (world.channels, world.canvas, world.canvas)
            images.append(family.sample(network, some, shape, generator)[:, 0].numpy())
    try:
        _write(out, np.concatenate(images), labels)
    except OSError as error:
        raise UserError(f"`--out` (={out}) cannot be written: {error.strerror}") from None
    return out


def _write(out: Path, images: np.ndarray, labels: np.ndarray) -> None:
    buffer = io.BytesIO()
    if out.suffix == ".npz":
        np.savez(buffer, images=images, labels=labels)
    else:
        from phasescope.views.painted import sheet

        sheet(images).save(buffer, format="PNG")
    write_aside(out, buffer.getvalue())
