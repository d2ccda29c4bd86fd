"""What pages say of the condition meter, of a run whose readings are written by hand."""

import numpy as np
import pytest

from helpers.made_runs import make_run
from helpers.metered_run import line, run_with
from phasescope import UserError
from phasescope.measures.use_forecast import WIDENING
from phasescope.views.facts.meter import meter_panels, meter_sentences
from phasescope.views.facts.record import Record
from phasescope.views.figures.drawing import draw_panels

USES = [line(step, use, use) for step, use in ((0, 0.0), (5, 0.08), (10, 0.15), (15, 0.27), (20, 0.6))]


def test_the_map_and_the_curve_are_those_of_the_readings(tmp_path):
    record = Record(run_with(tmp_path, *USES, line(25, 0.9, 0.9)))
    mesh, curve = meter_panels(record)
    assert mesh.x.tolist() == [0, 80, 160, 240, 320, 400]  # also after the last snapshot
    assert mesh.mesh.values.tolist() == [[0, 0, 1, 1, 3, 5], [0, 0, 0, 0, 1, 1]]
    assert list(mesh.mesh.borders) == [-10, -2, 6]
    (held_out,) = curve.curves
    np.testing.assert_allclose(held_out.y, [0, 0.08, 0.15, 0.27, 0.6, 0.9])
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
    lines = [line(step, use, use, se=0.001) for step, use in zip(range(0, 16, 3), uses, strict=True)]
    run = run_with(tmp_path, *lines)
    forecast = run.forecast()
    assert forecast.at - 16 * 15 == pytest.approx(WIDENING.middle * 16 * 5, rel=1e-2)
    assert "80% interval" in meter_sentences(Record(run))[1]


def test_the_panel_of_use_has_the_stretch_in_which_the_forecast_lies(tmp_path):
    uses = [1 / (1 + np.exp(4 - step / 5)) for step in range(0, 16, 3)]
    run = run_with(tmp_path, *(line(step, use, use) for step, use in zip(range(0, 16, 3), uses, strict=True)))
    forecast = run.forecast()
    _, use = meter_panels(Record(run))
    stretch = use.expected
    assert (stretch.low, stretch.at, stretch.high) == (forecast.low, forecast.at, forecast.high)
    assert stretch.low < stretch.at < stretch.high
    assert "use 0.5" in stretch.label


def test_a_run_that_is_done_has_a_stretch_only_of_what_it_passed(tmp_path):
    *_, below = meter_panels(Record(run_with(tmp_path / "below", *USES[:4], state="done")))
    *_, passed = meter_panels(Record(run_with(tmp_path / "passed", *USES, state="done")))
    assert below.expected is None
    assert passed.expected.low == passed.expected.at == passed.expected.high


def test_a_run_that_was_not_metered_says_nothing(tmp_path):
    run = make_run(tmp_path)
    assert meter_sentences(Record(run)) == []
    assert list(meter_panels(Record(run))) == []
    with pytest.raises(UserError, match="must have readings of the use of its label"):
        run.forecast()
