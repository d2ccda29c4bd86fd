"""The verb `explore`: bind, say where, serve until interrupted."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from phasescope.errors import UserError
from phasescope.views.explorer.guard import is_loopback

if TYPE_CHECKING:
    import uvicorn

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
        listening.listen(2048)
    except OSError as error:
        if listening is not None:
            listening.close()
        raise UserError(
            f"`--host`, `--port` (={host}, {port}) must be free and this machine's: {error.strerror or error}"
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
    return token


def serve(runs: Path, results: Path, host: str, port: int, token: str | None) -> None:
    """Serve the explorer until interrupted; prints its address first.

    Raises:
        UserError: the address cannot be had, the token is too short, or `runs` is no folder.
    """
    if runs.exists() and not runs.is_dir():
        raise UserError(f"`--runs` (={runs}) must be a folder of runs")
    secret = token_for(host, token)
    listening = bind(host, port)
    named = f"[{host}]" if ":" in host else host
    address = f"http://{named}:{listening.getsockname()[1]}/"
    print(f"{address}{f'?token={secret}' if secret else ''}   (Ctrl-C ends it)", flush=True)

    server = _server(runs, results, host, secret)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listening])


@contextmanager
def serving(runs: Path, results: Path) -> Iterator[str]:
    """Within the block the explorer is served on a free port of the loopback, from a thread; yields its address."""
    listening = bind("127.0.0.1", 0)
    server = _server(runs, results, "127.0.0.1", None)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _server(runs: Path, results: Path, host: str, token: str | None) -> uvicorn.Server:
    import uvicorn

    from phasescope.views.explorer.server import create_app

    app = create_app(runs, results, host, token)

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await app.state.explorer.close()
            await super().shutdown(sockets)

    return Server(
        uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=3
        )
    )
