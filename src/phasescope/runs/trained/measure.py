"""Measuring stored data: a matrix of latents with its labels, or a run's network at a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phasescope import measures
from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.core.factors import Factor, Factors
from phasescope.core.npz import open_npz
from phasescope.measures import Scores
from phasescope.measures.columns import MEASURES, Measure
from phasescope.runs.store import RunFolder, Snapshot
from phasescope.runs.store.folder import Notify
from phasescope.runs.store.sites import Site
from phasescope.runs.trained.load import Loaded, config_of, load_network

if TYPE_CHECKING:
    from phasescope.models.families.task import Network
    from phasescope.runs.probing.probe import Probed, Table
    from phasescope.worlds.base import World

LATTICE_LABELS = 256
"""about so many labels has the lattice of measures that need one"""


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
    run: RunFolder,
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
        return _measured_again(run=run, snapshot=snapshot, first=first, chosen=chosen, notify=notify)


def _measured_again(
    run: RunFolder, snapshot: Snapshot, first: Snapshot, chosen: Sequence[str] | None, notify: Notify
) -> Table:
    from phasescope.runs.probing.inputs import label_lattice
    from phasescope.runs.probing.own_measures import load_measures
    from phasescope.runs.probing.probe import Table

    loaded = load_network(run, snapshot)
    untrained = load_network(run, first).network
    plan, factors = loaded.plan, loaded.config.world.factors.visible
    t = () if plan.t == "usual" else plan.t

    of_lattice = _measures_on_a_lattice(loaded.config.world)
    of_labels = None
    if chosen is not None:
        of_labels = [name for name in chosen if name not in of_lattice]
        of_lattice = [name for name in chosen if name in of_lattice]

    table = Table()
    if of_labels != []:
        probed = probe_loaded(
            loaded,
            snapshot.latent_labels(),
            plan.layers,
            t,
            draws=plan.variance_draws,
            shared=plan.variance_labels,
            crossed=plan.crossed_labels,
            untrained=untrained,
        )
        own = load_measures(plan.measures)
        final = _final_latents(run=run, loaded=loaded, snapshot=snapshot, chosen=of_labels, own=own)
        table = replace(probed, own=own, final=final).table(of_labels, notify)

    if of_lattice:
        values = round(LATTICE_LABELS ** (1 / len(factors)))
        lattice = label_lattice(factors, values)
        probed = probe_loaded(
            loaded,
            lattice,
            plan.layers,
            t,
            draws=plan.variance_draws,
            shared=len(lattice),
            crossed=0,
            untrained=untrained,
        )
        table = table.with_others(probed.table(of_lattice, notify))
    return table if chosen is None else table.only(chosen)


def _final_latents(
    run: RunFolder,
    loaded: Loaded,
    snapshot: Snapshot,
    chosen: Sequence[str] | None,
    own: Mapping[str, Measure],
) -> Mapping[Site, np.ndarray]:
    """Return the latents of the run's last network for the snapshot's labels; none if no measure compares with them."""
    known = {**MEASURES, **own}
    names = known if chosen is None else [name for name in chosen if name in known]
    if not any("final" in known[name].column.needs for name in names):
        return {}

    plan, last = loaded.plan, load_network(run, run.snapshots[-1])
    probed = probe_loaded(
        replace(loaded, network=last.network),
        snapshot.latent_labels(),
        plan.layers,
        () if plan.t == "usual" else plan.t,
        draws=2,
        shared=2,
        crossed=0,
    )
    return probed.latents


def _measures_on_a_lattice(world: World) -> list[str]:
    """Return the names of the measures that need a lattice of labels and can be computed in a world."""
    factors = world.factors.visible
    if not world.continuous or factors.categorical.any():
        return []
    on_lattice = [name for name, measure in MEASURES.items() if "lattice" in measure.column.needs]
    # The factorization index lies between two surfaces of two factors.
    return [name for name in on_lattice if name != "factorization" or len(factors) <= 2]


def probe_loaded(
    loaded: Loaded,
    labels: np.ndarray,
    layers: Sequence[str],
    t: Sequence[int],
    *,
    draws: int,
    shared: int,
    crossed: int,
    untrained: Network | None = None,
) -> Probed:
    """Probe a run's network under its own family, encoding of labels, seed and batch, as `probing.probe` does it."""
    from phasescope.runs.probing.probe import probe

    config = loaded.config
    return probe(
        loaded.network,
        config.world,
        layers,
        t,
        family=loaded.family,
        labels=labels,
        draws=draws,
        shared=shared,
        crossed=crossed,
        untrained=untrained,
        encode=config.encode,
        seed=config.streams.samples,
        batch=loaded.plan.batch,
    )


def _stored(run: RunFolder, snapshot: Snapshot, first: Snapshot) -> Probed:
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
    return Probed(
        labels=snapshot.latent_labels(),
        factors=factors,
        trained=latents(snapshot),
        baselines={"untrained": latents(first)},
        own=own,
    )
