"""Writing a run's folder: one process at a time holds a lock on the folder's `lock` file; readers never wait."""

import hashlib
import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from phasescope.core.config import Tree, read_yaml, to_yaml
from phasescope.core.errors import RunFailed, UserError, reading
from phasescope.core.kinds import is_reference, source_digests
from phasescope.core.plain_files import check_plain
from phasescope.runs.store.files import (
    append_json_lines,
    folder_aside,
    read_json_lines,
    remove_asides,
    to_json,
    write_aside,
)
from phasescope.runs.store.folder import RunFolder
from phasescope.runs.store.layout import METRICS, STATES, names
from phasescope.runs.store.locks import Locked, locked
from phasescope.runs.store.tables import safetensors_bytes

CHECKPOINT = Path("checkpoint") / "state.safetensors"
OR_RESTART = "put it back, or `--restart` drops what is there and trains the run from its start"
"""what to do if something that a run recorded is missing"""
# Writers wait for the lock, since a reader that checks whether a folder is held takes it for a moment.
LOCK_PATIENCE_S = 1.0
# A run may be resumed on another machine, where these fields may have other values.
WHERE_COMPUTED = (
    "training.device",
    "training.threads",
    "training.scalars_every",
    "training.checkpoint_every_s",
    "training.states",
)
# Keys of these mappings are chosen by users: a missing key has no default.
OPEN = ("images", "classes", "hyperparameters", "within", "at", "tolerance", "span")


class Held(UserError):
    """Another process holds the run's folder for writing."""


