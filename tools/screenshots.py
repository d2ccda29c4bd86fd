"""Pictures of every view, in light and dark, on a wide and on a narrow screen.

    python -m tools.screenshots --runs runs --studies studies --out docs/explorer

They are taken by a system Chromium through Playwright (the extra `test`) from a server of their own.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import cyclopts

from phasescope.core.errors import UserError
from phasescope.runs.trained.catalogue import list_runs
from phasescope.views.web.serve import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WIDTHS = {1280: 900, 390: 844}
"""of the screen, px, with its height"""
SCHEMES = ("light", "dark")

READY = {
    "runs": "document.querySelectorAll('tr[data-run]').length > 0",
    "compare": "document.querySelectorAll('.charts path.line').length > 1",
    "run": "document.querySelectorAll('.wall .tile[data-outcome]').length > 0 "
    "&& document.querySelector('.cloud')?.traces?.[1]?.x?.length > 0",
    "sample": "document.querySelector('.reading[data-outcome]') !== null "
    "&& document.querySelector('.cloud')?.traces?.[3]?.x?.length > 0",
    "studies": "document.querySelectorAll('.card, .absent').length > 0",
    "study": "document.querySelector('h1') !== null && document.readyState === 'complete'",
}
"""when a view shows all that it has to show"""


def chromium() -> str | None:
    """The system's Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def open_view(browser: Browser, url: str, view: str, width: int = 1280, scheme: Any = "light") -> Page:
    """A page of its own on `url`, once `view` is ready."""
    context = browser.new_context(
        viewport={"width": width, "height": WIDTHS[width]}, color_scheme=scheme, device_scale_factor=1
    )
    page = context.new_page()
    page.goto(url)
    wait_until(page, READY[view])
    page.wait_for_timeout(400)
    return page


def wait_until(page: Page, condition: str, within_s: float = 240.0) -> None:
    """Wait until a JavaScript expression is true; Playwright's own waiting needs an `eval` that the page forbids.

    Raises:
        TimeoutError: it never was.
    """
    until = time.monotonic() + within_s
    while not page.evaluate(condition):
        if time.monotonic() > until:
            raise TimeoutError(f"{page.url}: not within {within_s:g} s: {condition}")
        page.wait_for_timeout(40)


def views(runs: Path, results: Path, name: str | None, study: str | None = None) -> Iterator[tuple[str, str]]:
    """(view, address) of each view, of the run `name`, or of the one with most snapshots that can be sampled from."""
    known = [
        run
        for run in list_runs(runs)
        if run.snapshots and (run.snapshots[-1].path / "weights.safetensors").exists()
    ]
    if name is not None:
        known = [run for run in known if run.name == name]
    if not known:
        raise UserError(f"`--run` (={name or 'any'}) must be a run in `{runs}` with stored weights")
    run = max(known, key=lambda run: len(run.snapshots))
    others = [
        run.name,
        *(other.name for other in list_runs(runs) if other.name != run.name and other.snapshots),
    ][:3]
    middle = run.snapshots[len(run.snapshots) * 2 // 3].step
    word = quote(run.name)
    yield "runs", "/#/runs"
    if len(others) > 1:
        yield "compare", f"/#/compare?runs={','.join(map(quote, others))}"
    yield "run", f"/#/run/{word}?step={middle}&sel=20,75"
    yield "sample", f"/#/sample/{word}?label=20.5,11.25&steps=20"
    yield "studies", "/#/studies"
    if results.is_dir():
        for folder in sorted(results.iterdir()):
            if (folder / "records.parquet").is_file() and study in (None, folder.name):
                yield "study", f"/studies/{quote(folder.name)}"
                break


def take(
    out: Path = Path("docs/explorer"),
    runs: Path = Path("runs"),
    studies: Path = Path("studies"),
    run: str | None = None,
    study: str | None = None,
) -> int:
    """Take the explorer's pictures.

    Args:
        out: folder for the PNG files
        runs: folder of runs
        studies: folder of studies
        run: of the views of one run; without it the one with most snapshots
        study: of the view of one study; without it the first
    """
    from playwright.sync_api import sync_playwright

    browser_path = chromium()
    if browser_path is None:
        print("screenshots: there is no Chromium on this machine", file=sys.stderr)
        return 2
    out.mkdir(parents=True, exist_ok=True)
    with serving(runs, studies) as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        for view, place in views(runs, studies, run, study):
            for width in WIDTHS:
                for scheme in SCHEMES:
                    page = open_view(browser, address + place, view, width, scheme)
                    if view == "sample":  # the first image waited for the network to be read
                        page.locator(".pad").press("ArrowRight")
                        page.wait_for_timeout(1500)
                    path = out / f"{view}-{width}-{scheme}.png"
                    page.screenshot(path=path, full_page=True)
                    page.context.close()
                    print(path, flush=True)
        browser.close()
    return 0


if __name__ == "__main__":
    try:
        cyclopts.run(take)
    except UserError as error:
        print(f"screenshots: {error}", file=sys.stderr)
        sys.exit(2)
