"""The explorer's server: routes, and the watch over the folder of runs.

Nothing that a browser sends becomes a path: a run, a study and a file of the page are looked up by name among what there
is. Work that computes goes through one queue, so that two hundred questions at once are answered one after the other.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
from anyio import CancelScope, CapacityLimiter, move_on_after, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from phasescope.errors import UserError
from phasescope.runs.painting import Unwanted, Wish
from phasescope.store.files import to_json
from phasescope.store.folder import shown
from phasescope.views.explorer.answers import answered, as_bytes, log_once, static, told
from phasescope.views.explorer.clouds import Clouds, places_in
from phasescope.views.explorer.details import details
from phasescope.views.explorer.guard import Guard
from phasescope.views.explorer.library import Library
from phasescope.views.explorer.packets import packet
from phasescope.views.explorer.painted import samples
from phasescope.views.explorer.painter import Painter
from phasescope.views.explorer.query import Query
from phasescope.views.explorer.studies import Studies

LOOK_EVERY_S, LOOKS = 0.5, 4
"""between looks at the folder of runs, and at least so many times as long as a look took: a large folder takes a second"""
READ_FOR_S = 0.3
"""that one look may read before the page hears of what was found"""
MOST_COLUMNS = 16
"""of metrics, in the table of runs, scores' untrained values included"""
MOST_TIMELINES = 60
"""of runs, in one answer"""
BEAT_S = 15.0
"""of silence after which the stream of events says that it lives"""

Answer = TypeVar("Answer")


