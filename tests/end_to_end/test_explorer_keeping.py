"""In a browser: curves of the training, runs grouped."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from helpers.example_study import write_study
from helpers.exploring import query
from phasescope import Run, train
from phasescope.views.web.serve import serving
from tools.screenshots import READY, chromium, wait_until

pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine")

Visit = Callable[..., Any]


@pytest.fixture(scope="module")
def runs(trained, tiny_config, tmp_path_factory) -> list[Run]:
    """The tiny run, its like of another seed, and one with attention."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copytree(trained.path, folder / trained.name)
    others = [tiny_config("seed=1"), tiny_config("seed=2", "network.attention=[mid]", "network.heads=2")]
    return [Run(folder / trained.name), *(train(config, folder) for config in others)]


@pytest.fixture(scope="module")
def address(runs, trained, tmp_path_factory) -> Iterator[str]:
    results = tmp_path_factory.mktemp("results")
    write_study(results / "example", trained)
    with serving(runs[0].path.parent, results) as (address, _):
        yield address


@pytest.fixture
def visit(browser, address) -> Iterator[Visit]:
    """Opens an address in a page of its own; at the end it has shown no error."""
    faults: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(120_000)

    def opened(place: str, ready: str, at: str = address):
        page = context.new_page()
        page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(at + place)
        wait_until(page, READY.get(ready, ready), 120)
        return page

    yield opened
    context.close()
    assert [fault for fault in faults if "400 (Bad Request)" not in fault] == []


def costs(page, title: str):
    """The panel of a quantity of the training."""
    return page.locator(".histories figure.panel", has=page.locator("h2", has_text=title))


@pytest.mark.slow
def test_loss_rate_and_gradient_are_drawn_as_they_were_logged(visit, runs):
    run = runs[0]
    page = visit(f"/#/run/{run.name}", "run")
    for title in ("Loss", "Learning rate", "Gradient norm"):
        assert costs(page, title).locator("path.line").count() == 1
    shown = float(costs(page, "Loss").locator(".legend output").inner_text())
    assert shown == pytest.approx(run.scalar_lines[-1]["loss"], rel=0.01)


@pytest.mark.slow
def test_an_older_run_shows_the_loss_that_it_has(visit, runs, address):
    run = runs[1]
    (run.path / "scalars.jsonl").unlink()
    text = (run.path / "metrics.jsonl").read_text()
    (run.path / "metrics.jsonl").write_text(
        text.replace('"learning_rate"', '"a"').replace('"gradient_norm"', '"b"')
    )
    page = visit(f"/#/run/{run.name}", "run")
    assert costs(page, "Loss").is_visible()
    assert costs(page, "Learning rate").count() + costs(page, "Gradient norm").count() == 0


@pytest.mark.slow
def test_runs_of_one_value_are_one_line_with_a_band(visit, runs):
    names = ",".join(run.name for run in runs)
    page = visit(f"/#/compare?runs={names}", "compare")
    page.select_option("label:has-text('a line for each') select", "network.attention")
    assert query(page)["group"] == "network.attention"
    loss = page.locator(".charts [data-key=loss]")
    assert loss.locator("path.line").count() == 2
    assert loss.locator("path.interval").count() == 1, "one run alone has no band"
    told = page.locator("p.note[aria-live]").inner_text()
    assert "standard error" in told
    page.select_option("label:has-text('against') select", "epochs")
    assert query(page)["unit"] == "epochs"
    assert loss.locator("path.interval").count() == 1
    again = visit(f"/{page.evaluate('location.hash')}", "compare")
    assert query(again) == query(page)
    values = {
        row.inner_text()
        for row in page.locator("table.compare tbody tr:has-text('network.attention') td").all()
    }
    assert len(values) == 2
    assert "default" not in values


@pytest.mark.slow
def test_a_comparison_draws_the_training_as_it_was_logged(visit, runs):
    kept = [run for run in runs if (run.path / "scalars.jsonl").is_file()]
    page = visit(f"/#/compare?runs={','.join(run.name for run in kept)}", "compare")
    logged = {line["step"] for run in kept for line in run.scalar_lines}
    assert logged - {line["step"] for run in kept for line in run.metrics}, "some lie between snapshots"
    for key in ("loss", "learning_rate", "gradient_norm"):
        line = page.locator(f".charts [data-key={key}] path.line").first.get_attribute("d")
        points = len(re.findall("[ML]", line))
        assert points == len(kept[0].scalar_lines), key
    slider = page.locator(".scrubber input")
    assert int(slider.get_attribute("max")) == len(kept[0].metrics) - 1, "the cursor steps through snapshots"


@pytest.mark.slow
def test_curves_of_runs_can_be_laid_over_each_other_at_their_onset_of_c(visit, runs):
    run = runs[2]
    seen = [line["images_seen"] for line in run.metrics]
    status = run.status
    status["summary"]["behaviour"] = {"sequence": ["A", "C"], "onsets": {"B": seen[1], "C": seen[1]}}
    (run.path / "status.json").write_text(json.dumps(status))
    page = visit(f"/#/run/{run.name}?unit=of_onset", "run")
    ticks = [float(tick) for tick in costs(page, "Loss").locator("span.x").all_inner_texts()]
    assert 1 in ticks, "where C began"
    assert max(ticks) <= seen[-1] / seen[1]
    assert visit(f"/#/run/{runs[1].name}", "run").locator("option[value=of_onset]").count() == 0
