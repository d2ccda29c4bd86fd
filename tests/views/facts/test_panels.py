"""Every number that a run records has a panel."""

import json

import torch

from helpers.watched import Net, watcher_of
from helpers.written_run import ALL_STEPS, write_run
from phasescope.views.facts.panels import run_panels
from phasescope.views.facts.record import Record
from phasescope.views.figures.timeline import timeline


def test_a_number_that_the_family_examined_has_a_panel(tmp_path):
    run = write_run(tmp_path / "run", ALL_STEPS)
    path = run.path / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    errors = [1 / (1 + number) for number in range(len(lines))]
    path.write_text(
        "".join(json.dumps({**line, "pixel_error": e}) + "\n" for line, e in zip(lines, errors, strict=True))
    )
    [panel] = [panel for panel in run_panels(Record(run)) if panel.key == "pixel_error"]
    assert panel.title == "pixel error"
    assert panel.curves[0].y.tolist() == errors


def test_costs_and_steps_have_none(run):
    keys = {panel.key for panel in run_panels(Record(run))}
    assert not keys & {"step", "images_seen", "epochs", "wall_s", "cpu_s", "observing_s"}


def test_a_number_that_the_last_snapshot_lacks_keeps_its_panel(tmp_path):
    run = write_run(tmp_path / "run", ALL_STEPS[:3])
    path = run.path / "metrics.jsonl"
    first, *others = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(first), "pixel_error": 0.5}), *others, ""]))
    assert "pixel_error" in {panel.key for panel in run_panels(Record(run))}


def test_what_a_loop_logs_has_charts_of_its_own(tmp_path):
    watcher, network = watcher_of(tmp_path / "run", batch=4), Net()
    watcher.record(network, 0)
    for step in (1, 2, 3):
        scalars = {"loss": 1 / step, "val/accuracy": torch.tensor(step / 10)}
        watcher.log(scalars | ({"probe_r2": -2.0} if step == 2 else {}), step)
    watcher.close()

    record = Record(watcher.run)
    panels = {panel.key: panel for panel in run_panels(record) if panel.over == "scalars"}
    assert list(panels) == ["loss", "scalars.val/accuracy", "scalars.probe_r2"], (
        "none of what phasescope adds"
    )
    accuracy, own = panels["scalars.val/accuracy"], panels["scalars.probe_r2"]
    assert (accuracy.title, accuracy.yscale) == ("val/accuracy", "linear")
    assert accuracy.curves[0].x.tolist() == [4, 8, 12]
    assert accuracy.curves[0].y.round(6).tolist() == [0.1, 0.2, 0.3]
    assert accuracy.compared.line == accuracy.curves[0].label
    assert own.curves[0].y[1] == -2.0
    titles = [axes.get_title(loc="left") for axes in timeline(record).axes]
    assert "val/accuracy" not in titles, "a figure of all that a loop logs would have no end"


def test_texts_among_logged_scalars_are_left_out(tmp_path):
    run = write_run(tmp_path / "run", ALL_STEPS[:2])
    line = {"step": 1, "images_seen": 64, "note": "text", "flag": True, "nested": {"value": 1}, "speed": 2}
    (run.path / "scalars.jsonl").write_text(json.dumps(line) + "\n")
    own = [panel.key for panel in run_panels(Record(run)) if panel.key.startswith("scalars.")]
    assert own == ["scalars.speed"]
