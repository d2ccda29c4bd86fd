"""All measures of one set of latents at once, by name, each as a Score with its baselines.

What cannot be measured is left out, with its reason: disentanglement needs two factors, additivity and the
factorization index need ordered labels on a lattice, and what compares noise draws needs several of them.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from phasescope.core.errors import UserError
from phasescope.core.factors import Factors
from phasescope.measures import latents as folder
from phasescope.measures.checks import check_labels, check_latents
from phasescope.measures.columns import MEASURES, Measure, Need, in_order
from phasescope.measures.latents.given import Given
from phasescope.measures.scores import Score, scores_frame

if TYPE_CHECKING:
    import pandas as pd

# A measure declares itself when its file is imported: that it lies in the folder is enough.
for file in pkgutil.walk_packages(folder.__path__, f"{folder.__name__}."):
    if file.name != __name__:
        import_module(file.name)

GIVEN_BY_RUNS: frozenset[Need] = frozenset({"crossed", "umap", "final"})
"""what runs alone have, so that a file of latents is not reproached with its lack"""


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


def measure_names() -> tuple[str, ...]:
    """Return the names of all measures of latents, in the order of tables."""
    return tuple(column.name for column in in_order({name: m.column for name, m in MEASURES.items()}))


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
    known = [name for name in measure_names() if not MEASURES[name].column.needs & GIVEN_BY_RUNS]
    wrong = [name for name in chosen or () if name not in known]
    if wrong:
        if wrong[0] in MEASURES:
            lacking = ", ".join(sorted(MEASURES[wrong[0]].column.needs & GIVEN_BY_RUNS))
            raise ValueError(
                f"`measure` (={wrong[0]}) must be taken of a run, as by `phasescope measure RUN --only {wrong[0]}`: it "
                f"needs what runs alone have ({lacking})"
            )
        raise ValueError(f"`measure` (={wrong[0]}) must be one of {', '.join(known)}")
    return scores_of(given(latents, labels, factors, draws=draws), chosen, notify=notify)


def given(
    latents: Float[np.ndarray, "n features"],
    labels: Float[np.ndarray, "n K"],
    factors: Factors | None = None,
    *,
    draws: Float[np.ndarray, "draws m features"] | None = None,
    crossed: Float[np.ndarray, "D c features"] | None = None,
    shown: np.ndarray | None = None,
    umap_seeds: Sequence[int] = (),
    final: Float[np.ndarray, "n features_of_it"] | None = None,
) -> Given:
    """Return checked latents and labels with what else was read at the site.

    Raises:
        ValueError: as of `check_latents` and `check_labels`; draws of another shape.
    """
    x = check_latents(latents, 4, "latents are compared with one another")
    known = check_labels(labels, len(x), factors)

    if draws is not None:
        n, features = np.shape(latents)
        shape = np.shape(draws)
        if len(shape) != 3 or shape[1] > n or shape[2] != features:
            raise ValueError(
                f"`draws` (shape {shape}) must be (draws, m, {features}): latents of the first m of {n} labels"
            )

    return Given(
        latents=latents,
        known=known,
        some_draws=draws,
        some_crossed=crossed,
        shown=shown,
        umap_seeds=umap_seeds,
        some_final=final,
    )


def scores_of(
    given: Given,
    chosen: Sequence[str] | None = None,
    *,
    own: Mapping[str, Measure] | None = None,
    notify: Callable[[int, int], None] = lambda done, total: None,
) -> Scores:
    """Return the scores of what is given, by measure.

    Args:
        chosen: names of measures; by default all but those that need what only runs have and is not given.
        own: your own measures, by name; they come last.
        notify: as of `battery`.

    Raises:
        ValueError: with `chosen`, whatever one of its measures raises; by default it is the reason in `left_out`.
        UserError: an own measure is wrong.
    """
    measures = {name: MEASURES[name] for name in measure_names()} | dict(own or {})
    names = chosen
    if names is None:
        names = [
            name
            for name, known in measures.items()
            if all(given.has(need) for need in known.column.needs & GIVEN_BY_RUNS)
        ]

    scores: dict[str, Score] = {}
    left_out: dict[str, str] = {}
    for done, name in enumerate(names):
        notify(done, len(names))
        try:
            scores[name] = measures[name].take(given)
        except UserError:
            raise
        except ValueError as reason:
            if chosen is not None:
                raise
            left_out[name] = " ".join(str(reason).split())
    notify(len(names), len(names))
    return Scores(scores, left_out)
