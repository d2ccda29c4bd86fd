"""The ten tasks of docs/tasks.md do what they say: each block is run, in its order, in a folder outside the package."""

import re
import shlex
from pathlib import Path

import pytest

from helpers.shell_lines import run
from phasescope import find_run

ROOT = Path(__file__).parents[1]
TASKS = (ROOT / "docs" / "tasks.md").read_text().split("\n## ")[1:]
MOST_LINES = 15
"""of a snippet"""
SHORTER = [
    "training.steps=40", "training.warmup=5", "world.canvas=16", "probing.snapshots.every=20", "probing.images.grid=16",
    "probing.images.off_grid=16", "probing.latent_labels=64", "probing.variance_labels=16", "probing.crossed_labels=16",
]  # fmt: skip
"""words that a training has beside its own; its own hold where it says them"""


def blocks(task: str) -> list[tuple[str, str]]:
    return re.findall(r"```(python|sh)\n(.*?)```", task, flags=re.DOTALL)


def shorter(words: list[str]) -> list[str]:
    """A training or a sweep of seconds."""
    if words[2] not in ("train", "sweep"):
        return words
    said = {word.partition("=")[0] for word in words}
    of_arrays = "world.kind=images" in words
    more = [
        word
        for word in SHORTER
        if word.partition("=")[0] not in said
        and not (of_arrays and word.startswith(("world.", "probing.images.")))
    ]
    own = [re.sub(r"^training.steps=\d+$", "training.steps=80", word) for word in words]
    first_flag = next((i for i, word in enumerate(own) if word.startswith("--")), len(own))
    return [*own[:first_flag], *more, *own[first_flag:]]


def shortened(study: str) -> str:
    """The template with its cells trained for as long as the tasks are here."""
    tree = '"training": {"steps": 40, "warmup": 5}, "world": {"canvas": 16, '
    short = study.replace('{"world": {', "{" + tree)
    assert short.count(tree) == 1
    return short


def test_there_are_ten_and_each_is_short():
    assert [task.split(".")[0] for task in TASKS] == [str(number) for number in range(1, 11)]
    for task in TASKS:
        assert blocks(task), task
        for _, text in blocks(task):
            assert len([line for line in text.splitlines() if line.strip()]) <= MOST_LINES, text


@pytest.mark.slow
def test_every_task_is_done(tmp_path: Path):
    (tmp_path / "my_study.py").write_text(shortened((ROOT / "docs" / "my_study.py").read_text()))
    told = {}
    for task in TASKS:
        for language, text in blocks(task):
            if language == "python":
                (tmp_path / text.splitlines()[0].removeprefix("# ")).write_text(text)
                continue
            for line in text.strip().splitlines():
                words = shlex.split(line)
                if words[:2] == ["./lab", "run"]:
                    words = shorter(words)
                if "my_study.py" in words and "study" in words and "--dry-run" not in words:
                    words += ["--seeds", "1"]
                told[line] = run(shlex.join(words), tmp_path)
    assert "coarse" in told["./lab run compare coarse fine"]
    for name in ("coarse", "fine", "cnn", "dit", "waves", "long-"):
        found = [one for one in (tmp_path / "runs").iterdir() if one.name.startswith(name)]
        assert found, name
    assert (find_run("cnn", tmp_path / "runs").path / "report.html").exists()
    longer = max((one for one in (tmp_path / "runs").glob("long-*")), key=lambda one: one.stat().st_mtime)
    assert (longer / "status.json").exists()
    assert (tmp_path / "tables" / "records.csv").exists()
    assert find_run("coarse", tmp_path / "elsewhere").status["state"] == "done"
    assert (tmp_path / "timeline.pdf").read_bytes().startswith(b"%PDF")
    assert len((tmp_path / "fine.csv").read_text().splitlines()) > 2
    assert list((tmp_path / "figures").glob("*.pdf"))
