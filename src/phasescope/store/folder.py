"""A run's folder: the truth about a run, on disk.

    config.yaml  about.json  status.json  metrics.jsonl  references.json  snapshots/<step>/  observations/<plan>/
    checkpoint/state.safetensors  report.html

It is read without torch. One process at a time writes it (`store.holding`).
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasescope.config import Tree, read_yaml
from phasescope.errors import UserError
from phasescope.kinds import load, source_digests
from phasescope.showing import html_table
from phasescope.store.files import read_json
from phasescope.store.metrics import Metrics, is_number, read_metrics
from phasescope.store.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas as pd

WORLD = "world.npz"
"""the arrays of a world that was at hand, in the folder of a run that was watched"""
PLOTS = "phasescope.views.plots:Plots"
"""by its name, as kinds are: the store stands below what draws, and imports none of it"""


class Run:
    """A run folder that exists, for reading."""

    def __init__(self, path: Path | str):
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"Run({self.name}: {self._state()})"

    def _repr_html_(self) -> str:
        about, summary = self.about, self.status.get("summary") or {}
        sentence = [("world", about["sentence"])] if isinstance(about.get("sentence"), str) else []
        phases = [
            (f"phases of {kind}", " ".join(map(str, found["sequence"])))
            for kind, found in summary.items()
            if isinstance(found, dict) and isinstance(found.get("sequence"), list)
        ]
        return html_table(self.name, [("state", self._state()), *sentence, *phases])

    def _state(self) -> str:
        status = self.status
        step = f", step {status['step']:,}" if "step" in status else ""
        count = len(self.snapshots)
        return f"{status['state']}{step}, {count} snapshot{'s' * (count != 1)}"

    @property
    def name(self) -> str:
        """The folder's name, as it can be shown."""
        return shown(self.path.resolve().name)

    @property
    def identity(self) -> str:
        """Of what is learnt, as the folder's name has it."""
        return self.name.rpartition("-")[2]

    @property
    def config(self) -> Tree:
        """The configuration as nested dicts; arrays that the run keeps are named where they lie now. Of a watched run it is
        what `watch` was given, and no default of a training.

        Raises:
            UserError: it is missing or no YAML.
        """
        tree, kept = read_yaml(self.path / "config.yaml"), self.path / WORLD
        world = tree.get("world")
        if isinstance(world, dict) and Path(str(world.get("file"))).name == WORLD and kept.is_file():
            tree["world"] = {**world, "file": str(kept)}
        network, training = tree.get("network"), tree.get("training")
        watched = (
            isinstance(network, dict) and network.get("kind") == "watched" and isinstance(training, dict)
        )
        # An earlier version wrote every default, among them a batch of 64.
        if watched and "steps" in training:
            tree["training"] = {k: v for k, v in training.items() if k == "batch" and v != 64}
        return tree

    @property
    def status(self) -> dict[str, Any]:
        """What `status.json` says.

        `state` is `killed` where it says running and nobody holds the folder, and `broken` where the folder has no
        readable status or configuration; `error` then tells which.
        """
        return self.status_given(lambda: self.config)

    def status_given(self, config: Callable[[], Tree]) -> dict[str, Any]:
        """The status, with the configuration from a reader that keeps it: parsing it is the costliest part of a list."""
        try:
            if not config():
                return _broken("config.yaml is empty")
            status = read_status(self.path)
        except UserError as error:
            return _broken(str(error))
        except FileNotFoundError:
            return {"state": "running"} if is_held(self.path) else _broken("there is no status.json")
        except OSError as error:
            return _broken(f"status.json cannot be read: {error}")
        if status["state"] == "running" and not is_held(self.path):
            status["state"] = "killed"
        return status

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One entry a snapshot, by ascending step; lines that are none are left out, and are among the `faults`."""
        return self.read_metrics().entries

    def read_metrics(self) -> Metrics:
        """What metrics.jsonl holds, and what of it is none."""
        return read_metrics(self.path / "metrics.jsonl")

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
            told = read_json(self.path / name)
        except (OSError, UserError):
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
    def plot(self) -> Any:
        """The run's figures: `run.plot.timeline()` and the others of `views.plots.Plots`."""
        return load(PLOTS)(self)

    def to_frame(self) -> pd.DataFrame:
        """A row a snapshot: `config.<field>`, `step`, `images_seen`, `loss`, `order.mid.600.value` and all other metrics."""
        from phasescope.store.flat import as_frame, plain_types, snapshot_rows

        with damage_told(self):
            return plain_types(as_frame(snapshot_rows(self.identity, self.config, self.status, self.metrics)))

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
        folders = [
            path
            for path in (self.path / "snapshots").glob("[0-9]*")
            if path.name.isascii() and path.name.isdigit() and path.is_dir()
        ]
        return sorted(map(Snapshot, folders), key=lambda snapshot: snapshot.step)


@contextmanager
def damage_told(run: Run) -> Iterator[None]:
    """Within the block, which reads what a run recorded, what that makes impossible is a UserError that names the run."""
    with damage_told_of(run.path, "a run's"):
        yield


@contextmanager
def damage_told_of(path: Path, whose: str) -> Iterator[None]:
    """Within the block, which reads what is stored at a path, what that makes impossible is a UserError that names it."""
    try:
        yield
    except UserError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        raise UserError(
            f"`{shown(str(path))}` holds something that cannot be read as {whose}: {why}"
        ) from error


def shown(name: str) -> str:
    """A path or its name as text: bytes in it that are none are escaped."""
    return name.encode(errors="backslashreplace").decode()


def _broken(why: str) -> dict[str, Any]:
    return {"state": "broken", "error": why}


STATES = ("prepared", "running", "stopped", "failed", "done")
"""what a status may say of a run; `killed` and `broken` are seen from outside"""
COUNTS = ("step", "steps", "images_seen", "images", "parameters", "threads", "wall_s", "cpu_s", "observing_s")


def read_status(folder: Path) -> dict[str, Any]:
    """What a run folder's status.json says, as it stands.

    Raises:
        UserError: it is none.
        OSError: it is not there, or cannot be read.
    """
    status = read_json(folder / "status.json")
    if why := _fault_of_status(status):
        raise UserError(f"status.json is none: {why}")
    return status


def _fault_of_status(status: Any) -> str | None:
    """What makes a JSON value no status."""
    if not isinstance(status, dict) or not isinstance(status.get("state"), str):
        return "it holds no state"
    if status["state"] not in STATES:
        return f"`state` (={status['state'][:40]}) must be one of {', '.join(STATES)}"
    for name in COUNTS:
        value = status.get(name)
        if value is not None and not (is_number(value) and value >= 0):
            return f"`{name}` (={repr(value)[:40]}) must be a number from 0 on"
    if not isinstance(status.get("summary", {}), dict):
        return "`summary` is no object"
    return None


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
