"""What the study `dose` brings along: its loss, its head, its slope."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from phasescope import load_config, measures
from phasescope.core.randomness import torch_generator

losses = pytest.importorskip("studies.dose.loss")
head = pytest.importorskip("studies.dose.head")
slope = pytest.importorskip("studies.dose.slope")
study = pytest.importorskip("studies.dose.study")


def test_a_head_is_all_that_its_cell_changes():
    (plain,) = study.STUDY.cells_of({"dose": 0.0, "twin": False, "head": False})
    (with_head,) = study.STUDY.cells_of({"head": True})
    own, other = (study.STUDY.config(cell, 0).tree()["network"] for cell in (with_head, plain))
    assert own == other | {"kind": study.NETWORK}


def tiny(**network):
    config = load_config(overrides=["preset=lean", "network.widths=[8,8]", "network.groups=4"])
    return config.world, config.family.build(), config.network


def batch_of(world, family, n=16):
    labels = torch.from_numpy(world.training_labels()[:n])
    x_0 = world.render(labels)
    return SimpleNamespace(x_0=x_0, labels=labels, drawn=family.draw(x_0, torch_generator(0, "test")))


def test_the_share_is_that_of_the_measure():
    z = np.random.default_rng(0).normal(size=(2, 9, 5)) + np.arange(9)[:, None]
    expected = measures.label_variance(z, permutations=2, resamples=20).value
    assert losses.label_share(torch.from_numpy(z)).item() == pytest.approx(expected, abs=1e-9)


def test_a_dose_of_0_is_the_familys_loss_and_a_dose_moves_the_share_its_way():
    world, family, config = tiny()
    network = config.build(world.shape, world.factors)
    batch = batch_of(world, family)
    plain = family.loss_at(network, batch.x_0, batch.labels, *batch.drawn).mean()
    assert losses.LabelVariance(dose=0.0)(network, family, batch).item() == pytest.approx(
        plain.item(), abs=1e-6
    )
    for dose in (-1e3, 1e3):
        loss = losses.LabelVariance(dose=dose)
        before = loss.share(network, family, batch)
        weights = [w for w in network.parameters() if w.requires_grad]
        gradients = torch.autograd.grad(loss(network, family, batch), weights, allow_unused=True)
        moved = config.build(world.shape, world.factors)
        moved.load_state_dict(network.state_dict())
        size = sum(g.square().sum() for g in gradients if g is not None).sqrt()
        with torch.no_grad():
            for w, g in zip(moved.parameters(), gradients, strict=True):
                w -= 0 if g is None else 1e-2 * g / size
        assert np.sign(dose) * (loss.share(moved, family, batch) - before).item() > 0
    assert not network.get_layer("mid")._forward_hooks  # the hook is gone


def test_the_twin_compares_different_labels():
    torch.manual_seed(0)
    world, family, config = tiny()
    network, batch = config.build(world.shape, world.factors), batch_of(world, family, 64)
    own, twin = (losses.LabelVariance(permuted=p).share(network, family, batch).item() for p in (False, True))
    assert twin < own


def test_the_head_places_the_object_alone_where_noise_is_strong():
    world, family, _ = tiny()
    config = head.PlacedUNet(widths=(8, 8), groups=4, input_skip=True)
    network, batch = config.build(world.shape, world.factors), batch_of(world, family)
    t, noise = batch.drawn
    with torch.no_grad():
        network.unet.leave.weight.zero_()
        network.unet.leave.bias.zero_()
        network.unet.gain.weight.zero_()
        network.unet.gain.bias.fill_(1.0)
        late = torch.full_like(t, 900)  # noise is strong: sigma is nearly 1, and x_t / sigma nearly x_t
        answer = network(family.noisy(batch.x_0, late, noise), late, batch.labels)
    assert answer == pytest.approx(noise.numpy(), abs=0.02)


def test_a_slope_is_that_of_the_dose_and_not_of_fast_seeds():
    rng = np.random.default_rng(0)
    rank = np.repeat(np.arange(-3, 4), 8)
    speed = 0.3 * rng.standard_normal(
        len(rank)
    )  # moves both, so that a regression of one on the other says 1
    x = np.exp(6 - 0.2 * rank + speed)
    y = np.exp(7 - 0.06 * rank + speed + 0.02 * rng.standard_normal(len(rank)))
    table = pd.DataFrame({"cell": rank.astype(str), "rank": rank, "x": x, "y": y})
    estimate = slope.DoseSlope().estimate(table)
    assert estimate.low < 0.3 < estimate.high < 0.6
    assert np.polyfit(np.log(x), np.log(y), 1)[0] > 0.4
    missing = table.assign(x=table["x"].where(rank > -3))
    assert slope.DoseSlope().estimate(missing).n == 48
