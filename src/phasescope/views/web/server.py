"""The explorer's server: its routes.

Nothing that a browser sends becomes a path: a run, a study and a file of the page are looked up by name among those that
exist. Work that computes goes through one queue, so that two hundred questions at once are answered one after the other.
"""

import secrets
import time
from functools import partial
from pathlib import Path

import numpy as np
from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from phasescope.core.errors import UserError, log_once
from phasescope.runs.store.files import to_json
from phasescope.runs.store.folder import shown
from phasescope.runs.trained.session import SampleRequest, SnapshotSampler
from phasescope.views.facts.forks import PAIRED_HEADS, fork_group, paired, paired_texts
from phasescope.views.web.answers import Page, Png, Query, Svg, endpoint, static
from phasescope.views.web.details import details
from phasescope.views.web.guard import Guard
from phasescope.views.web.library import Entry, Library
from phasescope.views.web.packets import cloud_packet, packet, places_in, stored_cloud
from phasescope.views.web.samples import sample_packet, samples
from phasescope.views.web.studies import FINDINGS, Studies

MOST_PAIRED = 64
"""runs of a comparison"""
READING_S, LOOKS = 0.5, 4
"""that an answer may take to read new runs; times as long as a look at the folder took pass before the next"""


class Explorer:
    """The state behind the routes.

    Args:
        runs: folder of runs.
        results: folder of studies' results.
        trust: whether networks with their owner's sources are loaded, which executes these.
    """

    def __init__(self, runs: Path, results: Path, trust: bool = False):
        self.library, self.studies = Library(runs), Studies(results)
        self.sampler = SnapshotSampler(trust)
        self.computing, self.looking = CapacityLimiter(1), CapacityLimiter(1)
        self.next_look = 0.0
        # a page that outlives a server must not compare its versions with the next one's
        self.session = secrets.token_hex(6)

    def runs(self, query: Query) -> str:
        """Return the rows that changed since a version, which a page asks for every second."""
        began = time.monotonic()
        try:
            if began >= self.next_look:
                self.library.refresh(READING_S)
        except (OSError, UserError) as error:  # a folder may go and come back
            log_once(f"the folder of runs: {error}")
        rows = self.library.rows(query.integer("since", 0))
        if not rows["unread"]:  # a large folder takes a second to be listed
            self.next_look = max(self.next_look, time.monotonic() + LOOKS * (time.monotonic() - began))
        return to_json({**rows, "folder": shown(self.library.folder.resolve().name), "session": self.session})

    def run(self, query: Query) -> str:
        entry = self._entry(query)
        return details(entry.record, entry.row, self.sampler.trust)

    def samples(self, query: Query) -> bytes:
        record = self._entry(query).record
        return samples(record, record.run.snapshot(query.integer("step")))

    def paired(self, query: Query) -> str:
        """Return the paired differences among ?runs= as rows of texts, at the snapshot ?step= or at their end; no row
        unless they are of one fork, with its control."""
        step = query.integer("step", None)
        entries = [self.library.entry(name) for name in query.word("runs").split(",")[:MOST_PAIRED]]
        group = fork_group([entry.run for entry in entries if entry.row["state"] != "broken"])
        lines = paired(*group, step) if group else ()
        return to_json({"heads": PAIRED_HEADS, "rows": [paired_texts(line) for line in lines]})

    def list_studies(self, _: Query) -> str:
        return to_json(self.studies.all())

    def members(self, _: Query) -> str:
        return to_json(self.studies.members())

    def study(self, query: Query) -> Page:
        return Page(self.studies.page(query.path["study"]))

    def findings(self, _: Query) -> str:
        return to_json(self.studies.findings())

    def findings_page(self, _: Query, page: str) -> Page:
        return Page(self.studies.findings_page(page))

    def figure(self, query: Query) -> Png:
        return Png(self.studies.figure(query.path["study"], query.path["file"]))

    def drawing(self, query: Query) -> Svg:
        return Svg(self.studies.drawing(query.path["file"]))

    def cloud(self, query: Query) -> bytes:
        record = self._entry(query).record
        return cloud_packet(stored_cloud(record, query.site("site"), query.word("projection")))

    def points(self, query: Query) -> bytes:
        """Return where latents lie among principal components: of the label ?label=, or of all whose images are stored."""
        record, site, step = self._entry(query).record, query.site("site"), query.integer("step")
        known = stored_cloud(record, site, "pca")
        if step not in known.steps:
            raise UserError(f"`step` (={step}) must be a snapshot with activations at {site}")
        snapshot = next(snapshot for snapshot in record.snapshots if snapshot.step == step)
        label = query.numbers("label", None)
        asked = [label] if label else snapshot.samples()["labels"]
        others = self.sampler.latents(record.run, step, np.asarray(asked, np.float32), site)
        points = known.points[known.steps.index(step)]
        latents = snapshot.latents(site.layer, site.t)
        return packet({"step": step}, points=places_in(points, latents, others))

    def generate(self, query: Query) -> bytes:
        sampler = query.word("sampler", None)
        request = SampleRequest(
            label=query.numbers("label"),
            sampler=sampler,
            steps=query.integer("steps") if sampler else 0,
            guidance=query.number("guidance", 0.0),
            seed=query.integer("seed", 0),
            strip=query.integer("strip", 1) > 0,
            change=query.change(),
        )
        step, run = query.integer("step", None), self._entry(query).run
        return sample_packet(self.sampler.sample(run, step, request))

    def _entry(self, query: Query) -> Entry:
        return self.library.entry(query.path["run"])


def create_app(runs: Path, results: Path, trust: bool = False) -> Starlette:
    """Return the explorer as an ASGI application; what it answers from is its `state.explorer`.

    Args:
        runs: folder of runs, which may not exist yet.
        results: folder of studies' results, which may not exist.
    """
    explorer = Explorer(runs, results, trust)
    run = "/api/runs/{run}"
    reading = {
        run: explorer.run,
        f"{run}/samples": explorer.samples,
        "/api/paired": explorer.paired,
        "/api/members": explorer.members,
        "/api/studies": explorer.list_studies,
        "/api/findings": explorer.findings,
        "/studies/{study}": explorer.study,
        "/studies/{study}/{file}": explorer.figure,
        **{f"/{page}": partial(explorer.findings_page, page=page) for page in FINDINGS},
        "/pictures/{file}": explorer.drawing,
    }

    computing = {
        f"{run}/cloud": explorer.cloud,
        f"{run}/points": explorer.points,
        f"{run}/generate": explorer.generate,
    }

    app = Starlette(
        routes=[
            Route("/", static),
            Route("/static/{file}", static),
            Route("/api/runs", endpoint(explorer.runs, explorer.looking)),
            *(Route(path, endpoint(work)) for path, work in reading.items()),
            *(Route(path, endpoint(work, explorer.computing)) for path, work in computing.items()),
        ],
        middleware=[Middleware(Guard)],
    )

    app.state.explorer = explorer
    return app
