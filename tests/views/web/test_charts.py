"""A chart by mouse and by key: its values, zoom, scales, smoothing and files, in the explorer and in a report."""

import csv
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from helpers.written_run import ALL_STEPS, BATCH, write_run
from phasescope import Run
from phasescope.views.web.report import write_report
from phasescope.views.web.serve import serving
from tools.screenshots import chromium, wait_until

pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine"),
]

LOSS, PROBE, OUTCOMES = (f".histories [data-key={key}]" for key in ("loss", "probe_r2", "outcomes"))
DRAWN = f"document.querySelector('{LOSS} path.line') && document.querySelector('.wall .tile')"
LAST = ALL_STEPS[-1] * BATCH
TIMES = [10 * BATCH * i for i in range(1, 401)]


@pytest.fixture(scope="module")
def charted(tmp_path_factory) -> Run:
    """A run with 400 points of a loss that falls and is noisy."""
    run = write_run(tmp_path_factory.mktemp("runs") / "charted-01234567", ALL_STEPS)
    noise = np.random.default_rng(0).normal(0, 0.3, len(TIMES))
    lines = [
        {"step": seen // BATCH, "images_seen": seen, "loss": float(np.exp(-seen / 1e5 + shift))}
        for seen, shift in zip(TIMES, noise, strict=True)
    ]
    (run.path / "scalars.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


@pytest.fixture(scope="module")
def explored(browser, charted) -> Iterator[Any]:
    """The run's page in the explorer."""
    with serving(charted.path.parent, charted.path.parent / "no studies") as (address, _):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.goto(f"{address}/#/run/{charted.name}")
        wait_until(page, DRAWN)
        yield page
        context.close()


@pytest.fixture
def page(explored) -> Iterator[Any]:
    """The page as it is opened: at the last snapshot, nothing chosen for its charts."""
    explored.keyboard.press("End")
    yield explored
    explored.reload()
    wait_until(explored, DRAWN)


def with_tools(page, panel: str):
    """Return a chart whose tools are open."""
    chart = page.locator(panel)
    chart.get_by_role("button", name="tools of").click()
    return chart


def point_at(page, panel: str, share: float, press: bool = False) -> None:
    plot = page.locator(f"{panel} .plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"], steps=2)
    if press:
        page.mouse.down()


def drag(page, panel: str, start: float, end: float) -> None:
    point_at(page, panel, start, press=True)
    point_at(page, panel, end)
    page.mouse.up()
    page.mouse.move(1, 1)


def x_labels(page, panel: str) -> list[str]:
    return page.locator(f"{panel} .plot > .x").all_inner_texts()


def saved(page, chart, kind: str) -> tuple[str, bytes]:
    """Return the name and the bytes of the file that a button of a chart saves."""
    with page.expect_download() as download:
        chart.get_by_role("button", name=kind, exact=True).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_the_value_under_the_mouse_is_that_of_the_nearest_point(page, charted):
    point_at(page, LOSS, 0.5)
    readout = page.locator(f"{LOSS} .readout").inner_text()

    middle = (TIMES[0] + TIMES[-1]) / 2
    nearest = min(charted.scalar_lines, key=lambda line: abs(line["images_seen"] - middle))
    seen = int(readout.split()[0].replace(",", ""))
    assert abs(seen - nearest["images_seen"]) <= 2 * BATCH * 10, "a pixel is more than one point"
    logged = next(line["loss"] for line in charted.scalar_lines if line["images_seen"] == seen)
    assert float(page.inner_text(f"{LOSS} .readout b")) == pytest.approx(logged, rel=0.01)

    page.keyboard.press("Escape")
    page.mouse.move(1, 1)
    assert page.locator(".readout").count() == 0


def test_arrow_keys_step_through_snapshots_and_the_value_is_announced(page, charted):
    chart = page.get_by_role("slider", name="Probe R² (ridge), minimum over factors")
    chart.focus()
    for key, step in (("Home", ALL_STEPS[0]), ("ArrowRight", ALL_STEPS[1])):
        page.keyboard.press(key)
        wait_until(page, f"document.querySelector('.scrubber .at').innerText.endsWith('step {step:,}')", 20)
        told = chart.get_attribute("aria-valuetext")
        assert told.startswith(f"{step * BATCH:,} images seen: this network ")
        score = charted.metrics[ALL_STEPS.index(step)]["probe_r2"]["mid.600"]
        assert f"{score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f})" in told.replace("−", "-")
        assert chart.locator(".readout").inner_text().startswith(f"{step * BATCH:,} images seen")


def test_a_drag_zooms_every_chart_and_each_of_three_ways_resets_it(page):
    before, place = x_labels(page, PROBE), page.inner_text(".scrubber .at")
    resets = (
        lambda: page.locator(LOSS).get_by_text("reset zoom").click(),
        lambda: page.locator(f"{LOSS} .plot").press("0"),
        lambda: page.locator(f"{PROBE} .plot").dblclick(),
    )
    for reset in resets:
        drag(page, LOSS, 0.2, 0.4)
        assert x_labels(page, PROBE) == x_labels(page, LOSS) != before
        assert page.locator(f"{LOSS} svg.zoomed").count() == 1
        reset()
        assert x_labels(page, PROBE) == before
        assert page.locator("svg.zoomed").count() == 0
    page.keyboard.press("End")
    assert page.inner_text(".scrubber .at") == place


def test_keys_zoom_about_the_cursor(page):
    chart = page.locator(f"{PROBE} .plot")
    page.keyboard.press("Home")
    chart.press("+")
    assert page.locator(f"{PROBE} .cursor").count() == 1
    assert f"{LAST // 1000}K" not in x_labels(page, PROBE)
    chart.press("-")
    assert page.locator("svg.zoomed").count() == 0, "twice as much is all again"


def test_a_zoom_never_ends_between_two_points(page):
    drag(page, PROBE, 0.501, 0.52)
    assert page.locator(f"{PROBE} svg.zoomed path.line").count() > 0
    drawn = page.evaluate(f"document.querySelector('{PROBE} path.line').getAttribute('d')")
    places = [float(point.split()[0]) for point in drawn.replace("M", "L").split("L")[1:]]
    assert sum(-0.01 <= place <= 100.01 for place in places) >= 2


def test_a_click_moves_the_slider_and_zooms_nothing(page):
    point_at(page, PROBE, 0.0, press=True)
    page.mouse.up()
    wait_until(page, "document.querySelector('.scrubber .at').innerText.endsWith('step 0')", 20)
    assert page.locator("svg.zoomed").count() == 0


def test_a_logarithm_is_offered_where_there_is_one(page):
    assert with_tools(page, LOSS).get_by_label("log y").is_checked()
    assert with_tools(page, OUTCOMES).get_by_label("log y").count() == 0, "shares are stacked from zero"
    assert with_tools(page, PROBE).get_by_label("log y").count() == 0, "a baseline is below zero"


def test_the_scales_of_both_axes_can_be_switched(page):
    chart, line = with_tools(page, LOSS), page.locator(f"{LOSS} path.line")
    drawn = line.get_attribute("d")
    chart.get_by_label("log y").uncheck()
    linear = line.get_attribute("d")
    assert linear != drawn
    chart.get_by_label("log x").check()
    assert line.get_attribute("d") not in (drawn, linear)
    first = page.locator(f"{PROBE} path.line").first.get_attribute("d")
    assert first.startswith("M0.00 "), "every chart of the page has the logarithm"
    assert first.count("L") == len(ALL_STEPS) - 2, "there is no place for the snapshot at 0"


SMOOTHED = "(async () => (await import('/static/axes.js')).smoothed({}, {}, {}))()"


def smoothed(page, values, width: int, is_log: bool = False) -> np.ndarray:
    return np.array(page.evaluate(SMOOTHED.format(json.dumps(list(values)), width, json.dumps(is_log))))


def test_smoothing_leaves_lines_and_gaps_and_lowers_noise(page):
    line = np.arange(40.0)
    assert smoothed(page, line, 15) == pytest.approx(line)
    assert smoothed(page, np.exp(line / 9), 15, is_log=True) == pytest.approx(np.exp(line / 9))
    assert smoothed(page, [1.0, None, 3.0], 3).tolist() == [1.0, None, 3.0]
    noise = np.random.default_rng(1).normal(size=400)
    assert smoothed(page, noise, 15).std() < 0.4 * noise.std()


def test_a_smoothed_scalar_has_its_raw_line_behind_it(page):
    assert with_tools(page, PROBE).get_by_label("smoothing").count() == 0, "snapshots are few"
    raw = page.locator(f"{LOSS} path.line").get_attribute("d")
    with_tools(page, LOSS).get_by_label("smoothing").select_option(label="over 15 points")
    lines = page.locator(f"{LOSS} path.line")
    assert lines.count() == 2
    assert float(lines.first.evaluate("e => getComputedStyle(e).opacity")) < 0.5
    assert lines.first.get_attribute("d").count("L") == raw.count("L")
    point_at(page, LOSS, 0.5)
    assert ", mean " in page.locator(f"{LOSS} .readout").inner_text()


def test_the_csv_of_a_chart_holds_what_was_logged(page, charted):
    name, body = saved(page, with_tools(page, LOSS), "CSV")
    header, *rows = csv.reader(body.decode().splitlines())
    assert name == f"{charted.name}-loss.csv"
    assert header == ["images seen", "loss"]
    assert [float(seen) for seen, _ in rows] == TIMES
    logged = [line["loss"] for line in charted.scalar_lines]
    assert [float(loss) for _, loss in rows] == pytest.approx(logged, rel=1e-3)


def test_the_png_of_a_chart_shows_its_line_and_not_its_tools(page, charted):
    chart = with_tools(page, LOSS)
    height = chart.bounding_box()["height"]
    name, body = saved(page, chart, "PNG")
    picture = np.asarray(Image.open(BytesIO(body)).convert("RGB"), int)
    assert name == f"{charted.name}-loss.png"
    assert picture.shape[0] < 2 * height - 40

    colour = page.evaluate(
        f"getComputedStyle(document.querySelector('{LOSS} path.line')).stroke.match(/\\d+/g).map(Number)"
    )
    drawn = np.argwhere(np.abs(picture - colour).sum(-1) < 60)
    assert np.ptp(drawn[:, 1]) > 0.8 * picture.shape[1]
    assert chart.bounding_box()["height"] == height, "the tools are back"


def test_what_was_chosen_is_remembered_while_the_page_is_open(page, charted):
    with_tools(page, LOSS).get_by_label("smoothing").select_option(label="over 15 points")
    drag(page, LOSS, 0.2, 0.4)
    labels = x_labels(page, LOSS)
    page.evaluate("location.hash = '#/words'")
    wait_until(page, "document.querySelector('.glossary') !== null", 20)
    page.go_back()
    wait_until(page, DRAWN)
    assert page.locator(f"{LOSS} path.line").count() == 2
    assert x_labels(page, LOSS) == labels


@pytest.mark.slow
def test_a_report_has_the_same_tools_without_a_network(browser, charted, tmp_path):
    context = browser.new_context(viewport={"width": 390, "height": 900}, offline=True)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(write_report(charted, tmp_path / "report.html").as_uri())
    wait_until(page, f"document.querySelector('{LOSS} path.line') !== null")
    chart = with_tools(page, LOSS)
    assert len(saved(page, chart, "CSV")[1].splitlines()) == 1 + len(TIMES)
    assert Image.open(BytesIO(saved(page, chart, "PNG")[1])).width > 600
    drag(page, LOSS, 0.2, 0.6)
    assert page.locator(f"{LOSS} svg.zoomed").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert faults == []
    context.close()


@pytest.mark.parametrize(
    ("ticks", "kind", "texts"),
    [
        ([0.925, 0.95, 0.975], "percent", ["92.5 %", "95.0 %", "97.5 %"]),
        ([0, 0.5, 1], "percent", ["0 %", "50 %", "100 %"]),
        ([0.005, 0.01], "percent", ["0.5 %", "1.0 %"]),
        ([0.925, 0.95], "fixed", ["0.925", "0.950"]),
        ([-0.5, 0, 0.5], "fixed", ["\N{MINUS SIGN}0.50", "0.00", "0.50"]),
    ],
)
def test_ticks_are_labelled_with_what_they_are(page, ticks, kind, texts):
    labels = page.evaluate(
        """async ([ticks, kind]) => {
            const {tickFormat} = await import("/static/charts.js");
            const formats = await import("/static/html.js");
            return ticks.map(tickFormat(ticks, formats[kind]));
        }""",
        [ticks, kind],
    )
    assert [label.replace("\N{NO-BREAK SPACE}", " ") for label in labels] == texts


def test_what_a_loop_logs_after_the_last_snapshot_is_drawn_while_the_page_is_open(browser, tmp_path):
    run = write_run(tmp_path / "runs" / "logged-01234567", ALL_STEPS[:2])
    chart = "document.querySelector('.histories [data-key=\"scalars.grad\"] path.line')"
    with serving(run.path.parent, tmp_path) as (address, _):
        page = browser.new_page()
        page.goto(f"{address}/#/run/{run.name}")
        wait_until(page, "document.querySelector('.wall .tile')")
        assert not page.evaluate(f"Boolean({chart})")

        steps = range(ALL_STEPS[1] + 1, ALL_STEPS[1] + 31)
        lines = [{"step": step, "images_seen": step * BATCH, "grad": step % 7 + 1.0} for step in steps]
        (run.path / "scalars.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        wait_until(page, f"{chart}?.getAttribute('d').split(/[ML]/).length - 1 === 30", 20)
        page.close()
