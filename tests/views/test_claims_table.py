"""`claims` prints a row for each claim, which a narrow terminal wraps without breaking a name or an interval."""

import re
import sys
from pathlib import Path

import pytest

from phasescope.cli import main
from phasescope.studies.records import read_claims

STUDIES = Path(__file__).parents[2] / "studies"


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
        assert claim.verdict in row
        assert re.search(r"\d \[\S+, \S+\]", row) or claim.value is None
        assert row.split()[-1] == str(claim.n)


def test_sentences_and_amendments_are_those_of_a_study_that_is_named(capsys):
    sentence = read_claims(STUDIES / "bits").claims[0].sentence
    assert not any(sentence in line for line in printed(capsys))
    in_full = printed(capsys, "--study", "bits")
    assert any(sentence in line for line in in_full)
    assert any(line.startswith("amended 20") for line in in_full)
    first = next(number for number, line in enumerate(in_full) if sentence in line)
    assert first > 4  # the verdicts come first
