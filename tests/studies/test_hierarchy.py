"""Known answers of the kinds and the readings of the study `hierarchy`."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from phasescope import UserError, load_config, worlds
from phasescope.core.randomness import torch_generator
from studies.hierarchy.kinds import TwoLevelUNet, enlarged
from studies.hierarchy.study import COST, STUDY, places

WORLD = worlds.GaussianBump()
LABELS = WORLD.training_labels()


def built(name):
    (cell,) = (cell for cell in STUDY.cells if cell.name == name)
    config = STUDY.config(cell, 0)
    network = config.network.build(WORLD.shape, WORLD.factors)
    return network, config.family.build()


def test_a_label_of_two_levels_is_a_cell_and_a_place_in_it():
    network, given = TwoLevelUNet(widths=(8, 8)).build(WORLD.shape, WORLD.factors), []
    network.unet.register_forward_pre_hook(lambda _, inputs: given.append(inputs[2]))
    labels = torch.from_numpy(LABELS[::33])
    network(torch.zeros(len(labels), *WORLD.shape), torch.zeros(len(labels), dtype=torch.int64), labels)
    number, *rest = given[0].T
    cells = torch.stack((number // 4, number % 4), dim=1)
    assert torch.equal(cells * 8 + torch.stack(rest, dim=1), labels)
    assert {*number.tolist()} == {0, 5, 10, 15}
    assert all(each.min() >= 1 and each.max() <= 8 for each in rest)


@pytest.mark.parametrize("name", COST)
def test_a_step_costs_so_many_multiplications(name):
    def count(name):
        network, family = built(name)
        labels = torch.from_numpy(LABELS[:2])
        x_0 = WORLD.render(labels)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            family.loss_at(network, x_0, labels, *family.draw(x_0, torch.Generator().manual_seed(0)))
        return counter.get_total_flops()

    assert count(name) / count("plain") == pytest.approx(COST[name], abs=0.01)


def test_the_place_of_a_coarse_image_is_that_of_the_whole_one():
    images = WORLD.render(torch.from_numpy(LABELS))
    found = places(WORLD, enlarged(torch.nn.functional.avg_pool2d(images, 2)))
    assert np.abs(found - LABELS).max() < 0.6


def test_the_second_stage_sees_the_coarse_image():
    network, family = built("cascade")
    labels = torch.from_numpy(LABELS[:2])
    noise, small = torch.randn(2, 1, 32, 32), torch.zeros(2, 1, 16, 16)
    answers = [
        family.given(network, small + shift, torch.zeros_like(small))(noise, torch.tensor([500, 500]), labels)
        for shift in (0.0, 0.5)
    ]
    assert answers[0].shape == noise.shape
    assert (answers[0] - answers[1]).abs().max() > 1e-4
    # What is drawn for the first stage has half the side, and a sample of it is what the second stage is given.
    t, small_noise, fine_t, fine_noise, augmenting = family.draw(noise, torch_generator(0, "test"))
    assert small_noise.shape == augmenting.shape == small.shape
    assert fine_noise.shape == noise.shape
    assert not torch.equal(t, fine_t)


def test_noise_out_of_its_range_is_named_in_one_line():
    kind = "family.kind=studies/hierarchy/kinds.py:CascadeConfig"
    with pytest.raises(UserError, match=r"`family.augmented` .*must be") as error:
        load_config(overrides=["preset=fast", kind, "family.augmented=-1"])
    assert "\n" not in str(error.value)
