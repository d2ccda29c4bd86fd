"""A run's folder, which holds all that is known of a run.

    config.yaml  config.json  about.json  status.json  metrics.jsonl  scalars.jsonl  references.json
    snapshots/<step>/  observations/<plan>/  checkpoint/state.safetensors  report.html

It is read without torch. One process at a time writes it (`store.writer`).
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phasescope.core.config import Tree, read_yaml
from phasescope.core.errors import UserError
from phasescope.core.kinds import is_reference, load, source_digests
from phasescope.core.plain_files import open_plain
from phasescope.runs.store.files import read_json, read_json_lines, sha256
from phasescope.runs.store.metrics import read_last
from phasescope.runs.store.sites import Site
from phasescope.runs.store.snapshot import Snapshot

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# A line every few steps of a training, where metrics.jsonl has a line a snapshot.
SCALARS = "scalars.jsonl"
# A world of arrays in memory has no file of its own: `watch` saves its arrays in the run's folder.
WORLD = "world.npz"
PLOTS = "phasescope.views.figures.plots:Plots"
NETWORK = "phasescope.runs.trained.load:load_network"
SAMPLE, ACTIVATIONS = "phasescope.runs.trained.sample:sample", "phasescope.runs.trained.sample:activations"
"""by their names, as kinds are: the store stands below what draws and computes, and imports none of it"""

Notify = Callable[[int, int], None]
"""is called with the number of parts done, and of all parts"""


class Run:
    """A run folder that exists, for reading."""

    def __init__(self, path: Path | str):
        self.path = Path(path)

    def __repr__(self) -> str:
        status, count = self.status, len(self.snapshots)
        step = f", step {status['step']:,}" if "step" in status else ""
        return f"Run({self.name}: {status['state']}{step}, {count} snapshot{'s' * (count != 1)})"

    @cached_property
    def name(self) -> str:
        """The folder's name as printable text."""
        return shown(self.path.resolve().name)

    @property
    def identity(self) -> str:
        """The identity of the configuration: the digest at the end of the folder's name."""
        return self.name.rpartition("-")[2]

    @property
    def config(self) -> Tree:
        """The configuration as nested dicts; the file of arrays in the run's folder has its present path. For a watched run
        it holds only what `watch` was given, without defaults of training.

        Raises:
            UserError: it is missing or no YAML.
        """
        tree, kept = read_config(self.path), self.path / WORLD
        world = tree.get("world")
        if isinstance(world, dict) and Path(str(world.get("file"))).name == WORLD and kept.is_file():
            tree["world"] = {**world, "file": str(kept)}
        return tree

    @property
    def status(self) -> dict[str, Any]:
        """The contents of `status.json`. `state` is `killed` if it is running there but no process holds the folder, and
        `broken`, with `error`, if no status can be read."""
        try:
            return read_status(self.path)
        except FileNotFoundError:
            return {"state": "running"} if is_held(self.path) else broken_status("there is no status.json")
        except (OSError, UserError) as error:
            return broken_status(str(error))

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One entry per snapshot, by ascending step."""
        return read_json_lines(self.path / "metrics.jsonl")

    @property
    def last_metrics(self) -> dict[str, Any] | None:
        """The entry of the last snapshot, without reading the others; None if there is none yet."""
        return read_last(self.path / "metrics.jsonl")

    @property
    def references(self) -> dict[str, Any] | None:
        """Baselines that do not change during training: those of pixels and label encodings, and reference denoisers."""
        return self._read("references.json")

    @property
    def about(self) -> dict[str, Any]:
        """The description that world, family and network gave when the run began (`runs.about`); empty if unknown."""
        return self._read("about.json") or {}

    @property
    def tags(self) -> list[str]:
        """The lines of tags.txt, each once and without what cannot be printed; the command `tag` adds one."""
        path = self.path / "tags.txt"
        is_own = path.is_file() and not path.is_symlink()
        text = path.read_text(encoding="utf-8", errors="replace") if is_own else ""
        lines = ("".join(filter(str.isprintable, line)).strip() for line in text.split("\n"))
        return list(dict.fromkeys(filter(None, lines)))

    @property
    def sources(self) -> dict[str, str]:
        """The SHA-256, when the run was made, of each source file of the user that the configuration names."""
        return self._read("sources.json") or {}

    def _read(self, name: str) -> Any:
        """Return the contents of a JSON file of the run; None if it does not exist."""
        try:
            return read_json(self.path / name)
        except FileNotFoundError:
            return None

    @property
    def changed_sources(self) -> list[str]:
        """Sources that the configuration names and that have changed since the run was made."""
        recorded = self.sources
        present = source_digests(self.config).items()
        return [name for name, sha in present if recorded.get(name, "" if is_reference(name) else sha) != sha]

    def check_sources(self) -> None:
        """Raise UserError if a source that the configuration names has changed since the run was made."""
        for name in self.changed_sources:
            raise UserError(
                f"`{name}` must be what `{self.name}` was made with, and has changed since: "
                f"put it back, or give the run another `name`"
            )

    @property
    def plot(self) -> Any:
        """The run's figures: `run.plot.timeline()` and the others of `views.figures.plots.Plots`."""
        return load(PLOTS)(self)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per snapshot: `config.<field>`, `step`, `images_seen`, `loss`, `probe_r2.mid.600.value` and all
        other metrics."""
        from phasescope.runs.store.flat import frame_of, snapshot_rows

        return frame_of(snapshot_rows(self.identity, self.config, self.status, self.metrics))

    def scalars(self) -> pd.DataFrame:
        """Return one row every `training.scalars_every` steps: `step`, `images_seen`, `wall_s` (seconds of computing so
        far), `loss` of this step's batch, `learning_rate`, `gradient_norm` before clipping, and `images_per_s` without
        snapshots. A watched run has the scalars that its loop logged."""
        from phasescope.runs.store.flat import frame_of

        return frame_of(self.scalar_lines)

    @property
    def scalar_lines(self) -> list[dict[str, Any]]:
        """The lines of scalars.jsonl, by ascending step, without an incomplete last line."""
        return read_json_lines(self.path / SCALARS)

    @property
    def observations(self) -> list[Run]:
        """Further observations of the run's stored weights, each a run folder of its own, by name."""
        return [Run(path.parent) for path in sorted((self.path / "observations").glob("*/config.yaml"))]

    @property
    def snapshots(self) -> list[Snapshot]:
        """All complete snapshots, by ascending step."""
        folders = [
            path
            for path in (self.path / "snapshots").glob("[0-9]*")
            if path.name.isascii() and path.name.isdigit() and path.is_dir()
        ]
        return sorted(map(Snapshot, folders), key=lambda snapshot: snapshot.step)

    def snapshot(self, step: int | None = None) -> Snapshot:
        """Return the snapshot of a step, by default the last one.

        Raises:
            UserError: it does not exist.
        """
        snapshots = {snapshot.step: snapshot for snapshot in self.snapshots}
        if not snapshots:
            raise UserError(f"`RUN` (={self.name}) must have a snapshot, and has none yet")
        step = max(snapshots) if step is None else step
        if step not in snapshots:
            known = ", ".join(map(str, snapshots))
            raise UserError(f"`--step` (={step}) must be one of the snapshots: {known}")
        return snapshots[step]

    def load_network(self, step: int | None = None) -> Any:
        """Return the network of a snapshot, by default the last one, with averaged weights, in evaluation mode, on the CPU.

        It is a `torch.nn.Module`, called as `network(x_t, t, labels)`; `t` is None if the family has no noise levels.

        Raises:
            UserError: there is no such snapshot; the network was watched, and only its own loop can build it.
        """
        return load(NETWORK)(self, self.snapshot(step)).network

    def sample(
        self, labels: Sequence[float] | np.ndarray, n: int = 1, step: int | None = None, seed: int = 0
    ) -> np.ndarray:
        """Sample `n` images for each of `labels`, (m, K) or one (K,), with the network of a snapshot.

        Returns:
            (m * n, C, *spatial) float32 in [-1, 1], all images of a label next to each other; the noise derives from `seed`.

        Raises:
            UserError: a label lies outside the world; there is no such snapshot.
        """
        return load(SAMPLE)(self, labels, n, step, seed)

    def activations(self, site: Site | str, labels: np.ndarray, step: int | None = None) -> np.ndarray:
        """Read a layer's activations for the images of `labels`, (m, K), with the network of a snapshot.

        Args:
            site: a layer and a noise level, as `mid.600` or `Site("mid", 600)`; the layer alone if the family has none.

        Returns:
            (m, features) float32, as snapshots record them: the run's own noise, a draw for each label.

        Raises:
            UserError: there is no such layer, noise level or snapshot; a label lies outside the world.
        """
        return load(ACTIVATIONS)(self, site, labels, step)


