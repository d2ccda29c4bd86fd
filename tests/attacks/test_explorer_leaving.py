"""Clients that do not read, that send half of a request, or ask for too much: others are answered, and it ends if asked."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from helpers.small_run import write_small_run
from phasescope import Run, Site, UserError
from phasescope.runs.trained.change import Change
from phasescope.runs.trained.limits import IMAGES, MOST_WORK
from phasescope.runs.trained.session import SampleRequest, SnapshotSampler
from phasescope.views.web.serve import serving

HANGS_S = 120.0
"""after which nothing more is awaited: no load makes it so slow"""


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run(home) -> Run:
    return write_small_run(home / "runs")


@pytest.fixture(scope="module")
def port(home, run) -> Iterator[int]:
    with serving(home / "runs", home / "results") as (address, _):
        yield int(address.rpartition(":")[2])


MANY = 300
"""requests at once, whose answers, unread, fill every buffer on the way"""


def asked(port: int, path: str, end: str = "\r\n\r\n", times: int = 1) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=HANGS_S)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1{end}".encode() * times)
    return connection


def get(port: int, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=HANGS_S)


def edited(run: Run, folder: Path, **fields: Any) -> Run:
    """A copy of a run whose configuration asks for something else."""
    import shutil

    import yaml

    copy = Run(folder / run.name)
    shutil.copytree(run.path, copy.path)
    tree = copy.config
    for name, value in fields.items():
        at = tree
        *way, last = name.split("__")
        for key in way:
            at = at.setdefault(key, {})
        at[last] = value
    (copy.path / "config.yaml").write_text(yaml.safe_dump(tree))
    return copy


VAST = {
    "layers": {"network__layers": 10**6},
    "widths": {"network__widths": [8 * 10**9, 8 * 10**9]},
    "widths that no tensor can have": {"network__widths": [8 * 10**18, 8 * 10**18]},
    "hidden": {"network__embedding__hidden": 10**12},
    "encodings": {"network__embedding__width": 10**10},
    "within what may be trained": {"network__widths": [8192, 8192, 8192]},
    "canvas": {"world__canvas": 1024, "network__attention": ["stem"]},
}


@pytest.mark.parametrize("what", VAST)
def test_a_run_that_asks_for_a_vast_canvas_or_network_is_refused_before_it_is_allocated(run, tmp_path, what):
    vast = edited(run, tmp_path, **VAST[what])
    for work in (
        lambda: SnapshotSampler().sample(vast, 20, SampleRequest((2.0, 3.0), "ddim", 2)),
        lambda: SnapshotSampler().latents(vast, 20, np.ones((1, 2), np.float32), Site("mid", 10)),
    ):
        with pytest.raises(UserError, match=r"`[\w.]+` \(=.*\) must be|must (have|hold)") as refusal:
            work()
        assert len(str(refusal.value).splitlines()) == 1


def test_steps_times_size_are_bounded(run, tmp_path):
    large = edited(run, tmp_path, world__canvas=128, family__schedule__steps=1000)
    most = MOST_WORK // 128**2
    with pytest.raises(UserError, match=rf"`steps` \(={most + 1}\) must be at most {most}"):
        SnapshotSampler().sample(large, 20, SampleRequest((2.0, 3.0), "ddim", most + 1))
    most = MOST_WORK // (IMAGES * 128**2)
    with pytest.raises(UserError, match=rf"`steps` \(={most + 1}\) must be at most {most}"):
        SnapshotSampler().sample(
            large, 20, SampleRequest((2.0, 3.0), "ddim", most + 1, change=Change("mid", "ablate"))
        )
    assert SnapshotSampler().load(large, 20).config.world.canvas == 128


@contextmanager
def begun(command: list[str]) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline().split("/")[2].rpartition(":")[2]), process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "often"), [(signal.SIGTERM, 1), (signal.SIGINT, 20)])
def test_it_ends_without_a_word_whatever_clients_hold_open(home, run, number, often):
    words = ["explore", "--port=0", "--runs", str(home / "runs"), "--studies", str(home / "results")]
    with begun([sys.executable, "-m", "phasescope", *words]) as (port, process), ExitStack() as stack:
        assert get(port, "/api/runs").status_code == 200
        held = [asked(port, "/api/runs", end="\r\nX-Half: ") for _ in range(20)]
        held += [asked(port, "/static/terms.js", times=MANY) for _ in range(5)]  # whose answer nobody reads
        for connection in held:
            stack.enter_context(connection)
        for _ in range(often):
            process.send_signal(number)
            time.sleep(0.005)
        _, errors = process.communicate(timeout=HANGS_S)
    assert errors == ""
    assert process.returncode == 0


def limited(files: int, words: list[str]) -> list[str]:
    """The command with so many open files at most, whatever asks for more."""
    code = (
        "import resource, sys; from phasescope.cli import main;"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files})); sys.exit(main(sys.argv[1:]))"
    )
    return [sys.executable, "-c", code, *words]


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/api/runs", pytest.param("/static/terms.js", marks=pytest.mark.slow)])
def test_more_connections_than_files_keep_nobody_out(home, run, path):
    """Half requests, and whole ones whose answers nobody reads, four times as many as files may be open."""
    words = ["explore", "--port=0", "--runs", str(home / "runs"), "--studies", str(home / "results")]
    half = {"end": "\r\nX-Half: "} if path == "/api/runs" else {"times": MANY}
    with begun(limited(256, words)) as (port, process), ExitStack() as stack:
        assert get(port, "/api/runs").status_code == 200
        for _ in range(4):
            for _ in range(256):
                with suppress(OSError):
                    stack.enter_context(asked(port, path, **half))
            for _ in range(3):
                assert get(port, "/api/runs").status_code == 200
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=HANGS_S)
    assert errors == ""
    assert process.returncode == 0


def test_half_a_request_is_not_waited_for(home, run, monkeypatch):
    monkeypatch.setattr("phasescope.views.web.connections.HEADERS_S", 0.5)
    with serving(home / "runs", home / "results") as (address, _):
        port = int(address.rpartition(":")[2])
        with asked(port, "/api/runs", end="\r\nX-Half: ") as connection:
            assert connection.recv(1) == b""  # closed
        with socket.create_connection(("127.0.0.1", port), timeout=HANGS_S) as connection:
            assert connection.recv(1) == b""
        with asked(port, "/api/runs") as connection:  # half a request after a whole one
            assert connection.recv(12) == b"HTTP/1.1 200"
            connection.sendall(b"GET /")
            while connection.recv(2**16):
                pass
