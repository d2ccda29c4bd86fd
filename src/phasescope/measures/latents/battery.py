"""All measures of one set of latents at once, by name, each as a Score with its nulls.

What cannot be measured is left out, with its reason: disentanglement needs two factors, additivity and the
factorization index need ordered labels on a lattice, and what compares noise draws needs several of them.
Homology is apart (`persistent_homology`): it takes longer than all of these together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from phasescope.factors import Factors
from phasescope.measures.checks import MOST_ROWS, Labels, check_labels, check_latents
from phasescope.measures.latents.additivity import additivity
from phasescope.measures.latents.dimension import participation_ratio
from phasescope.measures.latents.disentanglement import NAMES as DISENTANGLEMENT
from phasescope.measures.latents.disentanglement import disentanglement
from phasescope.measures.latents.factorization import factorization
from phasescope.measures.latents.intrinsic_dimension import two_nn
from phasescope.measures.latents.label_share import label_share
from phasescope.measures.latents.lattice import check_lattice
from phasescope.measures.latents.neighbours import trustworthiness
from phasescope.measures.latents.order import order
from phasescope.measures.latents.rsa import rsa
from phasescope.measures.latents.sheet import sheet_readings
from phasescope.measures.scores import Score, scores_frame

if TYPE_CHECKING:
    import pandas as pd


class Scores(dict[str, Score]):
    """Scores by measure.

    Attributes:
        left_out: of each measure that could not be had, why, in one line.
    """

    def __init__(self, scores: Mapping[str, Score], left_out: Mapping[str, str] | None = None):
        super().__init__(scores)
        self.left_out = dict(left_out or {})

    def to_frame(self) -> pd.DataFrame:
        """A row a measure: `measure`, value, low, high, n, estimator, nulls.<name>, detail.<name>."""
        return scores_frame(({"measure": name}, score) for name, score in self.items())


LOCAL = 0.2
"""radius of local RSA, in spans: far pairs dominate the global one"""
LEAST_VALUES = 3
"""of each factor of a lattice"""


@dataclass(frozen=True)
class Given:
    """What is measured: latents (n, features), labels, and perhaps several noise draws of the first labels."""

    latents: np.ndarray
    known: Labels
    draws: np.ndarray | None = None

    @property
    def of_draws(self) -> np.ndarray:
        if self.draws is None:
            raise ValueError("`draws` (=None) must be given: latents of several noise draws a label")
        return self.draws

    def check_on_lattice(self) -> None:
        """Raises ValueError unless labels are combinations of few values of ordered factors, at least three of each."""
        self.known.check_ordered("steps lead from one value to the next")
        counts = [len(values) for values in check_lattice(self.known).values]
        if min(counts) < LEAST_VALUES or np.prod(counts) > 2 * len(self.known.values):
            raise ValueError(
                f"`labels` (n={len(self.known.values)}) must be on a lattice: combinations of few values, "
                f"{LEAST_VALUES} at least of each factor"
            )


@dataclass(frozen=True)
class Part:
    """Measures that are computed together, or refused together by a ValueError that gives the reason."""

    names: tuple[str, ...]
    measure: Callable[[Given], dict[str, Score]]


def _one(name: str, measure: Callable[[Given], Score]) -> Part:
    return Part((name,), lambda given: {name: measure(given)})


def _of_labels(name: str, measure: Callable[..., Score], **settings: Any) -> Part:
    """A measure of latents and labels."""
    return _one(
        name,
        lambda given: measure(given.latents, given.known.values, factors=given.known.factors, **settings),
    )


def _of_lattice(name: str, measure: Callable[..., Score]) -> Part:
    def measured(given: Given) -> Score:
        given.check_on_lattice()
        return measure(given.latents, given.known.values, factors=given.known.factors)

    return _one(name, measured)


PARTS: tuple[Part, ...] = (
    _of_labels("order", order),
    _of_labels("trustworthiness", trustworthiness),
    _of_labels("rsa", rsa),
    _of_labels("rsa_local", rsa, radius=LOCAL),
    _one("participation_ratio", lambda given: participation_ratio(given.latents)),
    _one("two_nn", lambda given: two_nn(given.latents)),
    _of_lattice("additivity", additivity),
    _of_lattice("factorization", factorization),
    Part(
        DISENTANGLEMENT,
        lambda given: disentanglement(
            given.latents, given.known.values, given.known.factors, reduction="ica"
        ),
    ),
    Part(
        ("sheet_trustworthiness", "sheet_order"),
        lambda given: sheet_readings(
            given.of_draws, given.known.values[: given.of_draws.shape[1]], given.known.factors
        ),
    ),
    _one("label_share", lambda given: label_share(given.of_draws)),
    _one("label_dimension", lambda given: participation_ratio(given.of_draws.mean(axis=0))),
)
NAMES = tuple(name for part in PARTS for name in part.names)
OF_LATTICE = ("factorization", "additivity")
"""for which labels must be on a lattice"""


def parts_of(chosen: Sequence[str] | None) -> list[Part]:
    """The parts that give any of the chosen measures; all of them for None."""
    return [part for part in PARTS if chosen is None or not set(chosen).isdisjoint(part.names)]


def battery(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    *,
    draws: Float[np.ndarray, "draws m features"] | None = None,
    chosen: Sequence[str] | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Scores:
    """Scores by measure; `left_out` of what is returned says what could not be measured here, and why.

    Args:
        factors: what is known of the K factors; by default open, of span 1, named label1, label2, ...
        draws: several noise draws of the first m labels.
        chosen: names of measures; by default all that can be had.
        tell: is told how many parts of how many are done.

    Raises:
        ValueError: latents or labels that no measure takes, as `check_latents` and `check_labels` say; a name that is none;
            with `chosen`, whatever one of its measures raises.
    """
    wrong = [name for name in chosen or () if name not in NAMES]
    if wrong:
        raise ValueError(f"`chosen` (={wrong[0]}) must be one of {', '.join(NAMES)}")
    if (n := np.size(latents, 0) if np.ndim(latents) else 0) > MOST_ROWS:
        first = (chosen or NAMES)[0]
        raise ValueError(
            f"`latents` (n={n}) must have at most {MOST_ROWS} rows for {first}: it compares them in pairs"
        )
    x = check_latents(latents, 4, "latents are compared with one another")
    given = Given(latents, check_labels(labels, len(x), factors), draws)
    scores: dict[str, Score] = {}
    left_out: dict[str, str] = {}
    for done, part in enumerate(parts := parts_of(chosen)):
        tell(done, len(parts))
        try:
            scores |= part.measure(given)
        except ValueError as reason:
            if chosen is not None:
                raise
            left_out |= dict.fromkeys(part.names, " ".join(str(reason).split()))
    tell(len(parts), len(parts))
    return Scores({name: scores[name] for name in chosen or NAMES if name in scores}, left_out)
