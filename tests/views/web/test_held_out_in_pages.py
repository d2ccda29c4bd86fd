"""Held-out labels in a browser: on the pad in the colour of their split, and images at their labels on the page of a run."""

from collections.abc import Iterator

import numpy as np
import pytest

from helpers.small_run import write_small_run
from phasescope import Run
from phasescope.views.facts.palette import PALETTE, held_out_colours
from phasescope.views.web.serve import serving
from tools.screenshots import wait_until

SQUARE = {"kind": "grid", "hold_out": {"kind": "square", "x": [1, 3], "y": [1, 3]}}


def test_held_out_splits_have_different_colours_of_the_palette():
    colours = held_out_colours(["x_arm", "y_arm", "intersection"])
    assert len(set(colours.values())) == 3
    assert set(colours.values()) <= set(PALETTE)
    assert len(held_out_colours(map(str, range(9)))) == 9


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return write_small_run(tmp_path_factory.mktemp("runs"), design=SQUARE)


@pytest.fixture(scope="module")
def page(run, browser) -> Iterator:
    with serving(run.path.parent, run.path.parent / "results") as (address, _):
        page = browser.new_page(base_url=address)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield page
        assert faults == []


def test_the_pad_shows_held_out_labels_in_their_colour_and_names_them(page, run):
    page.goto(f"/#/sample/{run.name}?label=6,6")
    wait_until(page, "document.querySelector('.pad') !== null")
    legend = [" ".join(text.split()) for text in page.locator(".legend.sets > span").all_inner_texts()]
    assert legend == ["trained on 55", "square labels 9"]
    sets = page.evaluate(
        "[...document.querySelectorAll('.pad .dots')].map(e => [e.getAttribute('stroke'), e.getAttribute('d')])"
    )
    assert [stroke for stroke, _ in sets] == ["var(--muted)", "var(--accent)"]
    assert [path.count("M") for _, path in sets] == [55, 9]
    assert "M12.5 25h0" in sets[1][1], "x = 1 and y = 2 of 8"


@pytest.mark.slow
def test_images_are_placed_at_their_labels(page, run):
    page.goto(f"/#/run/{run.name}?proj=labels&colour=outcome")
    wait_until(page, "document.querySelector('.cloud')?.traces?.[1].x.length > 0")
    labels, (x, y) = run.snapshots[-1].samples()["labels"], run.about["factors"]
    for k, (axis, factor) in enumerate((("x", x), ("y", y))):
        shown = page.evaluate(f"[...document.querySelector('.cloud').traces[1].{axis}]")
        expected = 2 * (labels[:, k] - factor["low"]) / (factor["high"] - factor["low"]) - 1
        np.testing.assert_allclose(shown, expected, atol=1e-5)
