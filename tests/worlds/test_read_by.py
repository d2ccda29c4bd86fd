"""What is read of images of one's own: by a regression, by a reader of one's own, and between trained labels."""

import sys

import numpy as np
import pytest
import torch

from benchmarks.own_images import seen_squares
from examples.squares import COLOURS, drawn_squares
from phasescope import UserError, load_config
from phasescope.core.factors import Factor, Factors
from phasescope.runs.probing.meter import meter_of
from phasescope.worlds import ImageWorld
from phasescope.worlds.images.regressor import FOLDS, READ, RegressedLabels

WORDS = sorted(COLOURS)
NAMES = ["x", "y", "colour"]
OWN = """
import numpy as np
from phasescope import Outcome, Reader

class Brightness(Reader):
    outcomes = (Outcome("other", "B", "#e69f00"), Outcome("correct", "C", "#0072b2"))

    def __init__(self, world, most=0.1):
        self.world, self.most = world, most

    def read(self, images):
        return {"level": images.mean(axis=(1, 2, 3))}

    def errors(self, columns, labels):
        return (columns["level"] - labels[:, 0])[:, None]

    def correct(self, columns, labels):
        return np.abs(self.errors(columns, labels)) <= self.most

    def outcome(self, columns, labels):
        return np.where(self.correct(columns, labels).all(axis=1), "correct", "other")


class Shapeless(Brightness):
    def correct(self, columns, labels):
        return super().correct(columns, labels)[:, 0]
"""