class RunWriter(RunFolder):
    """A run folder held for writing by this process, made by `hold`. No other process writes, so metrics are read once.

    Every method that writes raises RunFailed if the lock is no longer there, or is another file: whoever removes a lock that
    looks stale lets a second process write.
    """

    def __init__(self, path: Path | str, lock: tuple[int, int] | None = None):
        super().__init__(path)
        self._lock = lock

    def check_held(self) -> None:
        """Raise RunFailed if the folder's lock is not the one that this process holds."""
        if self._lock is not None and _identity_of(self.path / "lock") != self._lock:
            raise RunFailed(
                f"another process took over `{self.path}`, or its `lock` was removed: this one writes nothing more, and the "
                "same command resumes the run"
            )

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """One entry per snapshot, by ascending step."""
        return super().metrics

    def write_config(self, config: Tree) -> None:
        """Write config.yaml and config.json, and sources.json if the configuration names sources of your own."""
        self.check_held()
        self._write_sources(config)
        text = to_yaml(config)
        as_read = {"config_yaml_sha256": hashlib.sha256(text.encode()).hexdigest(), "config": config}
        self.write_json("config.json", as_read)
        write_aside(self.path / "config.yaml", text)

    def _write_sources(self, config: Tree) -> None:
        if sources := source_digests(config):
            self.write_json("sources.json", sources, indent=1)

    def write_json(self, name: str, tree: Mapping[str, Any], indent: int | None = None) -> None:
        self.check_held()
        write_aside(self.path / name, to_json(tree, indent))

    def write_status(self, status: Mapping[str, Any]) -> None:
        self.write_json("status.json", status, indent=1)

    def append_metrics(self, entry: dict[str, Any]) -> None:
        """Append a line, after removing an incomplete last line that a killed writer left."""
        self.check_held()
        path, lines = self.path / METRICS, self.metrics
        content = path.read_bytes() if path.exists() else b""
        if content and not content.endswith(b"\n"):
            lines_before, end, _ = content.rpartition(b"\n")
            write_aside(path, lines_before + end)

        append_json_lines(path, entry)
        lines.append(json.loads(to_json(entry)))

    def append_lines(self, name: str, lines: Sequence[Mapping[str, Any]], to_disk: bool = True) -> None:
        """Append lines to a file; a checkpoint first flushes them, and all earlier ones, to the disk."""
        self.check_held()
        if lines or (to_disk and (self.path / name).exists()):
            append_json_lines(self.path / name, *lines, to_disk=to_disk)

    def keep_lines(self, name: str, last: float = math.inf) -> int:
        """Drop lines of a file after the step `last` and an incomplete one; return the last step kept, or -1."""
        self.check_held()
        lines = [line for line in read_json_lines(self.path / name) if line["step"] <= last]
        if (self.path / name).exists():
            write_aside(self.path / name, "".join(to_json(line) + "\n" for line in lines))
        return lines[-1]["step"] if lines else -1

    @contextmanager
    def new_snapshot(self, step: int) -> Iterator[Path]:
        """Yield a folder to fill with the snapshot of `step`; it gets its name if the block ends without an exception."""
        target = self.path / "snapshots" / f"{step:08d}"
        with folder_aside(target) as folder:
            yield folder
            self.check_held()
            shutil.rmtree(target, ignore_errors=True)

    def forget_after(self, step: int) -> None:
        """Drop metrics, scalars, readings of the meter and snapshots later than `step`: a resumed run records them again.

        All are dropped if step = -1. Incomplete files that a killed process left are dropped too.
        """
        self.check_held()
        for name in names(lambda part: part.kind == "lines"):
            self.keep_lines(name, step)
        self.metrics[:] = [entry for entry in self.metrics if entry["step"] <= step]
        for snapshot in self.snapshots:
            if snapshot.step > step:
                shutil.rmtree(snapshot.path)
        for kept_at, file in self.states.items():
            if kept_at > step:
                file.unlink()
        for folder in (self.path, self.path / "snapshots", self.path / "checkpoint", self.path / STATES):
            remove_asides(folder)

    def restart(self) -> None:
        """Drop all records, so that the run is trained from its start, and record the digests of its present sources."""
        self.check_held()
        for name in (*names(lambda part: part.is_learned and part.kind != "folder"), CHECKPOINT):
            (self.path / name).unlink(missing_ok=True)
        self.__dict__.pop("metrics", None)
        self.forget_after(-1)
        shutil.rmtree(self.path / "observations", ignore_errors=True)
        self._write_sources(self.config)

    def write_checkpoint(self, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        """Replace the checkpoint by `tensors` and the JSON-ready `state`."""
        self._write_state(CHECKPOINT, tensors, state)

    def keep_state(self, step: int, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        """Keep the whole state of training at a step, in the form of a checkpoint."""
        self._write_state(Path(STATES) / f"{step:08d}.safetensors", tensors, state)

    def _write_state(self, name: Path, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        self.check_held()
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        write_aside(path, safetensors_bytes(tensors, {"state": json.dumps(state)}))

    def read_checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Return the tensors and state of the last checkpoint; None if there is none.

        Raises:
            UserError: it cannot be read.
        """
        path = self.path / CHECKPOINT
        return read_state(path) if path.exists() else None


def read_state(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the tensors and the state of a checkpoint or a kept state; UserError if it cannot be read."""
    from safetensors import safe_open

    with reading(path):
        check_plain(path)
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, json.loads(file.metadata()["state"])


@contextmanager
def hold(path: Path, config: Tree, restart: bool = False) -> Iterator[RunWriter]:
    """Hold a run folder for writing, creating it if it does not exist.

    Args:
        restart: the folder's records may be dropped: its config.yaml is rewritten, whatever its contents.

    Raises:
        Held: another process holds it.
        UserError: the folder holds another configuration, or files that are no run's; it cannot be written.
    """
    try:
        if path.exists() and not path.is_dir():
            raise UserError(f"`{path}` must be a folder")
        # Before the lock, whose file would be written into a folder that is no run's.
        if path.exists() and any(path.iterdir()):
            _check_same(path, config, restart)

        path.mkdir(parents=True, exist_ok=True)
        with locked(path / "lock", LOCK_PATIENCE_S):
            writer = RunWriter(path, _identity_of(path / "lock"))
            if restart or not (path / "config.yaml").exists():
                writer.write_config(config)
            (path / "snapshots").mkdir(exist_ok=True)
            yield writer
    except Locked:
        raise Held(f"`{path}` is being written by another process: wait for it, or stop it") from None
    except OSError as error:
        raise UserError(f"`{error.filename or path}` cannot be written: {error.strerror or error}") from error


def _identity_of(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file; None if there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def _check_same(path: Path, config: Tree, restart: bool) -> None:
    if restart and (path / "snapshots").is_dir():
        return
    if not (path / "config.yaml").exists():
        before = names(lambda part: part.precedes_config)
        if any(entry.name not in before and not entry.name.startswith(".") for entry in path.iterdir()):
            raise UserError(f"`{path}` must be empty or a run's folder: it holds files and no config.yaml")
        return
    for field, old, new in differences(_with_data_of(config, read_yaml(path / "config.yaml")), config):
        holds, remedy = "a run with another configuration", "nothing is overwritten"
        if field.startswith("probing."):
            holds = "this run, observed otherwise"
            remedy = f"phasescope observe {path} {field}=... observes it again"
        raise UserError(f"`{path}` holds {holds}: `{field}` is {old} there, {new} here; {remedy}")


def _with_data_of(config: Tree, stored: Tree) -> Tree:
    """Return a stored configuration whose world names its data where `config` does, if their SHA-256 is the same."""
    old, new = stored.get("world"), config.get("world")
    if not isinstance(old, dict) or not isinstance(new, dict):
        return stored
    same = old.get("sha256") is not None and old["sha256"] == new.get("sha256")
    return {**stored, "world": {**old, "file": new.get("file")}} if same else stored


def differences(old: Any, new: Any, field: str = "", is_open: bool = False) -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted field, old value, new value) where two configuration trees differ; a missing value is `absent`.

    A field that the old tree lacks was introduced later, and is ignored; so are the fields in `WHERE_COMPUTED`. Keys that
    users choose are compared all: those of `OPEN`, and of a mapping that is an argument of their own kind.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        is_own = is_reference(new.get("kind"))
        is_open = is_open and "kind" not in new  # the keys of a kind are fields
        for key in dict.fromkeys([*old, *new]):
            inner = f"{field}.{key}" if field else str(key)
            if (key in old or is_open) and inner not in WHERE_COMPUTED:
                values = old.get(key, "absent"), new.get(key, "absent")
                yield from differences(*values, inner, is_open=is_own or is_open or key in OPEN)
    elif old != new:
        yield field, old, new
