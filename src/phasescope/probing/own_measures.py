"""Measures of one's own: functions of latents (n, features) and labels (n, K), and if they want of factors, to a Score.

probing: {measures: [my_measures.py:radius]}
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable

import numpy as np

from phasescope.errors import UserError
from phasescope.factors import Factors
from phasescope.kinds import load
from phasescope.measures import Score

Measure = Callable[[np.ndarray, np.ndarray, Factors], Score]


def load_measures(references: Iterable[str]) -> dict[str, Measure]:
    """The functions that references name, by their own names.

    Raises:
        UserError: one cannot be found, is no function, or has the name of another.
    """
    found: dict[str, Measure] = {}
    for reference in references:
        name = reference.rpartition(":")[2]
        function = load(reference)
        if not callable(function):
            raise UserError(f"`probing.measures` (={reference}) must be a function of latents and labels")
        if name in found:
            raise UserError(
                f"`probing.measures` (={reference}) must have a name of its own: `{name}` is given already"
            )
        found[name] = _checked(reference, function)
    return found


def _checked(reference: str, function: Callable[..., object]) -> Measure:
    with_factors = len(inspect.signature(function).parameters) > 2

    def measure(latents: np.ndarray, labels: np.ndarray, factors: Factors) -> Score:
        score = function(latents, labels, factors) if with_factors else function(latents, labels)
        if not isinstance(score, Score):
            raise UserError(
                f"`probing.measures` (={reference}) must return a phasescope.measures.Score, not a {type(score).__name__}"
            )
        return score

    return measure
