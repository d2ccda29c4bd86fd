"""The report of a run: the explorer's page of it in one file, with its verdict and tables as plain HTML."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from phasescope.core.config import to_yaml
from phasescope.runs.store.files import to_json, with_leaves, write_aside
from phasescope.runs.store.folder import RunFolder
from phasescope.views.facts import words
from phasescope.views.facts.clouds import Cloud, cloud_of
from phasescope.views.facts.record import Record, evenly
from phasescope.views.facts.rows import row_of
from phasescope.views.facts.run_page import Latents, RunPage, run_page
from phasescope.views.facts.tables import last_scores, provenance, score_table
from phasescope.views.web.details import page_tree
from phasescope.views.web.inlined import self_contained
from phasescope.views.web.packets import cloud_packet
from phasescope.views.web.samples import samples

SECTIONS = {
    "view": "Through training",
    "scores": "Scores",
    "configuration": "Configuration",
    "provenance": "Provenance",
}
MOST_SNAPSHOTS, MOST_IMAGES, MOST_POINTS, MOST_CLOUD_BYTES = 30, 36, 512, 2_200_000
"""that a file carries: snapshots, images of a split, points of a cloud, float32 bytes of all clouds"""


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
    answers, carried = run_view(record, page) if record.metrics else ({}, "")

    return self_contained(
        "report.html.j2",
        "run",
        answers,
        name=run.name,
        title=run.name,
        query="",
        subject=page.subject,
        verdict=page.verdict,
        headline=words.headline(record),
        tags=record.run.tags,
        sections=SECTIONS,
        absent="" if record.metrics else "Nothing is recorded in this run so far.",
        carried=carried,
        scores=score_table(
            list(last_scores(record)) if record.metrics else [], record.factors, record.column
        ),
        last_step=record.metrics[-1]["step"] if record.metrics else 0,
        configuration=to_yaml(portable(record.config)),
        provenance=provenance(record),
    )


def address_of(run: RunFolder, kind: str = "", **query: object) -> str:
    """Return the address at which the explorer's page asks for something of a run."""
    return f"/api/runs/{quote(run.name, safe='')}{kind and f'/{kind}?{urlencode(query)}'}"


def run_view(record: Record, page: RunPage) -> tuple[dict[str, str | bytes], str]:
    """Return what the explorer's server answers about a run, thinned, by address; and a sentence on what is carried."""
    kept = [page.stored[i] for i in evenly(np.arange(len(page.stored)), MOST_SNAPSHOTS)]
    steps = {stored.step for stored in kept}
    answers: dict[str, str | bytes] = {}

    for snapshot in record.snapshots:
        if snapshot.step in steps and (snapshot.path / "samples.npz").is_file():
            address = address_of(record.run, "samples", step=snapshot.step)
            answers[address] = samples(record, snapshot, MOST_IMAGES)

    clouds = _clouds(record, page.latents, steps)
    for cloud in clouds:
        query = {"site": cloud.site, "projection": cloud.projection, "of": len(kept)}
        answers[address_of(record.run, "cloud", **query)] = cloud_packet(cloud)

    sites = {cloud.site for cloud in clouds}
    carried = replace(
        page,
        config=portable(page.config),
        configuration="",  # the page has it outside of the view
        stored=[replace(stored, weights=False) for stored in kept],
        latents=[latents for latents in page.latents if latents.site in sites],
        sampling="this file holds no network",
    )
    row = portable(row_of(record.run))
    answers[address_of(record.run)] = to_json({**page_tree(carried), "row": row})

    where = "; ".join(latents.words for latents in carried.latents) or "no site"
    sentence = (
        f"This file carries {len(kept)} of {len(page.stored)} snapshots, at most {MOST_IMAGES} generated images of each set "
        f"of labels, and activations at {where}. The explorer shows all."
    )
    return answers, sentence


def _clouds(record: Record, latents: Sequence[Latents], steps: set[int]) -> list[Cloud]:
    """Return the clouds that a file carries, those where phases are read first."""
    snapshots = [snapshot for snapshot in record.snapshots if snapshot.step in steps]
    clouds: list[Cloud] = []
    spent = 0
    for stored in latents:
        if spent >= MOST_CLOUD_BYTES:
            break
        for projection in stored.projections:
            if cloud := cloud_of(record, stored.site, projection, snapshots):
                points = np.ascontiguousarray(cloud.points[:, :MOST_POINTS])
                clouds.append(replace(cloud, points=points, labels=cloud.labels[:MOST_POINTS]))
                spent += points.nbytes
    return clouds


def portable(tree: Any) -> Any:
    """Return a tree in which absolute paths are their last part: a page shows no path of a machine."""
    return with_leaves(lambda leaf: Path(leaf).name if str(leaf).startswith("/") else leaf, tree)
