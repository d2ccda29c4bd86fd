"""A sweep: a study without claims, whose cells are made of the overrides on a command line.

    world.design.dx=0.5,1,2  training.optimiser.lr=1e-3..1e-1:3:log  seed=0..3

Commas outside brackets and quotes separate values: `network.attention=[mid],[down3,mid]` has two, each a list. `0..7`
are whole numbers, both ends included; `0.5..2:4` are four evenly spaced numbers, and `:log` spaces them evenly in
their logarithm. Every combination is a cell. Seeds begin at 0, as a study's do, so that its runs are shared with studies.
"""

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from phasescope.core.config import Tree, parse_overrides, read_yaml
from phasescope.core.errors import UserError
from phasescope.runs.config import RunConfig, split_arguments, with_overrides
from phasescope.runs.store.files import to_json
from phasescope.runs.store.writer import WHERE_COMPUTED
from phasescope.studies.cells import DEFAULTS, Cell
from phasescope.studies.declaring import reads
from phasescope.studies.finding import STUDY_FILE, find_study, studies_folder, study_names
from phasescope.studies.plots import Courses, Ends
from phasescope.studies.preregistration import changes_since, read_preregistration
from phasescope.studies.runs_table import Runs, end
from phasescope.studies.study import NAME, Study
from phasescope.studies.tables import Table

MOST_CELLS = 4096
# Cells in a figure; those beyond are in the table only.
MOST_DRAWN = 40
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})(?::(\d+)(:log)?)?")
Override = tuple[list[str], Any]


def sweep_of(arguments: Sequence[str], name: str | None = None) -> Study:
    """Return the study that overrides describe.

    Args:
        arguments: ``[FILE.yaml] [key=value ...]``, some of them with several values.
        name: of the study; by default `sweep-` and the start of a hash of cells and seeds: the same arguments resume it.

    Raises:
        UserError: an override is invalid, nothing is swept, or there are too many cells.
    """
    if name is not None and not NAME.fullmatch(name):
        raise UserError(f"`--name` (={name}) must be letters, digits, ., _ and -, 64 at most, for a folder")

    file, overrides = split_arguments(arguments)
    base: Tree = read_yaml(file, by_hand=True) if file else {}
    values = {word.partition("=")[0]: list(values_of(word)) for word in overrides}
    of_file = base.pop("seed", 0)
    seeds = _seeds([seed for _, seed in values.pop("seed", [([], of_file)])])

    swept = {key: several for key, several in values.items() if len(several) > 1}
    if not swept and seeds == 1:
        given = " ".join(overrides)[:60] or "nothing"
        raise UserError(f"`KEY=VALUE` (={given}) must have several values, as in training.batch=8,16")

    if (count := math.prod(map(len, swept.values()))) > MOST_CELLS:
        raise UserError(f"`KEY=VALUE` (={count} combinations) must make at most {MOST_CELLS} cells")

    fixed = [several[0] for several in values.values() if len(several) == 1]
    outside = {*RunConfig.OUTSIDE_DIGEST, *WHERE_COMPUTED}
    if same := [key for key in swept if key in outside or key.partition(".")[0] in outside]:
        raise UserError(
            f"`{same[0]}` (={len(swept[same[0]])} values) must have one: it does not make another run"
        )

    cells = [_cell(base, fixed, point) for point in product(*swept.values())]
    text = to_json([seeds, *([cell.name, cell.base, cell.fields] for cell in cells)])
    name = name or f"sweep-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return shown(
        Study(
            name,
            f"What changes with {', '.join(swept) or 'the seed'}?",
            base=DEFAULTS,
            cells=cells,
            seeds=seeds,
        )
    )


def study_or_sweep(target: str, folder: Path | None) -> tuple[Study, Path] | None:
    """Return the study or sweep that `target` names, with the folder of its records; None if it names neither.

    Args:
        target: a study as `find_study` takes it, or a sweep's folder or its name.
        folder: of studies; `studies_folder()` by default.
    """
    known = studies_folder(folder)
    if target in study_names(known) or ".py" in target or (Path(target) / STUDY_FILE).is_file():
        return find_study(target, folder)
    for path in (Path(target), known / target, Path("sweeps") / target):
        if path.is_dir() and (sweep := sweep_in(path)):
            return sweep, path
    return None


def sweep_in(folder: Path) -> Study | None:
    """Return the sweep that a folder holds; None if it holds none."""
    known = read_preregistration(folder)
    if known is None or known.study["base"] != DEFAULTS or known.study["claims"]:
        return None

    cells = [
        Cell(cell["name"], cell.get("fields", {}), base=cell.get("base", "")) for cell in known.study["cells"]
    ]
    return shown(
        Study(
            known.study["name"],
            known.study["question"],
            base=DEFAULTS,
            cells=cells,
            seeds=known.study["seeds"],
        )
    )


