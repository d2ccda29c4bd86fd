"""The logs of a sweep's runs: each in its own place, whatever interrupted it, by engines that may run elsewhere."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import phasescope
from helpers.attacked_run import FIELDS
from helpers.commands import Outcome, call
from helpers.in_process_engine import Here
from helpers.made_runs import make_run
from phasescope import Run, UserError, list_runs, train
from phasescope.cli import main
from phasescope.runs.engines.by_name import open_engine
from phasescope.runs.engines.worker import prepare
from phasescope.views.monitors import Logs, WandB


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """`phasescope sweep` of tiny runs, in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("phasescope.studies.conduct.open_engine", Here)
    Path("base.yaml").write_text(yaml.safe_dump(FIELDS))
    return lambda *words: call(["sweep", "base.yaml", *words])


def logged(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return the loss of each snapshot by run, as TensorBoard's own reader finds it under a folder."""
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    losses = {}
    for path in sorted(folder.iterdir()):
        events = module.EventAccumulator(str(path), {"scalars": 0})
        events.Reload()
        losses[path.name] = [(event.step, event.value) for event in events.Scalars("loss")]
    return losses


def recorded_of(run: Run) -> list[tuple[int, Any]]:
    known = [(line["step"], line["loss"]) for line in run.metrics if line["loss"] is not None]
    return [(step, pytest.approx(loss, rel=1e-6)) for step, loss in known]


def recorded() -> dict[str, list[tuple[int, Any]]]:
    return {run.name: recorded_of(run) for run in list_runs(Path("runs"))}


def test_each_run_of_a_sweep_is_logged_in_its_own_place_also_one_that_was_done_and_none_twice(sweep):
    assert sweep("training.batch=8,16").code == 0
    done, _ = list_runs(Path("runs"))
    log = phasescope.TensorBoard("logs")
    log.update(done)
    log.close()
    before = list(Path("logs", done.name).iterdir())

    further = sweep("training.batch=8,16,32", "--tensorboard", "logs")
    assert further.code == 0, further.err
    assert len(logged(Path("logs"))) == 3
    assert logged(Path("logs")) == recorded()
    assert list(Path("logs", done.name).iterdir()) == before


def test_a_finished_run_that_cannot_be_logged_costs_no_other(tmp_path):
    damaged, whole = (make_run(tmp_path / "runs", "preset=small", f"seed={seed}") for seed in range(2))
    (damaged.path / "metrics.jsonl").write_text('{"step": 0}\n{"st\n{"step": 8}\n')
    counts: list[tuple[int, int]] = []
    with pytest.warns(UserWarning, match=f"TensorBoard does not log {damaged.name}: .*metrics.jsonl"):
        Logs(tmp_path / "logs").add_missing([damaged, whole], lambda *at: counts.append(at))
    assert logged(tmp_path / "logs") == {whole.name: recorded_of(whole)}
    assert counts == [(0, 2), (1, 2)]


def test_bad_input_a_sweep_whose_log_cannot_be_written_begins_no_run(sweep, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    refused = sweep("training.batch=8,16", "--tensorboard", "logs")
    assert refused.code == 2
    assert "TensorBoard must be installed: ./lab setup" in refused.err
    assert not Path("runs").exists()
    assert not Path("sweeps").exists()


def test_bad_input_a_study_that_is_only_judged_logs_nothing(capsys):
    assert main(["study", "p1", "--judge", "--wandb", "bumps"]) == 2
    assert "`--judge` (=True) must be given without" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "slurm", "ray"])
def test_every_engine_gives_its_workers_the_logs(engine, tiny_config, tmp_path, monkeypatch):
    """In the folder of whoever called, though a worker may be elsewhere; SLURM by submitit's own local jobs."""
    monkeypatch.chdir(tmp_path)
    folders = [prepare(tiny_config(f"seed={seed}"), Path("runs")) for seed in range(2)]
    options = Logs(Path("logs of two")).options()
    ends = open_engine(engine, Path("runs"), 2, options=options).execute(folders)
    assert {end.state for end in ends.values()} == {"done"}
    assert logged(Path("logs of two")) == recorded()


@pytest.mark.slow
def test_weights_and_biases_gets_a_run_for_each_of_a_sweep_and_its_configuration(sweep, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    assert sweep("training.batch=8,16", "--wandb", "bumps").code == 0
    names = sorted(run.name for run in list_runs(Path("runs")))
    found = sorted(path.stem.removeprefix("run-") for path in Path("wandb").glob("offline-run-*/run-*.wandb"))
    assert found == names
    assert all(WandB("bumps").holds(run) for run in list_runs(Path("runs")))
    assert sweep("training.batch=8,16", "--wandb", "bumps").code == 0
    assert len(list(Path("wandb").glob("offline-run-*"))) == 2


@pytest.mark.parametrize("option", ["config", "name", "id", "resume"])
def test_bad_input_an_option_that_the_run_sets_itself(option):
    with pytest.raises(UserError, match=rf"^`{option}` \(='mine'\) must be left out: WandB logs "):
        WandB("bumps", **{option: "mine"})


def test_bad_input_an_unknown_option_of_weights_and_biases(tiny_config, tmp_path):
    pytest.importorskip("wandb")
    monitor = WandB("bumps", tmp_path, tag=["mine"])
    with pytest.raises(
        UserError, match=r"`tag` must be an option of wandb\.init; the most similar one is tags"
    ):
        train(tiny_config(), tmp_path, monitors=[monitor])
