"""The explorer in a process of its own, and pages of it in a browser: what its tests share."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from phasescope import Run
from tools.screenshots import READY, wait_until

Visit = Callable[..., Any]
HANGS_S = 900.0
"""after which nothing more is awaited: no load makes it so slow"""


def start(*words: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "phasescope", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def stop(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.terminate()
    try:
        return process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("explored")


@pytest.fixture(scope="module")
def explorer(home) -> Iterator[tuple[str, int]]:
    """The address and process id of `phasescope explore` on a folder of runs that is not there yet."""
    process = start("explore", "--runs", home / "runs", "--studies", home / "results", "--port", 0)
    assert process.stdout is not None
    yield process.stdout.readline().split()[0].rstrip("/"), process.pid
    _, errors = stop(process)
    assert errors == "", "it ends without a word, open streams or not"


@pytest.fixture(scope="module")
def idle() -> dict[tuple[int, str], list[Any]]:
    """Pages that a test has done with, by width and scheme: to load the explorer costs seconds."""
    return {}


@pytest.fixture
def visit(browser, explorer, idle) -> Iterator[Visit]:
    """Opens an address until a view, or a condition, is ready: in a page that an earlier test has left, unless `afresh`.

    At the end no page may have shown an error, or asked for anything beyond the explorer.
    """
    pages = []

    def opened(place: str, ready: str, width: int = 1280, scheme: Any = "light", afresh: bool = False):
        left = idle.setdefault((width, scheme), [])
        page = left.pop() if left and not afresh else new_page(browser, explorer[0], width, scheme)
        pages.append(page)
        page.goto(explorer[0] + place)
        wait_until(page, f"document.querySelector('.view.{re.findall('[a-z]+', place)[0]}') !== null")
        wait_until(page, READY.get(ready, ready))
        return page

    yield opened
    faults = [fault for page in pages for fault in page.faults]
    for page in pages:
        if faults or len(left := idle[page.kind]) == 2:
            page.context.close()
        else:
            page.goto(f"{explorer[0]}{NO_VIEW}")
            wait_until(page, "document.querySelector('main .view') === null")
            left.append(page)
    assert faults == [], faults


NO_VIEW = "/#/none"
"""where nothing is drawn, and nothing is left of what was"""


def new_page(browser, address: str, width: int, scheme: Any):
    """With its `kind`, and its `faults` so far."""
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.kind, page.faults = (width, scheme), []
    page.on("console", lambda told: page.faults.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("request", lambda asked: page.faults.append(asked.url) if not local(asked.url, address) else None)
    return page


def local(url: str, address: str) -> bool:
    return url.startswith((address + "/", "data:", "blob:"))


TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))"
"""in which what an event changed is drawn"""


def query(page) -> dict[str, str]:
    """What the address says of the view's state, which a click anywhere writes there before the hand rests."""
    page.evaluate("dispatchEvent(new Event('click'))")
    return dict(parse_qsl(page.evaluate("location.hash").partition("?")[2]))


def turn(page, dx: int = 120, dy: int = 40) -> None:
    page.locator(".cloud").scroll_into_view_if_needed()
    box = page.locator(".cloud").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + dx, middle[1] + dy, steps=8)
    page.mouse.up()


def sites_of(run: Run, step: int) -> dict[str, str]:
    """Where each view is, by its name."""
    return {
        "runs": "/#/runs",
        "compare": f"/#/compare?runs={run.name},{run.name}",
        "run": f"/#/run/{run.name}?step={step}&sel=3",
        "sample": f"/#/sample/{run.name}",
        "studies": "/#/studies",
    }


PANELS = """({
    step: document.querySelector('.scrubber .at').innerText,
    outcomes: [...document.querySelectorAll('.histories .legend')].map(legend => legend.innerText),
    cursors: [...document.querySelectorAll('.histories .cursor')].map(c => c.style.left),
    image: document.querySelector('.wall .tile canvas').toDataURL(),
    points: Array.from(document.querySelector('.cloud').traces[0].x.slice(0, 9)),
    painted: Array.from(document.querySelector('.cloud').traces[1].x.slice(0, 9)),
    camera: document.querySelector('.cloud').camera,
})"""
"""What the panels of a run's page show."""
