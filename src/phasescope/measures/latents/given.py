"""What measures are given: the latents of one site, their labels, and what else was read there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from phasescope.core.factors import Factors
from phasescope.measures.checks import Labels
from phasescope.measures.columns import Need
from phasescope.measures.latents.disentanglement import DCI, Code, code_of, dci
from phasescope.measures.latents.p1_r2 import p1_r2
from phasescope.measures.latents.routes import routes
from phasescope.measures.latents.sheet import NEIGHBOURS, sheet_readings
from phasescope.measures.lattice import check_lattice
from phasescope.measures.scores import Score

LEAST_VALUES = 3
"""of each factor of a lattice"""


@dataclass(frozen=True)
class Given:
    """Latents of one site. A property that lacks what it needs raises ValueError, which says so.

    Attributes:
        latents: (n, features).
        known: the n labels and what is known of their factors.
        some_draws: latents of the first m labels under several noise draws, (draws, m, features).
        some_crossed: latents of the first c labels, each with the image of another label, (D, c, features).
        shown: which, (D, c).
        umap_seeds: of P1's reading.
        some_final: the final network's latents of the same labels, (n, features of that network).
    """

    latents: np.ndarray
    known: Labels
    some_draws: np.ndarray | None = None
    some_crossed: np.ndarray | None = None
    shown: np.ndarray | None = None
    umap_seeds: Sequence[int] = ()
    some_final: np.ndarray | None = None

    def has(self, need: Need) -> bool:
        """Return whether what a measure needs is there; whether labels lie on a lattice shows when it is asked for."""
        present = {
            "draws": self.some_draws is not None,
            "crossed": self.some_crossed is not None,
            "umap": bool(self.umap_seeds),
            "final": self.some_final is not None,
            "ordered": not self.known.factors.categorical.any(),
        }
        return present.get(need, True)

    @property
    def labelled(self) -> tuple[np.ndarray, np.ndarray, Factors]:
        """(latents, labels, factors)."""
        return self.latents, self.known.values, self.known.factors

    @property
    def draws(self) -> np.ndarray:
        if self.some_draws is None:
            raise ValueError("`draws` (=None) must be given: latents of several noise draws a label")
        return self.some_draws

    @property
    def final(self) -> np.ndarray:
        if self.some_final is None:
            raise ValueError(
                "`final` (=None) must be given: what it compares with is the network at the end of training"
            )
        return self.some_final

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
        """The two readings of `sheet_readings`."""
        labels = self.known.values[: self.draws.shape[1]]
        # Trustworthiness is defined for fewer neighbours than half of the rows.
        neighbours = min(NEIGHBOURS, max(len(labels) // 2 - 1, 1))
        return sheet_readings(self.draws, labels, self.known.factors, neighbours)

    @cached_property
    def routes(self) -> dict[str, Score]:
        """The four scores of `ROUTES`."""
        if self.some_crossed is None or self.shown is None:
            raise ValueError("`crossed` (=None) must be given: latents of labels beside others' images")
        labels = self.known.values[: self.some_crossed.shape[1]]
        return routes(self.some_crossed, labels, self.shown, self.known.factors)

    @cached_property
    def p1(self) -> tuple[Score, np.ndarray]:
        """P1's R², and UMAP's embedding by its first seed."""
        if not self.umap_seeds:
            raise ValueError("`umap_seeds` (=none) must be given: P1's reading begins with UMAP")
        return p1_r2(self.latents, self.known.values, self.umap_seeds, factors=self.known.factors)
