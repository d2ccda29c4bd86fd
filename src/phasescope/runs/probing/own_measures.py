"""Your own measures: functions that map latents (n, features), labels (n, K) and, optionally, factors to a Score.

probing: {measures: [my_measures.py:radius]}
"""

import inspect
from collections.abc import Callable, Iterable

import numpy as np

from phasescope.core.errors import UserError
from phasescope.core.factors import Factors
from phasescope.core.kinds import load
from phasescope.measures import Score

# A line of metrics has these keys of the instrument, so that your own measures cannot use these names.
TAKEN = frozenset(
    (
        "step",
        "images_seen",
        "epochs",
        "loss",
        "learning_rate",
        "gradient_norm",
        "wall_s",
        "cpu_s",
        "observing_s",
        "phase",
        "outcomes",
        "by_class",
        "together",
        "excess",
        "probe_r2",
        "probe_gain",
        "condition_probe_gain",
        "input_probe_gain",
        "p1_r2",
        "trustworthiness",
        "sheet_trustworthiness",
        "label_trustworthiness",
        "participation_ratio",
        "label_variance",
        "label_participation_ratio",
        "condition_probe_r2",
        "input_probe_r2",
        "condition_label_variance",
        "input_label_variance",
    )
)
PREFIXES, OF_FAMILIES = ("accuracy", "error"), ("denoising", "closest_reference", "nats")
"""prefixes of its further keys; keys that families give themselves"""

Measure = Callable[[np.ndarray, np.ndarray, Factors], Score]


def load_measures(references: Iterable[str]) -> dict[str, Measure]:
    """Return the functions that the references name, by function name.

    Raises:
        UserError: a reference cannot be loaded, is no function, or has the name of another.
    """
    functions: dict[str, Measure] = {}
    for reference in references:
        name = reference.rpartition(":")[2]
        function = load(reference)
        if not callable(function):
            raise UserError(f"`probing.measures` (={reference}) must be a function of latents and labels")
        check_name(name, f"probing.measures` (={reference})")
        if name in functions or name in OF_FAMILIES:
            raise UserError(
                f"`probing.measures` (={reference}) must have a name of its own: `{name}` is given already"
            )
        functions[name] = _checked(reference, function)
    return functions


def check_name(name: str, owner: str) -> None:
    """Raise UserError if your own metric would overwrite one of the instrument's."""
    if name in TAKEN or name.partition("_")[0] in PREFIXES:
        raise UserError(f"`{owner} must have a name of its own: `{name}` is a measure of phasescope")


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
