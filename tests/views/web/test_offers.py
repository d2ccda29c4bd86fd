"""Nothing that the explorer offers is refused, and nothing that it opens stays open."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.explored import page_of
from helpers.watched import Net, watcher_of
from helpers.written_run import ALL_STEPS, write_run
from phasescope import Run
from phasescope.runs.trained.limits import IMAGES, MOST_WORK
from phasescope.views.web.serve import serving
from tools.screenshots import chromium, wait_until

pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine"),
]

STEPS = ALL_STEPS[:3]
HEAD = "document.querySelector('.runhead h1')"
Visit = Callable[..., Any]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    write_run(folder / "plain", STEPS)
    write_run(folder / "without-latents", STEPS, latents=False)
    bare = write_run(folder / "without-images", STEPS)
    for snapshot in bare.snapshots:
        (snapshot.path / "samples.npz").unlink()
    watched = watcher_of(folder / "watched", batch=4)
    watched.record(Net(), 0)
    watched.close()
    (folder / "broken").mkdir()
    (folder / "broken" / "config.yaml").write_text("a: [")
    return folder


@pytest.fixture(scope="module")
def address(runs) -> Iterator[str]:
    with serving(runs, runs / "no studies") as (address, _):
        yield address


@pytest.fixture
def visit(browser, address) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})

    def opened(place: str, ready: str):
        page = context.new_page()
        page.goto(f"{address}/#/{place}")
        wait_until(page, ready, 60)
        return page

    yield opened
    context.close()


OPEN = "document.querySelector('.explains').matches(':popover-open')"


def test_an_explanation_closes_however_one_leaves_it(visit):
    page = visit("runs", "document.querySelectorAll('tr[data-run]').length > 4")
    leaves = {
        "Escape": lambda: page.keyboard.press("Escape"),
        "a click elsewhere": lambda: page.mouse.click(640, 300),
        "the focus goes on": lambda: page.keyboard.press("Tab"),
        "another view": lambda: page.evaluate("location.hash = '#/studies'"),
    }
    for way, leave in leaves.items():
        page.locator("button.term").first.click()
        wait_until(page, OPEN, 20)
        leave()
        try:
            wait_until(page, f"!{OPEN}", 20)
        except TimeoutError:
            pytest.fail(f"it stays open after {way}")


def test_a_broken_run_cannot_be_chosen_and_says_why(visit):
    page = visit("runs", "document.querySelectorAll('tr[data-run]').length > 4")
    box = page.get_by_label("compare broken")
    assert box.is_disabled()
    assert "cannot be read" in box.get_attribute("title")
    page.get_by_label("choose all listed runs").check()
    assert page.locator("a.button", has_text="compare").inner_text() == "compare 4"


def test_a_watched_network_is_not_offered_for_sampling(visit, runs):
    reason = page_of(Run(runs / "watched"))["sampling"]["error"]
    assert "only your own loop builds this network" in reason
    page = visit("run/watched", HEAD)
    assert page.locator("a.button", has_text="sample images").count() == 0
    assert reason in page.inner_text(".runhead")
    page = visit("sample/watched", "document.querySelector('.absent')")
    assert reason in page.inner_text(".absent")


def test_a_network_that_is_too_large_is_not_offered(tmp_path):
    run = write_run(tmp_path / "runs" / "large", STEPS)
    status = run.status | {"parameters": 2**30}
    (run.path / "status.json").write_text(json.dumps(status))
    assert "1,073,741,824 parameters" in page_of(run)["sampling"]["error"]


def test_a_network_of_a_kind_that_is_not_there_is_not_offered(tmp_path):
    run = write_run(tmp_path / "runs" / "foreign", STEPS)
    (run.snapshots[-1].path / "weights.safetensors").write_bytes(b"")
    text = (run.path / "config.yaml").read_text()
    (run.path / "config.yaml").write_text(text.replace("kind: gaussian_bump", "kind: ring"))
    assert "config.yaml" in page_of(Run(run.path))["sampling"]["error"]


def test_steps_are_offered_as_far_as_one_request_may_go(tmp_path):
    run = write_run(tmp_path / "runs" / "wide", STEPS)
    about = run.about | {"shape": [1, 128, 128]}
    (run.path / "about.json").write_text(json.dumps(about))
    choice = page_of(run)["sampling"]["choice"]
    assert choice["most_steps"] == MOST_WORK // 128**2 < 1000
    assert choice["most_changed_steps"] == MOST_WORK // (IMAGES * 128**2)
    assert choice["steps"] == 50


def test_a_run_without_images_offers_nothing_to_do_with_them(visit):
    page = visit("run/without-images", HEAD)
    panel = page.locator("figure.panel", has=page.locator("h2", has_text="Generated images"))
    assert "This run stores no images." in panel.inner_text()
    assert panel.locator("button, select, input").count() == 0
    colours = page.locator(".manifold").get_by_label("colour").locator("option").all_inner_texts()
    assert colours == ["x", "y"], "an outcome is that of an image"


def test_a_run_without_activations_offers_label_space_alone(visit):
    page = visit("run/without-latents", f"{HEAD} && document.querySelector('.wall .tile')")
    manifold = page.locator(".manifold")
    assert manifold.get_by_label("projection").locator("option").all_inner_texts() == ["label space"]
    assert manifold.get_by_label("activations at").count() == 0
    assert "find their activations" not in page.inner_text(".view")


def test_nothing_can_be_unselected_before_something_is_selected(visit):
    page = visit("run/plain", f"{HEAD} && document.querySelector('.wall .tile')")
    button = page.get_by_role("button", name="select none")
    assert button.is_disabled()
    page.locator(".wall .tile").first.click()
    assert button.is_enabled()
    button.click()
    assert page.locator(".wall .tile[aria-pressed=true]").count() == 0
