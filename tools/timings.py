"""How quick the explorer is, in a browser, on this machine.

    python -m tools.timings runs/fast-01234567

- **pad to image**: from a move of the pad until the image is drawn, 20 steps, one image; wall time in the page, and the
  server's processor time an image, which other work on the machine does not lengthen.
- **redraw**: from a move of the scrubber until a manifold of 2,000 points has been on the screen for a frame.
- **start**: from the command until the first page shows the table, with 200 runs in the folder.
- **filter**: from a key in the filter until the table of 1,000 runs is drawn anew.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import cyclopts
import numpy as np

from phasescope.core.errors import UserError
from phasescope.core.randomness import numpy_generator
from phasescope.runs.store.files import to_json
from phasescope.runs.store.sites import Site
from phasescope.runs.store.snapshot import array_name
from phasescope.runs.trained.catalogue import open_run
from phasescope.runs.trained.run import Run
from phasescope.runs.trained.session import SnapshotSampler
from phasescope.runs.training.provenance import provenance
from tools.screenshots import FLAGS, READY, chromium, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MOVES, REDRAWS = 60, 12
POINTS = 2000

PAINTED = "performance.getEntriesByName('pad-to-image').map((entry) => entry.duration)"
RESTED = "document.querySelector('.sampling .reading')?.ariaBusy === 'false'"
REDRAW = """async (step) => {
    const drawn = () => performance.getEntriesByName("manifold").length, before = drawn();
    const slider = document.querySelector(".scrubber input"), began = performance.now();
    slider.value = Number(slider.value) + step;
    slider.dispatchEvent(new Event("input"));
    while (drawn() === before) await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return performance.now() - began;
}"""
FILTER = """async (text) => {
    const search = document.querySelector("input[type=search]"), began = performance.now();
    search.value = text;
    search.dispatchEvent(new Event("input"));
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return performance.now() - began;
}"""


@contextmanager
def explorer(runs: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address and the process of `phasescope explore` on `runs`, on a free port."""
    command = [sys.executable, "-m", "phasescope", "explore", "--runs", str(runs), "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[0].rstrip("/"), process
        finally:
            process.terminate()


def cpu_s(pid: int) -> float:
    """Seconds that a process has computed so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pad_to_image(page: Page, address: str, pid: int, name: str, moves: int = MOVES) -> dict[str, float]:
    """Wall time of single moves and of moves while dragging, ms, and the server's processor time of one image, ms."""
    page.goto(f"{address}/#/sample/{quote(name)}?steps=20")
    wait_until(page, READY["sample"])
    box = page.locator(".pad").bounding_box()
    assert box is not None
    rng = numpy_generator(0, "explorer timings")
    page.wait_for_timeout(1000)
    page.evaluate("performance.clearMeasures()")
    for x, y in rng.uniform(0.15, 0.85, (moves, 2)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.mouse.down()
        page.mouse.up()
        wait_until(page, RESTED)
        page.wait_for_timeout(120)
    took = page.evaluate(PAINTED)
    page.evaluate("performance.clearMeasures()")
    page.mouse.down()
    for angle in np.linspace(0, 4 * np.pi, 4 * moves):
        page.mouse.move(
            box["x"] + box["width"] * (0.5 + 0.3 * np.cos(angle)),
            box["y"] + box["height"] * (0.5 + 0.3 * np.sin(angle)),
        )
        page.wait_for_timeout(12)
    page.mouse.up()
    wait_until(page, RESTED)
    dragged = page.evaluate(PAINTED)
    ask = """async ([url, count]) => { for (let i = 0; i < count; i++) await (await fetch(url)).arrayBuffer(); }"""
    url = f"/api/runs/{quote(name)}/generate?label=9.5,20.25&sampler=dpm_solver&steps=20"
    before = cpu_s(pid)
    page.evaluate(ask, [url, moves])
    return {
        "median_ms": statistics.median(took),
        "p90_ms": float(np.quantile(took, 0.9)),
        "server_cpu_ms": 1000 * (cpu_s(pid) - before) / moves,
        "n": len(took),
        "dragging_median_ms": statistics.median(dragged),
        "dragging_n": len(dragged),
    }


def redraw(page: Page, address: str, name: str, redraws: int = REDRAWS) -> dict[str, float]:
    """Median and least wall time from the scrubber to the screen, ms."""
    page.goto(f"{address}/#/run/{quote(name)}")
    wait_until(page, READY["run"])
    points = page.evaluate("document.querySelector('.cloud').traces[0].x.length")
    took = []
    for index in range(redraws):
        took.append(page.evaluate(REDRAW, -1 if index % 2 == 0 else 1))
        page.wait_for_timeout(400)
    return {"median_ms": statistics.median(took), "least_ms": min(took), "points": points, "n": len(took)}


def start(browser: Browser, runs: Path, expected: int) -> dict[str, float]:
    """Wall and processor time, s, from the command to the first page, and until every run has been read."""
    page = browser.new_page()
    began = time.monotonic()
    with explorer(runs) as (address, process):
        page.goto(f"{address}/#/runs")
        wait_until(page, READY["runs"])
        first = time.monotonic() - began
        first_cpu = cpu_s(process.pid)
        wait_until(page, f"document.querySelector('.heading .note').innerText.startsWith('{expected:,} ')")
        told = {
            "first_page_s": first,
            "first_page_cpu_s": first_cpu,
            "all_read_s": time.monotonic() - began,
            "all_read_cpu_s": cpu_s(process.pid),
            "runs": expected,
        }
        page.close()
    return told


def filtering(page: Page, address: str, expected: int) -> dict[str, float]:
    """Median wall time, ms, of drawing the table anew after a key in its filter, and the rows that are then drawn."""
    page.goto(f"{address}/#/runs")
    wait_until(page, f"document.querySelector('.heading .note')?.innerText.startsWith('{expected:,} ')")
    took = [
        page.evaluate(FILTER, text)
        for text in ("c", "co", "copy", "copy0", "copy00", "", "seed=", "copy") * 2
    ]
    return {
        "median_ms": statistics.median(took),
        "most_ms": max(took),
        "rows": page.locator("tr[data-run]").count(),
        "runs": expected,
    }


def many_labels(run: Run, folder: Path, count: int = POINTS) -> Run:
    """A copy of `run` in `folder`: its last two snapshots, with latents of `count` labels where its phases are read."""
    from phasescope.runs.trained.load import load_network

    path = folder / run.name
    shutil.copytree(run.path, path)
    copy, sampler = Run(path), SnapshotSampler()
    loaded = load_network(run, run.snapshots[-1])
    labels = loaded.config.world.draw_labels(count, numpy_generator(0, "explorer timings"))
    place = Site.parse(run.status["summary"]["sites"]["sheet"])
    for snapshot in copy.snapshots[:-2]:
        shutil.rmtree(snapshot.path)
    for snapshot in copy.snapshots:
        latents = sampler.latents(copy, snapshot.step, labels, place)
        arrays: dict[str, Any] = {"labels": labels, array_name("latents", place): latents}
        np.savez(snapshot.path / "latents.npz", **arrays)
    return copy


def records_only(run: Run, folder: Path, count: int) -> None:
    """`count` copies of the record of `run`, without its snapshots."""
    for number in range(count):
        path = folder / f"copy{number:04d}-{number:08x}"
        (path / "snapshots").mkdir(parents=True)
        for name in ("config.yaml", "status.json", "metrics.jsonl"):
            shutil.copy(run.path / name, path / name)


def measure(run: Path) -> int:
    """Measure the explorer's speed on a run, and print it as JSON.

    Args:
        run: folder of a run with stored weights; of preset=fast for the declared bounds
    """
    from playwright.sync_api import sync_playwright

    found = open_run(run)
    told: dict[str, Any] = {
        "run": found.name,
        **{key: provenance()[key] for key in ("cpu", "cores", "git_commit")},
    }
    with tempfile.TemporaryDirectory() as aside, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        home = Path(aside)
        many_labels(found, home / "labels")
        records_only(found, home / "few", 200)
        records_only(found, home / "many", 1000)
        told["start"] = start(browser, home / "few", 200)
        with explorer(home / "labels") as (address, process):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            told["pad_to_image"] = pad_to_image(page, address, process.pid, found.name)
            told["redraw"] = redraw(page, address, found.name)
        with explorer(home / "many") as (address, _):
            told["filter"] = filtering(browser.new_page(), address, 1000)
        browser.close()
    told["load"] = os.getloadavg()
    print(to_json(told, indent=1))
    return 0


if __name__ == "__main__":
    try:
        cyclopts.run(measure)
    except UserError as error:
        print(f"timings: {error}", file=sys.stderr)
        sys.exit(2)
