"""The bump as objects in images are: over photographs, with labels that are wrong, of a contrast that no label gives."""

from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from sklearn.datasets import load_sample_images

from phasescope import Factor, Factors, World, worlds
from phasescope.studies import numpy_generator

VARIANTS = 64  # images of each label, which differ in their background or contrast


@cache
def patches(side: int) -> torch.Tensor:
    """Return grey patches of scikit-learn's two photographs, (VARIANTS, side, side) in [0, 1], at places drawn once."""
    places, cut = numpy_generator(0, "patches"), []
    # A mean of 4 x 4 px and three colours: at full resolution most patches show a single surface.
    greys = [image[:424].reshape(106, 4, 160, 12).mean((1, 3)) / 255 for image in load_sample_images().images]
    for number in range(VARIANTS):
        grey = greys[number % 2]
        top, left = (places.integers(length - side + 1) for length in grey.shape)
        cut.append(grey[top : top + side, left : left + side])
    return torch.from_numpy(np.stack(cut).astype(np.float32))


class Bumps(worlds.GaussianBump):
    """A bump over a background. If x or y is 0, which is no bump's label, the image is a stripe at the other one."""

    kind: str = ""
    canvas: int = Field(32, ge=4, le=96)
    boundary: Literal["open"] = "open"
    clutter: float = Field(0.0, ge=0, le=0.4)
    """contrast of the photographs behind the bump, as a share of the full contrast"""
    faintest: float = Field(1.0, ge=0.2, le=1)
    """least contrast of a bump; contrasts are spread evenly from there to 1, and not given to the network"""
    wrong: float = Field(0.0, ge=0, lt=1)
    """share of the design's labels whose images show the place of another such label"""
    shuffle: int = Field(0, ge=0, le=2**31)
    """number of the draw of wrong labels"""
    stripes: float = Field(0.0, ge=0, le=1)
    """vertical stripes, and as many horizontal ones, that are trained on too, as a share of the number of bumps"""

    @property
    def factors(self) -> Factors:
        several = self.clutter or self.faintest < 1
        variant = Factor("variant", 0, VARIANTS - 1, categorical=True, hidden=True)
        return Factors((*super().factors, variant) if several else super().factors)

    def training_labels(self) -> np.ndarray:
        labels = super().training_labels()
        order = numpy_generator(0, "stripes").permutation(len(labels))
        x, y = (labels[order[: round(self.stripes * len(labels))]] for _ in "xy")
        x[:, 1] = y[:, 0] = 0
        return np.concatenate([labels, x, y])

    def wrong_labels(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels (n, 2) whose images are wrong, and the places that these show: each that of the one before."""
        labels = self.design.labels(Factors(self.factors[:2]))
        order = numpy_generator(self.shuffle, "wrong labels").permutation(len(labels))
        wrong = labels[order[: round(self.wrong * len(labels))]]
        return wrong, np.roll(wrong, 1, axis=0)

    def draw_labels(self, n: int, generator: np.random.Generator) -> np.ndarray:
        labels = World.draw_labels(self, n, generator)
        labels[:, :2] = generator.uniform(1, self.canvas, size=(n, 2))
        return labels

    def splits(self) -> Any:
        return super().splits() | {"grid": worlds.some_of(super().training_labels)}

    def render(self, labels: torch.Tensor) -> torch.Tensor:
        at = labels[:, :2]
        if self.wrong:
            wrong, shown = (torch.from_numpy(each).to(labels) for each in self.wrong_labels())
            label, number = (at[:, None] == wrong).all(dim=2).nonzero(as_tuple=True)
            at = at.index_put((label,), shown[number])
        pixels = torch.arange(1, self.canvas + 1, dtype=labels.dtype, device=labels.device)
        away = (at[:, :, None] - pixels) / self.sigma_px
        x, y = torch.where(at[:, :, None] == 0, 1, torch.exp(-0.5 * away**2)).unbind(dim=1)
        ink, behind = y[:, :, None] * x[:, None, :], 0
        if self.factors.hidden:
            ink = ink * (1 - (1 - self.faintest) * labels[:, 2, None, None] / (VARIANTS - 1))
            behind = self.clutter * (1 - patches(self.canvas).to(labels)[labels[:, 2].long()])
        return self.blank * (1 - 2 * (behind + (1 - behind) * ink))[:, None]
