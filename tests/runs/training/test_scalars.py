"""Dense scalars: cheap lines beside the snapshots, which no training notices and no kill duplicates or loses."""

import numpy as np
import pytest
import torch

from helpers.kept_runs import kept_run
from helpers.tiny import config_of, results
from helpers.training_runs import leave_after
from helpers.watched import WORLD, Net, watcher_of
from phasescope import Run, UserError, train

COSTS = ("wall_s", "images_per_s")


def scalars_of(run: Run) -> list[dict]:
    return [{name: value for name, value in line.items() if name not in COSTS} for line in run.scalar_lines]


def dense(every: int = 2):
    return config_of(training={"scalars_every": every})


class Heard:
    """A monitor that keeps the steps of what it is given."""

    def __init__(self):
        self.steps = []

    def update(self, run):
        steps = [("dense", line["step"]) for line in run.scalar_lines]
        steps += [("snapshot", line["step"]) for line in run.metrics]
        self.steps = sorted(steps, key=lambda pair: pair[1])

    def close(self):
        self.closed = True


@pytest.fixture(scope="module")
def with_lines(tmp_path_factory) -> Run:
    return kept_run(dense(), tmp_path_factory.mktemp("with"))


def test_a_line_every_few_steps_and_training_is_bitwise_the_same_without(with_lines, tmp_path):
    without = train(dense(0), tmp_path)
    frame = with_lines.scalars()
    assert frame["step"].tolist() == [*range(2, 21, 2)]
    assert frame["images_seen"].tolist() == [16 * step for step in range(2, 21, 2)]
    assert (frame[["loss", "gradient_norm", "learning_rate", "images_per_s"]] > 0).all(axis=None)
    assert frame["wall_s"].is_monotonic_increasing
    last = with_lines.metrics[-1]
    assert frame["gradient_norm"].iloc[-1] == last["gradient_norm"]
    assert frame["learning_rate"].iloc[-1] == last["learning_rate"]
    assert without.scalars().empty
    assert not (without.path / "scalars.jsonl").exists()
    assert with_lines.name == without.name
    assert results(with_lines) == results(without)
    for mine, other in zip(with_lines.snapshots, without.snapshots, strict=True):
        assert all(np.array_equal(array, other.weights()[name]) for name, array in mine.weights().items())


def test_the_loss_of_each_line_is_that_of_its_own_step(tmp_path):
    run = train(dense(1), tmp_path)
    frame = run.scalars()
    means = [line["loss"] for line in run.metrics if line["step"]]
    assert frame["loss"].to_numpy().reshape(2, 10).mean(axis=1) == pytest.approx(means, rel=1e-6)


@pytest.mark.slow
def test_lines_after_the_checkpoint_and_a_torn_one_are_written_again_by_a_resumed_run(with_lines, tmp_path):
    run = leave_after(14, dense(), tmp_path / "killed")
    kept = [line["step"] for line in run.scalar_lines]
    with open(run.path / "scalars.jsonl", "a") as file:  # as a killed process leaves it
        file.write('{"step": 16, "loss": 1.0}\n{"step": 18, "lo')
    assert [line["step"] for line in run.scalar_lines] == [*kept, 16]
    assert kept == [2, 4, 6, 8, 10, 12, 14]
    train(dense(), tmp_path / "killed")
    assert scalars_of(run) == scalars_of(with_lines)


def test_a_monitor_sees_each_line_and_snapshot(tmp_path):
    heard = Heard()
    train(dense(5), tmp_path, monitors=[heard])
    assert heard.steps == [
        ("snapshot", 0), ("dense", 5), ("dense", 10), ("snapshot", 10), ("dense", 15), ("dense", 20), ("snapshot", 20),
    ]  # fmt: skip
    assert heard.closed


def test_a_loop_of_your_own_logs_scalars_and_may_be_started_again(tmp_path):
    def loop(steps: range) -> Run:
        network, heard = Net(), Heard()
        watcher = watcher_of(tmp_path / "own", batch=8, monitors=[heard])
        watcher.record(network, 0)
        for step in steps:
            loss = network.leave.weight.square().sum() / (1 + step)
            watcher.log({"loss": loss, "lr": 0.1}, step)
        watcher.close()
        dense = [step for kind, step in heard.steps if kind == "dense"]
        assert dense == sorted({*dense})
        return watcher.run

    first = loop(range(5)).scalars()
    again = loop(range(3, 8)).scalars()
    assert again["step"].tolist() == [*range(8)]
    assert again["images_seen"].tolist() == [8 * step for step in range(8)]
    assert again["lr"].tolist() == [0.1] * 8
    assert again["loss"].tolist()[:5] == first["loss"].tolist()


def test_what_is_no_scalar_is_refused_in_a_line(tmp_path):
    watcher = watcher_of(tmp_path / "own", world=WORLD, batch=8)
    with pytest.raises(UserError, match=r"`step` \(=0\) must be logged after the first `record`"):
        watcher.log({"loss": 1.0}, 0)
    watcher.record(Net(), 0)
    for scalars, rule in (
        ({"loss": "low"}, r"`loss` \(='low'\) must be a number"),
        ({"loss": torch.zeros(2)}, r"`loss` \(=tensor.*\) must be a number, or a tensor of one number"),
        ({"step": 3.0}, r"`scalars` \(=step\) must have names of their own"),
    ):
        with pytest.raises(UserError, match=rule):
            watcher.log(scalars, 1)
