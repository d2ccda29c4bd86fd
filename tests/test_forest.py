"""The forest figures are drawn from the records: every row is a judged claim, beside its bar, and leads to its page."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs.figures import forest
from helpers.example_study import claim
from phasescope.views.facts.verdicts import shown_verdict

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn() -> dict[Path, str]:
    return forest.figures()


def test_figures_are_those_of_the_records(drawn):
    for path, text in drawn.items():
        assert path.read_text() == text, "python -m docs.figures.forest draws them"


def test_every_row_leads_to_its_claim_on_a_page(drawn):
    for path, text in drawn.items():
        links = [row.attrib["href"] for row in ElementTree.fromstring(text).iter(f"{SVG}a")]
        assert links
        for link in links:
            page, _, name = link.partition("#")
            text_there = (path.parent / page).read_text()
            assert f"### {name}\n" in text_there or f'<details id="{name}">' in text_there


def test_figures_are_small_and_name_no_place_of_a_machine(drawn):
    for text in drawn.values():
        assert len(text.encode()) <= 300_000
        assert not re.search(r'"(?:file:|/\w)', text)


@pytest.mark.parametrize("direction", ["above", "below"])
@pytest.mark.parametrize("unit", ["rank correlation", "times the steps"])
def test_the_claims_side_of_the_bar_is_on_the_right(direction, unit):
    below, above = 0.3, 0.9
    judged = claim("example", "It is so.", "undecided", 0.5, (0.6, below, above)).model_copy(
        update={"threshold": 0.5, "direction": direction, "unit": unit}
    )
    place = forest._scale(judged)
    assert place(0.5) == forest.BAR_X
    assert (place(above) > forest.BAR_X) is (direction == "above")
    assert (place(below) < forest.BAR_X) is (direction == "above")


def test_an_interval_without_an_end_is_cut_at_the_margin():
    judged = claim("example", "It is so.", "undecided", 1.25, (1.26, 1.04, float("inf")))
    place = forest._scale(judged.model_copy(update={"threshold": 1.25, "unit": "times the steps"}))
    assert place(float("inf")) == forest.BAR_X + forest.HALF * forest.OVER
    assert place(0.0) == forest.BAR_X - forest.HALF * forest.OVER


def test_a_row_says_the_verdict_and_the_numbers():
    judged = claim("example", "It is so.", "supported", 0.0, (0.4, 0.2, 0.6))
    row = forest._row(20, judged, "lean", "page#example")
    assert shown_verdict(judged) in row
    assert "0.4 [0.2, 0.6], &gt; 0, 24, lean" in row


def test_a_row_has_the_whole_sentence_however_long(drawn):
    """Cut, two claims that differ in their ends read alike."""
    for row in ElementTree.fromstring(drawn[forest.PICTURES / "statements.svg"]).iter(f"{SVG}a"):
        sentence = row.findtext(f"{SVG}title", "")
        shown = " ".join(
            text.text or "" for text in row.iter(f"{SVG}text") if text.get("x") == f"{forest.LABEL_X}"
        )
        assert shown.endswith(".")
        assert sentence.startswith(shown)


def test_a_long_sentence_leaves_room_for_the_next_row():
    long = claim("example", "It is so, " + "and so on, " * 12 + "here.", "supported", 0.0, (0.4, 0.2, 0.6))
    row = ElementTree.fromstring(
        f'<svg xmlns="{SVG[1:-1]}">{forest._row(20, long, "lean", "page#example")}</svg>'
    )
    lines = [
        float(text.get("y", 0)) for text in row.iter(f"{SVG}text") if text.get("x") == f"{forest.LABEL_X}"
    ]
    (bar,) = (line for line in row.iter(f"{SVG}line") if line.get("class") == "bar")
    assert len(lines) == 2
    assert max(lines) <= float(bar.get("y2", 0))
