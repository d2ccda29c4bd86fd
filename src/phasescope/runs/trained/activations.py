"""A run's network's activations for the images of given labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.core.randomness import numpy_generator
from phasescope.runs.store import RunFolder
from phasescope.runs.store.sites import Site
from phasescope.runs.trained.labels import check_labels, label_rows
from phasescope.runs.trained.load import Loaded, given_network, load_network

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import nn

    from phasescope.runs.probing.inputs import Inputs


@own_arithmetic()
def activations(
    run: RunFolder,
    site: Site | str,
    labels: Sequence[Any] | np.ndarray,
    step: int | None = None,
    network: nn.Module | None = None,
) -> np.ndarray:
    """Read activations as `Run.activations` says."""
    site = site if isinstance(site, Site) else Site.parse(site)
    loaded = given_network(run, run.snapshot(step), network)
    with as_user_error():
        return latents_at(loaded, label_rows(loaded.config.world, labels, "labels"), site)


@own_arithmetic()
def attention(
    run: RunFolder, site: Site | str, labels: Sequence[Any] | np.ndarray, step: int | None = None
) -> Float[np.ndarray, "m heads n n"]:
    """Read attention maps as `Run.attention` says."""
    from phasescope.runs.probing.capture import attention_maps

    site = site if isinstance(site, Site) else Site.parse(site)
    loaded = load_network(run, run.snapshot(step))
    rows = label_rows(loaded.config.world, labels, "labels")

    given = inputs_at(loaded, rows, site).at(site.t, draw=0)
    with as_user_error():
        parts = [
            attention_maps(loaded.network, site.layer, *part).numpy()
            for part in zip(*(tensor.split(loaded.plan.batch) for tensor in given), strict=True)
        ]
    return np.concatenate(parts)


def latents_at(
    loaded: Loaded, labels: Float[np.ndarray, "m K"], site: Site
) -> Float[np.ndarray, "m features"]:
    """Return the latents at a site for `labels`.

    Raises:
        UserError: there is no such site, or a label is not of this world.
    """
    return inputs_at(loaded, labels, site).latents(loaded.network, [site.layer]).single[site]


def inputs_at(loaded: Loaded, labels: Float[np.ndarray, "m K"], site: Site) -> Inputs:
    """Return the noisy images of `labels` at a site, with the run's own noise.

    Raises:
        UserError: as `latents_at` says.
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
            np.ascontiguousarray(labels), numpy_generator(config.streams.samples, "hidden factors")
        )
    at = () if site.t is None else (site.t,)
    return Inputs(
        world=config.world,
        family=loaded.family,
        labels=full,
        t=at,
        draws=1,
        shared=0,
        seed=config.streams.samples,
        device=torch.device("cpu"),
        batch=plan.batch,
        most_features=plan.most_features,
    )
