"""A run's folder, which holds all that is known of a run: the files in `store.layout`.

    snapshots/<step>/  observations/<plan>/  checkpoint/state.safetensors  states/<step>.safetensors

It is read without torch. One process at a time writes it (`store.writer`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from os.path import isfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from phasescope.core.config import Tree, read_yaml
from phasescope.core.errors import UserError, reading
from phasescope.core.kinds import is_reference, source_digests
from phasescope.runs.store.files import read_json, read_json_lines, read_last_json_line, sha256
from phasescope.runs.store.layout import FORK, METER, METRICS, SCALARS, STATES, WORLD
from phasescope.runs.store.snapshot import Snapshot
from phasescope.runs.store.status import broken_status, is_held, read_status

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.measures.use_forecast import Forecast

T = TypeVar("T")
Notify = Callable[[int, int], None]
"""is called with the number of parts done, and of all parts"""

FORK_RULES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("run", lambda value: isinstance(value, str) and value.isalnum(), "a run's identity"),
    ("name", lambda value: isinstance(value, str) and value.isprintable(), "a run's name"),
    ("step", lambda value: type(value) is int and 0 <= value < 2**63, "a step"),
    ("changes", lambda value: isinstance(value, dict), "fields with their values"),
)
"""keys of fork.json: what each must be"""


class RunFolder:
    """A run's folder that exists, for reading; `phasescope.Run` is one that also draws and computes."""

    def __init__(self, path: Path | str):
        self.path = Path(path)

    def __repr__(self) -> str:
        status, count = self.status, len(self.snapshots)
        step = f", step {status['step']:,}" if "step" in status else ""
        snapshots = "1 snapshot" if count == 1 else f"{count} snapshots"
        return f"{type(self).__name__}({self.name}: {status['state']}{step}, {snapshots})"

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
        return read_json_lines(self.path / METRICS)

    @property
    def last_metrics(self) -> dict[str, Any] | None:
        """The entry of the last snapshot, without reading the others; None if there is none yet."""
        return read_last_json_line(self.path / METRICS)

    @property
    def references(self) -> dict[str, Any] | None:
        """Baselines that do not change during training: those of pixels and label encodings, and reference denoisers."""
        return self._read("references.json")

    @property
    def about(self) -> dict[str, Any]:
        """The description by world, family and network when the run began (`training.description`); empty if unknown."""
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

    def meter(self) -> pd.DataFrame:
        """Return the readings of the condition meter, one row a reading and band of noise.

            frame = run.meter()
            frame[frame.deciding & (frame.pairs == "held_out")].plot("images_seen", "use")

        `step`, `images_seen`, `pairs` (`held_out`, or `trained`), `exchanged` (`all`, or one factor), `low` and `high` (log
        SNR), `deciding` (whether it is the band in which the label decides), and for `loss`, `advantage`, `alignment`,
        `use`, `removable`, `over_none` and `label_gradient` the value, its standard error (`_se`) and its 95 % interval
        (`_low`, `_high`). Columns are those of `ConditionMeter`; `use` and `removable` need a world without hidden factors,
        `over_none` and `nats` (with `nats_se`) a run with `training.label_dropout`, `label_gradient` one with
        `probing.meter.label_gradient`.

        The trap: errors are summed over the pixels of an image, where the run's `loss` is their mean. The frame is empty if
        `probing.meter.every` was 0; `phasescope observe RUN meter.every=1` reads the stored snapshots.
        """
        from phasescope.runs.store.flat import frame_of
        from phasescope.runs.store.meter import rows_of

        return frame_of(rows_of(self.meter_lines))

    def forecast(self, level: float | None = None) -> Forecast:
        """Return when the use of the label will pass `level`, in images seen, from the condition meter's readings so far.

            str(run.forecast())      # "no forecast yet: 2 readings in a row are above their noise, and 4 are needed"

        The trap: its interval is calibrated on small systems (`phasescope.measures.use_forecast`), and holds of others as
        far as they grow alike.

        Args:
            level: share of the exact contrast that the network makes, between 0 and 1; 0.5 by default.

        Raises:
            UserError: the run has no readings, or its world has hidden factors, so that use is not known.
        """
        from phasescope.measures.use_forecast import LEVEL, forecast_use
        from phasescope.runs.store.meter import course

        readings = course(self.meter_lines)
        if not readings or readings[0][1]["use"] is None:
            raise UserError(
                f"`RUN` (={self.name}) must have readings of the use of its label: `probing.meter.every` was 0, or a factor "
                "is hidden"
            )
        images_seen = [line["images_seen"] for line, _ in readings]
        use = [band["use"]["value"] for _, band in readings]
        return forecast_use(
            images_seen, use, [band["use"]["se"] for _, band in readings], LEVEL if level is None else level
        )

    @property
    def meter_lines(self) -> list[dict[str, Any]]:
        """The lines of meter.jsonl, by ascending step, without an incomplete last line."""
        return read_json_lines(self.path / METER)

    @property
    def states(self) -> dict[int, Path]:
        """The files of whole states of training by step, in order; those that `training.states` kept."""
        files = [file for file in (self.path / STATES).glob("*.safetensors") if is_step(file.stem)]
        return {int(file.stem): file for file in sorted(files)}

    @property
    def fork(self) -> dict[str, Any] | None:
        """Of a fork its parent's `run` and `name`, the `step` from which it goes on, and what `changes`, by dotted field
        (nothing in a control). None of another run.

        Raises:
            UserError: fork.json, which may come from a stranger, holds something else.
        """
        fork = self._read(FORK)
        if fork is None:
            return None
        path = shown(str(self.path / FORK))
        if not isinstance(fork, dict):
            raise UserError(f"`{path}` must hold what the run continues, and holds {fork!r:.40}")
        for key, holds, rule in FORK_RULES:
            if not holds(fork.get(key)):
                raise UserError(f"`{key}` (={fork.get(key)!r:.40}) in `{path}` must be {rule}")
        return fork

    @property
    def observations(self) -> list[Self]:
        """Further observations of the run's stored weights, each a run folder of its own, by name."""
        folders = sorted(path.parent for path in (self.path / "observations").glob("*/config.yaml"))
        return [type(self)(folder) for folder in folders]

    @property
    def snapshots(self) -> list[Snapshot]:
        """All complete snapshots, by ascending step."""
        folders = [
            path for path in (self.path / "snapshots").glob("[0-9]*") if is_step(path.name) and path.is_dir()
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


def is_step(name: str) -> bool:
    """Return whether a name is a step's: `²` is a digit, too, and no number."""
    return name.isascii() and name.isdigit() and len(name) < 20


def is_run(path: Path) -> bool:
    """Return whether there is a run's folder at `path`."""
    return isfile(path / "config.yaml")


def read_or(run: RunFolder, read: Callable[[RunFolder], T], broken: Callable[[str], T]) -> T:
    """Return `read(run)`, or `broken(reason)` if the run's files cannot be read."""
    try:
        with reading(run.path):
            return read(run)
    except UserError as error:
        return broken(str(error))


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


def shown(name: str) -> str:
    """Return a path or its name as printable text, with undecodable bytes escaped."""
    return name.encode(errors="backslashreplace").decode()


def now() -> str:
    """Return the time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
