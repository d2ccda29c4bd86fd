"""Runs and records that were written before identities left out what stands at its default, carried over once.

    python -m tools.migrate RUNS [RESULTS]      RUNS a folder of runs, RESULTS one of studies' results

A run's identity was the hash of every field of its configuration, observing included; it is now what is learnt. So a run's
folder gets the name of its identity, with the same weights, metrics and snapshots in today's form; and records get the
identities of their runs, which their configurations tell. Nothing is computed anew, what is carried over already stays as it
is, and a folder is carried over whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from phasescope.config import Tree, set_overrides
from phasescope.errors import UserError
from phasescope.places import Place
from phasescope.runs.about import about
from phasescope.runs.config import RunConfig
from phasescope.store import Run
from phasescope.store.files import folder_aside, remove_asides, to_json, write_aside
from phasescope.store.folder import is_held
from phasescope.store.records import rename_records, some_columns
from phasescope.store.tables import read_parquet, write_parquet
from phasescope.store.writer import RunWriter
from phasescope.studies.core.records import RECORDS

SCORES = ("order", "p1_order", "trustworthiness", "participation_ratio", "label_share", "label_dimension")
LINKED = (".safetensors",)
"""files that no form of a run changes; the checkpoint is written anew"""


def todays_tree(old: Tree) -> Tree:
    """A configuration's tree with the fields of former times in today's words."""
    probing = dict(old.get("probing") or {})
    images = {
        split: probing.pop(field)
        for split, field in (("grid", "grid_labels"), ("off_grid", "off_grid_labels"))
        if field in probing
    }
    return {**old, "probing": {**probing, **({"images": images} if images else {})}}


def migrate_runs(runs: Path, on_run: Callable[[str, str], None] = lambda old, new: None) -> int:
    """Carry over every run in a folder of runs; how many were.

    Args:
        on_run: told the former and the new name of each.

    Raises:
        UserError: a run is being written, its configuration cannot be read, or another one has its new name.
    """
    count = 0
    remove_asides(runs)
    for path in sorted(runs.iterdir()) if runs.is_dir() else ():
        if not (path / "config.yaml").is_file():
            continue
        run = Run(path)
        config = RunConfig.of(todays_tree(run.config))
        if run.name == config.folder and (path / "about.json").exists():
            continue
        if is_held(path):
            raise UserError(f"`{path}` is being written by another process: wait for it, or stop it")
        _migrate(run, config, path.with_name(config.folder))
        on_run(run.name, config.folder)
        count += 1
    return count


def _migrate(run: Run, config: RunConfig, target: Path) -> None:
    same = target == run.path
    if target.exists() and not same:
        if not _is_carried_over(run, Run(target)):
            raise UserError(f"`{target}` must not be there: `{run.path}` is to have that name")
        _remove(run.path)
        return
    plan = config.plan_of(config.network.taps, config.network.usual_taps)
    with folder_aside(target) as folder:
        shutil.copytree(run.path, folder, copy_function=_link_or_copy, dirs_exist_ok=True)
        (folder / "config.yaml").unlink()
        writer = RunWriter(folder)
        writer.write_config(config.tree())
        writer.write_about(about(config, plan))
        lines = [_line(entry) for entry in run.metrics]
        write_aside(folder / "metrics.jsonl", "".join(to_json(line) + "\n" for line in lines))
        if (references := run.references) is not None:
            writer.write_references(_references(references, list(plan.taps)))
        _status(writer, folder)
        _checkpoint(writer, config)
        for snapshot in writer.snapshots:
            _snapshot(snapshot.path, config)
    if not same:
        _remove(run.path)


def _is_carried_over(run: Run, target: Run) -> bool:
    """Whether all that a run holds is in another folder already: a process was killed before it removed the former one."""
    steps, there = ([snapshot.step for snapshot in one.snapshots] for one in (run, target))
    return steps == there and [_line(entry) for entry in run.metrics] == target.metrics


def _remove(path: Path) -> None:
    """Gone at once, whatever becomes of this process."""
    aside = path.with_name(f".{path.name}.aside")
    path.rename(aside)
    shutil.rmtree(aside)


def _link_or_copy(source: str, target: str) -> None:
    if source.endswith(LINKED):
        try:
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copy2(source, target)


def _line(entry: dict[str, Any]) -> dict[str, Any]:
    """A line of metrics with scores by place, and joint accuracy by its name."""
    line = dict(entry)
    for name in SCORES:
        if name in line:
            line[name] = _by_place(line[name])
    line["accuracy"] = {
        split: {"joint" if name == "xy" else name: value for name, value in of_split.items()}
        for split, of_split in (line.get("accuracy") or {}).items()
    }
    return line


def _by_place(by_tap: dict[str, Any]) -> dict[str, Any]:
    """`{mid: {600: score}}` as `{mid.600: score}`; what is by place already stays."""
    if any("value" in inner for inner in by_tap.values()):
        return by_tap
    return {str(Place(tap, int(t))): score for tap, by_t in by_tap.items() for t, score in by_t.items()}


def _references(old: dict[str, Any], taps: list[str]) -> dict[str, Any]:
    """Nulls were told by timestep, the same at each tap."""
    if "family" in old:
        return old
    scores = {
        name: {
            null: {str(Place(tap, int(t))): value for tap in taps for t, value in by_t.items()}
            for null, by_t in by_null.items()
        }
        for name, by_null in old["scores"].items()
    }
    return {"scores": scores, "family": {"unconditional": old["unconditional"]}}


def _status(writer: RunWriter, folder: Path) -> None:
    status = json.loads((folder / "status.json").read_text())
    places = (status.get("summary") or {}).get("places") or {}
    for name, place in places.items():
        if isinstance(place, dict):
            places[name] = str(Place(place["tap"], int(place["timestep"])))
    writer.write_status(status)


def _checkpoint(writer: RunWriter, config: RunConfig) -> None:
    found = writer.read_checkpoint()
    if found is not None:
        tensors, state = found
        writer.write_checkpoint(tensors, {**state, "run": config.digest()})


def _snapshot(path: Path, config: RunConfig) -> None:
    samples, reading = path / "samples.npz", path / "reading.parquet"
    if samples.exists():
        with np.load(samples) as arrays:
            there = dict(arrays)
        if "on_grid" in there:
            images = there["images"]
            there["split"] = _split(there.pop("on_grid"))
            there["images"] = images[:, None] if images.ndim == 3 else images
            np.savez(samples, **there)
    if reading.exists():
        columns = read_parquet(reading)
        if "on_grid" in columns:
            _reading(reading, columns, config)


def _reading(path: Path, columns: dict[str, np.ndarray], config: RunConfig) -> None:
    factors = config.world.factors
    labels, read = (
        np.stack([columns[name.format(factor)] for factor in factors.names], axis=1)
        for name in ("label_{}", "{}")
    )
    errors = factors.difference(read, labels)
    kept = {name: values for name, values in columns.items() if name not in ("on_grid", "error_px")}
    kept["split"] = _split(columns["on_grid"])
    kept |= {f"error_{name}": errors[:, k] for k, name in enumerate(factors.names)}
    write_parquet(path, kept)


def _split(on_grid: np.ndarray) -> np.ndarray:
    return np.where(on_grid.astype(bool), "grid", "off_grid")


def migrate_records(path: Path) -> int:
    """Give the records in a file the identities of their runs; how many runs got another one.

    Raises:
        UserError: the file is no Parquet of records, or does not tell a run's configuration.
    """
    trees = recorded_trees(path)
    digests = {digest: RunConfig.of(todays_tree(tree)).digest() for digest, tree in trees.items()}
    if len(set(digests.values())) < len(digests):
        raise UserError(f"`{path}` must hold each run once: two of its runs have learnt the same")
    rename_records(path, digests, todays_column)
    return sum(old != new for old, new in digests.items())


def todays_column(name: str) -> str:
    """What a column of former times is called today."""
    words = name.split(".")
    if words[0] == "accuracy" and words[-1] == "xy":
        return ".".join([*words[:-1], "joint"])
    former = {
        "config.probing.grid_labels": "config.probing.images.grid",
        "config.probing.off_grid_labels": "config.probing.images.off_grid",
    }
    return former.get(name, name)


def recorded_trees(path: Path) -> dict[str, Tree]:
    """Of each run in some records, by its digest, the tree of its configuration."""
    names = [name for name in some_columns(path, None) if name.startswith("config.")]
    told = some_columns(path, ["digest", *names])
    trees: dict[str, Tree] = {}
    for row, digest in enumerate(told["digest"]):
        if digest in trees:
            continue
        tree: Tree = {}
        empty: list[list[str]] = []
        for name in names:
            *parents, leaf = words = name.split(".")[1:]
            if (value := told[name][row]) is None:
                empty.append(words)
                continue
            node = tree
            for parent in parents:
                node = node.setdefault(parent, {})
            node[leaf] = _parsed(value)
        trees[str(digest)] = _with_nulls(tree, empty, str(digest))
    return trees


def _with_nulls(tree: Tree, empty: list[list[str]], digest: str) -> Tree:
    """A field's column is empty of runs that have null there, and of those that say nothing: their identity tells which."""
    try:
        usual = RunConfig.of(tree)
        nulls = set_overrides(tree, [(path, None) for path in empty if _holds(usual.tree(), path)])
        return tree if usual.digest() == digest or RunConfig.of(nulls).digest() != digest else nulls
    except UserError:  # of former times
        return tree


def _holds(tree: Any, path: list[str]) -> bool:
    return not path or (isinstance(tree, dict) and path[0] in tree and _holds(tree[path[0]], path[1:]))


def _parsed(value: Any) -> Any:
    """A leaf of a configuration: lists are JSON text."""
    if isinstance(value, str) and value[:1] in "[{":
        return json.loads(value)
    return value.item() if isinstance(value, np.generic) else value


def main(runs: str, results: str | None = None) -> None:
    count = migrate_runs(Path(runs), lambda old, new: print(f"{old} -> {new}"))
    print(f"{runs}: {count} runs carried over")
    for path in sorted(Path(results).glob(f"*/{RECORDS}")) if results else ():
        print(f"{path}: {migrate_records(path)} runs carried over")


if __name__ == "__main__":
    main(*sys.argv[1:])
