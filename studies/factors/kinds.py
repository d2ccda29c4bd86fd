"""A world of one object with four factors and a class: its place, width and contrast, and whether it is a disc or a ring."""

from typing import Any

import numpy as np

from phasescope import Factor, Factors, Outcome, Reader, World

OUTCOMES = (
    Outcome("none", "A", "#c7ccd2"), Outcome("misshapen", "A", "#7d4f50"),
    Outcome("elsewhere", "B", "#e69f00"), Outcome("attribute", "B", "#009e73"), Outcome("correct", "C", "#0072b2"),
)  # fmt: skip
SCALE = 32.0  # range of every label, so that a network is given all factors alike
TOLERANCE = SCALE / 8
IMAGES = 4096  # that are trained on
FAINT, MISSHAPEN = 0.5, 0.5
"""contrast over the least that is trained on, and share of an image's energy that an object explains: below, it fails"""
WIDTHS = np.linspace(-0.2 * SCALE, 1.2 * SCALE, 41)


class OneObject(World):
    """A dark disc exp(-s) or ring s exp(1 - s), s = r² / (2 width²), on a white canvas that is periodic."""

    canvas: int = 32
    place_px: tuple[float, float] = (4.0, 28.0)
    """range of x and of y"""
    width_px: tuple[float, float] = (1.0, 3.0)
    contrast: tuple[float, float] = (0.4, 1.0)

    @property
    def factors(self) -> Factors:
        measured = (Factor(name, 0.0, SCALE) for name in ("x", "y", "width", "contrast"))
        return Factors((*measured, Factor("shape", 0, 1, categorical=True, classes=("disc", "ring"))))

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.canvas, self.canvas

    def training_labels(self) -> np.ndarray:
        return self.draw_labels(IMAGES, np.random.default_rng(0))

    def render(self, labels: Any) -> Any:
        import torch

        ranges = (self.place_px, self.place_px, self.width_px, self.contrast)
        values = (low + labels[:, k] / SCALE * (high - low) for k, (low, high) in enumerate(ranges))
        x, y, width, contrast = (value[:, None, None] for value in values)
        at, half = torch.arange(1, self.canvas + 1, dtype=labels.dtype, device=labels.device), self.canvas / 2
        dx, dy = ((away + half) % self.canvas - half for away in (at - x, at[:, None] - y))
        s = (dx**2 + dy**2) / (2 * width**2)
        ring = labels[:, 4, None, None] > 0.5
        return (1 - 2 * contrast * torch.where(ring, s * torch.exp(1 - s), torch.exp(-s)))[:, None]

    def reader(self) -> "ObjectReader":
        return ObjectReader(self)


class ObjectReader(Reader):
    """Reads every image as the object that explains most of it: its shape, a width of `WIDTHS`, a place between pixels."""

    outcomes = OUTCOMES

    def __init__(self, world: OneObject):
        import torch

        self.world, self.factors = world, world.factors
        self.candidates = np.array([[0.0, 0.0, width, SCALE, shape] for shape in (0, 1) for width in WIDTHS])
        first = world.model_copy(update={"place_px": (1.0, 2.0), "contrast": (0.0, 1.0)})  # in a corner
        self.ink = (1 - first.render(torch.from_numpy(self.candidates))[:, 0].numpy()) / 2

    def read(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the estimate of each factor in the labels' unit, and the share of the energy that is explained."""
        waves, energy = np.fft.rfft2((1 - images[:, 0]) / 2), ((1 - images[:, 0]) ** 2).sum((1, 2)) / 4 + 1e-9
        best = {name: np.zeros(len(images)) for name in (*self.factors.names, "explained")}
        for label, ink in zip(self.candidates, self.ink, strict=True):
            norm, size, n = np.linalg.norm(ink), len(ink), np.arange(len(images))
            score = np.fft.irfft2(waves * np.fft.rfft2(ink).conj(), s=ink.shape) / norm
            row, column = np.unravel_index(score.reshape(len(n), -1).argmax(1), ink.shape)
            off_y, rise_y = vertex(*(score[n, (row + shift) % size, column] for shift in (-1, 0, 1)))
            off_x, rise_x = vertex(*(score[n, row, (column + shift) % size] for shift in (-1, 0, 1)))
            height = np.maximum(score[n, row, column] + rise_x + rise_y, 0)
            found = {
                "x": self.unit(column + off_x + 1, "place_px"), "y": self.unit(row + off_y + 1, "place_px"),
                "width": label[2], "contrast": self.unit(height / norm, "contrast"), "shape": label[4],
                "explained": height**2 / energy,
            }  # fmt: skip
            better = found["explained"] > best["explained"]
            best = {name: np.where(better, found[name], values) for name, values in best.items()}
        return best

    def unit(self, value: Any, field: str) -> Any:
        low, high = getattr(self.world, field)
        return (value - low) / (high - low) * SCALE

    def errors(self, columns: Any, labels: np.ndarray) -> np.ndarray:
        estimates = np.stack([columns[name] for name in self.factors.names], axis=1)
        return self.factors.difference(estimates, labels)

    def right(self, columns: Any, labels: np.ndarray) -> np.ndarray:
        """Return whether each factor is correct; none gates another."""
        return np.abs(self.errors(columns, labels)) <= np.where(self.factors.categorical, 0, TOLERANCE)

    def outcome(self, columns: Any, labels: np.ndarray) -> np.ndarray:
        faint = columns["contrast"] < self.unit(FAINT * self.world.contrast[0], "contrast")
        right = self.right(columns, labels)
        cases = [faint, columns["explained"] < MISSHAPEN, ~right[:, :2].all(1), ~right.all(1)]
        return np.select(cases, [outcome.name for outcome in OUTCOMES[:-1]], OUTCOMES[-1].name)


def vertex(before: np.ndarray, here: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where a parabola through three neighbours is highest, px from the middle one, and by how much."""
    bend = np.minimum(before - 2 * here + after, -1e-9)
    return np.clip((before - after) / (2 * bend), -0.5, 0.5), -((before - after) ** 2) / (8 * bend)
