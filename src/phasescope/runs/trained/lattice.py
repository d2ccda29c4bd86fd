"""A network's latents on a lattice of labels, with their baselines, as readings of studies take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phasescope.core.arithmetic import one_thread, own_arithmetic
from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.runs.store import RunFolder, Snapshot
from phasescope.runs.store.sites import Site
from phasescope.runs.trained.load import load_network
from phasescope.runs.trained.measure import probe_loaded

if TYPE_CHECKING:
    from phasescope.runs.probing.inputs import Latents


@dataclass(frozen=True)
class OnLattice:
    """A network's latents on a lattice of labels, with their baselines.

    Attributes:
        labels: (n, K).
        latents: by site, for all labels under several noise draws.
        images: of the labels, (n, pixels).
        encodings: the network's encodings of the labels, (n, features); None if they are not known.
    """

    labels: np.ndarray
    factors: Factors
    latents: Latents
    images: np.ndarray
    encodings: np.ndarray | None


@own_arithmetic()
def on_lattice(
    run: RunFolder, snapshot: Snapshot, sites: Sequence[Site], values: int, draws: int
) -> OnLattice:
    """Return a network's latents on a lattice of `values` values of each factor, at those of `sites` that it has.

    One thread computes, so that results are bitwise reproducible whatever else this process does.
    """
    import torch

    from phasescope.runs.probing.inputs import label_lattice

    loaded = load_network(run, snapshot)
    config, world = loaded.config, loaded.config.world
    labels = label_lattice(world.factors.visible, values)

    known_layers, known_times = config.network.layer_names, config.family.noise_levels or ()
    layers = dict.fromkeys(site.layer for site in sites if known_layers is None or site.layer in known_layers)
    times = dict.fromkeys(site.t for site in sites if site.t is not None and site.t in known_times)
    with one_thread():
        probed = probe_loaded(
            loaded, labels, list(layers), list(times), draws=draws, shared=len(labels), crossed=0
        )

    encoded = probed.baselines.get("label_embedding")
    encodings = None if encoded is None else next(iter(encoded.single.values()))
    full = world.complete(labels, numpy_generator(config.streams.samples, "hidden factors"))
    images = world.render(torch.from_numpy(full)).flatten(1).numpy()
    return OnLattice(
        labels=labels,
        factors=world.factors.visible,
        latents=probed.trained,
        images=images,
        encodings=encodings,
    )
