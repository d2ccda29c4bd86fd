"""Controls tell a claim that can be lost from one that cannot; what is shipped of them is what they give."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_study import ENDING, LEVEL, LOSABLE, always_right, ends_right, hasty, study

from phasescope.cli import main
from phasescope.studies import studies
from phasescope.studies.core.controls import TIMES, digest, entry, try_controls
from phasescope.studies.core.made import flat, made_records
from phasescope.studies.core.study import Cell, Study
from phasescope.studies.found._code import BETWEEN, LIKE_3D, LIKE_CLIFFORD, pool
from phasescope.studies.found._made import read_as
from phasescope.studies.found.factorization import MIDWAY
from phasescope.views.terminal import controls as terminal

SHIPPED = Path(__file__).parents[2] / "results" / "controls.json"
STUDIES = studies()
RNG = np.random.default_rng
ENTRIES = json.loads(SHIPPED.read_text()) if SHIPPED.exists() else []
TRIED = [one for one in ENTRIES if one["power_supported"] is not None and one["study"] in STUDIES]


def claims_of(name: str) -> dict[str, object]:
    return {claim.name: claim for claim in STUDIES[name].claims}


def test_a_claim_with_good_controls_is_shipped():
    found = try_controls(ENDING, 200, study="losable")
    assert found.power_supported >= 0.95
    assert found.power_refuted >= 0.95
    assert 0 < found.wrong <= 0.05
    assert found.shipped


def test_a_claim_that_cannot_be_lost_is_found_out():
    found = try_controls(replace(ENDING, estimate=always_right), 20)
    assert (found.power_supported, found.power_refuted, found.wrong) == (1, 0, 1)
    assert not found.shipped


def test_an_interval_that_is_too_narrow_is_found_out():
    found = try_controls(replace(ENDING, estimate=hasty), 50)
    assert found.power_supported == found.power_refuted == 1
    assert found.wrong > 0.9
    assert not found.shipped


def test_a_side_that_cannot_be_reached_must_say_why():
    assert ENDING.controls is not None
    upside = replace(ENDING.controls, negative=ENDING.controls.positive)
    silent = try_controls(replace(ENDING, controls=upside), 100)
    told = try_controls(replace(ENDING, controls=replace(upside, cannot="It cannot.")), 100)
    assert (silent.power_refuted, told.power_refuted) == (0, 0)
    assert (silent.shipped, told.shipped) == (False, True)
    neither = replace(upside, positive=upside.borderline, negative=upside.borderline, cannot="It cannot.")
    assert not try_controls(replace(ENDING, controls=neither), 30).shipped


def test_a_borderline_is_where_the_reading_has_its_threshold():
    """What is read of these runs is 0.8 of what their courses say, so that courses of 0.625 are read as 0.5."""

    def right(number: float):
        def courses(cell: Cell, config: object, generator: np.random.Generator):
            end = number * 0.8 + 0.05 * generator.standard_normal()
            return {"formed": flat(1.0), "x": flat(end), "y": flat(1.0)}

        return courses

    borderline = read_as(LEVEL, right, (0.5, 0.7), ends_right, lambda: LOSABLE, ("one",), ("accuracy.",))
    made = made_records(LOSABLE, borderline, RNG(0), seeds=400, reads=["accuracy."], noise=False)
    assert ends_right(made).value == pytest.approx(LEVEL, abs=0.01)


def test_made_codes_lie_at_either_end_of_the_index_and_midway():
    index = {
        part: float(np.mean([row[".value"] for row in pool(part)]))
        for part in (LIKE_3D, BETWEEN, LIKE_CLIFFORD)
    }
    assert index[LIKE_3D] == pytest.approx(0, abs=0.1)
    assert index[BETWEEN] == pytest.approx(MIDWAY, abs=0.003)
    assert index[LIKE_CLIFFORD] == pytest.approx(1, abs=0.1)


def test_controls_come_out_the_same_and_differ_by_name_and_seed():
    """Made records derive from the seed, the study, the claim, the control and the time."""
    drawn: list[float] = []

    def noting(generator: np.random.Generator):
        drawn.append(float(generator.random()))
        assert ENDING.controls is not None
        return ENDING.controls.borderline(generator)

    assert ENDING.controls is not None
    claim = replace(
        ENDING, controls=replace(ENDING.controls, positive=noting, negative=noting, borderline=noting)
    )
    one = try_controls(claim, 3, study="a")
    first = drawn.copy()
    assert len(set(first)) == 9
    assert try_controls(claim, 3, study="a") == one
    assert drawn[9:] == first
    drawn.clear()
    for other in ({"study": "b"}, {"study": "a", "seed": 1}):
        try_controls(claim, 3, **other)
    try_controls(replace(claim, name="other"), 3, study="a")
    assert not set(first) & set(drawn)


def test_a_claim_without_controls_is_not_tried():
    bare = study()
    told = entry(bare, bare.claims[0], 10)
    assert (told["power_supported"], told["power_refuted"], told["wrong"], told["times"]) == (
        None,
        None,
        None,
        0,
    )
    with pytest.raises(ValueError, match="must have controls"):
        try_controls(bare.claims[0])


def test_another_threshold_or_cell_is_another_claim():
    assert digest(LOSABLE, ENDING) == digest(replace(LOSABLE), replace(ENDING))
    others = [
        (LOSABLE, replace(ENDING, threshold=0.6)),
        (LOSABLE, replace(ENDING, sentence="It is so.")),
        (replace(LOSABLE, cells=(replace(LOSABLE.cells[0], seeds=11),)), ENDING),
    ]
    assert digest(LOSABLE, ENDING) not in {digest(*other) for other in others}


OWN = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from dataclasses import replace
import tiny_study
STUDY = replace(tiny_study.LOSABLE, claims=(*tiny_study.LOSABLE.claims, *tiny_study.study().claims[:1]))
"""


