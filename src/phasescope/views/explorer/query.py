"""What a page asks for: the names in its path, and the typed values behind the question mark."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.requests import Request

from phasescope.errors import UserError
from phasescope.places import Place
from phasescope.runs.changing import Change

MOST = 3e38
"""of a number, as arrays here hold it"""

T = TypeVar("T")


class Query:
    """A request's path and query; a value that is missing or of another type is a `UserError` that names it."""

    def __init__(self, request: Request):
        self.path: dict[str, Any] = request.path_params
        self.given = request.query_params

    def has(self, name: str) -> bool:
        return name in self.given

    def word(self, name: str) -> str:
        if not self.has(name):
            raise UserError(f"`{name}` (=nothing) must be given")
        return self.given[name]

    def words(self, name: str, most: int) -> list[str]:
        """Return all that are given under a name, which may be none."""
        values = self.given.getlist(name)
        if len(values) > most:
            raise UserError(f"`{name}` (={len(values)} of them) must be given {most} times at most")
        return values

    def integer(self, name: str, otherwise: int | None = None) -> int:
        if otherwise is not None and not self.has(name):
            return otherwise
        number = self._parsed(name, int, "a whole number")
        if abs(number) > 2**53:
            raise UserError(
                f"`{name}` (={self.word(name)[:40]}) must be a whole number that a browser can hold"
            )
        return number

    def optional_integer(self, name: str) -> int | None:
        return self.integer(name) if self.has(name) else None

    def number(self, name: str, otherwise: float) -> float:
        return self._parsed(name, _number, "a number") if self.has(name) else otherwise

    def numbers(self, name: str) -> tuple[float, ...]:
        """Return several, with commas between them."""
        return self._parsed(name, lambda text: tuple(map(_number, text.split(","))), "a number")

    def place(self, name: str) -> Place:
        try:
            return Place.parse(self.word(name))
        except ValueError as error:
            raise UserError(str(error)) from None

    def cell(self, name: str) -> tuple[int, int]:
        """Return a row and a column; the first of each if none is given."""
        return self._parsed(name, _cell, "a row and a column") if self.has(name) else (0, 0)

    def change(self) -> Change | None:
        """Return the intervention at a layer; None if no layer is named."""
        if not self.has("tap"):
            return None
        towards = self.numbers("towards") if self.has("towards") else ()
        return Change(self.word("tap"), self.word("how"), towards)

    def _parsed(self, name: str, parse: Callable[[str], T], kind: str) -> T:
        text = self.word(name)
        try:
            return parse(text)
        except ValueError:
            raise UserError(f"`{name}` (={text[:40]}) must be {kind}") from None


def _number(text: str) -> float:
    number = float(text)
    if math.isnan(number) or abs(number) > MOST:
        raise ValueError(text)
    return number


def _cell(text: str) -> tuple[int, int]:
    row, column = text.split(",")
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in (row, column)):
        raise ValueError(text)
    return int(row), int(column)
