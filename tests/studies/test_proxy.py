"""Known answers of the worlds and the statistic of the study `proxy`."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_sample_images

from phasescope import UserError, load_config, worlds
from studies.proxy.digits import BOX, Digits, digits
from studies.proxy.kinds import VARIANTS, Bumps, patches
from studies.proxy.study import STUDY, WORLDS
from studies.proxy.transfer import Transfer


def images_of(world, labels):
    return world.render(torch.from_numpy(np.asarray(labels, dtype=np.float32))).numpy()


def share_placed(world, images, labels):
    off = world.reader().ungated(world.reader().read(images), labels)["refined"]
    return (np.abs(off) <= 1).all(axis=1).mean()


@pytest.mark.parametrize("fields", [fields for name, fields in WORLDS.items() if name != "digits"])
@pytest.mark.parametrize("sigma_px", [1.0, 2.0])
def test_true_images_are_read_correctly_and_backgrounds_are_not(fields, sigma_px):
    world = Bumps(sigma_px=sigma_px, **fields)
    labels = world.draw_labels(256, np.random.default_rng(0))
    places = world.factors.visible_columns(labels)
    assert world.factors.visible.names == ("x", "y")
    assert share_placed(world, images_of(world, labels), places) > 0.97
    behind = 1 - 2 * world.clutter * (1 - np.resize(patches(32)[:, None], (256, 1, 32, 32)))
    assert share_placed(world, behind, places) < 0.05


@pytest.mark.some(1)
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_digits_are_read_correctly_and_what_is_no_digit_there_is_not(scale):
    world = Digits(sigma_px=scale)
    labels = world.draw_labels(256, np.random.default_rng(0))
    images, places = images_of(world, labels), labels[:, :2]
    assert world.factors.visible.names == ("x", "y")
    assert share_placed(world, images, places) > 0.97
    assert share_placed(world, images, np.roll(places, 1, axis=0)) < 0.05
    assert share_placed(world, np.ones_like(images), places) < 0.05
    rendered = images_of(world, [[15.25, 17.5, variant] for variant in range(VARIANTS)])[:, 0]
    ink, pixels = (1 - rendered) / 2, np.arange(1, 33)
    # Sampled between pixels, twice as large, the ink's centre moves slightly; shifted by bilinear interpolation it is exact.
    error = 1e-4 if scale == 1 else 0.05
    assert (ink.sum(1) @ pixels / ink.sum((1, 2))) == pytest.approx(15.25, abs=error)
    assert (ink.sum(2) @ pixels / ink.sum((1, 2))) == pytest.approx(17.5, abs=error)


def test_stripes_lie_beside_digits_as_beside_bumps():
    assert digits().shape == (VARIANTS, BOX, BOX)
    alone = images_of(Digits(stripes=0.25), [[16, 0, 3], [0, 16, 5]])
    assert np.array_equal(alone, images_of(Bumps(stripes=0.25), [[16, 0], [0, 16]]))


@pytest.mark.slow
def test_a_share_of_the_labels_has_the_image_of_another_label_each_time():
    world = Bumps(wrong=0.1, shuffle=3)
    labels = world.training_labels()
    shown, expected = images_of(world, labels), images_of(Bumps(), labels)
    assert expected == pytest.approx(images_of(worlds.GaussianBump(), labels), abs=1e-6)
    wrong = (shown != expected).any(axis=(1, 2, 3))
    assert wrong.sum() == 102  # of 1,024
    assert {image.tobytes() for image in shown} == {image.tobytes() for image in expected}
    part = np.random.default_rng(0).permutation(1024)[:100]
    assert np.array_equal(images_of(Bumps(wrong=0.1, shuffle=3), labels[part]), shown[part])
    other = (images_of(Bumps(wrong=0.1, shuffle=4), labels) != expected).any(axis=(1, 2, 3))
    assert 0 < (wrong & other).sum() < 30


def test_backgrounds_are_patches_of_the_photographs_and_go_with_the_variant():
    photographs = [
        image[:424].reshape(106, 4, 160, 4, 3).mean((1, 3, 4)) for image in load_sample_images().images
    ]
    for number, patch in enumerate(patches(32)[:4].numpy()):
        windows = np.lib.stride_tricks.sliding_window_view(photographs[number % 2] / 255, (32, 32))
        assert np.abs(windows - patch).max(axis=(2, 3)).min() < 1e-6
    shown = images_of(Bumps(clutter=0.2), [[8, 8, 5], [24, 24, 5], [8, 8, 6]])[:, 0]
    assert shown[0, :, 15] == pytest.approx(shown[1, :, 15])
    assert shown[0, :, 15] == pytest.approx(1 - 0.4 * (1 - patches(32)[5, :, 15].numpy()), abs=1e-6)
    assert np.abs(shown[0, :, 15] - shown[2, :, 15]).max() > 0.01


def test_images_of_one_label_differ_in_contrast_and_stripes_lie_beside_bumps():
    labels = np.column_stack([np.full((VARIANTS, 2), 16), np.arange(VARIANTS)])
    peaks = (1 - images_of(Bumps(faintest=0.4), labels)[:, 0, 15, 15]) / 2
    assert peaks == pytest.approx(np.linspace(1, 0.4, VARIANTS), abs=1e-6)
    world = Bumps(stripes=0.25)
    trained, alone = world.training_labels(), images_of(world, [[16, 0], [0, 16]])[:, 0]
    assert ((trained == 0).sum(axis=0) == 256).all()
    assert (world.splits()["grid"](2000, np.random.default_rng(0)) > 0).all()
    assert np.array_equal(alone[0], alone[1].T)
    assert alone[0] == pytest.approx(np.tile(images_of(world, [[16, 16]])[0, 0, 15], (32, 1)))


@pytest.mark.parametrize("override", ["clutter=0.5", "wrong=1", "faintest=0.1", "stripes=2"])
def test_a_field_out_of_its_range_is_named_in_one_line(override):
    kind = "world.kind=studies/proxy/kinds.py:Bumps"
    with pytest.raises(UserError, match=f"`world.{override.split('=')[0]}` .*must be") as error:
        load_config(overrides=["preset=fast", kind, f"world.{override}"])
    assert "\n" not in str(error.value)


@pytest.mark.some(1)
@pytest.mark.parametrize("truth", [-0.5, 0.3, 1.0])
def test_the_correlation_of_simulated_effects_is_the_truth_unless_half_of_a_cell_is_censored(truth):
    design = STUDY.design_of(STUDY.claims[0])
    statistic = Transfer("plain", "photographs")
    table = statistic.simulate(design, truth, 1e-9, np.random.default_rng(0))
    assert statistic.estimate(table).value == pytest.approx(truth, abs=1e-6)
    late = (table["cell"] == "plain, weight") & (table["seed"] % 2 == 0)
    estimate = statistic.estimate(pd.DataFrame(table).assign(came=~late))
    assert (estimate.low, estimate.high) == (-1, 1)
    assert "50%" in estimate.censored
