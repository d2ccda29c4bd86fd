"""What a report carries of a run: its page, images and activations, within a number of bytes.

What is too large is thinned kind by kind, the larger kind first: activations by site, then by points; images by label, then
by snapshot; at last charts of scores at other sites than those of phases. The file says what it carries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from phasescope.runs.store.files import to_json, with_leaves
from phasescope.runs.store.folder import RunFolder
from phasescope.views.facts.clouds import Cloud, cloud_of
from phasescope.views.facts.record import Record, evenly
from phasescope.views.facts.rows import row_of
from phasescope.views.facts.run_page import RunPage
from phasescope.views.web.details import page_tree
from phasescope.views.web.inlined import encoded
from phasescope.views.web.packets import cloud_packet
from phasescope.views.web.samples import samples

MOST_SNAPSHOTS, MOST_CLOUD_BYTES = 30, 2_200_000
"""that are considered: snapshots, and float32 bytes of all clouds"""
POINTS = (512, 256, 128, 64)
"""of a cloud: the most, and to how many the last cloud is thinned"""
IMAGES = ((30, 36), (30, 16), (15, 16), (15, 9), (8, 9), (8, 4), (4, 4), (2, 4), (1, 4), (0, 0))
"""snapshots with images, and images of a set of labels: the most, and to how many they are thinned"""

Parts = dict[str, str]
"""answers of the explorer's server, by address, as a file holds them"""


@dataclass(frozen=True)
class Images:
    """Images of some snapshots, by step, at most `most` of each set of labels."""

    parts: dict[int, str]
    most: int


def carried_of(record: Record, page: RunPage, room: int) -> tuple[Parts, str]:
    """Return what a file carries of a run within `room` characters, by address; and a sentence on what that is."""
    stored = [page.stored[i] for i in evenly(np.arange(len(page.stored)), MOST_SNAPSHOTS)]
    steps = [snapshot.step for snapshot in stored]
    some_clouds, some_images = _clouds(record, page, steps), _images(record, steps)
    clouds, images = next(some_clouds), next(some_images)

    while True:
        of_clouds = {
            _cloud_address(record, cloud, len(steps)): encoded(cloud_packet(cloud)) for cloud in clouds
        }
        cloud_bytes, image_bytes = (sum(map(len, part.values())) for part in (of_clouds, images.parts))
        details = encoded(to_json(_details(record, page, steps, clouds, images)))
        if len(details) + cloud_bytes + image_bytes <= room:
            break

        if cloud_bytes or image_bytes:
            if cloud_bytes >= image_bytes:
                clouds = next(some_clouds)
            else:
                images = next(some_images)
        elif (fewer := _at_phase_sites(page)).panels != page.panels:
            page = fewer
        else:
            break

    of_images = {address_of(record.run, "samples", step=step): part for step, part in images.parts.items()}
    answers = {address_of(record.run): details, **of_clouds, **of_images}
    return answers, _sentence(page, len(steps), clouds, images)


def address_of(run: RunFolder, kind: str = "", **query: object) -> str:
    """Return the address at which the explorer's page asks for something of a run."""
    return f"/api/runs/{quote(run.name, safe='')}{kind and f'/{kind}?{urlencode(query)}'}"


def portable(tree: Any) -> Any:
    """Return a tree in which absolute paths are their last part: a page shows no path of a machine."""
    return with_leaves(lambda leaf: Path(leaf).name if str(leaf).startswith("/") else leaf, tree)


def _cloud_address(record: Record, cloud: Cloud, count: int) -> str:
    return address_of(record.run, "cloud", site=cloud.site, projection=cloud.projection, of=count)


def _clouds(record: Record, page: RunPage, steps: Sequence[int]) -> Iterator[list[Cloud]]:
    """Yield the clouds that a file may carry, those where phases are read first; then fewer and fewer, at last none."""
    snapshots = [snapshot for snapshot in record.snapshots if snapshot.step in steps]
    clouds: list[Cloud] = []
    spent = 0
    for latents in page.latents:
        if spent >= MOST_CLOUD_BYTES:
            break
        for projection in latents.projections:
            if cloud := cloud_of(record, latents.site, projection, snapshots):
                clouds.append(_thinned(cloud, POINTS[0]))
                spent += clouds[-1].points.nbytes

    for count in range(len(clouds), 0, -1):
        yield clouds[:count]
    for most in POINTS[1:]:
        yield [_thinned(cloud, most) for cloud in clouds[:1]]
    yield []


def _thinned(cloud: Cloud, most: int) -> Cloud:
    points = np.ascontiguousarray(cloud.points[:, :most])
    return replace(cloud, points=points, labels=cloud.labels[:most])


def _images(record: Record, steps: Sequence[int]) -> Iterator[Images]:
    """Yield the images that a file may carry; then fewer and fewer, at last none."""
    sampled = [
        snapshot
        for snapshot in record.snapshots
        if snapshot.step in steps and (snapshot.path / "samples.npz").is_file()
    ]
    for count, most in IMAGES:
        # The last of a single one: what the run has come to.
        chosen = evenly(np.arange(len(sampled))[::-1], count)
        parts = {sampled[i].step: encoded(samples(record, sampled[i], most)) for i in sorted(chosen)}
        yield Images(parts, most)


def _at_phase_sites(page: RunPage) -> RunPage:
    """Return a page without the charts of scores at other sites than that of the phases."""
    panels = [panel for panel in page.panels if panel.site in (None, page.read_at)]
    return replace(page, panels=panels)


def _details(
    record: Record, page: RunPage, steps: Sequence[int], clouds: Sequence[Cloud], images: Images
) -> dict[str, Any]:
    """Return what the page says, with the snapshots, images and activations that the file carries."""
    sites = {cloud.site for cloud in clouds}
    of_site = {site: [cloud.projection for cloud in clouds if cloud.site == site] for site in sites}
    carried = replace(
        page,
        config=portable(page.config),
        configuration="",  # the page has it outside of the view
        stored=[
            replace(stored, weights=False, samples=stored.step in images.parts)
            for stored in page.stored
            if stored.step in steps
        ],
        latents=[
            replace(latents, projections=of_site[latents.site])
            for latents in page.latents
            if latents.site in sites
        ],
        sampling="this file holds no network",
    )
    return {**page_tree(carried), "row": portable(row_of(record.run))}


def _sentence(page: RunPage, snapshots: int, clouds: Sequence[Cloud], images: Images) -> str:
    """Return what a file carries, and that the explorer shows all."""
    words = {latents.site: latents.words for latents in page.latents}
    where = "; ".join(dict.fromkeys(words[cloud.site] for cloud in clouds)) or "no site"
    points = f" ({clouds[0].points.shape[1]} of them)" if clouds else ""
    shown = (
        f"at most {images.most} generated images of each set of labels at {len(images.parts)} snapshots"
        if images.parts
        else "no generated images"
    )
    return (
        f"This file carries {snapshots} of {len(page.stored)} snapshots, {shown}, and activations{points} at {where}: "
        "what fits into 1.5 MB. The explorer shows all that is stored."
    )
