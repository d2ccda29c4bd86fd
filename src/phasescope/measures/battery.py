"""All measures of one set of latents at once, by name, each as a Score with its nulls.

A part of the battery that its labels do not suit is left out: disentanglement needs two factors, directions and the
factorization index labels on a lattice, what compares noise draws several of them.
Homology is apart (`persistent_homology`): it takes longer than all of these together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from phasescope.measures.additivity import additivity, additivity_scattered
from phasescope.measures.checks import check_labels
from phasescope.measures.dimension import participation_ratio
from phasescope.measures.directions import orthogonality, parallelism
from phasescope.measures.disentanglement import disentanglement
from phasescope.measures.factorization import factorization
from phasescope.measures.intrinsic_dimension import effective_rank, levina_bickel, two_nn
from phasescope.measures.label_share import label_share
from phasescope.measures.lattice import check_lattice
from phasescope.measures.neighbours import RANGE_OF_K, continuity, neighbour_overlap, trustworthiness
from phasescope.measures.order import order
from phasescope.measures.procrustes import procrustes_error
from phasescope.measures.rsa import rsa
from phasescope.measures.scores import Score

Scores = dict[str, Score]

DISENTANGLEMENT = (
    "dci_disentanglement",
    "dci_completeness",
    "dci_informativeness",
    "mig",
    "sap",
    "modularity",
    "explicitness",
)
LEAST_ROWS = 80
"""of which disentanglement's splits leave enough for each of its fits"""
LOCAL = 0.2
"""radius of local RSA, in spans: far pairs dominate the global one"""


@dataclass(frozen=True)
class Given:
    """What is measured: latents (n, features), labels (n, K), what is known of their factors, perhaps several draws."""

    latents: np.ndarray
    labels: np.ndarray
    factors: dict[str, Any]
    draws: np.ndarray | None = None

    @property
    def unnamed(self) -> dict[str, Any]:
        return {key: value for key, value in self.factors.items() if key != "names"}

    @cached_property
    def factor_count(self) -> int:
        return self.labels.shape[1] if self.labels.ndim == 2 else 0

    @property
    def ks(self) -> tuple[int, ...]:
        """The range of neighbours, as far as there are rows enough."""
        return tuple(k for k in RANGE_OF_K if 2 * k + 2 <= len(self.latents)) or RANGE_OF_K[:1]

    @cached_property
    def on_lattice(self) -> bool:
        """Whether the labels are combinations of few values, three at least of each factor."""
        try:
            lattice = check_lattice(check_labels(self.labels, len(self.latents), **self.factors))
        except ValueError:
            return False
        counts = [len(values) for values in lattice.values]
        return min(counts) >= 3 and bool(np.prod(counts) <= 2 * len(self.labels))

    @property
    def of_draws(self) -> np.ndarray:
        if self.draws is None:
            raise ValueError("`draws` (=None) must be given: latents of several noise draws a label")
        return self.draws


@dataclass(frozen=True)
class Part:
    """Measures that are computed together."""

    names: tuple[str, ...]
    measure: Callable[[Given], Scores]
    suits: Callable[[Given], bool] = lambda given: True
    """whether it can be measured at all"""
    may_refuse: bool = False
    """whether it may have no value, as where neighbours tie or rows are few: it is then left out, unless asked for"""


def _one(
    name: str, measure: Callable[[Given], Score], suits: Callable[[Given], bool] = lambda given: True
) -> Part:
    return Part((name,), lambda given: {name: measure(given)}, suits)


def _of_labels(name: str, measure: Callable[..., Score], **settings: Any) -> Part:
    """A measure of latents and labels whose factors need no names."""
    return _one(name, lambda given: measure(given.latents, given.labels, **settings, **given.unnamed))


def _of_lattice(name: str, measure: Callable[..., Score], most_factors: int | None = None) -> Part:
    def suits(given: Given) -> bool:
        return given.on_lattice and (most_factors is None or given.factor_count <= most_factors)

    return _one(name, lambda given: measure(given.latents, given.labels, **given.factors), suits)


def _several_factors(given: Given) -> bool:
    return given.factor_count >= 2


def _has_draws(given: Given) -> bool:
    return given.draws is not None


PARTS: tuple[Part, ...] = (
    _one("order", lambda given: order(given.latents, given.labels, **given.factors)),
    _of_labels("trustworthiness", trustworthiness),
    _of_labels("continuity", continuity),
    _one(
        "neighbour_overlap",
        lambda given: neighbour_overlap(given.latents, given.labels, given.ks, **given.unnamed),
    ),
    _of_labels("rsa", rsa),
    _of_labels("rsa_local", rsa, radius=LOCAL),
    _of_labels("procrustes_rigid", procrustes_error, kind="rigid"),
    _of_labels("procrustes_similarity", procrustes_error, kind="similarity"),
    _of_labels("procrustes_affine", procrustes_error, kind="affine"),
    _one("participation_ratio", lambda given: participation_ratio(given.latents)),
    _one("effective_rank", lambda given: effective_rank(given.latents)),
    Part(("two_nn",), lambda given: {"two_nn": two_nn(given.latents)}, may_refuse=True),
    Part(("levina_bickel",), lambda given: {"levina_bickel": levina_bickel(given.latents)}, may_refuse=True),
    Part(
        ("additivity",),
        lambda given: {
            "additivity": (additivity if given.on_lattice else additivity_scattered)(
                given.latents, given.labels, **given.factors
            )
        },
        _several_factors,
        may_refuse=True,
    ),
    _of_lattice("factorization", factorization, most_factors=2),
    _of_lattice("orthogonality", orthogonality),
    _of_lattice("parallelism", parallelism),
    Part(
        DISENTANGLEMENT,
        lambda given: disentanglement(given.latents, given.labels, reduction="ica", **given.factors).scores(),
        lambda given: _several_factors(given) and len(given.latents) >= LEAST_ROWS,
    ),
    _one("label_share", lambda given: label_share(given.of_draws), _has_draws),
    _one(
        "label_dimension",
        lambda given: participation_ratio(given.of_draws.mean(axis=0)),
        _has_draws,
    ),
)
NAMES = tuple(name for part in PARTS for name in part.names)
OF_LATTICE = ("factorization", "orthogonality", "parallelism")
"""for which labels must be on a lattice"""


def battery(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    *,
    draws: Float[np.ndarray, "draws m features"] | None = None,
    periodic: Sequence[bool] | None = None,
    span: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    chosen: Sequence[str] | None = None,
) -> Scores:
    """Scores by measure.

    Args:
        draws: several noise draws of the first m labels; measures of draws are left out without them.
        periodic, span, names: of the K factors, as in `order`.
        chosen: names of measures; by default all that the labels suit.

    Raises:
        ValueError: an array that a measure refuses, or a name that is none, or of a measure that cannot be had here.
    """
    given = Given(latents, labels, {"periodic": periodic, "span": span, "names": names}, draws)
    parts = {name: part for part in PARTS if part.suits(given) for name in part.names}
    wrong = [name for name in chosen or () if name not in parts]
    if wrong:
        raise ValueError(f"`chosen` (={wrong[0]}) must be one of {', '.join(parts)}")
    found: Scores = {}
    for part in dict.fromkeys(parts[name] for name in chosen or parts):
        try:
            found |= part.measure(given)
        except ValueError:
            if chosen or not part.may_refuse:
                raise
    return {name: found[name] for name in chosen or parts if name in found}
