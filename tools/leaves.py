"""What clients of the explorer can do to it: leave all at once, ask half a question, never read an answer.

    python -m tools.leaves --pythons python3.11 python3.12 python3.13

`phasescope explore` is served by each interpreter on a folder in which a run changes all the time. Some streams of events
are opened and left at once, again and again; after each leave questions are asked, and the slowest answer counts. Then the
explorer is ended by a signal, whatever clients hold open at that moment.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table
from tyro.conf import arg

from phasescope.runs.config import load_words
from phasescope.runs.execution import execute
from phasescope.stopping import Stop

SOURCE = Path(__file__).parents[1] / "src"
TINY = (
    "preset=fast", "name=tiny", "training.steps=1", "training.warmup=0", "training.batch=4", "training.threads=1",
    "probing.latent_labels=64", "probing.share_labels=32", "probing.images.grid=16", "probing.images.off_grid=16",
    "probing.bands=1",
)  # fmt: skip
"""a run that paints slowly, and is trained at once"""
HANGS_S = 60.0
"""after which an explorer is killed"""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextmanager
def explorer(python: str, runs: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The port and the process of `phasescope explore` under an interpreter."""
    command = [
        python,
        "-m",
        "phasescope",
        "explore",
        "--runs",
        str(runs),
        "--studies",
        str(runs / "none"),
        "--port",
        "0",
    ]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline().split("/")[2].rpartition(":")[2]), process
        finally:
            process.kill()


async def asked(port: int, path: str, whole: bool = True) -> Connection:
    """A connection on which `path` is asked for; with its last line held back where it is not `whole`."""
    connection = await asyncio.open_connection("127.0.0.1", port)
    end = "\r\n\r\n" if whole else "\r\nX-Half: "
    connection[1].write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close{end}".encode())
    return connection


async def answered_s(port: int, path: str) -> float:
    """Seconds until the whole answer is there."""
    began = time.monotonic()
    reader, writer = await asked(port, path)
    answer = await asyncio.wait_for(reader.read(), HANGS_S)
    writer.close()
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"{path}: {answer[:200]!r}")
    return time.monotonic() - began


async def streams(port: int, count: int) -> list[Connection]:
    """`count` streams of events, each of which has told the version once."""
    opened = [await asked(port, "/api/events") for _ in range(count)]
    for reader, _ in opened:
        await asyncio.wait_for(reader.readuntil(b"data: "), HANGS_S)
    return opened


@asynccontextmanager
async def changing(runs: Path) -> AsyncIterator[None]:
    """Within the block a run of the folder takes a step ten times a second."""
    folder = runs / "changing-00000000"
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text("name: changing\n")

    async def change() -> None:
        for step in range(10**9):
            (folder / "status.json").write_text(json.dumps({"state": "stopped", "step": step}))
            await asyncio.sleep(0.1)

    task = asyncio.create_task(change())
    yield
    task.cancel()


async def leaving(port: int, runs: Path, count: int, times: int) -> float:
    """The slowest answer, s, just after `count` streams left at once, `times` times while a run changes."""
    slowest = 0.0
    async with changing(runs):
        await told_s(port)
        for _ in range(times):
            opened = await streams(port, count)
            await asyncio.sleep(0.3)
            for _, writer in opened:
                writer.transport.abort()
            for path in ("/api/runs", "/", "/api/studies"):
                slowest = max(slowest, await answered_s(port, path))
            slowest = max(slowest, await told_s(port))
    return slowest


async def told_s(port: int) -> float:
    """Seconds until a new version is told, which needs a look at the folder: one is taken twice a second."""
    reader, writer = await asked(port, "/api/events")
    await asyncio.wait_for(reader.readuntil(b"data: "), HANGS_S)
    began = time.monotonic()
    await asyncio.wait_for(reader.readuntil(b"data: "), HANGS_S)
    writer.transport.abort()
    return time.monotonic() - began


