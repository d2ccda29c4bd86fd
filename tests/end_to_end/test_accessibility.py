"""Pages can be read and used by everybody: axe-core finds nothing, the keyboard reaches all, words are explained."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.accessibility import violations
from helpers.example_study import write_study
from helpers.exploring import TWO_FRAMES
from phasescope import Factors
from phasescope.cli import main
from phasescope.views.facts.scores import probe_summary
from phasescope.views.facts.terms import PHASES, TERMS
from phasescope.views.web.serve import serving
from tools.screenshots import READY, chromium, wait_until

pytest.importorskip("playwright.sync_api")
pytest.importorskip("axe_playwright_python", reason="it brings axe-core")
pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")

ROOT = Path(__file__).parents[2]
NARROW_DARK: tuple[int, Any] = (390, "dark")
WIDE_LIGHT: tuple[int, Any] = (1280, "light")
VIEWS = ("runs", "compare", "run", "sample", "studies", "study", "words")
SHIPPED = {
    "studies with findings": "/#/studies",
    "findings": "/findings",
    "claims": "/claims",
    "statements": "/statements",
    "study p1": "/studies/p1",
}
READINESS = (
    READY
    | {
        "words": "document.querySelectorAll('.glossary dt').length > 0",
        "report": "document.querySelector('.cloud')?.placed?.length > 0",
        "study_report": "document.readyState === 'complete'",
    }
    | dict.fromkeys(SHIPPED, "document.querySelector('h1') && document.readyState === 'complete'")
)
HANGS_MS = 120_000


@pytest.fixture(scope="module")
def address(trained, tmp_path_factory) -> Iterator[str]:
    results = tmp_path_factory.mktemp("results")
    write_study(results / "example", trained)
    with serving(trained.path.parent, results) as (address, _):
        yield address


@pytest.fixture(scope="module")
def shipped(trained) -> Iterator[str]:
    """The address of an explorer of the repository's own studies, whose folder has pages of findings."""
    with serving(trained.path.parent, ROOT / "studies") as (address, _):
        yield address


@pytest.fixture(scope="module")
def places(address, shipped, trained) -> dict[str, str]:
    return {view: f"{shipped}{path}" for view, path in SHIPPED.items()} | {
        "runs": f"{address}/#/runs",
        "compare": f"{address}/#/compare?runs={','.join([trained.name] * 10)}",
        "run": f"{address}/#/run/{trained.name}?sel=3",
        "sample": f"{address}/#/sample/{trained.name}",
        "studies": f"{address}/#/studies",
        "study": f"{address}/studies/example",
        "words": f"{address}/#/words",
    }


@pytest.fixture(scope="module")
def pages(browser) -> Iterator[Callable[[str, str], Any]]:
    """Opens an address once, wide and in light: tests share a page, and leave it as a reader might."""
    known: dict[str, Any] = {}

    def opened(url: str, ready: str):
        if url not in known:
            context = browser.new_context(viewport={"width": WIDE_LIGHT[0], "height": 900})
            context.set_default_timeout(HANGS_MS)
            known[url] = context.new_page()
            known[url].goto(url)
            wait_until(known[url], ready, HANGS_MS / 1000)
        return known[url]

    yield opened
    for page in known.values():
        page.context.close()


@pytest.fixture
def visit(pages, places) -> Callable[[str], Any]:
    return lambda view: pages(places[view], READINESS[view])


@pytest.fixture(scope="module")
def report(trained, pages, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert main(["report", str(trained.path), "--out", str(path)]) == 0
    return pages(path.as_uri(), READINESS["report"])


@pytest.fixture(scope="module")
def study_report(pages, tmp_path_factory):
    """Of a study as it is shipped, which answers the paper's statements."""
    out = tmp_path_factory.mktemp("study") / "study.html"
    assert main(["report", "p1", "--studies", str(ROOT / "studies"), "--out", str(out)]) == 0
    return pages(out.as_uri(), READINESS["study_report"])


def on_each_screen(page) -> list[str]:
    """What axe-core finds in dark on a narrow screen, and in light on a wide one."""
    found = []
    for width, scheme in (NARROW_DARK, WIDE_LIGHT):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.evaluate(TWO_FRAMES)  # in which what observes its size is drawn again
        wait_until(page, "document.getAnimations().every(animation => animation.playState !== 'running')")
        found += [f"{width} px, {scheme}: {one}" for one in violations(page)]
    return found


@pytest.mark.some(1)
@pytest.mark.parametrize("view", [*VIEWS, *SHIPPED])
def test_axe_finds_nothing_in_the_explorer(visit, view):
    assert on_each_screen(visit(view)) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["report", "study_report"])
def test_axe_finds_nothing_in_the_reports(request, kind):
    assert on_each_screen(request.getfixturevalue(kind)) == []


def test_axe_would_find_a_fault(visit):
    page = visit("words")
    page.evaluate(
        "document.querySelector('h1').insertAdjacentHTML('afterend', '<h4>4</h4><button></button>')"
    )
    found = {line.partition(":")[0] for line in violations(page)}
    page.evaluate("document.querySelectorAll('h1 ~ button, h1 ~ h4').forEach((element) => element.remove())")
    assert found == {"heading-order", "button-name"}


OPEN = "document.querySelector('.explains').matches(':popover-open')"


def test_a_word_is_explained_by_key_where_it_stands_and_closed_again(visit):
    page = visit("run")
    page.locator(".panel").get_by_role("button", name="baseline", exact=True).first.focus()
    page.keyboard.press("Enter")
    wait_until(page, OPEN)
    assert TERMS["baseline"].sentence in page.inner_text(".explains")
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert not page.evaluate(OPEN)
    assert page.evaluate("document.activeElement.textContent") == "baseline", "the hand is where it was"


