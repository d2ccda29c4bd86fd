"""Many runs, by whatever engine: the same records; and whoever is killed meanwhile, nothing lost and nothing done twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import helpers
from helpers.tiny_run import KILLS
from phasescope import Run, RunConfig, train
from phasescope.runs.engines.worker import prepare
from phasescope.runs.store.records import condense, is_result, read_records

Config = Callable[..., RunConfig]


def start_study(engine: str, workers: int, records: Path, folders: list[Path]) -> subprocess.Popen[str]:
    """`studying.py`, which a test may kill, its output in a file beside the records."""
    driver = helpers.HERE / "studying.py"
    command = [sys.executable, str(driver), engine, str(workers), str(records), *map(str, folders)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with open(records.with_suffix(".out"), "a") as out, open(records.with_suffix(".err"), "a") as err:
        return subprocess.Popen(command, stdout=out, stderr=err, text=True, env=environment)


def ends_of(records: Path) -> dict[str, list[Any]]:
    return json.loads(records.with_suffix(".out").read_text().splitlines()[-1])


@pytest.fixture(scope="module")
def by_hand(tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The rows of two runs that were trained in this process."""
    runs = tmp_path_factory.mktemp("by_hand")
    done = [train(tiny_config(f"seed={seed}"), runs) for seed in range(2)]
    return {run.name.rpartition("-")[2]: condense(run) for run in done}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "slurm", "ray"])
def test_every_engine_gives_the_same_records(engine: str, by_hand, tiny_config: Config, tmp_path: Path):
    """Bit for bit those of runs that no engine knew; SLURM by submitit's own local jobs."""
    folders = [prepare(tiny_config(f"seed={seed}"), tmp_path / "runs") for seed in range(2)]
    records = tmp_path / "records.parquet"
    study = start_study(engine, 2, records, folders)
    assert study.wait(timeout=900) == 0, records.with_suffix(".err").read_text()
    assert ends_of(records) == {folder.name: ["done", 1, None] for folder in folders}
    frame = read_records(records)
    assert len(frame) == sum(map(len, by_hand.values()))
    for digest, rows in by_hand.items():
        mine = frame[frame["digest"] == digest].to_dict("records")
        for row, expected in zip(mine, rows, strict=True):
            for column in filter(is_result, row):
                assert_same_bits(row[column], expected.get(column), column)


def assert_same_bits(found: Any, expected: Any, column: str) -> None:
    if expected is None:
        assert found != found, column
    else:
        assert found == expected, column
        assert isinstance(expected, bool | str) or repr(float(found)) == repr(float(expected)), column


WORKERS_TO_KILL = KILLS // 2
RUNS = 3 * WORKERS_TO_KILL


@pytest.mark.slow
def test_killed_again_and_again_a_study_ends_complete(tiny_config: Config, tmp_path: Path):
    """Workers, and as often the driver, die by SIGKILL; every run is finished once, and every row is there."""
    words = ["training.steps=30", "probing.snapshots.dense_until=0", "probing.snapshots.every=15"]
    configs = [tiny_config(*words, f"seed={seed}") for seed in range(RUNS)]
    folders = [prepare(config, tmp_path / "runs") for config in configs]
    records = tmp_path / "records.parquet"
    chance = random.Random(0)
    victims: set[Path] = set()
    done_at_which_the_driver_dies = [*range(1, 2 * WORKERS_TO_KILL, 2)]
    study = start_study("local", 2, records, folders)
    most, deadline = -1, 0.0
    while study.poll() is None:
        done = sum(state_of(folder) == "done" for folder in folders)
        if done > most:  # a loaded machine may be slow, but not stand still
            most, deadline = done, time.monotonic() + 1800
        assert time.monotonic() < deadline, records.with_suffix(".out").read_text()
        if done_at_which_the_driver_dies and done >= done_at_which_the_driver_dies[0]:
            done_at_which_the_driver_dies.pop(0)
            study.kill()
            assert study.wait() == -signal.SIGKILL
            study = start_study("local", 2, records, folders)
        if len(victims) < WORKERS_TO_KILL and done >= 2 * len(victims):
            working = [folder for folder in folders if state_of(folder) == "running"]
            for folder in set(working) - victims:
                time.sleep(chance.uniform(0, 0.1))
                if kill_worker(folder):
                    victims.add(folder)
                    break
        time.sleep(0.02)
    assert study.returncode == 0, records.with_suffix(".err").read_text()
    assert len(victims) == WORKERS_TO_KILL
    assert done_at_which_the_driver_dies == []

    assert {end[0] for end in ends_of(records).values()} == {"done"}
    frame = read_records(records)
    assert len(frame) == RUNS * 3
    assert not frame.duplicated(["digest", "step"]).any()
    assert frame.groupby("digest")["step"].apply(list).map(lambda steps: steps == [0, 15, 30]).all()
    for folder in sorted(victims)[:2]:
        undisturbed = train(configs[folders.index(folder)], tmp_path / "undisturbed")
        for row, expected in zip(condense(Run(folder)), condense(undisturbed), strict=True):
            assert {column: row[column] for column in filter(is_result, row)} == {
                column: expected[column] for column in filter(is_result, expected)
            }


def state_of(folder: Path) -> str | None:
    try:
        return json.loads((folder / "status.json").read_text())["state"]
    except (OSError, ValueError):
        return None


def kill_worker(folder: Path) -> bool:
    """SIGKILL the process that executes the folder, if it is still at it: it is held for the moment of looking."""
    pid = Run(folder).status["pid"]
    try:
        os.kill(pid, signal.SIGSTOP)
        at_it = state_of(folder) == "running"
        os.kill(pid, signal.SIGKILL if at_it else signal.SIGCONT)
    except ProcessLookupError:
        return False
    return at_it
