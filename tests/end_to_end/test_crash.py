"""A run that is watched, killed, torn or resumed ends with bitwise the same weights and metrics."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import helpers
from helpers.tiny_run import KILLS, assert_same_arrays, assert_same_record, checkpoint_of
from helpers.training_runs import leave_after, stop_after
from phasescope import Run, RunConfig, train
from phasescope.runs.training.execution import execute
from phasescope.runs.training.stopping import Stop

LONG = (
    "name=killed",
    "probing.snapshots.dense_every=6",
    "probing.snapshots.every=6",
    "probing.p1=null",
    "probing.meter={every: 4, draws: 4, bands: 2}",
)

Config = Callable[..., RunConfig]


def half_written_snapshot(folder: Path) -> bool:
    return any(name.startswith(".0") for name in _names(folder / "snapshots"))


def half_written_checkpoint(folder: Path) -> bool:
    return any(name.endswith(".aside") for name in _names(folder / "checkpoint"))


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


@pytest.mark.slow
def test_killed_at_random_moments(start, tiny: Path, tiny_config: Config, tmp_path: Path):
    """SIGKILL in two snapshots that are being written, in two checkpoints, and at random moments."""
    words = (*LONG, f"training.steps={24 * KILLS}")
    whole = train(tiny_config(*words), tmp_path / "whole")
    run = Run(tmp_path / "killed" / whole.name)
    chance = random.Random(0)
    moments = [half_written_snapshot] * 2 + [half_written_checkpoint] * 2 + [None] * (KILLS - 4)
    chance.shuffle(moments)
    found = {half_written_snapshot: 0, half_written_checkpoint: 0}
    command = ("train", tiny, *words, "--runs", tmp_path / "killed")
    for moment in moments:
        process = start(*command)
        process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.25))
        while moment and not moment(run.path) and process.poll() is None:
            time.sleep(0.0002)
        process.kill()
        _, err = process.communicate()
        assert process.returncode == -signal.SIGKILL, err
        assert run.status["state"] == "killed"
        for kind in found:
            found[kind] += kind(run.path)
    process = start(*command)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert "step" in out.splitlines()[0]
    assert run.status["state"] == "done"
    assert_same_record(run, whole)
    assert found[half_written_snapshot] >= 1
    assert found[half_written_checkpoint] >= 1


def asides(folder: Path) -> set[Path]:
    return {*folder.glob(".*.aside")}


@pytest.mark.slow
def test_exports_and_imports_that_are_killed_leave_all_or_nothing(start, cli, trained: Run, tmp_path: Path):
    """By turns. What stays half-written is no archive and no run, and is in nobody's way."""
    whole, archive, runs = tmp_path / "whole.zip", tmp_path / "run.zip", tmp_path / "runs"
    assert cli("export", trained.path, "--archive", whole).code == 0
    runs.mkdir()
    imported, chance, half_written = runs / trained.name, random.Random(0), 0
    for kill in range(KILLS):
        export, import_ = ("export", trained.path, "--archive", archive), ("import", whole, "--runs", runs)
        folder, words = ((tmp_path, export), (runs, import_))[kill % 2]
        before = asides(folder)
        process = start(*words)
        while asides(folder) == before and process.poll() is None:
            time.sleep(0.0002)
        time.sleep(chance.uniform(0, 0.01))
        process.kill()
        process.communicate()
        half_written += len(asides(folder) - before)
        for half in asides(tmp_path) - before:
            refused = cli("import", half, "--runs", tmp_path / "none").code == 2
            assert refused or half.read_bytes() == whole.read_bytes()
            shutil.rmtree(tmp_path / "none", ignore_errors=True)
        listed = [row["run"] for row in json.loads(cli("ls", "--json", "--runs", runs).out)]
        assert listed == ([trained.name] if imported.exists() else [])
        if imported.exists():
            assert cli("export", imported, "--archive", archive).code == 0
            shutil.rmtree(imported)
        assert not archive.exists() or archive.read_bytes() == whole.read_bytes()
        archive.unlink(missing_ok=True)
    assert half_written
    assert cli(*import_).code == 0
    assert_same_record(Run(imported), trained)


@pytest.mark.slow
def test_killed_before_every_kind_of_step_on_the_disk(tiny: Path, tmp_path: Path):
    """`dying.py` has child k die before its k-th rename, removal or sync: no moment between two of them is fatal."""
    command = [sys.executable, str(helpers.HERE / "dying.py"), str(tiny)]
    command += [str(tmp_path / "whole"), str(tmp_path / "dying")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    found = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment, check=False)
    assert found.returncode == 0, found.stderr
    for operation in (
        "rename .0",
        "replace .state",
        "replace .status",
        "replace .config",
        "rmtree .0",
        "fsync",
    ):
        assert operation in found.stdout
    (whole,) = (tmp_path / "whole").iterdir()
    assert_same_record(Run(tmp_path / "dying" / whole.name), Run(whole))


