"""Names of factors become names of columns, of files' fields and words on pages: they are words."""

import numpy as np
import pytest

from phasescope import Factor, Factors, UserError
from phasescope.worlds import ImageWorld

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
