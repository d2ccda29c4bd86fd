"""A run's folder: the truth about a run, on disk.

    config.yaml  status.json  metrics.jsonl  references.json  snapshots/<step>/  checkpoint/state.safetensors  report.html

It is read without torch. One process at a time writes it (a lock on the folder's `lock` file); a reader never waits.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np

from phasescope.config import Tree, read_yaml
from phasescope.errors import UserError
from phasescope.store.files import (
    append_json_line,
    folder_aside,
    read_json_lines,
    remove_asides,
    to_json,
    write_aside,
)
from phasescope.store.tables import read_parquet, safetensors_bytes

CHECKPOINT = Path("checkpoint") / "state.safetensors"
LOCK_PATIENCE_S = 1.0
"""how long a writer waits for the lock: a reader that looks whether a folder is held has it for a moment"""


class Snapshot:
    """What was recorded of a run at one step."""

    def __init__(self, path: Path):
        self.path = path
        self.step = int(path.name)

    def samples(self) -> dict[str, np.ndarray]:
        """`images` (n, N, N) float32 in [-1, 1], `labels` (n, K), `on_grid` (n,) bool."""
        with np.load(self.path / "samples.npz") as arrays:
            return {
                "images": arrays["images"].astype(np.float32),
                "labels": arrays["labels"],
                "on_grid": arrays["on_grid"],
            }

    def latent_labels(self) -> np.ndarray:
        """The labels of the latents, (n, K)."""
        return self._array("labels")

    def latents(self, tap: str, t: int) -> np.ndarray:
        """Activations at a tap and timestep, (n, features) float32."""
        return self._array(f"latents/{tap}/{t}")

    def embedding(self, tap: str, t: int) -> np.ndarray | None:
        """The UMAP to 3D of those latents, (n, 3), where it was taken."""
        name = f"umap/{tap}/{t}"
        return self._array(name) if name in self._names else None

    def taps_and_timesteps(self) -> list[tuple[str, int]]:
        """The places whose latents are here."""
        places = [name.split("/") for name in self._names if name.startswith("latents/")]
        return [(tap, int(t)) for _, tap, t in places]

    def readings(self) -> dict[str, np.ndarray]:
        """The columns of `reading.parquet`: label_x, label_y, on_grid, outcome, bumps, x, y, width_px, amplitude, ..."""
        return read_parquet(self.path / "reading.parquet")

    def weights(self) -> dict[str, np.ndarray]:
        """The averaged weights."""
        from safetensors.numpy import load_file

        return load_file(self.path / "weights.safetensors")

    @cached_property
    def _names(self) -> list[str]:
        path = self.path / "latents.npz"
        if not path.exists():
            return []
        with np.load(path) as arrays:
            return list(arrays.files)

    def _array(self, name: str) -> np.ndarray:
        with np.load(self.path / "latents.npz") as arrays:
            return arrays[name].astype(np.float32)


class Run:
    """A run folder that exists, for reading."""

    def __init__(self, path: Path):
        self.path = path

    @property
    def name(self) -> str:
        return self.path.resolve().name

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
        try:
            return json.loads((self.path / "references.json").read_text())
        except (OSError, ValueError):
            return None

    @property
    def snapshots(self) -> list[Snapshot]:
        """All whole snapshots, by ascending step."""
        folders = [path for path in (self.path / "snapshots").glob("[0-9]*") if path.name.isdigit()]
        return sorted(map(Snapshot, folders), key=lambda snapshot: snapshot.step)


class RunWriter(Run):
    """A run folder held for writing by this process; made by `hold`."""

    def write_status(self, status: dict[str, Any]) -> None:
        write_aside(self.path / "status.json", to_json(status, indent=1))

    def write_references(self, references: dict[str, Any]) -> None:
        write_aside(self.path / "references.json", to_json(references))

    def append_metrics(self, entry: dict[str, Any]) -> None:
        append_json_line(self.path / "metrics.jsonl", entry)

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
        for snapshot in self.snapshots:
            if snapshot.step > step:
                shutil.rmtree(snapshot.path)
        for folder in (self.path, self.path / "snapshots", self.path / "checkpoint"):
            remove_asides(folder)

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


@contextmanager
def hold(path: Path, config: Tree) -> Iterator[RunWriter]:
    """Hold a run folder for writing, making it where it does not exist.

    Raises:
        UserError: the folder holds another configuration, or something that is no run; another process holds it; it cannot
            be written.
    """
    import yaml

    try:
        if path.exists() and not path.is_dir():
            raise UserError(f"`{path}` must be a folder")
        if path.exists() and any(path.iterdir()):
            _check_same(path, config)
        path.mkdir(parents=True, exist_ok=True)
        with open(path / "lock", "a") as lock:
            if not _lock(lock):
                raise UserError(f"`{path}` is being written by another process: wait for it, or stop it")
            if not (path / "config.yaml").exists():
                write_aside(path / "config.yaml", yaml.safe_dump(config, sort_keys=False))
            (path / "snapshots").mkdir(exist_ok=True)
            yield RunWriter(path)
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


def _check_same(path: Path, config: Tree) -> None:
    if not (path / "config.yaml").exists():
        if any(entry.name != "lock" and not entry.name.startswith(".") for entry in path.iterdir()):
            raise UserError(f"`{path}` must be empty or a run's folder: it holds files and no config.yaml")
        return
    there = read_yaml(path / "config.yaml")
    if there != config:
        field, old, new = next(differences(there, config))
        raise UserError(
            f"`{path}` holds a run with another configuration: `{field}` is {old} there and {new} here; "
            "nothing is overwritten"
        )


def differences(old: Any, new: Any, field: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted field, old value, new value) wherever two configuration trees differ; a missing field is `absent`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            inner = f"{field}.{key}" if field else str(key)
            yield from differences(old.get(key, "absent"), new.get(key, "absent"), inner)
    elif old != new:
        yield field, old, new


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
