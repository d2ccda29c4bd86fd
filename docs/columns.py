"""docs/reference/columns.md: every recorded column, from the declarations by which it is computed, shown and judged.

python -m docs.columns        from the repository's root
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from phasescope.measures.columns import COLUMNS, MEASURES, Column, in_order
from phasescope.studies import find_studies
from phasescope.studies import observing as _observing  # noqa: F401  declares what lines of metrics hold
from phasescope.worlds.bump import reader  # noqa: F401  declares what is read of bumps
from phasescope.worlds.images import nearest  # noqa: F401  declares what is read of your own images

PAGE = Path(__file__).parent / "reference" / "columns.md"
INTRODUCTION = """# Columns

What each recorded number is, in `runs_frame`, `snapshots_frame`, `records.parquet`, exported tables and conditions
(`--where`). A row is a snapshot of a run; `run`, in `snapshots_frame` alone, is the name of its folder. Names are
paths with dots. Placeholders: `SPLIT` is a split of the world (`grid`: training labels, `off_grid`: other labels, or
a held-out split); `FACTOR` is a factor or `joint` (all factors at once); `LAYER.t` is where activations are read
(`mid.600`). `python -m docs.columns` writes this page from the declarations of columns.

`run.scalars()` is a table of its own, `scalars.jsonl` of the run, with a row every `training.scalars_every` steps:
`step`, `images_seen`, `wall_s`, `loss` of that step's batch, `learning_rate`, `gradient_norm` before clipping, and
`images_per_s` without the time of snapshots.
"""
OF_SCORES = """A score `S.LAYER.t` has the columns `S.LAYER.t.value`, `.low`, `.high` (95 % interval), `.n`, `.estimator`,
`.baselines.BASELINE` and `.detail.NAME`. Definitions: [measures](../measures.md). Each snapshot takes those that are
marked with an x; of the others, those that `probing.measures` names, and those marked `observe`, which compare with the
final network, only in `phasescope observe`. `phasescope measure` takes them all. *Better*:
whether it should exceed its baselines, or fall below them.
"""
OF_READINGS = """A study can read more from its runs than all runs record. The first part of such a column is the reading's
name in `studies/NAME/study.py`; the docstring of the function that it names says what each of the columns is.
"""
HEADINGS = {
    "The run and the snapshot": ("run",),
    "Generated images": ("images",),
    "Denoising and phases": ("denoising", "phase"),
}
"""the parts of the page for what is no score of activations, each with its sections"""


def page() -> str:
    """Return the whole page."""
    columns = in_order(COLUMNS)
    parts = [INTRODUCTION]
    for heading, sections in HEADINGS.items():
        rows = [_row(column) for column in columns if column.section in sections]
        parts.append(_table(heading, "", ("column", "meaning", "unit", "range"), rows))
    scores = [column for column in columns if column.at == "site"]
    of_scores = [
        (*_row(column), column.better, _listed(column.baselines), _taken(column)) for column in scores
    ]
    head = ("score", "meaning", "unit", "range", "better", "own baselines", "usual")
    parts.insert(3, _table("Activations", OF_SCORES, head, of_scores))
    parts.append(_table("Readings of one study", OF_READINGS, ("columns", "meaning", "studies"), _readings()))
    return "\n".join(parts)


def _taken(column: Column) -> str:
    """Return whether each snapshot takes a measure, or `phasescope observe` alone."""
    if "final" in column.needs:
        return "observe"
    return "x" if column.usual or column.name not in MEASURES else ""


def _row(column: Column) -> tuple[str, ...]:
    low, high = (_end(end) for end in (column.low, column.high))
    span = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}" if high else ""
    return f"`{column.name}`", column.meaning or column.words, column.unit, span


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _end(end: float) -> str:
    return f"{end:g}" if math.isfinite(end) else ""


def _readings() -> Iterator[tuple[str, str, str]]:
    """Yield the name of each reading, the first sentence of its function's docstring, and the studies that take it."""
    studies: dict[tuple[str, str], list[str]] = {}
    for study, _ in find_studies():
        for reading in study.readings:
            function = getattr(reading.read, "func", reading.read)
            paragraph = (inspect.getdoc(function) or "").split("\n\n")[0]
            sentence = " ".join(paragraph.split()).partition(". ")[0].rstrip(".")
            words = re.sub(r"^Return,? ", "", sentence)
            studies.setdefault((reading.name, words), []).append(study.name)
    for (name, words), names in sorted(studies.items()):
        yield f"`{name}`", words, ", ".join(f"`{study}`" for study in names)


def _table(heading: str, words: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"## {heading}", "", *([words] if words else [])]
    for row in (head, ("---",) * len(head), *rows):
        lines.append(f"| {' | '.join(row)} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE.relative_to(Path(__file__).parents[1]))
