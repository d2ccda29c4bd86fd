"""The forecast of the condition meter on the page of a run that still trains."""

import numpy as np
import pytest

from helpers.metered_run import line, run_with
from phasescope.views.web.report import write_report
from tools.screenshots import chromium, wait_until

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")

USE = "figure[data-key=meter]"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_interval_is_a_stretch_beyond_the_last_reading_and_fits_its_window(browser, tmp_path, width):
    steps = range(0, 21, 4)
    uses = [1 / (1 + np.exp(6 - step / 5)) for step in steps]
    run = run_with(tmp_path, *(line(step, use, use, se=0.002) for step, use in zip(steps, uses, strict=True)))
    forecast = run.forecast()
    assert run.meter_lines[-1]["images_seen"] < forecast.low < forecast.at < forecast.high

    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    page = context.new_page()
    page.goto(write_report(run, tmp_path / "report.html").as_uri())
    wait_until(page, f"document.querySelector('{USE} rect.expected') !== null")

    stretch, curve = (
        page.locator(f"{USE} {what}").first.bounding_box()
        for what in ("rect.expected", "path.line:not(.expected)")
    )
    assert stretch["width"] > 0
    assert curve["x"] + curve["width"] <= stretch["x"] + 1
    legend = page.locator(f"{USE} .legend .long")
    assert f"use {forecast.level:g} forecast" in legend.inner_text()
    assert legend.evaluate("e => e.getBoundingClientRect().right <= innerWidth")
    context.close()
