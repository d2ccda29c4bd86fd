"""The phase of the sheet, on simulated clouds and courses whose phase is known."""

import numpy as np
import pytest

from helpers.clouds import cloud, readings, surface
from phasescope import Factor, Factors
from phasescope.measures import (
    label_variance,
    participation_ratio,
    phase_sequence,
    sheet_phase,
    sheet_readings,
)

LENGTH = 0.5


def phase(kind: str, share: float, rng: np.random.Generator, features: int = 128) -> str:
    return readings(*cloud(kind, 128, features, share, rng, LENGTH), resamples=50)["phase"]


@pytest.mark.parametrize(
    ("kind", "share", "expected"),
    [
        ("noise", 0.0, "A"), ("scattered", 0.98, "A"), ("ordered", 0.5, "A"), ("regions", 0.95, "A"),
        ("permuted", 0.95, "B"), ("patches", 0.95, "B"), ("folded", 0.95, "B"), ("ordered", 0.95, "C"),
        ("snake", 0.95, "C"),  # it has one dimension only, for which the rule does not ask
    ],
)  # fmt: skip
def test_each_cloud_is_in_its_phase(kind, share, expected):
    rng = np.random.default_rng(3)
    assert [phase(kind, share, rng) for _ in range(3)] == [expected] * 3


@pytest.mark.parametrize(
    ("course", "expected"),
    [
        ([("noise", 0), ("patches", 0.5), ("patches", 0.95), ("ordered", 0.95)], ["A", "B", "C"]),
        ([("noise", 0), ("ordered", 0.5), ("ordered", 0.95)], ["A", "C"]),
        ([("ordered", 0.95), ("ordered", 0.99)], ["C"]),
        ([("scattered", 0.5), ("scattered", 0.99)], ["A"]),
    ],
)
def test_each_course_is_told_from_the_others(course, expected):
    rng = np.random.default_rng(4)
    assert phase_sequence([phase(kind, share, rng) for kind, share in course]) == expected


def test_what_changes_the_phase_of_an_ordered_sheet_and_what_does_not():
    rng = np.random.default_rng(5)
    labels, draws = cloud("ordered", 128, 128, 0.95, rng, LENGTH)
    noise = rng.normal(size=draws.shape) * draws.std()
    assert readings(labels, draws, 50)["phase"] == "C"
    assert readings(labels[rng.permutation(128)], draws, 50)["phase"] == "B"
    assert readings(labels, draws + noise, 50)["phase"] == "A"
    doubled = np.concatenate([draws, draws], axis=2)
    assert readings(labels, doubled, 50)["phase"] == "C"


def test_the_trustworthiness_of_draws_ignores_the_labels_and_order_ignores_their_scale():
    rng = np.random.default_rng(6)
    labels, draws = cloud("ordered", 64, 32, 0.95, rng, LENGTH)
    first = sheet_readings(draws, labels, resamples=50)
    shuffled = sheet_readings(draws, labels[::-1], resamples=50)
    assert shuffled["sheet_trustworthiness"].value == pytest.approx(first["sheet_trustworthiness"].value)
    assert first["label_trustworthiness"].value > 0.98 > 0.6 > shuffled["label_trustworthiness"].value
    in_one = np.concatenate([draws, np.zeros_like(draws[..., :1])], axis=2)
    in_one[0, :, -1] = rng.random(len(labels))  # constant in the other draw
    assert sheet_readings(in_one, labels, resamples=50)["sheet_trustworthiness"].value > 0.9
    scaled = sheet_readings(draws, 7 * labels, resamples=50)["label_trustworthiness"].value
    assert scaled == pytest.approx(first["label_trustworthiness"].value, abs=1e-3)


def test_a_surface_has_the_length_scale_that_it_is_given():
    rng = np.random.default_rng(7)
    places = np.array([[0.0, 0.0], [0.5, 0.0], [2.0, 0.0]])
    near, far = np.corrcoef(surface(places, 4000, 0.5, rng))[0, 1:]
    assert near == pytest.approx(np.exp(-0.5), abs=0.1)  # the kernel at one length scale
    assert abs(far) < 0.15


def test_a_reading_near_its_threshold_is_undecided():
    rng = np.random.default_rng(8)
    labels, draws = cloud("ordered", 128, 128, 0.7, rng, 0.25)
    of_sheet = sheet_readings(draws, labels)
    share = label_variance(draws)
    assert share.low < 0.7 < share.high
    dimension = participation_ratio(draws.mean(axis=0))
    found = sheet_phase(share, dimension, *of_sheet.values())
    assert found in ("A", "undecided")


def test_one_draw_is_refused():
    with pytest.raises(ValueError, match="at least 2 noise draws"):
        sheet_readings(np.zeros((1, 64, 3)), np.zeros((64, 2)))


def test_classes_without_order_are_refused():
    rng = np.random.default_rng(9)
    labels, draws = cloud("ordered", 64, 32, 0.95, rng, LENGTH)
    factors = Factors((Factor("class", 0.0, 9.0, categorical=True), Factor("y", 0.0, 9.0)))
    with pytest.raises(ValueError, match=r"`factors` \(class is categorical\) must have an order"):
        sheet_readings(draws, labels, factors)