async def painted_s(port: int, name: str) -> float:
    """Seconds to a painting of 20 steps just after 40 long ones were left, the first of them under way."""
    await answered_s(port, paint(name, 20))  # torch is imported
    opened = [await asked(port, paint(name, 1000)) for _ in range(40)]
    await asyncio.sleep(1)
    for _, writer in opened:
        writer.transport.abort()
    return await answered_s(port, paint(name, 20))


def paint(name: str, steps: int) -> str:
    return f"/api/runs/{name}/paint?label=9,9&sampler=ddpm&steps={steps}"


async def held_open(port: int, name: str, count: int, held: str) -> list[Connection]:
    """What clients hold open when the explorer is to end."""
    if held == "nothing":
        return []
    if held == "streams":
        return await streams(port, count)
    if held == "half-sent requests":
        return [await asked(port, "/api/runs", whole=False) for _ in range(count)]
    if held == "answers that nobody reads":
        return [await asked(port, "/static/plotly.min.js") for _ in range(min(count, 50))]
    opened = [await asked(port, paint(name, 1000)) for _ in range(40)]
    await asyncio.sleep(5)  # torch is imported, the first is being painted
    return opened


async def ended_s(
    process: subprocess.Popen[str], port: int, name: str, count: int, held: str, number: int, often: int
) -> tuple[float, int | None, int]:
    """Seconds from a signal to the end, the exit code, and the lines that were logged; the signal is sent `often`."""
    await answered_s(port, "/api/runs")
    opened = await held_open(port, name, count, held)
    await asyncio.sleep(0.5)
    began = time.monotonic()
    for _ in range(often):
        process.send_signal(number)
        await asyncio.sleep(0.01)
    while process.poll() is None and time.monotonic() - began < HANGS_S:
        await asyncio.sleep(0.01)
    took, code = time.monotonic() - began, process.poll()
    process.kill()
    assert process.stderr is not None
    lines = len(process.stderr.read().splitlines())
    for _, writer in opened:
        writer.transport.abort()
    return took, code, lines


ENDINGS = [
    ("nothing", signal.SIGTERM, 1),
    ("streams", signal.SIGTERM, 1),
    ("streams", signal.SIGINT, 1),
    ("half-sent requests", signal.SIGTERM, 1),
    ("answers that nobody reads", signal.SIGINT, 1),
    ("paintings", signal.SIGTERM, 1),
    ("paintings", signal.SIGINT, 30),
]


def measure(
    pythons: Annotated[tuple[str, ...], arg(help="interpreters that serve")] = (sys.executable,),
    streams: int = 1000,
    times: int = 10,
) -> int:
    """Let clients leave, then end the explorer, under each interpreter; print two tables.

    Args:
        streams: of events that are open at once
        times: that they leave
    """
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    left = Table(
        *("Python", "streams", "leaves", "slowest answer after one, s", "painting after 40 that were left, s")
    )
    over = Table(
        *("Python", "clients hold", "signal", "times sent", "ended after, s", "exit code", "lines logged")
    )
    with tempfile.TemporaryDirectory() as home:
        runs = Path(home)
        described = load_words(TINY)
        for _ in execute(described, runs, Stop()):
            pass
        for python in pythons:
            told = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.split()[
                1
            ]
            with explorer(python, runs) as (port, _):
                slowest = asyncio.run(leaving(port, runs, streams, times))
                after = asyncio.run(painted_s(port, described.folder))
                left.add_row(told, str(streams), str(times), f"{slowest:.2f}", f"{after:.2f}")
            for held, number, often in ENDINGS:
                with explorer(python, runs) as (port, process):
                    took, code, lines = asyncio.run(
                        ended_s(process, port, described.folder, streams, held, number, often)
                    )
                name = signal.Signals(number).name
                over.add_row(told, held, name, str(often), f"{took:.2f}", str(code), str(lines))
    console = Console(width=120)
    console.print(left, over)
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(measure))
