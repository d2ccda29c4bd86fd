"""All measures of one set of latents at once, by name, each as a Score with its nulls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

from phasescope.measures.dimension import participation_ratio
from phasescope.measures.label_share import label_share
from phasescope.measures.neighbours import trustworthiness
from phasescope.measures.order import order
from phasescope.measures.scores import Score


@dataclass(frozen=True)
class Given:
    """What is measured: latents (n, features), labels (n, K), what is known of their factors."""

    latents: np.ndarray
    labels: np.ndarray
    factors: dict[str, Any]

    @property
    def unnamed(self) -> dict[str, Any]:
        return {key: value for key, value in self.factors.items() if key != "names"}


BATTERY: dict[str, Callable[[Given], Score]] = {
    "order": lambda given: order(given.latents, given.labels, **given.factors),
    "trustworthiness": lambda given: trustworthiness(given.latents, given.labels, **given.unnamed),
    "participation_ratio": lambda given: participation_ratio(given.latents),
}
"""of latents and labels"""
OF_DRAWS: dict[str, Callable[[np.ndarray], Score]] = {
    "label_share": label_share,
    "label_dimension": lambda draws: participation_ratio(draws.mean(axis=0)),
}
"""of several noise draws a label"""


def battery(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    *,
    draws: Float[np.ndarray, "draws m features"] | None = None,
    periodic: Sequence[bool] | None = None,
    span: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    chosen: Sequence[str] | None = None,
) -> dict[str, Score]:
    """Scores by measure.

    Args:
        draws: several noise draws of the first m labels; measures of draws are left out without them.
        periodic, span, names: of the K factors, as in `order`.
        chosen: names of measures; all by default.

    Raises:
        ValueError: an array that a measure refuses, or a name that is none.
    """
    given = Given(latents, labels, {"periodic": periodic, "span": span, "names": names})
    found: dict[str, Callable[[], Score]] = {
        name: partial(measure, given) for name, measure in BATTERY.items()
    }
    if draws is not None:
        found |= {name: partial(measure, draws) for name, measure in OF_DRAWS.items()}
    wrong = [name for name in chosen or () if name not in found]
    if wrong:
        raise ValueError(f"`chosen` (={wrong[0]}) must be one of {', '.join(found)}")
    return {name: found[name]() for name in chosen or found}
