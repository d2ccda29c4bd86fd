import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from helpers.packets import unpacked
from phasescope.views.web.packets import packet

SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5)
FLOATS = arrays.arrays(np.float32, SHAPES, elements=st.floats(width=32, allow_nan=True))
BYTES = arrays.arrays(np.uint8, SHAPES)


@given(FLOATS, BYTES, st.text(max_size=9))
def test_what_is_packed_comes_out_bit_for_bit(points, images, text):
    header, found = unpacked(packet({"text": text, "none": None}, images=images, points=points))
    assert header["text"] == text
    assert header["none"] is None
    assert found["points"].tobytes() == points.tobytes()
    assert found["images"].tobytes() == images.tobytes()


def test_order_in_memory_does_not_matter():
    turned = np.arange(6, dtype=np.float32).reshape(2, 3).T
    _, found = unpacked(packet({}, points=turned))
    np.testing.assert_array_equal(found["points"], turned)


def test_a_number_that_json_does_not_know_is_null():
    assert unpacked(packet({"x": float("nan")}))[0]["x"] is None


def test_other_types_are_refused_by_name():
    with pytest.raises(ValueError, match=r"`points`.*float64"):
        packet({}, points=np.zeros(3))
