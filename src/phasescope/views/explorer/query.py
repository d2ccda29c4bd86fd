"""What a page asks for, behind the question mark: each value with its type."""

from __future__ import annotations

import math

from starlette.requests import Request

from phasescope.errors import UserError
from phasescope.places import Place
from phasescope.runs.intervening import Change

MOST = 3e38
"""of a number, as arrays here hold it"""


class Query:
    """The query of a request; a value that is missing or of another type is a `UserError` that names it."""

    def __init__(self, request: Request):
        self.given = request.query_params

    def has(self, name: str) -> bool:
        return name in self.given

    def word(self, name: str) -> str:
        return self._given(name)

    def words(self, name: str, most: int) -> list[str]:
        """All that are given under a name, which may be none."""
        found = self.given.getlist(name)
        if len(found) > most:
            raise UserError(f"`{name}` (={len(found)} of them) must be given {most} times at most")
        return found

    def integer(self, name: str, otherwise: int | None = None) -> int:
        if otherwise is not None and not self.has(name):
            return otherwise
        text = self._given(name)
        try:
            number = int(text)
        except ValueError:
            raise UserError(f"`{name}` (={text[:40]}) must be a whole number") from None
        if abs(number) > 2**53:
            raise UserError(f"`{name}` (={text[:40]}) must be a whole number that a browser can hold")
        return number

    def optional_integer(self, name: str) -> int | None:
        return self.integer(name) if self.has(name) else None

    def number(self, name: str, otherwise: float | None = None) -> float:
        if otherwise is not None and not self.has(name):
            return otherwise
        return _number(name, self._given(name))

    def numbers(self, name: str) -> tuple[float, ...]:
        """Several, with commas between them."""
        return tuple(_number(name, part) for part in self._given(name).split(","))

    def place(self, name: str) -> Place:
        try:
            return Place.parse(self._given(name))
        except ValueError as error:
            raise UserError(str(error)) from None

    def cell(self, name: str) -> tuple[int, int]:
        """A row and a column; the first of each where none is given."""
        if not self.has(name):
            return 0, 0
        parts = self._given(name).split(",")
        if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
            raise UserError(f"`{name}` (={self._given(name)[:40]}) must be a row and a column")
        return int(parts[0]), int(parts[1])

    def change(self) -> Change | None:
        """Of what is at a tap; None where no tap is named."""
        if not self.has("tap"):
            return None
        return Change(
            self.word("tap"), self.word("how"), self.numbers("towards") if self.has("towards") else ()
        )

    def _given(self, name: str) -> str:
        if not self.has(name):
            raise UserError(f"`{name}` (=nothing) must be given")
        return self.given[name]


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) <= MOST:
        raise UserError(f"`{name}` (={text[:40]}) must be a number")
    return number
