"""How the server answers: JSON, packets of arrays, and what went wrong in one line."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from phasescope.errors import UserError
from phasescope.runs.painting import Unwanted
from phasescope.store.files import to_json
from phasescope.views.explorer.library import Unknown
from phasescope.views.explorer.page import TYPES, page_file


def told(answer: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """What goes wrong is told in a JSON line, with no traceback."""

    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
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

    return endpoint


@lru_cache(maxsize=1024)
def log_once(told: str) -> None:
    """Log in a line what went wrong; the same again is not logged."""
    logging.getLogger(__name__).error("%s", " ".join(told.split())[:400])


async def answered(text: Callable[[], str]) -> Response:
    """JSON that is put together beside the loop."""
    return _text(await to_thread.run_sync(text))


def _text(json: str, status: int = 200) -> Response:
    return Response(json, status, {"Cache-Control": "no-store"}, "application/json")


def _fault(why: str, status: int) -> Response:
    return _text(to_json({"error": " ".join(why.split())}), status)


def as_bytes(body: bytes) -> Response:
    return Response(body, 200, {"Cache-Control": "no-store"}, "application/octet-stream")


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
