"""What a user gets wrong, and what goes wrong in a run."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path


class UserError(ValueError):
    """The user's input is at fault: the message is one line that names what, its value and the rule (exit code 2)."""


class RunFailed(RuntimeError):
    """A run cannot go on, and its input gave no sign of it: the message is one line that says why (exit code 1)."""


class SourceFailed(RunFailed):
    """Somebody's own code raised an exception: the message is one line with its file and line (exit code 1)."""


class NotFinite(ValueError):
    """Values that must be finite and are not: of a network that diverged, before all."""


@lru_cache(maxsize=1024)
def log_once(message: str) -> None:
    """Log in a line what a user should know; the same again is not logged."""
    logging.getLogger(__name__).warning("%s", " ".join(message.split())[:400])


@contextmanager
def as_user_error(prefix: str = "") -> Iterator[None]:
    """Within the block, which works on the user's input, a ValueError is a UserError; `prefix` goes before its message."""
    try:
        yield
    except ValueError as error:
        raise UserError(f"{prefix}{error}") from None


@contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Within the block, which reads files at `path`, whatever goes wrong is a UserError that names it.

    This is the one place that doubts what is on the disk: what reads files assumes that they are as they were written.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # JSON, zip, numpy, DuckDB and the file system have errors of their own
        name = str(path).encode(errors="backslashreplace").decode()
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UserError(f"`{name}` cannot be read: {why}") from error
