import json

import pytest

from phasescope.measures import REPRESENTATION, Score, calibrate, gain
from phasescope.measures.learning.gain import LEAST_LEFT


def score(value, **nulls):
    return Score(value, value, value, n=512, estimator="given", nulls={"permuted": 0.01, **nulls})


def test_calibration_names_the_null_nearest_each_threshold_and_where_the_score_must_come_to():
    table = calibrate(
        order={
            "mid, t=50": score(0.9, untrained=0.39, pixels=0.6, label_embedding=1.0),
            "mid, t=600": score(0.9, untrained=0.1, pixels=0.0),
        },
        label_share={"mid, t=600": score(0.5, untrained=0.3)},
        dimension={"mid, t=600": score(5.0, permuted=45.0, pixels=163.0, label_embedding=20.0)},
    )
    found = table["order"]
    assert (found["threshold"], found["nearest"], found["null"], found["place"]) == (
        REPRESENTATION.order, 0.6, "pixels", "mid, t=50",
    )  # fmt: skip
    assert gain(score(found["level"], untrained=0.6)).value == pytest.approx(REPRESENTATION.order)
    assert (table["label_share"]["nearest"], table["label_share"]["null"]) == (0.3, "untrained")
    assert table["label_share"]["level"] == pytest.approx(0.3 + 0.7 * REPRESENTATION.label_share)
    assert (table["dimension"]["nearest"], table["dimension"]["level"]) == (45, 20)
    assert all(row["clear"] for row in table.values())
    assert json.loads(json.dumps(table)) == table


def test_calibration_leaves_out_what_has_no_nulls():
    bare = Score(5.0, 4.0, 6.0, n=10, estimator="given")
    assert calibrate(order={}, label_share={"mid": bare}, dimension={"mid": bare}) == {}


def test_a_null_that_leaves_nothing_is_not_clear():
    for left in (LEAST_LEFT / 2, 2 * LEAST_LEFT):
        found = calibrate({"mid": score(0.99, untrained=1 - left)}, {"mid": score(0.5, untrained=1 - left)})
        assert found["order"]["clear"] == found["label_share"]["clear"] == (left > LEAST_LEFT)
    for least in (REPRESENTATION.dimension - 3, REPRESENTATION.dimension + 3):
        found = calibrate({}, {}, {"mid": score(5.0, untrained=least, permuted=45.0)})
        assert found["dimension"]["clear"] == (least > REPRESENTATION.dimension)
