"""A run that diverges says so, and keeps what it recorded before."""

from pathlib import Path

import pytest
import torch

from helpers.attacked_run import config_of
from phasescope import Run, RunFailed, train


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_a_diverging_run_names_the_learning_rate(value: float, tmp_path: Path, monkeypatch):
    """Its loss is finite still, and its weights are not, or give what is not."""
    from phasescope.runs.training.execution import _Execution

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