@pytest.mark.slow
def test_stopped_and_resumed_at_every_step(trained: Run, tiny_config: Config, tmp_path: Path):
    config = tiny_config()
    steps = 0
    while not (tmp_path / config.folder).exists() or Run(tmp_path / config.folder).status["state"] != "done":
        stop_after(steps + 1, config, tmp_path)
        steps += 1
    assert steps == config.training.steps
    assert_same_record(Run(tmp_path / config.folder), trained)


@pytest.mark.slow
def test_stopped_before_anything_is_done(trained: Run, tiny_config: Config, tmp_path: Path):
    stop = Stop()
    stop.ask()
    list(execute(tiny_config(), tmp_path, stop))
    run = Run(tmp_path / trained.name)
    assert run.status["state"] == "stopped"
    assert run.snapshots == []
    train(tiny_config(), tmp_path)
    assert_same_record(run, trained)


@pytest.mark.slow
def test_an_abandoned_training_resumes(trained: Run, tiny_config: Config, tmp_path: Path):
    run = leave_after(17, tiny_config(), tmp_path)
    assert run.status["state"] == "stopped"
    train(tiny_config(), tmp_path)
    assert_same_record(run, trained)


@pytest.fixture(scope="module")
def left_at_step_15(tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("left")
    return leave_after(15, tiny_config(), runs).path


@pytest.fixture
def interrupted(left_at_step_15: Path, tmp_path: Path) -> Run:
    """The tiny run, left after step 15: snapshots at 0 and 10, a checkpoint at 15."""
    return Run(shutil.copytree(left_at_step_15, tmp_path / left_at_step_15.name))


def torn_line(run: Run) -> None:
    line = (run.path / "metrics.jsonl").read_bytes().splitlines()[-1]
    with open(run.path / "metrics.jsonl", "ab") as file:
        file.write(line[: len(line) // 2])


def line_beyond_the_checkpoint(run: Run) -> None:
    last = run.metrics[-1]
    line = {**last, "step": 20, "images_seen": last["images_seen"] * 20 // last["step"]}
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write(json.dumps(line) + "\n")


def half_snapshot(run: Run) -> None:
    aside = run.path / "snapshots" / ".00000020.123.aside"
    aside.mkdir()
    (aside / "samples.npz").write_bytes(b"PK")


def snapshot_beyond_the_checkpoint(run: Run) -> None:
    shutil.copytree(run.snapshots[-1].path, run.path / "snapshots" / "00000020")


def leftover_files(run: Run) -> None:
    for name in (".status.json.123.aside", ".metrics.jsonl.123.aside", ".config.yaml.123.aside"):
        (run.path / name).write_bytes(b"{")
    (run.path / "checkpoint" / ".state.safetensors.123.aside").write_bytes(b"\x00")


def garbage_status(run: Run) -> None:
    (run.path / "status.json").write_text('{"state": "runn')


def no_status(run: Run) -> None:
    (run.path / "status.json").unlink()


HARMS = (
    torn_line, line_beyond_the_checkpoint, half_snapshot, snapshot_beyond_the_checkpoint, leftover_files,
    garbage_status, no_status,
)  # fmt: skip


@pytest.mark.some(3)
@pytest.mark.parametrize("harm", HARMS)
def test_what_a_crash_leaves_is_no_harm(
    harm: Callable[[Run], None], interrupted: Run, trained: Run, tiny_config: Config, cli
):
    harm(interrupted)
    assert cli("ls", "--runs", interrupted.path.parent).code == 0
    assert cli("show", interrupted.path).code == 0
    train(tiny_config(), interrupted.path.parent)
    assert_same_record(interrupted, trained)
    assert interrupted.status["state"] == "done"


def test_a_done_run_is_left_as_it_is(trained: Run, tiny_config: Config, tmp_path: Path):
    shutil.copytree(trained.path, tmp_path / trained.name)
    run = Run(tmp_path / trained.name)
    before = run.status
    assert train(tiny_config(), tmp_path).status == before
    assert_same_record(run, trained)


@pytest.mark.slow
def test_watching_changes_nothing(tiny_config: Config, tmp_path: Path):
    """Snapshots every 20 and every 40 steps: bitwise equal network, average and optimiser."""
    ends = []
    for every in (20, 40):
        plan = [f"probing.snapshots.{field}={every}" for field in ("dense_every", "every")]
        run = train(tiny_config("training.label_dropout=0.2", *plan), tmp_path / str(every))
        assert [snapshot.step for snapshot in run.snapshots] == list(range(0, 41, every))
        ends.append(checkpoint_of(run))
    assert {name.partition(".")[0] for name in ends[0]} == {"network", "average", "optimiser"}
    assert_same_arrays(*ends)
