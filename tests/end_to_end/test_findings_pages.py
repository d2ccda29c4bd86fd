"""Pages of findings in a browser: they fit a narrow screen, unfold, and their table of claims sorts and filters."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from phasescope.views.web.serve import serving
from tools.screenshots import chromium, wait_until

pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine"),
]

ROOT = Path(__file__).parents[2]
LOADED = "document.querySelector('h1') && document.readyState === 'complete'"


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("runs"), ROOT / "studies") as (address, _):
        yield address


@pytest.fixture
def visit(browser, address) -> Iterator[Callable[..., Any]]:
    contexts = []

    def opened(path: str, width: int = 1280):
        contexts.append(browser.new_context(viewport={"width": width, "height": 844}))
        page = contexts[-1].new_page()
        page.goto(address + path)
        wait_until(page, LOADED)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("path", ["/#/studies", "/findings", "/claims", "/statements", "/studies/p1"])
def test_a_page_does_not_scroll_sideways_on_a_narrow_screen(visit, path):
    page = visit(path, width=390)
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_studies_begin_with_the_findings_and_lead_to_their_other_pages(visit):
    page = visit("/#/studies")
    assert page.inner_text("h1") == "Findings"
    wait_until(page, "document.querySelector('.drawing img').naturalWidth > 0")
    for name in ("findings", "claims", "statements"):
        assert page.locator(f'a.button[href="/{name}"]').count() == 1


def test_the_statement_that_an_address_names_is_unfolded(visit):
    page = visit("/findings#s2")
    assert page.evaluate("[...document.querySelectorAll('details[open]')].map(part => part.id)") == ["s2"]


def column(page: Any, number: int) -> list[str]:
    """Return the cells of a column of the table of claims, of the rows that are shown."""
    rows = "[...document.querySelector('table').tBodies[0].rows].filter(row => !row.hidden)"
    return page.evaluate(f"{rows}.map(row => row.cells[{number}].innerText.trim())")


def sorted_by(page: Any, name: str) -> tuple[list[str], list[str]]:
    """Return a column's cells that are not empty, after one and after a second press of a key on the column's head."""
    table = page.locator("table").first
    head = table.locator("th").all_inner_texts().index(name)
    orders = []
    for direction in ("ascending", "descending"):
        table.locator("th button").nth(head).focus()
        page.keyboard.press("Enter")
        assert table.locator("th[aria-sort]").count() == 1
        assert table.locator("th").nth(head).get_attribute("aria-sort") == direction
        orders.append([cell for cell in column(page, head) if cell not in ("", "–")])
    return orders[0], orders[1]


def test_claims_sort_by_a_column_by_key(visit):
    page = visit("/claims")
    upwards, downwards = sorted_by(page, "power")
    assert list(map(float, upwards)) == sorted(map(float, upwards))
    assert downwards == upwards[::-1]

    upwards, downwards = sorted_by(page, "study")
    studies = list(dict.fromkeys(upwards))
    assert len(upwards) == len(downwards) == sum(map(upwards.count, studies))
    assert (studies[0], studies[-1]) == ("ancestral", "tori")
    assert list(dict.fromkeys(downwards)) == studies[::-1], "rows of a study stand together, in either order"


def test_claims_are_filtered_by_words_and_their_number_is_announced(visit):
    page = visit("/claims")
    every = column(page, 1)
    page.get_by_label("Filter by words").fill("density manifold")
    shown = column(page, 1)
    assert 0 < len(shown) < len(every)
    assert page.inner_text("[role=status]") == f"{len(shown)} of {len(every)} rows"
    rows = page.locator("table").first.locator("tbody tr:not([hidden])").all_inner_texts()
    assert all("density" in row.lower() and "manifold" in row.lower() for row in rows)
    page.get_by_label("Filter by words").fill("")
    assert column(page, 1) == every
