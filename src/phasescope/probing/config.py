"""What is recorded of a run while it learns, as its user writes it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from phasescope.config import Config


class SnapshotPlanConfig(Config):
    """Dense early, then even; the first and the last step always."""

    dense_every: int = Field(200, ge=1)
    """steps between early snapshots"""
    dense_until: int = Field(400, ge=0)
    """step up to which snapshots are dense"""
    every: int = Field(400, ge=1)
    """steps between later snapshots"""

    def due(self, step: int, last: int) -> bool:
        """Whether a snapshot is due after `step` steps of a run of `last`."""
        every = self.dense_every if step <= self.dense_until else self.every
        return step % every == 0 or step == last


class PlaceConfig(Config):
    """Where in the network, and at which noise level, a representation is read."""

    tap: str
    """a tap of the network"""
    timestep: int = Field(ge=0)
    """timestep t of the noisy images"""


class ProbingConfig(Config):
    """The snapshots: when, which labels, which taps and timesteps."""

    snapshots: SnapshotPlanConfig = SnapshotPlanConfig()
    """when snapshots are taken"""
    taps: tuple[str, ...] = Field(("down3", "mid"), min_length=1)
    """places whose activations are recorded, by name"""
    timesteps: tuple[Annotated[int, Field(ge=0)], ...] = Field((50, 300, 600, 900), min_length=1)
    """timesteps t at which latents are recorded"""
    grid_labels: int = Field(128, ge=16)
    """images painted for labels of the training grid"""
    off_grid_labels: int = Field(64, ge=16)
    """images painted for labels off the grid"""
    latent_labels: int = Field(512, ge=64)
    """off-grid labels whose latents are recorded"""
    share_labels: int = Field(128, ge=16)
    """of these, labels with several noise draws each"""
    share_draws: int = Field(4, ge=2)
    """noise draws for each of these"""
    bands: int = Field(10, ge=1)
    """equal bands of t in which the denoising error is measured"""
    band_images: int = Field(32, ge=1)
    """noisy images in each band"""
    representation: PlaceConfig = PlaceConfig(tap="mid", timestep=600)
    """where the representation's phase is read"""
    p1: PlaceConfig | None = PlaceConfig(tap="down3", timestep=600)
    """where it is read P1's way, by UMAP to 3D and a linear regression; null leaves that out"""
    umap_seeds: int = Field(1, ge=1, le=100)
    """random starts of that UMAP, over which P1's order is averaged"""
    batch: int = Field(64, ge=1)
    """images in one pass of the network while observing"""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.share_labels > self.latent_labels:
            raise ValueError(
                f"`probing.share_labels` (={self.share_labels}) must be at most "
                f"`probing.latent_labels` (={self.latent_labels})"
            )
        for field, place in (("representation", self.representation), ("p1", self.p1)):
            if place is None:
                continue
            if place.tap not in self.taps:
                raise ValueError(
                    f"`probing.{field}.tap` (={place.tap}) must be one of `probing.taps`: {', '.join(self.taps)}"
                )
            if place.timestep not in self.timesteps:
                raise ValueError(
                    f"`probing.{field}.timestep` (={place.timestep}) must be one of `probing.timesteps`: "
                    + ", ".join(map(str, self.timesteps))
                )
        return self
