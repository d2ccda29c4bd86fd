"""The explorer's views in a browser, on a run of seconds, and where it is opened."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from helpers.example_study import write_study
from helpers.exploring import HANGS_S, PANELS, query, sites_of, start, turn
from phasescope import Run, train
from tools.screenshots import READY, chromium, wait_until

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def trained(tiny_config, home) -> Run:
    """A run of seconds that comes to paint bumps at any place: what is seen of it changes from snapshot to snapshot."""
    words = "family.predict=x", "training.steps=80", "probing.snapshots.every=20"
    return train(tiny_config(*words), home / "runs")


@pytest.fixture(scope="module")
def places(trained, home) -> dict[str, str]:
    write_study(home / "results" / "example", trained)
    return sites_of(trained, 40)


@pytest.mark.some(2)
@pytest.mark.parametrize("view", ["runs", "compare", "run", "sample", "studies"])
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_each_view_works_fits_its_window_and_follows_the_scheme(visit, places, view, width, scheme):
    page = visit(places[view], view, width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('.fault:not([hidden])')?.innerText ?? ''") == ""
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    light, dark = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (paper, ink))
    assert (light > dark) == (scheme == "light")
    labelled = "[...document.querySelectorAll('main button, main input, main select, main a')]"
    assert (
        page.evaluate(
            f"{labelled}.filter(e => !(e.innerText || e.ariaLabel || e.closest('label')?.innerText || e.title)).length"
        )
        == 0
    )


def test_the_scrubber_moves_every_panel_by_key_and_the_camera_stays(visit, trained):
    page = visit(f"/#/run/{trained.name}", "run")
    untouched = page.evaluate(PANELS)
    turn(page)
    before = page.evaluate(PANELS)
    assert before["camera"] != pytest.approx(untouched["camera"], rel=0.05)
    page.keyboard.press("Home")
    wait_until(page, f"{PANELS}.painted.join() !== {json.dumps(','.join(map(js, before['painted'])))} ")
    wait_until(page, "document.querySelector('.cloud').traces[1].x.length > 0")
    wait_until(page, f"{PANELS}.image !== {json.dumps(before['image'])} && {PANELS}.step.includes('step 0')")
    first = page.evaluate(PANELS)
    assert "step 0" in first["step"]
    legends = zip(first["outcomes"], before["outcomes"], strict=True)
    assert all(a != b for a, b in legends if "learning rate" not in a), "a rate may be constant"
    assert all(a != b for a, b in zip(first["cursors"], before["cursors"], strict=True))
    assert first["image"] != before["image"]
    assert first["points"] != before["points"]
    assert first["painted"] != before["painted"]
    assert first["camera"] == pytest.approx(before["camera"], rel=1e-6)
    page.keyboard.press("ArrowRight")
    wait_until(page, "document.querySelector('.scrubber .at').innerText.includes('step 10')")
    assert query(page)["step"] == "10"


def js(number: float) -> str:
    """A number as JavaScript writes it."""
    return json.dumps(number)


def test_a_broken_run_is_shown_in_the_table_and_on_its_page(browser, explorer, trained, home):
    broken = home / "runs" / "broken-00000000"
    broken.mkdir()
    (broken / "config.yaml").write_text("a: [")
    try:
        page = browser.new_page()
        page.goto(f"{explorer[0]}/#/runs")
        wait_until(page, "document.querySelector('.state.broken') !== null", 20)
        page.click("text=broken-00000000")
        wait_until(page, "document.querySelector('.fault')?.innerText.includes('broken')")
        page.close()
    finally:
        (broken / "config.yaml").unlink()
        broken.rmdir()


MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"


@pytest.mark.some(1)
@pytest.mark.parametrize("name", [b"<img src=x onerror=alert(1)>-0000000a", b"no text \xff-0000000b"])
def test_hostile_names_and_texts_are_shown_as_text(visit, explorer, trained, home, name):
    """No script runs, nothing is asked for elsewhere (`visit` sees to that), and the other runs are shown."""
    hostile = Path(os.fsdecode(os.path.join(os.fsencode(home), b"runs", name)))
    shutil.copytree(trained.path, hostile)
    try:
        for file in ("status.json", "about.json"):
            tree = json.loads((hostile / file).read_text())
            texts = [
                key
                for key, value in tree.items()
                if isinstance(value, str) and key not in ("state", "started", "updated")
            ]
            told = {**tree, **dict.fromkeys(texts, MARKUP)}
            (hostile / file).write_text(json.dumps({**told, "error": MARKUP}))
        page = visit("/#/runs", f"document.body.innerText.includes({json.dumps(name[:7].decode())})")
        page.on("dialog", lambda dialog: page.faults.append(dialog.message))
        assert page.locator("tr[data-run]").count() == 2
        assert page.locator("img, main script").count() == 0
        if name.isascii():
            page.locator("tr[data-run] a", has_text=name[:7].decode()).click()
            wait_until(page, READY["run"])
            assert MARKUP in page.inner_text(".runhead .fault")
            assert page.locator("img, main script").count() == 0
            page.goto(f"{explorer[0]}/#/runs")
            wait_until(page, READY["runs"])
        shutil.rmtree(hostile)
        wait_until(page, "document.querySelectorAll('tr[data-run]').length === 1")
    finally:
        shutil.rmtree(hostile, ignore_errors=True)


@pytest.mark.slow
def test_an_address_that_cannot_be_had_is_the_users_mistake(explorer):
    process = start("explore", "--port", explorer[0].rpartition(":")[2])
    _, told = process.communicate(timeout=HANGS_S)
    assert process.returncode == 2
    assert len(told.splitlines()) == 1
    assert "--port" in told


def test_the_ladder_is_blank_where_the_network_stands_on_none(visit, trained):
    """Where its answer is as far from every rung as images are from their mean: r^2 is not above 0."""
    page = visit(f"/#/run/{trained.name}", "run")
    boxes = page.evaluate(
        "[...document.querySelectorAll('[data-key=closest] svg.chart rect')].map(r =>"
        " [r.getAttribute('fill'), r.textContent])"
    )
    told = [one for line in trained.metrics for one in line["closest_reference"]]
    blank = [one["r2"] <= 0 for one in told]
    assert [fill == "none" for fill, _ in boxes] == [text == "none" for _, text in boxes] == blank
    assert 0 < sum(blank) < len(blank)
