"""A writer whose folder is taken from it stops; what was hurt by two writers can be mended; a run that diverges says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from attacked_run import config_of
from damage import fingerprint

from phasescope.core.errors import RunFailed, UserError
from phasescope.runs.execution import execute, train
from phasescope.runs.monitoring import Progress
from phasescope.runs.store import Run
from phasescope.runs.whole import faults

STEPS = 8


def without_lock(folder: Path) -> None:
    (folder / "lock").unlink()


def another_lock(folder: Path) -> None:
    (folder / "lock").unlink()
    (folder / "lock").touch()


def removed(folder: Path) -> None:
    shutil.rmtree(folder)


def moved_away(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def replaced(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("copy"))
    shutil.rmtree(folder)
    folder.with_name("copy").rename(folder)


@pytest.mark.some(5)
@pytest.mark.parametrize("take", [without_lock, another_lock, removed, moved_away, replaced])
@pytest.mark.parametrize("step", [0, 3, STEPS - 1])
def test_a_writer_whose_folder_is_no_longer_its_own_writes_nothing_more(
    take: Callable[[Path], None], step: int, tmp_path: Path
):
    config = config_of()
    events = execute(config, tmp_path)
    for event in events:
        if isinstance(event, Progress) and event.step == step:
            break
    take(tmp_path / config.folder)
    before = fingerprint(tmp_path)
    with pytest.raises(RunFailed, match="must stay this process's own"):
        for _ in events:
            pass
    assert fingerprint(tmp_path) == before


def test_two_writers_hurt_a_run_and_anew_mends_it(whole: Run, tmp_path: Path):
    """Lines of two processes, one after the other's: refused in a line, and trained from its start where that is asked."""
    shutil.copytree(whole.path, tmp_path / whole.name)
    run = Run(tmp_path / whole.name)
    lines = (run.path / "metrics.jsonl").read_text()
    (run.path / "metrics.jsonl").write_text(lines + lines)
    before = fingerprint(run.path)
    with pytest.raises(
        UserError,
        match=r"line 3 of metrics.jsonl cannot be read: ValueError: its step 0 follows step 8.*--anew",
    ):
        train(config_of(), tmp_path)
    assert fingerprint(run.path) == before
    train(config_of(), tmp_path, anew=True)
    assert list(faults(run, STEPS)) == []
    assert run.read_metrics().faults == []


def test_anew_mends_a_configuration_that_cannot_be_read(whole: Run, tmp_path: Path):
    shutil.copytree(whole.path, tmp_path / whole.name)
    run = Run(tmp_path / whole.name)
    config = run.config
    (run.path / "config.yaml").write_text("seed: [")
    with pytest.raises(UserError, match="is not YAML"):
        train(config_of(), tmp_path)
    train(config_of(), tmp_path, anew=True)
    assert run.config == config
    assert run.status["state"] == "done"


def test_anew_takes_no_folder_that_is_no_runs(tmp_path: Path):
    config = config_of()
    (tmp_path / config.folder).mkdir()
    (tmp_path / config.folder / "thesis.tex").write_text("everything I have")
    before = fingerprint(tmp_path)
    with pytest.raises(UserError, match="must be empty or a run's folder"):
        train(config, tmp_path, anew=True)
    assert fingerprint(tmp_path) == before


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_a_run_that_diverges_just_before_a_snapshot_names_the_learning_rate(
    value: float, tmp_path: Path, monkeypatch
):
    """Its loss is finite still, and its weights are not, or give what is not."""
    from phasescope.runs.execution import _Execution

    observe = _Execution._observe

    def diverged(execution: _Execution):
        if execution.learner.step:
            with torch.no_grad():
                for weights in execution.learner.average.parameters():
                    weights.fill_(value)
        return observe(execution)

    monkeypatch.setattr(_Execution, "_observe", diverged)
    config = config_of()
    with pytest.raises(RunFailed, match=r"must be finite.*step 8: lower `training.optimiser.lr`"):
        train(config, tmp_path)
    run = Run(tmp_path / config.folder)
    assert run.status["state"] == "failed"
    assert "training.optimiser.lr" in run.status["error"]
    assert [snapshot.step for snapshot in run.snapshots] == [0]
