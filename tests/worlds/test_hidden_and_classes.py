"""Hidden factors and classes: what networks are given, the exact optimum, grids and measures."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from phasescope import Factor, Factors, UserError, load_config, measures
from phasescope.models.families import DiffusionConfig, Task
from phasescope.models.families.diffusion.exact.information import label_nats
from phasescope.models.networks.encodings import label_encoding
from phasescope.worlds import Grid, ImageWorld

RNG = np.random.default_rng(0)
CLASSES = np.repeat(np.arange(3), [10, 20, 30])
MEANS = 0.5 + 0.2 * np.random.default_rng(1).normal(size=(3, 4, 4))
IMAGES = np.clip(MEANS[CLASSES] + 0.05 * RNG.normal(size=(60, 4, 4)), 0, 1)
DIGITS = ImageWorld.from_arrays(IMAGES, CLASSES, ["digit"], classes={"digit": ["zero", "one", "two"]})
SHAPE = Factor("shape", 0.0, 2.0, categorical=True)


def test_given_its_label_the_optimum_is_the_posterior_mean_over_the_labels_images():
    diffusion = DiffusionConfig().build()
    analysis = DiffusionConfig().analysis(Task.from_world(DIGITS, patch_px=3))
    label = analysis.reference_denoisers.denoisers[-1]
    labels = torch.from_numpy(DIGITS.training_labels()[[0, 15, 45]])
    x_0 = DIGITS.render(labels).double()
    t = torch.full((3,), 400)
    alpha, sigma = (
        scale[t].view(-1, 1, 1, 1) for scale in (diffusion.schedule.alpha, diffusion.schedule.sigma)
    )
    x_t = alpha * x_0 + sigma * torch.randn(x_0.shape, generator=torch.Generator().manual_seed(0)).double()
    hidden = labels.clone()
    hidden[:, list(label.hidden)] = torch.nan
    found = label.optimum.x_0(x_t, alpha, sigma, hidden)
    for row, digit in enumerate((0, 1, 2)):
        own = torch.from_numpy(2 * IMAGES[digit == CLASSES] - 1).flatten(1)
        far = (x_t[row].flatten() - alpha[row].flatten() * own).square().sum(1)
        expected = torch.softmax(-far / (2 * sigma[row].flatten() ** 2), 0) @ own
        torch.testing.assert_close(found[row].flatten(), expected, rtol=1e-4, atol=1e-5)


def test_a_label_tells_its_entropy():
    shares = np.array([10, 20, 30]) / 60
    assert label_nats(Task.from_world(DIGITS, patch_px=3), [0]) == pytest.approx(
        -(shares * np.log(shares)).sum()
    )


def test_the_floor_lies_between_zero_and_the_unconditional_optimum():
    labels = DIGITS.training_labels()[RNG.integers(60, size=(4, 200))]
    from phasescope.models.families import Examples

    task = Task.from_world(DIGITS, patch_px=3)
    examples = Examples(task, DIGITS.shape, labels, 0, torch.device("cpu"))
    found = DiffusionConfig().analysis(task).references(examples)
    assert all(
        0 < floor <= 1.0001 * free
        for floor, free in zip(found["conditional"], found["unconditional"], strict=True)
    )
    assert min(np.divide(found["conditional"], found["unconditional"])) < 0.9


class Listening(nn.Module):
    """A network that refuses labels of more than the one visible factor."""

    layer_names = ("body",)

    def __init__(self, channels, factors):
        super().__init__()
        assert factors.names == ("digit",)
        self.body = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x_t, t, labels):
        assert labels.shape[1] == 1
        return self.body(x_t)


def test_a_hidden_factor_is_neither_given_to_the_network_nor_measured(tmp_path):
    import phasescope

    world = DIGITS.saved(tmp_path / "digits.npz")
    config = load_config(
        overrides=["training.steps=4", "training.batch=8", "training.warmup=0", "probing.snapshots.every=4",
               "probing.snapshots.dense_until=0", "probing.latent_labels=64", "probing.variance_labels=16",
               "probing.crossed_labels=16", "probing.t=[100]", "probing.p1=null", "name=listening"]
    )  # fmt: skip
    run = phasescope.train(config, world=world, network=Listening, runs=tmp_path / "runs")
    line = run.metrics[-1]
    assert set(line["probe_r2"]["body.100"]["detail"]) == {"digit"}
    assert line["probe_r2"]["body.100"]["baselines"]["majority"] == pytest.approx(0.5, abs=0.25)
    assert set(line["by_class"]["trained"]["digit"]) == {"zero", "one", "two"}
    assert run.about["hidden"] == ["image"]
    assert [factor["name"] for factor in run.about["factors"]] == ["digit"]
    assert all(band["floor"] > 0 for band in line["denoising"])
    json.dumps(run.about)


@pytest.mark.parametrize("ends", ["low", "high", "both"])
def test_a_grid_holds_every_class_whatever_its_ends(ends):
    factors = Factors([Factor("x", 0.0, 4.0, "px"), SHAPE])
    design = Grid(ends=ends).along(factors)
    assert np.unique(design.labels(factors)[:, 1]).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"dshape": 0.5}, r"`design.dshape` \(=0.5\) must be left out: shape has classes"),
        ({"at": {"shape": 0.5}}, r"`design.at.shape` \(=0.5\) must lie in shape's classes, from 0 to 2"),
        ({"within": {"shape": (0, 1.5)}}, r"`design.within.shape` \(=0 to 1.5\) must lie in shape's classes"),
    ],
)
def test_a_grid_refuses_parts_of_classes(fields, rule):
    with pytest.raises(ValueError, match=rule):
        Grid(**fields).along(Factors([Factor("x", 0.0, 4.0, "px"), SHAPE]))


def test_a_label_that_is_no_class_is_refused():
    factors = Factors([SHAPE])
    factors.check(np.array([[2.0]]))
    with pytest.raises(ValueError, match=r"`shape` \(=3\) must lie in the world, from 0 to 2"):
        factors.check(np.array([[3.0]]))
    with pytest.raises(ValueError, match=r"`shape` \(=0.5\) must be a whole number, as classes are"):
        factors.check(np.array([[0.5]]))


def test_classes_are_encoded_one_hot_at_the_norm_of_other_factors():
    factors = Factors([Factor("x", 0.0, 4.0), Factor("shape", 1.0, 3.0, categorical=True)])
    labels = torch.tensor([[2.0, 1.0], [2.0, 2.0], [2.0, 3.0], [2.0, torch.nan]])
    codes = label_encoding(labels, 8, 100.0, None, factors)[:, 8:]
    assert torch.equal(codes[:3], 2.0 * torch.eye(8)[:3])
    assert not codes[3].any()


def test_more_classes_than_numbers_to_encode_them_are_refused(tmp_path):
    file = DIGITS.saved(tmp_path / "digits.npz").file
    words = [f"world.file={file}", "world.kind=arrays", "world.names=[digit]", "world.categorical=[digit]"]
    with pytest.raises(UserError, match=r"`network.embedding.width` \(=2\) must be at least 3"):
        load_config(overrides=[*words, "network.widths=[8, 8]", "network.embedding.width=2"])


def test_classes_are_read_by_the_accuracy_of_a_classifier():
    from sklearn.linear_model import RidgeClassifierCV
    from sklearn.model_selection import cross_val_score

    labels = np.random.default_rng(0).choice(3, size=300, p=[0.2, 0.3, 0.5])
    latents = np.eye(3)[labels] @ RNG.normal(size=(3, 20)) + 3.0 * RNG.normal(size=(300, 20))
    score = measures.probe_r2(latents, labels[:, None].astype(float), Factors([SHAPE]))
    expected = cross_val_score(RidgeClassifierCV(np.logspace(-3, 5, 31)), latents, labels, cv=5).mean()
    assert score.value == pytest.approx(expected, abs=0.04)
    assert score.baselines["majority"] == pytest.approx((labels == 2).mean())
    assert score.baselines["permuted"] < score.low < score.value < score.high
    assert "classifier's accuracy of shape" in score.estimator


def test_a_perfect_classifier_has_an_interval_by_its_sample_size():
    labels = np.arange(100) % 3
    score = measures.probe_r2(np.eye(3)[labels], labels[:, None].astype(float), Factors([SHAPE]))
    assert (score.value, score.high) == (1.0, 1.0)
    assert score.low == pytest.approx(1 - 3 / 100)


def test_real_images_left_out_are_read_as_well_formed_at_the_quantile():
    reader = DIGITS.reader()
    far, same = reader.left_out
    pixels = 2 * IMAGES.reshape(60, -1) - 1
    distances = np.sqrt(np.square(pixels[:, None] - pixels).mean(axis=2))
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_allclose(far, distances.min(axis=1), rtol=1e-4)
    assert same.tolist() == (CLASSES[distances.argmin(axis=1)] == CLASSES).tolist()
    assert (far <= reader.threshold_rms).mean() == pytest.approx(0.99, abs=1 / 60)
    twice = type(reader)(np.tile(reader.images, (2, 1)), np.tile(reader.labels, (2, 1)), reader.factors)
    assert twice.threshold_rms == pytest.approx(reader.threshold_rms, rel=0.1)  # copies are left out together


def test_an_image_is_of_the_label_of_the_nearest_training_image():
    reader = DIGITS.reader()
    images = (2 * IMAGES[[0, 15, 15, 15], None] - 1).astype(np.float32)
    images[2] = RNG.uniform(-1, 1, images[2].shape)
    images[3] = np.nan
    labels = np.array([[0.0], [0.0], [1.0], [1.0]], np.float32)
    read = reader.read(images)
    assert reader.outcome(read, labels).tolist() == ["correct", "other label", "malformed", "malformed"]
    assert reader.correct(read, labels)[:, 0].tolist() == [True, False, False, False]


@pytest.mark.parametrize("classes", [None, ["zero", "one", "two", "three", "four"]])
def test_a_class_without_an_image_is_refused(classes):
    labels = np.where(CLASSES > 1, 4, CLASSES)
    named = {"classes": {"digit": classes}} if classes else {"categorical": ["digit"]}
    with pytest.raises(
        UserError, match=r"`labels` \(digit=2, 3\) must have an image of each class from 0 to 4: number"
    ):
        ImageWorld.from_arrays(IMAGES, labels, ["digit"], **named)
