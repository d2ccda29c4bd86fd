"""The verb `explore`: bind, say where, serve until interrupted.

Nothing that clients do keeps it from ending: what it writes, notes, is there whole or not at all, so that after a second's
grace it just stops. And nothing that they open keeps it from reading runs: of the files that the process may have open, some
are never a connection.
"""

from __future__ import annotations

import os
import resource
import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import quote

from phasescope.errors import RunFailed, UserError
from phasescope.views.explorer.guard import is_loopback

if TYPE_CHECKING:
    import asyncio

    import uvicorn

GRACE_S = 1.0
"""that answers under way are given at the end"""
LOOKS_UP_S = 0.2
WAITING = 2048
"""connections that may wait to be taken up"""
MOST_SPARE = 256
"""open files that are kept for what is read, where the process may have twice as many"""
LEAST_TOKEN = 16
"""characters: shorter ones could be guessed"""


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on the address; connections wait in it until the server is up.

    Raises:
        UserError: it cannot be had.
    """
    if not 0 <= port < 65536:
        raise UserError(f"`--port` (={port}) must be from 0, any free one, to 65535")
    listening = None
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(WAITING)
    except (OSError, UnicodeError) as error:
        if listening is not None:
            listening.close()
        why = "no name of a host" if isinstance(error, UnicodeError) else error.strerror or str(error)
        where = " ".join(host.split())
        raise UserError(
            f"`--host`, `--port` (={where}, {port}) must be free and this machine's: {why}"
        ) from None
    return listening


def token_for(host: str, token: str | None) -> str | None:
    """The token that is asked for: the given one; beyond the loopback always one.

    Raises:
        UserError: the given one is too short.
    """
    if token is None:
        return None if is_loopback(host) else secrets.token_urlsafe(24)
    if len(token) < LEAST_TOKEN:
        raise UserError(
            f"`--token` must have at least {LEAST_TOKEN} characters: a shorter one could be guessed"
        )
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise UserError(
            "`--token` must be letters, digits and signs of ASCII: it travels in addresses and headers"
        )
    return token


def serve(runs: Path, results: Path, host: str, port: int, token: str | None) -> None:
    """Serve the explorer until SIGINT or SIGTERM, which end the process; prints its address first.

    Raises:
        UserError: the address cannot be had, the token cannot be one, or `runs` is no folder.
        RunFailed: the server ended by itself.
    """
    if runs.exists() and not runs.is_dir():
        raise UserError(f"`--runs` (={runs}) must be a folder of runs")
    secret = token_for(host, token)
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    with serving(runs, results, host, port, secret, ended) as address:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.put(None))
        way_in = f"?token={quote(secret, safe='')}" if secret else ""
        print(f"{address}/{way_in}   (Ctrl-C ends it)", flush=True)
        if why := _told(ended):
            raise RunFailed(f"the explorer ended by itself: {type(why).__name__}: {why}")
    os._exit(
        0
    )  # threads that still compute are not waited for, and a further Ctrl-C meets no half-ended interpreter


def _told(ended: SimpleQueue[BaseException | None]) -> BaseException | None:
    """What `ended` is told, by a handler of signals too.

    A signal may meet another thread, and then does not wake this one, which alone runs handlers: so it looks up.
    """
    while True:
        with suppress(Empty):
            return ended.get(timeout=LOOKS_UP_S)


@contextmanager
def serving(
    runs: Path,
    results: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    ended: SimpleQueue[BaseException | None] | None = None,
) -> Iterator[str]:
    """Within the block the explorer is served from a thread, by default on a free port of the loopback; yields its address.

    Args:
        ended: is told when the server ends, and why.

    Raises:
        UserError: the address cannot be had.
    """
    listening = bind(host, port)
    named = f"[{quote(host, safe=':')}]" if ":" in host else quote(host)
    address = f"http://{named}:{listening.getsockname()[1]}"
    server = _server(runs, results, host, token)

    def run() -> None:
        why = None
        try:
            server.run(sockets=[listening])
        except (Exception, SystemExit) as error:
            why = error
        listening.close()
        if ended is not None:
            ended.put(why)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(GRACE_S)


def _server(runs: Path, results: Path, host: str, token: str | None) -> uvicorn.Server:
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    from phasescope.views.explorer.server import create_app

    app = create_app(runs, results, host, token)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    spare = min(MOST_SPARE, files // 2) if files > 0 else MOST_SPARE

    class Connection(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            if 0 < files <= len(self.connections) + spare:
                transport.abort()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            # `backlog` also says how many are taken up before the first of them can be turned away
            for one in sockets or ():
                one.listen(WAITING)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.state.explorer.close()
            await super().shutdown(sockets)

    return Server(
        uvicorn.Config(
            app,
            http=Connection,
            loop="asyncio",
            backlog=max(spare // 8, 1),
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )
