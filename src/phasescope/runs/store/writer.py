"""Writing a run's folder: one process at a time, which stops where the folder is no longer its own."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from phasescope.core.config import Tree
from phasescope.core.errors import RunFailed, UserError
from phasescope.core.kinds import source_digests
from phasescope.runs.store.files import (
    append_json_lines,
    checksum,
    folder_aside,
    remove_asides,
    to_json,
    write_aside,
)
from phasescope.runs.store.folder import SCALARS, Run
from phasescope.runs.store.metrics import check_entry
from phasescope.runs.store.snapshot import CHECKSUMS
from phasescope.runs.store.tables import safetensors_bytes

CHECKPOINT = Path("checkpoint") / "state.safetensors"
OR_ANEW = "put it back, or `--anew` drops what is there and trains the run from its start"
"""what to do where something that a run recorded is not whole"""


class RunWriter(Run):
    """A run folder held for writing by this process; made by `store.holding.hold`.

    Nobody else writes meanwhile, so its metrics are read once. Before each write it looks whether the folder is still its
    own.

    Args:
        lock: the number of the lock's open file; None of a folder that nobody else knows.
    """

    def __init__(self, path: Path, lock: int | None = None):
        super().__init__(path)
        self._lock = None if lock is None else os.fstat(lock)

    def check_own(self) -> None:
        """Raises RunFailed where the folder or its lock is gone or another one: somebody else may write there."""
        if self._lock is None:
            return
        try:
            if os.path.samestat(os.stat(self.path / "lock"), self._lock):
                return
        except OSError:
            pass
        raise RunFailed(
            f"`{self.path}` must stay this process's own while it writes: the folder or its lock was removed or replaced; "
            f"nothing more is written"
        )

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One entry a snapshot, by ascending step."""
        return self._metrics

    @cached_property
    def _metrics(self) -> list[dict[str, Any]]:
        """Read once; a last line without its end, as a writer that was killed leaves it, goes."""
        found = self.read_metrics()
        if found.torn:
            whole, _, _ = (self.path / "metrics.jsonl").read_bytes().rpartition(b"\n")
            write_aside(self.path / "metrics.jsonl", whole + b"\n" if whole else b"")
        return found.entries

    def write_config(self, config: Tree) -> None:
        """Write config.yaml and config.json, and sources.json if the configuration names sources of somebody's own."""
        import yaml

        self.check_own()
        self._write_sources(config)
        text = yaml.safe_dump(config, sort_keys=False)
        as_read = {"config_yaml_sha256": hashlib.sha256(text.encode()).hexdigest(), "config": config}
        write_aside(self.path / "config.json", to_json(as_read))
        write_aside(self.path / "config.yaml", text)

    def _write_sources(self, config: Tree) -> None:
        if sources := source_digests(config):
            write_aside(self.path / "sources.json", to_json(sources, indent=1))

    def write_status(self, status: dict[str, Any]) -> None:
        self.check_own()
        write_aside(self.path / "status.json", to_json(status, indent=1))

    def write_about(self, about: dict[str, Any]) -> None:
        self.check_own()
        write_aside(self.path / "about.json", to_json(about))

    def write_references(self, references: dict[str, Any]) -> None:
        self.check_own()
        write_aside(self.path / "references.json", to_json(references))

    def append_metrics(self, entry: dict[str, Any]) -> None:
        self.check_own()
        lines, line = self._metrics, json.loads(to_json(entry))
        try:
            check_entry(line)
        except ValueError as error:
            raise RunFailed(
                f"what was measured at step {entry.get('step')} must be metrics: {error}"
            ) from None
        append_json_lines(self.path / "metrics.jsonl", entry)
        lines.append(line)

    def append_scalars(self, lines: Sequence[Mapping[str, Any]], to_disk: bool = True) -> None:
        """Append lines of scalars; a checkpoint has them, and all before them, brought to the disk first."""
        self.check_own()
        if lines or (to_disk and (self.path / SCALARS).exists()):
            append_json_lines(self.path / SCALARS, *lines, to_disk=to_disk)

    def keep_scalars(self, last: float = math.inf) -> int:
        """Drop lines of scalars later than the step `last`, and a torn one; return the step of the last one kept, or -1."""
        lines = [line for line in self.scalar_lines if line["step"] <= last]
        if (self.path / SCALARS).exists():
            write_aside(self.path / SCALARS, "".join(to_json(line) + "\n" for line in lines))
        return lines[-1]["step"] if lines else -1

    @contextmanager
    def new_snapshot(self, step: int) -> Iterator[Path]:
        """A folder to fill with the snapshot of `step`; it appears under its name, with its files' checksums, when the block
        ends well."""
        self.check_own()
        with folder_aside(self.path / "snapshots" / f"{step:08d}") as folder:
            yield folder
            sums = {file.name: checksum(file) for file in sorted(folder.iterdir())}
            write_aside(folder / CHECKSUMS, to_json(sums))
            self.check_own()

    def forget_after(self, step: int) -> None:
        """Drop metrics, scalars and snapshots later than `step`: a resumed run records them again.

        With step = -1 all go. What a killed process left half-written goes too.
        """
        self.check_own()
        kept = [entry for entry in self.metrics if entry["step"] <= step]
        write_aside(self.path / "metrics.jsonl", "".join(to_json(entry) + "\n" for entry in kept))
        self._metrics[:] = kept
        self.keep_scalars(step)
        for snapshot in self.snapshots:
            if snapshot.step > step:
                shutil.rmtree(snapshot.path)
        for folder in (self.path, self.path / "snapshots", self.path / "checkpoint"):
            remove_asides(folder)

    def begin_anew(self) -> None:
        """Drop all that was recorded: the run is trained from its start. Sources are from now on what they are now."""
        self.forget_after(-1)
        for name in ("references.json", CHECKPOINT):
            (self.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.path / "observations", ignore_errors=True)
        self._write_sources(self.config)

    def write_checkpoint(self, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        """Replace the checkpoint by `tensors` and the JSON-ready `state`."""
        self.check_own()
        text = json.dumps(state)
        metadata = {"state": text, "crc32": str(_checksum(tensors, text))}
        path = self.path / CHECKPOINT
        path.parent.mkdir(exist_ok=True)
        write_aside(path, safetensors_bytes(tensors, metadata))

    def read_checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """The tensors and state of the last checkpoint; None where there is none.

        Raises:
            UserError: there is one and it cannot be read whole.
        """
        from safetensors import SafetensorError, safe_open

        path = self.path / CHECKPOINT
        if not os.path.lexists(path):
            return None
        if not path.is_file():
            raise UserError(_corrupt(path, "it is no file"))
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata()
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            state = json.loads(metadata["state"])
            intact = int(metadata["crc32"]) == _checksum(tensors, metadata["state"])
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise UserError(_corrupt(path, str(error))) from None
        if not intact:
            raise UserError(_corrupt(path, "its checksum differs"))
        return tensors, state


def _checksum(tensors: dict[str, np.ndarray], text: str) -> int:
    checksum = zlib.crc32(text.encode())
    for name, array in sorted(tensors.items()):
        checksum = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), checksum)
        checksum = zlib.crc32(np.ascontiguousarray(array).data, checksum)
    return checksum


def _corrupt(path: Path, why: str) -> str:
    return f"`{path}` must be a whole checkpoint, and is corrupt ({why}): {OR_ANEW}"
