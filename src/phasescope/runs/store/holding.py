"""Holding a run's folder for writing: one process at a time, by a lock on the folder's `lock` file; a reader never waits."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from phasescope.core.config import Tree, read_yaml
from phasescope.core.errors import UserError
from phasescope.runs.store.writer import RunWriter

BEFORE = ("lock", "world.npz", "config.json", "sources.json")
"""files that a folder may hold before it has a config.yaml, the last of them to be written"""
LOCK_PATIENCE_S = 1.0
"""how long a writer waits for the lock: a reader that looks whether a folder is held has it for a moment"""


class Held(UserError):
    """Another process holds the run's folder for writing."""


@contextmanager
def hold(path: Path, config: Tree, anew: bool = False) -> Iterator[RunWriter]:
    """Hold a run folder for writing, making it where it does not exist.

    Args:
        anew: what a run's folder holds may be dropped: its config.yaml is written again, whatever it says.

    Raises:
        Held: another process holds it.
        UserError: the folder holds another configuration, or something that is no run; it cannot be written.
    """
    try:
        if path.exists() and not path.is_dir():
            raise UserError(f"`{path}` must be a folder")
        if path.exists() and any(path.iterdir()):
            _check_same(path, config, anew)
        path.mkdir(parents=True, exist_ok=True)
        with open(path / "lock", "a") as lock:
            if not _lock(lock):
                raise Held(f"`{path}` is being written by another process: wait for it, or stop it")
            writer = RunWriter(path, lock.fileno())
            if anew or not (path / "config.yaml").exists():
                writer.write_config(config)
            (path / "snapshots").mkdir(exist_ok=True)
            yield writer
    except OSError as error:
        raise UserError(f"`{error.filename or path}` cannot be written: {error.strerror or error}") from error


def _lock(file: IO[str]) -> bool:
    """Lock the open file for this process alone; False where another one has it for longer than a moment."""
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)


def _check_same(path: Path, config: Tree, anew: bool) -> None:
    if anew and (path / "snapshots").is_dir():
        return
    if not (path / "config.yaml").exists():
        if any(entry.name not in BEFORE and not entry.name.startswith(".") for entry in path.iterdir()):
            raise UserError(f"`{path}` must be empty or a run's folder: it holds files and no config.yaml")
        return
    recorded = read_yaml(path / "config.yaml")
    if not recorded:
        raise UserError(f"`{path}/config.yaml` must hold a run's configuration: it is empty")
    for field, old, new in differences(recorded, config):
        what, remedy = "a run with another configuration", "nothing is overwritten"
        if field.startswith("probing."):
            what, remedy = (
                "this run, observed otherwise",
                f"phasescope observe {path} {field}=... observes it again",
            )
        raise UserError(f"`{path}` holds {what}: `{field}` is {old} there and {new} here; {remedy}")


WHERE_COMPUTED = ("training.device", "training.threads", "training.scalars_every")
"""fields in which a run may differ from one process to the next"""
OPEN = ("probing.images",)
"""mappings whose keys are a user's own words: one that is missing was not said"""


def differences(old: Any, new: Any, field: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted field, old value, new value) wherever two configuration trees differ; what is missing is `absent`.

    A field that the old tree lacks came later, and has its default there; where a run is computed makes no difference.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            inner = f"{field}.{key}" if field else str(key)
            if (key in old or field in OPEN) and inner not in WHERE_COMPUTED:
                yield from differences(old.get(key, "absent"), new.get(key, "absent"), inner)
    elif old != new:
        yield field, old, new
