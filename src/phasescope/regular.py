"""Files that are files: what is none, as a pipe that nobody writes to, is refused and never waited for."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from phasescope.errors import UserError


def open_regular(path: Path | str) -> BinaryIO:
    """A regular file, open for reading.

    Raises:
        UserError: there is none, it cannot be read, or it is no regular file.
    """
    try:
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except (OSError, ValueError) as error:  # a folder; a name that no file can have
        raise UserError(f"`{path}` cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise UserError(f"`{path}` cannot be read: it is no regular file")


def read_regular(path: Path | str, most_bytes: int) -> bytes:
    """What is in a regular file.

    Raises:
        UserError: as `open_regular`; it holds more than `most_bytes`.
    """
    with open_regular(path) as file:
        try:
            content = file.read(most_bytes + 1)
        except OSError as error:
            raise UserError(f"`{path}` cannot be read: {error.strerror}") from None
    if len(content) > most_bytes:
        raise UserError(f"`{path}` must be of at most {most_bytes} bytes, and is larger")
    return content
