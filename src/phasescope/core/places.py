"""Places: a layer of a network, and a condition of its family, at which a representation is read.

    str(Place("mid", 600)) == "mid.600"        a layer at a noise level
    str(Place("code")) == "code"               a layer of a family without conditions

A text names a place in records' columns, in metrics and in tables; `Place.parse` reads it back.
"""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A layer and, if the family has conditions, one of them, such as a timestep."""

    tap: str
    condition: int | None = None

    def __str__(self) -> str:
        if self.condition is not None:
            return f"{self.tap}.{self.condition}"
        ends_in_number = self.tap.rpartition(".")[2].isdigit()
        return f"{self.tap}." if ends_in_number else self.tap

    @classmethod
    def parse(cls, text: str) -> Place:
        """Return the place that a text names, the inverse of ``str``.

        Raises:
            ValueError: it names no place.
        """
        tap, _, last = text.rpartition(".")
        if tap and last.isdigit():
            return cls(tap, int(last))
        place = cls(tap if tap and not last else text)
        if not place.tap or str(place) != text:
            raise ValueError(f"`place` (={text}) must be a layer, or a layer and a number, as in mid.600")
        return place
