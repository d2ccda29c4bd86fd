"""A user's own network, and what watches it."""

import torch

from helpers.tiny import TINY
from phasescope import watch
from phasescope.models.families import DiffusionConfig
from phasescope.worlds import GaussianBump

WORLD = GaussianBump(canvas=8)
FAMILY = DiffusionConfig.from_tree(
    {"schedule": {"kind": "linear", "steps": 50}, "sampler": {"kind": "ddim", "steps": 2}}
)
PLAN = {name: value for name, value in TINY["probing"].items() if name not in ("layers", "t", "snapshots")}
BATCH = 16


class Net(torch.nn.Module):
    def __init__(self, channels=1):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.enter = torch.nn.Conv2d(channels, 4, 3, padding=1)
            self.drop = torch.nn.Dropout(0.1)
            self.leave = torch.nn.Conv2d(4, channels, 3, padding=1)

    def forward(self, x_t, t, labels):
        told = labels.nan_to_num(0.0).mean(1).view(-1, 1, 1, 1) / 8
        return self.leave(self.drop(torch.tanh(self.enter(x_t) + told)))


def watcher_of(folder, world=WORLD, **fields):
    return watch(world, ["enter"], family=FAMILY, folder=folder, t=[40], **{**PLAN, **fields})
