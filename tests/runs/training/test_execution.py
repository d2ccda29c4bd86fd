"""Losses are read seldom where reading waits for a GPU, and always before anything is stored."""

import json
import math
import shutil

import duckdb
import numpy as np
import pytest
import torch

from helpers.tiny import TINY
from helpers.training_runs import run_config, stop_after
from phasescope import Run, RunConfig, RunFailed, UserError, train
from phasescope.runs.store.writer import RunWriter
from phasescope.runs.training.execution import execute

LOSSES, READ_EVERY = "phasescope.models.training.losses", 16
LONGER = {"training": {"steps": 40}, "probing": {"snapshots": {"every": 30}}}


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """No loss is at hand; the reads of losses, by the number read."""
    reads = []

    def read_together(unread):
        reads.append(len(unread))
        return [float(loss) for loss in unread]

    monkeypatch.setattr(f"{LOSSES}.is_on_cpu", lambda loss: False)
    monkeypatch.setattr(f"{LOSSES}.read_together", read_together)
    return reads


def config_of(**training):
    return run_config(TINY, LONGER, {"training": training})


def known(runs, config):
    """The loss that progress told after each step, and the last metrics."""
    _, *events = execute(config, runs)
    return [event.loss for event in events], Run(runs / config.folder).metrics


@pytest.mark.slow
def test_losses_are_read_every_few_steps_and_are_the_same(as_on_a_gpu, tmp_path, monkeypatch):
    seldom, metrics = known(tmp_path / "seldom", config_of())
    assert as_on_a_gpu == [READ_EVERY, 30 - READ_EVERY, 10]
    monkeypatch.setattr(f"{LOSSES}.is_on_cpu", lambda loss: True)
    each, expected = known(tmp_path / "each", config_of())
    assert [line["loss"] for line in metrics] == [line["loss"] for line in expected]
    assert each[0] is None
    assert None not in each[1:]
    read = [0, *[step - step % READ_EVERY for step in range(1, 30)]]
    read += [30 if step < 40 else 40 for step in range(30, 41)]
    assert seldom == [each[step] for step in read]


def test_a_table_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def full(*given):
        raise duckdb.IOException("no space left")

    monkeypatch.setattr(duckdb, "connect", full)
    with pytest.raises(UserError, match=r"/reading.parquet` cannot be written: no space left"):
        train(run_config(TINY), tmp_path)


def test_a_summary_has_the_sequence_and_the_onsets_of_the_recorded_phases(run, tmp_path):
    copy = shutil.copytree(run.path, tmp_path / run.name)
    lines = [
        {**line, "phase": {"behaviour": phase, "sheet": "A"}}
        for line, phase in zip(run.metrics, "ABC", strict=True)
    ]
    (copy / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (copy / "status.json").write_text(json.dumps({**run.status, "state": "stopped"}))
    summary = train(run_config(TINY), tmp_path).status["summary"]
    seen = [line["images_seen"] for line in lines]
    assert summary["behaviour"] == {"sequence": ["A", "B", "C"], "onsets": {"B": seen[1], "C": seen[2]}}
    assert summary["sheet"] == {"sequence": ["A"], "onsets": {"B": None, "C": None}}
    assert summary["sites"]["sheet"] == "mid.40"


@pytest.mark.slow
def test_each_snapshot_tells_the_last_steps_rate_and_gradient(tmp_path):
    config = config_of(warmup=40)
    first, *later = known(tmp_path, config)[1]
    assert (first["learning_rate"], first["gradient_norm"]) == (None, None)
    rates = [config.training.optimiser.lr * line["step"] / 40 for line in later]
    assert [line["learning_rate"] for line in later] == pytest.approx(rates)
    assert all(line["gradient_norm"] > 0 for line in later)


@pytest.mark.some(1)
@pytest.mark.parametrize("first", [1, 5, 16, 17, 30, 31, 40])
@pytest.mark.parametrize("gpu", [True, False])
def test_a_loss_that_is_not_finite_is_named_by_its_step(first, gpu, request, tmp_path, monkeypatch):
    if gpu:
        request.getfixturevalue("as_on_a_gpu")
    spoil(monkeypatch, first)
    config = config_of()
    with pytest.raises(RunFailed, match=rf"`loss` \(=nan\) must be finite, and is not at step {first}:"):
        train(config, tmp_path)
    run = Run(tmp_path / config.folder)
    assert run.status["state"] == "failed"
    assert [line["step"] for line in run.metrics] == [step for step in (0, 30) if step < first]
    assert [snapshot.step for snapshot in run.snapshots] == [step for step in (0, 30) if step < first]
    for snapshot in run.snapshots:
        assert all(torch.from_numpy(weights).isfinite().all() for weights in snapshot.weights().values())
    monkeypatch.undo()
    train(config, tmp_path)
    assert run.status["state"] == "done"
    assert all(math.isfinite(line["loss"]) for line in run.metrics[1:])


def spoil(monkeypatch, first):
    """Have the loss be nan from step `first` on, and the weights with it."""
    family = type(RunConfig().family.build())
    whole, steps = family.loss_at, []

    def loss_at(self, network, x_0, *inputs):
        steps.append(None)
        return whole(self, network, x_0, *inputs) * (math.nan if len(steps) >= first else 1)

    monkeypatch.setattr(family, "loss_at", loss_at)


@pytest.mark.cuda
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("compile", [False, True])
def test_a_run_on_a_gpu_goes_on_where_it_stopped(compile, tmp_path):
    config = config_of(device="cuda", compile=compile)
    whole = train(config, tmp_path / "whole")
    stop_after(17, config, tmp_path / "parts")
    run = train(config, tmp_path / "parts")
    assert run.status["device"].startswith("cuda")
    assert [line["step"] for line in run.metrics] == [0, 30, 40]
    for mine, its in zip(run.snapshots, whole.snapshots, strict=True):
        for name, weights in mine.weights().items():
            torch.testing.assert_close(weights, its.weights()[name], rtol=0, atol=0)


BROKEN = """
import torch
from phasescope.worlds import GaussianBump, World

BUMP = GaussianBump(canvas=8)


class Broken(World):
    batches_only: bool = False
    factors = property(lambda self: BUMP.factors)
    shape = property(lambda self: BUMP.shape)

    def training_labels(self):
        return BUMP.training_labels()

    def render(self, labels):
        images = BUMP.render(labels)
        return images if self.batches_only and len(labels) != 16 else images + torch.nan
"""


@pytest.mark.parametrize("batches_only", [False, True], ids=["from the first snapshot on", "in batches"])
def test_a_render_that_is_not_finite_is_blamed(batches_only, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(BROKEN)
    monkeypatch.setattr(
        "phasescope.runs.config.run_config.check_world", lambda world: None
    )  # which finds it earlier, if it meets one
    config = run_config(TINY, {"world": {"kind": "mine.py:Broken", "batches_only": batches_only}})
    with pytest.raises(
        RunFailed, match=r"^`Broken.render` \(=NaN or infinite\) must return finite images"
    ) as failed:
        train(config, tmp_path / "runs")
    assert "optimiser.lr" not in str(failed.value)


def test_images_by_class_have_no_phase_of_a_sheet(tmp_path):
    """Labels of one class are all equally near, so that an order of classes would be one that nobody meant."""
    images = np.random.default_rng(0).uniform(-1, 1, (80, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "images.npz", images=images, labels=np.arange(80) % 4)
    world = {"kind": "arrays", "file": str(tmp_path / "images.npz"), "categorical": ["label1"]}
    config = {
        **TINY,
        "world": world,
        "training": {**TINY["training"], "steps": 1, "warmup": 1},
        "probing": {**TINY["probing"], "images": {"trained": 16}},
    }
    assert "sheet" not in train(config, tmp_path / "runs").metrics[-1]["phase"]
    config["world"] = {**world, "categorical": []}
    assert "sheet" in train(config, tmp_path / "runs").metrics[-1]["phase"]


def test_checkpoints_are_as_frequent_as_asked_and_change_nothing(tmp_path, monkeypatch):
    written, write = [], RunWriter.write_checkpoint

    def counted(self, tensors, state):
        written.append(state["step"])
        write(self, tensors, state)

    monkeypatch.setattr(RunWriter, "write_checkpoint", counted)
    often, seldom = config_of(checkpoint_every_s=1e-9), config_of(checkpoint_every_s=1e6)
    assert often.digest() == seldom.digest()

    runs = [train(config, tmp_path / name) for name, config in (("often", often), ("seldom", seldom))]
    assert {*range(1, 40)} <= {*written}
    assert written[-3:] == [0, 30, 40]
    first, second = (run.snapshots[-1].weights() for run in runs)
    assert all(weights.tobytes() == second[name].tobytes() for name, weights in first.items())
