"""Which measures of activations a run takes beyond the usual ones: further ones of phasescope, and your own.

probing: {measures: [two_nn, my_measures.py:radius]}

Your own is a function that maps latents (n, features), labels (n, K) and, optionally, factors to a Score. With
`phasescope.measures.measure(Column(...))` above it, pages show it in your words.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from phasescope.core.errors import UserError, as_user_error
from phasescope.core.kinds import is_reference, load
from phasescope.measures import Score
from phasescope.measures.columns import (
    COLUMNS,
    MEASURES,
    Column,
    Measure,
    Take,
    declared_by,
    take_of,
    undeclared,
)
from phasescope.measures.latents.given import Given
from phasescope.runs.probing import columns  # noqa: F401  declares what a line of metrics holds


def load_measures(names: Iterable[str]) -> dict[str, Measure]:
    """Return the measures that `probing.measures` names, by the name under which they are recorded.

    Raises:
        UserError: a reference cannot be loaded, is no function, or has the name of another.
    """
    measures: dict[str, Measure] = {}
    for name in names:
        if not is_reference(name):
            measures[name] = MEASURES[name]
            continue

        function = load(name)
        own = name.rpartition(":")[2]
        if not callable(function):
            raise UserError(f"`probing.measures` (={name}) must be a function of latents and labels")
        _check_free(own, f"probing.measures` (={name})")
        if own in measures:
            raise UserError(
                f"`probing.measures` (={name}) must have a name of its own: `{own}` is given already"
            )
        with as_user_error(f"`probing.measures` (={name}) cannot be taken: "):
            declared = declared_by(function) or Measure(undeclared(own), take_of(function))
        measures[own] = Measure(replace(declared.column, name=own), _checked(name, declared.take))
    return measures


def refusing_by_name(name: str, measure: Measure) -> Measure:
    """Return the measure whose refusal names `probing.measures`: it is the run's labels or activations that do not suit."""

    def take(given: Given) -> Score:
        try:
            return measure.take(given)
        except UserError:
            raise
        except ValueError as reason:
            raise UserError(f"`probing.measures` (={name}) cannot be taken here: {reason}") from reason

    return Measure(measure.column, take)


def check_known_while_training(measures: Mapping[str, Measure]) -> None:
    """Raise UserError if one of them compares with the network at the end of training."""
    for name, measure in measures.items():
        if "final" in measure.column.needs:
            raise UserError(
                f"`probing.measures` (={name}) must be known while a run trains, and it compares with the final network: "
                f"train without it, then phasescope observe RUN measures=[{name}]"
            )


def check_given_by_family(name: str, owner: str) -> None:
    """Raise UserError if a family's own metric would overwrite one of the instrument's.

    A family's metrics are observed with its `references`: a column that it declares itself says so in its `needs`.
    """
    column = _taken(name)
    if column is not None and "references" not in column.needs:
        raise UserError(
            f"`{owner} must have a name of its own: `{name}` is a column of phasescope. If the family's file declares it, "
            'that is `Column(..., needs=frozenset({"references"}))`, with which `examine` is observed'
        )


def _check_free(name: str, owner: str) -> None:
    if _taken(name) is not None:
        raise UserError(f"`{owner} must have a name of its own: `{name}` is a measure of phasescope")


def _taken(name: str) -> Column | None:
    """Return the column that has the name; a column with further readings also has those that begin so."""
    head = COLUMNS.get(name.partition("_")[0])
    return COLUMNS.get(name) or (head if head is not None and head.readings else None)


def _checked(reference: str, take: Take) -> Take:
    def checked(given: Given) -> Score:
        score = take(given)
        if not isinstance(score, Score):
            raise UserError(
                f"`probing.measures` (={reference}) must return a phasescope.measures.Score, not a {type(score).__name__}"
            )
        return score

    return checked
