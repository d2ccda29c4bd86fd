"""The explorer's server: routes, and the watch over the folder of runs.

Nothing that a browser sends becomes a path: a run, a study and a file of the page are looked up by name among those that
exist. Work that computes goes through one queue, so that two hundred questions at once are answered one after the other.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import numpy as np
from anyio import CapacityLimiter, move_on_after, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from phasescope.core.errors import UserError, log_once
from phasescope.runs.painting import Wish
from phasescope.runs.store.files import to_json
from phasescope.runs.store.folder import shown
from phasescope.views.explorer.answers import Page, Query, endpoint, static
from phasescope.views.explorer.clouds import cloud_packet, places_in, stored_cloud
from phasescope.views.explorer.details import details
from phasescope.views.explorer.guard import Guard
from phasescope.views.explorer.library import Entry, Library
from phasescope.views.explorer.packets import packet
from phasescope.views.explorer.painted import Painter, samples
from phasescope.views.explorer.studies import Studies

LOOK_EVERY_S, LOOKS = 0.5, 4
"""between looks at the folder of runs, and at least so many times as long as a look took: a large folder takes a second"""
READ_FOR_S = 0.3
"""that one look may read before the page is notified"""
BEAT_S = 15.0
"""of silence after which the stream of events says that it lives"""


class Explorer:
    """What the routes answer from.

    Args:
        runs: folder of runs.
        results: folder of studies' results.
    """

    def __init__(self, runs: Path, results: Path):
        self.library, self.studies = Library(runs), Studies(results)
        self.painter = Painter()
        self.listeners: set[asyncio.Event] = set()
        self.computing, self.looking = CapacityLimiter(1), CapacityLimiter(1)
        self.closing = False
        # a page that outlives a server must not compare its versions with the next one's
        self.session = secrets.token_hex(6)

    @asynccontextmanager
    async def watching(self, _: Starlette) -> AsyncIterator[None]:
        watch = asyncio.create_task(self._watch())
        yield
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        self.close()

    def close(self) -> None:
        """End the streams of events, for which a server that is to end would wait."""
        self.closing = True
        self._notify()

    async def _watch(self) -> None:
        while True:
            began = time.monotonic()
            try:
                moved = await to_thread.run_sync(self.library.refresh, READ_FOR_S, limiter=self.looking)
                more = self.library.pending > 0
            except (OSError, UserError) as error:  # a folder may go and come back, and the watch continues
                log_once(f"the folder of runs: {error}")
                moved = more = False
            if moved:
                self._notify()
            if not more:
                await asyncio.sleep(max(LOOK_EVERY_S, LOOKS * (time.monotonic() - began)))

    def _notify(self) -> None:
        for listener in self.listeners:
            listener.set()

    async def events(self, _: Request) -> Response:
        """Answer with the stream of the library's versions: a page then asks for the rows that changed since its own."""

        async def stream() -> AsyncIterator[str]:
            sent, changed = None, asyncio.Event()
            self.listeners.add(changed)
            try:
                while not self.closing:
                    changed.clear()
                    version, pending = self.library.version, self.library.pending
                    now = {"session": self.session, "version": version, "pending": pending}
                    if now != sent:
                        sent = now
                        yield f"data: {json.dumps(now)}\n\n"
                    with move_on_after(BEAT_S) as silence:
                        await changed.wait()
                    if silence.cancelled_caught:
                        yield ": alive\n\n"
            finally:
                self.listeners.discard(changed)

        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)

    def runs(self, query: Query) -> str:
        folder = shown(self.library.folder.resolve().name)
        return to_json({**self.library.rows(query.integer("since", 0)), "folder": folder})

    def run(self, query: Query) -> str:
        entry = self._entry(query)
        return details(entry.record, entry.row)

    def samples(self, query: Query) -> bytes:
        record = self._entry(query).record
        return samples(record, record.run.snapshot(query.integer("step")))

    def list_studies(self, _: Query) -> str:
        return to_json(self.studies.all())

    def members(self, _: Query) -> str:
        return to_json(self.studies.members())

    def study(self, query: Query) -> Page:
        return Page(self.studies.page(query.path["study"]))

    def cloud(self, query: Query) -> bytes:
        record = self._entry(query).record
        return cloud_packet(stored_cloud(record, query.place("place"), query.word("projection")))

    def points(self, query: Query) -> bytes:
        """Return where latents lie among principal components: of the label ?label=, or of all whose images are stored."""
        record, place, step = self._entry(query).record, query.place("place"), query.integer("step")
        known = stored_cloud(record, place, "pca")
        if step not in known.steps:
            raise UserError(f"`step` (={step}) must be a snapshot with latents at {place}")
        snapshot = next(snapshot for snapshot in record.snapshots if snapshot.step == step)
        label = query.numbers("label", None)
        asked = [label] if label else snapshot.samples()["labels"]
        others = self.painter.latents(record.run, step, np.asarray(asked, np.float32), place)
        points = known.points[known.steps.index(step)]
        latents = snapshot.latents(place.tap, place.condition)
        return packet({"step": step}, points=places_in(points, latents, others))

    def paint(self, query: Query) -> bytes:
        sampler = query.word("sampler", None)
        wish = Wish(
            query.numbers("label"),
            sampler,
            query.integer("steps") if sampler else 0,
            query.number("guidance", 0.0),
            query.integer("seed", 0),
            query.integer("strip", 1) > 0,
            query.change(),
        )
        step, run = query.integer("step", None), self._entry(query).run
        return self.painter.paint(run, step, wish, lambda: query.is_left() or self.closing)

    def inside(self, query: Query) -> bytes:
        run, label, place = self._entry(query).run, query.numbers("label"), query.place("place")
        return self.painter.inside(run, query.integer("step", None), label, place, query.cell("query"))

    def _entry(self, query: Query) -> Entry:
        return self.library.entry(query.path["run"])


def create_app(runs: Path, results: Path, host: str = "127.0.0.1", token: str | None = None) -> Starlette:
    """Return the explorer as an ASGI application; what it answers from is its `state.explorer`.

    Args:
        runs: folder of runs, which may not exist yet.
        results: folder of studies' results, which may not exist.
        host: the address that it will be bound to.
        token: that a client must give, if there is one.
    """
    explorer = Explorer(runs, results)
    run = "/api/runs/{run}"
    reading = {
        "/api/runs": explorer.runs,
        run: explorer.run,
        f"{run}/samples": explorer.samples,
        "/api/members": explorer.members,
        "/api/studies": explorer.list_studies,
        "/studies/{study}": explorer.study,
    }
    computing = {
        f"{run}/cloud": explorer.cloud,
        f"{run}/points": explorer.points,
        f"{run}/paint": explorer.paint,
        f"{run}/inside": explorer.inside,
    }
    app = Starlette(
        routes=[
            Route("/", static),
            Route("/static/{file}", static),
            Route("/api/events", explorer.events),
            *(Route(path, endpoint(work)) for path, work in reading.items()),
            *(Route(path, endpoint(work, explorer.computing)) for path, work in computing.items()),
        ],
        middleware=[Middleware(Guard, host=host, token=token)],
        lifespan=explorer.watching,
    )
    app.state.explorer = explorer
    return app
