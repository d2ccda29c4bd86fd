"""The label gradient: how strongly training is pulled towards using the condition, against its own noise.

The gradient of the loss 1/2 |f - y|^2 is that of a model which the condition cannot help, J'(f - y*_none), and

    J'(y*_none - y)

with J the derivative of the model's answer by its parameters, y its target, and y*_none = E[y | x_t], the exact answer
without condition. Given x_t its second factor is 0 on average over conditions, so that all of its mean comes from answers
whose derivative depends on the condition: it is the force towards the condition. What stands against it is its own noise.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from phasescope.models.families.diffusion.meter.calling import Caller
from phasescope.models.families.diffusion.meter.draws import Draws
from phasescope.models.families.diffusion.meter.reading import Mean

GROUPS = 8
"""of draws, whose mean gradients are compared"""
LEAST_GROUPS = 3
"""for a standard error"""


def label_gradient(caller: Caller, drawn: Draws, blind: Tensor) -> Mean | None:
    """Return the squared length of the mean label gradient over the trace of its covariance between images.

    Times the images of a batch it is the squared length of the force over its variance in a step. The squared length is
    that of products between groups of other images, so that noise alone does not make one; it may be below 0. The standard
    error is a jackknife over groups. None with fewer than three pairs.

    Args:
        blind: the exact answers without condition, (n, *shape).

    Raises:
        UserError: the model's answers do not depend on its parameters by a derivative.
    """
    groups = groups_of(drawn.pair)
    if len(groups) < LEAST_GROUPS:
        return None

    force = blind - drawn.target
    means = [caller.mean_gradient(drawn, force, rows) for rows in groups]
    products = np.array([[float(torch.dot(a, b)) for b in means] for a in means])
    images = len(drawn.pair) / len(groups)

    value = length_over_variance(products, images)
    number = len(groups)
    without = [
        length_over_variance(np.delete(np.delete(products, k, axis=0), k, axis=1), images)
        for k in range(number)
    ]
    se = math.sqrt((number - 1) / number * np.square(np.array(without) - np.mean(without)).sum())
    return Mean(value, se)


def groups_of(pair: np.ndarray) -> list[np.ndarray]:
    """Return the rows of each group, eight at most: all draws of one pair are in one, so that groups share no image."""
    split = np.array_split(np.unique(pair), min(GROUPS, len(np.unique(pair))))
    return [np.flatnonzero(np.isin(pair, pairs)) for pairs in split]


def length_over_variance(products: np.ndarray, images: float) -> float:
    """Return |E g|^2 over the trace of g's covariance between images, from the inner products of group means, (K, K).

    Args:
        images: in a group.
    """
    number = len(products)
    own, between = np.trace(products), products.sum() - np.trace(products)
    length = between / (number * (number - 1))
    variance = images * (own / number - length)
    return float(length / variance) if variance > 0 else 0.0
