"""Images from a run that is on disk: its configuration, a snapshot's averaged weights, its family's sampler."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from phasescope.errors import UserError
from phasescope.flags import numbers
from phasescope.loading import load_network, snapshot_of
from phasescope.randomness import numpy_generator, torch_generator
from phasescope.store import Run
from phasescope.store.files import write_aside


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
        label = numbers("--at", at)
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
