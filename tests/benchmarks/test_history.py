"""The record table: commits of a repository are timed by their own code, in turns, and what was cut short goes on."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

import phasescope
from phasescope.benchmarks import history
from phasescope.benchmarks.history import Settings, measure, table
from phasescope.errors import UserError

SOURCE = Path(phasescope.__file__).parent
FIRST = "4950f301fb41"
"""the first commit that trains and observes"""
TINY = (
    "world.canvas=8",
    "family.schedule.steps=50",
    "family.sampler.steps=4",
    "network.patch=1",
    "network.widths=[8,8]",
    "network.groups=4",
    "network.embedding.width=8",
    "training.batch=16",
    "probing.taps=[mid]",
    "probing.timesteps=[40]",
    "probing.representation.timestep=40",
    "probing.p1=null",
    "probing.grid_labels=16",
    "probing.off_grid_labels=16",
    "probing.latent_labels=64",
    "probing.share_labels=16",
    "probing.share_draws=2",
    "probing.bands=2",
    "probing.band_images=8",
)
SETTINGS = Settings(rounds=2, steps=2, warmup=3, threads=(1,), words=TINY)
PAUSE_S = 0.05
SLOWER = f"""

_learn = learn


def learn(*arguments):
    import time

    for loss in _learn(*arguments):
        time.sleep({PAUSE_S})
        yield loss
