"""A sweep: a study without claims, whose cells are made of the overrides on a command line.

    world.design.dx=0.5,1,2  training.optimiser.lr=1e-3..1e-1:3:log  seed=0..3

Commas outside brackets and quotes separate values: `network.attention=[mid],[down3,mid]` has two, each a list. `0..7`
are whole numbers, both ends included; `0.5..2:4` are four evenly spaced numbers, and `:log` spaces them evenly in
their logarithm. Every combination is a cell, or points that are drawn are (`points`). Seeds begin at 0, as a study's do,
so that its runs are shared with studies.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np

from phasescope.core.config import Tree
from phasescope.core.errors import UserError
from phasescope.runs.config import RunConfig, read_files, split_arguments, with_overrides
from phasescope.runs.store.files import to_json
from phasescope.runs.store.flat import config_columns
from phasescope.runs.store.writer import WHERE_COMPUTED
from phasescope.studies.cells import DEFAULTS, Cell
from phasescope.studies.declaring import reads
from phasescope.studies.fields import AgainstFields, ParallelCoordinates
from phasescope.studies.finding import STUDY_FILE, find_study, studies_folder, study_names
from phasescope.studies.importance import LEAST_CELLS, Importance
from phasescope.studies.plots import BasePlot, Courses, Ends
from phasescope.studies.points import Drawing, Field, Interval, Override, field_of, points_of, values_of
from phasescope.studies.preregistration import changes_since, read_preregistration
from phasescope.studies.runs_table import Number, Runs, end
from phasescope.studies.study import NAME, Study
from phasescope.studies.tables import Table

MOST_CELLS = 4096
# Cells in a figure by cell, and those that its legend has room for; those beyond are in the table only.
MOST_DRAWN, MOST_NAMED = 40, 12


def sweep_of(
    arguments: Sequence[str],
    name: str | None = None,
    drawn: int | None = None,
    drawing: Drawing = "sobol",
) -> Study:
    """Return the study that overrides describe.

    Args:
        arguments: ``[FILE.yaml ...] [key=value ...]``, some of them with several values.
        name: of the study; by default `sweep-` and the start of a hash of cells and seeds: the same arguments resume it.
        drawn: how many points are drawn; None for every combination.
        drawing: how.

    Raises:
        UserError: an override is invalid, nothing is swept, or there are too many cells.
    """
    if name is not None and not NAME.fullmatch(name):
        raise UserError(f"`--name` (={name}) must be letters, digits, ., _ and -, 64 at most, for a folder")

    files, overrides = split_arguments(arguments)
    base = read_files(files)
    is_seed = [word.partition("=")[0] == "seed" for word in overrides]
    of_file = base.pop("seed", 0)
    given = [seed for word, own in zip(overrides, is_seed, strict=True) if own for _, seed in values_of(word)]
    seeds = _seeds(given or [of_file])

    fields = [
        field_of(word, is_drawn=drawn is not None)
        for word, own in zip(overrides, is_seed, strict=True)
        if not own
    ]
    swept = [field for field in fields if field.is_swept or field.condition]
    if not swept and seeds == 1 and drawn is None:
        words = " ".join(overrides)[:60] or "nothing"
        raise UserError(f"`KEY=VALUE` (={words}) must have several values, as in training.batch=8,16")
    check_swept(swept, drawn)

    fixed = [(field.path, field.at(0)) for field in fields if field not in swept]
    cells = [_cell(base, fixed, point) for point in points_of(fields, drawn, drawing)]
    text = to_json([seeds, *([cell.name, cell.base, cell.fields] for cell in cells)])
    name = name or f"sweep-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return shown(
        Study(
            name,
            f"What changes with {', '.join(field.key for field in swept) or 'the seed'}?",
            base=DEFAULTS,
            cells=cells,
            seeds=seeds,
        )
    )


def check_swept(swept: Sequence[Field], drawn: int | None) -> None:
    """Raise UserError if there would be too many cells, or cells that differ in what makes no other run."""
    if drawn is not None and not 1 <= drawn <= MOST_CELLS:
        raise UserError(f"`--draw` (={drawn}) must be from 1 to {MOST_CELLS} points")
    if drawn is not None and not swept:
        raise UserError(
            f"`--draw` (={drawn}) must be given with fields to draw, as in training.optimiser.lr=1e-4..1e-1:log"
        )

    counts = [len(field.values) for field in swept if not isinstance(field.values, Interval)]
    if drawn is None and (count := math.prod(counts)) > MOST_CELLS:
        raise UserError(f"`KEY=VALUE` (={count} combinations) must make at most {MOST_CELLS} cells")

    outside = {*RunConfig.OUTSIDE_DIGEST, *WHERE_COMPUTED}
    for field in swept:
        if field.key in outside or field.key.partition(".")[0] in outside:
            several = "an interval" if isinstance(field.values, Interval) else f"{len(field.values)} values"
            raise UserError(f"`{field.key}` (={several}) must have one: it does not make another run")


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
    is_named = len(study.cells) <= MOST_NAMED

    numbers = {label: end(column) for label, column in columns.items()}
    courses = [
        Courses(
            file_name(head),
            f"{head[0].upper()}{head[1:]} through training",
            {head: column},
            "cell",
            ylabel=head,
            where=where,
            note=note if is_named else f"{note} Lines are cells, which only the table names.".strip(),
            is_named=is_named,
        )
        for head, column in columns.items()
    ]

    heads = numbers | ({"untrained": end(f"{probe}.baselines.untrained")} if probe else {})
    table = Table("Where the runs end", heads | {"share in phase C": _in_c})
    return replace(study, tables=[table], plots=[*_plots_of_ends(study, numbers, where, note), *courses])


def _plots_of_ends(
    study: Study, numbers: Mapping[str, Number], where: Mapping[str, Any], note: str
) -> list[BasePlot]:
    """Return the plots of where the runs end: by cell, or, of many cells, against the fields that vary."""
    fields = varied_fields(study.cells)
    if not fields or len(study.cells) < LEAST_CELLS:
        return [Ends("ends", "At the end", numbers, where=where, note=note)]

    against = AgainstFields("ends", "At the end, against each field", numbers=numbers, fields=fields)
    if len(fields) == 1:
        return [against]
    parallel = ParallelCoordinates("parallel", "Each run across all fields", numbers=numbers, fields=fields)
    importance = [
        Importance(
            f"importance_{file_name(label)}",
            f"Which field matters for {label}",
            number=number,
            label=label,
            fields=fields,
        )
        for label, number in numbers.items()
    ]
    return [against, parallel, *importance]


def file_name(words: str) -> str:
    """Return words as a file's name has them: `probe R²` is probe_r2."""
    return normalize("NFKC", words).lower().replace(" ", "_")


def varied_fields(cells: Sequence[Cell]) -> list[str]:
    """Return the fields of the configuration that differ between cells, as training.batch, in their order."""
    flat = [config_columns(cell.fields) for cell in cells]
    names = dict.fromkeys(name for fields in flat for name in fields)
    varied = [name for name in names if len({to_json(fields.get(name)) for fields in flat}) > 1]
    return [name.removeprefix("config.") for name in varied]


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
