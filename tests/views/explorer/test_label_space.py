"""Label space in a browser: its panel on the page of a run, and held-out labels on the pad."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from small_run import STEPS, write_small_run

from phasescope.runs.store import Run
from phasescope.views.cells import cells
from phasescope.views.explorer.serve import serving
from phasescope.views.record import Record
from phasescope.views.style import PALETTE, SHARE_MAP, even_colours
from tools.screenshots import FLAGS, chromium, wait_until

sync = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")

SQUARE = {"kind": "grid", "hold_out": {"kind": "square", "x": [1, 3], "y": [1, 3]}}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """20 images, and so 2 x 2 cells, the first of them held out."""
    return write_small_run(tmp_path_factory.mktemp("runs"), design=SQUARE)


@pytest.fixture(scope="module")
def address(run) -> Iterator[str]:
    with serving(run.path.parent, run.path.parent / "results") as (address, _):
        yield address


@pytest.fixture(scope="module")
def browser():
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=str)
def page(browser, request):
    """It may show no error, nor be wider than its window."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, faults = context.new_page(), []
    page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
    assert faults == []


DRAWN_ONCE = "document.querySelector('.labelspace [data-cell]') !== null"
DRAWN = """Object.fromEntries(['share', 'error'].map((name) => [name,
    [...document.querySelectorAll(`.labelspace [data-map=${name}] [data-cell]`)].map((cell) =>
        [Number(cell.dataset.cell), Number(cell.dataset.value), cell.getAttribute('fill')])]))"""


@pytest.mark.some(1)
def test_the_panel_draws_the_cells_of_each_snapshot_as_the_report_does(page, address, run):
    record, seen = Record(run), []
    page.goto(f"{address}/#/run/{run.name}?step=0")
    wait_until(page, DRAWN_ONCE)
    for snapshot in run.snapshots:
        wait_until(
            page, f"document.querySelector('.scrubber .at').innerText.includes('step {snapshot.step}')"
        )
        stored = snapshot.samples()
        found = cells(record, stored["labels"], stored["split"], record.readings(snapshot))
        error = [[i, value] for i, value in enumerate(found.error.ravel().tolist())]
        wait_until(page, f"JSON.stringify(({DRAWN}).error.map((one) => one.slice(0, 2))) === {same(error)}")
        drawn = page.evaluate(DRAWN)
        assert [value for _, value, _ in drawn["share"]] == pytest.approx(found.share.ravel())
        colours = even_colours(SHARE_MAP)
        for _, value, colour in drawn["share"]:
            assert abs(colours.index(colour) - value * (len(colours) - 1)) <= 0.5
        label = page.get_attribute(".labelspace [data-map=share]", "aria-label")
        assert f"{100 * found.right:.0f}" in label
        assert "x and y" in label
        seen.append(drawn["error"])
        page.keyboard.press("ArrowRight")
    assert len(set(map(json.dumps, seen))) == len(STEPS)


def same(tree) -> str:
    """As JavaScript writes it, in JavaScript."""
    return f"JSON.stringify({json.dumps(tree)})"


@pytest.mark.slow
def test_a_cell_tells_its_numbers_to_a_hand_and_to_keys(page, address, run):
    page.goto(f"{address}/#/run/{run.name}")
    wait_until(page, DRAWN_ONCE)
    stored = run.snapshots[-1].samples()
    found = cells(Record(run), stored["labels"], stored["split"], Record(run).readings(run.snapshots[-1]))
    said = "document.querySelector('.labelspace .said').innerText"
    at = page.evaluate("location.hash")
    page.locator(".labelspace [data-map=share]").focus()
    for key, index in (("", 0), ("ArrowRight", 1), ("ArrowDown", 3), ("ArrowDown", 3), ("ArrowLeft", 2)):
        if key:
            page.keyboard.press(key)
        told = page.evaluate(said)
        assert f"{found.n.ravel()[index]} image" in told
        assert f"median error {found.error.ravel()[index]:.2f} px" in told
        assert ("square labels" in told) == (index == 0)
    assert "x 0.0 to 4.0 px, y 4.0 to 8.0 px" in told
    assert page.evaluate("location.hash") == at, "the scrubber stands still"
    page.locator(".labelspace [data-map=error] [data-cell='1']").hover()
    assert "x 4.0 to 8.0 px, y 0.0 to 4.0 px" in page.evaluate(said)


@pytest.mark.some(1)
def test_the_held_out_cell_is_outlined(page, address, run):
    page.goto(f"{address}/#/run/{run.name}")
    wait_until(page, DRAWN_ONCE)
    box = "(({x, y, width, height}) => [x, y, width, height])(document.querySelector('.labelspace %s').getBBox())"
    cell, outline = (page.evaluate(box % what) for what in ('[data-cell="0"]', "path.border"))
    assert outline == pytest.approx(cell, abs=0.2)


@pytest.mark.slow
def test_the_pad_shows_held_out_labels_in_their_colour_and_names_them(page, address, run):
    page.goto(f"{address}/#/paint/{run.name}?label=6,6")
    wait_until(page, "document.querySelector('.painting .reading[data-outcome]') !== null")
    legend = [" ".join(text.split()) for text in page.locator(".legend.sets > span").all_inner_texts()]
    assert legend == ["trained on 55", "square labels 9"]
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    colour = [int(PALETTE["accent"][dark][i : i + 2], 16) for i in (1, 3, 5)]
    pixel = """([x, y]) => {
        const pad = document.querySelector('canvas.pad');
        return Array.from(pad.getContext('2d').getImageData(x / 8 * pad.width, y / 8 * pad.height, 1, 1).data);
    }"""
    for x in (1, 2, 3):
        np.testing.assert_allclose(page.evaluate(pixel, [x, 2])[:3], colour, atol=4)
    assert page.evaluate(pixel, [2.5, 2.5])[3] == 0
    trained = page.evaluate(pixel, [5, 2])
    assert trained[3] > 0
    assert np.abs(np.subtract(trained[:3], colour)).max() > 30