def broken_status(why: str) -> dict[str, Any]:
    return {"state": "broken", "error": why}


def shown(name: str) -> str:
    """Return a path or its name as printable text, with undecodable bytes escaped."""
    return name.encode(errors="backslashreplace").decode()


def read_config(folder: Path) -> Tree:
    """Return the configuration in config.yaml of a run's folder.

    config.json, which is read 30 times faster, is read instead if it was written together with this config.yaml.

    Raises:
        UserError: config.yaml is missing or no YAML.
    """
    with suppress(OSError, ValueError, LookupError, TypeError):
        kept = read_json(folder / "config.json")
        if kept["config_yaml_sha256"] == sha256(folder / "config.yaml"):
            return kept["config"]
    if not (tree := read_yaml(folder / "config.yaml")):
        raise UserError(f"`{folder / 'config.yaml'}` must hold a run's configuration: it is empty")
    return tree


def read_status(folder: Path) -> dict[str, Any]:
    """Return the contents of status.json; `state` is `killed` if it is running there but no process holds the folder.

    Raises:
        UserError: it is no JSON, or holds no state.
        OSError: it cannot be read.
    """
    status = read_json(folder / "status.json")
    if not isinstance(status, dict):
        raise UserError(f"`{folder / 'status.json'}` must hold a run's `state`, and does not")
    for key, holds, rule in STATUS_RULES:
        if key in status and not holds(status[key]):
            value = f"{status[key]!r:.40}"
            raise UserError(f"`{key}` (={value}) in `{folder / 'status.json'}` must be {rule}")
    if "state" not in status:
        raise UserError(f"`{folder / 'status.json'}` must hold a run's `state`, and does not")
    if status["state"] == "running" and not is_held(folder):
        status["state"] = "killed"
    return status


