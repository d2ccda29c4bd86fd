"""All measures of one set of latents at once, by name, each as a Score with its baselines.

What cannot be measured is left out, with its reason: disentanglement needs two factors, additivity and the
factorization index need ordered labels on a lattice, and what compares noise draws needs several of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from phasescope.core.factors import Factors
from phasescope.measures.checks import Labels, check_labels, check_latents
from phasescope.measures.latents.additivity import additivity
from phasescope.measures.latents.disentanglement import DCI, Code, code_of, dci, mig, sap
from phasescope.measures.latents.factorization import factorization
from phasescope.measures.latents.label_variance import label_variance
from phasescope.measures.latents.participation_ratio import participation_ratio
from phasescope.measures.latents.probe_r2 import probe_r2
from phasescope.measures.latents.sheet import NEIGHBOURS, sheet_readings
from phasescope.measures.latents.trustworthiness import trustworthiness
from phasescope.measures.latents.two_nn import two_nn
from phasescope.measures.lattice import check_lattice
from phasescope.measures.scores import Score, scores_frame

if TYPE_CHECKING:
    import pandas as pd

LEAST_VALUES = 3
"""of each factor of a lattice"""


class Scores(dict[str, Score]):
    """Scores by measure.

    Attributes:
        left_out: of each measure that could not be computed, why, in one line.
    """

    def __init__(self, scores: Mapping[str, Score], left_out: Mapping[str, str] | None = None):
        super().__init__(scores)
        self.left_out = dict(left_out or {})

    def to_frame(self) -> pd.DataFrame:
        """Return a row per measure: `measure`, value, low, high, n, estimator, `baselines.<name>`, `detail.<name>`."""
        return scores_frame(({"measure": name}, score) for name, score in self.items())


@dataclass(frozen=True)
class Given:
    """Latents (n, features), their labels, and perhaps several noise draws of the first labels."""

    latents: np.ndarray
    known: Labels
    some_draws: np.ndarray | None = None

    @property
    def labelled(self) -> tuple[np.ndarray, np.ndarray, Factors]:
        return self.latents, self.known.values, self.known.factors

    @property
    def draws(self) -> np.ndarray:
        if self.some_draws is None:
            raise ValueError("`draws` (=None) must be given: latents of several noise draws a label")
        return self.some_draws

    @property
    def on_lattice(self) -> tuple[np.ndarray, np.ndarray, Factors]:
        """`labelled`; ValueError unless labels are combinations of at least three values of each of ordered factors."""
        self.known.check_ordered("steps lead from one value to the next")
        counts = [len(values) for values in check_lattice(self.known).values]
        if min(counts) < LEAST_VALUES or np.prod(counts) > 2 * len(self.known.values):
            raise ValueError(
                f"`labels` (n={len(self.known.values)}) must be on a lattice: combinations of few values, "
                f"{LEAST_VALUES} at least of each factor"
            )
        return self.labelled

    @cached_property
    def code(self) -> Code:
        """The latents about the axes of ICA."""
        return code_of(*self.labelled, reduction="ica")

    @cached_property
    def dci(self) -> DCI:
        return dci(self.code)

    @cached_property
    def sheet(self) -> dict[str, Score]:
        labels = self.known.values[: self.draws.shape[1]]
        # Trustworthiness is defined for fewer neighbours than half of the rows.
        neighbours = min(NEIGHBOURS, max(len(labels) // 2 - 1, 1))
        return sheet_readings(self.draws, labels, self.known.factors, neighbours)


MEASURES: dict[str, Callable[[Given], Score]] = {
    "probe_r2": lambda given: probe_r2(*given.labelled),
    "trustworthiness": lambda given: trustworthiness(*given.labelled[:2], factors=given.known.factors),
    "participation_ratio": lambda given: participation_ratio(given.latents),
    "two_nn": lambda given: two_nn(given.latents),
    "additivity": lambda given: additivity(*given.on_lattice),
    "factorization": lambda given: factorization(*given.on_lattice),
    "dci_disentanglement": lambda given: given.dci.disentanglement,
    "dci_completeness": lambda given: given.dci.completeness,
    "dci_informativeness": lambda given: given.dci.informativeness,
    "mig": lambda given: mig(given.code),
    "sap": lambda given: sap(given.code),
    "sheet_trustworthiness": lambda given: given.sheet["sheet_trustworthiness"],
    "label_trustworthiness": lambda given: given.sheet["label_trustworthiness"],
    "label_variance": lambda given: label_variance(given.draws),
    "label_participation_ratio": lambda given: participation_ratio(given.draws.mean(axis=0)),
}
NAMES = tuple(MEASURES)
OF_SHEET = ("label_variance", "label_participation_ratio", "sheet_trustworthiness", "label_trustworthiness")
"""scores from which the phase of the sheet is read, in the order of `sheet_phase`"""
OF_LATTICE = ("factorization", "additivity")
"""for which labels must be on a lattice"""


def battery(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    *,
    draws: Float[np.ndarray, "draws m features"] | None = None,
    chosen: Sequence[str] | None = None,
    notify: Callable[[int, int], None] = lambda done, total: None,
) -> Scores:
    """Return scores by measure; their `left_out` says what could not be measured here, and why.

    Args:
        draws: several noise draws of the first m labels.
        chosen: names of measures; by default all that can be computed.
        notify: is called with the number of measures that are done, and of all.

    Raises:
        ValueError: no measure accepts the latents or labels, as `check_latents` and `check_labels` say; an unknown name;
            with `chosen`, whatever one of its measures raises.
    """
    if isinstance(chosen, str):
        raise ValueError(f"`chosen` (={chosen}) must be a list of names, as [{chosen!r}]")
    wrong = [name for name in chosen or () if name not in NAMES]
    if wrong:
        raise ValueError(f"`measure` (={wrong[0]}) must be one of {', '.join(NAMES)}")
    x = check_latents(latents, 4, "latents are compared with one another")
    given = Given(latents, check_labels(labels, len(x), factors), draws)
    if draws is not None:
        n, features = np.shape(latents)
        shape = np.shape(draws)
        if len(shape) != 3 or shape[1] > n or shape[2] != features:
            raise ValueError(
                f"`draws` (shape {shape}) must be (draws, m, {features}): latents of the first m of {n} labels"
            )
    scores: dict[str, Score] = {}
    left_out: dict[str, str] = {}
    names = NAMES if chosen is None else chosen
    for done, name in enumerate(names):
        notify(done, len(names))
        try:
            scores[name] = MEASURES[name](given)
        except ValueError as reason:
            if chosen is not None:
                raise
            left_out[name] = " ".join(str(reason).split())
    notify(len(names), len(names))
    return Scores(scores, left_out)
