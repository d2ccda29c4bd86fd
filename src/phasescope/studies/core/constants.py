"""The constants that a study's verdicts rest on, found in its code: margins, labels painted, places, limits.

A threshold is a field of its claim. What else a verdict rests on are names in capitals that its statistic or its reading
uses, directly or through other functions of the package: they are part of what is declared, so that none is changed unsaid.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

OURS = __name__.rpartition(".core")[0]


def constants(functions: Iterable[Callable[..., Any]], files: Iterable[Path] = ()) -> dict[str, Any]:
    """By name, of all that functions use: numbers to nine digits, names without a space, and what holds these, JSON-ready.

    Names are those of their modules alone: a constant that moves is no other. Where two modules use a name, both values are
    given, as a list in their order.

    Args:
        files: whose functions are followed, beside those of phasescope's studies.
    """
    own = {str(file.resolve()) for file in files}
    found: dict[str, dict[str, Any]] = {}
    seen: set[int] = set()
    wanted = [*functions]
    while wanted:
        one = wanted.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, partial):
            wanted += [one.func, *one.args, *one.keywords.values()]
        elif isinstance(one, list | tuple):
            wanted += one
        elif isinstance(one, type) and one.__module__.startswith(OURS):
            wanted += vars(one).values()
        elif isinstance(one, property) and one.fget:
            wanted.append(one.fget)
        elif isinstance(one := inspect.unwrap(one) if callable(one) else one, FunctionType):
            wanted += [cell.cell_contents for cell in one.__closure__ or () if not _is_empty(cell)]
            if not one.__module__.startswith(OURS) and one.__code__.co_filename not in own:
                continue
            for name in _names(one.__code__):
                value = one.__globals__.get(name)
                if name.isupper() and (plain := _plain(value)) is not None:
                    found.setdefault(name, {})[repr(plain)] = plain
                elif callable(value):
                    wanted.append(value)
    return {
        name: next(iter(values.values())) if len(values) == 1 else [values[key] for key in sorted(values)]
        for name, values in sorted(found.items())
    }


def _names(code: CodeType) -> Iterator[str]:
    """Of what a function's code uses, functions within it too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_empty(cell: Any) -> bool:
    try:
        return cell.cell_contents is None
    except ValueError:
        return True


def _plain(value: Any) -> Any:
    """A constant as JSON holds it, without what is told to readers; None where nothing is left."""
    if isinstance(value, str):
        return None if not value or " " in value or value.startswith("#") else value
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list | tuple | range):
        return [plain for one in value if (plain := _plain(one)) is not None] or None
    if isinstance(value, dict):
        return {str(key): plain for key, one in value.items() if (plain := _plain(one)) is not None} or None
    return None
