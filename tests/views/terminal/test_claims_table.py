"""`claims` prints a row for each claim, which a narrow terminal wraps without breaking a name or an interval."""

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from phasescope.cli import main
from phasescope.studies.claims_file import read_claims
from phasescope.views.facts.numbers import format_value
from phasescope.views.facts.verdicts import shown_verdict

STUDIES = Path(__file__).parents[3] / "studies"


def printed(capsys, *words: str) -> list[str]:
    assert main(["claims", "--studies", str(STUDIES), *words]) == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()


@pytest.mark.parametrize("columns", [100, 160])
def test_a_row_holds_verdict_number_and_interval(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    lines = printed(capsys, "--study", "density")
    assert max(map(len, lines)) <= columns
    claims = read_claims(STUDIES / "density").claims
    for claim in claims:
        (row,) = [line for line in lines if line.startswith(f"  {claim.name} ")]
        words, _, seen = shown_verdict(claim).partition(" (")
        assert words in row
        assert seen in row or columns == 100  # which wraps the words in brackets
        assert re.search(r"\d \[\S+, \S+\]", row) or not math.isfinite(claim.value or math.nan)
        assert row.split()[-1] == str(claim.n)


def test_sentences_and_amendments_are_those_of_a_study_that_is_named(capsys):
    sentence = read_claims(STUDIES / "bits").claims[0].sentence
    assert not any(sentence in line for line in printed(capsys))
    in_full = printed(capsys, "--study", "bits")
    assert any(sentence in line for line in in_full)
    assert any(line.startswith("amended 20") for line in in_full)
    first = next(number for number, line in enumerate(in_full) if sentence in line)
    assert first > 4  # the verdicts come first


CONTROLLED = """
from phasescope.studies import Asked, Claim, Share, Study, ever, product

HOW = {"statistic": Share(), "numbers": ever("phase.behaviour", "C"), "threshold": 0.5, "asked": Asked.BEFORE}
STUDY = Study(
    name="own", question="Is it?", base="small", cells=product("{batch}", lambda batch: {}, batch=(8,)), seeds=20,
    claims=[
        Claim("sound", "It is.", effect=0.4, **HOW),
        Claim("weak", "It hardly is.", effect=0.001, **HOW),
        Claim("bounded", "It cannot be.", effect=0.001, unreachable="a theorem forbids it", **HOW),
    ],
)
"""


@pytest.mark.slow
def test_a_claim_that_is_seldom_judged_correctly_is_marked_unless_it_says_why(tmp_path, capsys):
    (tmp_path / "study.py").write_text(CONTROLLED)
    assert main(["claims", "--study", str(tmp_path / "study.py"), "--controls", "--trials", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    ends = {name: next(row for row in lines if f" {name} " in row) for name in ("sound", "weak", "bounded")}
    assert "below" not in ends["sound"]
    assert "below the rule" in ends["weak"]
    assert ends["bounded"].rstrip().endswith("a theorem forbids it")
    assert lines[-1] == "1 of 3 claims is below the rule"


NEEDS_MORE = """
from phasescope.studies import Asked, Claim, Mean, Study, end, product, rises_from, reads

@rises_from(lambda runs: runs.start("accuracy.grid.joint"), within=(0, 1))
@reads("accuracy.grid.joint")
def gain(runs):
    return runs.end("accuracy.grid.joint") - runs.start("accuracy.grid.joint")

HOW = {"statistic": Mean(), "numbers": end("accuracy.grid.joint"), "threshold": 0.5, "spread": 0.2, "asked": Asked.BEFORE}
STUDY = Study(
    name="own", question="Is it?", base="small", cells=product("{batch}", lambda batch: {}, batch=(8,)), seeds=8,
    claims=[
        Claim("few", "It is.", effect=0.15, **HOW),
        Claim("beyond", "It is beyond 1.", effect=0.6, **HOW),
        Claim("rises", "It rises.", Mean(), gain, threshold=0.8, effect=0.3, spread=0.1, asked=Asked.BEFORE),
    ],
)
"""


@pytest.mark.slow
def test_what_would_pass_is_said_and_an_effect_beyond_the_scores_range_is_refused(tmp_path, capsys):
    (tmp_path / "study.py").write_text(NEEDS_MORE)
    command = ["claims", "--study", str(tmp_path / "study.py"), "--controls", "--trials", "60", "--json"]
    assert main(command) == 0
    why = {row["name"]: row["why"] for row in json.loads(capsys.readouterr().out)}

    words = r"below the rule: 8 seeds detect (0\.\d+) on its side; for 0\.65 it takes (\d+)"
    detected, seeds = re.fullmatch(words, why["few"]).groups()
    # The normal approximation: a mean of n is known to 2.24 + .84 standard errors, at 97.5 % and with power .8.
    assert 0.65 < float(detected) < 0.9
    assert (3.08 * 0.2 / 0.15) ** 2 * 0.8 < int(seeds) < (3.08 * 0.2 / 0.15) ** 2 * 1.6
    assert why["beyond"] == (
        "below the rule: cannot be won by its effect (=0.6), which must be at most 0.5 on that side: accuracy lies between "
        "0 and 1"
    )
    assert "must be at most 0.2 on that side: its score lies between 0 and 1" in why["rises"]


@pytest.mark.parametrize(
    ("verdict", "detail", "shown"),
    [
        ("not reached", {"runs": 2.0}, "≥0.25 of runs"),
        ("supported", {"runs": 7.0}, "≥0.875 of runs"),
        ("not reached", {"censored_first": 0.5}, "–"),
    ],
)
def test_a_number_that_censored_runs_leave_open_says_what_is_known(verdict, detail, shown):
    claim = next(claim for claim in read_claims(STUDIES / "cap").claims if claim.unit == "of runs")
    open_ = claim.model_copy(update={"value": float("nan"), "n": 8, "verdict": verdict, "detail": detail})
    assert format_value(open_) == shown
    assert format_value(open_.model_copy(update={"value": 0.5})) == "0.5 of runs"


def test_what_is_recorded_is_printed_without_importing_a_study_or_its_libraries(tmp_path):
    for name in ("bits", "density"):
        shutil.copytree(STUDIES / name, tmp_path / name)
        (tmp_path / name / "study.py").write_text("raise AssertionError('imported')\n")
    code = (
        "import sys; from phasescope.cli import main; code = main(sys.argv[1:]);"
        "print({'torch', 'scipy', 'pandas', 'phasescope.worlds'} & {*sys.modules}, code)"
    )
    command = [sys.executable, "-c", code, "claims", "--studies", str(tmp_path)]
    end = subprocess.run(command, capture_output=True, text=True)
    assert end.stdout.endswith("set() 0\n"), end.stdout[-200:] + end.stderr
    assert "density" in end.stdout
