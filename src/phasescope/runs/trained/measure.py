"""Measuring stored data: a matrix of latents with its labels, or a run's network at a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope import measures
from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.core.factors import Factor, Factors
from phasescope.core.npz import open_npz
from phasescope.core.randomness import numpy_generator
from phasescope.measures import Scores
from phasescope.measures.latents.battery import OF_LATTICE
from phasescope.runs.store import Run, Snapshot
from phasescope.runs.store.folder import Notify
from phasescope.runs.store.sites import Site
from phasescope.runs.trained.load import Loaded, config_of, load_network, one_thread

if TYPE_CHECKING:
    from phasescope.runs.probing.inputs import Latents
    from phasescope.runs.probing.probe import Probed, Table

LATTICE_LABELS = 256


def measure_file(
    path: Path,
    latents: str = "latents",
    labels: str = "labels",
    names: Sequence[str] | None = None,
    periodic: Sequence[str] = (),
    span: Sequence[float] | None = None,
    chosen: Sequence[str] | None = None,
    categorical: Sequence[str] = (),
    notify: Notify = lambda done, total: None,
) -> Scores:
    """Return the scores of a file's latents: (n, features), or (draws, n, features) for several noise draws per label.

    Args:
        path: an npz file.
        latents, labels: names of its arrays.
        names: of the factors; by default label1, label2, ...
        periodic: names of the periodic factors, which need a span.
        span: of each factor.
        chosen: names of measures; by default all that can be computed, and `left_out` says why others cannot.
        categorical: names of factors whose values have no order.
        notify: is called with the number of parts done, and of all parts.

    Raises:
        UserError: the file cannot be read or lacks an array; or an array is invalid for a measure.
    """
    with open_npz(path) as arrays:
        for name in (latents, labels):
            if name not in arrays:
                raise UserError(f"`{path}` (arrays: {', '.join(arrays)}) must hold `{name}`")
        x, y = np.asarray(arrays[latents]), np.asarray(arrays[labels])  # a member that is no array is bytes
    for name, array in ((latents, x), (labels, y)):
        if array.dtype.kind not in "biuf":
            raise UserError(f"`{path}`: `{name}` (of {array.dtype}) must hold real numbers")
    first, draws = (x[0], x) if x.ndim == 3 and len(x) else (x, None)
    with as_user_error(f"`{path}`: "):
        known = names or Factors.unknown(y.shape[1] if y.ndim == 2 and y.shape[1] else 1).names
        factors = Factors.named(known, span, periodic, categorical)
        return measures.battery(first, y, factors, draws=draws, chosen=chosen, notify=notify)


@own_arithmetic()
def measure_run(
    run: Run,
    step: int | None = None,
    chosen: Sequence[str] | None = None,
    notify: Notify = lambda done, total: None,
) -> Table:
    """Return the scores of a run's network at a snapshot, at each site that the run records, with all their baselines.

    Labels and noise are the run's own. Measures that need a lattice of labels use one of about 256 labels, between those of
    a grid of integer steps. If the network was watched in the user's own loop and cannot be rebuilt, the stored latents are
    measured.

    Args:
        step: of the snapshot; the last one by default.
        chosen: names of measures; by default all that can be computed, and `left_out` says why others cannot.
        notify: is called with the number of parts done, and of all parts: first for random labels, then for a lattice.

    Raises:
        UserError: there is no such snapshot, none at step 0, or no such measure; or the run cannot be read.
    """
    snapshot, first = run.snapshot(step), run.snapshot(0)
    with as_user_error():
        if config_of(run).network.is_watched:
            return _stored(run, snapshot, first).table(chosen, notify)
        return _measured_again(run, snapshot, first, chosen, notify)


def _measured_again(
    run: Run, snapshot: Snapshot, first: Snapshot, chosen: Sequence[str] | None, notify: Notify
) -> Table:
    from phasescope.runs.probing.inputs import label_lattice
    from phasescope.runs.probing.own_measures import load_measures
    from phasescope.runs.probing.probe import Table

    loaded, untrained = load_network(run, snapshot), load_network(run, first).network
    world, K = loaded.config.world, len(loaded.config.world.factors.visible)
    own = load_measures(loaded.plan.measures)
    on_lattice = [name for name in OF_LATTICE if name != "factorization" or K <= 2]
    if not world.continuous or world.factors.visible.categorical.any():
        on_lattice = []
    others = None
    if chosen is not None:
        on_lattice = [name for name in chosen if name in on_lattice]
        others = [name for name in chosen if name not in on_lattice]
    plan, table = loaded.plan, Table()
    t = () if plan.t == "usual" else plan.t
    how = {"draws": plan.variance_draws, "untrained": untrained}
    if others != []:
        how |= {"shared": plan.variance_labels, "crossed": plan.crossed_labels}
        probed = replace(_probed(loaded, snapshot.latent_labels(), plan.layers, t, **how), own=own)
        table = probed.table(others, notify)
    if on_lattice:
        lattice = label_lattice(world.factors.visible, round(LATTICE_LABELS ** (1 / K)))
        how |= {"shared": len(lattice), "crossed": 0}
        probed = _probed(loaded, lattice, plan.layers, t, **how)
        further = probed.table(on_lattice, notify)
        left_out = {at: why for at, why in table.left_out.items() if at.partition(".")[0] not in further}
        table = Table({**table, **further}, {**left_out, **further.left_out})
    return Table({name: table[name] for name in chosen or table if name in table}, table.left_out)


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
def on_lattice(run: Run, snapshot: Snapshot, sites: Sequence[Site], values: int, draws: int) -> OnLattice:
    """Return a network's latents on a lattice of `values` values of each factor, at those of `sites` that it has.

    One thread computes, so that results are bitwise reproducible whatever else this process does.
    """
    import torch

    from phasescope.runs.probing.inputs import label_lattice

    loaded = load_network(run, snapshot)
    config, world = loaded.config, loaded.config.world
    labels = label_lattice(world.factors.visible, values)
    known = config.network.layer_names
    named = dict.fromkeys(site.layer for site in sites)
    layers = [layer for layer in named if known is None or layer in known]
    wanted = dict.fromkeys(site.t for site in sites if site.t is not None)
    times = [t for t in wanted if t in (config.family.noise_levels or ())]
    with one_thread():
        probed = _probed(loaded, labels, layers, times, draws=draws, shared=len(labels), crossed=0)
    encoded = probed.baselines.get("label_embedding")
    encodings = None if encoded is None else next(iter(encoded.single.values()))
    full = world.complete(labels, numpy_generator(config.seed, "hidden factors"))
    images = world.render(torch.from_numpy(full)).flatten(1).numpy()
    return OnLattice(labels, world.factors.visible, probed.trained, images, encodings)


def _probed(loaded: Loaded, labels: np.ndarray, layers: Sequence[str], t: Sequence, **how: Any) -> Probed:
    from phasescope.runs.probing.probe import probe

    config, batch = loaded.config, loaded.plan.batch
    how |= {"family": loaded.family, "encode": config.encode, "seed": config.seed, "batch": batch}
    return probe(loaded.network, config.world, layers, t, labels=labels, **how)


def _stored(run: Run, snapshot: Snapshot, first: Snapshot) -> Probed:
    """Return a snapshot's stored latents, with those of step 0 as the untrained network's."""
    from phasescope.runs.probing.inputs import Latents
    from phasescope.runs.probing.own_measures import load_measures
    from phasescope.runs.probing.probe import Probed

    def latents(stored: Snapshot) -> Latents:
        sites = stored.sites
        return Latents(
            {site: stored.latents(*site).astype(float) for site in sites},
            {site: stored.draws(*site).astype(float) for site in sites},
        )

    factors = Factors(Factor(**fields) for fields in run.about["factors"])
    own = load_measures(config_of(run).probing.measures)
    return Probed(snapshot.latent_labels(), factors, latents(snapshot), {"untrained": latents(first)}, own)
