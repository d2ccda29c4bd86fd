"""Forks in the explorer and in reports: below and beside the run that they continue, and as paired differences."""

import json
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from helpers.accessibility import violations
from helpers.tiny import config_of
from phasescope import Run, fork, train
from phasescope.cli import main
from phasescope.views.facts.forks import paired, paired_texts
from phasescope.views.web.report import render_report
from phasescope.views.web.serve import serving
from tools.screenshots import chromium, open_view, wait_until

CHANGED = "training.optimiser.lr=0.05"


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Run]:
    """A parent, its control, and a child with another rate."""
    folder = tmp_path_factory.mktemp("forks")
    parent = train(config_of(name="parent", training={"states": [10]}), folder)
    return [parent, *fork(parent, 10, {"training": {"optimiser": {"lr": 0.05}}})]


def test_the_report_of_a_fork_shows_its_paired_differences(runs):
    parent, control, child = runs
    for run in (control, child):
        page = render_report(run)
        assert "Differences from the unchanged child" in page
        assert CHANGED in page
        assert "loss at the end" in page
    assert "Differences from the unchanged child" not in render_report(parent)


def test_ls_says_what_kept_states_weigh(runs, capsys):
    assert main(["ls", "--runs", str(runs[0].path.parent)]) == 0
    words = capsys.readouterr().out
    assert f"{runs[0].name}: states kept at 10: " in words
    assert words.count("states kept at") == 1


@pytest.fixture(scope="module")
def address(runs) -> Iterator[str]:
    folder = runs[0].path.parent
    with serving(folder, folder / "no studies") as (address, _):
        yield address


needs_browser = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")


@needs_browser
def test_the_table_of_runs_shows_forks_below_their_parent(browser, address, runs):
    page = open_view(browser, f"{address}/#/runs?sort=name", "runs")
    wait_until(page, "document.querySelectorAll('tr[data-run]').length === 3")
    rows = page.locator("tr[data-run]")
    assert rows.nth(0).get_attribute("data-run") == runs[0].name
    assert rows.locator(".branch").count() == 2
    assert rows.nth(0).locator(".branch").count() == 0
    assert f"from step 10: {CHANGED}" in page.inner_text(f"tr[data-run='{runs[2].name}']")
    page.context.close()


@needs_browser
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_run_leads_to_parent_control_and_child_on_one_slider(browser, address, runs, number):
    page = open_view(browser, f"{address}/#/run/{runs[number].name}", "run")
    page.click("text=compare the fork at step 10")
    wait_until(page, "document.querySelectorAll('table.images tbody tr').length === 3")
    heads = page.locator("table.images tbody th").all_inner_texts()
    assert all(run.name in head for run, head in zip(runs, heads, strict=True))
    assert "from step 10: unchanged" in heads[1]
    assert f"from step 10: {CHANGED}" in heads[2]
    assert page.locator("input[type=range]").count() == 1
    page.context.close()


def rows_of(page) -> list[tuple[str, ...]]:
    """Return the table of paired differences of a comparison, without its heads."""
    lines = page.locator(".paired tbody tr")
    return [tuple(lines.nth(i).locator("th, td").all_inner_texts()) for i in range(lines.count())]


@needs_browser
@pytest.mark.parametrize("with_parent", [True, False])
def test_a_comparison_has_the_paired_differences_of_the_command(browser, address, runs, with_parent, capsys):
    _, control, child = runs
    names = [run.name for run in (runs if with_parent else runs[1:])]
    page = open_view(browser, f"{address}/#/compare?runs={','.join(names)}", "compare")
    wait_until(page, "document.querySelectorAll('.paired tbody tr').length > 0")
    at_end = [paired_texts(line) for line in paired(control, [child])]
    assert rows_of(page) == at_end

    assert main(["compare", *names, "--runs", str(control.path.parent)]) == 0
    printed = capsys.readouterr().out
    assert f"Paired with {control.name}" in printed
    assert all(text in printed for row in at_end for text in row)

    page.focus("input[type=range]")
    page.keyboard.press("ArrowLeft")
    wait_until(page, "document.querySelector('.paired tbody').innerText.includes('at step 10')")
    assert rows_of(page) == [paired_texts(line) for line in paired(control, [child], step=10)]
    page.context.close()


@needs_browser
def test_a_comparison_of_other_runs_has_no_paired_differences(browser, address, runs):
    parent, control, _ = runs
    page = open_view(browser, f"{address}/#/compare?runs={parent.name},{control.name}", "compare")
    assert page.locator(".paired").count() == 0
    page.context.close()


@needs_browser
def test_axe_finds_nothing_in_a_comparison_of_a_fork(browser, address, runs):
    pytest.importorskip("axe_playwright_python", reason="it brings axe-core")
    place = f"{address}/#/compare?runs={','.join(run.name for run in runs)}"
    for width, scheme in ((390, "dark"), (1280, "light")):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        page.goto(place)
        wait_until(page, "document.querySelectorAll('.paired tbody tr').length > 0")
        assert violations(page) == []
        context.close()


def test_bad_input_of_paired_differences_is_one_line(address, runs):
    for words, rule in (
        ("", "`runs`"),
        ("runs=nothing", "there is no run"),
        (f"runs={runs[0].name}&step=x", "`step` (=x) must be a whole number"),
    ):
        with pytest.raises(HTTPError) as raised:
            urlopen(f"{address}/api/paired?{words}")
        error = json.loads(raised.value.read())["error"]
        assert rule in error
        assert "\n" not in error
