"""One bad run among others: every list and comparison of the others answers, and nothing waits for it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from helpers.commands import call
from phasescope import Run
from phasescope.views.web.server import create_app

STATUSES: dict[str, dict[str, Any]] = {
    "step as text": {"step": "<b>", "steps": "x"},
    "seconds in a list": {"wall_s": [1]},
    "images in a mapping": {"images": {"a": 1}, "images_seen": "many"},
    "a truth as a count": {"step": True},
    "seconds that are not finite": {"wall_s": float("inf"), "cpu_s": float("nan")},
    "a count beyond any table": {"images_seen": 10**400},
    "an unknown state": {"state": "\x1b]0;pwned\x07\x1b[2J"},
    "an error that is no text": {"state": "failed", "error": {"a": 1}},
    "a time that is none": {"state": "running", "updated": "tomorrow"},
    "a time that is a number": {"state": "running", "updated": 5},
    "a summary that is text": {"summary": "text"},
    "a summary of numbers": {
        "summary": {"behaviour": 5, "sheet": {"sequence": [1], "onsets": 3}, "sites": 4}
    },
    "a sequence of numbers": {"summary": {"behaviour": {"sequence": [1, {}], "onsets": {}}}},
    "sites that are none": {"summary": {"sites": {"representation": [1]}}},
}
METRICS: dict[str, Any] = {
    "text as a share": {"outcomes": {"grid": {"correct": "x", "n": "y"}}},
    "text as a step": {"step": "eight", "images_seen": []},
    "text as a phase": {"phase": "C"},
    "a list as a score": {"probe_r2": [1, 2]},
    "text as a loss": {"loss": "\x1b[2J"},
}
FORK = {"run": "0123456789abcdef", "name": "parent", "step": 5, "changes": {"seed": 1}}
FORKS: dict[str, Any] = {
    "a list": [1, 2],
    "a text": "text",
    "nothing in it": {},
    "a step as text": {**FORK, "step": "five"},
    "a step beyond any": {**FORK, "step": 10**400},
    "a run that is a number": {**FORK, "run": 1},
    "changes that are none": {**FORK, "changes": None},
    "changes as text": {**FORK, "changes": "x"},
    "a name that commands": {**FORK, "name": "\x1b[2J"},
}
FIFOS = ("config.yaml", "status.json", "metrics.jsonl", "about.json", "references.json", "tags.txt", "lock")


@pytest.fixture
def runs(whole: Run, tmp_path: Path) -> Path:
    """Two good runs, and a third one to be damaged."""
    for name in ("good", "other", "bad"):
        shutil.copytree(whole.path, tmp_path / "runs" / f"{name}-{whole.identity}")
    return tmp_path / "runs"


def damage_status(runs: Path, fields: dict[str, Any]) -> Path:
    [path] = runs.glob("bad-*/status.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))
    return path.parent


def assert_others_are_listed(runs: Path) -> None:
    where = ["training.batch >= 1", "step >= 1", "outcomes.grid.correct >= 0", "loss >= 0", "state = 'done'"]
    for more in ([], *(["--where", condition] for condition in where)):
        listed = call(["ls", "--runs", str(runs), *more])
        assert listed.code == 0, (more, listed.err)
        assert "good-" in listed.out, more
        assert "other-" in listed.out, more
        assert "\x1b" not in listed.out + listed.err
        rows = json.loads(call(["ls", "--json", "--runs", str(runs), *more]).out)
        assert {"good", "other"} <= {row["run"].partition("-")[0] for row in rows}, more
    for words in (["compare", "good", "other"], ["show", "good"]):
        outcome = call([*words, "--runs", str(runs)])
        assert (outcome.code, outcome.err) == (0, ""), words
    # the bad one itself is shown, or refused in one line
    for words in (["show", "bad"], ["compare", "good", "bad"], ["report", "bad"], ["show", "bad", "--json"]):
        outcome = call([*words, "--runs", str(runs)])
        assert outcome.code in (0, 1, 2), (words, outcome.err)
        assert len(outcome.err.splitlines()) <= 1, (words, outcome.err)
        assert "\x1b" not in outcome.out + outcome.err, words
    with TestClient(create_app(runs, runs / "none"), base_url="http://127.0.0.1") as client:
        rows = client.get("/api/runs").json()["rows"]
    states = {row["name"].partition("-")[0]: row["state"] for row in rows}
    assert (states["good"], states["other"]) == ("done", "done")


@pytest.mark.some(4)
@pytest.mark.parametrize("fields", STATUSES.values(), ids=list(STATUSES))
def test_a_status_that_is_none_is_one_row(fields: dict[str, Any], runs: Path):
    damage_status(runs, fields)
    assert_others_are_listed(runs)


@pytest.mark.some(3)
@pytest.mark.parametrize("fields", METRICS.values(), ids=list(METRICS))
def test_metrics_that_are_none_are_one_row(fields: dict[str, Any], runs: Path):
    [path] = runs.glob("bad-*/metrics.jsonl")
    *before, last = path.read_text().splitlines()
    path.write_text("\n".join([*before, json.dumps({**json.loads(last), **fields})]) + "\n")
    assert_others_are_listed(runs)


@pytest.mark.some(3)
@pytest.mark.parametrize("fork", FORKS.values(), ids=list(FORKS))
def test_a_fork_that_is_none_is_one_row(fork: Any, runs: Path):
    [bad] = runs.glob("bad-*")
    (bad / "fork.json").write_text(json.dumps(fork))
    assert_others_are_listed(runs)


@pytest.mark.parametrize("name", ["\u00b2", "9" * 200])
def test_a_state_that_is_of_no_step_is_one_row(name: str, runs: Path):
    [bad] = runs.glob("bad-*")
    (bad / "states").mkdir(exist_ok=True)
    (bad / "states" / f"{name}.safetensors").write_bytes(b"x")
    assert_others_are_listed(runs)
    assert Run(bad).states == {}


@pytest.mark.parametrize("colour", ["red;background:url(//evil.example)", "#12345", 5, None])
def test_a_colour_that_is_none_is_named_with_its_file(colour: Any, runs: Path, tmp_path: Path):
    [path] = runs.glob("bad-*/about.json")
    about = json.loads(path.read_text())
    about["outcomes"][0]["colour"] = colour
    path.write_text(json.dumps(about))
    for words in (
        ["report", "bad"],
        ["export", "bad", "--figures", str(tmp_path / "figures")],
        ["show", "bad"],
    ):
        outcome = call([*words, "--runs", str(runs)])
        assert outcome.code == 2, words
        assert outcome.err.startswith(f"phasescope: `colour` (={colour!r}"), outcome.err
        assert f"in `{path}` must be #rrggbb" in outcome.err
    assert_others_are_listed(runs)


@pytest.mark.slow
@pytest.mark.parametrize("name", FIFOS)
def test_nothing_waits_for_a_pipe_in_the_place_of_a_file(name: str, runs: Path):
    folder = damage_status(runs, {"state": "running"})
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    code = "import sys; from test_one_bad_run import *; assert_others_are_listed(Path(sys.argv[1]))"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    end = subprocess.run(
        [sys.executable, "-c", code, str(runs)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert end.returncode == 0, end.stderr


ONE_BY_ONE = """
import json, sys
from phasescope.cli import main
for words in json.loads(sys.argv[1]):
    code = main(words)
    assert code in (0, 2), (words, code)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["samples.npz", "latents.npz", "weights.safetensors", "reading.parquet"])
