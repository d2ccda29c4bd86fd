"""Columns: what is true of a recorded number, wherever it is computed, shown, stored or judged.

A measure is a function on arrays with its column, declared where it is defined:

    @measure(Column(name="spread", words="spread of activations", meaning="largest distance of two", section="dimension"))
    def spread(latents, labels, factors):
        return Score(...)

Readers, families and your own measures declare theirs in the same way. From the declarations follow what a snapshot
computes, what it must observe for that, panels and tables, the page of columns, `phasescope measure`, and what a study may
read.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from phasescope.core.errors import similar
from phasescope.measures.scores import Score

Function = TypeVar("Function", bound=Callable[..., object])
Take = Callable[[Any], Score]
"""the measure of a `Given`: latents of one site, their labels, perhaps further draws"""

Place = Literal["run", "snapshot", "split", "band", "site"]
"""Where a number lives: one a run, one a snapshot, or one a snapshot and split of labels, band of noise, or site."""

Need = Literal[
    "training", "images", "latents", "draws", "crossed", "umap", "lattice", "ordered", "references", "final"
]
"""What a number is read from: `training` knows it; generated `images`; `latents` of labels under one noise draw, under
several (`draws`), of labels `crossed` with images, their embedding by `umap`; the `references`, exact denoisers and copies
of training images; the latents of the `final` network. `lattice`: labels are combinations of few values; `ordered`: factors
are no classes."""

Better = Literal["higher", "lower", "neither"]
Axis = Literal["free", "share", "log"]
Section = Literal[
    "run",
    "images",
    "probe",
    "neighbours",
    "dimension",
    "variance",
    "route",
    "factorization",
    "disentanglement",
    "sheet",
    "gain",
    "own",
    "denoising",
    "phase",
]
"""what a number is about: the order of tables, panels and of the page of columns"""


class Beside(NamedTuple):
    """A second curve in a measure's panel: what it is best compared with, at the same site."""

    name: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """A recorded number: how pages name it, and what is true of it.

        Column(name="crowding", words="distance to the nearest", low=0, high=1, better="lower", axis="share")

    Args:
        name: head of its columns in records, as `probe_r2` of `probe_r2.mid.600.value`.
        words: as a row of a table and a panel name it.
        meaning: what it is, for the page of columns; by default `words`.
        unit: as "px"; empty if it has none.
        low, high: least and largest value that it can have.
        better: `higher`, `lower` or `neither`: whether it should exceed its baselines or fall below them.
        section: what it is about, by which tables and panels are ordered; `own` by default.
        needs: what it is read from beside latents and labels, as "draws" or "lattice".
        baselines: names of those that its Score has by itself.
        title, axis: of its panel; the axis is `free`, `share` (0 to 1) or `log`.

    What phasescope's own columns have beyond that stands beside each field in the source.

    Raises:
        ValueError: a place, need, section, direction or axis that does not exist; `usual` of what needs the final network.
    """

    name: str
    """head of the columns in records, as `probe_r2` of `probe_r2.mid.600.value`"""
    words: str
    """as a row of a table and a panel name it"""
    meaning: str = ""
    """what it is, for the page of columns; by default `words`"""
    unit: str = ""
    low: float = -math.inf
    """least value that it can have"""
    high: float = math.inf
    """largest value that it can have"""
    better: Better = "neither"
    """whether it should exceed its baselines, fall below them, or neither"""
    at: Place = "site"
    section: Section = "own"
    needs: frozenset[Need] = frozenset()
    baselines: tuple[str, ...] = ()
    """those that it has by itself"""
    core: bool = False
    """whether the records of every study keep it"""
    usual: bool = False
    """whether each snapshot that observes what it needs takes it; others are taken if `probing.measures` names them"""
    readings: bool = False
    """whether further readings of it are recorded as `<name>_<reading>`"""
    by_factor: bool = False
    """whether its value is the minimum over factors, and `detail` has each factor's"""
    phase: str = ""
    """the phase that it decides, with others"""
    headline: str = ""
    """its short name among the few numbers that a run is known by; empty if it is none of them"""
    gain: str = ""
    """name of the column of its gain over the untrained network, which is recorded beside it"""
    panel: bool = True
    """whether it has a panel of its own"""
    title: str = ""
    """of the panel; by default `words`"""
    axis: Axis = "free"
    """of the panel: fitted to the values, from 0 to 1, or logarithmic"""
    beside: Beside | None = None
    terms: tuple[str, ...] = ()
    """terms that pages explain beside its panel"""

    @classmethod
    def from_dict(cls, name: str, stated: Mapping[str, Any]) -> Column:
        """Return the column from the result of `to_dict`.

        Raises:
            ValueError: it is no mapping, has no `words`, or an entry is none of those there are, or of another type.
        """
        if not isinstance(stated, Mapping) or "words" not in stated:
            raise ValueError(f"`{name}` (={stated!r:.60}) must be a mapping with `words`, as of a column")
        for key, value in stated.items():
            kind = SHOWN.get(key)
            if kind is None or not isinstance(value, kind):
                known = ", ".join(f"{field} ({type_.__name__})" for field, type_ in SHOWN.items())
                raise ValueError(f"`{key}` (={value!r:.60}) of the column `{name}` must be one of {known}")
        return cls(name=name, **stated)

    def to_dict(self) -> dict[str, str | bool]:
        """Return what pages show of it, JSON-ready."""
        return {key: getattr(self, key) for key in SHOWN}

    def __post_init__(self) -> None:
        for field, known in (("at", Place), ("section", Section), ("better", Better), ("axis", Axis)):
            _check_known(field, getattr(self, field), get_args(known))
        for need in self.needs:
            _check_known("needs", need, get_args(Need))
        if self.usual and "final" in self.needs:
            raise ValueError(
                "`usual` (=True) must be False: the final network is not known while a run trains"
            )