@pytest.mark.parametrize("view", ["runs", "run", "words"])
def test_what_a_b_and_c_are_is_at_hand(visit, view):
    page = visit(view)
    if view != "words":
        page.locator("button.term", has_text="what A, B, C are").first.press("Enter")
    told = page.locator(".phasekey").first.inner_text()
    pictograms = page.locator(".phasekey svg[role=img][aria-label]").count()
    page.keyboard.press("Escape")
    assert all(sentence in told for words in PHASES.values() for sentence in words.values())
    assert pictograms == 2 * len(PHASES)


def test_the_header_tells_the_snapshot_at_which_the_scrubber_stands(visit, trained):
    page = visit("run")
    place = trained.status["summary"]["sites"]["sheet"]
    told = []
    for key, line in (("Home", trained.metrics[0]), ("End", trained.metrics[-1])):
        page.keyboard.press(key)
        wait_until(page, f"document.querySelector('.scrubber .at').innerText.endsWith('step {line['step']}')")
        told.append(page.inner_text(".runhead"))
        assert probe_summary(line["probe_r2"][place], Factors()).text in told[-1]
        assert f"{100 * line['outcomes']['grid']['correct']:.1f} %" in told[-1]
    assert told[0] != told[1]


def test_order_stands_beside_its_untrained_value_in_lists(visit, trained):
    found = trained.metrics[-1]["probe_r2"][trained.status["summary"]["sites"]["sheet"]]
    both = probe_summary(found, Factors()).text.replace("-", "−")
    assert visit("runs").inner_text("td.probe") == both
    page = visit("compare")
    assert page.locator("td", has_text=both).count() == 10
    minimum = f"{found['value']:.2f} ({found['baselines']['untrained']:.2f})".replace("-", "−")
    assert page.locator(".legend output", has_text=minimum).count() == 8


def test_of_many_lines_a_few_are_drawn_and_the_rest_when_they_are_asked_for(visit):
    panel = visit("compare").locator(".charts .panel").first
    assert panel.locator("path.line").count() == 8
    panel.get_by_text("show 2 more lines").press("Enter")
    assert panel.locator("path.line").count() == 10
    fewer = panel.get_by_text("show 8 lines")
    assert fewer.get_attribute("aria-expanded") == "true"
    fewer.press("Enter")
    assert panel.locator("path.line").count() == 8


SHOWN = "e.checkVisibility() && !e.disabled"
CONTROLS = (
    "[...document.querySelectorAll('main :is(a[href], button, input, select, summary, [tabindex=\"0\"])')]"
)
KNOWN = 'a, button, label, select, input, summary, [tabindex="0"], .plot'
HTML = ".map(e => e.outerHTML.slice(0, 90))"
OUT_OF_ORDER = f"{CONTROLS}.filter(e => {SHOWN} && e.tabIndex < 0){HTML}"
POINTED_AT = (
    "[...document.querySelectorAll('main *')].filter(e => ['crosshair', 'pointer'].includes(getComputedStyle(e).cursor)"
    f" && {SHOWN} && !e.closest('{KNOWN}')){HTML}"
)
UNNAMED = (
    "[...document.querySelectorAll('main canvas')].filter(e => e.checkVisibility()"
    f" && !e.ariaLabel && !e.closest('button[aria-label], .cloud[aria-label]')){HTML}"
)


@pytest.mark.parametrize("view", [*VIEWS, *SHIPPED])
def test_what_a_hand_can_point_at_the_keyboard_reaches(visit, view):
    """The charts' cursor is the scrubber's, which has keys of its own."""
    page = visit(view)
    assert page.evaluate(OUT_OF_ORDER) == []
    assert page.evaluate(POINTED_AT) == []
    assert page.evaluate(UNNAMED) == []
    page.evaluate("document.activeElement.blur()")
    stops = min(page.evaluate(f"{CONTROLS}.filter(e => {SHOWN}).length"), 12)
    seen = set()
    for _ in range(stops):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
    assert len(seen) == stops, "each key press goes on to something else"


def test_the_manifold_turns_by_key(visit):
    page = visit("run")
    camera = "document.querySelector('.cloud').camera"
    before, step = page.evaluate(camera), page.inner_text(".scrubber .at")
    page.focus(".cloud")
    page.keyboard.press("ArrowRight")
    wait_until(page, f"{camera}.around !== {before['around']}")
    after = page.evaluate(camera)
    assert after["around"] > before["around"]
    assert (after["height"], after["distance"]) == (before["height"], before["distance"])
    page.keyboard.press("+")
    wait_until(page, f"{camera}.distance < {before['distance']}")
    assert page.inner_text(".scrubber .at") == step
    name = page.get_attribute(".cloud", "aria-label")
    assert name.startswith("activations at mid, t = 40 of 64 labels at step ")


@pytest.mark.slow
def test_a_report_begins_with_its_verdict_and_explains_its_terms_by_key(report, trained):
    first = report.inner_text("header")
    at = [first.index(text) for text in (trained.about["sentence"], "What happened", "Samples")]
    assert at == sorted(at)
    told = report.locator(".phasekey").first.inner_text()
    assert all(sentence in told for words in PHASES.values() for sentence in words.values())
    report.locator(".histories .term", has_text="probe R²").first.press("Enter")
    assert report.evaluate(OPEN)
    assert TERMS["probe_r2"].sentence in report.inner_text(".explains")
    assert violations(report) == []
    report.keyboard.press("Escape")
    assert not report.evaluate(OPEN)
    around = "document.querySelector('.cloud').camera.around"
    before = report.evaluate(around)
    report.focus(".cloud")
    report.keyboard.press("ArrowLeft")
    wait_until(report, f"{around} !== {before}")
