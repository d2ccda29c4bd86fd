"""The files of the page: those of `static/`, the house's palette and words, and plotly.js as its package ships it."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from phasescope.store.files import to_json

STATIC = resources.files("phasescope.views.explorer") / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}


async def page_file(request: Request) -> Response:
    """A file of the page, by its name; a browser asks again whether it is still the same."""
    found = await to_thread.run_sync(_file, request.path_params.get("file", "index.html"))
    if found is None:
        return Response("there is no such file\n", 404, media_type="text/plain")
    body, kind, mark = found
    headers = {"ETag": mark, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == mark:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


@cache
def _names() -> frozenset[str]:
    return frozenset(entry.name for entry in STATIC.iterdir() if Path(entry.name).suffix in TYPES)


@cache
def _file(name: str) -> tuple[bytes, str, str] | None:
    """(content, type, mark) of a file of the page."""
    if name == "palette.css":
        body = _palette().encode()
    elif name == "terms.js":
        body = _terms().encode()
    elif name == "plotly.min.js":
        body = (resources.files("plotly") / "package_data" / name).read_bytes()
    elif name in _names():
        body = (STATIC / name).read_bytes()
    else:
        return None
    return body, TYPES[Path(name).suffix], f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def _terms() -> str:
    """The words and pictograms that pages explain, as a module."""
    from phasescope.views.terms import told

    return "".join(f"export const {name.upper()} = {to_json(tree)};\n" for name, tree in told().items())


def _palette() -> str:
    """The house's colours as CSS variables, in both schemes."""
    from phasescope.views.style import ON_DATA, PHASE_COLOURS, TARGET, css_variables

    both = {f"phase-{name}": colour for name, colour in PHASE_COLOURS.items()}
    both |= {"on-data": ON_DATA, "target": TARGET}
    shared = " ".join(f"--{name}: {colour};" for name, colour in both.items())
    return (
        f":root {{ color-scheme: light dark; {css_variables(dark=False)} {shared} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {css_variables(dark=True)} }} }}\n"
    )
