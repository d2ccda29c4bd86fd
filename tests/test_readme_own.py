"""The snippets of docs/your_own.md do what they say: each is run, in their order, in a folder outside the package."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from phasescope.store import find_run

ROOT = Path(__file__).parents[1]
SECTION = (ROOT / "docs" / "your_own.md").read_text().partition("## Snippets\n")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"```(python|sh)\n(.*?)```", SECTION, flags=re.DOTALL)


def run(line: str, within: Path) -> str:
    """A line of a shell block; `./lab run` is the command in this environment."""
    words = shlex.split(line)
    if words[:2] == ["./lab", "run"]:
        words[:2] = [sys.executable, "-m", "phasescope"]
    elif words[:2] == ["./lab", "python"]:
        words[:2] = [sys.executable]
    found = subprocess.run(words, cwd=within, capture_output=True, text=True)
    assert found.returncode == 0, f"{line}\n{found.stderr}"
    return found.stdout


@pytest.mark.slow
def test_every_snippet_runs(tmp_path: Path):
    (tmp_path / "docs").mkdir()
    shutil.copy2(ROOT / "docs" / "my_study.py", tmp_path / "docs")
    lines = 0
    for language, text in BLOCKS:
        if language == "python":
            name = text.splitlines()[0].removeprefix("# ")
            assert name.endswith(".py"), "a snippet names its file"
            (tmp_path / name).write_text(text)
            continue
        for line in text.strip().splitlines():
            run(line, tmp_path)
            lines += 1
    assert lines >= 8
    for name in ("plain", "stripes", "my_loop"):
        found = find_run(name, tmp_path / "runs")
        assert found.status["state"] == "done"
        assert len(found.metrics) >= 2
    assert (find_run("plain", tmp_path / "runs").path / "report.html").exists()


def test_the_template_of_a_study_is_short():
    assert len((ROOT / "docs" / "my_study.py").read_text().splitlines()) <= 60