SHOWN: dict[str, type] = {
    "words": str,
    "meaning": str,
    "unit": str,
    "better": str,
    "by_factor": bool,
    "panel": bool,
    "title": str,
    "axis": str,
}
"""what a run's about.json states of columns that its own kinds declare, and of which type"""
OURS = "phasescope."
COLUMNS: dict[str, Column] = {}
"""every declared column, by name"""


@dataclass(frozen=True)
class Measure:
    """A column that is computed from latents, and how."""

    column: Column
    take: Take


MEASURES: dict[str, Measure] = {}
"""every declared measure of latents, by name"""


def declare(*columns: Column) -> None:
    """Declare columns that are no measures of latents.

    Raises:
        ValueError: another column has the name, or it is no word.
    """
    for column in columns:
        _check_word(column.name)
        known = COLUMNS.setdefault(column.name, column)
        if known != column:
            raise ValueError(f"`name` (={column.name}) must be of one column: it is `{known.words}` already")


def measure(column: Column, take: Take | None = None) -> Callable[[Function], Function]:
    """Return a decorator that declares a function of latents as the measure of `column`; it gives the function back.

    Args:
        take: the measure of what is given; by default the function of (latents, labels, factors), or of (latents, labels);
            further arguments must have defaults, which they keep. A ValueError says why it cannot be taken of that.

    Example:
        @measure(Column(name="mean_norm", words="mean norm of activations", section="dimension"))
        def mean_norm(latents, labels, factors): ...

    The trap: a measure that is `usual` is taken of every world's labels, classes too, at every snapshot. It must accept
    them, or need `ordered`.
    """

    def decorator(function: Function) -> Function:
        _check_word(column.name)
        declared = Measure(column, take or take_of(function))
        function.__measure__ = declared  # pyrefly: ignore[missing-attribute]
        # One of yours is taken only by runs that name it, so that the registry does not know it.
        if function.__module__.startswith(OURS):
            register(column, declared.take)
        return function

    return decorator


def take_of(function: Callable[..., Any]) -> Take:
    """Return the measure that calls a function of (latents, labels, factors), or of (latents, labels).

    Factors are given to an argument of that name wherever it stands, and to a third one that has no default. The trap: a
    third argument with a default, as `power=2`, is an option of the function and keeps it.

    Raises:
        ValueError: the function takes neither.
    """
    signature = inspect.signature(function)
    if _binds(signature, 2, "factors"):
        return lambda given: function(*given.labelled[:2], factors=given.labelled[2])

    takes_any = any(each.kind is each.VAR_POSITIONAL for each in signature.parameters.values())
    count = 2 if _binds(signature, 2) and not takes_any else 3
    if not _binds(signature, count):
        raise ValueError(
            f"`{function.__name__}` must take latents, labels and, if it uses them, factors: it takes {signature}"
        )
    return lambda given: function(*given.labelled[:count])


def _binds(signature: inspect.Signature, count: int, name: str | None = None) -> bool:
    """Return whether a function may be called with so many positional arguments, and with one that it names."""
    if name is not None and name not in signature.parameters:
        return False
    try:
        signature.bind(*range(count), **({} if name is None else {name: None}))
    except TypeError:
        return False
    return True


def declared_by(function: Callable[..., object]) -> Measure | None:
    """Return the measure that `measure` declared a function to be."""
    return getattr(function, "__measure__", None)


def register(column: Column, take: Take) -> None:
    """Declare the measure of a column that a function gives with others, as `routes` does."""
    declare(column)
    MEASURES[column.name] = Measure(column, take)


def column_of(name: str) -> Column:
    """Return the declared column, or for a name that nothing declared `undeclared`."""
    return COLUMNS.get(name) or undeclared(name)


def undeclared(name: str) -> Column:
    """Return the column of an own measure that declares nothing: it should exceed its baselines, if it has any."""
    return Column(name=name, words=name.replace("_", " "), better="higher")


def in_order(columns: Mapping[str, Column]) -> list[Column]:
    """Return columns by section, and within it as they were declared."""
    sections = get_args(Section)
    return sorted(columns.values(), key=lambda column: sections.index(column.section))


def _check_word(name: str) -> None:
    if not name.isidentifier():
        raise ValueError(f"`name` (={name!r:.60}) must be a word: it begins the names of columns")


def _check_known(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(
            f"`{field}` (={value!r:.60}) must be one of {', '.join(known)}{similar(value, known)}"
        )
