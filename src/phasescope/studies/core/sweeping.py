"""A sweep: a study without claims, its cells made of a command line's words.

    world.design.dx=0.5,1,2  training.optimiser.lr=1e-3..1e-1:3:log  seed=0..3

Commas outside brackets and quotes stand between values: `probing.taps=[up1],[down3,mid]` has two, each a list. `0..7` are
whole numbers, both ends among them; `0.5..2:4` are four numbers, evenly spread, and `:log` spreads them evenly in their
logarithm. Fields make every combination, or go in step with `zip_`. Seeds begin at 0, as a study's do. The runs are those
that `study` would have of the same cells, and are shared with it.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from phasescope.config import Tree, parse_overrides, read_yaml, set_overrides
from phasescope.engines import check_asked
from phasescope.errors import UserError
from phasescope.runs.config import over_defaults, split_words
from phasescope.runs.presets import PRESETS
from phasescope.store import list_runs
from phasescope.store.files import to_json
from phasescope.studies.core.declaration import declared, read_declaration
from phasescope.studies.core.differing import changes
from phasescope.studies.core.running import Standing, Survey
from phasescope.studies.core.study import MOST_SEEDS, Study
from phasescope.studies.core.swept import NO_PRESET, Point, shown

MOST_CELLS = 4096
MOST_VALUES = 1000
"""of a range"""
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})(?::(\d+)(:log)?)?")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
Override = tuple[list[str], Any]


def sweep_of(words: Sequence[str], zip_: bool = False, name: str | None = None) -> Study:
    """The study that words describe.

    Args:
        words: ``[FILE.yaml] [key=value ...]``, of which some have several values.
        zip_: the fields' values go in step, the first of each together, and so on; by default every combination is a cell.
        name: of the study; by default `sweep-` and the first digits of a hash of its cells, so that the same words go on.

    Raises:
        UserError: a word is none, nothing is swept, the cells are too many, or values in step are not equally many.
    """
    if name is not None and not NAME.fullmatch(name):
        raise UserError(
            f"`--name` (={name}) must be letters, digits, ., _ and -, 64 at most: it names a folder"
        )
    file, overrides = split_words(words)
    base: Tree = read_yaml(file) if file else {}
    values = {word.partition("=")[0]: list(_values(word)) for word in overrides}
    seeds = _seeds(values.pop("seed", None), base.pop("seed", 0))
    swept = {key: some for key, some in values.items() if len(some) > 1}
    if not swept and seeds == 1:
        raise UserError("`WORD` (=no list, no range) must have several values, as in world.design.dx=0.5,1,2")
    fixed = [one for some in values.values() if len(some) == 1 for one in some]
    cells = [_cell(base, fixed, point) for point in _points(swept, zip_)]
    told = to_json([[cell.name, cell.preset, cell.fields] for cell in cells])
    question = f"What changes with {', '.join(swept) or 'the seed'}?"
    name = name or f"sweep-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
    return shown(Study(name, question, NO_PRESET, tuple(cells), seeds))


def _values(word: str) -> Iterator[Override]:
    """Each value of a word as an override.

    Raises:
        UserError: the word is not ``key=value``, or a value is none.
    """
    key, _, text = word.partition("=")
    for part in map(str.strip, _parts(text)):
        if not part and text:
            raise UserError(f"`{key}` (={text[:60]}) must have a value on either side of each comma")
        if found := RANGE.fullmatch(part):
            yield from ((key.split("."), value) for value in _range(key, part, *found.groups()))
        else:
            yield from parse_overrides([f"{key}={part}"])


def _parts(text: str) -> list[str]:
    """A text at its commas, but for those within brackets or quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "[]{}":
            depth += 1 if letter in "[{" else -1
        elif letter == "," and not depth:
            parts.append("")
            continue
        parts[-1] += letter
    return parts


def _range(key: str, part: str, low: str, high: str, count: str | None, log: str | None) -> list[float]:
    """The numbers of a range, to ten digits; whole ones are int."""
    begin, end = float(low), float(high)
    if not (math.isfinite(begin) and math.isfinite(end) and begin < end):
        raise UserError(f"`{key}` (={part[:60]}) must rise from one number to another")
    if count is None:
        if begin % 1 or end % 1 or end - begin >= MOST_VALUES:
            raise UserError(
                f"`{key}` (={part[:60]}) must be whole numbers, {MOST_VALUES} at most; of others say how many: 0.5..2:4"
            )
        return list(range(int(begin), int(end) + 1))
    if len(count) > 9 or not 2 <= int(count) <= MOST_VALUES:
        raise UserError(f"`{key}` (={part[:60]}) must have from 2 to {MOST_VALUES} values")
    if log and begin <= 0:
        raise UserError(f"`{key}` (={part[:60]}) must be above 0: it is spread in its logarithm")
    found = (np.geomspace if log else np.linspace)(begin, end, int(count))
    rounded = [float(f"{value:.10g}") for value in found.tolist()]
    return [int(value) if value % 1 == 0 and abs(value) < 2**53 else value for value in rounded]


