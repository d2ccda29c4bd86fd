"""Values of flags that are lists: ``--at 12.5,20``."""

from __future__ import annotations

from phasescope.errors import UserError


def numbers(flag: str, text: str) -> list[float]:
    """``12.5,20`` -> [12.5, 20.0].

    Raises:
        UserError: it has not that form.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"`{flag}` (={text}) must be numbers with commas between, as in 12.5,20") from None


def words(flag: str, text: str) -> list[str]:
    """``x,y`` -> ["x", "y"].

    Raises:
        UserError: there is none, or an empty one.
    """
    found = [part.strip() for part in text.split(",")]
    if not all(found):
        raise UserError(f"`{flag}` (={text}) must be words with commas between, as in x,y")
    return found
