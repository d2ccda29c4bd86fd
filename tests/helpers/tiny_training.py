"""A world, a family and a network whose step takes a millisecond."""

import torch

from phasescope import RunConfig
from phasescope.models.families import DiffusionConfig
from phasescope.models.networks import UNetConfig
from phasescope.models.training.loop import fresh_learner, learn
from phasescope.worlds import GaussianBump

WORLD = GaussianBump.from_tree({"canvas": 8})
FAMILY = DiffusionConfig.from_tree({"schedule": {"kind": "linear", "steps": 50}}).build()
NETWORK = UNetConfig.from_tree({"widths": [4, 8], "groups": 2, "patch": 2, "embedding": {"width": 8}})

ATTENTIVE = UNetConfig.from_tree({**NETWORK.tree(), "attention": ["mid"], "heads": 2})
"""the same with self-attention, whose gradient is where a GPU's bits might not repeat"""

TrainingConfig = type(RunConfig().training)


def config_of(**fields):
    return TrainingConfig.from_tree(
        {"steps": 6, "batch": 5, "warmup": 2, "device": "cpu", "ema": 0.9, **fields}
    )


def single(seed, network=NETWORK, **fields):
    """(learner, losses (steps,)) of a run of `seed`."""
    learner = fresh_learner(network, WORLD.shape, WORLD.factors, config_of(**fields), seed)
    return learner, torch.stack(list(learn(learner, FAMILY, WORLD, seed)))


def assert_same_state(one, other, **tolerance):
    """Equal tensors of two learners, within a tolerance, but for what belongs to the biases of queries, keys and values.

    The keys' bias does not change a softmax: its gradient is rounding, and Adam goes by its sign.
    """
    names = [name for name, _ in one.network.named_parameters()]
    free = [str(index) for index, name in enumerate(names) if name.endswith("qkv.bias")]
    mine, its = one.tensors(), other.tensors()
    assert mine.keys() == its.keys()
    for name, tensor in mine.items():
        if name.endswith("qkv.bias") or (name.startswith("optimiser") and name.split(".")[2] in free):
            continue
        torch.testing.assert_close(
            tensor, its[name], msg=lambda text, name=name: f"{name}: {text}", **tolerance
        )