class Explorer:
    """What the routes answer from.

    Args:
        runs: folder of runs.
        results: folder of studies' results.
    """

    def __init__(self, runs: Path, results: Path):
        self.library, self.studies = Library(runs), Studies(results)
        self.clouds, self.painter = Clouds(), Painter()
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
        """End the streams of events, which would keep a server waiting that is to end."""
        self.closing = True
        self._tell()

    async def _watch(self) -> None:
        while True:
            began = time.monotonic()
            try:
                moved = await to_thread.run_sync(self.library.refresh, READ_FOR_S, limiter=self.looking)
                more = self.library.pending > 0
            except (OSError, UserError) as error:  # a folder may go and come back, and the watch goes on
                log_once(f"the folder of runs: {error}")
                moved = more = False
            if moved:
                self._tell()
            if not more:
                await asyncio.sleep(max(LOOK_EVERY_S, LOOKS * (time.monotonic() - began)))

    def _tell(self) -> None:
        for listener in self.listeners:
            listener.set()

    async def events(self, _: Request) -> Response:
        """The stream of the library's versions: a page then asks for the rows that changed since its own."""

        async def stream() -> AsyncIterator[str]:
            told, changed = None, asyncio.Event()
            self.listeners.add(changed)
            try:
                while not self.closing:
                    changed.clear()
                    now = {
                        "session": self.session,
                        "version": self.library.version,
                        "pending": self.library.pending,
                    }
                    if now != told:
                        told = now
                        yield f"data: {json.dumps(now)}\n\n"
                    with move_on_after(BEAT_S) as silence:
                        await changed.wait()
                    if silence.cancelled_caught:
                        yield ": alive\n\n"
            finally:
                self.listeners.discard(changed)

        return StreamingResponse(
            stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    async def runs(self, request: Request) -> Response:
        since = Query(request).integer("since", 0)
        folder = shown(self.library.folder.resolve().name)
        return await answered(lambda: to_json({**self.library.rows(since), "folder": folder}))

    async def columns(self, request: Request) -> Response:
        """What can be a column of the table of runs, and the values of those metrics that are asked for."""
        metrics = Query(request).words("metric", MOST_COLUMNS)
        return await answered(lambda: to_json(self.library.columns(metrics)))

    async def timelines(self, request: Request) -> Response:
        """The small timelines of the runs ?run=, which the table asks for as its rows come into view."""
        names = Query(request).words("run", MOST_TIMELINES)
        return await answered(lambda: to_json(self.library.timelines(names)))

    async def run(self, request: Request) -> Response:
        def answer() -> str:
            entry = self.library.entry(request.path_params["run"])
            return details(entry.record, entry.row)

        return await answered(answer)

    async def samples(self, request: Request) -> Response:
        def answer() -> bytes:
            from phasescope.runs.loading import snapshot_of

            record = self.library.entry(request.path_params["run"]).record
            return samples(record, snapshot_of(record.run, Query(request).integer("step")))

        return as_bytes(await to_thread.run_sync(answer))

    async def cloud(self, request: Request) -> Response:
        return as_bytes(await self._compute(request, lambda _: self._cloud(request)[1].packet()))

    async def points(self, request: Request) -> Response:
        """Where the latents of labels lie on the manifold: of ?label=, or of the labels that the run painted."""
        return as_bytes(await self._compute(request, lambda _: self._points(request)))

    async def paint(self, request: Request) -> Response:
        def answer(unwanted: Callable[[], bool]) -> bytes:
            query = Query(request)
            sampler = query.word("sampler") if query.has("sampler") else None
            wish = Wish(
                query.numbers("label"),
                sampler,
                query.integer("steps") if sampler else 0,
                query.number("guidance", 0.0),
                query.integer("seed", 0),
                query.integer("strip", 1) > 0,
                query.change(),
            )
            run = self.library.entry(request.path_params["run"]).run
            return self.painter.paint(run, query.optional_integer("step"), wish, unwanted)

        return as_bytes(await self._compute(request, answer))

    async def inside(self, request: Request) -> Response:
        def answer(_: Callable[[], bool]) -> bytes:
            query, run = Query(request), self.library.entry(request.path_params["run"]).run
            label, place = query.numbers("label"), query.place("place")
            return self.painter.inside(run, query.optional_integer("step"), label, place, query.cell("query"))

        return as_bytes(await self._compute(request, answer))

    async def list_studies(self, _: Request) -> Response:
        return await answered(lambda: to_json(self.studies.all()))

    async def study(self, request: Request) -> Response:
        return await answered(lambda: to_json(self.studies.study(request.path_params["study"])))

    def _cloud(self, request: Request):
        query = Query(request)
        entry = self.library.entry(request.path_params["run"])
        place = query.place("place")
        projection = query.word("projection")
        return entry.record, self.clouds.cloud(entry.record, place, projection), place, projection

    def _points(self, request: Request) -> bytes:
        query = Query(request)
        record, known, place, projection = self._cloud(request)
        step = query.integer("step")
        if step not in known.steps:
            raise UserError(f"`step` (={step}) must be a snapshot with latents at {place}")
        snapshot = next(snapshot for snapshot in record.snapshots if snapshot.step == step)
        asked = [query.numbers("label")] if query.has("label") else snapshot.samples()["labels"]
        labels = np.asarray(asked, np.float32)
        others = self.painter.latents(record.run, step, labels, place)
        points = known.cloud.points[known.steps.index(step)]
        return packet(
            {"step": step},
            points=places_in(points, snapshot.latents(place.tap, place.condition), others, projection),
        )

    async def _compute(self, request: Request, work: Callable[[Callable[[], bool]], Answer]) -> Answer:
        """What `work` comes to, in its turn; it is given what tells whether its answer is unwanted by now.

        Raises:
            Unwanted: whoever asked has left; if before its turn, nothing was begun.
        """
        left = threading.Event()
        with CancelScope() as turn:

            async def watch() -> None:
                while (await request.receive())["type"] != "http.disconnect":
                    pass
                left.set()
                turn.cancel()

            watcher = asyncio.create_task(watch())
            try:
                await asyncio.sleep(0)  # so that who has left already is never begun with
                return await to_thread.run_sync(
                    work, lambda: left.is_set() or self.closing, limiter=self.computing
                )
            finally:
                watcher.cancel()
        raise Unwanted


def create_app(runs: Path, results: Path, host: str = "127.0.0.1", token: str | None = None) -> Starlette:
    """The explorer as an ASGI application; what it answers from is its `state.explorer`.

    Args:
        runs: folder of runs; it may not be there yet.
        results: folder of studies' results; it may not be there.
        host: the address that it will be bound to.
        token: asked for where there is one.
    """
    explorer = Explorer(runs, results)
    run = "/api/runs/{run}"
    app = Starlette(
        routes=[
            Route("/", static),
            Route("/static/{file}", static),
            Route("/api/events", told(explorer.events)),
            Route("/api/runs", told(explorer.runs)),
            Route("/api/columns", told(explorer.columns)),
            Route("/api/timelines", told(explorer.timelines)),
            Route(run, told(explorer.run)),
            Route(f"{run}/samples", told(explorer.samples)),
            Route(f"{run}/cloud", told(explorer.cloud)),
            Route(f"{run}/points", told(explorer.points)),
            Route(f"{run}/paint", told(explorer.paint)),
            Route(f"{run}/inside", told(explorer.inside)),
            Route("/api/studies", told(explorer.list_studies)),
            Route("/api/studies/{study}", told(explorer.study)),
        ],
        middleware=[Middleware(Guard, host=host, token=token)],
        lifespan=explorer.watching,
    )
    app.state.explorer = explorer
    return app