def _is_number(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and abs(value) < 2**63)  # nor NaN


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_time(value: Any) -> bool:
    if value is None:
        return True
    try:
        return datetime.fromisoformat(value) is not None
    except (TypeError, ValueError):
        return False


def _is_summary(value: Any) -> bool:
    """Return whether a value has the form of `recorder.summarise`."""
    if not isinstance(value, dict):
        return value is None
    for key, part in value.items():
        if not isinstance(part, dict):
            return False
        if key == "sites" and not all(map(_is_text, part.values())):
            return False
        if "sequence" in part and not (
            isinstance(part["sequence"], list) and all(map(_is_text, part["sequence"]))
        ):
            return False
    return True


STATES = ("prepared", "running", "stopped", "done", "failed")
"""of status.json; a reader adds `killed` and `broken`"""
NUMBERS = (
    "step",
    "steps",
    "images_seen",
    "images",
    "parameters",
    "wall_s",
    "cpu_s",
    "observing_s",
    "cores",
    "pid",
    "threads",
)
STATUS_RULES: list[tuple[str, Callable[[Any], bool], str]] = [
    ("state", lambda value: value in STATES, f"one of {', '.join(STATES)}"),
    *((key, _is_number, "a number") for key in NUMBERS),
    *((key, _is_text, "text") for key in ("error", "host", "cpu", "device", "git_commit")),
    *((key, _is_time, "a time") for key in ("started", "updated")),
    ("summary", _is_summary, "what was read, by reading"),
]
"""keys of status.json, which may come from a stranger: what each must be if it is there"""


def is_held(path: Path) -> bool:
    """Return whether some process holds the run folder for writing."""
    try:
        with open_plain(path / "lock") as lock:
            # Shared, so that two readers that look at the same moment do not take one another for a writer.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def now() -> str:
    """Return the time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
