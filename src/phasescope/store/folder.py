"""A run's folder: the truth about a run, on disk.

    config.yaml  about.json  status.json  metrics.jsonl  references.json  snapshots/<step>/  observations/<plan>/
    checkpoint/state.safetensors  report.html

It is read without torch. One process at a time writes it (`store.holding`).
"""

from __future__ import annotations

import fcntl
import json
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from phasescope.config import Tree, read_yaml
from phasescope.errors import UserError
from phasescope.kinds import source_digests
from phasescope.store.files import (
    append_json_line,
    folder_aside,
    read_json_lines,
    remove_asides,
    to_json,
    write_aside,
)
from phasescope.store.snapshot import Snapshot
from phasescope.store.tables import safetensors_bytes

CHECKPOINT = Path("checkpoint") / "state.safetensors"


class Run:
    """A run folder that exists, for reading."""

    def __init__(self, path: Path):
        self.path = path

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def identity(self) -> str:
        """Of what is learnt, as the folder's name has it."""
        return self.name.rpartition("-")[2]

    @property
    def config(self) -> Tree:
        """The configuration as nested dicts.

        Raises:
            UserError: it is missing or no YAML.
        """
        return read_yaml(self.path / "config.yaml")

    @property
    def status(self) -> dict[str, Any]:
        """What `status.json` says.

        `state` is `killed` where it says running and nobody holds the folder, and `broken` where the folder has no
        readable status or configuration; `error` then tells which.
        """
        try:
            if not self.config:
                return _broken("config.yaml is empty")
            status = json.loads((self.path / "status.json").read_text())
        except UserError as error:
            return _broken(str(error))
        except FileNotFoundError:
            return {"state": "running"} if is_held(self.path) else _broken("there is no status.json")
        except (OSError, ValueError) as error:
            return _broken(f"status.json cannot be read: {error}")
        if not isinstance(status, dict) or not isinstance(status.get("state"), str):
            return _broken("status.json holds no state")
        if status["state"] == "running" and not is_held(self.path):
            status["state"] = "killed"
        return status

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One entry a snapshot, by ascending step."""
        return [entry for entry in read_json_lines(self.path / "metrics.jsonl") if "step" in entry]

    @property
    def references(self) -> dict[str, Any] | None:
        """What does not change while the run learns: nulls from pixels and label encodings, the unconditional optimum."""
        return self._told("references.json")

    @property
    def about(self) -> dict[str, Any]:
        """What the run is about, as its world, family and network said when it began (`runs.about`); empty where unknown."""
        return self._told("about.json") or {}

    @property
    def sources(self) -> dict[str, str]:
        """Of each source of somebody's own that the configuration names, the SHA-256 that it was made with."""
        return self._told("sources.json") or {}

    def _told(self, name: str) -> dict[str, Any] | None:
        """What a file of the run holds; None where it is not there, or holds no such thing."""
        try:
            told = json.loads((self.path / name).read_text())
        except (OSError, ValueError):
            return None
        return told if isinstance(told, dict) else None

    @property
    def changed_sources(self) -> list[str]:
        """Sources that the configuration names and that are not those that the run was made with."""
        told = self.sources
        return [
            name for name, digest in source_digests(self.config).items() if told.get(name, digest) != digest
        ]

    def check_sources(self) -> None:
        """Raises UserError where a source that the configuration names is not the one that the run was made with."""
        for name in self.changed_sources:
            raise UserError(
                f"`{name}` must be what `{self.name}` was made with, and has changed since: "
                f"put it back, or give the run another `name`"
            )

    @property
    def observations(self) -> list[Run]:
        """Further observations of the run's stored weights, each a run folder of its own, by name."""
        return [
            Run(path)
            for path in sorted((self.path / "observations").glob("*/"))
            if (path / "config.yaml").exists()
        ]

    @property
    def snapshots(self) -> list[Snapshot]:
        """All whole snapshots, by ascending step."""
        folders = [path for path in (self.path / "snapshots").glob("[0-9]*") if path.name.isdigit()]
        return sorted(map(Snapshot, folders), key=lambda snapshot: snapshot.step)


class RunWriter(Run):
    """A run folder held for writing by this process; made by `store.holding.hold`.

    Nobody else writes meanwhile, so its metrics are read once.
    """

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One entry a snapshot, by ascending step."""
        return self._metrics

    @cached_property
    def _metrics(self) -> list[dict[str, Any]]:
        return super().metrics

    def write_config(self, config: Tree) -> None:
        """Write config.yaml, and sources.json where the configuration names sources of somebody's own."""
        import yaml

        self._write_sources(config)
        write_aside(self.path / "config.yaml", yaml.safe_dump(config, sort_keys=False))

    def _write_sources(self, config: Tree) -> None:
        if sources := source_digests(config):
            write_aside(self.path / "sources.json", to_json(sources, indent=1))

    def write_status(self, status: dict[str, Any]) -> None:
        write_aside(self.path / "status.json", to_json(status, indent=1))

    def write_about(self, about: dict[str, Any]) -> None:
        write_aside(self.path / "about.json", to_json(about))

    def write_references(self, references: dict[str, Any]) -> None:
        write_aside(self.path / "references.json", to_json(references))

    def append_metrics(self, entry: dict[str, Any]) -> None:
        there = self._metrics
        append_json_line(self.path / "metrics.jsonl", entry)
        there.append(json.loads(to_json(entry)))

    @contextmanager
    def new_snapshot(self, step: int) -> Iterator[Path]:
        """A folder to fill with the snapshot of `step`; it appears under its name when the block ends well."""
        with folder_aside(self.path / "snapshots" / f"{step:08d}") as folder:
            yield folder

    def forget_after(self, step: int) -> None:
        """Drop metrics and snapshots later than `step`: a resumed run records them anew.

        With step = -1 all go. What a killed process left half-written goes too.
        """
        kept = [entry for entry in self.metrics if entry["step"] <= step]
        write_aside(self.path / "metrics.jsonl", "".join(to_json(entry) + "\n" for entry in kept))
        self._metrics[:] = kept
        for snapshot in self.snapshots:
            if snapshot.step > step:
                shutil.rmtree(snapshot.path)
        for folder in (self.path, self.path / "snapshots", self.path / "checkpoint"):
            remove_asides(folder)

    def begin_anew(self) -> None:
        """Forget all that was recorded: nothing was learnt yet. Sources are from now on what they are now."""
        self.forget_after(-1)
        for name in ("references.json", CHECKPOINT):
            (self.path / name).unlink(missing_ok=True)
        self._write_sources(self.config)

    def write_checkpoint(self, tensors: dict[str, np.ndarray], state: dict[str, Any]) -> None:
        """Replace the checkpoint by `tensors` and the JSON-ready `state`."""
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
        if not path.exists():
            return None
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
    return f"`{path}` must be a whole checkpoint, and is corrupt ({why}): delete it to train this run from its start"


def _broken(why: str) -> dict[str, Any]:
    return {"state": "broken", "error": why}


def is_held(path: Path) -> bool:
    """Whether some process holds the run folder for writing."""
    try:
        with open(path / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def now() -> str:
    """The time in UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
