"""Errors of a user's input, and failures of runs."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path


class UserError(ValueError):
    """The user's input is invalid: the message is one line with the field, its value and the rule (exit code 2)."""


class RunFailed(RuntimeError):
    """A run with valid input cannot continue: the message is one line that says why (exit code 1)."""


class SourceFailed(RunFailed):
    """A user's own code raised an exception: the message is one line with its file and line (exit code 1)."""


class NotFinite(ValueError):
    """Values that must be finite are not, usually because a network diverged."""


ALIKE = 0.65
"""least likeness (`difflib`) of a wrong name and the one that it may mean: two letters of three in their order"""


def similar(name: object, known: Iterable[str]) -> str:
    """Return a hint, for the end of a message, at the name that a wrong one most likely means; empty if none is like it."""
    by_letters = {right.lower(): right for right in known}
    near = get_close_matches(str(name).lower(), by_letters, n=1, cutoff=ALIKE)
    return f"; the most similar one is {by_letters[near[0]]}" if near else ""


@lru_cache(maxsize=1024)
def log_once(message: str) -> None:
    """Log a message to the user in one line, only the first time that it occurs."""
    logging.getLogger(__name__).warning("%s", " ".join(message.split())[:400])


@contextmanager
def as_user_error(prefix: str = "") -> Iterator[None]:
    """Turn a ValueError within the block into a UserError whose message begins with `prefix`."""
    try:
        yield
    except ValueError as error:
        raise UserError(f"{prefix}{error}") from None


@contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Turn any exception within the block, which reads files at `path`, into a UserError that names the path.

    Damaged files are handled only here: code that reads files assumes that they are as they were written.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # JSON, zip, numpy, DuckDB and the file system have errors of their own
        name = str(path).encode(errors="backslashreplace").decode()
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UserError(f"`{name}` cannot be read: {why}") from error


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Name the file in an OSError within the block, which writes it: the system names none if a disk is full."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise
