"""The README is short, its numbers are those of the records, and its Python runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.readme import LINES, MOST_WORDS, NUMBER, README, filled, short_estimate
from phasescope import UserError

TEXT = README.read_text()


def test_the_readme_says_what_the_records_say():
    assert filled(TEXT) == TEXT, "python -m docs.readme writes these parts"


def test_the_readme_is_short():
    assert len(TEXT.splitlines()) <= 90


def test_no_number_of_the_findings_is_typed_by_hand():
    for line in LINES:
        words = NUMBER.sub("", line)
        assert not re.search(r"(?<![A-Za-z])\d*\.?\d+(?![A-Za-z])", words), line
        assert len(words.split()) <= MOST_WORDS, line


def test_an_estimate_is_that_of_a_judged_claim_in_two_decimals():
    assert short_estimate("ancestral/samples_abc") == ".19 [.03, .49]"
    with pytest.raises(UserError, match="must be a judged claim"):
        short_estimate("ancestral/no_such_claim")


def test_the_python_of_the_readme_reads_a_condition_that_is_learned(tmp_path: Path):
    """Of an untrained network the condition says nothing; of the trained one the whole interval lies above 0."""
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    asked = "\nrows = meter.frame().query('low == -2.5')\nassert rows.advantage_low.iloc[-1] > 1 > rows.advantage.iloc[0]\n"
    (tmp_path / "loop.py").write_text(code + asked)
    ended = subprocess.run([sys.executable, "loop.py"], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split()[:4] == ["step", "advantage", "advantage_low", "advantage_high"]