def check_own(study: Study, folder: Path) -> None:
    """Raise UserError if a folder holds a sweep of other cells, which is neither amended nor overwritten."""
    known = read_preregistration(folder)
    if known is not None and (changed := changes_since(known, study)):
        raise UserError(f"`--name` (={study.name}) must be new: `{folder}` holds another sweep: {changed[0]}")


def shown(study: Study) -> Study:
    """Return a sweep with its table and figures: success, probe R² and loss of its first cell's world and network."""
    config = study.config(study.cells[0], 0)
    probe = _probe_column(config)
    correct = {} if (column := _correct_column(config)) is None else {"share correct": column}
    columns = correct | ({"probe R²": f"{probe}.value"} if probe else {}) | {"loss": "loss"}
    left = len(study.cells) - MOST_DRAWN
    where = {"cell": tuple(cell.name for cell in study.cells[:MOST_DRAWN])}
    note = f"{left} more cells are in the table only." if left > 0 else ""

    numbers = {label: end(column) for label, column in columns.items()}
    courses = [
        Courses(
            head.replace(" ", "_"),
            f"{head.capitalize()} through training",
            {head: column},
            "cell",
            ylabel=head,
            where=where,
            note=note,
        )
        for head, column in columns.items()
    ]

    heads = numbers | ({"untrained": end(f"{probe}.baselines.untrained")} if probe else {})
    table = Table("Where the runs end", heads | {"share in phase C": _in_c})
    ends = Ends("ends", "At the end", numbers, where=where, note=note)
    return replace(study, tables=[table], plots=[ends, *courses])


@reads("phase.behaviour")
def _in_c(runs: Runs) -> np.ndarray:
    """Return whether the samples end in phase C, (n,)."""
    return np.array([phases[-1] == "C" for phases in runs.texts("phase.behaviour")])


def _correct_column(config: RunConfig) -> str | None:
    reader, split = config.world.reader(), next(iter(config.world.splits()))
    return None if reader is None else f"outcomes.{split}.{reader.outcomes[-1].name}"


def _probe_column(config: RunConfig) -> str | None:
    """Return the column of probe R² where the representation is read; None if only the built network knows where."""
    network = config.network
    layers, usual = network.layer_names, network.usual_layers
    plan = config.probing if layers is None else config.plan_of(layers, usual)
    return None if isinstance(plan.representation, str) else f"probe_r2.{plan.representation.site}"


def _seeds(values: Sequence[Any]) -> int:
    """Return how many seeds each cell has."""
    if values != list(range(len(values))) or any(isinstance(seed, bool) for seed in values):
        listed = ",".join(map(str, values))[:60]
        raise UserError(f"`seed` (={listed}) must be 0, or 0..7 for eight runs a cell: seeds begin at 0")
    return len(values)


def _cell(base: Tree, fixed: Sequence[Override], point: Sequence[Override]) -> Cell:
    tree = with_overrides(base, [*fixed, *point])
    preset = tree.pop("preset", None)
    name = ", ".join(f"{'.'.join(path)}={_text(value)}" for path, value in point)
    return Cell(name or "one", tree, base=str(preset or ""))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return f"{value:g}" if isinstance(value, float) else to_json(value)


def values_of(word: str) -> Iterator[Override]:
    """Return each value of an override.

    Raises:
        UserError: it is not ``key=value``, or a value is missing or invalid.
    """
    key, _, text = word.partition("=")
    if re.search(r"^\s*,|,\s*,|,\s*$", text):
        raise UserError(f"`{key}` (={text[:60]}) must have a value on either side of each comma")
    # Commas within brackets or quotes divide nothing: YAML knows which ones do.
    [(path, values)] = parse_overrides([f"{key}=[{text}]" if text.strip() else word])
    for value in values if text.strip() else [values]:
        if isinstance(value, str) and (numbers := RANGE.fullmatch(value)):
            yield from ((path, number) for number in _range(key, value, *numbers.groups()))
        else:
            yield path, value


def _range(key: str, part: str, low: str, high: str, count: str | None, log: str | None) -> list[float]:
    """Return the numbers of a range, to ten digits; whole ones as int."""
    begin, end = float(low), float(high)
    number = float(count) if count else end - begin + 1
    is_valid = count is not None or begin % 1 == end % 1 == 0
    if not (begin < end < math.inf and 2 <= number <= MOST_CELLS and is_valid and (begin > 0 or not log)):
        raise UserError(
            f"`{key}` (={part[:60]}) must be 2 to {MOST_CELLS} rising values, as in 8..11 (whole numbers), "
            "0.5..2:4 (four numbers) or 1e-4..1e-1:4:log (above 0)"
        )
    if count is None:
        return list(range(int(begin), int(end) + 1))
    values = (np.geomspace if log else np.linspace)(begin, end, int(count)).tolist()
    rounded = [float(f"{value:.10g}") for value in values]
    return [int(value) if value % 1 == 0 and abs(value) < 2**53 else value for value in rounded]
