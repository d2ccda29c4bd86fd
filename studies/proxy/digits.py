"""Handwritten digits at (x, y) instead of bumps: which digit an image shows is not given to the network."""

from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from sklearn.datasets import load_digits

from phasescope import Factor, Factors, Outcome, Reader
from studies.proxy.kinds import VARIANTS, Bumps

BOX = 10  # px of the box in which a digit of 8 px is centred; twice as many if sigma_px=2


@cache
def digits() -> torch.Tensor:
    """Return the ink in [0, 1] of scikit-learn's first digits, its centre in the middle of each box, (VARIANTS, 10, 10)."""
    ink = torch.from_numpy(np.pad(load_digits().images[:VARIANTS] / 16, ((0, 0), (1, 1), (1, 1)))).float()
    at, share = torch.arange(BOX) - (BOX - 1) / 2, ink / ink.sum((1, 2), keepdim=True)
    return draw(ink, -torch.stack([share.sum(1) @ at, share.sum(2) @ at], dim=1), at)


def draw(ink: torch.Tensor, places: torch.Tensor, pixels: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
    """Return boxes of ink (n, 10, 10) about places (n, 2), enlarged by `scale`, at N pixels by bilinear interpolation."""
    x, y = (2 / (BOX * scale) * (pixels.to(places) - places[:, :, None])).unbind(dim=1)
    grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), dim=3)
    return torch.nn.functional.grid_sample(ink[:, None], grid, align_corners=False)[:, 0]


class Digits(Bumps):
    """A digit, dark on white, its ink's centre at (x, y), of a size in proportion to `sigma_px`; stripes as beside bumps."""

    kind: str = ""
    clutter: Literal[0] = 0
    wrong: Literal[0] = 0
    faintest: Literal[1] = 1

    @property
    def factors(self) -> Factors:
        variant = Factor("variant", 0, VARIANTS - 1, categorical=True, hidden=True)
        return Factors((*super().factors, variant))

    def render(self, labels: torch.Tensor) -> torch.Tensor:
        number, stripe = labels[:, 2].long(), (labels[:, :2] == 0).any(dim=1)
        ink = draw(
            digits().to(labels)[number], labels[:, :2], torch.arange(1, self.canvas + 1), self.sigma_px
        )
        digit = self.blank * (1 - 2 * ink)[:, None]
        return torch.where(stripe[:, None, None, None], super().render(labels), digit)

    def reader(self) -> "DigitReader":
        return DigitReader(self.canvas, self.sigma_px)


class DigitReader(Reader):
    """Reads a digit's place, to 0.5 px, by the matched filter against the mean digits of ten classes."""

    outcomes = (Outcome("misplaced", "B", "#e69f00"), Outcome("correct", "C", "#0072b2"))
    tolerance = np.ones(2)

    def __init__(self, canvas: int, scale: float):
        self.places, self.filters = filters_of(canvas, scale)

    def read(self, images: np.ndarray) -> dict[str, np.ndarray]:
        ink = (1 - torch.from_numpy(images).flatten(1)) / 2
        best = torch.stack([ink @ each.T for each in self.filters]).amax(0).argmax(1)
        return dict(zip("xy", self.places[best].numpy().T, strict=True))

    def errors(self, columns: Any, labels: np.ndarray) -> np.ndarray:
        return np.stack([columns["x"], columns["y"]], axis=1) - labels

    def ungated(self, columns: Any, labels: np.ndarray) -> dict[str, np.ndarray]:
        return {"refined": self.errors(columns, labels)}

    def correct(self, columns: Any, labels: np.ndarray) -> np.ndarray:
        return self.within(self.errors(columns, labels), labels)

    def outcome(self, columns: Any, labels: np.ndarray) -> np.ndarray:
        return np.where(self.correct(columns, labels).all(axis=1), "correct", "misplaced")


@cache
def filters_of(canvas: int, scale: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Return places (M, 2) and, by class, the mean digit at each, of norm 1: (M, N * N)."""
    at, classes = torch.arange(2 * canvas + 1) / 2, load_digits().target[:VARIANTS]
    places = torch.cartesian_prod(at, at)
    means = [digits()[classes == number].mean(0).expand(len(places), -1, -1) for number in range(10)]
    drawn = [draw(mean, places, at[2::2], scale).flatten(1) for mean in means]
    return places, [each / each.norm(dim=1, keepdim=True) for each in drawn]
