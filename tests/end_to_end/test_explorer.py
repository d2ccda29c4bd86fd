"""The explorer in a browser, on a run that is trained while it looks on."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from helpers.example_study import write_study
from helpers.exploring import HANGS_S, PANELS, TWO_FRAMES, query, sites_of, start, stop, turn
from phasescope import Run, list_runs
from phasescope.runs.trained.session import SampleRequest, SnapshotSampler
from phasescope.views.facts.terms import WAYS
from tools import timings
from tools.screenshots import READY, chromium, wait_until

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")

TRAINING = (
    "preset=fast", "training.threads=1", "probing.snapshots.every=90", "probing.images.grid=32", "probing.bands=2",
    "probing.images.off_grid=16", "probing.latent_labels=128", "probing.crossed_labels=16", "probing.variance_labels=16",
    "probing.variance_draws=2", "probing.t=[50, 600]",
)  # fmt: skip


@pytest.fixture(scope="module")
def training(home) -> Iterator[subprocess.Popen[str]]:
    process = start("train", *TRAINING, "--runs", home / "runs")
    yield process
    stop(process)


@pytest.fixture(scope="module")
def trained(home, training) -> Run:
    training.wait(timeout=HANGS_S)
    (run,) = [run for run in list_runs(home / "runs") if run.status["state"] == "done"]
    return run


WATCHED = "window.seen = []; window.watching = setInterval(() => window.seen.push({}), 50); 0"
"""a page that keeps what it shows, however busy the machine is"""


@pytest.mark.slow
def test_a_running_training_appears_and_advances_without_reloading(visit, home, explorer, request):
    page = visit("/#/runs", "document.body.innerText.includes('holds no runs yet')")
    page.evaluate("window.loadedOnce = true")
    training = request.getfixturevalue("training")
    wait_until(page, READY["runs"], 90)
    wait_until(page, "document.querySelector('tr .state.running progress') !== null", 60)
    name = page.get_attribute("tr[data-run]", "data-run")
    training.send_signal(signal.SIGSTOP)  # else it may be done before its page is open
    live = visit(f"/#/run/{name}", "document.querySelector('.runhead h1') !== null")
    page.evaluate(WATCHED.format("document.querySelector('tr progress')?.value ?? 1"))
    live.evaluate(WATCHED.format("Number(document.querySelector('.scrubber input').max)"))
    training.send_signal(signal.SIGCONT)
    assert training.wait(timeout=HANGS_S) == 0
    wait_until(page, "document.querySelector('td.state .done') !== null", 30)
    wait_until(live, "document.querySelector('.runhead .state.done') !== null", 30)
    shares, snapshots = (one.evaluate("clearInterval(window.watching); window.seen") for one in (page, live))
    assert len(set(shares)) > 2
    assert shares == sorted(shares)
    assert len(set(snapshots)) > 2
    assert live.evaluate("Number(document.querySelector('.scrubber input').max)") == 7
    assert live.evaluate("document.querySelector('.scrubber input').value") == "7", (
        "who stands at the end follows it"
    )
    assert page.evaluate("window.loadedOnce")
    assert page.inner_text("td.success").strip().endswith("%")


@pytest.fixture(scope="module")
def places(trained, home) -> dict[str, str]:
    write_study(home / "results" / "example", trained)
    return sites_of(trained, 450)


SCREEN = """(([trace, index]) => {
    const cloud = document.querySelector('.cloud'), box = cloud.getBoundingClientRect();
    const point = cloud.placed.find(each => each.trace === cloud.traces[trace] && each.index === index);
    return [box.left + point.x, box.top + point.y, point.depth];
})"""


@pytest.mark.slow
def test_hovering_a_point_shows_its_image_and_selected_images_are_found_on_the_manifold(visit, trained):
    page = visit(f"/#/run/{trained.name}", "run")
    page.locator(".cloud").scroll_into_view_if_needed()
    for trace in (1, 0):
        seen = sorted(
            page.evaluate(f"[0,1,2,3,4,5,6,7].map(i => {SCREEN}([{trace}, i]))"), key=lambda at: at[2]
        )
        shown = False
        for x, y, _ in seen:
            page.mouse.move(x - 30, y - 30)
            page.mouse.move(x, y, steps=4)
            with suppress(TimeoutError):  # another point may lie before it
                wait_until(page, "!document.querySelector('.glass').hidden", 10)
                shown = True
                break
        assert shown
        assert "label" in page.inner_text(".glass")
        inked = "document.querySelector('.glass canvas').getContext('2d').getImageData(0, 0, 96, 96).data"
        assert page.evaluate(f"new Set({inked}).size") > 3
        page.mouse.move(5, 5)
        wait_until(page, "document.querySelector('.glass').hidden")
    page.locator(".wall .tile").nth(4).click()
    page.locator(".wall .tile").nth(9).click()
    wait_until(page, "document.querySelector('.cloud').traces[2].x.length === 2")
    chosen = sorted(int(page.locator(".wall .tile").nth(i).get_attribute("data-index")) for i in (4, 9))
    assert sorted(map(int, query(page)["sel"].split(","))) == chosen
    marked, painted = page.evaluate(
        "[2, 1].map(k => Array.from(document.querySelector('.cloud').traces[k].x))"
    )
    assert sorted(marked) == sorted(painted[i] for i in chosen)


def drag(page, fractions: list[tuple[float, float]]) -> None:
    """Drag the target over the pad; each place is a share of its sides."""
    page.locator(".pad").scroll_into_view_if_needed()
    box = page.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    for x, y in fractions:
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
    page.mouse.up()


READING = "document.querySelector('.sampling .reading').dataset"


def settled(page) -> dict[str, tuple[float, ...]]:
    """The label and what was read of it, x and y, once nothing is being painted any more."""
    page.evaluate(TWO_FRAMES)
    wait_until(page, "document.querySelector('.sampling .reading').ariaBusy === 'false'")
    told = page.evaluate(f"({{...{READING}}})")
    return {key: tuple(map(float, told[key].split(","))) for key in ("label", "read")}


@pytest.mark.slow
def test_dragging_the_pad_paints_a_bump_at_the_target(visit, trained):
    page = visit(f"/#/sample/{trained.name}", "sample")
    assert page.locator("input[aria-label=guidance]").count() == 0, (
        "this network was never trained without labels"
    )
    images = set()
    for target in [(0.3, 0.7), (0.62, 0.41), (0.81, 0.83)]:
        drag(page, [target])
        read = settled(page)
        assert read["label"] == pytest.approx([32 * share for share in target], abs=0.2)
        assert read["read"] == pytest.approx(read["label"], abs=1)
        images.add(page.evaluate("document.querySelector('.sampling .image').toDataURL()"))
    assert len(images) == 3
    assert page.locator(".frames").first.locator("canvas").count() == 8
    marked = "Array.from(document.querySelector('.cloud').traces[3].x).join()"
    wait_until(page, f"{marked} !== ''")
    before, earlier = (
        page.evaluate(marked),
        page.evaluate("document.querySelectorAll('.image')[1].toDataURL()"),
    )
    drag(page, [(0.2, 0.2)])
    settled(page)
    wait_until(page, f"{marked} !== {json.dumps(before)} && {marked} !== ''")
    page.evaluate("document.querySelectorAll('.scrubber input')[1].value = 0;"
                  "document.querySelectorAll('.scrubber input')[1].dispatchEvent(new Event('input'))")  # fmt: skip
    wait_until(page, f"document.querySelectorAll('.image')[1].toDataURL() !== {json.dumps(earlier)}")
    page.focus(".pad")
    page.keyboard.press("ArrowRight")
    assert settled(page)["label"][0] == pytest.approx(0.2 * 32 + 0.25, abs=0.25)


@pytest.mark.slow
def test_a_number_beyond_the_canvas_is_put_back_to_what_is_sampled(visit, trained):
    page = visit(f"/#/sample/{trained.name}", "sample")
    field = page.get_by_label("y of the target, px", exact=True)
    field.fill("40")
    field.press("Enter")
    assert field.input_value() == "32", "while it has the focus still"
    assert "put-back" in (field.get_attribute("class") or "")
    assert field.get_attribute("title") == "40 cannot be taken: 32 is"
    assert settled(page)["label"][1] == 32
    field.fill("12")
    assert "put-back" not in field.get_attribute("class")
    field.press("Enter")
    assert settled(page)["label"][1] == 12
    assert "put-back" not in field.get_attribute("class")


INTERVENTION = "(document.querySelector('.intervention .reading')?.dataset ?? {})"


@pytest.mark.slow
def test_what_is_put_in_at_a_tap_is_dragged_on_the_pad_and_its_image_stands_beside(visit, trained):
    page = visit(f"/#/sample/{trained.name}?label=8,24", "sample")
    plain = page.evaluate("document.querySelector('.sampling .image').toDataURL()")
    page.select_option("label:has-text('how') select", "patch")
    wait_until(page, f"{INTERVENTION}.toward === '24,8'")
    page.select_option("label:has-text('layer') select", "up1")
    wait_until(page, "document.querySelector('.intervention .reading').innerText.startsWith('up1:')")
    for drop in ((0.5, 0.25), (0.75, 0.75)):
        box = page.locator(".pad").bounding_box()
        now = [float(value) / 32 for value in page.evaluate(f"{INTERVENTION}.toward").split(",")]
        for k, (x, y) in enumerate((now, drop)):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
            page.mouse.down() if k == 0 else page.mouse.up()
        there = f"{INTERVENTION}.toward.split(',').map(Number)"
        wait_until(page, f"{there}.every((value, k) => Math.abs(value / 32 - {list(drop)}[k]) < 0.02)")
        assert page.evaluate(f"{INTERVENTION}.label") == "8,24"
        assert page.evaluate(f"{INTERVENTION}.went") in ("followed", "stayed", "elsewhere")
    assert page.evaluate("document.querySelector('.sampling .image').toDataURL()") == plain
    state, beside = query(page), page.evaluate("document.querySelector('.changed').toDataURL()")
    assert {"how": "patch", "layer": "up1"}.items() <= state.items()
    again = visit(f"/{page.evaluate('location.hash')}", "sample")
    wait_until(again, f"document.querySelector('.changed').toDataURL() === {json.dumps(beside)}")
    again.select_option("label:has-text('how') select", "")
    assert again.locator(".changed").count() == 0
    assert not {"how", "layer", "towards"} & set(query(again))


@pytest.mark.slow
def test_accuracy_by_factor_follows_the_scrubber_in_every_reading(visit, trained):
    page = visit(f"/#/run/{trained.name}", "run")
    table = "document.querySelector('table.accuracy')"
    ways = page.evaluate(f"[...{table}.querySelectorAll('th[scope=col]')].map(e => e.textContent)")
    assert ways == [WAYS[way] for way in ("formed", "darkest", "half", "matched", "refined")]
    last = page.evaluate(f"{table}.innerText")
    page.keyboard.press("Home")
    wait_until(page, "document.querySelector('.scrubber .at').innerText.includes('step 0')")
    assert page.evaluate(f"{table}.innerText") != last
    assert "Probe R² by route" in page.inner_text(".charts.histories")


@pytest.mark.slow
def test_deep_links_restore_each_views_state(visit, trained, places):
    page = visit(f"/#/run/{trained.name}", "run")
    turn(page)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.select_option(".manifold select >> nth=0", "down3.50")
    page.select_option(".manifold select >> nth=2", "outcome")
    page.select_option(".histories select >> nth=0", "epochs")
    page.locator(".wall .tile").nth(2).click()
    wait_until(page, "document.querySelector('.cloud').traces[2].x.length === 1")
    state = query(page)
    assert {"step": "90", "at": "down3.50", "colour": "outcome", "unit": "epochs"}.items() <= state.items()
    again = visit(f"/{page.evaluate('location.hash')}", "run", afresh=True)
    wait_until(again, "document.querySelector('.cloud').traces[2].x.length === 1")
    one, other = page.evaluate(PANELS), again.evaluate(PANELS)
    assert other.pop("camera") == pytest.approx(one.pop("camera"), abs=0.02)
    cursors, same = other.pop("cursors"), one.pop("cursors")
    assert [float(x[:-1]) for x in cursors] == pytest.approx([float(x[:-1]) for x in same], abs=1)
    assert other == one
    assert query(again) == state

    page = visit(f"/#/sample/{trained.name}", "sample")
    drag(page, [(0.5, 0.25)])
    page.select_option("label:has-text('sampler') select", "ddim")
    page.select_option("label:has-text('steps') select", "8")
    page.click("text=next")
    wait_until(page, "location.hash.includes('seed=1')")
    read, state = settled(page), query(page)
    again = visit(f"/{page.evaluate('location.hash')}", "sample", afresh=True)
    assert settled(again) == read
    assert query(again) == state
    image = "document.querySelector('.sampling .image').toDataURL()"
    assert again.evaluate(image) == page.evaluate(image)

    page = visit("/#/runs", "runs")
    page.fill("input[type=search]", "predict=x")
    page.select_option("label:has-text('sort') select", "probe")
    page.check("tr input[type=checkbox]")
    again = visit(f"/{page.evaluate('location.hash') if query(page) else ''}", "runs", afresh=True)
    assert query(again) == {"q": "predict=x", "sort": "probe", "runs": trained.name}
    assert again.is_checked("tr input[type=checkbox]")
    again.fill("input[type=search]", "no such run")
    wait_until(again, "document.querySelectorAll('tr[data-run]').length === 0")


@pytest.mark.slow
def test_the_list_of_studies_leads_to_a_studys_page_and_its_runs(visit, trained, places):
    page = visit("/#/studies", "studies")
    page.click("a.card")
    wait_until(page, "document.querySelector('h1')?.innerText === 'Example'")
    page.go_back()
    again = visit("/#/runs?q=study:example", "runs", afresh=True)
    assert again.locator("tr[data-run]").count() == 1
    words = again.locator("tr[data-run] .settings").inner_text()
    assert words.startswith(f"seed={trained.config['seed']} as in example: "), "the seed is not cut off"
    page = visit(f"/#/run/{trained.name}", "run")
    # It may be a run of one's own; the studies are asked for after the run is shown.
    head = "document.querySelector('.runhead').innerText"
    wait_until(page, f"{head}.includes('Same configuration and seed as in study example')")


def sampling_alone_ms(run: Run, images: int) -> float:
    """Processor time of an image as the pad asks for it, painted in this process, ms."""
    sampler, request = SnapshotSampler(), SampleRequest(label=(9.5, 20.25), sampler="dpm_solver", steps=20)
    sampler.sample(run, None, request)
    began = time.process_time()
    for _ in range(images):
        sampler.sample(run, None, request)
    return 1000 * (time.process_time() - began) / images


@pytest.mark.slow
def test_an_image_takes_no_longer_than_a_hand_notices(browser, explorer, trained):
    """Or, on a busy machine, in three times what sampling alone takes there; `timings` tells the clock's."""
    address, pid = explorer
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    found = timings.pad_to_image(page, address, pid, trained.name, moves=5)
    page.close()
    assert found["n"] == 5
    assert found["server_cpu_ms"] <= max(60, 3 * sampling_alone_ms(trained, images=10))


