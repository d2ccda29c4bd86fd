"""What records say of a run is what the run said itself, by the same thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from phasescope.places import Place
from phasescope.studies.core.claim import NotEnough
from phasescope.studies.core.criteria import (
    P1_PLACE,
    RAW_ORDERED,
    accurate,
    column,
    onsets,
    ordered,
    phases_of,
    phases_over_range,
    runs_of,
)
from phasescope.studies.core.made import made_run, rise
from phasescope.studies.found._cells import X, fast_grid


@pytest.fixture(scope="module")
def run():
    return made_run(X, 0, "fast", formed=rise(150, 20), x=rise(400, 15), y=rise(410, 15), p1=rise(350, 10))


def test_accurate_is_phase_c_of_behaviour(run):
    assert accurate("grid")(run).tolist() == [phase == "C" for phase in phases_of(run)]


def test_an_axis_is_right_at_least_as_often_as_both(run):
    both = accurate("grid")(run)
    for axis in ("x", "y"):
        assert (accurate("grid", axis)(run) >= both).all()


def test_a_representation_is_ordered_where_it_is_in_phase_c(run):
    for passing, reading in (
        (RAW_ORDERED, "representation"),
        (ordered("p1_order", P1_PLACE), "representation_p1"),
    ):
        in_c = np.array(phases_of(run, reading)) == "C"
        assert 0 < in_c.sum() < len(in_c)
        np.testing.assert_array_equal(passing(run), in_c)


def test_order_within_a_null_is_none(run):
    assert not RAW_ORDERED(run.assign(**{"order.mid.600.nulls.pixels": 1.0})).any()
    assert RAW_ORDERED(run.assign(**{"order.mid.600.nulls.label_embedding": 1.0})).any()


def phases_at(run, place: Place, order: str = "order", threshold: float = 0.8):
    return phases_over_range(run, place, order).by_threshold[threshold]


def test_phases_at_a_place_are_those_that_the_run_recorded(run):
    assert phases_at(run, Place("mid", 600)) == phases_of(run, "representation")
    assert phases_at(run, Place("down3", 600), "p1_order") == phases_of(run, "representation_p1")


def test_phases_at_another_threshold_and_over_a_range_of_them():
    """Order comes to a gain of 0.65 and stays; or it comes to 0.9, and falls back to 0.72."""
    mid = Place("mid", 600)
    courses = {
        "between": lambda steps: 0.65 * rise(150, 10)(steps),
        "falling": lambda steps: 0.9 * rise(150, 10)(steps) - 0.18 * rise(400, 1)(steps),
    }
    between, falling = (
        made_run(X, 0, "fast", formed=rise(150, 20), x=rise(400, 15), y=rise(410, 15), raw=course)
        for course in courses.values()
    )
    assert phases_at(between, mid)[-1] == "B"
    assert phases_at(between, mid, threshold=0.5)[-1] == "C"
    assert phases_over_range(between, mid).sequence == "undecided"
    assert phases_over_range(between, mid).agreed[-1] == "undecided"
    assert phases_at(falling, mid)[-1] == "C"
    assert ordered("order", mid)(falling)[-1]
    assert not ordered("order", mid, hysteresis=0.0)(falling)[-1]
    assert phases_over_range(falling, mid).sequence == ["A", "B", "C"]
    assert ordered("order", mid, threshold=0.5)(between)[-1]
    assert not ordered("order", mid)(between).any()


def test_phases_at_take_no_word_of_the_run_for_it(run):
    """Runs of any age are told by one rule: by their scores."""
    other = run.assign(**{"phase.representation": "C"})
    assert phases_at(other, Place("mid", 600)) == phases_of(run, "representation")


def test_a_place_that_was_not_read_is_undecided(run):
    missing = run.assign(**{name: np.nan for name in run if name.startswith("order.mid.600.")})
    assert set(phases_at(missing, Place("mid", 600))) == {"undecided"}
    with pytest.raises(NotEnough, match=r"order\.mid\.600\.nulls\.untrained"):
        phases_at(run.drop(columns="order.mid.600.nulls.untrained"), Place("mid", 600))


def test_onsets_in_steps_images_and_epochs_are_one_moment(run):
    by_step, by_images, by_epochs = (
        onsets([run], accurate("grid"), counting) for counting in ("step", "images_seen", "epochs")
    )
    assert by_images.onset[0] == 16 * by_step.onset[0]
    assert by_epochs.onset[0] == pytest.approx(by_images.onset[0] / 1024)
    assert by_step.without[0] < by_step.onset[0] <= by_step.last[0] == 630


def test_an_onset_holds_for_good():
    run = made_run(X, 0, "fast", formed=lambda s: np.ones(len(s)), x=rise(300, 5), y=rise(300, 5))
    dip = run["step"] == 450
    run.loc[dip, "accuracy.grid.joint"] = 0.2
    found = onsets([run], accurate("grid"))
    assert (found.without[0], found.onset[0]) == (450, 480)
    never = onsets([run.assign(**{"accuracy.grid.joint": 0.4})], accurate("grid"))
    assert np.isnan(never.onset[0])
    assert never.without[0] == never.last[0] == 630


def test_runs_come_by_cell_and_seed_each_by_step(run):
    shuffled = run.sample(frac=1, random_state=0)
    (only,) = runs_of(shuffled, [X.name])
    assert only["step"].is_monotonic_increasing
    with pytest.raises(NotEnough, match="d=\\(4, 4\\)"):
        runs_of(run, [fast_grid(4.0, 4.0).name])


def test_a_missing_column_is_named(run):
    with pytest.raises(NotEnough, match=r"order\.up1\.600\.low"):
        column(run, "order.up1.600.low")
    with pytest.raises(NotEnough, match=r"phase\.other"):
        phases_of(run, "other")
