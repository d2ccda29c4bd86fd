"""Names of factors become names of columns, of files' fields and words on pages: they are words."""

import numpy as np
import pytest

from phasescope import Factor, Factors, UserError
from phasescope.worlds import ImageWorld
from phasescope.worlds.designs import Union

HOSTILE = [
    "a<script>",
    "=b\n",
    "",
    " x",
    "x ",
    "a.b",
    "x,y",
    "x|600",
    "-x",
    "a\u202eb",
    "a\u200bb",
    "x" * 65,
    "a\x1b[2J",
    "@sum",
    "x;y",
    "x=1",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_of_a_factor_is_refused(name):
    with pytest.raises(ValueError, match=r"^`names` \(=.*\) must be words") as caught:
        Factors.named(["y", name])
    assert str(caught.value).isprintable()
    with pytest.raises(UserError, match="must be words"):
        ImageWorld.from_arrays(np.zeros((3, 8, 8)), np.arange(6.0).reshape(3, 2), names=["y", name])


@pytest.mark.parametrize(
    "name", ["x", "label1", "floor_hue", "log sigma", "größe", "色", "angle (°)", "share %", "n+1", "2nd"]
)
def test_a_word_is_taken(name):
    assert Factors.named([name]).names == (name,)


@pytest.mark.parametrize("name", ["a<script>", "b\n", "", "x\x1b[2J", '"quoted"', "a\u202eb"])
def test_a_hostile_name_of_a_class_is_refused(name):
    images, labels = np.zeros((3, 8, 8)), np.arange(3.0)
    with pytest.raises(UserError, match=r"`classes` \(=.*\) must be printable"):
        ImageWorld.from_arrays(images, labels, names=["kind"], classes={"kind": ["one", name, "two"]})


def test_names_of_classes_as_data_sets_have_them_are_taken():
    classes = ["T-shirt/top", "Ankle boot", "3-0-1"]
    images = np.linspace(-1, 1, 3 * 64).reshape(3, 8, 8)
    world = ImageWorld.from_arrays(images, np.arange(3.0), names=["kind"], classes={"kind": classes})
    assert world.factors[0].classes == tuple(classes)


def test_a_stored_factor_of_any_name_can_be_shown():
    """Records of others are escaped where they are shown, not refused."""
    assert Factors((Factor("a<b>", 0.0, 1.0),)).names == ("a<b>",)


def test_a_text_stands_for_the_class_of_that_name_or_for_a_number():
    colour = Factor("colour", 0.0, 2.0, categorical=True, classes=["blue", "green", "red"])
    assert [colour.number(text) for text in ("red", " blue ", "1")] == [2.0, 0.0, 1.0]
    assert Factor("x", 0.0, 9.0).number("4.5") == 4.5
    digit = Factor("digit", 3.0, 5.0, categorical=True, classes=["1", "2", "5"])
    assert digit.number("2") == 4.0, "a name comes first"

    with pytest.raises(ValueError, match=r"^`colour` \(=rde\) must be one of .*blue, green, red; .* is red$"):
        colour.number("rde")
    with pytest.raises(ValueError, match=r"^`x` \(=left\) must be a number$"):
        Factor("x", 0.0, 9.0).number("left")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("low", "high"), [(0.0, 2 * np.pi), (-np.pi, np.pi), (0.1, 0.7), (0.0, 360.0)])
def test_both_ends_of_a_period_are_one_place_in_either_precision(low, high, dtype):
    factors = Factors([Factor("angle", low, high, periodic=True), Factor("size", low, high)])
    ends = np.array([[low, low], [high, low], [low, high], [high, high]])
    inner = np.array([[0.5 * (low + high), high]])
    labels = np.concatenate([ends, ends.astype(np.float32), inner]).astype(dtype)
    placed = factors.places(labels)
    assert placed.dtype == dtype
    assert len(np.unique(placed[:, 0])) == 2
    assert len(np.unique(placed[:4], axis=0)) == 2
    np.testing.assert_array_equal(placed[:, 1], labels[:, 1])


def test_a_union_of_grids_of_either_end_has_each_place_of_a_period_once():
    factors = Factors([Factor("angle", 0.0, 2 * np.pi, periodic=True)])
    parts = [{"dangle": np.pi / 2, "ends": ends} for ends in ("low", "high")]
    union = Union.from_tree({"parts": parts}).along(factors)
    assert len(union.labels(factors)) == 4
