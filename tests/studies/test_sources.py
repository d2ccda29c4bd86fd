"""A preregistration covers the code of a study's numbers: its own files, and what these import of what studies share."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from phasescope.studies import Study
from phasescope.studies.finding import find_studies
from phasescope.studies.preregistration import changed_sources, preregister
from phasescope.studies.sources import READINGS, digests_of_sources

CHECKOUT = Path(__file__).parents[2]
STUDIES = CHECKOUT / "studies"
IMPORTS_STAGES = re.compile(r"^from studies.designs import .*\bstages\b", re.MULTILINE)


def write(folder: Path, **files: str) -> Path:
    """Write files of a folder of studies, `a__b` as a/b.py, and return the study's."""
    for name, text in files.items():
        path = folder / "studies" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "studies/one/study.py"


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("from studies.shared import levels", {"shared/levels.py"}),
        ("from studies.shared.levels import half", {"shared/levels.py"}),
        ("import studies.shared.levels", {"shared/levels.py"}),
        ("from ..shared import levels", {"shared/levels.py"}),
        ("from ..shared.levels import half", {"shared/levels.py"}),
        ("def number(runs):\n    from studies.shared import levels", {"shared/levels.py"}),
        (
            "from phasescope.studies.readings.phases import phases_abc",
            {"phasescope/studies/readings/phases.py"},
        ),
        ("import json, numpy\nfrom phasescope.measures import probe_r2", set()),
    ],
)
def test_what_a_study_imports_is_covered(tmp_path, statement, names):
    file = write(tmp_path, one__study=statement, shared__levels="half = .5", shared__other="")
    assert names == {*digests_of_sources(file)} - {"study.py"}


def test_what_imported_modules_import_is_covered_and_circles_end(tmp_path):
    file = write(
        tmp_path,
        one__study="from studies.shared import levels",
        shared__levels="from studies.shared import ends",
        shared__ends="from studies.shared import levels",
    )
    assert [*digests_of_sources(file)] == ["study.py", "shared/ends.py", "shared/levels.py"]


@pytest.mark.parametrize("text", ["from studies.shared import (", "\0"])
def test_a_file_that_is_no_python_is_covered_and_imports_nothing(tmp_path, text):
    assert [*digests_of_sources(write(tmp_path, one__study=text))] == ["study.py"]


def test_a_study_in_a_file_of_its_own_covers_what_lies_beside_it(tmp_path):
    (tmp_path / "mine.py").write_text("import numbers_of_mine")
    (tmp_path / "numbers_of_mine.py").write_text("")
    names = {Path(name).name for name in digests_of_sources(tmp_path / "mine.py")}
    assert names == {"mine.py", "numbers_of_mine.py"}


def test_a_change_of_a_shared_number_is_named_whatever_is_recorded_later(tmp_path):
    file = write(tmp_path, one__study="from studies.shared import levels", shared__levels="half = .5")
    folder = file.parent
    tiny = next(study for study, _ in find_studies(STUDIES) if study.name == "timing")
    study: Study = replace(tiny, file=file)
    known = preregister(study, folder, 0)
    assert changed_sources(file, known) == []

    write(tmp_path, shared__levels="half = .4")
    assert changed_sources(file, known) == ["shared/levels.py"]
    known = preregister(study, folder, 0)
    assert (len(known.sources), changed_sources(file, known)) == (2, ["shared/levels.py"])


def test_a_weakened_line_makes_every_study_that_reads_it_changed(tmp_path):
    copy = tmp_path / "studies"
    shutil.copytree(
        STUDIES, copy, ignore=lambda _, names: [n for n in names if n.endswith((".parquet", ".png", ".json"))]
    )
    before = {file.parent.name: digests_of_sources(file) for file in copy.glob("*/study.py")}

    stages = copy / "designs/stages.py"
    strict = "(is_letter[1:] & is_letter[:-1]).any()"
    assert strict in stages.read_text()
    stages.write_text(stages.read_text().replace(strict, "is_letter.any()"))
    changed = {
        name for name, known in before.items() if known != digests_of_sources(copy / name / "study.py")
    }

    readers = {path.parent.name for path in copy.glob("*/*.py") if IMPORTS_STAGES.search(path.read_text())}
    assert changed == readers >= {"entry", "trial"}


def test_readings_in_the_package_are_found():
    assert (READINGS / "phases.py").is_file()
