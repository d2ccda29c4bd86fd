"""The docs' figures: each page names drawers that there are, and the command refuses others."""

import re
from pathlib import Path

import pytest

from docs.figures import composition, standing, theory
from docs.figures.__main__ import DRAWERS, FOLDER, main

DRAWING = {
    path.stem
    for path in Path(main.__code__.co_filename).parent.glob("*.py")
    if "\ndef draw(" in path.read_text()
}


def test_every_drawer_is_run():
    assert set(DRAWERS) == DRAWING


def test_pages_name_drawers_that_there_are_and_none_is_left_out():
    named = {
        name
        for page in FOLDER.glob("*.md")
        for name in re.findall(r"`\./lab figures --measures (\w+)`", page.read_text())
    }
    assert named == DRAWING


def test_an_unknown_drawer_is_refused_before_anything_is_drawn(capsys):
    assert main(["factorization", "nothing"]) == 2
    assert "`NAME` (=nothing) must be one of" in capsys.readouterr().err


@pytest.mark.slow
def test_the_table_of_theory_is_what_is_predicted():
    shown = theory.PAGE.read_text().partition(theory.BEGIN)[2].partition(theory.END)[0].splitlines()[2:]
    rows = {cells[1].strip(): cells for cells in (line.split("|") for line in shown)}
    assert rows.keys() == theory.OBJECTIVES.keys()
    r_prime = [float(cells[2]) for cells in rows.values()]
    assert r_prime == sorted(r_prime)
    for objective in ("v, plain, linear", "flow matching, logit-normal"):
        told = theory.prediction_of(objective)
        assert float(rows[objective][2]) == pytest.approx(told["r_prime"], rel=0.02)
        assert float(rows[objective][3]) == pytest.approx(told["t_condensation"], abs=1)
        assert rows[objective][5].strip() == told["phases"]
    for picture in re.findall(r"\]\((theory/\w+\.png)\)", theory.PAGE.read_text()):
        assert (theory.PAGE.parent / picture).stat().st_size > 10_000


@pytest.mark.slow
def test_the_table_of_designs_is_what_copiers_get_right():
    shown = composition.PAGE.read_text().partition(theory.BEGIN)[2].partition(theory.END)[0].splitlines()[2:]
    assert {line.split("|")[1].strip() for line in shown} == composition.DESIGNS.keys()
    for name in ("square", "rim"):
        told = composition.design_of(composition.DESIGNS[name]).summary
        for line in composition.rows(name, told):
            *_, own, factorized, _ = (cell.strip() for cell in line.split("|")[1:-1])
            (there,) = [other for other in shown if other.split("|")[1:5] == line.split("|")[1:5]]
            assert float(there.split("|")[5]) == pytest.approx(float(own), abs=0.02)
            assert float(there.split("|")[6]) == pytest.approx(float(factorized), abs=0.02)
    for picture in re.findall(r"\]\((composition/\w+\.png)\)", composition.PAGE.read_text()):
        assert (composition.PAGE.parent / picture).stat().st_size > 10_000


def test_every_table_of_studies_is_what_records_say():
    pages = {page.name: page.read_text() for page in standing.DOCS.glob("*.md")}
    assert sum(len(standing.BLOCK.findall(text)) for text in pages.values()) >= 6
    for name, text in pages.items():
        assert standing.filled(text) == text, f"python -m docs.figures.standing rewrites {name}"
    assert standing.verdicts("nothing of the sort") == "preregistered, not run"
