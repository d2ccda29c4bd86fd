"""Who may ask: this page, on this machine, or whoever has the token.

- A page of another site can make a browser ask for http://127.0.0.1, and with a name of its own that resolves there
  (DNS rebinding) even read the answer. So the Host header must name this machine. And of what a browser marks as another
  site's, a link that opens the page in a tab leads here; a frame, an image, a script and a question for data get nothing.
- Beyond the loopback everybody on the net could ask. So there a token is needed: once in the address, then in a cookie.
- Nothing can be changed here: routes answer only GET and HEAD.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from urllib.parse import quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "::1")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""on every answer: nothing is loaded from elsewhere, and nobody frames or reads the page"""
TOKEN_NEEDED = "The address that `phasescope explore` printed ends in ?token=...: open that address\n"


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach what is bound to `host`."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


class Guard:
    """ASGI middleware that answers those it lets in.

    Args:
        app: what is guarded.
        host: the address that is bound to.
        token: that a client must give, if there is one.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1", token: str | None = None):
        self.app, self.token = app, token
        self.names = {*LOOPBACK, host.lower()}
        self.addresses = not is_loopback(host)
        if self.addresses:
            self.names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        # cookies ignore ports: two explorers on one machine need two names
        self.cookie = "phasescope_" + hashlib.sha256((token or "").encode()).hexdigest()[:12]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        return await (self.refusal(scope) or self.app)(scope, receive, send_with_headers)

    def refusal(self, scope: Scope) -> Response | None:
        """Return what is answered instead of what was asked for; None if it is allowed."""
        headers = Headers(scope=scope)
        if not self.knows(headers.get("host", "")):
            return PlainTextResponse("`Host` must name this machine\n", 421)
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not _is_a_link(scope, headers):
            return PlainTextResponse("another site's page gets no data\n", 403)
        return self._without_token(scope, headers) if self.token is not None else None

    def knows(self, host: str) -> bool:
        """Return whether a Host header names this machine; any port, as a tunnel may lead here."""
        name = host.lower()
        if name.startswith("["):
            name, bracket, port = name[1:].partition("]")
            if not bracket or (port and not port.startswith(":")):
                return False
        elif name.count(":") == 1:
            name = name.partition(":")[0]
        # an address cannot be rebound; a name could
        return name in self.names or (self.addresses and _is_address(name))

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        request = Request(scope)
        query = request.query_params
        if "token" in query and self._is_token(query["token"]):
            rest = urlencode([(name, value) for name, value in query.multi_items() if name != "token"])
            # one slash: two would name another machine
            path = "/" + quote(scope["path"].lstrip("/\\"))
            answer = RedirectResponse(path + ("?" + rest if rest else ""), 303)
            answer.set_cookie(self.cookie, query["token"], httponly=True, samesite="lax")
            return answer
        known = self._is_token(request.cookies.get(self.cookie, ""))
        return None if known else PlainTextResponse(TOKEN_NEEDED, 401)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self.token or "").encode())


def _is_a_link(scope: Scope, headers: Headers) -> bool:
    """Whether a tab is to show the page."""
    mode, destination = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest", "document")
    return (mode, destination) == ("navigate", "document") and scope["path"] == "/"
