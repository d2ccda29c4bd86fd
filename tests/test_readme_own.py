"""The snippets of docs/your_own.md and docs/tutorials.md do what they say: each is run, in order, outside the package."""

import re
import shutil
from pathlib import Path

import pytest

from helpers.shell_lines import run
from phasescope import find_run

ROOT = Path(__file__).parents[1]
OWN = (ROOT / "docs" / "your_own.md").read_text().partition("## Snippets\n")[2].partition("\n## ")[0]
TUTORIALS = (ROOT / "docs" / "tutorials.md").read_text()
RUNS = {"own": ("plain", "stripes"), "tutorials": ("bars", "watched")}
"""by page, what its snippets train"""


@pytest.mark.slow
@pytest.mark.parametrize(("page", "text"), [("own", OWN), ("tutorials", TUTORIALS)], ids=RUNS)
def test_every_snippet_runs(page: str, text: str, tmp_path: Path):
    pytest.importorskip("diffusers")
    shutil.copy2(ROOT / "docs" / "my_study.py", tmp_path)
    lines = []
    for language, block in re.findall(r"```(python|sh)\n(.*?)```", text, flags=re.DOTALL):
        if language == "python":
            name = block.splitlines()[0].removeprefix("# ")
            assert name.endswith(".py"), "a snippet names its file"
            (tmp_path / name).write_text(block)
            continue
        for line in block.strip().splitlines():
            lines.append((line, run(line, tmp_path)))
    assert len(lines) >= 4
    for name in RUNS[page]:
        found = find_run(name, tmp_path / "runs")
        assert found.status["state"] == "done"
        assert len(found.metrics) >= 2
    for line, said in lines:
        if "try_reader" in line:
            assert 80 <= int(said.partition("%")[0]) < 100, said


def test_the_template_of_a_study_is_short():
    assert len((ROOT / "docs" / "my_study.py").read_text().splitlines()) <= 60
