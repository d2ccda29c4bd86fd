"""SIGINT, SIGTERM and SIGHUP end a run with a checkpoint and exit code 0; SIGKILL leaves one that is shown as killed."""

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from helpers.kept_runs import kept_run
from helpers.tiny_run import assert_same_record
from phasescope import Run
from phasescope.runs.training.stopping import Stop

LONG = ("name=signalled", "training.steps=400", "probing.snapshots.every=200")


@pytest.fixture(scope="module")
def whole(tiny_config, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return kept_run(tiny_config(*LONG), tmp_path_factory.mktemp("whole"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_with_a_checkpoint(number: int, start, cli, whole: Run, tiny: Path, tmp_path: Path):
    command = ("train", tiny, *LONG, "--runs", tmp_path)
    process = start(*command)
    process.stdout.readline()
    for step in (0, 10):
        assert process.stdout.readline().lstrip().startswith(f"{step} steps")
    process.send_signal(number)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    run = Run(tmp_path / whole.name)
    status = run.status
    assert status["state"] == "stopped"
    assert 10 <= status["step"] < 400
    assert f"stopped at step {status['step']}; the same command resumes it from there" in out
    assert all(line.startswith("train: ") and " so far" in line for line in err.splitlines()), err
    resumed = cli(*command)
    assert resumed.code == 0
    assert f"from step {status['step']} on" in resumed.out.splitlines()[0]
    assert run.status["state"] == "done"
    assert_same_record(run, whole)


def test_killed_is_shown_as_killed(start, cli, tiny: Path, tmp_path: Path):
    process = start("train", tiny, *LONG[:1], "training.steps=100000", *LONG[2:], "--runs", tmp_path)
    process.stdout.readline()
    process.stdout.readline()

    def state() -> str:
        (row,) = json.loads(cli("ls", "--json", "--runs", tmp_path).out)
        return row["state"]

    assert state() == "running"
    assert "running" in cli("show", "signalled", "--runs", tmp_path).out
    process.kill()
    process.wait()
    assert state() == "killed"
    assert "killed" in cli("show", "signalled", "--runs", tmp_path).out


def test_the_second_signal_interrupts_and_handlers_come_back():
    former = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    stop = Stop()

    def two_signals() -> None:
        with stop.on_signals():
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.asked
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        two_signals()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == former


def test_an_interrupted_run_stays_resumable(cli, monkeypatch, trained: Run, tiny: Path, tmp_path: Path):
    """A second signal in the midst of a snapshot: no checkpoint of a half-made state, and nothing lost."""
    from phasescope.runs.store import RunWriter

    append = RunWriter.append_metrics

    def interrupt(self: RunWriter, entry: dict) -> None:
        if entry["step"] == 20:
            raise KeyboardInterrupt
        append(self, entry)

    with monkeypatch.context() as patched:
        patched.setattr(RunWriter, "append_metrics", interrupt)
        outcome = cli("train", tiny, "--runs", tmp_path)
    assert (outcome.code, outcome.err) == (130, "phasescope: interrupted\n")
    run = Run(tmp_path / trained.name)
    assert run.status["state"] == "stopped"
    assert cli("train", tiny, "--runs", tmp_path).code == 0
    assert_same_record(run, trained)


@pytest.mark.parametrize(
    "words",
    [("train", *LONG), ("measure", "{npz}"), ("study", "{study}", "--dry-run")],
    ids=lambda words: words[0],
)
def test_interrupted_again_and_again_it_ends_without_a_traceback(words, start, tiny: Path, tmp_path: Path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "m.npz", latents=rng.random((2000, 40)), labels=rng.random((2000, 2)))
    (tmp_path / "s.py").write_text(
        "from phasescope.studies import Cell, Study\n"
        "STUDY = Study('mine', '?', 'fast', tuple(Cell(str(i), {'training': {'batch': i + 1}}) for i in range(2000)), 1)\n"
    )
    given = [word.format(npz=tmp_path / "m.npz", study=tmp_path / "s.py") for word in words]
    process = start(
        *given[:1], *([tiny] if words[0] == "train" else []), *given[1:], "--runs", tmp_path / "runs"
    )
    while (
        "numpy" not in Path(f"/proc/{process.pid}/maps").read_text()
    ):  # which a verb imports, when it has begun
        time.sleep(0.005)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    _, err = process.communicate(timeout=600)
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    assert process.returncode in (0, 130), err
