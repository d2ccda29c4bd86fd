"""A view of the explorer in one file, which needs no network and no server.

The file carries the explorer's modules as an import map of data URLs, and the answers that its server would give (gzip, then
base64) by their addresses. What a reader without scripts needs is HTML of the file's own template. A content security policy
in the page forbids every request.
"""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phasescope.runs.store.files import to_json
from phasescope.views.facts.numbers import format_count
from phasescope.views.web.files import page_file, style

if TYPE_CHECKING:
    from jinja2 import Environment

MODULE = re.compile(r'"\./(\w+\.js)"')


def encoded(body: str | bytes) -> str:
    """Return an answer as a file carries it: without a time in its head, so that the same run gives the same file."""
    return _base64(gzip.compress(body if isinstance(body, bytes) else body.encode(), mtime=0))


def self_contained(template: str, view: str, answers: Mapping[str, str], **shown: Any) -> str:
    """Return the HTML of a file that shows a view of the explorer.

    Args:
        template: in `templates`; it extends ``page.html.j2``.
        view: whose module opens it, as ``run``; nothing is drawn without answers.
        answers: JSON or packets, `encoded`, by the address at which the view asks for them.
        shown: what the template shows.
    """
    from markupsafe import Markup

    return (
        environment()
        .get_template(template)
        .render(
            view=view,
            style=Markup(style()),
            # Names of our own and base64: nothing in them could end the script element.
            modules=Markup(to_json({"imports": _modules(["alone.js", f"{view}.js"])})),
            answers=answers,
            **shown,
        )
    )


def environment() -> Environment:
    """Return the templates of pages; text is escaped in HTML alone."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("phasescope.views.web"),
        # Markdown is escaped when it becomes HTML: escaped twice it would show entities.
        autoescape=lambda name: bool(name and name.endswith(".html.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["format_count"] = format_count
    return pages


def _modules(names: list[str]) -> dict[str, str]:
    # By name, with all that they import: a data URL resolves no relative address.
    urls: dict[str, str] = {}
    while names:
        name = names.pop()
        if name not in urls:
            text = _text(name)
            names += MODULE.findall(text)
            bare = MODULE.sub(r'"\1"', text)
            urls[name] = f"data:text/javascript;base64,{_base64(bare.encode())}"
    return urls


def _text(name: str) -> str:
    body = page_file(name)
    assert body is not None, name
    return body.decode()


def _base64(body: bytes) -> str:
    return base64.b64encode(body).decode("ascii")
