"""Locks on files: one process writes what others read at any time. A lock ends with the process that holds it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phasescope.core.plain_files import descriptor_of_plain, open_plain

LOOK_EVERY_S = 0.05
"""seconds between two attempts to take a lock that another process holds"""


class Locked(Exception):
    """Another process holds the lock."""


@contextmanager
def locked(path: Path, patience_s: float = float("inf")) -> Iterator[None]:
    """Hold the lock on a file within the block, and create the file if it does not exist.

    Args:
        patience_s: seconds to wait for whoever holds it now.

    Raises:
        Locked: another process holds it for longer.
        OSError: the file cannot be opened, or is no plain file.
    """
    deadline = time.monotonic() + patience_s
    # Through a link the lock of another folder would be taken.
    descriptor = descriptor_of_plain(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
    try:
        while not _try(descriptor, fcntl.LOCK_EX):
            if time.monotonic() >= deadline:
                raise Locked(path)
            time.sleep(LOOK_EVERY_S)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Return whether some process holds the lock on a file; a file that is missing or unreadable is held by none."""
    try:
        with open_plain(path) as file:
            # Shared, so that two readers that look at the same moment do not take one another for a writer.
            return not _try(file.fileno(), fcntl.LOCK_SH)
    except OSError:
        return False


def _try(descriptor: int, kind: int) -> bool:
    """Take a lock if that needs no waiting, and return whether it was taken; closing the file releases it."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
