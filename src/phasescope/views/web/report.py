"""The report of a run: the explorer's page of it in one file, with its verdict and tables as plain HTML."""

from collections.abc import Mapping
from pathlib import Path

from phasescope.core.config import to_yaml
from phasescope.runs.store.files import write_aside
from phasescope.runs.store.folder import RunFolder
from phasescope.views.facts import words
from phasescope.views.facts.forks import PAIRED_HEADS, fork_of, paired, paired_texts
from phasescope.views.facts.record import Record
from phasescope.views.facts.run_page import run_page
from phasescope.views.facts.tables import last_scores, provenance, score_table
from phasescope.views.web.carried import carried_of, portable
from phasescope.views.web.inlined import self_contained

SECTIONS = {
    "view": "Through training",
    "fork": "Differences from the unchanged child",
    "scores": "Scores",
    "configuration": "Configuration",
    "provenance": "Provenance",
}
MOST_BYTES, MARGIN = 1_500_000, 20_000
"""of a file; and of these, for the addresses of what it carries and the words about it"""


def write_report(run: RunFolder, out: Path | None = None) -> Path:
    """Write the report of `run`, as it stands, to `out`, by default ``report.html`` in its folder; return its path.

    The file appears whole or not at all.

    Raises:
        UserError: what the run recorded cannot be read.
    """
    path = Path(out) if out is not None else Path(run.path) / "report.html"
    write_aside(path, render_report(run))
    return path


def render_report(run: RunFolder) -> str:
    """Return the report's HTML."""
    record = Record(run)
    page = run_page(record)
    fork = fork_of(run)
    differences = [paired_texts(line) for line in paired(*fork)] if fork else []
    shown = {
        "name": run.name,
        "title": run.name,
        "query": "",
        "subject": page.subject,
        "verdict": page.verdict,
        "headline": words.headline(record),
        "tags": record.run.tags,
        "sections": {name: heading for name, heading in SECTIONS.items() if name != "fork" or differences},
        "differences": differences,
        "difference_heads": PAIRED_HEADS,
        "absent": "" if record.metrics else "Nothing is recorded in this run so far.",
        "scores": score_table(
            list(last_scores(record)) if record.metrics else [], record.factors, record.column
        ),
        "last_step": record.metrics[-1]["step"] if record.metrics else 0,
        "configuration": to_yaml(portable(record.config)),
        "provenance": provenance(record),
    }

    def rendered(answers: Mapping[str, str], carried: str) -> str:
        return self_contained("report.html.j2", "run", answers, carried=carried, **shown)

    if not record.metrics:
        return rendered({}, "")
    room = MOST_BYTES - MARGIN - len(rendered({}, "").encode())
    return rendered(*carried_of(record, page, room))
