"""What a number reads, declared where it is defined.

A study's runs observe only what its claims, plots and tables read, so every number says which recorded columns these are:

    @reads("object.x", "object.y")
    def denser_ahead(runs: Runs) -> np.ndarray:
        return runs.mean("object.x") - runs.mean("object.y")

Where a column is an argument, braces name its parameter; a tuple gives a column for each of its values, an empty text none.
A number that evaluates others names them instead of their columns:

    @reads("{column}", denser_ahead)
    def beyond_lead(runs: Runs, column: str) -> np.ndarray:
        return runs.end(column) - denser_ahead(runs)

    Claim(..., numbers=partial(beyond_lead, column="object.correct"))

A number that is named so has its own parameters bound already: those of the outer number do not reach it.

The trap: what only one branch reads must be declared, too. `as_table`, by which all numbers are evaluated, shows a number no
other columns than it declares, so that a column that is missing there is an error, and never a run that observed too little.
One that is declared and not read only makes runs observe more.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from string import Formatter
from typing import Any, TypeVar

from phasescope.core.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])
DECLARED, DEFAULTS = "columns_that_it_reads", "defaults_of_columns"
"""attributes of a function or partial that is declared"""
ALWAYS = frozenset({"step"})
"""by which the snapshots of every run are ordered"""


def reads(*columns: str | Callable[..., Any], **defaults: Any) -> Callable[[F], F]:
    """Declare the recorded columns that a function of `Runs` reads: a decorator, also of a lambda or a `partial`.

    Args:
        columns: their names, with parameters in braces, or other numbers that are evaluated. ``object.*`` are all columns of
            the study's `Reading` of that name. None at all: only the design's axes are read, and `step`, which all may read.
        defaults: values, for these names alone, of parameters in braces that the function takes as ``**keywords``; give the
            same ones to the function.

    Example:
        reads("loss")(lambda runs: -np.log(runs.end("loss")))

    Raises:
        UserError: the function is declared already.
    """

    def declare(number: F) -> F:
        if hasattr(number, DECLARED):
            rule = "a `partial` of it can have a declaration of its own"
            raise UserError(f"{name_of(number)} must be declared once: {rule}")
        setattr(number, DECLARED, columns)
        setattr(number, DEFAULTS, defaults)
        return number

    return declare


def columns_read(*numbers: Callable[..., Any]) -> frozenset[str]:
    """Return the recorded columns that numbers declare, with their arguments filled in, and `step`.

    Raises:
        UserError: a number declares nothing, or an argument that names a column is missing.
    """
    return ALWAYS.union(*map(_columns_of, numbers))


def _columns_of(number: Callable[..., Any]) -> set[str]:
    given: dict[str, Any] = {}
    while isinstance(number, partial) and not hasattr(number, DECLARED):
        given = number.keywords | given
        number = number.func

    if not hasattr(number, DECLARED):
        raise UserError(
            f'{name_of(number)} must declare which recorded columns it reads: `@reads("loss")` above it if that is `loss`, '
            '`reads("loss")(...)` around a lambda, without a name if it reads none (phasescope.studies.reads)'
        )

    parameters = inspect.signature(number).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.default is not each.empty}
    values = defaults | getattr(number, DEFAULTS) | given

    columns: set[str] = set()
    for entry in getattr(number, DECLARED):
        columns.update(_columns_of(entry) if callable(entry) else _filled_in(entry, values, number))
    return columns


def _filled_in(column: str, values: Mapping[str, Any], number: Callable[..., Any]) -> Iterator[str]:
    """Yield a column for each combination of the values of its parameters."""
    names = [name for _, name, _, _ in Formatter().parse(column) if name]
    for name in names:
        if name not in values:
            raise UserError(
                f"`{name}` of {name_of(number)} must have a value, as in partial(..., {name}=...): it names a column"
            )

    options = [_options(values[name]) for name in names]
    for point in itertools.product(*options):
        yield column.format(**dict(zip(names, point, strict=True)))


def _options(value: Any) -> list[Any]:
    if isinstance(value, tuple | list):
        return list(value)
    return [] if value == "" else [value]


def is_declared(column: str, declared: frozenset[str]) -> bool:
    """Return whether a column is among those that are declared, by its name or by how it begins."""
    beginnings = tuple(name.removesuffix("*") for name in declared if name.endswith("*"))
    return column in declared or (bool(beginnings) and column.startswith(beginnings))


def name_of(number: Callable[..., Any]) -> str:
    """Return a number's name with its file and line, for messages."""
    while isinstance(number, partial):
        number = number.func
    name = getattr(number, "__name__", type(number).__name__)
    code = getattr(number, "__code__", None)
    return f"`{name}`" + (f" ({Path(code.co_filename).name}:{code.co_firstlineno})" if code else "")
