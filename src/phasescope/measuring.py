"""Measuring what is on disk: a matrix of latents with its labels, or a run's network at a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from phasescope import measures
from phasescope.errors import UserError
from phasescope.loading import load_network, snapshot_of
from phasescope.measures import Score
from phasescope.measures.battery import OF_LATTICE
from phasescope.measures.checks import default_names
from phasescope.store import Run
from phasescope.store.tables import open_npz

LATTICE_LABELS = 256
Table = Mapping[str, Mapping[str, Mapping[str, Score]]]
"""measure -> tap -> t -> Score"""


def measure_file(
    path: Path,
    latents: str = "latents",
    labels: str = "labels",
    names: Sequence[str] | None = None,
    periodic: Sequence[str] = (),
    span: Sequence[float] | None = None,
    chosen: Sequence[str] | None = None,
) -> dict[str, Score]:
    """Scores by measure of a file's latents: (n, features), or (draws, n, features) with several noise draws a label.

    Args:
        path: an npz file.
        latents, labels: names of its arrays.
        names: of the factors; by default x, y, 3, 4, ...
        periodic: names of those that come round; their span is then needed.
        span: of each factor.
        chosen: names of measures; all by default.

    Raises:
        UserError: the file cannot be read or lacks an array; or an array is not as a measure must have it.
    """
    with open_npz(path) as arrays:
        for name in (latents, labels):
            if name not in arrays:
                raise UserError(f"`{path}` (arrays: {', '.join(arrays)}) must hold `{name}`")
        x, y = arrays[latents], arrays[labels]
    for name, array in ((latents, x), (labels, y)):
        if array.dtype.kind not in "biuf":
            raise UserError(f"`{path}`: `{name}` (of {array.dtype}) must hold real numbers")
    K = y.shape[1] if y.ndim == 2 else 0
    known = list(names or default_names(K))
    wrong = [name for name in periodic if name not in known]
    if wrong:
        raise UserError(f"`--periodic` (={wrong[0]}) must be one of the factors: {', '.join(known)}")
    about: dict[str, Any] = {"names": known, "span": span, "chosen": chosen}
    if periodic:
        about["periodic"] = [name in periodic for name in known]
    first, draws = (x[0], x) if x.ndim == 3 and len(x) else (x, None)
    try:
        return measures.battery(first, y, draws=draws, **about)
    except ValueError as error:
        raise UserError(f"`{path}`: {error}") from None


def measure_run(run: Run, step: int | None = None, chosen: Sequence[str] | None = None) -> Table:
    """Scores of a run's network at a snapshot, at each tap and t that the run records, with all their nulls.

    Labels and noise are the run's own; measures that need a lattice of labels have one of about 256, between those of a grid
    of whole steps.

    Args:
        step: of the snapshot; the last one by default.
        chosen: names of measures; all by default.

    Raises:
        UserError: there is no such snapshot, none at step 0, or no such measure; or the run cannot be read.
    """
    from phasescope.networks.embeddings import label_encoding
    from phasescope.probing.latents import label_lattice
    from phasescope.probing.probe import Probed, probe

    snapshot = snapshot_of(run, step)
    config, network = load_network(run, snapshot)
    _, untrained = load_network(run, snapshot_of(run, 0))
    probing, encoding = config.probing, config.network.embedding
    K = len(config.world.factors)

    def probed(labels: np.ndarray, shared: int) -> Probed:
        return probe(
            network,
            config.world,
            probing.taps,
            probing.timesteps,
            family=config.family.build(),
            labels=labels,
            draws=probing.share_draws,
            shared=shared,
            untrained=untrained,
            encode=lambda labels: label_encoding(labels, encoding.width, encoding.base),
            seed=config.seed,
            batch=probing.batch,
        )

    on_lattice = [name for name in OF_LATTICE if name != "factorization" or K <= 2]
    own = None
    if chosen is not None:
        on_lattice = [name for name in chosen if name in on_lattice]
        own = [name for name in chosen if name not in on_lattice]
    try:
        found = probed(snapshot.latent_labels(), probing.share_labels).table(own) if own != [] else {}
        if on_lattice:
            lattice = label_lattice(config.world.factors, round(LATTICE_LABELS ** (1 / K)))
            found = {**found, **probed(lattice, len(lattice)).table(on_lattice)}
    except ValueError as error:
        raise UserError(str(error)) from None
    return {name: found[name] for name in chosen or found}
