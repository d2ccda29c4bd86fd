"""The page that compares runs draws what the server says of them, and nothing that it knows by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.runs_of_any_world import FOUR, STEPS, write_made_run
from phasescope import Site
from phasescope.views.web.serve import serving
from tools.screenshots import chromium, open_view, wait_until

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")

PANEL = ".charts [data-key=straightness_of_rows]"
"""of a measure that no file of the page names"""


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """The explorer's, on runs of a world of its own: two that share a layer, and one of another layer."""
    runs: Path = tmp_path_factory.mktemp("runs")
    for name, layer in (("first", "code"), ("second", "code"), ("third", "output")):
        write_made_run(runs / f"{name}-00000000", factors=FOUR, site=Site(layer), reads=True)
    with serving(runs, runs / "no studies") as (address, _):
        yield address


def compared(browser, address: str, *names: str):
    place = f"{address}/#/compare?runs={','.join(f'{name}-00000000' for name in names)}"
    return open_view(browser, place, "compare")


def test_a_measure_that_no_file_of_the_page_names_is_compared(browser, address):
    page = compared(browser, address, "first", "second")
    assert page.inner_text(f"{PANEL} h2") == "Straightness of rows"
    assert page.locator(f"{PANEL} path.line").count() == 2
    assert page.inner_text(f"{PANEL} .note").startswith("code; higher is better")
    page.context.close()


def test_a_score_stands_beside_that_of_the_untrained_network(browser, address):
    page = compared(browser, address, "first", "second")
    assert page.locator(f"{PANEL} output").all_inner_texts() == ["1 (0)", "1 (0)"]
    assert "in brackets: untrained network" in page.inner_text(f"{PANEL} .note")
    page.context.close()


def test_success_is_named_as_the_world_names_it(browser, address):
    page = compared(browser, address, "first", "second")
    assert page.inner_text(".charts [data-key=outcomes] h2") == "Share of whole images"
    assert page.locator(".charts [data-key=outcomes] path.line").count() == 2
    values = page.locator(".charts [data-key=outcomes] output").all_inner_texts()
    assert values == ["100\N{NO-BREAK SPACE}%"] * 2, "a majority is no baseline"
    page.context.close()


def test_scores_of_different_layers_are_said_to_be_incomparable(browser, address):
    page = compared(browser, address, "first", "third")
    assert "each at its own layer" in page.inner_text(f"{PANEL} .note")
    assert "not comparable" in page.inner_text("p.fault")
    page.context.close()


def test_the_cursor_moves_the_numbers_of_every_panel(browser, address):
    page = compared(browser, address, "first", "second")
    page.locator(f"{PANEL} .plot").scroll_into_view_if_needed()
    box = page.locator(f"{PANEL} .plot").bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    numbers = f"[...document.querySelectorAll('{PANEL} output')].map(output => output.innerText).join()"
    wait_until(page, f"{numbers} === '0 (0),0 (0)'")  # at the first of `STEPS`
    assert page.locator(f"{PANEL} output").all_inner_texts() == ["0 (0)", "0 (0)"], f"at step {STEPS[0]}"
    page.context.close()
