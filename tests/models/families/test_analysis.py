"""A family learns and generates; its exact theory, if there is one, is asked of its configuration."""

import numpy as np
import pytest
import torch

from examples.my_families import Decoder
from phasescope.core.factors import Factor, Factors
from phasescope.models.families import DiffusionConfig, Family, Task
from phasescope.worlds import GaussianBump, World

WORLD = GaussianBump(canvas=8, boundary="periodic")
TASK = Task.from_world(WORLD)


def test_a_family_has_no_exact_theory_unless_it_says_so():
    assert Decoder().analysis(TASK) is None


def test_a_family_of_its_own_defines_only_what_trains_and_samples():
    assert Family.__abstractmethods__ == {"draw", "loss_at", "trajectory", "inputs"}


def test_an_analysis_computes_each_part_once_and_only_when_asked():
    rendered = []

    def render(labels):
        rendered.append(len(labels))
        return WORLD.render(labels)

    analysis = DiffusionConfig().analysis(Task(render, TASK.training, TASK.factors))
    assert rendered == []
    known = analysis.reference_denoisers
    assert known.posterior_mean is analysis.posterior_mean is analysis.optima()["posterior mean"]
    before = len(rendered)
    assert analysis.reference_denoisers is known
    assert analysis.comparison.references is known
    analysis.comparison.summary()
    assert before < len(rendered)
    again = len(rendered)
    analysis.comparison.summary()
    assert len(rendered) == again


def test_clones_start_from_noise_levels_of_the_schedule():
    analysis = DiffusionConfig().analysis(TASK)
    with pytest.raises(ValueError, match=r"`t` \(=1000\) must be from 0 to 999: a noise level"):
        analysis.clones(lambda x_t, t, labels: torch.zeros_like(x_t), t=(1000,), images=8, each=1)


class Clock(World):
    """A hand in the direction of one periodic factor: its canvas has edges."""

    @property
    def factors(self) -> Factors:
        return Factors([Factor("angle", 0.0, 360.0, "deg", periodic=True)])

    @property
    def shape(self) -> tuple[int, ...]:
        return 1, 8, 8

    def training_labels(self):
        return np.arange(0.0, 360.0, 45.0, dtype=np.float32)[:, None]

    def render(self, labels):
        angle = torch.deg2rad(labels)[:, :, None]
        rows, columns = torch.meshgrid(torch.arange(8.0) - 3.5, torch.arange(8.0) - 3.5, indexing="ij")
        along = torch.cos(angle) * columns + torch.sin(angle) * rows
        return 2 * torch.sigmoid(along)[:, None] - 1


def test_a_periodic_factor_that_is_no_place_makes_no_periodic_canvas():
    assert not Task.from_world(Clock()).periodic
    assert Task.from_world(WORLD).periodic
    assert not Task.from_world(GaussianBump(canvas=8)).periodic
