"""Sampling images with a run's network, and reading its activations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.core.randomness import numpy_generator
from phasescope.measures.arguments import check_integer, real_array
from phasescope.runs.probing.images import sample_labels
from phasescope.runs.store import Run
from phasescope.runs.store.sites import Site
from phasescope.runs.trained.load import Loaded, check_labels, config_of, load_network

if TYPE_CHECKING:
    from jaxtyping import Float

MOST_SAMPLES = 100_000
"""images of one command"""


@own_arithmetic()
def sample(
    run: Run, labels: Sequence[float] | np.ndarray, n: int = 1, step: int | None = None, seed: int = 0
) -> np.ndarray:
    """Sample images as `Run.sample` says."""
    with as_user_error():
        rows = np.atleast_2d(real_array("labels", labels).astype(np.float32))
        check_integer("n", n, 1, "images of each label")
        check_integer("seed", seed, 0, "the noise derives from it")
    loaded = load_network(run, run.snapshot(step))
    world, batch = loaded.config.world, loaded.plan.batch
    check_labels(world, rows)
    rows = np.repeat(rows, n, axis=0)
    return sample_labels(loaded.network, loaded.family, world, rows, batch, "sample", seed)


def labels_for(run: Run, at: Sequence[float] | None, count: int, seed: int) -> np.ndarray:
    """Return `count` labels (n, K): all of them `at`, or else drawn from all over the run's factor space.

    Raises:
        UserError: `at` lies outside the world; `count` is invalid.
    """
    if not 1 <= count <= MOST_SAMPLES:
        raise UserError(f"`--count` (={count}) must be from 1 to {MOST_SAMPLES}")
    world = config_of(run).world
    if at is None:
        drawn = world.draw_labels(count, numpy_generator(seed, "sample labels"))
        return world.factors.visible_columns(drawn)
    check_labels(world, np.array([at]), f"`--at` (={','.join(f'{number:g}' for number in at)}): ")
    return np.tile(np.array(at, dtype=np.float32), (count, 1))


@own_arithmetic()
def activations(run: Run, site: Site | str, labels: np.ndarray, step: int | None = None) -> np.ndarray:
    """Read activations as `Run.activations` says."""
    site = site if isinstance(site, Site) else Site.parse(site)
    loaded = load_network(run, run.snapshot(step))
    with as_user_error():
        return latents_at(loaded, np.atleast_2d(real_array("labels", labels).astype(np.float32)), site)


def latents_at(
    loaded: Loaded, labels: Float[np.ndarray, "m K"], site: Site
) -> Float[np.ndarray, "m features"]:
    """Return the latents at a site for `labels`.

    Raises:
        UserError: there is no such site, or a label is not of this world.
    """
    import torch

    from phasescope.runs.probing.inputs import Inputs

    loaded.layer(site.layer)
    config, plan, known = loaded.config, loaded.plan, loaded.config.family.noise_levels
    if known is None and site.t is not None:
        raise UserError(f"`site` (={site}) must be a layer alone: this family has no noise levels")
    if known is not None and site.t not in known:
        raise UserError(f"`site` (={site}) must end in a number from {known[0]} to {known[-1]}")
    check_labels(config.world, labels)
    with as_user_error():  # a world that is a data set has no image of any other label
        full = config.world.complete(
            np.ascontiguousarray(labels), numpy_generator(config.seed, "hidden factors")
        )
    at = () if site.t is None else (site.t,)
    inputs = Inputs(config.world, loaded.family, full, at, 1, 0, config.seed, torch.device("cpu"), plan.batch)
    return inputs.latents(loaded.network, [site.layer]).single[site]
