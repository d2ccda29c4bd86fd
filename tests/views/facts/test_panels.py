"""Every number that a run records has a panel."""

import json

from helpers.written_run import ALL_STEPS, write_run
from phasescope.views.facts.panels import run_panels
from phasescope.views.facts.record import Record


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
