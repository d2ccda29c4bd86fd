"""Access control: only this page, on this machine, may send requests.

- A page of another site can make a browser ask for http://127.0.0.1, and with a name of its own that resolves there
  (DNS rebinding) even read the answer. So the Host header must name this machine. And of what a browser marks as another
  site's, a link that opens the page in a tab leads here; a frame, an image, a script and a question for data get nothing.
- Only the loopback is bound: from a distance a tunnel leads here (ssh -L).
- Nothing can be changed here: routes answer only GET and HEAD.
"""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""headers of every response: the page loads nothing from other origins, and no other origin may frame or read it"""


class Guard:
    """ASGI middleware that passes on allowed requests and refuses all others."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        return await (refusal(scope) or self.app)(scope, receive, send_with_headers)


def refusal(scope: Scope) -> Response | None:
    """Return what is answered instead of what was asked for; None if it is allowed."""
    headers = Headers(scope=scope)
    if not names_this_machine(headers.get("host", "")):
        return PlainTextResponse("`Host` must name this machine\n", 421)
    # Only browsers send this header, and only they could be misled by another site: a program passes.
    if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not _is_a_link(scope, headers):
        return PlainTextResponse("another site's page gets no data\n", 403)
    return None


def names_this_machine(host: str) -> bool:
    """Return whether a Host header names the loopback; any port, as a tunnel may lead here."""
    return re.fullmatch(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", host.lower()) is not None


def _is_a_link(scope: Scope, headers: Headers) -> bool:
    """Return whether a request navigates a browser tab to the page."""
    mode, destination = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest", "document")
    return (mode, destination) == ("navigate", "document") and scope["path"] == "/"
