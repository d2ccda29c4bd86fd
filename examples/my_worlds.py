"""A world of four factors that is no bump: a coloured ring of radius r at (x, y), of any hue, on white."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from phasescope import Factor, Factors, Outcome, Reader, World
from phasescope.worlds import Grid

OUTCOMES = (
    Outcome("nothing", "A", "#c7ccd2"),
    Outcome("smear", "A", "#7d4f50"),
    Outcome("elsewhere", "B", "#e69f00"),
    Outcome("right", "C", "#0072b2"),
)
WIDTH_PX = 0.8
"""standard deviation of the ring's line"""


class Rings(World):
    canvas: int = Field(16, ge=8)
    design: Grid = Grid.model_validate({"dx": 2, "dy": 2, "dr": 1, "dhue": 0.25, "ends": "low"})

    @property
    def factors(self):
        x, y = (Factor(name, 5.0, self.canvas - 4.0, "px") for name in "xy")
        return Factors((x, y, Factor("r", 2.0, 4.0, "px"), Factor("hue", 0.0, 1.0, "turns", periodic=True)))

    @property
    def shape(self):
        return 3, self.canvas, self.canvas

    position: ClassVar = ("x", "y")

    def training_labels(self):
        return self.design.labels(self.factors)

    def render(self, labels):
        import torch

        at = torch.arange(1, self.canvas + 1, dtype=labels.dtype, device=labels.device)
        x, y, r, hue = (labels[:, k, None, None] for k in range(4))
        distance = torch.sqrt((at - x) ** 2 + (at[:, None] - y) ** 2 + 1e-6)
        line = torch.exp(-0.5 * ((distance - r) / WIDTH_PX) ** 2)
        turns = torch.stack([hue + shift for shift in (0.0, 1 / 3, 2 / 3)], dim=1)
        ink = 1 + torch.cos(2 * torch.pi * turns)  # what the ring takes from each channel's white
        return 1 - line[:, None] * ink

    def reader(self):
        return RingReader(self.factors)

    def sentence(self):
        return "a coloured ring of radius r at (x, y), of any hue"


class RingReader(Reader):
    """Reads the ring as the ink that it takes from the white: its centre, its mean distance from it, its hue."""

    outcomes = OUTCOMES
    tolerance = np.array([1.0, 1.0, 0.5, 0.1])

    def __init__(self, factors):
        self.factors = factors

    def read(self, images):
        ink = np.clip(1 - images.astype(float), 0, None)
        weight = ink.mean(axis=1)
        mass = weight.sum(axis=(1, 2)) + 1e-9
        at = np.arange(1, weight.shape[1] + 1)
        x, y = ((weight.sum(axis=axis) * at).sum(axis=1) / mass for axis in (1, 2))
        distance = np.hypot(at - x[:, None, None], at[:, None] - y[:, None, None])
        r = (weight * distance).sum(axis=(1, 2)) / mass
        spread = np.sqrt((weight * (distance - r[:, None, None]) ** 2).sum(axis=(1, 2)) / mass)
        waves = np.exp(-2j * np.pi * np.arange(3) / 3)
        hue = (np.angle((ink.mean(axis=(2, 3)) * waves).sum(axis=1)) / (2 * np.pi)) % 1
        return {"x": x, "y": y, "r": r, "hue": hue, "ink": mass, "spread": spread}

    def errors(self, columns, labels):
        return self.factors.difference(
            np.stack([columns[name] for name in self.factors.names], axis=1), labels
        )

    def correct(self, columns, labels):
        formed = (columns["ink"] > 3) & (columns["spread"] < 1.5)
        return formed[:, None] & (np.abs(self.errors(columns, labels)) <= self.tolerance)

    def outcome(self, columns, labels):
        cases = [columns["ink"] <= 3, columns["spread"] >= 1.5, ~self.correct(columns, labels).all(axis=1)]
        return np.select(cases, [outcome.name for outcome in OUTCOMES[:3]], default="right")