"""


def git(repository: Path, *words: str) -> str:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    command = ["git", "-C", str(repository), *who, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(repository: Path, message: str) -> str:
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", message)
    return git(repository, "rev-parse", "HEAD")


def listed(out: Path, *commits: str) -> Path:
    out.mkdir(exist_ok=True)
    entries = [{"commit": one, "what": f"change {row}"} for row, one in enumerate(commits)]
    (out / "history.yaml").write_text(yaml.safe_dump(entries))
    return out


def test_commits_are_timed_by_their_own_code(tmp_path):
    """The second commit is this tree with a pause in each step, the third one cannot be imported."""
    repository = tmp_path / "repository"
    ignored = shutil.ignore_patterns("__pycache__", "benchmarks", "views")
    shutil.copytree(SOURCE, repository / "src" / "phasescope", ignore=ignored)
    git(repository, "init", "-q")
    commits = [commit(repository, "this tree")]
    loop = repository / "src" / "phasescope" / "training" / "loop.py"
    loop.write_text(loop.read_text() + SLOWER)
    commits.append(commit(repository, "a pause in each step"))
    loop.write_text("1 / 0\n")
    commits.append(commit(repository, "broken"))

    found = measure(listed(tmp_path / "out", *commits), SETTINGS, repository)
    this, slower, broken = found["commits"]
    assert [record["commit"] for record in found["commits"]] == [one[:12] for one in commits]
    assert [record["what"] for record in found["commits"]] == ["change 0", "change 1", "change 2"]
    assert (this["step_ms"]["1"]["n"], this["snapshot_s"]["n"]) == (2, 2)
    assert this["loss"] == slower["loss"]
    assert this["parameters"] == slower["parameters"]
    assert slower["step_ms"]["1"]["low"] >= 1e3 * PAUSE_S
    assert this["step_ratio"]["1"]["median"] == 1
    assert slower["snapshot_s"]["low"] > 0
    assert "ZeroDivisionError" in broken["missing"]
    assert "step_ms" not in broken
    assert this["versions"]
    assert json.loads((tmp_path / "out" / "history.json").read_text())["sections"] == found


def test_the_first_commit_that_trains_is_understood(tmp_path):
    repository = SOURCE.parents[1]
    if subprocess.run(
        ["git", "-C", str(repository), "cat-file", "-e", f"{FIRST}^{{commit}}"], capture_output=True
    ).returncode:
        pytest.skip(f"{repository} does not hold {FIRST}")
    once = Settings(rounds=1, steps=1, warmup=1, threads=(1,), words=TINY)
    (record,) = measure(listed(tmp_path, FIRST), once)["commits"]
    assert record["missing"] is None
    assert record["snapshot_s"]["median"] > 0


class FakeDriver:
    """Takes as many milliseconds a step as it has taken turns, in all; its second process is interrupted."""

    interrupted_at: ClassVar[int | None] = None
    turns: ClassVar[list[str]] = []

    def __init__(self, commit: str, tree: Path, settings: Settings):
        self.commit = commit

    def __enter__(self) -> FakeDriver:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def turn(self) -> dict[str, Any]:
        if len(self.turns) == self.interrupted_at:
            raise KeyboardInterrupt
        self.turns.append(self.commit)
        return turn(float(len(self.turns)), commit=self.commit)


def turn(step_ms: float, **more: Any) -> dict[str, Any]:
    facts = {"missing": None, "parameters": 1, "batch": 1, "loss": 1.0}
    return {**facts, "step_ms": {"2": step_ms}, "snapshot_s": 2 * step_ms, **more}


@pytest.fixture
def two_commits(tmp_path: Path) -> tuple[Path, Path, list[str]]:
    """A repository of two commits, a folder of results that lists them, and their names."""
    repository = tmp_path / "repository"
    (repository / "src").mkdir(parents=True)
    git(repository, "init", "-q")
    commits = []
    for content in "ab":
        (repository / "src" / "file").write_text(content)
        commits.append(commit(repository, content)[:12])
    return repository, listed(tmp_path / "out", *commits), commits


def test_rounds_that_were_done_are_kept(two_commits, monkeypatch):
    repository, out, (a, b) = two_commits
    monkeypatch.setattr(history, "Driver", FakeDriver)
    monkeypatch.setattr(FakeDriver, "turns", [])
    monkeypatch.setattr(FakeDriver, "interrupted_at", 5)
    settings = Settings(rounds=3)
    with pytest.raises(KeyboardInterrupt):
        measure(out, settings, repository)
    assert FakeDriver.turns == [a, b, a, b, a]
    monkeypatch.setattr(FakeDriver, "interrupted_at", None)
    found = measure(out, settings, repository)
    assert FakeDriver.turns == [a, b, a, b, a, a, b]
    assert [record["step_ms"]["2"] for record in found["round 1"]] == [1, 2]
    assert [record["step_ms"]["2"]["median"] for record in found["commits"]] == [3, 4]
    measure(out, settings, repository)
    assert len(FakeDriver.turns) == 7
    measure(listed(out, b), settings, repository)
    assert FakeDriver.turns[7:] == [b, b, b]


def test_each_tree_is_that_of_its_commit(two_commits, tmp_path):
    repository, _, commits = two_commits
    for row, one in enumerate(commits):
        history.unpack(repository, one, tmp_path / str(row))
    assert [(tmp_path / str(row) / "src" / "file").read_text() for row in range(2)] == ["a", "b"]


def test_ratios_are_taken_round_by_round():
    entries = [{"commit": "a", "what": ""}, {"commit": "b", "what": ""}]
    first, second = table(
        entries, [[turn(10.0), turn(5.0)], [turn(30.0), turn(10.0)], [turn(8.0), turn(2.0)]]
    )
    assert first["step_ratio"]["2"]["median"] == 1
    assert second["step_ratio"]["2"] == {"median": 3.0, "low": 2.0, "high": 4.0, "n": 3}
    assert second["step_ms"]["2"]["median"] == 5
    assert second["snapshot_s"]["high"] == 20


def test_a_commit_that_broke_in_one_round_has_no_figures():
    entries = [{"commit": "a", "what": ""}, {"commit": "b", "what": ""}]
    broken = {"commit": "a", "missing": "it ended"}
    first, second = table(entries, [[turn(10.0), turn(5.0)], [broken, turn(5.0)]])
    assert first == {
        "commit": "a",
        "what": "",
        "missing": "it ended",
        **dict.fromkeys(("parameters", "batch", "loss")),
    }
    assert "step_ms" in second
    assert "step_ratio" not in second


@pytest.mark.parametrize("content", [None, "", "[]", "commit: a", "- what: it has no commit", "- ["])
def test_a_list_that_is_none_is_refused(two_commits, content):
    repository, out, _ = two_commits
    (out / "history.yaml").unlink()
    if content is not None:
        (out / "history.yaml").write_text(content)
    with pytest.raises(UserError, match=r"history\.yaml"):
        measure(out, SETTINGS, repository)


def test_a_commit_that_is_none_is_refused(two_commits):
    repository, out, _ = two_commits
    with pytest.raises(UserError, match=r"`commit` \(=no-such\)"):
        measure(listed(out, "no-such"), SETTINGS, repository)
    assert not (out / "history.json").exists()
