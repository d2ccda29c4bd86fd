"""Which rungs of the ladder a task has: each named, from what knows least to what knows all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from phasescope.families.base import Task
from phasescope.families.diffusion.optimum import (
    Answering,
    ConditionalOptimum,
    Optimum,
    PartialOptimum,
    UnconditionalOptimum,
    label_optimum,
)
from phasescope.families.diffusion.rungs import LocalMachine, MeanImage, OrbitOptimum, Wiener, check_shift

MOST_PIXELS = 4096
"""of an image whose covariance is taken apart"""


@dataclass(frozen=True, eq=False)
class Rung:
    """One exact optimum of a task, and what it is not told.

    Attributes:
        name: in words.
        optimum: of each factor that is told, or of none.
        hidden: factors that are not told, by their number.
    """

    name: str
    optimum: Optimum
    hidden: tuple[int, ...] = ()


def nats_of(task: Task, columns: Sequence[int]) -> float:
    """Nats that these columns of a label tell of a training image: of labels that name several images their entropy."""
    counts = np.unique(task.training[:, list(columns)], axis=0, return_counts=True)[1]
    if not task.factors.hidden:
        return math.log(len(counts))
    shares = counts / counts.sum()
    return float(-shares @ np.log(shares))


@dataclass(frozen=True, eq=False)
class Ladder:
    """The rungs of a task, from what knows least to what knows all, and why some of it cannot be had.

    Attributes:
        rungs: mean image, Wiener, local machine, posterior mean, each factor told, label up to shifts, label.
        left_out: name -> reason.
        knows_all, wiener, machine: those of `rungs` that more is asked of.
    """

    rungs: tuple[Rung, ...]
    left_out: dict[str, str]
    knows_all: UnconditionalOptimum
    wiener: Wiener
    machine: LocalMachine

    @classmethod
    def of(cls, diffusion: Answering, task: Task) -> Ladder:
        """All that a task has; what weighs too much to be computed is told by who computes it.

        Raises:
            ValueError: one image, or none; images of too many pixels; a shift that does not divide the canvas; a patch that
                has no middle or is larger than the canvas.
        """
        training = torch.from_numpy(task.training)
        knows_all = UnconditionalOptimum(diffusion, task.render, training)
        first = task.render(training[:1])
        if len(training) < 2:
            raise ValueError(
                f"`design` (of {len(training)} images) must hold two at least: there is something to tell apart"
            )
        if first.numel() > MOST_PIXELS:
            raise ValueError(
                f"`world.shape` (={tuple(first.shape[1:])}) must have at most {MOST_PIXELS} numbers: "
                "its covariance is taken apart"
            )
        if task.shift_px is not None:
            check_shift(task.shift_px, tuple(first.shape[2:]))
        machine = LocalMachine(diffusion, knows_all, task.patch_px, task.periodic)
        wiener = Wiener.of(knows_all)
        hidden = task.factors.hidden
        knows_label = label_optimum(diffusion, task, task.training)
        partial = knows_label if hidden else PartialOptimum.of_grid(diffusion, task.render, task.training)
        rungs = [
            Rung("mean image", MeanImage(diffusion, wiener.mean)),
            Rung("Wiener", wiener),
            Rung(f"local machine, {task.patch_px} px", machine),
            Rung("posterior mean", knows_all),
        ]
        left_out: dict[str, str] = {}
        K, visible = len(task.factors), task.factors.visible
        for k, name in enumerate(task.factors.names if len(visible) > 1 else ()):
            if k in hidden:
                continue
            if partial is None:
                left_out[f"{name} told"] = (
                    "its training set holds not every combination of its factors' values"
                )
            else:
                rungs.append(Rung(f"{name} told", partial, tuple(other for other in range(K) if other != k)))
        if task.shift_px is not None:
            name = f"label up to shifts by {task.shift_px} px"
            if isinstance(knows_label, ConditionalOptimum):
                rungs.append(Rung(name, OrbitOptimum(diffusion, knows_label, task.shift_px)))
            else:
                left_out[name] = "a label names several images"
        rungs.append(Rung("label", knows_label, hidden))
        return cls(tuple(rungs), left_out, knows_all, wiener, machine)

    @property
    def variance(self) -> float:
        """E|x_0 - mean image|^2, summed over pixels."""
        return float(self.wiener.variances.sum())

    @property
    def work(self) -> int:
        """Images x pixels: what one answer that weighs all images costs."""
        return len(self.knows_all.labels) * self.wiener.mean.numel()