def test_the_verb_prints_and_writes_what_controls_give(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    out = tmp_path / "new" / "controls.json"
    words = ["claims", "--controls", "--study", "own.py", "--times", "10", "--out", str(out)]
    assert main([*words, "--json"]) == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert "0/2 claims tried" in printed.err
    assert json.loads(out.read_text()) == told
    assert [one["name"] for one in told] == ["ends_right", "right"]
    assert told[0] == entry(LOSABLE, ENDING, 10)
    assert told[1]["power_supported"] is None
    out.write_text(json.dumps([{"study": "else", "name": "c"}, {"study": "losable", "name": "old"}]))
    assert main(words) == 0
    assert [one["study"] for one in json.loads(out.read_text())] == ["else", "losable", "losable"]
    printed = capsys.readouterr().out
    assert "no controls" in printed
    assert "1 of 2 claims have controls" in printed


def test_a_trial_that_was_stopped_goes_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    out, tried = tmp_path / "controls.json", []
    words = ["claims", "--controls", "--study", "own.py", "--times", "10", "--out", str(out)]

    def stopping(study, claim, times):
        tried.append(claim.name)
        if len(tried) == 2:
            raise KeyboardInterrupt
        return entry(study, claim, times)

    monkeypatch.setattr(terminal, "entry", stopping)
    assert main(words) != 0
    assert not out.exists()
    assert main(words) == 0
    assert tried == ["ends_right", "right", "right"]
    assert [one["name"] for one in json.loads(out.read_text())] == ["ends_right", "right"]
    assert [*tmp_path.glob("*.part")] == []
    assert main([*words[:-3], "20", *words[-2:]]) == 0
    assert tried[3:] == ["ends_right", "right"], "another number of times is another trial"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--controls", "--times", "0"], "`--times` (=0) must be at least 1"),
        (["--controls", "--study", "densty"], "`NAME` (=densty) must be one of"),
        (["--out", "c.json"], "`--out` (=c.json) must go with --controls"),
        (["--study", "density", "--page", "p.md"], "`--study` (=density) must be left out with --page"),
        (["--results", "nowhere"], "`--results` (=nowhere) must be a folder of studies' results"),
        (["--controls", "--study", "own.py", "--out", "bad.json"], "`--out` (=bad.json) must be a file of controls"),
    ],
)  # fmt: skip
def test_what_cannot_be_tried_is_one_line(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "bad.json").write_text('{"a": 1}')
    assert main(["claims", *words]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("name", STUDIES)
def test_every_claim_has_controls_and_they_are_shipped(name):
    lacking = [claim.name for claim in STUDIES[name].claims if claim.controls is None]
    assert lacking == []
    assert {one["name"] for one in TRIED if one["study"] == name} == {
        claim.name for claim in STUDIES[name].claims
    }


@pytest.mark.parametrize("one", TRIED, ids=[f"{one['study']}-{one['name']}" for one in TRIED])
def test_a_shipped_claim_can_be_won_and_lost(one):
    own: Study = STUDIES[one["study"]]
    claim = next(claim for claim in own.claims if claim.name == one["name"])
    assert one["declared"] == digest(own, claim), "its controls are of another claim: try them again"
    assert one["times"] >= TIMES
    reached = [one[name] >= 0.8 for name in ("power_supported", "power_refuted")]
    assert any(reached) if one["cannot"] else all(reached)
    assert one["wrong"] <= 0.05


SOME = [TRIED[i] for i in np.random.default_rng(0).permutation(len(TRIED))[:4]]


AGAIN_TIMES = 20
AGAIN = f"""
import json, sys
from dataclasses import asdict
from phasescope.studies import studies
from phasescope.studies.core.controls import try_controls
study, name = sys.argv[1:]
claim = next(claim for claim in studies()[study].claims if claim.name == name)
print(json.dumps(asdict(try_controls(claim, {AGAIN_TIMES}, seed=1, study=study))))
"""


@pytest.mark.some(2)
@pytest.mark.parametrize("one", SOME, ids=lambda one: f"{one['study']}-{one['name']}")
def test_some_of_what_is_shipped_comes_out_again(one):
    """With data of another seed, within five standard deviations of the difference.

    In a process of its own: here types are checked at every call, which takes ten times as long.
    """
    printed = subprocess.run(
        [sys.executable, "-c", AGAIN, one["study"], one["name"]], capture_output=True, text=True, check=True
    )
    again = json.loads(printed.stdout)
    for name in ("power_supported", "power_refuted", "wrong"):
        p = (one[name] * one["times"] + again[name] * AGAIN_TIMES + 1) / (one["times"] + AGAIN_TIMES + 2)
        deviation = np.sqrt(p * (1 - p) * (1 / one["times"] + 1 / AGAIN_TIMES))
        assert abs(one[name] - again[name]) <= 5 * deviation, name
