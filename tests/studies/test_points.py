"""The points of a sweep, drawn or in every combination, with fields that only some of them have; which field matters."""

import numpy as np
import pytest

from phasescope import UserError
from phasescope.studies.importance import importances
from phasescope.studies.points import Interval, field_of, points_of
from phasescope.studies.sweep import sweep_of, varied_fields

MOMENTUM = "training.optimiser.momentum=.9,.95 if training.optimiser.kind=muon"


def values(points, *path):
    return [{tuple(key): value for key, value in point}.get(path) for point in points]


def test_a_conditional_field_is_only_where_its_condition_holds():
    points = points_of([field_of("training.optimiser.kind=adamw,muon,sgd"), field_of(MOMENTUM)])
    kinds, momenta = (
        values(points, "training", "optimiser", "kind"),
        values(points, "training", "optimiser", "momentum"),
    )
    assert list(zip(kinds, momenta, strict=True)) == [
        ("adamw", None),
        ("muon", 0.9),
        ("muon", 0.95),
        ("sgd", None),
    ]


def test_a_condition_may_be_on_a_field_of_one_value():
    fields = [field_of("training.optimiser.kind=muon"), field_of(MOMENTUM)]
    assert values(points_of(fields), "training", "optimiser", "momentum") == [0.9, 0.95]


@pytest.mark.parametrize("drawing", ["sobol", "random"])
def test_drawn_points_are_the_same_each_time_and_lie_in_their_intervals(drawing):
    fields = [
        field_of("training.optimiser.lr=1e-4..1e-1:log", is_drawn=True),
        field_of("training.batch=8,16"),
    ]
    points = points_of(fields, 32, drawing)
    assert points == points_of(fields, 32, drawing)
    rates = values(points, "training", "optimiser", "lr")
    assert len(set(rates)) == 32
    assert all(1e-4 <= rate <= 1e-1 for rate in rates)
    assert set(values(points, "training", "batch")) == {8, 16}


def test_sobols_points_are_even_in_the_logarithm():
    points = points_of([field_of("training.optimiser.lr=1e-4..1e-1:log", is_drawn=True)], 32)
    decades = np.floor(np.log10(values(points, "training", "optimiser", "lr")))
    # 32 points, one in each 32nd of three decades: 10 or 11 a decade.
    assert sorted(np.unique(decades, return_counts=True)[1]) in ([10, 11, 11], [10, 10, 12])


@pytest.mark.parametrize("is_log", [False, True])
def test_whole_numbers_have_both_ends_and_none_outside(is_log):
    interval = Interval(2, 5, is_log=is_log, is_whole=True)
    drawn = [interval.at(share) for share in np.linspace(0, 1, 1001)]
    assert set(drawn) == {2, 3, 4, 5}
    if not is_log:
        assert np.unique(drawn, return_counts=True)[1] == pytest.approx(250, abs=2)


def test_points_that_are_the_same_are_one():
    assert len(points_of([field_of("training.batch=8,16")], 64)) == 2


def test_a_drawn_sweep_has_as_many_cells_and_a_name_of_its_own():
    words = ["preset=fast", "training.optimiser.lr=1e-4..1e-2:log", "training.batch=8..64"]
    sweep = sweep_of(words, drawn=16)
    assert len(sweep.cells) == 16
    assert sweep.name == sweep_of(words, drawn=16).name != sweep_of(words, drawn=16, drawing="random").name
    assert set(varied_fields(sweep.cells)) == {"training.optimiser.lr", "training.batch"}
    assert [plot.name for plot in sweep.plots if plot.name.startswith("importance")]
    assert not [
        plot for plot in sweep_of(["preset=fast", "training.batch=8,16"]).plots if "importance" in plot.name
    ]


@pytest.mark.parametrize(
    ("words", "options", "rule"),
    [
        (["training.batch=8..64"], {"drawn": 12}, r"`--draw` \(=12\) must be a power of 2"),
        (["training.batch=8"], {"drawn": 8}, r"`--draw` \(=8\) must be given with fields to draw"),
        (["training.batch=8..64"], {"drawn": 0}, r"`--draw` \(=0\) must be from 1 to 4096"),
        (["training.optimiser.lr=1e-1..1e-3"], {"drawn": 8}, r"`training.optimiser.lr` .* rising ends"),
        (
            ["training.optimiser.lr=1e-4..1e-1:log"],
            {},
            r"`training.optimiser.lr` .* with --draw, an interval",
        ),
        (
            [MOMENTUM],
            {},
            r"`training.optimiser.momentum` \(=if training.optimiser.kind\) must depend on a field",
        ),
        (["training.device=cpu,cuda"], {}, r"`training.device` \(=2 values\) must have one"),
    ],
)
def test_what_is_no_sweep_is_refused_by_name(words, options, rule):
    with pytest.raises(UserError, match=rule):
        sweep_of(words, **options)


@pytest.mark.slow
def test_the_field_that_matters_is_the_one_that_matters():
    rng = np.random.default_rng(0)
    given = rng.uniform(size=(80, 3))
    y = given[:, 1] ** 2 + 0.05 * rng.standard_normal(80)
    losses, explained = importances(given, y, groups=np.arange(80))
    assert losses.shape == (5, 3)
    assert explained > 0.8
    first, second, third = losses.mean(axis=0)
    assert second > 1
    assert max(abs(first), abs(third)) < 0.1


@pytest.mark.slow
def test_where_nothing_matters_nothing_is_explained():
    rng = np.random.default_rng(1)
    losses, explained = importances(rng.uniform(size=(80, 2)), rng.standard_normal(80), np.arange(80))
    assert explained < 0.1
    assert np.abs(losses.mean(axis=0)).max() < 0.3
