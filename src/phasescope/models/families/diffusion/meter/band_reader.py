"""The numbers of one band: from the answers of a model, and from the exact ones where they are known."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from torch import Tensor

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import NotFinite, UserError
from phasescope.measures.condition_readings import PASSES_OF_A_GRADIENT
from phasescope.models.families.diffusion.meter.calling import Caller
from phasescope.models.families.diffusion.meter.conditions import Conditions, map_tensors
from phasescope.models.families.diffusion.meter.draws import Draws, Exchanges, Pairs
from phasescope.models.families.diffusion.meter.label_gradient import label_gradient
from phasescope.models.families.diffusion.meter.noising import Noising
from phasescope.models.families.diffusion.meter.reading import (
    Band,
    Mean,
    Reading,
    mean_over_pairs,
    ratio_over_pairs,
)

Exact = Callable[[Tensor, Tensor, Any], Tensor]
"""``exact(x_t, t, condition)``: E[y | x_t, condition] in the form of the model's target"""
Blind = Callable[[Tensor, Tensor], Tensor]
"""``blind(x_t, t)``: E[y | x_t], likewise"""
Answer = Callable[[Draws, Conditions], Tensor]
"""a model's answers to the noisy images of some draws under a condition, (n, *shape), float64"""


@dataclass(eq=False, kw_only=True)
class BandReader:
    """Reads single bands of noise; all readings have the same draws.

    Args:
        edges: of the bands, log SNR, (bands + 1,), ascending.
        draws: noisy images a band.
        none: the condition that is "no condition", with a first axis of length 1.
    """

    noising: Noising
    edges: np.ndarray
    draws: int
    seed: int
    exchanges: Exchanges
    none: Conditions | None
    exact: Exact | None
    blind: Blind | None

    # A mean over fixed draws is kept. Exact answers themselves are asked for at each reading, as draws are made anew: for
    # eight bands they would take many times the memory of the pairs.
    _removed: dict[tuple[str, int], Mean] = field(default_factory=dict, init=False)

    def evaluations(self, pairs: int, label_gradient: bool = False) -> int:
        """Return how many images the model answers in a reading of so many sets of pairs; a backward pass counts as two."""
        answers_a_draw = 1 + len(self.exchanges) + (self.none is not None)
        passes = pairs * answers_a_draw + (PASSES_OF_A_GRADIENT if label_gradient else 0)
        return (len(self.edges) - 1) * self.draws * passes

    def read(
        self, caller: Caller, sets: Sequence[Pairs], step: int, of_gradient: Pairs | None = None
    ) -> Reading:
        """Return the reading of all bands of some sets of pairs; the model is left as it was.

        Args:
            of_gradient: the pairs whose label gradient is read, one of the sets; it needs `blind`.

        Raises:
            UserError: an answer is no floating tensor of the shape of x_t, or has no derivative where it is asked for.
            NotFinite: an answer is NaN or infinite.
        """
        begin, bands = time.perf_counter(), []
        with caller.untouched():
            for pairs in sets:
                for number in range(len(self.edges) - 1):
                    of_band = self._read_band(partial(self._answer, caller, number, step), pairs, number)
                    if pairs is of_gradient and of_band:
                        given = self._label_gradient(caller, pairs, number)
                        of_band = [replace(band, label_gradient=given) for band in of_band]
                    bands += of_band

        wall_s = time.perf_counter() - begin
        evaluations = self.evaluations(len(sets), label_gradient=of_gradient is not None)
        return Reading(step, wall_s, evaluations, tuple(bands))

    def label_gradients(self, caller: Caller, pairs: Pairs) -> list[Mean | None]:
        """Return by band the label gradient of some pairs; None where the model has no noise level.

        Raises:
            UserError: answers have no derivative by the parameters.
        """
        with caller.untouched():
            return [self._label_gradient(caller, pairs, number) for number in range(len(self.edges) - 1)]

    def _label_gradient(self, caller: Caller, pairs: Pairs, number: int) -> Mean | None:
        assert self.blind is not None
        drawn = self._draw(pairs, number, low=float(self.edges[number]), high=float(self.edges[number + 1]))
        if drawn is None:
            return None
        return label_gradient(
            caller, drawn, _checked("blind", self.blind(drawn.x_t, drawn.levels.time), drawn)
        )

    def _answer(self, caller: Caller, number: int, step: int, drawn: Draws, condition: Conditions) -> Tensor:
        given = caller.answers(drawn.x_t, drawn.levels.time, condition)
        if not bool(given.isfinite().all()):
            low, high = self.edges[number], self.edges[number + 1]
            raise NotFinite(
                f"`model` must answer finite numbers: at step {step}, in the band of log SNR {low:.1f} to {high:.1f}, "
                "it does not"
            )
        return given

    def removable(self, pairs: Pairs) -> list[Mean | None]:
        """Return by band the error that only the condition can remove; None where it is not known."""
        removed = []
        for number, (low, high) in enumerate(pairwise(self.edges.tolist())):
            drawn = self._draw(pairs, number, low=low, high=high)
            removed.append(None if drawn is None else self._removable(drawn, (pairs.name, number)))
        return removed

    def _read_band(self, answer: Answer, pairs: Pairs, number: int) -> list[Band]:
        """Return the readings of band `number`, one for each exchange; none if the model has no noise level there."""
        low, high = float(self.edges[number]), float(self.edges[number + 1])
        drawn = self._draw(pairs, number, low=low, high=high)
        if drawn is None:
            return []

        own = answer(drawn, drawn.own)
        error = squared(own - drawn.target)
        gap = self._gap_to_none(answer, drawn, error)
        over_none = nats = None
        if gap is not None:
            over_none = mean_over_pairs(gap, drawn.pair)
            nats = self._nats(gap, drawn, high - low)

        own_exact = None if self.exact is None else exact_answers(self.exact, drawn, drawn.own)
        bands = []
        for exchange, condition in drawn.others.items():
            other = answer(drawn, condition)
            use = None
            if self.exact is not None and own_exact is not None:
                of_exact = own_exact - exact_answers(self.exact, drawn, condition)
                use = share_of_contrast(own - other, of_exact, drawn.pair)
            band = Band(
                pairs=pairs.name,
                exchanged=exchange,
                low=low,
                high=high,
                draws=self.draws,
                loss=mean_over_pairs(error, drawn.pair),
                advantage=mean_over_pairs(squared(other - drawn.target) - error, drawn.pair),
                alignment=mean_over_pairs(inner(own - other, drawn.target), drawn.pair),
                use=use,
                removable=self._removable(drawn, (pairs.name, number)),
                over_none=over_none,
                nats=None if nats is None else nats.value,
                nats_se=None if nats is None else nats.se,
            )
            bands.append(band)
        return bands

    def _draw(self, pairs: Pairs, number: int, low: float, high: float) -> Draws | None:
        with own_arithmetic():
            return pairs.draw(
                self.noising, self.exchanges, band=number, low=low, high=high, n=self.draws, seed=self.seed
            )

    def _gap_to_none(self, answer: Answer, drawn: Draws, error: np.ndarray) -> np.ndarray | None:
        """Return by how much each error rises without condition, (n,); None if the model has no "no condition"."""
        if self.none is None:
            return None
        n = len(error)
        none = map_tensors(self.none, lambda tensor: tensor.expand(n, *tensor.shape[1:]))
        return squared(answer(drawn, none) - drawn.target) - error

    def _nats(self, gap: np.ndarray, drawn: Draws, width: float) -> Mean:
        """Return the nats that a gap of errors is worth in a band of so much log SNR.

        I-MMSE (Guo, Shamai & Verdu 2005): half of the integral over SNR of the error of x_0 that is removed, which is that
        over the log SNR of the error of the noise.
        """
        of_noise = gap * self.noising.as_noise(drawn.levels).numpy()
        return mean_over_pairs(of_noise * width / 2, drawn.pair)

    def _removable(self, drawn: Draws, key: tuple[str, int]) -> Mean | None:
        """Return the error that only the condition can remove; None without exact answers."""
        if self.blind is None or self.exact is None:
            return None
        if key not in self._removed:
            blind = _checked("blind", self.blind(drawn.x_t, drawn.levels.time), drawn)
            exact = exact_answers(self.exact, drawn, drawn.own)
            gap = squared(blind - drawn.target) - squared(exact - drawn.target)
            self._removed[key] = mean_over_pairs(gap, drawn.pair)
        return self._removed[key]


def exact_answers(exact: Exact, drawn: Draws, condition: Conditions) -> Tensor:
    """Return the exact answers to some draws under a condition, (n, *shape), float64."""
    return _checked("exact", exact(drawn.x_t, drawn.levels.time, condition), drawn)


def _checked(name: str, given: Tensor, drawn: Draws) -> Tensor:
    if given.shape != drawn.target.shape:
        raise UserError(
            f"`{name}` must answer the shape of x_t, {tuple(drawn.target.shape)}, not {tuple(given.shape)}"
        )
    return given.double()


def share_of_contrast(contrast: Tensor, exact: Tensor, pair: np.ndarray) -> Mean | None:
    """Return the share of the exact contrast between two conditions that a model's `contrast` makes.

    Args:
        contrast: the model's answers under its own condition less those under another one, (n, *shape).
        exact: the same of exact answers.
        pair: number of the pair, (n,).

    Returns:
        None if the exact answers are the same under both conditions.
    """
    size = squared(exact)
    return ratio_over_pairs(inner(contrast, exact), size, pair) if size.any() else None


def squared(difference: Tensor) -> np.ndarray:
    """Return the squared norm of each row, (n,)."""
    return difference.square().flatten(1).sum(1).numpy()


def inner(first: Tensor, second: Tensor) -> np.ndarray:
    """Return the inner product of each row, (n,)."""
    return (first * second).flatten(1).sum(1).numpy()
