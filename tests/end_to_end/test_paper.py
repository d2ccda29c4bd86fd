"""`./lab paper`: the study of the paper's own system, in small; killed half-way, it loses nothing; and its command."""

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.tiny_run import TINY
from phasescope import Run, load_config
from phasescope.runs.store.records import is_result, read_records
from phasescope.studies import find_study, merge

ROOT = Path(__file__).parents[2]
STUDY, _ = find_study("paper", ROOT / "studies")
SEEDS = 2
IN_SMALL = {
    **{part: TINY[part] for part in ("world", "training", "probing")},
    "family": {"schedule": {"steps": 50}},
    "network": {
        "widths": [8, 8],
        "mid_width": 8,
        "groups": 4,
        "attention": ["mid"],
        "embedding": {"width": 8},
    },
}
"""the preset's objective, optimiser and ancestral sampling on a very small network"""
STUDY_IN_SMALL = f"""
from dataclasses import replace
from pathlib import Path
from phasescope.studies import find_study

FIELDS = {IN_SMALL!r}
PAPER, _ = find_study("paper", Path({str(ROOT / "studies")!r}))
PLOTS = [plot for plot in PAPER.plots if plot.name != "manifold"]  # there is no t = 600 in small
CELLS = [replace(PAPER.cells[0], fields=FIELDS)]
STUDY = replace(PAPER, name="small", cells=CELLS, plots=PLOTS, tables=[])
"""


def conduct(within: Path) -> subprocess.Popen[str]:
    overrides = ["study", "small", "--seeds", str(SEEDS), "--workers", "1"]
    with open(within / "log", "a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "phasescope", *overrides], cwd=within, stdout=log, stderr=log, text=True
        )


def home(path: Path) -> Path:
    (path / "studies" / "small").mkdir(parents=True)
    (path / "studies" / "small" / "study.py").write_text(STUDY_IN_SMALL)
    return path


def snapshots_of(within: Path) -> list[int]:
    """Return the number of snapshots of each run."""
    return sorted(len(list(folder.glob("snapshots/*"))) for folder in (within / "runs").glob("*-*"))


@pytest.mark.slow
def test_the_study_in_small_is_resumed_after_a_kill_and_ends_as_if_there_had_been_none(tmp_path: Path):
    whole, killed = home(tmp_path / "whole"), home(tmp_path / "killed")
    assert conduct(whole).wait() == 0, (whole / "log").read_text()
    first = conduct(killed)
    deadline = time.monotonic() + 300
    while max(snapshots_of(killed), default=0) < 2:
        assert time.monotonic() < deadline
        assert first.poll() is None, (killed / "log").read_text()
        time.sleep(0.02)
    first.kill()
    assert first.wait() == -signal.SIGKILL
    assert not (killed / "studies" / "small" / "claims.json").exists()
    assert conduct(killed).wait() == 0, (killed / "log").read_text()
    frames = [read_records(folder / "studies" / "small" / "records.parquet") for folder in (whole, killed)]
    results = [name for name in frames[0] if is_result(name)]
    assert frames[0]["seed"].nunique() == SEEDS
    assert frames[0][results].equals(frames[1][results])
    assert {Run(folder).status["state"] for folder in (killed / "runs").glob("*-*")} == {"done"}
    for file in ("claims.json", "README.md", "samples.png", "outcomes.png"):
        assert (killed / "studies" / "small" / file).stat().st_size > 100


def test_it_is_the_papers_own_system_on_whatever_device():
    (cell,) = STUDY.cells
    config = cell.config(0, STUDY.base)
    tree, preset = config.tree(), load_config(overrides=["preset=paper", "training.threads=1"]).tree()
    for part in ("world", "family", "network", "training"):
        assert tree[part] == preset[part], part
    elsewhere = {
        type(config).from_tree(merge(tree, {"training": {"device": device}})).digest()
        for device in ("auto", "cpu", "cuda", "cuda:1")
    }
    assert elsewhere == {config.digest()}
    assert (
        type(config).from_tree(merge(tree, {"training": {"precision": "tf32"}})).digest() != config.digest()
    )


def stand_in(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def door(tmp_path: Path):
    """./lab in a folder whose environment stands ready: `phasescope` is this one, and what it would run is told."""
    shutil.copy2(ROOT / "lab", tmp_path)
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    with open(tmp_path / "pyproject.toml") as file:
        stamp = subprocess.run(["cksum"], stdin=file, capture_output=True, text=True, check=True)
    bin_ = tmp_path / ".venv" / "bin"
    stand_in(
        bin_ / "phasescope",
        f'case "$*" in *--dry-run*) exec {sys.executable} -m phasescope "$@" ;; *) echo "$@" ;; esac',
    )
    (tmp_path / ".venv" / "ready").write_text(f"{stamp.stdout.strip()} test\n")
    (tmp_path / ".venv" / "compiled").touch()

    def call(*words: str, gpu: bool = False, seen: bool = True) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "path"
        stand_in(path / "nvidia-smi", f"exit {0 if gpu else 1}")
        stand_in(bin_ / "python", f"exit {0 if seen else 1}")
        return subprocess.run(
            ["./lab", "paper", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}"},
        )

    return call


def test_where_there_is_a_gpu_one_run_has_it_for_itself(door):
    found = door("--seeds", "2", gpu=True)
    assert (found.returncode, found.stdout) == (0, "study paper --workers 1 --seeds 2\n"), found.stderr


@pytest.mark.slow
def test_where_there_is_none_one_line_says_what_it_costs_and_how_to_have_it_all_the_same(door):
    found = door()
    assert found.returncode == 2
    assert not found.stdout
    *waiting, line = found.stderr.splitlines()
    assert all("so far" in told for told in waiting)
    assert re.search(
        r"NVIDIA GPU.* about [\d,]+ CPU-seconds of one core \([\d,]+ hours\).*\./lab paper --cpu", line
    )
    assert door("--cpu", "--seeds", "1").stdout == "study paper --seeds 1\n"


def test_a_torch_that_sees_no_gpu_is_told_of(door):
    found = door(gpu=True, seen=False)
    assert found.returncode == 2
    assert "the torch in .venv sees none" in found.stderr
    assert not found.stdout
