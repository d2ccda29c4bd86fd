"""Typed queries of a page, and the server's responses: JSON, packets of arrays, or an error in one line."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from phasescope.core.errors import UserError, log_once
from phasescope.runs.store.files import to_json
from phasescope.runs.store.sites import Site
from phasescope.runs.trained.change import Change
from phasescope.views.web.files import TYPES, page_file
from phasescope.views.web.library import Unknown


class Page(str):
    """HTML."""


class Png(bytes):
    """A picture in pixels."""


class Svg(bytes):
    """A drawing."""


Body = str | bytes
"""JSON, a page, a picture, or a packet of arrays"""
KINDS = {
    str: "application/json",
    bytes: "application/octet-stream",
    Page: "text/html",
    Png: "image/png",
    Svg: "image/svg+xml",
}


def endpoint(
    work: Callable[[Query], Body], turns: CapacityLimiter | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that answers with what `work` gives; an error becomes a JSON line, with no traceback.

    Args:
        work: runs in a thread; it is given the request's values.
        turns: that work which computes takes, one after the other.
    """

    async def answered(request: Request) -> Response:
        try:
            body = await to_thread.run_sync(work, Query(request), limiter=turns)
            return Response(body, 200, {"Cache-Control": "no-store"}, KINDS[type(body)])
        except UserError as error:
            return _fault(str(error), 404 if isinstance(error, Unknown) else 400)
        except Exception as error:
            # of a damaged file, or of the explorer: JSON, zip, Parquet and array readers have errors of their own
            why = f"{request.scope['route'].path} cannot be answered: {type(error).__name__}: {error}"
            log_once(why)
            return _fault(why[:400], 500)

    return answered


def _fault(why: str, status: int) -> Response:
    body = to_json({"error": " ".join(why.split())})
    return Response(body, status, {"Cache-Control": "no-store"}, "application/json")


async def static(request: Request) -> Response:
    """Return a file of the page, by its name; browsers must revalidate a cached copy."""
    name = request.path_params.get("file", "index.html")
    body = await to_thread.run_sync(page_file, name)
    if body is None:
        return Response("there is no such file\n", 404, media_type="text/plain")
    headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"', "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=TYPES[Path(name).suffix], headers=headers)


MOST = 3e38
"""of a number, as arrays here hold it"""

T = TypeVar("T")


REQUIRED: Any = object()


class Query:
    """A request's path and query; a value that is missing or of another type is a `UserError` that names it.

    A value that is not given is `otherwise`, if a method is called with it.
    """

    def __init__(self, request: Request):
        self.path: dict[str, Any] = request.path_params
        self.given = request.query_params

    def word(self, name: str, otherwise: Any = REQUIRED) -> str:
        return self._parsed(name, str, "text", otherwise)

    def integer(self, name: str, otherwise: Any = REQUIRED) -> int:
        return self._parsed(name, _whole, "a whole number that a browser can hold", otherwise)

    def number(self, name: str, otherwise: Any = REQUIRED) -> float:
        return self._parsed(name, _number, "a number", otherwise)

    def numbers(self, name: str, otherwise: Any = REQUIRED) -> tuple[float, ...]:
        rule = "a number, or several with commas between them"
        return self._parsed(name, lambda text: tuple(map(_number, text.split(","))), rule, otherwise)

    def site(self, name: str) -> Site:
        return self._parsed(name, Site.parse, "a layer and t, as in mid.600", REQUIRED)

    def change(self) -> Change | None:
        """Return the intervention at a layer; None if no layer is named."""
        layer = self.word("layer", None)
        return Change(layer, self.word("how"), self.numbers("towards", ())) if layer is not None else None

    def _parsed(self, name: str, parse: Callable[[str], T], rule: str, otherwise: Any) -> T:
        if name not in self.given:
            if otherwise is REQUIRED:
                raise UserError(f"`{name}` (=nothing) must be given")
            return otherwise
        text = self.given[name]
        try:
            return parse(text)
        except ValueError:
            raise UserError(f"`{name}` (={text[:40]}) must be {rule}") from None


def _whole(text: str) -> int:
    number = int(text)
    if abs(number) > 2**53:
        raise ValueError(text)
    return number


def _number(text: str) -> float:
    number = float(text)
    if not abs(number) <= MOST:  # nor is NaN
        raise ValueError(text)
    return number
