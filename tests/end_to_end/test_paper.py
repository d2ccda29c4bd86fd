"""`./lab paper`: the study of the paper's own system, in small; killed half-way, nothing is lost; and its door."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_run import TINY

from phasescope.config import merge
from phasescope.runs.presets import PRESETS
from phasescope.store import Run
from phasescope.store.records import is_result, read_records
from phasescope.studies.core.study import LIMITS
from phasescope.studies.found.paper import CELLS, STUDY

ROOT = Path(__file__).parents[2]
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
"""the preset's objective, optimiser and ancestral sampling on a network of no size"""
STUDY_IN_SMALL = f"""
from dataclasses import replace
from phasescope.studies.found.paper import STUDY as PAPER

FIELDS = {IN_SMALL!r}
(CELL,) = PAPER.cells
STUDY = replace(PAPER, name="paper-in-small", cells=(replace(CELL, fields=FIELDS),))
"""


def study(within: Path) -> subprocess.Popen[str]:
    words = ["study", "small.py", "--seeds", str(SEEDS), "--workers", "1"]
    with open(within / "told", "a") as told:
        return subprocess.Popen(
            [sys.executable, "-m", "phasescope", *words], cwd=within, stdout=told, stderr=told, text=True
        )


def home(path: Path) -> Path:
    path.mkdir()
    (path / "small.py").write_text(STUDY_IN_SMALL)
    return path


def steps_of(within: Path) -> list[int]:
    """How far each run is, by its snapshots."""
    return sorted(len(list(folder.glob("snapshots/*"))) for folder in (within / "runs").glob("*-*"))


@pytest.mark.slow
def test_the_study_in_small_is_resumed_after_a_kill_and_ends_as_if_there_had_been_none(tmp_path: Path):
    whole, killed = home(tmp_path / "whole"), home(tmp_path / "killed")
    assert study(whole).wait(timeout=300) == 0, (whole / "told").read_text()
    first = study(killed)
    deadline = time.monotonic() + 300
    while max(steps_of(killed), default=0) < 2:
        assert time.monotonic() < deadline
        assert first.poll() is None, (killed / "told").read_text()
        time.sleep(0.02)
    first.kill()
    assert first.wait() == -signal.SIGKILL
    assert not (killed / "results" / "paper-in-small" / "claims.json").exists()
    assert study(killed).wait(timeout=300) == 0, (killed / "told").read_text()
    frames = [read_records(one / "results" / "paper-in-small" / "records.parquet") for one in (whole, killed)]
    results = [name for name in frames[0] if is_result(name)]
    assert frames[0]["seed"].nunique() == SEEDS
    assert frames[0][results].equals(frames[1][results])
    assert {Run(folder).status["state"] for folder in (killed / "runs").glob("*-*")} == {"done"}
    for file in ("claims.json", *(f"{figure.name}.png" for figure in STUDY.figures)):
        assert (killed / "results" / "paper-in-small" / file).stat().st_size > 100


def test_it_is_the_papers_own_system_on_whatever_device():
    (cell,) = STUDY.cells
    assert (cell.name,) == CELLS
    config = cell.config(0, STUDY.preset)
    plain = merge(merge(PRESETS["paper"].fields, LIMITS), {"seed": 0})
    told = config.tree()
    for part in ("world", "family", "network", "training"):
        given = plain.get(part, {})
        assert merge(told[part], given) == told[part], part
    elsewhere = {
        type(config).of(merge(told, {"training": {"device": device}})).digest()
        for device in ("auto", "cpu", "cuda", "cuda:1")
    }
    assert elsewhere == {config.digest()}
    assert type(config).of(merge(told, {"training": {"precision": "tf32"}})).digest() != config.digest()


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


def test_where_there_is_none_one_line_says_what_it_costs_and_how_to_have_it_all_the_same(door):
    found = door()
    assert found.returncode == 2
    assert not found.stdout
    *waiting, line = found.stderr.splitlines()
    assert all("so far" in told for told in waiting)
    core_s = STUDY.seeds * (PRESETS["paper"].study_cpu_s or 0)
    for told in (
        "NVIDIA GPU",
        f"{core_s:,.0f} CPU-seconds",
        f"({core_s / 3600:,.0f} hours)",
        "./lab paper --cpu",
    ):
        assert told in line
    assert door("--cpu", "--seeds", "1").stdout == "study paper --seeds 1\n"


def test_a_torch_that_sees_no_gpu_is_told_of(door):
    found = door(gpu=True, seen=False)
    assert found.returncode == 2
    assert "the torch in .venv sees none" in found.stderr
    assert not found.stdout