def squares(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 3, 32, 32) in [-1, 1], and labels (x, y, number of the colour)."""
    images, xy, words = drawn_squares(n, seed)
    labels = np.column_stack([xy, [WORDS.index(word) for word in words]])
    return (images.transpose(0, 3, 1, 2) / 127.5 - 1).astype(np.float32), labels.astype(np.float32)


@pytest.fixture(scope="module")
def world() -> ImageWorld:
    images, labels = squares(200)
    return ImageWorld.from_arrays(
        images,
        labels,
        names=NAMES,
        classes={"colour": WORDS},
        tolerance={"x": 1.0, "y": 1.0},
        read_by="regressor",
    )


@pytest.mark.slow
def test_the_error_on_images_left_out_is_that_on_new_images():
    images, labels = squares(200)
    factors = Factors([Factor("x", 5, 27), Factor("y", 5, 27), Factor("colour", 0, 2, categorical=True)])
    reader = RegressedLabels(images, labels, factors)
    new, asked = squares(400, seed=1)
    columns = reader.read(new)
    errors = np.abs(reader.errors(columns, asked))

    bound = np.quantile(reader.held_out_errors, READ, axis=0)[:2]
    assert (errors[:, :2] <= bound).mean(axis=0) == pytest.approx(READ, abs=0.045)  # of 200 quantiles
    assert errors[:, 2].mean() == pytest.approx(reader.held_out_errors[:, 2].mean(), abs=0.02)
    assert reader.correct(columns, asked).all(axis=1).mean() == pytest.approx(reader.real_right, abs=0.05)
    # The images that it was fitted to tell nothing.
    assert np.abs(reader.errors(reader.read(images), labels)).max() < 0.05


def test_copies_of_an_image_are_left_out_with_it():
    images, labels = squares(40)
    factors = Factors([Factor("x", 5, 27), Factor("y", 5, 27), Factor("colour", 0, 2, categorical=True)])
    twice = RegressedLabels(np.tile(images, (FOLDS, 1, 1, 1)), np.tile(labels, (FOLDS, 1)), factors)
    assert np.median(twice.held_out_errors[:, :2]) > 0.2


def test_no_square_is_correct_that_is_none(world):
    reader, (images, labels) = world.reader(), squares(300, seed=2)
    rng = np.random.default_rng(0)
    others = np.roll(images, 1, axis=0)
    apart = np.abs(labels - np.roll(labels, 1, axis=0))[:, :2].max(axis=1) > 4
    scrambled = images.reshape(300, 3, -1)[:, :, rng.permutation(32 * 32)].reshape(images.shape)
    cases = {
        "blank": np.ones_like(images),
        "two": np.minimum(images, others)[apart],
        "mean of two": ((images + others) / 2)[apart],
        "faint": (1 + images) / 2,
        "scrambled": scrambled,
        "noise": rng.uniform(-1, 1, images.shape),
        "not finite": np.where(images < 1, np.nan, images),
    }
    for name, wrong in cases.items():
        asked = labels[apart] if len(wrong) < 300 else labels
        turned_out = reader.outcome(reader.read(wrong.astype(np.float32)), asked)
        assert (turned_out == "malformed").mean() > 0.98, name

    noisy = images + 0.05 * rng.normal(size=images.shape)
    assert (reader.outcome(reader.read(noisy), labels) == "malformed").mean() < 0.05
    moved = labels + np.array([4.0, 0, 0], np.float32)
    assert (reader.outcome(reader.read(images), moved) == "other label").mean() > 0.9


def test_a_factor_is_correct_where_a_check_of_its_own_says_so(world):
    """The reader and the centre of mass, which know nothing of one another, agree on real images of other labels."""
    images, labels = squares(400, seed=3)
    asked = labels.copy()
    asked[::2, 0] += np.random.default_rng(0).uniform(-4, 4, 200)
    reader = world.reader()
    said = reader.correct(reader.read(images), asked).all(axis=1)
    xy, words = seen_squares(images)
    near = (np.abs(xy - asked[:, :2]) <= 1).all(axis=1)
    assert (words == np.array(WORDS)[labels[:, 2].astype(int)]).all()
    np.testing.assert_allclose(xy, labels[:, :2], atol=0.05)
    assert (said == near).mean() > 0.93
    assert (said & ~near).sum() / said.sum() < 0.05


def test_a_periodic_factor_is_read_round_its_seam():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 360, 300)
    at = np.arange(16) - 7.5
    turn = np.deg2rad(angle)[:, None, None]
    along = at * np.cos(turn) + at[:, None] * np.sin(turn)
    images = np.tanh(along)[:, None].astype(np.float32)
    factors = Factors([Factor("angle", 0, 360, periodic=True)])
    reader = RegressedLabels(images[:200], angle[:200, None], factors)
    errors = reader.errors(reader.read(images[200:]), angle[200:, None])
    near_seam = (angle[200:] < 20) | (angle[200:] > 340)
    assert near_seam.sum() > 5
    assert np.abs(errors[near_seam]).max() < 2.0
    assert 0 <= reader.read(images)["angle"].min() <= reader.read(images)["angle"].max() < 360


def test_what_the_regression_cannot_read_is_refused():
    images, labels = squares(60)
    fields = {"names": NAMES, "classes": {"colour": WORDS}, "read_by": "regressor"}
    rule = r"`tolerance` \(x=0\.1\) must be at least [\d.]+ if `read_by` is regressor, which reads 95 % of images left out"
    with pytest.raises(UserError, match=rule):
        ImageWorld.from_arrays(images, labels, tolerance={"x": 0.1}, **fields)
    rule = r"`read_by` \(=regressor\) must read luck, and on images left out it is hardly better than one answer for all"
    luck = np.random.default_rng(0).random(60)
    with pytest.raises(UserError, match=rule):
        ImageWorld.from_arrays(images, luck, names=["luck"], read_by="regressor")
    with pytest.raises(UserError, match=rule.replace("luck", "coin")):
        ImageWorld.from_arrays(
            images, (luck > 0.5).astype(int), names=["coin"], categorical=["coin"], read_by="regressor"
        )
    rule = r"`read_by` \(=regressor\) must have 20 different images at least, and has 19: they are its only evidence"
    with pytest.raises(UserError, match=rule):
        ImageWorld.from_arrays(np.tile(images[:19], (2, 1, 1, 1)), np.tile(labels[:19], (2, 1)), **fields)
    with pytest.raises(
        UserError, match=r"`read_by.kind` \(=regresor\) must be one of .* the most similar one is regressor"
    ):
        ImageWorld.from_arrays(images, labels, names=NAMES, read_by="regresor")


def test_a_world_says_how_well_its_images_are_read(world):
    rule = "read by a regression: of images left out it reads x of 95 % within "
    assert rule in world.sentence()
    share = float(world.sentence().rpartition("finds ")[2].split()[0]) / 100
    assert share == pytest.approx(world.reader().real_right, abs=5e-4)


def test_labels_between_lie_near_trained_ones_of_their_class_and_are_none_of_them(world):
    assert list(world.splits()) == ["trained", "between"]
    drawn = world.splits()["between"](500, np.random.default_rng(0))
    world.factors.check(drawn)
    trained = world.training_labels()
    for label in drawn:
        same = trained[trained[:, 2] == label[2]][:, :2]
        away = np.abs(same - label[:2]).max(axis=1)
        assert 0 < away.min() < 5
    again = world.splits()["between"](500, np.random.default_rng(0))
    assert np.array_equal(drawn, again)


def test_labels_between_go_the_short_way_round_and_stay_where_labels_are():
    angle = np.repeat([350.0, 355.0, 2.0, 8.0], 10)
    images = np.random.default_rng(0).random((40, 8, 8))
    fields = {"periodic": ["angle"], "span": {"angle": 360.0}, "tolerance": {"angle": 5.0}}
    world = ImageWorld.from_arrays(images, angle, names=["angle"], **fields)
    drawn = world.factors.visible_columns(world.splits()["between"](300, np.random.default_rng(1)))[:, 0]
    from_seam = (drawn + 180) % 360 - 180
    assert -10 <= from_seam.min() < -5 < 5 < from_seam.max() <= 8

    line = np.linspace(0, 10, 40)
    world = ImageWorld.from_arrays(
        images, np.column_stack([line, 10 - line]), names=["a", "b"], tolerance={"a": 1.0, "b": 1.0}
    )
    drawn = world.splits()["between"](300, np.random.default_rng(1))
    np.testing.assert_allclose(drawn.sum(axis=1), 10, atol=1e-5)


@pytest.mark.parametrize(
    "fields",
    [
        {"names": ["x", "y"]},
        {"names": ["x", "y"], "tolerance": {"x": 1.0}},
        {"names": ["x", "y"], "tolerance": {"x": 1.0}, "categorical": ["y"], "labels": "rounded"},
        {"names": ["x", "y"], "hidden": ["x"], "categorical": ["y"], "labels": "rounded"},
        {"names": ["x", "y"], "tolerance": {"x": 1.0, "y": 1.0}, "kind": "arrays"},
    ],
)
def test_there_are_labels_between_only_where_they_can_be_correct(fields):
    images, labels = squares(60)
    fields = dict(fields)
    rounded = np.column_stack([labels[:, 0], np.arange(60) % 3])
    labels = rounded if fields.pop("labels", "") else labels[:, :2]
    world = ImageWorld.from_arrays(images, labels, **fields)
    between = "x" in world.tolerance and "y" in fields.get("categorical", ())
    assert list(world.splits()) == (["trained", "between"] if between else ["trained"])


def test_the_condition_meter_reads_where_there_are_images(tmp_path):
    images, xy, words = drawn_squares(40)
    np.savez(tmp_path / "squares.npz", images=images, x=xy[:, 0], y=xy[:, 1], colour=words)
    overrides = [
        "world.kind=images",
        f"world.file={tmp_path}/squares.npz",
        "world.tolerance={x: 5, y: 5}",
        "probing.meter.every=10",
        "probing.meter.trained=true",
    ]
    config = load_config(overrides=overrides)
    assert list(config.world.splits()) == ["trained", "between"]
    assert list(meter_of(config).labels) == ["trained"]
    held_out = load_config(overrides=["probing.meter.every=10", "probing.meter.trained=true"])
    assert held_out.meter_evaluations == 2 * config.meter_evaluations


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_reader.py").write_text(OWN)
    level = np.linspace(-0.9, 0.9, 40)
    np.savez("levels.npz", images=np.broadcast_to(level[:, None, None], (40, 8, 8)), level=level)
    return ["world.kind=images", "world.file=levels.npz"]


def test_a_reader_of_ones_own_is_given_the_world_and_its_arguments(own):
    config = load_config(
        overrides=[*own, "world.read_by.kind=my_reader.py:Brightness", "world.read_by.most=0.2"]
    )
    reader = config.world.reader()
    assert reader.world is config.world
    assert reader.most == 0.2
    labels = config.world.splits()["between"](20, np.random.default_rng(0))
    images = np.broadcast_to(labels[:, :, None, None], (20, 1, 8, 8))
    assert reader.correct(reader.read(images), labels).all()
    assert "read by Brightness, which finds 100.0 % of 40 training images correct" in config.world.sentence()
    assert config.digest() != load_config(overrides=own).digest()
    again = load_config(
        overrides=[f"world.{key}={value}" for key, value in (("kind", "images"), ("file", "levels.npz"))]
    )
    assert again.digest() == load_config(overrides=own).digest(), "nearest is left out of the identity"


def test_a_class_of_a_reader_is_named_by_its_file(own, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    import my_reader

    monkeypatch.delitem(sys.modules, "my_reader")
    level = np.linspace(-0.9, 0.9, 40)
    images = np.broadcast_to(level[:, None, None], (40, 8, 8))
    monkeypatch.setitem(sys.modules, "my_reader", my_reader)
    world = ImageWorld.from_arrays(images, level, names=["level"], read_by=my_reader.Brightness)
    assert world.read_by.kind == "my_reader.py:Brightness"
    label = torch.tensor([[level[3]]]).float()
    assert world.saved(tmp_path / "kept.npz").render(label).mean() == label.item()


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["world.read_by=my_reader.py:Brightness"], "must be named by the field `kind`"),
        (["world.read_by.kind=my_reader.py:Missing"], "it has no `Missing`"),
        (["world.read_by.kind=my_reader.py:np"], "must be a class, not a module"),
        (
            ["world.read_by.kind=my_reader.py:Outcome"],
            "must derive from ReadBy or phasescope.worlds.base:Reader",
        ),
        (
            ["world.read_by.kind=my_reader.py:Brightness", "world.read_by.mots=1"],
            "`world.read_by.mots` (=1) is not an argument of my_reader.py:Brightness: arguments are most",
        ),
        (
            ["world.read_by.kind=my_reader.py:Shapeless"],
            "`Shapeless.correct` (=bool of shape (4,)) must return booleans of shape (4, 1) for 4 images",
        ),
    ],
)
def test_a_reader_that_does_not_fit_is_one_line(own, words, rule):
    with pytest.raises(UserError) as caught:
        load_config(overrides=[*own, *words])
    assert rule in str(caught.value)
    assert "\n" not in str(caught.value)