def test_a_pipe_in_a_snapshot_is_refused_and_not_waited_for(name: str, runs: Path):
    for folder in runs.glob("bad-*/snapshots/*"):
        (folder / name).unlink()
        os.mkfifo(folder / name)
    asked = (["report", "bad"], ["sample", "bad", "--count", "1"], ["export", "bad", "--tables", "t"])
    commands = [[*words, "--runs", str(runs)] for words in asked]
    # In a process of its own, which ends if something waits.
    end = subprocess.run(
        [sys.executable, "-c", ONE_BY_ONE, json.dumps(commands)],
        cwd=runs.parent,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert end.returncode == 0, end.stderr
    assert len(end.stderr.splitlines()) <= len(commands)


@pytest.mark.parametrize("fields", STATUSES.values(), ids=list(STATUSES))
def test_an_archive_whose_status_is_none_is_refused_or_harmless(
    fields: dict[str, Any], runs: Path, tmp_path: Path
):
    assert call(["export", "bad", "--runs", str(runs), "--archive", str(tmp_path / "a.zip")]).code == 0
    folder = damage_status(runs, fields)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive, zipfile.ZipFile(tmp_path / "b.zip", "w") as changed:
        for entry in archive.infolist():
            name = entry.filename.replace(folder.name, "attacked-" + folder.name.partition("-")[2])
            own = entry.filename.endswith("status.json")
            changed.writestr(name, (folder / "status.json").read_bytes() if own else archive.read(entry))
    shutil.rmtree(folder)
    outcome = call(["import", str(tmp_path / "b.zip"), "--runs", str(runs)])
    assert outcome.code in (0, 2), outcome.err
    assert "\x1b" not in outcome.out + outcome.err
    if outcome.code == 0:
        [imported] = runs.glob("attacked-*")
        imported.rename(runs / folder.name)
        assert_others_are_listed(runs)
