"""Data sets in memory: of torch, of Hugging Face, and lists of items."""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, TensorDataset

from helpers.squares import drawn_squares
from phasescope import UserError
from phasescope.core.errors import SourceFailed
from phasescope.worlds import ImageWorld

IMAGES, XY, COLOURS = drawn_squares(30)
NAMES = sorted(set(COLOURS))
FACTORS = {"x": {"tolerance": 1.0}, "y": {"period": 32.0}, "colour": "categorical"}
ITEMS = [
    {"image": Image.fromarray(image), "x": float(x), "y": float(y), "colour": str(colour)}
    for image, (x, y), colour in zip(IMAGES, XY, COLOURS, strict=True)
]


class Squares(Dataset):
    """Items as torchvision has them: tensors (C, H, W) in [0, 1], and the class as a number."""

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, k):
        image = torch.from_numpy(IMAGES[k]).permute(2, 0, 1) / 255
        return image, NAMES.index(COLOURS[k]), torch.tensor(XY[k, 0])


def expected(world: ImageWorld, k: int, label: list[float]) -> None:
    shown = world.render(torch.tensor([label], dtype=torch.float32))[0].numpy()
    np.testing.assert_allclose(shown, IMAGES[k].transpose(2, 0, 1) / 127.5 - 1, atol=1e-5)


def test_items_that_are_mappings_with_pillow_images():
    world = ImageWorld.from_dataset(ITEMS, factors=FACTORS)
    x, y, colour = world.factors
    assert (x.name, y.periodic, y.span, colour.classes) == ("x", True, 32.0, tuple(NAMES))
    assert world.tolerance == {"x": 1.0}
    for k in (0, 29):
        expected(world, k, [*XY[k], NAMES.index(COLOURS[k])])
    assert ImageWorld.from_dataset(ITEMS).factors.names == ("x", "y", "colour")
    assert ImageWorld.from_dataset(ITEMS, factors=["y", "x"]).factors.names == ("y", "x")


def test_a_torch_data_set_of_tuples():
    factors = {"colour": {"column": 1, "classes": NAMES}, "x": {"column": 2}}
    world = ImageWorld.from_dataset(Squares(), image=0, factors=factors)
    assert world.factors[0].classes == tuple(NAMES)
    expected(world, 3, [NAMES.index(COLOURS[3]), XY[3, 0]])
    tensors = TensorDataset(torch.from_numpy(IMAGES), torch.from_numpy(XY[:, 0]))
    assert ImageWorld.from_dataset(tensors, image=0, factors={"x": {"column": 1}}).shape == (3, 32, 32)


def test_a_hidden_factor_varies_and_is_not_given_to_the_network():
    world = ImageWorld.from_dataset(ITEMS, factors={**FACTORS, "colour": "hidden", "x": {}})
    assert world.factors.visible.names == ("x", "y")
    assert world.factors.names == ("x", "y", "colour")


class Labelled(list):
    """Items whose classes are known by their numbers, as `datasets.ClassLabel` has them."""

    features: ClassVar = {"colour": SimpleNamespace(names=["red", "green", "blue"])}


@pytest.mark.parametrize("number", [-1, 3])
def test_a_class_that_does_not_exist_is_no_other_one(number):
    images = [item["image"] for item in ITEMS]
    items = Labelled({"image": image, "colour": k % 3} for k, image in enumerate(images))
    assert ImageWorld.from_dataset(items).factors[0].classes == ("red", "green", "blue")
    items[4]["colour"] = number
    with pytest.raises(UserError, match=rf"`colour` \(={number}, item 4\) must be a class from 0 to 2"):
        ImageWorld.from_dataset(items)


def test_a_data_set_of_hugging_face_with_its_images_and_class_names():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "x": datasets.Value("float64"),
            "colour": datasets.ClassLabel(names=["none", "red", "green", "blue"]),
        }
    )
    columns = {name: [item[name] for item in ITEMS] for name in ("image", "x", "colour")}
    world = ImageWorld.from_dataset(datasets.Dataset.from_dict(columns, features=features))
    assert world.factors.names == ("x", "colour")
    assert world.factors[1].classes == ("red", "green", "blue"), "in its order, those that have an image"
    for k in (0, 29):
        expected(world, k, [XY[k, 0], ("red", "green", "blue").index(COLOURS[k])])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"image": "picture"}, "`image` (=picture) must be a key of an item: image, x, y, colour"),
        ({"factors": {"z": {}}}, "`factors` (=z, of column z) must be a key of an item: image, x, y, colour"),
        ({"factors": {"x": {"periode": 3}}}, "`factors` (x: periode=3) must have only column, period"),
        ({"factors": {"x": {"periode": 3}}}, "the most similar one is period"),
        ({"factors": {"x": "class"}}, "`factors` (x=class) must be continuous, categorical, hidden"),
        ({"factors": {"x": {"period": 3, "span": 4}}}, "`factors` (x: span=4) must be left out"),
        ({"factors": "x"}, "`factors` (=x) must be a list of names"),
        ({"factors": []}, "`factors` (=[]) must name a factor"),
        ({"factors": {"x": 3}}, "`factors` (x=3) must be one of"),
        ({"dataset": iter(ITEMS)}, "`dataset` (=list_iterator) must have a length"),
        ({"dataset": ITEMS[:1]}, "`dataset` (=1 items) must have two images"),
        ({"dataset": [*ITEMS, {"image": ITEMS[0]["image"]}]}, "`dataset` (=item 30) must have 'x'"),
        ({"dataset": [*ITEMS, {**ITEMS[0], "x": float("nan")}]}, "`x` (=nan, item 30) must be finite"),
        ({"dataset": [*ITEMS, {**ITEMS[0], "image": "a.png"}]}, "`image` (=item 30, str of shape ()) must be a Pillow"),
        ({"dataset": Squares(), "image": 0}, "`factors` (=None) must be given for items that are tuples"),
    ],
)  # fmt: skip
def test_what_is_no_data_set_is_refused(given, said):
    with pytest.raises(UserError) as caught:
        ImageWorld.from_dataset(**{"dataset": ITEMS, **given})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_data_set_that_raises_is_named_with_its_line():
    class Broken(Squares):
        def __getitem__(self, k):
            raise OSError("the disk is gone")

    with pytest.raises(
        SourceFailed, match=r"`dataset` \(=Broken\) must give its items: OSError: the disk is gone \(.*\.py:"
    ):
        ImageWorld.from_dataset(Broken(), image=0)


@pytest.mark.parametrize("texts", [["0", "2", "10"], ["10", "0", "2"]])
def test_texts_of_one_factor_are_classes_even_if_they_read_as_numbers(texts):
    """As numbers they would be a continuous factor, of which every score is meaningless."""
    images = np.random.default_rng(0).random((6, 8, 8))
    for labels in (np.array(texts * 2), texts * 2):
        (factor, *_) = ImageWorld.from_arrays(images, labels, names=["digit"]).factors
        assert factor.categorical
        assert factor.classes == ("0", "2", "10")


@pytest.mark.parametrize("said", [{"tolerance": {"x": 1.0}}, {"span": {"x": 20.0}}, {"span": (20.0,)}])
def test_texts_of_a_factor_that_is_described_as_a_number_are_numbers(said):
    images = np.random.default_rng(0).random((6, 8, 8))
    (factor, *_) = ImageWorld.from_arrays(images, ["0", "2", "10"] * 2, names=["x"], **said).factors
    assert not factor.categorical
