"""All that determines a run, and how its user says it: presets, YAML, `key=value`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from phasescope.config import Config, UserError, merge, parse_overrides, read_yaml, set_overrides
from phasescope.families.diffusion.config import DiffusionConfig
from phasescope.networks.config import UNetConfig
from phasescope.presets import preset
from phasescope.probing.config import ProbingConfig
from phasescope.training.config import TrainingConfig
from phasescope.worlds.gaussian_bump import GaussianBumpConfig


class RunConfig(Config):
    """All that determines a run."""

    name: str = Field("bumps", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    """name of the run's folder, before the hash"""
    seed: int = Field(0, ge=0)
    """what all randomness derives from"""
    world: GaussianBumpConfig = GaussianBumpConfig()
    """images, their factors, and which of them are learnt"""
    family: DiffusionConfig = DiffusionConfig()
    """how images are learnt and painted"""
    network: UNetConfig = UNetConfig()
    """the function approximator"""
    training: TrainingConfig = TrainingConfig()
    """steps, batches, optimiser"""
    probing: ProbingConfig = ProbingConfig()
    """what is recorded, and when"""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self.network.check_canvas(self.world.canvas)
        for tap in self.probing.taps:
            if tap not in self.network.taps:
                raise ValueError(
                    f"`probing.taps` (={tap}) must be taps of the network: {', '.join(self.network.taps)}"
                )
        dropout, factors = self.training.label_dropout, [factor.name for factor in self.world.factors]
        if isinstance(dropout, tuple) and len(dropout) != len(factors):
            raise ValueError(
                f"`training.label_dropout` (={list(dropout)}) must be one share, or one for each of "
                f"{', '.join(factors)}"
            )
        last = self.family.schedule.steps - 1
        for t in self.probing.timesteps:
            if t > last:
                raise ValueError(
                    f"`probing.timesteps` (={t}) must be at most {last}: the schedule has {last + 1} steps"
                )
        return self

    @property
    def folder(self) -> str:
        """The name of the run's folder: <name>-<first 8 digits of the hash>."""
        return f"{self.name}-{self.digest()}"


def load_config(file: Path | None = None, words: Iterable[str] = ()) -> RunConfig:
    """The configuration that a YAML file and `key=value` words describe, over the preset that either names.

    Raises:
        UserError: names the field, its value and the rule.
    """
    tree = set_overrides(read_yaml(file) if file else {}, parse_overrides(words))
    defaults = RunConfig().tree()
    if (name := tree.pop("preset", None)) is not None:
        defaults = merge(defaults, preset(str(name)))
    return RunConfig.of(merge(defaults, tree))


def load_words(words: Sequence[str]) -> RunConfig:
    """The configuration that a command line's ``[FILE.yaml] [key=value ...]`` describes.

    Raises:
        UserError: names the field or the word, its value and the rule.
    """
    overrides = [word for word in words if re.match("[^/=]*=", word)]
    files = [word for word in words if word not in overrides]
    for word in files:
        if not word.endswith((".yaml", ".yml")):
            raise UserError(f"`{word}` must be FILE.yaml or key=value, as in world.sigma_px=2")
    if len(files) > 1:
        raise UserError(f"`FILE` (={files[1]}) must be the only file: {files[0]} is given already")
    return load_config(Path(files[0]) if files else None, overrides)
