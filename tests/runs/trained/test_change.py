"""One label is painted by a network that is changed at a layer: where the image goes is known of made networks."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from phasescope import UserError
from phasescope.core.randomness import torch_generator
from phasescope.models.families import DiffusionConfig
from phasescope.runs.trained.change import Change, changed, target_of, went
from phasescope.runs.trained.load import Loaded
from phasescope.worlds import GaussianBump

WORLD = GaussianBump.from_tree({"canvas": 24})
FAMILY = DiffusionConfig.from_tree(
    {"predict": "x", "schedule": {"kind": "linear", "steps": 50}, "sampler": {"kind": "ddim", "steps": 4}}
).build()
CONFIG = SimpleNamespace(world=WORLD, network=SimpleNamespace(layer_names=None))
LABEL = np.array([7.0, 16.0], np.float32)


class Code(nn.Module):
    """A label and, beside it, something of the image."""

    def forward(self, x, labels):
        return torch.cat([labels, x.flatten(1).mean(dim=1, keepdim=True)], dim=1)


class FromTheTap(nn.Module):
    """Paints what its layer says; or, where it ignores the layer, what it is told."""

    def __init__(self, ignores: bool):
        super().__init__()
        self.ignores, self.body = ignores, Code()

    def forward(self, x, t, labels):
        read = self.body(x, labels)[:, :2]
        return WORLD.render(labels if self.ignores else read)


def painted(change: Change, ignores: bool = False) -> dict:
    target, network = target_of(WORLD, LABEL, change), FromTheTap(ignores)
    other = changed(Loaded(CONFIG, network, None), FAMILY, change, target, seed=0)
    image = FAMILY.sample(other, torch.from_numpy(LABEL[None]), WORLD.shape, torch_generator(0, "noise"))
    assert not network.body._forward_hooks
    return went(WORLD, image.numpy(), LABEL, target)["matched"]


CHANGES = (
    Change("body", "patch", (18.0, 5.0)),
    Change("body", "part", (18.0, 5.0)),
    Change("body", "steer", (11.0, -11.0)),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.how)
def test_an_image_that_is_painted_from_the_tap_alone_follows_and_one_that_ignores_it_stays(change):
    found = painted(change)
    assert found["went"] == "followed"
    assert found["at"] == pytest.approx([18, 5], abs=0.6)
    assert painted(change, ignores=True)["went"] == "stayed"


def test_what_is_put_in_too_near_to_what_is_told_is_told_as_either():
    assert painted(Change("body", "patch", (7.25, 16.0)))["went"] == "either"


@pytest.mark.parametrize(
    ("change", "named"),
    [(Change("nowhere", "ablate"), "`layer`"), (Change("body", "move"), "`how`"),
     (Change("body", "patch"), "`towards`"), (Change("body", "patch", (1.0, 99.0)), "`y`"),
     (Change("body", "steer"), "`by`"), (Change("body", "steer", (0.0, 0.0)), "`by`"),
     (Change("body", "steer", (20.0, 0.0)), "`by`"), (Change("body", "ablate", (1.0, 1.0)), "`towards`")],
)  # fmt: skip
def test_what_cannot_be_is_named(change, named):
    with pytest.raises(UserError, match=named):
        painted(change)
