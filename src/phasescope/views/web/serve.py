"""The command `explore`: bind, say where, serve until interrupted."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from phasescope.core.errors import RunFailed, UserError

HOST = "127.0.0.1"
"""the loopback: from a distance a tunnel leads here"""
GRACE_S = 1.0
"""that answers under way are given at the end"""
LOOK_EVERY_S = 0.2


def bind(port: int) -> socket.socket:
    """Return a socket that listens on a port of the loopback; connections wait in it until the server is up.

    Raises:
        UserError: the port is not free.
    """
    if not 0 <= port < 65536:
        raise UserError(f"`--port` (={port}) must be from 0, any free one, to 65535")
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        raise UserError(f"`--port` (={port}) must be free: {error.strerror or error}") from None


def serve(runs: Path, results: Path, port: int, trust: bool = False) -> None:
    """Serve the explorer until SIGINT or SIGTERM, which end the process; print its address first.

    Raises:
        UserError: the port is not free, or `runs` is no folder.
        RunFailed: the server ended by itself.
    """
    if runs.exists() and not runs.is_dir():
        raise UserError(f"`--runs` (={runs}) must be a folder of runs")
    asked = Event()
    with serving(runs, results, port, trust) as (address, thread):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: asked.set())
        missing = "" if runs.exists() else f"; `{runs}` does not exist yet: its runs appear as they are made"
        print(f"{address}/   (Ctrl-C ends it{missing})", flush=True)
        # only this thread runs handlers of signals, and a signal that another thread receives does not wake it
        while thread.is_alive() and not asked.wait(LOOK_EVERY_S):
            pass
        if not asked.is_set():
            raise RunFailed("the explorer's server ended by itself")
    os._exit(0)  # threads that still compute are not waited for


@contextmanager
def serving(runs: Path, results: Path, port: int = 0, trust: bool = False) -> Iterator[tuple[str, Thread]]:
    """Serve the explorer in a thread within the block, by default on any free port; give address and thread.

    Raises:
        UserError: the port is not free.
    """
    import uvicorn

    from phasescope.views.web.connections import AT_ONCE, BoundedProtocol, Server
    from phasescope.views.web.server import create_app

    listening = bind(port)
    config = uvicorn.Config(
        create_app(runs, results, trust),
        http=BoundedProtocol,
        ws="none",
        loop="asyncio",
        backlog=AT_ONCE,
        timeout_graceful_shutdown=1,
        log_level="critical",
        access_log=False,
        server_header=False,
    )
    server = Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{listening.getsockname()[1]}", thread
    finally:
        server.should_exit = True
        thread.join(GRACE_S)
        listening.close()