def _seeds(given: Sequence[Override] | None, of_file: Any) -> int:
    """How many seeds each cell has."""
    seeds = [value for _, value in given] if given else [of_file]
    if seeds != list(range(len(seeds))) or any(isinstance(seed, bool) for seed in seeds):
        told = ",".join(map(str, seeds))[:60]
        raise UserError(
            f"`seed` (={told}) must be 0, or 0..7 for eight runs a cell: a sweep's seeds begin at 0"
        )
    if len(seeds) > MOST_SEEDS:
        raise UserError(f"`seed` (=0..{len(seeds) - 1}) must be at most {MOST_SEEDS} seeds")
    return len(seeds)


def _points(swept: Mapping[str, Sequence[Override]], zip_: bool) -> list[tuple[Override, ...]]:
    """The values of each cell."""
    counts = {key: len(values) for key, values in swept.items()}
    if zip_ and len(set(counts.values())) > 1:
        told = ", ".join(f"{key} {count}" for key, count in counts.items())
        raise UserError(f"`--zip` (={told}) must have as many values of each field")
    cells = min(counts.values(), default=1) if zip_ else math.prod(counts.values())
    if cells > MOST_CELLS:
        raise UserError(f"`WORD` (={cells} combinations) must make at most {MOST_CELLS} cells")
    return list(zip(*swept.values(), strict=True)) if zip_ and swept else list(product(*swept.values()))


def _cell(base: Tree, fixed: Sequence[Override], point: Sequence[Override]) -> Point:
    tree = set_overrides(base, [*fixed, *point])
    preset = tree.pop("preset", None)
    name = ", ".join(f"{'.'.join(path)}={_told(value)}" for path, value in point)
    return Point(name or "one", tree, None if preset is None else str(preset))


def _told(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else to_json(value)


def asked_of(engine: str, **given: str | int | None) -> dict[str, str | int]:
    """What is asked of an engine, as `engines.OF_CLUSTERS` names it; None is not asked.

    Raises:
        UserError: the engine has it not.
    """
    asked = {what: value for what, value in given.items() if value is not None}
    check_asked(engine, asked)
    return asked


def check_own(study: Study, folder: Path) -> None:
    """Raises UserError where a folder of results holds a sweep of other cells: nothing is amended, nothing overwritten."""
    told = read_declaration(folder)
    if told is not None and (changed := changes(told.model_dump(), declared(study))):
        raise UserError(
            f"`--name` (={study.name}) must be another: `{folder}` holds another sweep: {changed[0]}"
        )


def with_costs(surveyed: Survey) -> Survey:
    """The same with the CPU-seconds of each run, by the images that it takes: as a run of its preset costs an image, or one
    of its network that is done in the folder of runs."""
    rates: dict[str, float] = {}
    for name, cpu_s in surveyed.cpu_s.items():
        if name in PRESETS:
            usual = over_defaults(PRESETS[name].fields).training
            rates[name] = cpu_s / (usual.steps * usual.batch)
    found = {}
    for standing in surveyed.to_run:
        name = standing.config.name
        if name not in rates:
            rates[name] = _rate_in(surveyed.runs, standing)
        found[standing.digest] = rates[name] * standing.images
    known = {digest: cost for digest, cost in found.items() if not math.isnan(cost)}
    return replace(surveyed, cpu_s=known)


def _rate_in(runs: Path, wanted: Standing) -> float:
    """CPU-seconds an image of the runs that are done there, of that name and network; NaN where there is none."""
    spent = images = 0.0
    for run in list_runs(runs):
        status = run.status if run.name.startswith(f"{wanted.config.name}-") else {"state": "another"}
        if status["state"] == "done" and run.config.get("network") == wanted.config.tree()["network"]:
            spent += status.get("cpu_s") or 0.0
            images += status.get("images_seen") or 0
    return spent / images if spent and images else math.nan
