"""The command `explore`: bind, say where, serve until interrupted."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from phasescope.core.errors import RunFailed, UserError
from phasescope.views.explorer.guard import is_loopback

GRACE_S = 1.0
"""that answers under way are given at the end"""
LOOK_EVERY_S = 0.2
WAITING = 2048
"""connections that may wait to be taken up"""
LEAST_TOKEN = 16
"""characters: shorter ones could be guessed"""


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the address; connections wait in it until the server is up.

    Raises:
        UserError: the address is not free, or not this machine's.
    """
    if not 0 <= port < 65536:
        raise UserError(f"`--port` (={port}) must be from 0, any free one, to 65535")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family, backlog=WAITING)
    except (OSError, UnicodeError) as error:
        why = "no name of a host" if isinstance(error, UnicodeError) else error.strerror or str(error)
        where = f"{' '.join(host.split())}, {port}"
        raise UserError(f"`--host`, `--port` (={where}) must be free and this machine's: {why}") from None


def token_for(host: str, token: str | None) -> str | None:
    """Return the token that a client must give: the given one; beyond the loopback always one.

    Raises:
        UserError: the given one is too short, or cannot travel in an address.
    """
    if token is None:
        return None if is_loopback(host) else secrets.token_urlsafe(24)
    if len(token) < LEAST_TOKEN or not (token.isascii() and token.isprintable()) or " " in token:
        rule = "a shorter one could be guessed, and it travels in addresses and headers"
        raise UserError(
            f"`--token` must be at least {LEAST_TOKEN} letters, digits and signs of ASCII, without spaces: {rule}"
        )
    return token


def serve(runs: Path, results: Path, host: str, port: int, token: str | None) -> None:
    """Serve the explorer until SIGINT or SIGTERM, which end the process; print its address first.

    Raises:
        UserError: the address or the token is refused, or `runs` is no folder.
        RunFailed: the server ended by itself.
    """
    if runs.exists() and not runs.is_dir():
        raise UserError(f"`--runs` (={runs}) must be a folder of runs")
    secret, asked = token_for(host, token), threading.Event()
    with serving(runs, results, host, port, secret) as (address, thread):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: asked.set())
        query = f"?token={quote(secret, safe='')}" if secret else ""
        print(f"{address}/{query}   (Ctrl-C ends it)", flush=True)
        # only this thread runs handlers of signals, and a signal that another thread receives does not wake it
        while thread.is_alive() and not asked.wait(LOOK_EVERY_S):
            pass
        if not asked.is_set():
            raise RunFailed("the explorer's server ended by itself")
    os._exit(0)  # threads that still compute are not waited for


@contextmanager
def serving(
    runs: Path, results: Path, host: str = "127.0.0.1", port: int = 0, token: str | None = None
) -> Iterator[tuple[str, threading.Thread]]:
    """Serve the explorer in a thread within the block, by default on a free port of the loopback; give address and thread.

    Raises:
        UserError: the address is refused.
    """
    import uvicorn

    from phasescope.views.explorer.server import create_app

    listening = bind(host, port)
    named = f"[{quote(host, safe=':')}]" if ":" in host else quote(host)
    app = create_app(runs, results, host, token)

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.state.explorer.close()  # ends the streams of events
            await super().shutdown(sockets)

    quiet = {"log_level": "critical", "access_log": False, "server_header": False}
    server = Server(uvicorn.Config(app, http="h11", loop="asyncio", timeout_graceful_shutdown=1, **quiet))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://{named}:{listening.getsockname()[1]}", thread
    finally:
        server.should_exit = True
        thread.join(GRACE_S)
        listening.close()
