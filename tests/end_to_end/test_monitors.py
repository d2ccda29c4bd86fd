"""A run's numbers and pictures in TensorBoard and in Weights & Biases while it goes on, read by the packages themselves."""

import json
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import phasescope
from phasescope import Run, RunConfig, UserError, train
from phasescope.cli import main
from phasescope.runs.training.execution import execute


@pytest.fixture
def config(tiny_config) -> RunConfig:
    return tiny_config()


class Kept:
    """A monitor that keeps the steps of the snapshots that it sees."""

    def __init__(self, fails_at: int | None = None):
        self.steps: list[list[int]] = []
        self.fails_at, self.closed = fails_at, 0

    def update(self, run):
        steps = [line["step"] for line in run.metrics]
        if self.fails_at in steps:
            raise OSError("the disk is full")
        self.steps.append(steps)

    def close(self):
        self.closed += 1


@pytest.mark.slow
def test_a_monitor_sees_each_snapshot_and_one_that_fails_costs_no_run(config, tmp_path):
    well, failing = Kept(), Kept(fails_at=20)
    with pytest.warns(UserWarning, match="Kept logs nothing more: OSError: the disk is full"):
        run = train(config, tmp_path, monitors=[failing, well])
    steps = [line["step"] for line in run.metrics]
    assert 20 in steps
    assert (well.steps[0], well.steps[-1], well.closed) == ([], steps, 1)
    assert all(steps[: len(seen)] == seen for seen in well.steps)
    assert (failing.steps[-1], failing.closed) == ([step for step in steps if step < 20], 0)
    assert run.status["state"] == "done"
    again = Kept()
    train(config, tmp_path, monitors=[again])
    assert (again.steps, again.closed) == ([steps], 1)


def test_tensorboard_holds_the_same_though_the_run_was_interrupted(config, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = execute(config, tmp_path, monitors=[phasescope.TensorBoard(tmp_path / "logs")])
    for event in events:
        if getattr(event, "metrics", None) and event.metrics["step"]:
            break
    events.close()
    run = Run(tmp_path / config.folder)
    half = len(run.metrics)
    train(config, tmp_path, monitors=[phasescope.TensorBoard(str(tmp_path / "logs"))])
    assert 1 < half < len(run.metrics)
    found = accumulator.EventAccumulator(
        str(tmp_path / "logs" / run.name), size_guidance={"scalars": 0, "images": 0}
    )
    whole = phasescope.TensorBoard(tmp_path / "whole")
    whole.update(run)
    whole.close()
    exported = accumulator.EventAccumulator(str(tmp_path / "whole" / run.name), {"scalars": 0, "images": 0})
    found.Reload(), exported.Reload()
    assert found.Tags()["scalars"] == exported.Tags()["scalars"]
    assert "samples/grid" in found.Tags()["images"]
    for tag in ("loss", "outcomes/grid.correct"):
        of = [(one.step, one.value) for one in found.Scalars(tag)]
        assert of == [(one.step, one.value) for one in exported.Scalars(tag)]
    assert [one.step for one in found.Images("samples/grid")] == [line["step"] for line in run.metrics]


@pytest.mark.slow
def test_tensorboard_holds_the_condition_meter_under_the_names_of_its_own_log(tiny_config, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    config = tiny_config("probing.meter.every=10", "probing.meter.bands=3", "probing.meter.draws=2")
    run = train(config, tmp_path, monitors=[phasescope.TensorBoard(tmp_path / "logs")])
    events = accumulator.EventAccumulator(str(tmp_path / "logs" / run.name), {"scalars": 0})
    events.Reload()

    table = run.meter()
    table = table[table.low == table.low.min()]
    low, high = table.low.iloc[0], table.high.iloc[0]
    for name in ("loss", "advantage", "use"):
        shown = events.Scalars(f"condition/{name}/snr_{low:.0f}_{high:.0f}")
        assert [each.step for each in shown] == table.step.tolist()
        assert [each.value for each in shown] == pytest.approx(table[name].tolist(), rel=1e-6)
        times = [each.wall_time for each in shown]
        assert times == sorted(times), "at the run's clock, and not at what a reading took"
        assert times[-1] == events.Scalars("loss")[-1].wall_time


@pytest.mark.slow
def test_weights_and_biases_offline_holds_each_snapshot_and_reading(tiny_config, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    config = tiny_config("probing.meter.every=15", "probing.meter.bands=1", "probing.meter.draws=2")
    run = train(config, tmp_path, monitors=[phasescope.WandB("bumps", tmp_path / "w")])
    (file,) = (tmp_path / "w" / "wandb").glob("offline-run-*/run-*.wandb")
    snapshots = [line["step"] for line in run.metrics]
    steps = sorted({*snapshots, *(line["step"] for line in [*run.scalar_lines, *run.meter_lines])})
    rows: list[dict[str, Any]] = []
    for _ in range(600):  # its service writes on for a moment after the run is finished
        rows = list(history(file))
        if len(rows) == len(steps):
            break
        time.sleep(0.1)
    assert [row["_step"] for row in rows] == steps
    by_step = {row["_step"]: row for row in rows}
    assert [by_step[step].get("loss") for step in snapshots] == [line["loss"] for line in run.metrics]
    assert by_step[30]["train/loss"] == next(line["loss"] for line in run.scalar_lines if line["step"] == 30)
    (advantage,) = {name for row in rows for name in row if name.startswith("condition/advantage/")}
    read = [(row["_step"], row[advantage]) for row in rows if advantage in row]
    assert read == list(run.meter()[["step", "advantage"]].itertuples(index=False, name=None))
    assert rows[-1]["probe_r2/mid.40.value"] == run.metrics[-1]["probe_r2"]["mid.40"]["value"]
    assert len(list(file.parent.glob("files/media/images/samples/*.png"))) >= len(run.metrics)


BLOCK, HEADER = 32768, 7


def history(file: Path) -> Iterator[dict[str, Any]]:
    """Rows of an offline run: records of wandb's protobuf in a LevelDB log, whose parts have a CRC, a length and a type."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, whole = file.read_bytes(), HEADER, b""  # the file's own header is as long as a part's
    while at < len(content):
        left = BLOCK - at % BLOCK
        if left < HEADER:
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        whole += content[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (1, 4):  # whole, or the last part of one
            record, whole = Record.FromString(whole), b""
            if record.WhichOneof("record_type") == "history":
                yield {
                    ".".join(item.nested_key) or item.key: json.loads(item.value_json)
                    for item in record.history.item
                }


@pytest.mark.slow
def test_the_command_line_has_both(tmp_path, monkeypatch, tiny):
    heard = []
    monkeypatch.setattr("phasescope.views.monitors.TensorBoard", lambda path: heard.append(path) or Kept())
    monkeypatch.setattr("phasescope.views.monitors.WandB", lambda project: heard.append(project) or Kept())
    words = ["train", str(tiny), "--runs", str(tmp_path / "runs")]
    assert main([*words, "--tensorboard", str(tmp_path / "tb"), "--wandb", "bumps"]) == 0
    assert heard == [tmp_path / "tb", "bumps"]


@pytest.mark.parametrize(
    ("monitor", "package"), [("TensorBoard", "torch.utils.tensorboard"), ("WandB", "wandb")]
)
def test_bad_input_a_monitor_that_is_not_installed(monitor, package, config, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=r"must be installed: ./lab setup, or pip install '.\[monitors\]'"):
        train(config, tmp_path, monitors=[getattr(phasescope, monitor)(str(tmp_path / "logs"))])
    assert Run(tmp_path / config.folder).status["step"] == 0
