"""Images of several runs side by side at one moment of their training."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.runs_of_any_world import ONE, write_made_run
from helpers.written_run import BATCH, write_run
from phasescope import Site
from phasescope.views.web.serve import serving
from tools.screenshots import chromium, wait_until

pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine"),
]

IMAGES = "[data-key=images]"
ROWS = f"{IMAGES} tbody tr"
Compare = Callable[..., Any]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Three runs of the same labels, one of another seed, one without images, and one of another world."""
    folder = tmp_path_factory.mktemp("runs")
    write_run(folder / "dense", [0, 1000, 2000, 4000])
    write_run(folder / "sparse", [0, 3000])
    other = write_run(folder / "reseeded", [0, 4000])
    text = (other.path / "config.yaml").read_text()
    (other.path / "config.yaml").write_text(text.replace("seed: 7", "seed: 8"))
    bare = write_run(folder / "bare", [0, 4000])
    for snapshot in bare.snapshots:
        (snapshot.path / "samples.npz").unlink()
    write_made_run(folder / "foreign", factors=ONE, site=Site("code"), reads=True)
    return folder


@pytest.fixture
def compare(browser, runs) -> Iterator[Compare]:
    """Opens the comparison of some runs; no page may have shown an error."""
    faults: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})

    def opened(*names: str, **query: object):
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        more = "".join(f"&{key}={value}" for key, value in query.items())
        page.goto(f"{address}/#/compare?runs={','.join(names)}{more}")
        wait_until(page, "document.querySelector('table.compare') !== null", 60)
        return page

    with serving(runs, runs / "no studies") as (address, _):
        yield opened
        context.close()
    assert faults == []


def drawn(page, count: int) -> list[list[str]]:
    """Return what each image of each row is, once `count` rows have images."""
    wait_until(
        page,
        f"[...document.querySelectorAll('{ROWS}')].filter(r => r.querySelector('canvas')).length === {count}",
        60,
    )
    rows = page.locator(ROWS).all()
    return [[image.get_attribute("aria-label") for image in row.locator("canvas").all()] for row in rows]


def moments(page) -> list[str]:
    return page.locator(f"{ROWS} th .note").all_inner_texts()


def slide_to(page, step: int) -> None:
    while f"{step * BATCH:,} images seen" not in page.inner_text(".scrubber .at"):
        before = page.inner_text(".scrubber .at")
        page.keyboard.press("ArrowLeft")
        assert page.inner_text(".scrubber .at") != before


def test_a_slider_shows_the_nearest_snapshot_of_each_run_and_names_it(compare):
    page = compare("dense", "sparse")
    drawn(page, 2)
    assert moments(page) == ["256,000 images, step 4,000", "192,000 images, step 3,000"]
    last = page.locator(f"{ROWS} canvas").first.evaluate("canvas => canvas.toDataURL()")
    slide_to(page, 1000)
    wait_until(page, f"document.querySelector('{ROWS} canvas').toDataURL() !== '{last}'", 60)
    assert moments(page) == ["64,000 images, step 1,000", "0 images, step 0"]


def test_columns_have_one_label_and_their_heads_say_which(compare):
    page = compare("dense", "sparse")
    first, second = drawn(page, 2)
    heads = page.locator(f"{IMAGES} thead th").all_inner_texts()
    assert len(first) == len(second) == len(heads) == len(set(heads)) == 10
    for row in (first, second):
        assert [re.split("[:;]", text)[0] for text in row] == [f"label {head}" for head in heads]


@pytest.mark.parametrize(
    ("names", "noise"), [(("dense", "sparse"), "the same noise"), (("dense", "reseeded"), "their own")]
)
def test_noise_is_called_the_same_only_for_runs_of_one_seed(compare, names, noise):
    page = compare(*names)
    drawn(page, 2)
    assert noise in page.inner_text(f"{IMAGES} > .note")


def test_runs_that_share_no_label_show_their_own(compare):
    page = compare("dense", "foreign")
    ours, theirs = drawn(page, 2)
    assert ours
    assert theirs
    assert page.locator(f"{IMAGES} thead").count() == 0
    assert "No label is shared" in page.inner_text(f"{IMAGES} > .note")


def test_a_run_without_images_says_so_and_a_comparison_without_any_has_no_panel(compare):
    page = compare("dense", "bare")
    drawn(page, 1)
    assert "stores no images" in page.locator(ROWS).nth(1).inner_text()
    assert compare("bare", "bare").locator(IMAGES).count() == 0


def test_the_address_holds_the_moment(compare):
    page = compare("dense", "sparse")
    drawn(page, 2)
    slide_to(page, 1000)
    wait_until(page, f"location.hash.endsWith('at={1000 * BATCH}')", 60)
    again = compare("dense", "sparse", at=1000 * BATCH)
    drawn(again, 2)
    assert moments(again) == moments(page)
