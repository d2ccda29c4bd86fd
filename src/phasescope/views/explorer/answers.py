"""How the server answers: JSON, packets of arrays, files of the page; and what went wrong, in one line."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path

from anyio import CancelScope, CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from phasescope.errors import UserError
from phasescope.runs.painting import Unwanted
from phasescope.store.files import to_json
from phasescope.views.explorer.library import Unknown
from phasescope.views.explorer.page import TYPES, page_file
from phasescope.views.explorer.query import Query

Body = str | bytes
"""JSON, or a packet of arrays"""
KINDS = {str: "application/json", bytes: "application/octet-stream"}


def endpoint(
    work: Callable[[Query, Callable[[], bool]], Body], turns: CapacityLimiter | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that answers with what `work` gives; an error becomes a JSON line, with no traceback.

    Args:
        work: runs in a thread; it is given the request's values, and a function that says whether nobody waits any more.
        turns: that work which computes takes, one after the other.
    """

    async def answered(request: Request) -> Response:
        try:
            body = await _in_turn(request, work, turns)
            return Response(body, 200, {"Cache-Control": "no-store"}, KINDS[type(body)])
        except Unwanted:
            return Response(status_code=503)  # which nobody reads
        except Unknown as error:
            return _fault(str(error.args[0]), 404)
        except UserError as error:
            return _fault(str(error), 400)
        except Exception as error:
            # of a damaged file, or of the explorer: JSON, zip, Parquet and array readers have errors of their own
            why = f"{request.scope['route'].path} cannot be answered: {type(error).__name__}: {error}"
            log_once(why)
            return _fault(why[:400], 500)

    return answered


async def _in_turn(request: Request, work: Callable, turns: CapacityLimiter | None) -> Body:
    """Return what `work` gives; work that has to wait for its turn is not begun if whoever asked has left.

    Raises:
        Unwanted: whoever asked has left.
    """
    query, left = Query(request), threading.Event()
    if turns is None:
        return await to_thread.run_sync(work, query, left.is_set)
    with CancelScope() as turn:

        async def watch() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            left.set()
            turn.cancel()

        watcher = asyncio.create_task(watch())
        try:
            await asyncio.sleep(0)  # so that work for whoever has left already is never begun
            return await to_thread.run_sync(work, query, left.is_set, limiter=turns)
        finally:
            watcher.cancel()
    raise Unwanted


@lru_cache(maxsize=1024)
def log_once(message: str) -> None:
    """Log in a line what went wrong; the same again is not logged."""
    logging.getLogger(__name__).error("%s", " ".join(message.split())[:400])


def _fault(why: str, status: int) -> Response:
    body = to_json({"error": " ".join(why.split())})
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")


async def static(request: Request) -> Response:
    """Answer with a file of the page, by its name; a browser asks again whether it is still the same."""
    name = request.path_params.get("file", "index.html")
    body = await to_thread.run_sync(page_file, name)
    if body is None:
        return Response("there is no such file\n", 404, media_type="text/plain")
    headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"', "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=TYPES[Path(name).suffix], headers=headers)
