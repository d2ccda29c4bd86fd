"""Slices of the slow tests: together they cost more than half an hour, and each run of `./lab test` takes one."""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

SLICES = 100
"""so that most cost 10 to 30 s on two cores: two slices of 40, 26 tests each, took 55 and 110 s of processor time beyond
collection; a single test takes up to half a minute"""


def slice_number(given: str | int, commit: str) -> int:
    """Return the number of a slice, from 1 on: as given, or the one that a commit's hash chooses; without one the first.

    Raises:
        pytest.UsageError: there is no such slice.
    """
    if given == "commit":
        return int(commit or "0", 16) % SLICES + 1
    if not str(given).isdecimal() or not 1 <= int(given) <= SLICES:
        raise pytest.UsageError(f"`--slice` (={given}) must be from 1 to {SLICES}, or `commit`")
    return int(given)


def commit() -> str:
    """Return the hash of HEAD, in hexadecimal; empty without git, or outside a repository."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        return subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def split(items: Sequence[pytest.Item], number: int) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Return the fast tests with the slow ones of a slice, and all others.

    A test's slice follows from its node id alone, so that it stays the same as other tests come and go.
    """
    chosen, others = [], []
    for item in items:
        is_slow = item.get_closest_marker("slow") is not None
        (others if is_slow and slice_of(item.nodeid) != number else chosen).append(item)
    return chosen, others


def slice_of(nodeid: str) -> int:
    """Return the number of the slice in which a slow test lies, from 1 on."""
    return int(hashlib.sha256(nodeid.encode()).hexdigest(), 16) % SLICES + 1
