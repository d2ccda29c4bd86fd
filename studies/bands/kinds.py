"""A world whose labels fill a torus of any dimension: K periodic lines, each in a band of rows of its own."""

from typing import Any

import numpy as np
from pydantic import Field

from phasescope import Factor, Factors, Outcome, Reader, World, worlds

MOST = 4  # bands of the canvas; those beyond the factors are blank
OUTCOMES = (
    Outcome("none", "A", "#c7ccd2"), Outcome("malformed", "A", "#7d4f50"),
    Outcome("misplaced", "B", "#e69f00"), Outcome("correct", "C", "#0072b2"),
)  # fmt: skip
TOLERANCE_PX, PER_PX = 1.0, 4  # largest error of a correct line; candidates of its place
FAINT, RESIDUAL = 0.5, 0.1
"""contrast of a band's line below which there is none, and root mean square beside it above which it is malformed"""


class Bands(World):
    """Dark lines of a Gaussian profile, one in each of `count` bands, periodic along x, on white."""

    count: int = Field(1, ge=1, le=MOST)
    canvas: int = Field(32, ge=8)
    sigma_px: float = 1.0
    design: worlds.Grid = Field(worlds.Grid(), validate_default=True)

    @property
    def factors(self) -> Factors:
        return Factors(
            Factor(f"x{k + 1}", 0.0, float(self.canvas), "px", periodic=True) for k in range(self.count)
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.canvas, self.canvas

    def training_labels(self) -> np.ndarray:
        return self.design.labels(self.factors)

    def render(self, labels: Any) -> Any:
        import torch

        at, half = torch.arange(1, self.canvas + 1, dtype=labels.dtype, device=labels.device), self.canvas / 2
        away = (at - labels[:, :, None] + half) % self.canvas - half
        lines = torch.exp(-0.5 * (away / self.sigma_px) ** 2).repeat_interleave(self.canvas // MOST, dim=1)
        return (1 - 2 * torch.nn.functional.pad(lines, (0, 0, 0, self.canvas - lines.shape[1])))[:, None]

    def reader(self) -> "BandReader":
        return BandReader(self)


class BandReader(Reader):
    """Reads each band by the line that its mean over rows is most like, and by how much else is in it."""

    outcomes = OUTCOMES

    def __init__(self, world: Bands):
        import torch

        self.factors, self.rows = world.factors, world.canvas // MOST
        self.at = np.arange(world.canvas * PER_PX) / PER_PX
        labels = np.repeat(self.at[:, None], world.count, axis=1)
        self.lines = (1 - world.render(torch.from_numpy(labels))[:, 0, 0].numpy()) / 2

    def read(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return each line's place, px, its contrast, and what is left of its band, root mean square."""
        columns = {}
        for k, name in enumerate(self.factors.names):
            band = (1 - images[:, 0, k * self.rows : (k + 1) * self.rows]) / 2
            score = band.mean(1) @ self.lines.T / (self.lines**2).sum(1)
            best, height = score.argmax(1), score.max(1)
            left = band - (height[:, None] * self.lines[best])[:, None]
            columns |= {
                name: self.at[best],
                f"{name}_contrast": height,
                f"{name}_left": np.sqrt((left**2).mean((1, 2))),
            }
        return columns

    def _each(self, columns: Any, ending: str = "") -> np.ndarray:
        return np.stack([columns[name + ending] for name in self.factors.names], axis=1)

    def errors(self, columns: Any, labels: np.ndarray) -> np.ndarray:
        return self.factors.difference(self._each(columns), labels)

    def right(self, columns: Any, labels: np.ndarray) -> np.ndarray:
        formed = (self._each(columns, "_contrast") >= FAINT) & (self._each(columns, "_left") <= RESIDUAL)
        return formed & (np.abs(self.errors(columns, labels)) <= TOLERANCE_PX)

    def outcome(self, columns: Any, labels: np.ndarray) -> np.ndarray:
        faint, left = self._each(columns, "_contrast") < FAINT, self._each(columns, "_left") > RESIDUAL
        failures = [each.any(1) for each in (faint, left, ~self.right(columns, labels))]
        return np.select(failures, [outcome.name for outcome in OUTCOMES[:-1]], OUTCOMES[-1].name)