@pytest.mark.slow
def test_a_manifold_of_two_thousand_points_is_redrawn_in_half_a_second(browser, explorer, trained, tmp_path):
    """Or, on a busy machine, in four times what 128 points take there."""
    timings.many_labels(trained, tmp_path)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with timings.explorer(tmp_path) as (address, _):
        found = timings.redraw(page, address, trained.name, redraws=4)
    few = timings.redraw(page, explorer[0], trained.name, redraws=4)
    page.close()
    assert (found["points"], few["points"]) == (2000, 128)
    assert found["least_ms"] <= max(500, 4 * few["least_ms"])


@pytest.mark.slow
def test_a_table_of_a_thousand_runs_stays_usable(browser, trained, tmp_path):
    timings.records_only(trained, tmp_path, 1000)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with timings.explorer(tmp_path) as (address, _):
        page.goto(f"{address}/#/runs")
        wait_until(page, "document.querySelector('.heading .note')?.innerText.startsWith('1,000 ')", HANGS_S)
        found = timings.filtering(page, address, 1000)
        assert found["rows"] < 100, "what is drawn anew after a key does not grow with the runs"
        page.fill("input[type=search]", "copy0999")
        wait_until(page, "document.querySelectorAll('tr[data-run]').length === 1")
        page.fill("input[type=search]", "")
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        wait_until(page, "document.querySelectorAll('tr[data-run]').length > 100")
    page.close()
