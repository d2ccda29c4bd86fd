"""The README is short, its numbers are those of the records, and its Python runs."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from docs.readme import ASKED, LINES, README, filled

TEXT = README.read_text()


def test_the_readme_says_what_the_records_say():
    assert filled(TEXT) == TEXT, "python -m docs.readme writes these parts"


def test_the_readme_is_short():
    assert len(TEXT.splitlines()) <= 90


def test_lines_of_the_findings_are_rows_of_the_page_of_findings():
    said = tomllib.loads(ASKED.read_text())
    assert all(said[key]["row"] for key in LINES)
    assert said["below"].count("{") == said["below"].count("{fixed: ")


@pytest.mark.slow
def test_the_python_of_the_readme_reads_a_condition_that_is_learned(tmp_path: Path):
    """Of an untrained network the condition says nothing; of the trained one the whole interval lies above 0."""
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    asked = "\nrows = meter.frame().query('low == -2.5')\nassert rows.advantage_low.iloc[-1] > 1 > rows.advantage.iloc[0]\n"
    (tmp_path / "loop.py").write_text(code + asked)
    ended = subprocess.run([sys.executable, "loop.py"], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split()[:4] == ["step", "advantage", "advantage_low", "advantage_high"]
