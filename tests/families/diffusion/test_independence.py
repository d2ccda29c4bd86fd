from __future__ import annotations

import numpy as np
import pytest
import torch

from phasescope.errors import UserError
from phasescope.families.diffusion.config import DiffusionConfig
from phasescope.families.diffusion.independence import composition_residual, interaction_share
from phasescope.families.diffusion.optimum import ConditionalOptimum
from phasescope.worlds.bump.world import GaussianBump

WORLD = GaussianBump.of({"canvas": 16, "sigma_px": 2.0})
FAMILY = DiffusionConfig().build()
PIXELS = torch.linspace(0, 1, 16).expand(1, 16, 16)


def images(x, *scales):
    """(B, 1, 16, 16) with x (B,) times a pattern for each scale."""
    return torch.stack([x.sin() * scale * PIXELS + (scale * x).cos() for scale in scales]).sum(dim=0)


def wide(column):
    return column[:, None, None, None]


def additive(x_t, t, labels):
    """f(x) + g(y) + what is in x_t; a factor that is missing adds nothing."""
    x, y = (wide(labels[:, k]) for k in (0, 1))
    return 0.1 * x_t + images(x, 1.0).nan_to_num() + images(y, 0.3, 2.0).nan_to_num()


def product(x_t, t, labels):
    return wide(labels[:, 0]) * wide(labels[:, 1]) * torch.ones_like(x_t)


def unrelated(x_t, t, labels):
    """Values that chance gives each label anew."""
    return torch.stack(
        [
            torch.randn(
                x_t.shape[1:], generator=torch.Generator().manual_seed(int(1e4 * row.sum() + 1e7 * row[0]))
            )
            for row in labels.double()
        ]
    ).float()


def test_what_adds_up_has_no_interaction():
    score = interaction_share(additive, WORLD, FAMILY, 400)
    assert score.value == pytest.approx(0, abs=1e-9)
    assert score.detail["x and y"] == pytest.approx(score.value)


def test_a_product_has_the_share_that_its_steps_say():
    """(x + h)(y + h) and so on: A = h y, B = h x, I = h^2."""
    labels = np.array([[5.0, 3.0], [7.0, 9.0], [2.0, 12.0]], dtype=np.float32)
    score = interaction_share(product, WORLD, FAMILY, 400, step=0.5, labels=labels)
    squares = (0.25 * labels**2).sum() + 3 * 0.5**4
    assert score.value == pytest.approx(3 * 0.5**4 / squares, rel=1e-4)


def test_unrelated_predictions_have_a_third():
    score = interaction_share(unrelated, WORLD, FAMILY, 400, labels=64)
    assert score.low < 1 / 3 < score.high
    assert score.value == pytest.approx(score.nulls["unrelated"], abs=0.02)


def test_scaling_a_prediction_changes_nothing():
    one, other = (
        interaction_share(lambda *given, factor=factor: factor * product(*given), WORLD, FAMILY, 400).value
        for factor in (1, 7)
    )
    assert one == pytest.approx(other, rel=1e-4)


@pytest.mark.parametrize("predict", ["eps", "x", "v"])
def test_the_optimum_has_the_share_of_the_images(predict):
    """eps differs from -alpha/sigma times the image by what the label does not change."""
    family = DiffusionConfig.of({"predict": predict}).build()
    optimum = ConditionalOptimum(family, WORLD.render)
    score = interaction_share(optimum, WORLD, family, 400, step=1.0)
    assert score.value == pytest.approx(score.detail["optimum"], rel=1e-3)
    assert 0.01 < score.value < 1 / 3


def test_labels_keep_a_step_from_the_canvas_edges():
    seen = []

    def watching(x_t, t, labels):
        seen.append(labels)
        return product(x_t, t, labels)

    interaction_share(watching, WORLD, FAMILY, 400, step=2.0, labels=np.array([[0.0, 16.0]] * 3, np.float32))
    told = torch.cat(seen)
    assert told.min() >= 0
    assert told.max() <= 16


def test_scores_that_add_up_compose():
    assert composition_residual(additive, WORLD, FAMILY, 400).value == pytest.approx(0, abs=1e-9)


def test_a_network_that_ignores_partial_labels_has_residual_one():
    def ignoring(x_t, t, labels):
        return product(x_t, t, labels).nan_to_num() + x_t

    score = composition_residual(ignoring, WORLD, FAMILY, 400)
    assert score.value == pytest.approx(score.nulls["ignored"], rel=1e-6)


def test_a_network_is_left_as_it_was():
    module = torch.nn.Dropout()
    network = torch.nn.Module()
    network.add_module("drop", module)
    network.forward = lambda x_t, t, labels: module(product(x_t, t, labels))
    assert interaction_share(network, WORLD, FAMILY, 400, labels=16).value < 0.01
    assert network.training
    assert module.training


@pytest.mark.parametrize("step", [0, -1, 9, [1.0], [1.0, 2.0, 3.0]])
def test_a_step_out_of_range_is_refused(step):
    with pytest.raises(UserError, match=r"`step` \(="):
        interaction_share(additive, WORLD, FAMILY, 400, step=step)


def test_a_network_without_labels_is_refused():
    with pytest.raises(UserError, match="`network` must depend on the label"):
        interaction_share(lambda x_t, t, labels: x_t, WORLD, FAMILY, 400)
