"""What is declared before the first run is what is judged: a change without an amendment stops the study, and the tests."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_study import LOSABLE, ONE, read_norm, study

from phasescope.errors import UserError
from phasescope.measures.learning import phases
from phasescope.runs import presets
from phasescope.studies import find_study, studies
from phasescope.studies.core import sources, statistics
from phasescope.studies.core.declaration import (
    DECLARATION,
    LATER,
    code_changes,
    declare,
    declared,
    read_declaration,
    standing,
)
from phasescope.studies.core.rules import rules
from phasescope.studies.core.statistics import CONFIDENCE
from phasescope.studies.core.study import Amendment, Reading, Study
from phasescope.views.report.declared import declaration_of

RESULTS = Path(__file__).parents[2] / "results"
STUDIES = studies()
DECLARED = [name for name in STUDIES if (RESULTS / name / DECLARATION).exists()]
AMENDMENT = Amendment("2026-12-01", "The threshold was a slip of the pen.")


def with_claim(of: Study, **changes: object) -> Study:
    first, *others = of.claims
    return replace(of, claims=(replace(first, **changes), *others))


def with_cell(of: Study, **changes: object) -> Study:
    first, *others = of.cells
    return replace(of, cells=(replace(first, **changes), *others))


@pytest.fixture
def folder(tmp_path) -> Path:
    declare(study(), tmp_path / "tiny", 1)
    return tmp_path / "tiny"


def test_a_declaration_says_all_that_is_fixed(folder):
    told = json.loads((folder / DECLARATION).read_text())
    tiny = study()
    assert (told["study"], told["question"], told["level"]) == ("tiny", tiny.question, CONFIDENCE)
    assert (told["looks"], told["recorded"], told["amended"]) == ({"first": 2, "second": 0}, 1, [])
    assert [(cell["name"], cell["preset"], cell["seeds"]) for cell in told["cells"]] == [
        ("one", "small", 2),
        ("other", "small", 1),
    ]
    assert [run for cell in told["cells"] for run in cell["runs"]] == [
        tiny.member(cell, seed).config.digest() for cell in tiny.cells for seed in range(tiny.first(cell))
    ]
    for one, claim in zip(told["claims"], tiny.claims, strict=True):
        assert one == claim.declared()
    fields = {"name", "sentence", "source", "statistic", "threshold", "direction", "minimum_n", "cells"}
    assert {*told["claims"][0]} == fields | {"figure", "counting", "does_not_show", "family", "system"}
    assert [one["cells"] for one in told["observed"]] == [["one", "other"]]
    plan = told["observed"][0]["plan"]
    assert (plan["taps"], plan["timesteps"], plan["images"]) == (
        ["mid"],
        [10, 40],
        {"grid": 16, "off_grid": 16},
    )
    assert (told["readings"], told["rules"], told["since"]) == ([], json.loads(json.dumps(rules())), {})


def test_a_second_look_declares_its_runs_too():
    cells = declared(replace(study(), more=3))["cells"]
    assert [len(cell["runs"]) for cell in cells] == [5, 4]
    assert [cell["seeds"] for cell in cells] == [2, 1]


def test_what_is_declared_again_changes_no_byte(folder):
    before = (folder / DECLARATION).read_bytes()
    declare(study(), folder, 3)
    assert (folder / DECLARATION).read_bytes() == before


NORM = Reading("norm", read_norm)
CHANGES: dict[str, tuple[Callable[[Study], Study], str]] = {
    "threshold": (lambda s: with_claim(s, threshold=0.6), "`threshold` of the claim `right` was 0.5 and is 0.6"),
    "direction": (
        lambda s: with_claim(s, direction="below"),
        '`direction` of the claim `right` was "above" and is "below"',
    ),
    "least number": (lambda s: with_claim(s, minimum_n=2), "`minimum_n` of the claim `right` was 1 and is 2"),
    "cells read": (lambda s: with_claim(s, cells=("one",)), '`cells` of the claim `right` was [] and is ["one"]'),
    "sentence": (lambda s: with_claim(s, sentence="It is."), "`sentence` of the claim `right` was"),
    "claim withdrawn": (lambda s: replace(s, claims=s.claims[1:]), "the claim `right` was declared and is no more"),
    "claim added": (
        lambda s: replace(s, claims=(*s.claims, replace(s.claims[0], name="late"))),
        "the claim `late` was not declared and is now",
    ),
    "seeds of a cell": (lambda s: with_cell(s, seeds=3), "`seeds` of the cell `one` was 2 and is 3"),
    "fields of a cell": (lambda s: with_cell(s, fields=(*ONE.fields, "world.sigma_px=1.5")), "`fields` of the cell `one`"),
    "cell withdrawn": (lambda s: replace(s, cells=s.cells[:1]), "the cell `other` was declared and is no more"),
    "second look": (lambda s: replace(s, more=2), '`looks` was {"first": 2, "second": 0}'),
    "question": (lambda s: replace(s, question="Is it?"), "`question` was"),
    "reading added": (lambda s: replace(s, readings=(NORM,)), "the reading `norm` was not declared and is now"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_without_an_amendment_is_refused_and_named(folder, name):
    change, words = CHANGES[name]
    before = (folder / DECLARATION).read_bytes()
    with pytest.raises(UserError) as refused:
        declare(change(study()), folder, 0)
    assert words in str(refused.value)
    assert "`amendments` must have one more than the 0 there" in str(refused.value)
    assert (folder / DECLARATION).read_bytes() == before
    with pytest.raises(UserError, match="must be what the study declares"):
        standing(change(study()), folder)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_with_an_amendment_is_written_with_what_was(folder, name):
    change, words = CHANGES[name]
    amended = replace(change(study()), amendments=(AMENDMENT,))
    with pytest.raises(
        UserError, match=r"must have the amendment of 2026-12-01: phasescope study tiny writes it"
    ):
        standing(amended, folder)
    declare(amended, folder, 0)
    told = standing(amended, folder)
    assert told is not None
    (one,) = told.amended
    assert (one.date, one.reason) == (AMENDMENT.date, AMENDMENT.reason)
    assert words in one.changed[0]
    assert told.recorded == 1
    before = (folder / DECLARATION).read_bytes()
    declare(amended, folder, 0)
    assert (folder / DECLARATION).read_bytes() == before


def test_an_amendment_is_of_one_change_and_is_never_taken_back(folder):
    changed = with_claim(study(), threshold=0.6)
    second = Amendment("2026-12-02", "Again.")
    with pytest.raises(UserError, match="must have one more than the 0 there"):
        declare(replace(changed, amendments=(AMENDMENT, second)), folder, 0)
    with pytest.raises(UserError, match=r"`amendments` \(=The threshold .*changes nothing"):
        declare(replace(study(), amendments=(AMENDMENT,)), folder, 0)
    declare(replace(changed, amendments=(AMENDMENT,)), folder, 0)
    with pytest.raises(UserError, match="must begin with the 1 that"):
        declare(changed, folder, 0)
    with pytest.raises(UserError, match="must begin with the 1 that"):
        declare(replace(changed, amendments=(second,)), folder, 0)
    again = replace(with_claim(study(), threshold=0.7), amendments=(AMENDMENT, second))
    declare(again, folder, 0)
    told = read_declaration(folder)
    assert told is not None
    assert [one.changed for one in told.amended] == [
        ["`threshold` of the claim `right` was 0.5 and is 0.6"],
        ["`threshold` of the claim `right` was 0.6 and is 0.7"],
    ]


def test_a_first_declaration_tells_amendments_that_were_before_it(tmp_path):
    declare(replace(study(), amendments=(AMENDMENT,)), tmp_path, 0)
    told = read_declaration(tmp_path)
    assert told is not None
    assert [(one.reason, one.changed) for one in told.amended] == [(AMENDMENT.reason, [])]


def test_readings_that_are_left_out_or_read_other_cells_are_told(tmp_path):
    read = replace(study(), readings=(NORM,))
    declare(read, tmp_path, 0)
    with pytest.raises(UserError, match="the reading `norm` was declared and is no more"):
        standing(study(), tmp_path)
    with pytest.raises(UserError, match=r"`cells` of the reading `norm` was \[\] and is \[\"one\"\]"):
        standing(replace(read, readings=(replace(NORM, cells=("one",)),)), tmp_path)


@pytest.mark.parametrize(
    ("module", "name", "value", "words"),
    [
        (phases, "BEHAVIOUR", replace(phases.BEHAVIOUR, majority=0.2), "`behaviour.majority` of the rules of all claims"),
        (phases, "ORDER_RANGE", (0.8,), "`order_range` of the rules of all claims was [0.5, 0.6, 0.7, 0.8] and is [0.8]"),
        (phases, "REPRESENTATION", replace(phases.REPRESENTATION, hysteresis=0.0), "`representation.hysteresis` of"),
        (statistics, "RESAMPLES", 10, "`resamples` of the rules of all claims was"),
    ],
)  # fmt: skip
def test_a_rule_of_all_claims_is_declared_too(folder, monkeypatch, module, name, value, words):
    monkeypatch.setattr(module, name, value)
    with pytest.raises(UserError) as refused:
        standing(study(), folder)
    assert words in str(refused.value)
    declare(replace(study(), amendments=(AMENDMENT,)), folder, 0)
    told = standing(replace(study(), amendments=(AMENDMENT,)), folder)
    assert told is not None
    assert words in told.amended[0].changed[0]


def test_runs_that_a_preset_observes_otherwise_are_told_though_they_are_the_same_runs(tmp_path, monkeypatch):
    own = replace(study(), cells=(replace(ONE, fields={}, preset="lean"),))
    declare(own, tmp_path, 0)
    lean = presets.PRESETS["lean"]
    plan = lean.studied["probing"] | {
        "snapshots": {"dense_every": 20, "dense_until": 60, "every": 800},
        "images": {"grid": 16, "off_grid": 16},
    }
    before = declared(own)["cells"]
    monkeypatch.setitem(presets.PRESETS, "lean", replace(lean, studied={"probing": plan}))
    assert declared(own)["cells"] == before
    with pytest.raises(UserError, match=r"`snapshots` of observing the cell `one` was .*150.* and is .*800"):
        standing(own, tmp_path)
    amended = replace(own, amendments=(AMENDMENT,))
    declare(amended, tmp_path, 0)
    told = read_declaration(tmp_path)
    assert told is not None
    assert [words.partition(" was ")[0] for words in told.amended[0].changed] == [
        "`snapshots` of observing the cell `one`",
        "`images` of observing the cell `one`",
    ]


def test_two_claims_of_one_name_are_refused():
    first = study().claims[0]
    with pytest.raises(UserError, match=r"`claims` \(=\['right'\]\) of `tiny` must be each of another name"):
        replace(study(), claims=(replace(first, threshold=0.05), *study().claims))


def test_what_an_older_declaration_does_not_hold_is_no_amendment_and_is_dated(folder):
    path = folder / DECLARATION
    full = json.loads(path.read_text())
    older = {name: value for name, value in full.items() if name not in (*LATER, "since")}
    path.write_text(json.dumps(older))
    assert standing(study(), folder) is not None
    declare(study(), folder, 0)
    now = json.loads(path.read_text())
    assert {name: now[name] for name in LATER} == {name: full[name] for name in LATER}
    assert {*now["since"]} == {*LATER}
    assert (now["amended"], now["date"]) == ([], full["date"])
    with pytest.raises(UserError, match="`threshold` of the claim `right`"):
        standing(with_claim(study(), threshold=0.6), folder)


OWN = "from phasescope.studies.core.statistics import share\n"


def test_another_estimate_or_control_is_told_on_the_page_and_is_no_amendment(tmp_path):
    """Functions are no words: that they changed is seen in the files that they are written in."""
    source = tmp_path / "own.py"
    source.write_text(OWN)
    own = replace(study(), sources={"own.py": source})
    declare(own, tmp_path, 0)
    told = standing(own, tmp_path)
    assert told is not None
    same = declaration_of(own, told, [])
    assert same is not None
    assert same["changed"] == ""
    assert "Code changed" not in same["said"]
    source.write_text(f"{OWN}# another estimate\n")
    other = with_claim(own, estimate=lambda frame: None, controls=LOSABLE.claims[0].controls)
    told = standing(other, tmp_path)
    assert told is not None
    page = declaration_of(other, told, [])
    assert page is not None
    assert page["changed"] == "1 of 1 files"
    assert "Code changed since: 1 of 1 files; see the log." in page["said"]
    declare(other, tmp_path, 0)
    again = read_declaration(tmp_path)
    assert again is not None
    assert again.amended == []
    assert code_changes(other, again)["files"] == ["own.py"], "the first source counts, not the last"


def test_what_a_study_imports_is_told_as_one_and_finds_all_that_bears_on_data(tmp_path, monkeypatch):
    source = tmp_path / "own.py"
    source.write_text(OWN)
    paths = {*sources.reached([source, *(sources.PACKAGE / name for name in sources.ALWAYS)])} - {source}
    reached = {path.relative_to(sources.PACKAGE).as_posix() for path in paths}
    assert reached >= {
        "families/diffusion/family.py", "measures/learning/phases.py", "networks/unet/network.py", "probing/observer.py",
        "randomness.py", "runs/presets.py", "studies/core/looks.py", "studies/core/statistics.py", "training/loop.py",
        "worlds/bump/world.py",
    }  # fmt: skip
    assert not {name.partition("/")[0] for name in reached} & {*sources.APART}
    own = replace(study(), sources={"own.py": source})
    declare(own, tmp_path, 0)
    told = read_declaration(tmp_path)
    assert told is not None
    assert code_changes(own, told)["imports"] is False
    real = sources.reached
    monkeypatch.setattr(
        sources, "reached", lambda files: [*real(files)[:-1], sources.PACKAGE / "cli" / "__init__.py"]
    )
    assert code_changes(own, told)["imports"] is True
    page = declaration_of(own, told, [])
    assert page is not None
    assert page["changed"] == f"what they import (since {told.date})"


def test_another_source_is_recorded_and_is_no_amendment(tmp_path):
    source = tmp_path / "own.py"
    source.write_text("one")
    own = replace(study(), sources={"own.py": source})
    declare(own, tmp_path, 0)
    source.write_text("other")
    declare(own, tmp_path, 0)
    declare(own, tmp_path, 0)
    told = read_declaration(tmp_path)
    assert told is not None
    assert len({one.sha256["own.py"] for one in told.sources}) == len(told.sources) == 2
    assert told.amended == []


def test_ours_know_the_files_that_they_are_written_in():
    for name, own in STUDIES.items():
        assert f"found/{name}.py" in own.sources
        assert all(file.is_file() for file in own.sources.values())
        assert name in ("calibration", "paper") or "found/_cells.py" in own.sources
    assert find_study("density").under("demo").sources == STUDIES["density"].sources


def test_a_file_of_somebody_is_its_own_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(Path(__file__).parents[2] / "docs" / "my_study.py", tmp_path)
    assert list(find_study("my_study.py").sources) == ["my_study.py"]
    assert list(find_study("my_study.py:STUDY").sources) == ["my_study.py"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "must hold JSON"),
        ("[]", "must be a study's declaration"),
        ('{"date": "2026-12-01"}', "must be a study's declaration"),
    ],
)
def test_what_is_no_declaration_is_refused(tmp_path, content, message):
    (tmp_path / DECLARATION).write_text(content)
    with pytest.raises(UserError, match=message):
        declare(LOSABLE, tmp_path, 0)
    assert (tmp_path / DECLARATION).read_text() == content


@pytest.mark.parametrize("name", DECLARED)
def test_ours_are_as_declared(name):
    """Cells, seeds, claims and thresholds; fails where one was changed without an amendment that its declaration has."""
    told = standing(STUDIES[name], RESULTS / name)
    assert told is not None
    assert len(told.amended) == len(STUDIES[name].amendments)
