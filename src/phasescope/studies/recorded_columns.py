"""Columns as objects: a misspelt one fails where it is written, and the numbers that claims read are its methods.

    LABEL_VARIANCE = score("label_variance").at("mid", t=600)

    Claim(..., numbers=LABEL_VARIANCE.crosses(0.9))
    Claim(..., numbers=share("grid", "correct").end())

What a column is (its range, its words, where it lives) is declared where it is computed: `phasescope.measures.columns`.
Layers and splits are checked against the study's own systems before it runs, since only these know them.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import NamedTuple

from phasescope.core.errors import UserError
from phasescope.measures.columns import COLUMNS, Column
from phasescope.runs.probing import columns  # noqa: F401  declares what lines of metrics hold
from phasescope.studies.runs_table import Number, end, mean, onset, start


class RecordedColumn(str):
    """The name of a recorded column, such as ``label_variance.mid.600.value``, and the numbers of it.

    It is a text, so that it stands wherever a column is named: in plots, in tables, in `Runs.courses`.
    """

    __slots__ = ()

    @property
    def declared(self) -> Column:
        """What is true of it wherever it is recorded."""
        return COLUMNS[self.partition(".")[0]]

    def start(self) -> Number:
        """Number: the column before training."""
        return start(self)

    def end(self, last: int = 1) -> Number:
        """Number: the mean of the column over the last snapshots."""
        return end(self, last)

    def mean(self, after: float = 0) -> Number:
        """Number: the mean of the column over training."""
        return mean(self, after)

    def crosses(self, level: float, counting: str = "step") -> Number:
        """Number: when the column rises above a level for good, censored at the run's end.

        Raises:
            UserError: the level lies outside the column's range, so that it is crossed never, or always.
        """
        low, high = self.declared.low, self.declared.high
        if level < low:
            raise UserError(
                f"`level` (={level}) must be at least {low:g}: `{self.declared.name}` is never below it"
            )
        if level >= high:
            raise UserError(
                f"`level` (={level}) must be below {high:g}: `{self.declared.name}` is never above it"
            )
        return onset(self, level, counting)


class SiteScore(NamedTuple):
    """A measure of activations, of which each site has a column."""

    name: str

    def at(self, layer: str, t: int | None = None) -> RecordedColumn:
        """Return the column of its value at a site.

        Args:
            t: condition under which the network is read; None if its activations have none.

        Raises:
            UserError: the layer is no word, or `t` no number from 0 on.
        """
        check_word("layer", layer)
        if t is None:
            return RecordedColumn(f"{self.name}.{layer}.value")
        if not isinstance(t, int) or isinstance(t, bool) or t < 0:
            raise UserError(f"`t` (={t!r:.60}) must be an integer from 0 on: a condition of the network")
        return RecordedColumn(f"{self.name}.{layer}.{t}.value")


def score(name: str) -> SiteScore:
    """Return a measure of activations; `at` gives its column at a site.

    A measure of your own is not declared before a run names it: write its column as text.

    Example:
        score("label_variance").at("mid", t=600).crosses(0.9)

    Raises:
        UserError: phasescope has no such measure.
    """
    column = COLUMNS.get(name)
    if column is None:
        known = [column.name for column in COLUMNS.values() if column.at == "site"]
        nearest = get_close_matches(name, known, 1, 0)[0]
        raise UserError(
            f"`name` (={name}) must be a measure of activations; the most similar one is `{nearest}`"
        )
    if column.at != "site":
        raise UserError(
            f"`name` (={name}) must be a measure of activations: it is one a {column.at}, and has no layer"
        )
    return SiteScore(name)


def share(split: str, outcome: str) -> RecordedColumn:
    """Return the column of the share of a split's samples that have an outcome.

    Example:
        share("grid", "correct").end()

    Raises:
        UserError: one of the two is no word.
    """
    check_word("split", split)
    check_word("outcome", outcome)
    return RecordedColumn(f"outcomes.{split}.{outcome}")


def check_word(field: str, word: str) -> None:
    """Raise UserError if `word` would be several parts of a column's name."""
    if not word or "." in word:
        raise UserError(f"`{field}` (={word}) must be one word without a dot: dots part the names of columns")
