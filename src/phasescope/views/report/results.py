"""What all studies found: one page that opens with the verdicts at a glance, and a page a study behind it.

    docs/results.md              verdicts by family and system, what was found, and a row a claim
    docs/results/verdicts.svg    the picture that it opens with
    docs/results/<study>.md      a study's figures, its claims in full, its declaration and controls

All of it comes from records, from claims.json and from what is written beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os.path import relpath
from pathlib import Path
from typing import Any

from phasescope.errors import UserError
from phasescope.store.files import from_json, write_all_aside
from phasescope.studies.core.records import CLAIMS, RECORDS, judged, read_claims, read_frame, with_staleness
from phasescope.studies.core.study import Study
from phasescope.views.figures.studies import drawn
from phasescope.views.report.declared import AMENDED_AFTER, DECLARED_AFTER, choices, marked
from phasescope.views.report.study_page import page_of, rendered
from phasescope.views.report.verdicts import findings, grid_of, in_words, picture, spoken
from phasescope.views.style import css_variables

PICTURE = "verdicts.svg"
SENTENCES = 6
"""of what was found, that a page of results opens with; further ones are folded"""


def write_results(
    studies: Sequence[Study],
    results: Path,
    page: Path | None = None,
    judge: bool = False,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Write anew what follows from the records of all studies that have results: all of it, or nothing.

    Args:
        page: file for the page of results, beside a folder of its name for what it links to; each study's figures are then
            drawn anew.
        judge: judge all claims anew.
        tell: is told how many studies of how many are read.

    Raises:
        UserError: a study's records, or its claims, are damaged or do not go together.
    """
    files: dict[Path, bytes | str] = {}
    pages = []
    for done, study in enumerate(studies):
        tell(done, len(studies))
        folder = results / study.name
        if not (_has_results(folder) if page else (folder / RECORDS).exists()):
            continue
        frame, content = read_frame(study, folder), None
        if judge:
            files |= (told := judged(study, folder, frame))
            content = with_staleness(from_json(told[folder / CLAIMS]), folder)
        if page:
            files |= drawn(study, frame, folder)
            pages.append(page_of(study, folder, frame, content or read_claims(folder)))
    if page:
        files |= told_of(pages, results, page)
        for path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
    write_all_aside(files)


def render_results(studies: Sequence[Study], results: Path, out: Path) -> dict[Path, str]:
    """The page of all studies that have results, as they are, and what it links to, by path; `out` is the page's."""
    folders = [(study, results / study.name) for study in studies if _has_results(results / study.name)]
    pages = [page_of(one, folder, read_frame(one, folder), read_claims(folder)) for one, folder in folders]
    return told_of(pages, results, out)


def _has_results(folder: Path) -> bool:
    """Whether there is more of a study than its declaration."""
    return any((folder / name).exists() for name in (RECORDS, CLAIMS))


def told_of(pages: Sequence[dict[str, Any]], results: Path, out: Path) -> dict[Path, str]:
    """By path the texts that tell what `page_of` says of studies."""
    if not pages:
        raise UserError(f"`{results}` must hold the records of a study, and holds none")
    within = out.with_suffix("")
    for page in pages:
        page["folder"] = _relative(results / page["study"], within)
    claims = [claim for page in pages for claim in page["claims"]]
    for claim in claims:
        claim["link"] = f"{within.name}/{claim['study']}.md#{claim['name']}"
        claim["figure_link"] = _relative(results / claim["study"] / f"{claim['figure']}.png", out.parent)
    grid = grid_of(claims)
    texts = {
        out: rendered(
            "results.md.j2",
            pages=pages,
            grid=grid,
            findings=findings(
                grid,
                [one for page in pages for one in page["claims"] if one["name"] == page["headline"]],
            ),
            first=SENTENCES,
            in_words=in_words,
            label=spoken(grid),
            picture=f"{within.name}/{PICTURE}",
            late=marked(claims, DECLARED_AFTER) | {"mark": DECLARED_AFTER},
            amended=marked(claims, AMENDED_AFTER) | {"mark": AMENDED_AFTER},
            choices=choices(pages, within.name),
            runs=len({digest for page in pages for digest in page["digests"]}),
            folder=within.name,
        )
    }
    for page in pages:
        texts[within / f"{page['study']}.md"] = rendered("study.md.j2", page=page, back=f"../{out.name}")
    if grid.families:
        texts[within / PICTURE] = rendered(
            "verdicts.svg.j2",
            picture=picture(grid, alone=True),
            light=css_variables(dark=False),
            dark=css_variables(dark=True),
        )
    return texts


def _relative(path: Path, start: Path) -> str:
    return Path(relpath(path, start)).as_posix()
