"""Clones of networks whose answers are known."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from phasescope.models.families import DiffusionConfig, Task
from phasescope.models.families.diffusion.exact.clones import _are_alike, half_way
from phasescope.models.families.diffusion.exact.optimum import ConditionalOptimum, UnconditionalOptimum
from phasescope.worlds import GaussianBump

WORLD = GaussianBump(canvas=8, boundary="periodic")
DIFFUSION = DiffusionConfig().build()
LABELS = torch.from_numpy(WORLD.training_labels())
TASK = Task(WORLD.render, WORLD.training_labels(), WORLD.factors)


def alike(images: torch.Tensor, some: torch.Tensor) -> torch.Tensor:
    """Which images are like which of some, from images that come in three chunks."""
    return _are_alike([chunk[None] for chunk in images.double().flatten(1).chunk(3)], some)


ALIKE = alike(WORLD.render(LABELS), WORLD.render(LABELS))
PERFECT = UnconditionalOptimum(DIFFUSION, WORLD.render, LABELS)
TIMES = (20, 120, 200, 260, 320, 400, 600)


def of(network, times=TIMES, images=48, each=4, seed=0):
    return DiffusionConfig().analysis(TASK).clones(network, times, images, each, seed)


@pytest.fixture(scope="module")
def perfect():
    return of(PERFECT)


@pytest.mark.slow
def test_a_perfect_networks_clones_come_back_as_the_posterior_says(perfect):
    assert perfect.t == TIMES
    spread = np.sqrt(0.25 / (perfect.images * perfect.each))
    assert (np.abs(perfect.share - perfect.exact) < 5 * spread + 0.02).all()
    assert perfect.share[0] == perfect.exact[0] == 1
    assert perfect.share[-1] < 0.2
    assert (perfect.low <= perfect.share).all()
    assert (perfect.share <= perfect.high).all()
    assert perfect.half[0] == pytest.approx(perfect.exact_half, abs=25)
    assert perfect.half[1] <= perfect.half[0] <= perfect.half[2]


def test_the_exact_share_is_that_of_bayes_rule(perfect):
    """In float64 and by the distance itself."""
    generator = torch.Generator().manual_seed(3)
    which = torch.randint(len(LABELS), (400,), generator=generator)
    images = WORLD.render(LABELS).double()
    for t, found in zip(TIMES, perfect.exact, strict=True):
        alpha, sigma, _ = DIFFUSION.schedule.at(t)
        x_t = alpha * images[which] + sigma * torch.randn(
            400, 1, 8, 8, generator=generator, dtype=torch.float64
        )
        distance = (x_t[:, None] - alpha * images).flatten(2).square().sum(2)
        weights = torch.softmax(-distance / (2 * sigma**2), dim=1)
        assert found == pytest.approx((weights * ALIKE[which]).sum(1).mean().item(), abs=0.15)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_images_are_alike_up_to_two_thirds_more_than_a_width(sigma):
    """|a - b|^2 of two bumps is 2 E (1 - exp(-d^2 / 4 sigma^2)): half of that of distant ones at d = 2 sigma sqrt(log 2)."""
    world = GaussianBump(canvas=32, boundary="periodic", sigma_px=sigma)
    labels = torch.from_numpy(world.training_labels())
    found = alike(world.render(labels), world.render(labels[:8]))
    off = (labels[:8, None] - labels).abs()
    distance = torch.minimum(off, 32 - off).square().sum(2).sqrt()
    radius = 2 * sigma * math.sqrt(math.log(2))
    assert found[distance < 0.95 * radius].all()
    assert not found[distance > 1.05 * radius].any()


def test_who_paints_one_image_whatever_the_noise_brings_none_back():
    one = ConditionalOptimum(DIFFUSION, lambda y: WORLD.render(LABELS[:1]).expand(len(y), -1, -1, -1))
    found = of(one, times=(50, 700), images=32, each=2)
    assert found.share.max() < 0.4
    assert np.isnan(found.half[0])


@pytest.mark.slow
def test_by_flow_matching_the_same_signal_to_noise_decides(perfect):
    config = DiffusionConfig.from_tree({"schedule": "flow", "predict": "velocity", "sampler": "euler"})
    straight = config.build()
    levels = [
        int(torch.argmin((straight.schedule.log_snr - DIFFUSION.schedule.log_snr[t]).abs())) for t in TIMES
    ]
    found = config.analysis(TASK).clones(UnconditionalOptimum(straight, WORLD.render, LABELS), levels, 48, 4)
    np.testing.assert_allclose(found.exact, perfect.exact, atol=0.02)
    assert (np.abs(found.share - found.exact) < 0.2).all()


@pytest.mark.slow
def test_it_is_the_same_again_and_tells_how_far_it_is():
    seen = []
    notify = lambda *progress: seen.append(progress)  # noqa: E731
    found = DiffusionConfig().analysis(TASK).clones(PERFECT, (300, 100), 8, 2, 1, notify)
    again = of(PERFECT, (100, 300), 8, 2, 1)
    assert found.t == (100, 300)
    np.testing.assert_array_equal(found.share, again.share)
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize("t", [0, 1, 40, 999])
def test_the_way_down_begins_at_the_noise_level_that_the_image_has(t):
    asked = []

    def recording(x_t, at, labels=None):
        asked.extend(at.unique().tolist())
        return PERFECT(x_t, at, labels)

    of(recording, times=(t,), images=2, each=1)
    assert asked[0] == t
    assert all(later < former for former, later in pairwise(asked))
    assert asked[-1] <= t // 50


def test_half_way_is_the_last_fall_through_a_half():
    assert half_way([0, 100, 200], np.array([1.0, 0.75, 0.25])) == pytest.approx(150)
    assert half_way([0, 100, 200, 300], np.array([1.0, 0.4, 0.6, 0.2])) == pytest.approx(225)
    assert np.isnan(half_way([0, 100], np.array([1.0, 0.6])))
    assert np.isnan(half_way([0, 100], np.array([0.2, 0.1])))


@pytest.mark.parametrize("t", [-1, 1000])
def test_a_time_that_is_none_is_told(t):
    with pytest.raises(ValueError, match=rf"`t` \(={t}\) must be from 0 to 999"):
        of(PERFECT, times=(100, t))
