"""Reading files that others may have put there: regular ones only, so that nothing waits for a pipe or a device."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


def open_plain(path: Path | str) -> BufferedReader:
    """Open a regular file for reading.

    Raises:
        OSError: there is none, or it is something else: a folder, a pipe, a device.
    """
    return open(descriptor_of_plain(path, os.O_RDONLY), "rb")


def descriptor_of_plain(path: Path | str, flags: int) -> int:
    """Open a regular file by `os.open`, and return its descriptor; OSError as of `open_plain`."""
    # Without O_NONBLOCK the opening of a pipe waits for whoever is at its other end.
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is no regular file", str(path))


def read_plain(path: Path | str) -> bytes:
    """Return the contents of a regular file; OSError as of `open_plain`."""
    with open_plain(path) as file:
        return file.read()


def check_plain(path: Path | str) -> None:
    """Raise OSError if there is no regular file, before a library opens it by its name."""
    open_plain(path).close()
