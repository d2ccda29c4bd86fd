"""What pages say of the condition meter, of a run whose readings are written by hand."""

import numpy as np
import pytest

from helpers.made_runs import make_run
from phasescope import Run, UserError
from phasescope.runs.store import hold
from phasescope.views.facts.meter import meter_panels, meter_sentences
from phasescope.views.facts.record import Record
from phasescope.views.figures.drawing import draw_panels

EDGES = ((-10.0, -2.0), (-2.0, 6.0))


def mean(value: float | None, se: float = 0.01) -> dict | None:
    return None if value is None else {"value": value, "se": se}


def line(step: int, use: float | None, advantage: float) -> dict:
    bands = [
        {
            "pairs": "held_out", "exchanged": "all", "low": low, "high": high, "draws": 8,
            "loss": mean(1.0), "advantage": mean(advantage * share), "alignment": mean(0.1),
            "use": mean(None if use is None else use * share), "removable": None, "over_none": None, "nats": None,
        }
        for share, (low, high) in zip((1.0, 0.2), EDGES, strict=True)
    ]  # fmt: skip
    deciding = {"number": 0, "low": -10.0, "high": -2.0, "by": "exact answers"}
    return {"step": step, "images_seen": 16 * step, "wall_s": 0.1, "deciding": deciding, "bands": bands}


def run_with(tmp_path, *lines: dict, state: str = "running") -> Run:
    run = make_run(tmp_path, state=state)
    with hold(run.path, run.config) as folder:
        folder.append_lines("meter.jsonl", lines)
    return run


USES = [line(step, use, use) for step, use in ((0, 0.0), (5, 0.08), (10, 0.15), (15, 0.27), (20, 0.6))]


def test_the_map_and_the_curve_are_those_of_the_readings(tmp_path):
    record = Record(run_with(tmp_path, *USES, line(25, 0.9, 0.9)))
    mesh, curve = meter_panels(record)
    assert mesh.x.tolist() == [0, 80, 160, 240, 320]  # up to the last snapshot
    assert mesh.mesh.values.tolist() == [[0, 0, 1, 1, 3], [0, 0, 0, 0, 1]]
    assert list(mesh.mesh.borders) == [-10, -2, 6]
    (held_out,) = curve.curves
    np.testing.assert_allclose(held_out.y, [0, 0.08, 0.15, 0.27, 0.6])
    assert (held_out.low < held_out.y).all()
    assert draw_panels([mesh, curve]) is not None


def test_without_exact_answers_a_band_is_compared_with_its_own_most(tmp_path):
    record = Record(run_with(tmp_path, line(0, None, 0.0), line(10, None, 4.0), line(20, None, 8.0)))
    mesh, curve = meter_panels(record)
    assert "Advantage" in mesh.title
    assert mesh.mesh.values.tolist() == [[0, 3, 5], [0, 3, 5]]
    assert curve.ylabel == "advantage"


def test_show_says_how_much_the_label_is_used_and_since_when(tmp_path):
    run = run_with(tmp_path, *USES)
    first, second = meter_sentences(Record(run))
    assert "use of the label is 0.6" in first
    assert "above its noise from step 5 on" in first
    assert "use 0.5 was passed at 2" in second


def test_a_forecast_of_a_run_that_still_trains_is_in_images_seen(tmp_path):
    uses = [1 / (1 + np.exp(4 - step / 5)) for step in range(0, 16, 3)]
    lines = [line(step, use, use) for step, use in zip(range(0, 16, 3), uses, strict=True)]
    for each in lines:
        each["bands"][0]["use"]["se"] = 0.001
    run = run_with(tmp_path, *lines)
    forecast = run.forecast()
    assert forecast.at == pytest.approx(16 * 20, rel=1e-3)
    assert "hardly calibrated" in meter_sentences(Record(run))[1]


def test_a_run_that_was_not_metered_says_nothing(tmp_path):
    run = make_run(tmp_path)
    assert meter_sentences(Record(run)) == []
    assert list(meter_panels(Record(run))) == []
    with pytest.raises(UserError, match="must have readings of the use of its label"):
        run.forecast()
